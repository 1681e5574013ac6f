package records

// Dialects whose records the marks of 64 bytes do not tell: a delimiter of several bytes, a record
// end that is no line ending, an escape. Their records are all read field by field. What several
// programs read in several ways is refused here as well: each rule below says who would read it
// how.

import (
	"bytes"
	"errors"
)

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

// wide is what a scanner needs beyond its own for a dialect whose records are read field by field.
type wide struct {
	delimiter []byte
	escape    byte // 0 is none
	inQuotes  bool // the escape is one within quotes alone
	overlaps  bool // the delimiter can overlap itself
}

// IsWide reports whether every record has to be read by Record: marks do not tell where they end.
func (s *Scanner) IsWide() bool { return s.wide != nil }

func newWide(f Dialect) *wide {
	if !f.isWide() {
		return nil
	}
	w := &wide{delimiter: []byte(f.Delimiter), escape: f.Escape, inQuotes: f.EscapeInQuotes}
	for i := 1; i < len(w.delimiter); i++ {
		w.overlaps = w.overlaps || bytes.HasPrefix(w.delimiter, w.delimiter[i:])
	}
	return w
}

// delimiterAt returns the length of the delimiter at pos, 0 where there is none.
func (s *Scanner) delimiterAt(pos int) int {
	switch {
	case pos == len(s.Data) || s.Data[pos] != s.Delimiter:
		return 0
	case s.wide == nil:
		return 1
	case bytes.HasPrefix(s.Data[pos:], s.wide.delimiter):
		return len(s.wide.delimiter)
	}
	return 0
}

// checkOverlap refuses a delimiter at pos that overlaps another one: of a|||b, with || between
// fields, one program makes a and |b, and another a| and b. Behind ||||, an empty field, all agree.
func (s *Scanner) checkOverlap(pos int) error {
	if s.wide == nil || !s.wide.overlaps {
		return nil
	}
	size := len(s.wide.delimiter)
	if s.delimiterAt(pos+size) > 0 {
		return nil
	}
	for next := pos + 1; next < pos+size; next++ {
		if s.delimiterAt(next) > 0 {
			return s.At(pos, ErrDelimiterOverlaps)
		}
	}
	return nil
}

// wideField is field for the dialects of this file.
func (s *Scanner) wideField(start, pos int) (Span, int, error) {
	if s.quoting && pos < len(s.Data) && s.Data[pos] == s.quote {
		return s.wideQuotedField(start, pos)
	}
	field := Span{Start: pos}
	for i := pos; ; {
		for i < len(s.Data) && !s.special[s.Data[i]] {
			i++
		}
		switch {
		case i == len(s.Data) || s.delimiterAt(i) > 0 || s.LineEnding(i) > 0:
			field.End = i
			return field, i, nil
		case s.wide.inQuotes && s.Data[i] == s.wide.escape: // text
			i++
		case s.wide.escape != 0 && s.Data[i] == s.wide.escape:
			if err := s.checkEscapeOutside(i); err != nil {
				return Span{}, 0, err
			}
			field.escaped = true
			i += 2
		case s.Data[i] == s.Delimiter || s.isTextReturn(i): // the start of one, or text
			i++
		case s.Data[i] == '\r':
			return Span{}, 0, s.At(i, ErrBareReturn)
		default:
			return Span{}, 0, s.At(i, ErrBareQuote)
		}
	}
}

// checkEscapeOutside looks at an escape outside quotes. Where there are quotes, some programs take
// it for one, as MySQL does, and others for a character like any, as Spark does: it must not stand
// before anything that has a meaning. Without quotes there is no other way to have a delimiter in
// a field.
func (s *Scanner) checkEscapeOutside(at int) error {
	next := at + 1
	switch {
	case next == len(s.Data):
		return s.At(at, ErrEscapeAtEnd)
	case s.Data[next] == '\r' && !s.isEscapedReturn(next):
		return s.At(next, ErrEscapeOutside) // and a line feed that it may or may not cover
	case s.quoting && s.special[s.Data[next]] && s.Data[next] != s.wide.escape:
		return s.At(at, ErrEscapeOutside)
	}
	return nil
}

// isEscapedReturn reports whether a carriage return behind an escape ends no record, whether or not
// the escape covers a line feed behind it as well.
func (s *Scanner) isEscapedReturn(pos int) bool {
	return s.Ending == OneByte || s.Ending == CRLFAlone && pos+1 < len(s.Data) || s.isTextReturn(pos)
}

func (s *Scanner) wideQuotedField(start, open int) (Span, int, error) {
	field := Span{Start: open + 1}
	for pos := open + 1; ; {
		for pos < len(s.Data) && s.Data[pos] != s.quote &&
			(s.wide.escape == 0 || s.Data[pos] != s.wide.escape) {
			pos++
		}
		switch {
		case pos < len(s.Data) && s.Data[pos] != s.quote && pos+1 < len(s.Data):
			field.escaped = true
			pos += 2
			continue
		case (pos == len(s.Data) || s.Data[pos] != s.quote) && s.TooLong:
			return Span{}, 0, s.At(start, ErrTooLong)
		case pos == len(s.Data) || s.Data[pos] != s.quote:
			return Span{}, 0, s.At(open, ErrUnclosed)
		}
		field.End = pos
		pos++
		switch {
		case pos == len(s.Data) || s.delimiterAt(pos) > 0 || s.LineEnding(pos) > 0:
			return field, pos, nil
		case s.Data[pos] != s.quote:
			return Span{}, 0, s.At(pos, ErrAfterQuote)
		case s.wide.escape != 0:
			return Span{}, 0, s.At(pos, ErrDoubledQuote)
		}
		field.doubled = true
		pos++
	}
}

// unescape returns the text of a field without the escapes before characters that have a meaning.
// Others, as in \N and \t, stay: what programs make of them differs.
func (s *Scanner) unescape(raw []byte) []byte {
	text := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] == s.wide.escape && i+1 < len(raw) && s.special[raw[i+1]] {
			i++
		}
		text = append(text, raw[i])
	}
	return text
}
