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

	"noo/formats/csv/internal/records"
)

// MaxDelimiter is the longest delimiter in bytes.
const MaxDelimiter = 8

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
		return errors.New(
			"the quote must be one ASCII character other than a digit or a line ending",
		)
	}
	if f.Escape != 0 &&
		(f.isSpecial(f.Escape) || f.Escape >= 0x80 || !f.NoQuote && f.Escape == f.Quote) {
		return errors.New("the escape must be one ASCII character that has no other meaning")
	}
	if f.EscapeInQuotes && f.NoQuote {
		return errors.New("an escape within quotes wants quotes")
	}
	if f.LenientQuotes && (f.NoQuote || f.Escape != 0 || len(f.Delimiter) > 1) {
		return errors.New("lenient quotes want quotes, no escape, and a delimiter of one character")
	}
	if end, ok := f.RecordEnd.Byte(); ok && !isSeparator(end) {
		return errors.New(
			"the record end must be lf, crlf or one ASCII character that is no letter or digit",
		)
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
	f.ending = f.RecordEnd.Endings()
	return f
}

// dialect is what the reader of records needs to know.
func (f Format) dialect() records.Dialect {
	return records.Dialect{
		Delimiter: f.Delimiter, Quote: f.Quote, NoQuote: f.NoQuote, Escape: f.Escape, EscapeInQuotes: f.EscapeInQuotes,
		LenientQuotes: f.LenientQuotes,
		Ragged:        f.RaggedTrailing, RecordEnd: f.RecordEnd,
	}
}

// feed is the byte with which every record end ends.
func (f Format) feed() byte { return f.RecordEnd.Feed() }

// linesIn counts the lines that end in data, for the places of errors.
func (d *dataset) linesIn(data []byte) int64 {
	return int64(bytes.Count(data, []byte{d.format.feed()}))
}

// newScanner returns a scanner for the records below the header.
func (d *dataset) newScanner() records.Scanner {
	s := records.NewScanner(d.format.dialect(), d.format.ending)
	s.Fields = d.fields
	return s
}
