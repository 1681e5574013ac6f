package csv

// How records end. A text in which some end with CRLF and others with LF is read differently by
// different programs: an LF in a note that nobody put into quotes begins a record for the ones, and
// is text for the others.

import (
	"bytes"
	"errors"
)

// RecordEnd says what ends a record outside quotes.
type RecordEnd uint16

const (
	// EndAsFirst is the line ending of the first line; another one is refused.
	EndAsFirst RecordEnd = iota
	// EndLF is a line feed, with or without a carriage return before it.
	EndLF
	// EndCRLF is a carriage return and a line feed; a line feed alone is text.
	EndCRLF

	endsWithByte RecordEnd = 0x100 // and the byte
)

// EndsWith is the RecordEnd of texts in which records end with one byte; line endings are text.
func EndsWith(b byte) RecordEnd { return endsWithByte | RecordEnd(b) }

// Byte returns the byte of EndsWith, and reports whether e is of that kind.
func (e RecordEnd) Byte() (b byte, ok bool) { return byte(e), e&endsWithByte != 0 }

// Reasons for which a line ending is refused.
var (
	ErrBareFeed    = errors.New("a line feed alone, and the first line ends with CRLF")
	ErrFeedInNames = errors.New("a line feed alone in the names of the columns")
	ErrNoCRLF      = errors.New("no record ends with CRLF, and there are line feeds")
	ErrNotBare     = errors.New("a CRLF, and the first line ends with a line feed alone")
)

// recordEnding is how a scanner takes line endings.
type recordEnding uint8

const (
	lfOrCRLF recordEnding = iota
	allLF
	allCRLF
	crlfAlone // and LF is text
	oneByte   // which is no line ending, and those are text
)

// endings is how to take line endings before the first was seen.
func (e RecordEnd) endings() recordEnding {
	switch _, ok := e.Byte(); {
	case ok:
		return oneByte
	case e == EndCRLF:
		return crlfAlone
	}
	return lfOrCRLF
}

// refusal says what is wrong with a line ending of the other kind.
func (e recordEnding) refusal() error {
	if e == allCRLF {
		return ErrBareFeed
	}
	return ErrNotBare
}

// learn takes the line ending before pos, if there is one, for that of all lines, where nobody said
// which it is.
func (s *scanner) learn(said RecordEnd) {
	if said != EndAsFirst || s.ending != lfOrCRLF || s.pos == 0 || s.data[s.pos-1] != '\n' {
		return
	}
	s.ending = allLF
	if s.pos > 1 && s.data[s.pos-2] == '\r' {
		s.ending = allCRLF
	}
}

// checkCRLF refuses a first record of a text in which a line feed alone is text that shows it to be
// none: it has the names of the columns, or is the whole of a text with other line endings.
func (d *dataset) checkCRLF(s *scanner, start int) error {
	if s.ending != crlfAlone {
		return nil
	}
	for _, span := range s.spans {
		at := bytes.IndexByte(s.data[span.start:span.end], '\n')
		switch {
		case at < 0 || s.isQuoted(span):
		case !d.format.NoHeader:
			return s.at(span.start+at, ErrFeedInNames)
		case s.pos == len(s.data) && !bytes.HasSuffix(s.data[start:], []byte("\r\n")):
			return s.at(span.start+at, ErrNoCRLF)
		}
	}
	return nil
}
