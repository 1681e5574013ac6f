// Reading lists of NHS numbers, from which snapshots are built: a plain list as the MESH service
// and its users exchange it, or one column of a CSV file. A list is taken whole or not at all: a
// number that cannot be read is somebody whose record would pass.

package snapshot

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"

	"noo/internal/atomicfile"
	"noo/internal/kind"
	"noo/internal/nhsnumber"
)

// Errors that a ListError wraps.
var (
	// ErrNumber is an entry that is no NHS number, a blank cell or a null included.
	ErrNumber = errors.New("not a valid NHS number; correct the list (for CSV, name the column)")
	// ErrNoColumn is a CSV header without the column asked for.
	ErrNoColumn = errors.New("the header has no column of the name asked for, letter for letter")
	// ErrTwoColumns is a CSV header that has the column asked for more than once.
	ErrTwoColumns = errors.New("the header has the column asked for more than once")
	// ErrLongLine is a line or CSV record longer than a list of numbers can have.
	ErrLongLine = errors.New("the line is too long for a list of numbers; is this the right file?")
	// ErrNotLookedUp is a number of a list that a Limit keeps within another one.
	ErrNotLookedUp = errors.New("the number is on no list of those who were looked up")
	// ErrContradiction is a number of a list that a Limit keeps apart from another one.
	ErrContradiction = errors.New("the number is also on a list of those who have opted out")
	// ErrEncoding is a text that is not in UTF-8.
	ErrEncoding = errors.New("the file is in UTF-16; save it as UTF-8")
)

// ListError is a list that was refused, with the place.
type ListError struct {
	Name string // of the list
	Line int    // from 1
	Err  error
}

// Kind returns kind.Input.
func (*ListError) Kind() kind.Kind { return kind.Input }

// Error names the list, the line and what is wrong, but never what the line holds.
func (e *ListError) Error() string { return fmt.Sprintf("list %s, line %d: %v", e.Name, e.Line, e.Err) }

// Unwrap returns what is wrong.
func (e *ListError) Unwrap() error { return e.Err }

// ListStats counts what a list held.
type ListStats struct {
	Numbers    uint64 // valid numbers read, duplicates included
	Duplicates uint64 // of these, numbers that had been read before
}

const (
	maxLine   = 64 << 10 // bytes of a line in a plain list
	maxRecord = 1 << 20  // bytes of a CSV record, and of what is read ahead of it
	batchKeys = 1 << 18
)

// Limit says which of the valid numbers a list may hold. The zero Limit allows all.
type Limit struct {
	Within *Set // nil, or the numbers of those who were looked up, beside which there is no other
	Apart  *Set // nil, or the numbers of those who have opted out, none of which may be in the list
}

// forbids returns ErrNotLookedUp or ErrContradiction for a set that breaks the limit.
func (l Limit) forbids(set *Set) error {
	switch {
	case l.Within != nil && !set.Within(l.Within):
		return ErrNotLookedUp
	case l.Apart != nil && !set.Apart(l.Apart):
		return ErrContradiction
	}
	return nil
}

// ReadList reads the numbers of a list, which may be any. See Limit.ReadList.
func ReadList(r io.Reader, name, column string) (*Set, ListStats, error) {
	return Limit{}.ReadList(r, name, column)
}

// ReadList reads the numbers of a list. With an empty column it is a plain list: one number a line,
// in any form that nhsnumber.Parse takes, with or without a comma after it, where blank lines and
// lines that start with # are passed over. Else it is CSV (RFC 4180, comma, as encoding/csv reads
// it strictly) whose first record is a header with exactly one cell equal to column. CRLF line ends
// and a UTF-8 byte order mark are accepted in both.
//
// What breaks these rules is a *ListError, which holds name, the line and never a number; an error
// of r comes back wrapped. Memory is bounded: about 2 bytes for a number in the set, and a few MiB.
func (l Limit) ReadList(r io.Reader, name, column string) (*Set, ListStats, error) {
	in := bufio.NewReaderSize(r, maxLine)
	c := &collector{set: new(Set), limit: l}
	line, err := skipMark(in)
	if err == nil && column == "" {
		line, err = readPlain(in, c)
	} else if err == nil {
		line, err = readColumn(in, column, c)
	}
	if err == nil {
		line, err = c.flush()
	}
	if err != nil {
		var readErr *readError
		if errors.As(err, &readErr) {
			return nil, ListStats{}, fmt.Errorf(
				"reading list %s: %w",
				name,
				atomicfile.Cause(readErr.err),
			)
		}
		return nil, ListStats{}, &ListError{Name: name, Line: line, Err: err}
	}
	return c.set, ListStats{Numbers: c.numbers, Duplicates: c.numbers - c.set.Len()}, nil
}

// readError tells an error of the reader from one of the list.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }

// skipMark passes over a UTF-8 byte order mark, and tells the marks of UTF-16 by name.
func skipMark(in *bufio.Reader) (line int, err error) {
	start, err := in.Peek(3)
	if err != nil && err != io.EOF {
		return 1, &readError{err}
	}
	switch {
	case bytes.HasPrefix(start, []byte{0xEF, 0xBB, 0xBF}):
		in.Discard(3)
	case bytes.HasPrefix(start, []byte{0xFF, 0xFE}), bytes.HasPrefix(start, []byte{0xFE, 0xFF}):
		return 1, ErrEncoding
	}
	return 0, nil
}

// readPlain reads a plain list and returns the line where an error was met.
func readPlain(in *bufio.Reader, c *collector) (line int, err error) {
	for line = 1; ; line++ {
		text, err := in.ReadSlice('\n')
		switch {
		case err == bufio.ErrBufferFull:
			return line, ErrLongLine
		case err == io.EOF && len(text) == 0:
			return line, nil
		case err != nil && err != io.EOF:
			return line, &readError{err}
		}
		text = bytes.Trim(
			bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r")),
			" \t",
		)
		if len(text) == 0 || text[0] == '#' {
			continue
		}
		if line, err := c.add(bytes.TrimSuffix(text, []byte(",")), line); err != nil {
			return line, err
		}
	}
}

// readColumn reads one column of a CSV file and returns the line where an error was met.
func readColumn(in io.Reader, column string, c *collector) (line int, err error) {
	bounded := &boundedReader{in: in, left: maxRecord}
	records := csv.NewReader(bounded)
	records.ReuseRecord = true
	header, err := records.Read()
	if err == io.EOF {
		return 1, ErrNoColumn
	}
	if err != nil {
		return csvError(err, 1)
	}
	at := slices.Index(header, column)
	if at < 0 {
		return 1, ErrNoColumn
	}
	if slices.Contains(header[at+1:], column) {
		return 1, ErrTwoColumns
	}
	var cell []byte
	line, _ = records.FieldPos(0)
	for {
		bounded.left = maxRecord
		record, err := records.Read()
		if err == io.EOF {
			return 0, nil
		}
		if err != nil {
			return csvError(err, line+1)
		}
		line, _ = records.FieldPos(0)
		cell = append(cell[:0], record[at]...)
		place, _ := records.FieldPos(at)
		if line, err := c.add(cell, place); err != nil {
			return line, err
		}
	}
}

// csvError finds the line in an error of encoding/csv, whose text never holds what the file does.
// next is the line after the last record that was read.
func csvError(err error, next int) (line int, cause error) {
	var parseErr *csv.ParseError
	switch {
	case errors.As(err, &parseErr):
		return parseErr.Line, parseErr.Err
	case errors.Is(err, ErrLongLine):
		return next, errLongRecord
	}
	return next, &readError{err}
}

var errLongRecord = fmt.Errorf("a record never ends, is a quote left open? %w", ErrLongLine)

// boundedReader fails when a record asks for more than is left: encoding/csv would hold a file with
// an unclosed quote in memory to its end.
type boundedReader struct {
	in   io.Reader
	left int
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, ErrLongLine
	}
	n, err := b.in.Read(p)
	b.left -= n
	return n, err
}

// collector gathers keys in batches: sorted, they enter the set many times faster than one by one.
type collector struct {
	set     *Set
	limit   Limit
	batch   []nhsnumber.Key
	lines   []int // of each key of the batch; none without a limit
	numbers uint64
}

// add takes the text of one number. Its errors come with the line that they are about: ErrNumber
// with the one given, those of a Limit with one before it.
func (c *collector) add(text []byte, line int) (int, error) {
	key, status := nhsnumber.Parse(text)
	if status != nhsnumber.Valid {
		return line, ErrNumber
	}
	c.numbers++
	if c.limit != (Limit{}) {
		c.lines = append(c.lines, line)
	}
	if c.batch = append(c.batch, key); len(c.batch) == batchKeys {
		return c.flush()
	}
	return line, nil
}

// flush moves the batch into the set. An error is that of the first line that breaks the limit.
func (c *collector) flush() (line int, err error) {
	if line, err := c.check(); err != nil {
		return line, err
	}
	slices.Sort(c.batch)
	c.set.Union(NewSet(c.batch...))
	c.batch, c.lines = c.batch[:0], c.lines[:0]
	return 0, nil
}

// check holds the batch against the limit: as a whole, and key by key only if that breaks it.
func (c *collector) check() (line int, err error) {
	if c.limit == (Limit{}) {
		return 0, nil
	}
	if c.limit.forbids(NewSet(slices.Sorted(slices.Values(c.batch))...)) == nil {
		return 0, nil
	}
	for i, key := range c.batch {
		if err := c.limit.forbids(NewSet(key)); err != nil {
			return c.lines[i], err
		}
	}
	return 0, nil
}
