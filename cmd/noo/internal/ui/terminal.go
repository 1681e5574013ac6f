// Package ui has what noo says to a person: lines, the summary of a run, and the progress bar. If
// the event log is on, what would be a line is an event instead. No NHS number is ever shown.
package ui

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"noo/cmd/noo/internal/eventlog"
	"noo/internal/nhsnumber"
)

// Terminal is where a command reads and writes.
type Terminal struct {
	In       *os.File
	Out, Err io.Writer
	Log      *eventlog.Log // nil for none

	finishing atomic.Bool
}

// SetFinishing notes whether the command must be left to end by itself: from when it puts its
// outputs in place, or deletes them, nothing may end the process.
func (t *Terminal) SetFinishing(finishing bool) { t.finishing.Store(finishing) }

// Finishing reports what SetFinishing noted last.
func (t *Terminal) Finishing() bool { return t.finishing.Load() }

// Finish is SetFinishing(true).
func (t *Terminal) Finish() { t.finishing.Store(true) }

// Say prints a line for a person.
func (t *Terminal) Say(format string, args ...any) {
	fmt.Fprintln(t.Err, nhsnumber.Mask(fmt.Sprintf(format, args...)))
}

// Fail says why a command failed.
func (t *Terminal) Fail(end eventlog.End) {
	if t.Log.On() {
		t.Log.Fail(end)
		return
	}
	t.Say("noo: %s", end.Error)
}

// Warn says what went wrong beside a run, which goes on all the same.
func (t *Terminal) Warn(text string) {
	if t.Log.On() {
		t.Log.Warn(text)
		return
	}
	t.Say("noo: warning: %s", text)
}
