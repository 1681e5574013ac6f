package ui

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

// Progress shows how far a run has come: on a terminal only, and only for runs that last. It is
// safe for concurrent use: check clears the bar to print a result while it reads other files.
type Progress struct {
	to      *os.File
	name    string
	visible bool
	start   time.Time

	mutex sync.Mutex
	bar   *progressbar.ProgressBar
}

// NewProgress returns a bar for an input, whose time runs from now. It shows nothing if quiet.
func NewProgress(t *Terminal, quiet bool, input string) *Progress {
	file, ok := t.Err.(*os.File)
	return &Progress{
		to: file, name: DisplayName(filepath.Base(input), "stdin"), start: time.Now(),
		visible: ok && !quiet && !t.Log.On() && term.IsTerminal(int(file.Fd())),
	}
}

// Update shows that done of total bytes were read. total is -1 if it is unknown.
func (p *Progress) Update(done, total int64) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if !p.visible {
		return
	}
	if p.bar == nil {
		columns, _, err := term.GetSize(int(p.to.Fd()))
		if err != nil || columns <= 0 { // not every terminal says
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

// Clear removes the bar. The next Update shows it again.
func (p *Progress) Clear() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}

// The widest text beside the name and the cells of the bar, and the least columns for these two. If
// a line is wider than the terminal, it wraps, and the next drawing leaves a part of it behind.
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
	times bool // whether it shows the time spent and the time left
}

// fit lays out a line for a terminal with so many columns. The last column stays free. It reports
// whether there is room for a bar.
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

// bar returns the bar. Its time runs from now.
func (l line) bar(w io.Writer, total int64) *progressbar.ProgressBar {
	options := []progressbar.Option{
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(l.name),
		progressbar.OptionShowBytes(true),
		progressbar.OptionSetWidth(l.cells),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionSetPredictTime(l.times),
		progressbar.OptionSetElapsedTime(l.times),
		// Else it draws itself if the total is unknown.
		progressbar.OptionSetSpinnerChangeInterval(0),
		progressbar.OptionClearOnFinish(),
	}
	if total < 0 {
		// There is room where the cells would be.
		options = append(options, progressbar.OptionShowCount())
	}
	bar := progressbar.NewOptions64(total, options...)
	bar.StartWithoutRender() // else the rate counts from the first drawing
	return bar
}

// shortened cuts a name to so many columns. It cuts in the middle, nearer to the start: names of
// extracts differ at their ends.
func shortened(name string, columns int) string {
	if uniseg.StringWidth(name) <= columns {
		return name
	}
	const ellipsis = "…"
	var characters []string // each is one or two columns wide
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
