package records

// Lenient quotes: quotes in the text of a quoted field that nobody doubled. A record is read so
// only where it can be read in one way.

import (
	"bytes"
	"errors"
	"fmt"

	"noo/formats/csv/internal/lenient"
)

// Reasons for which a record with lenient quotes is refused.
var (
	ErrNoReading    = lenient.ErrNone
	ErrManyReadings = lenient.ErrSeveral
	// ErrQuotesOverLines is a quoted field with a line ending in it that may as well be two
	// records.
	ErrQuotesOverLines = errors.New(
		"a quoted field goes on over a line ending, and the line may be a record by itself",
	)
)

// lenientRecord is record for lenient quotes. A record without a quote in the text is read as ever.
// Any other must be one line: with quotes in its text a field that goes on over a line ending could
// swallow records.
func (s *Scanner) lenientRecord() error {
	start := s.Pos
	err := s.strictRecord()
	quotes := errors.Is(err, ErrBareQuote) || errors.Is(err, ErrAfterQuote) ||
		errors.Is(err, ErrBackslash) || errors.Is(err, ErrUnclosed)
	switch {
	case err != nil && !quotes || s.Fields == 0:
		return err
	case err == nil && !s.hasDoubled():
		return s.checkOverLines(start)
	}
	line, next, err := s.line(start)
	if err != nil {
		return err
	}
	if s.Pos > next && len(s.Spans) == s.Fields {
		return s.At(start, ErrQuotesOverLines)
	}
	fields, err := lenient.Split(line, s.Delimiter, s.quote, s.Fields)
	if err != nil {
		return s.At(start, err)
	}
	s.Spans = s.Spans[:0]
	for _, f := range fields {
		s.Spans = append(s.Spans, Span{Start: start + f.Start, End: start + f.End})
	}
	s.ended = start+len(line) < next
	s.MoveTo(next)
	return nil
}

// hasDoubled reports whether a field of the record that was read last has doubled quotes.
func (s *Scanner) hasDoubled() bool {
	for _, field := range s.Spans {
		if field.doubled {
			return true
		}
	}
	return false
}

// line returns the line that starts at start, and where the next one starts. It checks of it what
// record checks.
func (s *Scanner) line(start int) (line []byte, next int, err error) {
	end := start
	for end < len(s.Data) && s.LineEnding(end) == 0 {
		if s.Data[end] == '\r' && s.Ending != OneByte && !s.isTextReturn(end) {
			return nil, 0, s.At(end, ErrBareReturn)
		}
		end++
	}
	next = end + s.LineEnding(end)
	switch nul := bytes.IndexByte(s.Data[start:next], 0); {
	case s.IsMixed(end):
		return nil, 0, s.At(end, s.Ending.refusal())
	case s.TooLong && next == len(s.Data):
		return nil, 0, s.At(start, ErrTooLong)
	case nul >= 0:
		return nil, 0, s.At(start+nul, ErrNUL)
	}
	return s.Data[start:end], next, nil
}

// checkOverLines refuses a record of several lines, read last and without a quote in its text, if
// its first line could be a record: where a text may start with a quote that is never closed, as
// it may in a field without quotes, its first line could have all fields.
func (s *Scanner) checkOverLines(start int) error {
	first, over, quoted := 0, false, true
	for _, field := range s.Spans {
		quoted = quoted && s.IsQuoted(field)
		if over = over || bytes.IndexByte(s.Data[field.Start:field.End], s.Feed) >= 0; !over {
			first++
		}
	}
	if over && !quoted && first+1 >= s.Fields {
		return s.At(start, ErrQuotesOverLines)
	}
	return nil
}

// CountQuotes says of a refusal for a quote in how many lines of the chunk, from the first refused
// one on, there is such a quote, if there are several.
func (s *Scanner) CountQuotes(err error) error {
	refused, ok := errors.AsType[*Malformed](err)
	if !ok || !errors.Is(err, ErrBareQuote) && !errors.Is(err, ErrAfterQuote) {
		return err
	}
	bad, all := 0, 0
	for pos := s.Pos; pos < len(s.Data); all++ {
		_, next, lineErr := s.line(pos)
		if lineErr != nil || next == pos {
			break
		}
		alone := *s
		alone.Data = s.Data[:next]
		alone.MoveTo(pos)
		if alone.Record() != nil {
			bad++
		}
		pos = next
	}
	if bad > 1 {
		refused.Reason = fmt.Errorf("%w, in %d of %d lines from there", refused.Reason, bad, all)
	}
	return refused
}
