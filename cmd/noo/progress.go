package main

// The progress bar: on a terminal only, and only for runs that last.

import (
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// patience is how long a run may take before a bar appears.
const patience = 500 * time.Millisecond

// progress shows how far a run has come. The zero progress shows nothing.
type progress struct {
	terminal terminal
	name     string
	visible  bool
	start    time.Time
	bar      *progressbar.ProgressBar
}

func newProgress(t terminal, quiet bool, input string) *progress {
	file, ok := t.err.(*os.File)
	return &progress{
		terminal: t, name: displayName(filepath.Base(input), "stdin"), start: time.Now(),
		visible: ok && !quiet && !t.log.on() && term.IsTerminal(int(file.Fd())),
	}
}

// update is told how many bytes of how many were read; total is -1 where unknown.
func (p *progress) update(done, total int64) {
	if !p.visible || p.bar == nil && time.Since(p.start) < patience {
		return
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(p.terminal.err),
			progressbar.OptionSetDescription(p.name),
			progressbar.OptionShowBytes(true),
			progressbar.OptionSetWidth(20),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionClearOnFinish(),
		)
	}
	_ = p.bar.Set64(done) // a bar that cannot be drawn is no reason to stop
}

// finish takes the bar away.
func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
