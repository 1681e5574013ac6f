// Package margins takes the lines above and below the records of a text apart: titles, and footers
// such as "2 rows". It knows lines and no records: a line ends with one byte, wherever it stands.
package margins

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Limit is how many bytes the lines above or below the records may have.
const Limit = 1 << 20

// endOfFile is Ctrl-Z, with which CP/M and DOS ended texts.
const endOfFile = 0x1A

// Reasons for which lines cannot be taken apart.
var (
	ErrFewLines = errors.New("the file has no more lines than were to be left out")
	ErrTooLong  = errors.New("the lines to be left out have more than 1 MiB")
)

// Head reads the first lines of r, as many as n, and returns them, and a reader of what follows.
func Head(r io.Reader, n int, feed byte) (lines []byte, rest io.Reader, err error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	for found := 0; found < n; {
		part, err := buffered.ReadSlice(feed)
		lines = append(lines, part...)
		switch {
		case len(lines) > Limit:
			return nil, nil, ErrTooLong
		case err == nil:
			found++
		case errors.Is(err, io.EOF):
			return nil, nil, fmt.Errorf("%w: %d", ErrFewLines, n)
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, nil, err
		}
	}
	return lines, buffered, nil
}

// Tail is a reader that keeps the last lines to itself. It is used by one goroutine at a time.
type Tail struct {
	reader io.Reader
	lines  int
	feed   byte
	block  []byte // memory to read into
	held   []byte // read and not given out
	free   int    // how many bytes of held may be given out
	err    error  // how reading ended
	footer []byte
	mark   []byte // a Ctrl-Z at the very end
}

// NewTail returns a reader of r without its last lines, as many as n, at least 1. A line without a
// byte, or with a carriage return alone, does not count: it belongs to the line above it.
func NewTail(r io.Reader, n int, feed byte) *Tail {
	return &Tail{reader: r, lines: n, feed: feed}
}

// Footer returns the last lines, once Read has returned io.EOF, and a Ctrl-Z that followed them.
func (t *Tail) Footer() (lines, mark []byte) { return t.footer, t.mark }

// Read reads what is above the last lines.
func (t *Tail) Read(p []byte) (int, error) {
	for t.free == 0 && t.err == nil {
		t.fill()
	}
	if t.free == 0 {
		return 0, t.err
	}
	n := copy(p, t.held[:t.free])
	t.held, t.free = t.held[n:], t.free-n
	return n, nil
}

// fill reads on, and finds out how much cannot be part of the last lines.
func (t *Tail) fill() {
	if t.block == nil {
		t.block = make([]byte, 256<<10)
	}
	n, err := io.ReadFull(t.reader, t.block)
	t.held = append(t.held, t.block[:n]...)
	switch {
	case err == nil:
		// The last line may go on, and then is one of those looked for, or be one by itself.
		t.free = t.start(t.lines + 1)
		if len(t.held)-t.free > Limit+len(t.block) {
			t.err = ErrTooLong
		}
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		t.end()
	default:
		t.err = err
	}
}

// end takes the last lines off what is held.
func (t *Tail) end() {
	t.err = io.EOF
	if last := len(t.held) - 1; last >= 0 && t.held[last] == endOfFile {
		t.held, t.mark = t.held[:last], []byte{endOfFile}
	}
	t.free = t.start(t.lines)
	t.footer = bytes.Clone(t.held[t.free:])
	switch {
	case t.count(t.footer) < t.lines:
		t.err, t.free = fmt.Errorf("%w: %d", ErrFewLines, t.lines), 0
	case len(t.footer) > Limit:
		t.err, t.free = ErrTooLong, 0
	}
}

// count counts the lines of text that hold something.
func (t *Tail) count(text []byte) (n int) {
	for line := range bytes.SplitSeq(text, []byte{t.feed}) {
		if !isBlank(line) {
			n++
		}
	}
	return n
}

// start returns where the last lines of held begin, as many as n, or 0.
func (t *Tail) start(n int) int {
	end := len(t.held)
	for {
		start := bytes.LastIndexByte(t.held[:end], t.feed) + 1
		if !isBlank(t.held[start:end]) {
			n--
		}
		if n == 0 || start == 0 {
			return start
		}
		end = start - 1
	}
}

func isBlank(line []byte) bool {
	return len(bytes.TrimSuffix(line, []byte{'\r'})) == 0
}
