// Package records reads the records of delimited text, one after the other, strictly: what programs
// read in several ways is refused. It knows chunks of text, and no file and no people.
package records

// The scanner finds the records of one chunk, and in each the fields that identify people. Most
// records hold no quote, so most of the work is done by bytes.IndexByte and bytes.Count, which look
// at many bytes at a time; a record in which there is anything unusual is read field by field.

import (
	"bytes"
	"fmt"
)

// Span is where a field lies in the data, without the quotes around it.
type Span struct {
	Start, End int
	doubled    bool // doubled quotes stand for single ones
	escaped    bool // there are escapes in it
}

// Malformed is a refusal with its place in the scanner's data: line and column from 1.
type Malformed struct {
	Line, Column int64
	Reason       error
}

func (m *Malformed) Error() string { return m.Reason.Error() }
func (m *Malformed) Unwrap() error { return m.Reason }

// Scanner walks over data, which starts at the start of a record.
type Scanner struct {
	Delimiter byte // or its first byte
	quote     byte
	quoting   bool
	lenient   bool // quotes in the text need not be doubled
	Fields    int  // that every record has, 0 where that is not known yet
	TooLong   bool // the data ends inside a record that is too long
	Last      bool // nothing follows the data
	Data      []byte

	Ending  RecordEnding
	Feed    byte      // with which a record end ends
	wide    *wide     // nil where records without quotes are told from their marks
	special [256]bool // the bytes that can end a field without quotes, or must not stand in it

	Pos   int    // start of the next record
	Spans []Span // fields of the record that record read last
	ended bool   // that record has an ending

	// Where the next quote, carriage return and NUL are, at pos or later; len(data) where there is
	// none.
	NextQuote, NextReturn, NextNUL int
}

// Dialect is how a text is written.
type Dialect struct {
	// Delimiter is between fields, Quote around them unless NoQuote.
	Delimiter string
	Quote     byte
	NoQuote   bool
	// LenientQuotes lets quotes in the text be single.
	LenientQuotes bool
	// Escape takes the meaning of the character behind it away; 0 is none.
	Escape byte
	// EscapeInQuotes has it do so within quotes alone.
	EscapeInQuotes bool
	// Ragged has every record read field by field: some have more fields than the first.
	Ragged bool
	// RecordEnd says what ends a record.
	RecordEnd RecordEnd
}

// isWide reports whether all records have to be read field by field.
func (f Dialect) isWide() bool {
	_, byByte := f.RecordEnd.Byte()
	return len(f.Delimiter) > 1 || byByte || f.Escape != 0 || f.Ragged || f.LenientQuotes
}

// NewScanner returns a scanner that takes line endings as ending says.
func NewScanner(f Dialect, ending RecordEnding) Scanner {
	s := Scanner{
		Delimiter: f.Delimiter[0], quote: f.Quote, quoting: !f.NoQuote, lenient: f.LenientQuotes, Ending: ending,
		Feed: f.RecordEnd.Feed(), wide: newWide(f),
	}
	s.special['\n'], s.special['\r'] = ending != CRLFAlone && ending != OneByte, ending != OneByte
	s.special[s.Delimiter], s.special[s.Feed] = true, s.special[s.Feed] || ending == OneByte
	if f.Escape != 0 {
		s.special[f.Escape] = true
	}
	if s.quoting {
		s.special[f.Quote] = true
	}
	return s
}

// Start begins with data, which starts at the start of a record, and says whether it ends inside
// one that is too long, and whether nothing follows it.
func (s *Scanner) Start(data []byte, tooLong, last bool) {
	s.Data, s.TooLong, s.Last = data, tooLong, last
	s.NextQuote, s.NextReturn, s.NextNUL = -1, -1, -1
	s.MoveTo(0)
}

// MoveTo makes pos the start of the next record.
func (s *Scanner) MoveTo(pos int) {
	s.Pos = pos
	if s.NextQuote < pos {
		s.NextQuote = len(s.Data)
		if s.quoting {
			s.NextQuote = s.find(s.quote, pos)
		}
	}
	if s.NextReturn < pos {
		s.NextReturn = s.find('\r', pos)
	}
	if s.NextNUL < pos {
		s.NextNUL = s.find(0, pos)
	}
}

// find returns where b is next, at from or later, or len(data).
func (s *Scanner) find(b byte, from int) int {
	if i := bytes.IndexByte(s.Data[from:], b); i >= 0 {
		return from + i
	}
	return len(s.Data)
}

// SkipBlank moves over a line without a single byte, and says whether there was one. One that ends
// as no other line does is left to record, which refuses it.
func (s *Scanner) SkipBlank() bool {
	n := s.LineEnding(s.Pos)
	if n == 0 || s.IsMixed(s.Pos) {
		return false
	}
	s.MoveTo(s.Pos + n)
	return true
}

// Record reads the record at pos field by field into spans, and moves behind it.
func (s *Scanner) Record() error {
	if s.lenient {
		return s.lenientRecord()
	}
	return s.strictRecord()
}

// strictRecord is record where quotes must be as RFC 4180 has them.
func (s *Scanner) strictRecord() error {
	start, pos := s.Pos, s.Pos
	s.Spans = s.Spans[:0]
	for {
		field, after, err := s.field(start, pos)
		if err != nil {
			return err
		}
		s.Spans = append(s.Spans, field)
		pos = after
		size := s.delimiterAt(pos)
		if size == 0 {
			break
		}
		if err := s.checkOverlap(pos); err != nil {
			return err
		}
		pos += size
	}
	if s.IsMixed(pos) {
		return s.At(pos, s.Ending.refusal())
	}
	ending := s.LineEnding(pos)
	s.ended = ending > 0
	pos += ending
	if s.TooLong && pos == len(s.Data) {
		return s.At(start, ErrTooLong)
	}
	if s.NextNUL < pos {
		if len(bytes.Trim(s.Data[s.NextNUL:], "\x00")) == 0 {
			return s.At(s.NextNUL, ErrPadding)
		}
		return s.At(s.NextNUL, ErrNUL)
	}
	s.MoveTo(pos)
	return nil
}

// field reads one field of the record that begins at start, and returns it and where what follows
// it begins: a delimiter, a line ending or the end of the data.
func (s *Scanner) field(start, pos int) (Span, int, error) {
	if s.wide != nil {
		return s.wideField(start, pos)
	}
	if s.quoting && pos < len(s.Data) && s.Data[pos] == s.quote {
		return s.quotedField(start, pos)
	}
	for i := pos; ; i++ {
		for i < len(s.Data) && !s.special[s.Data[i]] {
			i++
		}
		switch {
		case i == len(s.Data) || s.Data[i] == s.Delimiter || s.LineEnding(i) > 0:
			return Span{Start: pos, End: i}, i, nil
		case s.isTextReturn(i):
		case s.Data[i] == '\r':
			return Span{}, 0, s.At(i, ErrBareReturn)
		default:
			return Span{}, 0, s.At(i, ErrBareQuote)
		}
	}
}

func (s *Scanner) quotedField(start, open int) (Span, int, error) {
	field := Span{Start: open + 1}
	for pos := open + 1; ; pos++ {
		pos = s.find(s.quote, pos)
		switch {
		case pos == len(s.Data) && s.TooLong:
			return Span{}, 0, s.At(start, ErrTooLong)
		case pos == len(s.Data):
			return Span{}, 0, s.At(open, ErrUnclosed)
		}
		field.End = pos
		pos++
		switch {
		case pos == len(s.Data) || s.Data[pos] == s.Delimiter || s.LineEnding(pos) > 0:
			return field, pos, nil
		case s.Data[pos] != s.quote && s.Data[pos-2] == '\\':
			return Span{}, 0, s.At(pos, ErrBackslash)
		case s.Data[pos] != s.quote:
			return Span{}, 0, s.At(pos, ErrAfterQuote)
		}
		field.doubled = true
	}
}

// LineEnding returns the length of the line ending at pos: LF, CRLF, or a carriage return that ends
// the data, which encoding/csv takes for one too. It is 0 where there is none. Whether a record may
// end so, isMixed tells.
func (s *Scanner) LineEnding(pos int) int {
	switch rest := s.Data[pos:]; {
	case s.Ending == OneByte:
		if len(rest) > 0 && rest[0] == s.Feed {
			return 1
		}
	case len(rest) > 0 && rest[0] == '\n' && s.Ending != CRLFAlone:
		return 1
	case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
		return 2
	case len(rest) == 1 && rest[0] == '\r':
		return 1
	}
	return 0
}

// IsMixed reports whether the line ending at pos is another than that of the first line.
func (s *Scanner) IsMixed(pos int) bool {
	if pos == len(s.Data) {
		return false
	}
	return s.Ending == AllLF && s.Data[pos] == '\r' || s.Ending == AllCRLF && s.Data[pos] == '\n'
}

// Value returns the text of a field; it is a part of the data unless doubled quotes had to be taken
// out of it.
func (s *Scanner) Value(field Span) []byte {
	raw := s.Data[field.Start:field.End:field.End]
	if field.escaped {
		return s.unescape(raw)
	}
	if !field.doubled {
		return raw
	}
	return bytes.ReplaceAll(raw, []byte{s.quote, s.quote}, []byte{s.quote})
}

// At gives a reason its place in the data.
func (s *Scanner) At(pos int, reason error) error {
	before := s.Data[:pos]
	return &Malformed{
		Line:   int64(bytes.Count(before, []byte{s.Feed})) + 1,
		Column: int64(pos - bytes.LastIndexByte(before, s.Feed)),
		Reason: reason,
	}
}

// FieldCount is the refusal of the record at start, which has got fields and not want.
func (s *Scanner) FieldCount(start, got, want int) error {
	return s.At(start, fmt.Errorf("%w: %d where the first record has %d", ErrFieldCount, got, want))
}

// WholeRecords returns where the last of the records at the start of data ends of which no byte can
// be missing, or 0. A record that cannot be read may be one of which the rest is to come; whoever
// reads it from its start with all of its bytes finds what is wrong.
func (s *Scanner) WholeRecords(data []byte) (end int) {
	s.Start(data, false, false)
	if bytes.HasPrefix(data, []byte("\xEF\xBB\xBF")) {
		s.MoveTo(len("\xEF\xBB\xBF")) // of the text, or of a header that is repeated
	}
	for s.Pos < len(data) {
		if !s.SkipBlank() && (s.Record() != nil || !s.ended) || data[s.Pos-1] != s.Feed {
			return end
		}
		if s.Fields == 0 {
			s.Fields = len(s.Spans) // of the header
		}
		end = s.Pos
	}
	return end
}

// IsQuoted reports whether a field of the record that was read last is in quotes.
func (s *Scanner) IsQuoted(field Span) bool {
	return s.quoting && field.Start > 0 && s.Data[field.Start-1] == s.quote
}

// IsEmpty reports whether a field has no byte, not even quotes.
func (s *Scanner) IsEmpty(field Span) bool {
	return field.Start == field.End && !s.IsQuoted(field)
}
