package csv

// The scanner finds the records of one chunk, and in each the fields that identify people. Most
// records hold no quote, so most of the work is done by bytes.IndexByte and bytes.Count, which look
// at many bytes at a time; a record in which there is anything unusual is read field by field.

import (
	"bytes"
	"fmt"

	"noo/formats/csv/internal/chunks"
)

// span is where a field lies in the data, without the quotes around it.
type span struct {
	start, end int
	doubled    bool // doubled quotes stand for single ones
	escaped    bool // there are escapes in it
}

// malformed is a refusal with its place in the scanner's data: line and column from 1.
type malformed struct {
	line, column int64
	reason       error
}

func (m *malformed) Error() string { return m.reason.Error() }
func (m *malformed) Unwrap() error { return m.reason }

// scanner walks over data, which starts at the start of a record.
type scanner struct {
	delimiter byte
	quote     byte
	quoting   bool
	tooLong   bool // the data ends inside a record that is longer than MaxRecord
	last      bool // nothing follows the data
	data      []byte

	ending  recordEnding
	feed    byte      // with which a record end ends
	wide    *wide     // nil where records without quotes are told from their marks
	special [256]bool // the bytes that can end a field without quotes, or must not stand in it

	pos   int    // start of the next record
	spans []span // fields of the record that record read last
	ended bool   // that record has an ending

	// Where the next quote, carriage return and NUL are, at pos or later; len(data) where there is
	// none.
	nextQuote, nextReturn, nextNUL int
}

func newScanner(f Format) scanner {
	s := scanner{
		delimiter: f.Delimiter[0], quote: f.Quote, quoting: !f.NoQuote, ending: f.ending,
		feed: f.feed(), wide: newWide(f),
	}
	s.special['\n'], s.special['\r'] = f.ending != crlfAlone && f.ending != oneByte, f.ending != oneByte
	s.special[s.delimiter], s.special[s.feed] = true, s.special[s.feed] || f.ending == oneByte
	if f.Escape != 0 {
		s.special[f.Escape] = true
	}
	if s.quoting {
		s.special[f.Quote] = true
	}
	return s
}

// start begins with a chunk.
func (s *scanner) start(c *chunks.Chunk) {
	s.data, s.tooLong, s.last = c.Data, c.TooLong, c.Last
	s.nextQuote, s.nextReturn, s.nextNUL = -1, -1, -1
	s.moveTo(0)
}

// moveTo makes pos the start of the next record.
func (s *scanner) moveTo(pos int) {
	s.pos = pos
	if s.nextQuote < pos {
		s.nextQuote = len(s.data)
		if s.quoting {
			s.nextQuote = s.find(s.quote, pos)
		}
	}
	if s.nextReturn < pos {
		s.nextReturn = s.find('\r', pos)
	}
	if s.nextNUL < pos {
		s.nextNUL = s.find(0, pos)
	}
}

// find returns where b is next, at from or later, or len(data).
func (s *scanner) find(b byte, from int) int {
	if i := bytes.IndexByte(s.data[from:], b); i >= 0 {
		return from + i
	}
	return len(s.data)
}

// skipBlank moves over a line without a single byte, and says whether there was one. One that ends
// as no other line does is left to record, which refuses it.
func (s *scanner) skipBlank() bool {
	n := s.lineEnding(s.pos)
	if n == 0 || s.isMixed(s.pos) {
		return false
	}
	s.moveTo(s.pos + n)
	return true
}

// record reads the record at pos field by field into spans, and moves behind it.
func (s *scanner) record() error {
	start, pos := s.pos, s.pos
	s.spans = s.spans[:0]
	for {
		field, after, err := s.field(start, pos)
		if err != nil {
			return err
		}
		s.spans = append(s.spans, field)
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
	if s.isMixed(pos) {
		return s.at(pos, s.ending.refusal())
	}
	ending := s.lineEnding(pos)
	s.ended = ending > 0
	pos += ending
	if s.tooLong && pos == len(s.data) {
		return s.at(start, ErrTooLong)
	}
	if s.nextNUL < pos {
		if len(bytes.Trim(s.data[s.nextNUL:], "\x00")) == 0 {
			return s.at(s.nextNUL, ErrPadding)
		}
		return s.at(s.nextNUL, ErrNUL)
	}
	s.moveTo(pos)
	return nil
}

// field reads one field of the record that begins at start, and returns it and where what follows
// it begins: a delimiter, a line ending or the end of the data.
func (s *scanner) field(start, pos int) (span, int, error) {
	if s.wide != nil {
		return s.wideField(start, pos)
	}
	if s.quoting && pos < len(s.data) && s.data[pos] == s.quote {
		return s.quotedField(start, pos)
	}
	i := pos
	for i < len(s.data) && !s.special[s.data[i]] {
		i++
	}
	switch {
	case i == len(s.data) || s.data[i] == s.delimiter || s.lineEnding(i) > 0:
		return span{start: pos, end: i}, i, nil
	case s.data[i] == '\r':
		return span{}, 0, s.at(i, ErrBareReturn)
	}
	return span{}, 0, s.at(i, ErrBareQuote)
}

func (s *scanner) quotedField(start, open int) (span, int, error) {
	field := span{start: open + 1}
	for pos := open + 1; ; pos++ {
		pos = s.find(s.quote, pos)
		switch {
		case pos == len(s.data) && s.tooLong:
			return span{}, 0, s.at(start, ErrTooLong)
		case pos == len(s.data):
			return span{}, 0, s.at(open, ErrUnclosed)
		}
		field.end = pos
		pos++
		switch {
		case pos == len(s.data) || s.data[pos] == s.delimiter || s.lineEnding(pos) > 0:
			return field, pos, nil
		case s.data[pos] != s.quote && s.data[pos-2] == '\\':
			return span{}, 0, s.at(pos, ErrBackslash)
		case s.data[pos] != s.quote:
			return span{}, 0, s.at(pos, ErrAfterQuote)
		}
		field.doubled = true
	}
}

// lineEnding returns the length of the line ending at pos: LF, CRLF, or a carriage return that ends
// the data, which encoding/csv takes for one too. It is 0 where there is none. Whether a record may
// end so, isMixed tells.
func (s *scanner) lineEnding(pos int) int {
	switch rest := s.data[pos:]; {
	case s.ending == oneByte:
		if len(rest) > 0 && rest[0] == s.feed {
			return 1
		}
	case len(rest) > 0 && rest[0] == '\n' && s.ending != crlfAlone:
		return 1
	case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
		return 2
	case len(rest) == 1 && rest[0] == '\r':
		return 1
	}
	return 0
}

// isMixed reports whether the line ending at pos is another than that of the first line.
func (s *scanner) isMixed(pos int) bool {
	if pos == len(s.data) {
		return false
	}
	return s.ending == allLF && s.data[pos] == '\r' || s.ending == allCRLF && s.data[pos] == '\n'
}

// value returns the text of a field; it is a part of the data unless doubled quotes had to be taken
// out of it.
func (s *scanner) value(field span) []byte {
	raw := s.data[field.start:field.end:field.end]
	if field.escaped {
		return s.unescape(raw)
	}
	if !field.doubled {
		return raw
	}
	return bytes.ReplaceAll(raw, []byte{s.quote, s.quote}, []byte{s.quote})
}

// at gives a reason its place in the data.
func (s *scanner) at(pos int, reason error) error {
	before := s.data[:pos]
	return &malformed{
		line:   int64(bytes.Count(before, []byte{s.feed})) + 1,
		column: int64(pos - bytes.LastIndexByte(before, s.feed)),
		reason: reason,
	}
}

// fieldCount is the refusal of the record at start, which has got fields and not want.
func (s *scanner) fieldCount(start, got, want int) error {
	return s.at(start, fmt.Errorf("%w: %d where the first record has %d", ErrFieldCount, got, want))
}
