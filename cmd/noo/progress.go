package main

// The progress bar: on a terminal only, and only for runs that last.

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rivo/uniseg"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// patience is how long a run may take before a bar appears.
const patience = 500 * time.Millisecond

// progress shows how far a run has come. The zero progress shows nothing. It may be used by several goroutines: check takes the bar
// away to say what it found while other files are read.
type progress struct {
	to      *os.File
	name    string
	visible bool
	start   time.Time

	mutex sync.Mutex
	bar   *progressbar.ProgressBar
}

func newProgress(t terminal, quiet bool, input string) *progress {
	file, ok := t.err.(*os.File)
	return &progress{
		to: file, name: displayName(filepath.Base(input), "stdin"), start: time.Now(),
		visible: ok && !quiet && !t.log.on() && term.IsTerminal(int(file.Fd())),
	}
}

// update is told how many bytes of how many were read; total is -1 where unknown.
func (p *progress) update(done, total int64) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if !p.visible {
		return
	}
	if p.bar == nil {
		columns, _, err := term.GetSize(int(p.to.Fd()))
		if err != nil || columns <= 0 { // some that are no real terminals do not say
			columns = 80
		}
		fitted, ok := fit(p.name, columns)
		if !ok {
			p.visible = false
			return
		}
		p.bar = fitted.bar(p.to, total)
	}
	if time.Since(p.start) >= patience {
		_ = p.bar.Set64(done) // a bar that cannot be drawn is no reason to stop
	}
}

// finish takes the bar away.
func (p *progress) finish() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}

// What stands in a line beside the name and the cells of the bar, at its widest, and the least that these two get. A line that is wider than
// the terminal would wrap, and each drawing leave the one before behind.
const (
	fixedColumns = len(" 100% || (1000 kB/s) ")
	timeColumns  = len(" [10h10m10s:10h10m10s]")
	leastName    = 8
	leastCells   = 8
	mostCells    = 20
)

// line is how the parts of a progress bar share a line of a terminal.
type line struct {
	name  string
	cells int
	times bool // how long it has taken, and will take
}

// fit shares out a line of so many columns, of which the last stays free. It is not ok where there are too few.
func fit(name string, columns int) (l line, ok bool) {
	spare := columns - 1 - fixedColumns
	if l.times = spare-timeColumns >= 2*(leastName+leastCells); l.times {
		spare -= timeColumns
	}
	if spare < leastName+leastCells {
		return line{}, false
	}
	l.name = shortened(name, spare-leastCells)
	l.cells = min(mostCells, spare-uniseg.StringWidth(l.name))
	return l, true
}

// bar makes the bar, which counts the time from now on.
func (l line) bar(w io.Writer, total int64) *progressbar.ProgressBar {
	options := []progressbar.Option{
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(l.name),
		progressbar.OptionShowBytes(true),
		progressbar.OptionSetWidth(l.cells),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionSetPredictTime(l.times),
		progressbar.OptionSetElapsedTime(l.times),
		progressbar.OptionSetSpinnerChangeInterval(0), // or, where the total is unknown, it would draw itself at times of its own
		progressbar.OptionClearOnFinish(),
	}
	if total < 0 {
		options = append(options, progressbar.OptionShowCount()) // there is room where the cells would be
	}
	bar := progressbar.NewOptions64(total, options...)
	bar.StartWithoutRender() // or the rate would be of all bytes so far in the time since it was first drawn
	return bar
}

// shortened cuts a name to so many columns, in the middle and nearer to its start: names of extracts differ at their ends.
func shortened(name string, columns int) string {
	if uniseg.StringWidth(name) <= columns {
		return name
	}
	const ellipsis = "…"
	var characters []string // as a terminal shows them, each in one or two columns
	for rest, state := name, -1; rest != ""; {
		var one string
		one, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		characters = append(characters, one)
	}
	left := columns - 1 // beside the ellipsis
	take := func(character string, most int) bool {
		width := uniseg.StringWidth(character)
		if width > most {
			return false
		}
		left -= width
		return true
	}
	tail := len(characters)
	for third := left / 3; tail > 0 && take(characters[tail-1], left-third); {
		tail--
	}
	head := 0
	for head < tail && take(characters[head], left) {
		head++
	}
	return strings.Join(characters[:head], "") + ellipsis + strings.Join(characters[tail:], "")
}
