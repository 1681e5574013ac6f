package csv

// Dialects: what a Format may say, and the records of those dialects that the marks of 64 bytes do
// not tell: a delimiter of several bytes, a record end that is no line ending, an escape. Their
// records are all read field by field. What several programs read in several ways is refused here
// as well: each rule below says who would read it how.

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
)

// MaxDelimiter is the longest delimiter in bytes.
const MaxDelimiter = 8

// Reasons for which a record of a dialect is refused.
var (
	ErrDelimiterOverlaps = errors.New("the delimiter can be read in two places that overlap")
	ErrEscapeOutside     = errors.New(
		"a backslash before a delimiter, a quote or a record end outside quotes: programs read it in two ways",
	)
	ErrEscapeAtEnd = errors.New("a backslash with nothing behind it")
	ErrEscapedCode = errors.New(
		"a backslash with a digit, x or u behind it in an NHS number: some programs read a character code",
	)
	ErrDoubledQuote = errors.New(
		"a doubled quote in a field, and quotes are escaped by a backslash: programs read it in two ways",
	)
)

// Validate reports whether the dialect can be read at all: the characters of its grammar must
// differ, end no line where they should not, and hold no NHS number.
func (f Format) Validate() error {
	f = f.withDefaults()
	if f.Header && f.NoHeader {
		return ErrHeaderTwice
	}
	if err := f.validateDelimiter(); err != nil {
		return err
	}
	if !f.NoQuote && (f.isSpecial(f.Quote) || f.Quote >= 0x80) {
		return errors.New("the quote must be one ASCII character other than a digit or a line ending")
	}
	if f.Escape != 0 && (f.isSpecial(f.Escape) || f.Escape >= 0x80 || !f.NoQuote && f.Escape == f.Quote) {
		return errors.New("the escape must be one ASCII character that has no other meaning")
	}
	if end, ok := f.RecordEnd.Byte(); ok && !isSeparator(end) {
		return errors.New("the record end must be lf, crlf or one ASCII character that is no letter or digit")
	}
	return nil
}

// isSpecial reports whether a byte has a meaning that neither quote nor escape may have.
func (f Format) isSpecial(b byte) bool {
	end, ok := f.RecordEnd.Byte()
	return b == '\r' || b == '\n' || b == 0 || '0' <= b && b <= '9' || ok && b == end
}

func (f Format) validateDelimiter() error {
	if len(f.Delimiter) > MaxDelimiter {
		return fmt.Errorf("the delimiter may have at most %d bytes", MaxDelimiter)
	}
	if len(f.Delimiter) == 1 && f.Delimiter[0] >= 0x80 {
		return errors.New("a delimiter of one byte must be an ASCII character")
	}
	for _, b := range []byte(f.Delimiter) {
		switch {
		case !f.NoQuote && b == f.Quote:
			return errors.New("the delimiter and the quote must differ")
		case f.Escape != 0 && b == f.Escape:
			return errors.New("the delimiter and the escape must differ")
		case f.isSpecial(b):
			return errors.New(
				"the delimiter must be ASCII characters other than a digit or the end of a record",
			)
		}
	}
	return nil
}

// isSeparator reports whether a byte may end records: nothing that could be in a number or a name.
func isSeparator(b byte) bool {
	letter := 'a' <= b|0x20 && b|0x20 <= 'z'
	return b > 0 && b < 0x7F && !letter && !('0' <= b && b <= '9') && b != ' '
}

func (f Format) withDefaults() Format {
	if f.Delimiter == "" {
		f.Delimiter = ","
	}
	if f.Quote == 0 {
		f.Quote = '"'
	}
	if f.Workers < 1 {
		f.Workers = runtime.GOMAXPROCS(0)
	}
	if f.chunkSize == 0 {
		f.chunkSize = defaultChunkSize
	}
	f.ending = f.RecordEnd.endings()
	return f
}

// isWide reports whether all records have to be read field by field.
func (f Format) isWide() bool {
	return len(f.Delimiter) > 1 || f.ending == oneByte || f.Escape != 0 || f.RaggedTrailing
}

// feed is the byte with which every record end ends.
func (f Format) feed() byte {
	if end, ok := f.RecordEnd.Byte(); ok {
		return end
	}
	return '\n'
}

// linesIn counts the lines that end in data, for the places of errors.
func (d *dataset) linesIn(data []byte) int64 {
	return int64(bytes.Count(data, []byte{d.format.feed()}))
}

// wide is what a scanner needs beyond its own for a dialect whose records are read field by field.
type wide struct {
	delimiter []byte
	escape    byte // 0 is none
	overlaps  bool // the delimiter can overlap itself
}

func newWide(f Format) *wide {
	if !f.isWide() {
		return nil
	}
	w := &wide{delimiter: []byte(f.Delimiter), escape: f.Escape}
	for i := 1; i < len(w.delimiter); i++ {
		w.overlaps = w.overlaps || bytes.HasPrefix(w.delimiter, w.delimiter[i:])
	}
	return w
}

// delimiterAt returns the length of the delimiter at pos, 0 where there is none.
func (s *scanner) delimiterAt(pos int) int {
	switch {
	case pos == len(s.data) || s.data[pos] != s.delimiter:
		return 0
	case s.wide == nil:
		return 1
	case bytes.HasPrefix(s.data[pos:], s.wide.delimiter):
		return len(s.wide.delimiter)
	}
	return 0
}

// checkOverlap refuses a delimiter at pos that overlaps another one: of a|||b, with || between
// fields, one program makes a and |b, and another a| and b. Behind ||||, an empty field, all agree.
func (s *scanner) checkOverlap(pos int) error {
	if s.wide == nil || !s.wide.overlaps {
		return nil
	}
	size := len(s.wide.delimiter)
	if s.delimiterAt(pos+size) > 0 {
		return nil
	}
	for next := pos + 1; next < pos+size; next++ {
		if s.delimiterAt(next) > 0 {
			return s.at(pos, ErrDelimiterOverlaps)
		}
	}
	return nil
}

// wideField is field for the dialects of this file.
func (s *scanner) wideField(start, pos int) (span, int, error) {
	if s.quoting && pos < len(s.data) && s.data[pos] == s.quote {
		return s.wideQuotedField(start, pos)
	}
	field := span{start: pos}
	for i := pos; ; {
		for i < len(s.data) && !s.special[s.data[i]] {
			i++
		}
		switch {
		case i == len(s.data) || s.delimiterAt(i) > 0 || s.lineEnding(i) > 0:
			field.end = i
			return field, i, nil
		case s.wide.escape != 0 && s.data[i] == s.wide.escape:
			if err := s.checkEscapeOutside(i); err != nil {
				return span{}, 0, err
			}
			field.escaped = true
			i += 2
		case s.data[i] == s.delimiter: // the start of one
			i++
		case s.data[i] == '\r':
			return span{}, 0, s.at(i, ErrBareReturn)
		default:
			return span{}, 0, s.at(i, ErrBareQuote)
		}
	}
}

// checkEscapeOutside looks at an escape outside quotes. Where there are quotes, some programs take
// it for one, as MySQL does, and others for a character like any, as Spark does: it must not stand
// before anything that has a meaning. Without quotes there is no other way to have a delimiter in
// a field.
func (s *scanner) checkEscapeOutside(at int) error {
	next := at + 1
	switch {
	case next == len(s.data):
		return s.at(at, ErrEscapeAtEnd)
	case s.data[next] == '\r' && s.ending != oneByte:
		return s.at(next, ErrEscapeOutside) // and a line feed that it may or may not cover
	case s.quoting && s.special[s.data[next]] && s.data[next] != s.wide.escape:
		return s.at(at, ErrEscapeOutside)
	}
	return nil
}

func (s *scanner) wideQuotedField(start, open int) (span, int, error) {
	field := span{start: open + 1}
	for pos := open + 1; ; {
		for pos < len(s.data) && s.data[pos] != s.quote &&
			(s.wide.escape == 0 || s.data[pos] != s.wide.escape) {
			pos++
		}
		switch {
		case pos < len(s.data) && s.data[pos] != s.quote && pos+1 < len(s.data):
			field.escaped = true
			pos += 2
			continue
		case (pos == len(s.data) || s.data[pos] != s.quote) && s.tooLong:
			return span{}, 0, s.at(start, ErrTooLong)
		case pos == len(s.data) || s.data[pos] != s.quote:
			return span{}, 0, s.at(open, ErrUnclosed)
		}
		field.end = pos
		pos++
		switch {
		case pos == len(s.data) || s.delimiterAt(pos) > 0 || s.lineEnding(pos) > 0:
			return field, pos, nil
		case s.data[pos] != s.quote:
			return span{}, 0, s.at(pos, ErrAfterQuote)
		case s.wide.escape != 0:
			return span{}, 0, s.at(pos, ErrDoubledQuote)
		}
		field.doubled = true
		pos++
	}
}

// unescape returns the text of a field without the escapes before characters that have a meaning.
// Others, as in \N and \t, stay: what programs make of them differs.
func (s *scanner) unescape(raw []byte) []byte {
	text := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] == s.wide.escape && i+1 < len(raw) && s.special[raw[i+1]] {
			i++
		}
		text = append(text, raw[i])
	}
	return text
}

// checkCodes refuses an identifying field in which an escape may be a character's code: \x39 is a
// digit to PostgreSQL, and no number to Spark.
func (s *scanner) checkCodes(field span) error {
	for i := field.start; field.escaped && i < field.end; i++ {
		if s.data[i] != s.wide.escape {
			continue
		}
		i++
		if i < field.end && (s.data[i]|0x20 == 'x' || s.data[i]|0x20 == 'u' || '0' <= s.data[i] && s.data[i] <= '9') {
			return s.at(i-1, ErrEscapedCode)
		}
	}
	return nil
}
