// Package csv filters delimited text: it reads records strictly by RFC 4180 with a chosen delimiter
// and quote, and writes those that stay byte for byte as they were, with their own quoting and line
// endings.
//
// The grammar is that of Go's encoding/csv in its strict mode, with some things refused that other
// readers would read in another way: a NUL byte, a carriage return outside quotes that no line feed
// follows, line endings of two kinds (see RecordEnd), a record longer than MaxRecord, and first
// lines that firstline.go doubts. A line without a single byte is no record; it is passed on as it
// is. A byte order mark is passed on; UTF-16 with one is read as UTF-8, and written as it was.
//
// The bytes of a record are looked at once, by plain scans for one byte, in chunks that are cut at
// the ends of records and worked on in parallel.
package csv

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"path/filepath"
	"strings"

	"noo/formats"
	"noo/formats/csv/internal/chunks"
	"noo/formats/csv/internal/records"
	"noo/formats/csv/internal/utf16"
	"noo/internal/nhsnumber"
)

// MaxRecord is the longest record in bytes, its line ending included: what bounds the memory that a
// quote which is never closed can take.
const MaxRecord = chunks.MaxRecord

// Reasons for which an input is refused; each comes wrapped in a *formats.InputError with the
// place. Those of single records are in reasons.go.
var (
	// ErrUTF16 is UTF-16 of which nothing tells the order of bytes.
	ErrUTF16 = errors.New(
		"the file is UTF-16 without a byte order mark: save it with one, or as UTF-8",
	)
	ErrNoRecord = errors.New("nothing but blank lines")
	ErrSepLine  = errors.New(
		"the line sep= tells Excel the delimiter, and is the names of the columns or a record to other programs",
	)
	ErrOnlyRecord = errors.New(
		"the only record holds a character that some programs take for the end of a line, such as U+0085 or a record separator: save the file with LF or CRLF line endings",
	)
	ErrHeaderValue = errors.New("an NHS number is where the column names are expected")
	// ErrHeaderTwice is a dialect with and without a header.
	ErrHeaderTwice = errors.New("the first record cannot be both a header and data")
	ErrFeedInNames = errors.New("a line feed alone in the names of the columns")
	// ErrReturnInNames is an ErrFeedInNames for which there is no flag.
	ErrReturnInNames = errors.New(
		"a carriage return alone in the names of the columns: save the file with LF or CRLF line endings",
	)
	// ErrBlanksBetween is an ErrAfterQuote of a first line without the delimiter.
	ErrBlanksBetween = errors.New("blanks are between the quoted names of the columns, and no delimiter")
	ErrNoRecordEnd   = errors.New("no record ends as it was said, and there are other line endings")
)

// Format reads and writes delimited text. The zero Format is plain CSV with a header.
type Format struct {
	// Delimiter is between fields: up to MaxDelimiter bytes; "" is a comma.
	Delimiter string
	// DelimiterOfHeader takes the delimiter that the first line gives away: a comma, a semicolon, a
	// tab or a pipe.
	DelimiterOfHeader bool
	// Quote encloses fields; 0 is a double quote.
	Quote byte
	// NoQuote makes the quote an ordinary character.
	NoQuote bool
	// LenientQuotes has quotes within a quoted field read as text though they are not doubled.
	LenientQuotes bool
	// NoHeader says that the first record is data; the columns then have no names.
	NoHeader bool
	// HeaderLines is how many lines above the header, or above the first record, are passed on as
	// they are.
	HeaderLines int
	// FooterLines is how many lines below the records are none. Blank lines do not count.
	FooterLines int
	// KeepFooter has the lines below the records written below those that are kept.
	KeepFooter bool
	// RepeatedHeader says what becomes of a record that is the header again.
	RepeatedHeader RepeatedHeader
	// RaggedTrailing lets records have empty fields behind those of the first record.
	RaggedTrailing bool
	// Header says that the first record has the names of the columns, which nobody else can be sure
	// of.
	Header bool
	// Escape is the character that takes the meaning of the one behind it away; 0 is none.
	Escape byte
	// EscapeInQuotes says that it does so within quotes alone.
	EscapeInQuotes bool
	// RecordEnd says what ends a record.
	RecordEnd RecordEnd
	// Workers is how many goroutines look at records; 0 is as many as there are processors to use.
	Workers int

	chunkSize int                  // bytes read at a time; tests make it small
	ending    records.RecordEnding // what RecordEnd and the first line come to
}

var _ formats.Format = Format{}

// Name is "csv", whatever the delimiter.
func (Format) Name() string { return "csv" }

// RandomAccess is false: text is read from start to end.
func (Format) RandomAccess() bool { return false }

// Matches takes every input whose name says text, and every other that has no NUL byte near its
// start. What is in a file of that name but is no text is refused when it is read, with its place.
func (Format) Matches(head []byte, name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv", ".tsv", ".tab", ".txt", ".dat", ".psv":
		return true
	}
	return utf16.Order(head) != nil || bytes.IndexByte(head, 0) < 0
}

// Open reads up to the end of the header, or of the first record where there is no header.
func (f Format) Open(_ context.Context, in formats.Input) (formats.Dataset, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	if in.Workers > 0 {
		f.Workers = in.Workers
	}
	d := &dataset{name: in.Name, format: f.withDefaults(), interrupt: in.Interrupt}
	text, err := d.openEncoding(in.Reader)
	if err != nil {
		return nil, err
	}
	if err := d.openMargins(text); err != nil {
		return nil, err
	}
	for d.fields == 0 {
		if err := d.nextOfHead(); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// dataset is an opened text: where its records start, and how many fields each has.
type dataset struct {
	name       string
	format     Format
	source     *chunks.Source
	margins    textMargins
	order      binary.ByteOrder // of the bytes of UTF-16, nil where the text is not in it
	interrupt  func()           // or nil
	heading    []byte           // the header without its line ending; nil where there is none
	headingNHS bool             // "nhs" is in it
	repeated   int64            // records that are the header again
	ruled      int64            // lines of dashes, of which one below the header may be a record
	footer     bool             // the last record may be a footer
	prefix     []byte           // what stands before the records: byte order mark, blank lines, header
	first      *chunk           // the first chunk, less the prefix
	ahead      []*chunk         // those behind it that were read before the scan
	fields     int              // fields that every record has
	columns    []formats.Column
}

var byteOrderMark = []byte("\xEF\xBB\xBF")

// nextOfHead looks for the first record in the next chunk: nearly always the first, unless that is
// all blank lines.
func (d *dataset) nextOfHead() error {
	c, err := d.nextChunk()
	switch {
	case err != nil:
		return err
	case c == nil && len(d.prefix) == 0 && d.format.HeaderLines == 0 && d.format.FooterLines == 0:
		return d.refuse(formats.ErrEmpty)
	case c == nil || len(d.prefix) > MaxRecord:
		return d.refuse(ErrNoRecord)
	}
	s := records.NewScanner(d.format.dialect(), d.format.ending)
	s.Start(c.Data, c.TooLong, c.Last)
	if c.Seq == 0 && looksUTF16(s.Data) {
		return d.refuse(ErrUTF16)
	}
	if c.Seq == 0 && len(d.prefix) == 0 && bytes.HasPrefix(s.Data, byteOrderMark) {
		s.MoveTo(len(byteOrderMark))
	}
	for s.SkipBlank() {
		s.Learn(d.format.RecordEnd)
	}
	start := s.Pos
	if start < len(s.Data) {
		if err := d.readHeader(&s); err != nil {
			return d.refuseAt(err, d.linesIn(d.prefix))
		}
	}
	s.Learn(d.format.RecordEnd)
	d.format.ending = s.Ending
	if d.format.NoHeader {
		s.Pos = start
	}
	d.prefix = append(d.prefix, s.Data[:s.Pos]...)
	d.first = c
	d.first.Data = c.Data[s.Pos:]
	if d.format.NoHeader && d.fields > 0 {
		return d.doubtOnlyRecord()
	}
	return nil
}

// readHeader takes the number of fields and, where there is a header, the names of the columns from
// the first record.
func (d *dataset) readHeader(s *records.Scanner) error {
	start := s.Pos
	if isSepLine(s.Data[start:]) {
		return s.At(start, ErrSepLine)
	}
	if err := s.Record(); err != nil {
		return d.blanksBetween(err, s.Data[start:])
	}
	if err := d.checkFeeds(s, start); err != nil {
		return err
	}
	d.fields = len(s.Spans)
	d.columns = make([]formats.Column, d.fields)
	if d.format.NoHeader {
		return nil
	}
	d.noteHeading(s.Data[start:s.Pos])
	for i, span := range s.Spans {
		name := s.Value(span)
		if d.anyReading(name, isNumber) {
			return s.At(start, ErrHeaderValue)
		}
		d.columns[i] = formats.Column{Name: string(name), Doubtful: !d.format.Header}
	}
	return nil
}

// isNumber reports whether a cell of the first line holds an NHS number, which is no name.
func isNumber(cell []byte) bool { return nhsnumber.Within(cell) || isDressed(cell) }

// isDressed reports whether a cell of the first line is an NHS number in a dress that no name has.
func isDressed(cell []byte) bool {
	key, status, _ := nhsnumber.Whole(cell)
	// What starts lower may be a date and an hour.
	return status == nhsnumber.Valid && key >= 300_000_000
}

// refuse says that the input as a whole is no good.
func (d *dataset) refuse(reason error) error {
	return &formats.InputError{Name: d.name, Err: reason}
}

// refuseAt gives an error of a scanner its line in the file, where lines line feeds precede the
// scanner's data.
func (d *dataset) refuseAt(err error, lines int64) error {
	if at, ok := errors.AsType[*records.Malformed](err); ok {
		return &formats.InputError{
			Name:   d.name,
			Line:   lines + at.Line,
			Column: at.Column,
			Err:    at.Reason,
		}
	}
	return err
}

// Columns lists the names in the header, or as many nameless columns as the first record has
// fields.
func (d *dataset) Columns() []formats.Column { return d.columns }

// Close does nothing: the input is its owner's.
func (d *dataset) Close() error { return nil }
