package records

// How records end. A text in which some end with CRLF and others with LF is read differently by
// different programs: an LF in a note that nobody put into quotes begins a record for the ones, and
// is text for the others.

import (
	"errors"
)

// RecordEnd says what ends a record outside quotes.
type RecordEnd uint16

const (
	// EndAsFirst is the line ending of the first line; another one is refused.
	EndAsFirst RecordEnd = iota
	// EndLF is a line feed, with or without a carriage return before it; a carriage return alone is
	// text.
	EndLF
	// EndCRLF is a carriage return and a line feed; one of them alone is text.
	EndCRLF

	endsWithByte RecordEnd = 0x100 // and the byte
)

// EndsWith is the RecordEnd of texts in which records end with one byte; line endings are text.
func EndsWith(b byte) RecordEnd { return endsWithByte | RecordEnd(b) }

// Byte returns the byte of EndsWith, and reports whether e is of that kind.
func (e RecordEnd) Byte() (b byte, ok bool) { return byte(e), e&endsWithByte != 0 }

// Reasons for which a line ending is refused.
var (
	ErrBareFeed = errors.New("a line feed alone, and the first line ends with CRLF")
	ErrNotBare  = errors.New("a CRLF, and the first line ends with a line feed alone")
)

// RecordEnding is how a scanner takes line endings.
type RecordEnding uint8

const (
	lfOrCRLF RecordEnding = iota
	// AllLF and AllCRLF are those of the first line; another one is refused.
	AllLF
	AllCRLF
	// CRLFAlone ends records; a line feed or a carriage return alone is text.
	CRLFAlone
	// AnyLF ends records, with or without a carriage return before it, which alone is text.
	AnyLF
	// OneByte ends records; it is no line ending, and those are text.
	OneByte
)

// Endings is how to take line endings before the first was seen.
func (e RecordEnd) Endings() RecordEnding {
	switch _, ok := e.Byte(); {
	case ok:
		return OneByte
	case e == EndCRLF:
		return CRLFAlone
	case e == EndLF:
		return AnyLF
	}
	return lfOrCRLF
}

// refusal says what is wrong with a line ending of the other kind.
func (e RecordEnding) refusal() error {
	if e == AllCRLF {
		return ErrBareFeed
	}
	return ErrNotBare
}

// isTextReturn reports whether the byte at pos is a carriage return that is text: none of a line
// ending, where somebody said how records end.
func (s *Scanner) isTextReturn(pos int) bool {
	return (s.Ending == AnyLF || s.Ending == CRLFAlone) && s.Data[pos] == '\r' &&
		s.LineEnding(pos) == 0
}

// Learn takes the line ending before pos, if there is one, for that of all lines, where nobody said
// which it is.
func (s *Scanner) Learn(said RecordEnd) {
	if said != EndAsFirst || s.Ending != lfOrCRLF || s.Pos == 0 || s.Data[s.Pos-1] != '\n' {
		return
	}
	s.Ending = AllLF
	if s.Pos > 1 && s.Data[s.Pos-2] == '\r' {
		s.Ending = AllCRLF
	}
}

// Feed is the byte with which every record end ends.
func (e RecordEnd) Feed() byte {
	if end, ok := e.Byte(); ok {
		return end
	}
	return '\n'
}
