package mesh

// The list of numbers as the national check wants it and gives it: one ten-digit number a line, each
// followed by a comma, lines ended by LF, no header (UK Renal Registry, "National Opt-Out
// Processes"). CRLF is read too, since one public description has it; it is never written.

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"noo/internal/kind"
	"noo/internal/nhsnumber"
	"noo/mesh/control"
)

// lineSize is the length of a line that is written, in bytes: ten digits, a comma and LF.
const lineSize = 12

// Reasons for which an answer is refused, to test with errors.Is.
var (
	// ErrInvalidNumbers is an answer that is control.ServiceError: a list has a number that the
	// service does not take, and it has looked up nobody.
	ErrInvalidNumbers = kind.New(
		kind.Input, "the service refused a number and looked up nobody")
	// ErrMalformed is a line that is not one of a list.
	ErrMalformed = kind.New(
		kind.Input, "not a line of an NHS number and a comma; get the answer again")
	// ErrCutShort is a list that ends inside a line.
	ErrCutShort = kind.New(
		kind.Input, "the list ends inside a line: it was cut short; get the answer again")
	// ErrTwice is a number that is in an answer twice.
	ErrTwice = kind.New(
		kind.Input, "the number of an earlier line again; get the answer again")
	// ErrNotSent is a number in an answer that was not sent.
	ErrNotSent = kind.New(
		kind.Input, "a number that was not sent: this answers another request")
)

// ListError is a list that is refused, with the place. It never holds what the line holds.
type ListError struct {
	Name string // of the file or message
	Line int64  // from 1, or 0 for the list as a whole
	Err  error
}

// Error gives one line.
func (e *ListError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %v", e.Name, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", e.Name, e.Line, e.Err)
}

// Unwrap returns the reason.
func (e *ListError) Unwrap() error { return e.Err }

// Kind returns kind.Input.
func (*ListError) Kind() kind.Kind { return kind.Input }

// appendLines appends the lines of the numbers with these keys to dst.
func appendLines(dst []byte, keys []nhsnumber.Key) ([]byte, error) {
	for _, key := range keys {
		digit, ok := nhsnumber.CheckDigit(key)
		if !ok {
			return nil, errors.New("internal error: a key without a number: please report it")
		}
		var line [lineSize]byte
		for at, rest := 8, key; at >= 0; at, rest = at-1, rest/10 {
			line[at] = '0' + byte(rest%10)
		}
		line[9], line[10], line[11] = '0'+byte(digit), ',', '\n'
		dst = append(dst, line[:]...)
	}
	return dst, nil
}

// blockLines is how many lines are read together where all end in LF.
const blockLines = 4096

// readList reads a list and hands its keys to take, in their order, some thousands at a time with
// the line of the first, from 1. The slice is lent for the time of the call. An error of take or
// of r is returned as it is. Every other error is a *ListError with the name.
func readList(r io.Reader, name string, take func(first int64, keys []nhsnumber.Key) error) error {
	in := &listReader{name: name, from: bufio.NewReaderSize(r, 2*blockLines*lineSize), line: 1}
	for {
		keys, err := in.block()
		if len(keys) > 0 {
			if err := take(in.line-int64(len(keys)), keys); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// listReader reads a list block by block.
type listReader struct {
	name   string
	from   *bufio.Reader
	line   int64 // the next line
	keys   [blockLines]nhsnumber.Key
	others []int32
}

// block reads the next lines. The error may come with keys that were read before it.
func (l *listReader) block() ([]nhsnumber.Key, error) {
	ahead, err := l.from.Peek(blockLines * lineSize)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if n := l.plain(ahead); n > 0 {
		l.line += int64(n)
		_, _ = l.from.Discard(n * lineSize) // it was peeked at
		return l.keys[:n], nil
	}
	if len(ahead) == 0 {
		return nil, io.EOF
	}
	return l.oneLine(ahead)
}

// plain reads lines that end in LF as long as there are such, and returns how many.
func (l *listReader) plain(ahead []byte) int {
	n := len(ahead) / lineSize
	for i := range n {
		if ahead[i*lineSize+10] != ',' || ahead[i*lineSize+11] != '\n' {
			n = i
			break
		}
	}
	if n == 0 {
		return 0
	}
	l.others = nhsnumber.ParseTens(l.keys[:n], ahead, lineSize, l.others[:0])
	if len(l.others) > 0 {
		n = int(l.others[0])
	}
	return n
}

// oneLine reads one line with either end, or says what is wrong with it.
func (l *listReader) oneLine(ahead []byte) ([]nhsnumber.Key, error) {
	text, _, ended := bytes.Cut(ahead[:min(len(ahead), len(control.ServiceError)+2)], []byte("\n"))
	size := len(text) + 1
	text = bytes.TrimSuffix(text, []byte("\r"))
	number, comma := bytes.CutSuffix(text, []byte(","))
	switch {
	case l.line == 1 && len(ahead) == size && len(text) == 0:
		// MESH carries no empty message: a blank line is an empty list.
		_, _ = l.from.Discard(size) // it was peeked at
		return nil, io.EOF
	case l.line == 1 && string(bytes.TrimSpace(text)) == control.ServiceError:
		return nil, &ListError{Name: l.name, Err: ErrInvalidNumbers}
	case !ended && len(ahead) <= lineSize:
		return nil, &ListError{l.name, l.line, ErrCutShort}
	case !ended || !comma || len(number) != 10:
		return nil, &ListError{l.name, l.line, ErrMalformed}
	}
	if l.others = nhsnumber.ParseTens(l.keys[:1], number, 10, l.others[:0]); len(l.others) > 0 {
		return nil, &ListError{l.name, l.line, ErrMalformed}
	}
	l.line++
	_, _ = l.from.Discard(size) // it was peeked at
	return l.keys[:1], nil
}
