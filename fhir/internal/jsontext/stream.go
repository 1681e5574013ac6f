package jsontext

// Cutting a JSON document of any size into the texts of its resources. Only enough of the grammar
// is looked at to find where a value ends: the decoder checks each text that is cut out.

import (
	"bytes"
	"errors"
	"io"
)

// MaxValue is the most that one value that is held in memory may have, in bytes.
const MaxValue = 16 << 20

// Stream reads a document in parts.
type Stream struct {
	// Lines counts the line feeds that were consumed.
	Lines int

	in      io.Reader
	buffer  []byte
	at, end int
	err     error // of in, io.EOF at its end
}

// NewStream returns a stream of a document.
func NewStream(in io.Reader) *Stream { return &Stream{in: in, buffer: make([]byte, 256<<10)} }

// fill reads on if all is consumed. It returns false at the end, or if reading fails.
func (s *Stream) fill() bool {
	for s.at == s.end && s.err == nil {
		s.at = 0
		s.end, s.err = s.in.Read(s.buffer)
	}
	return s.at < s.end
}

// ended returns the error of reading, or ErrTruncated at the end of the document.
func (s *Stream) ended() error {
	if errors.Is(s.err, io.EOF) {
		return ErrTruncated
	}
	return s.err
}

// Next returns the next byte that is not blank, and does not consume it.
func (s *Stream) Next() (byte, error) {
	for s.fill() {
		c := s.buffer[s.at]
		if !isBlank(c) {
			return c, nil
		}
		if c == '\n' {
			s.Lines++
		}
		s.at++
	}
	return 0, s.ended()
}

// Expect consumes a byte.
func (s *Stream) Expect(c byte) error {
	found, err := s.Next()
	if err == nil && found != c {
		err = ErrJSON
	}
	s.at++
	return err
}

// AtEnd reports whether there are only blanks to the end of the document.
func (s *Stream) AtEnd() (bool, error) {
	_, err := s.Next()
	if errors.Is(err, ErrTruncated) {
		return true, nil
	}
	return false, err
}

// Another reports whether another element follows, and consumes the comma or the end.
func (s *Stream) Another(closing byte) (bool, error) {
	c, err := s.Next()
	if err != nil {
		return false, err
	}
	s.at++
	if c != ',' && c != closing {
		return false, ErrJSON
	}
	return c == ',', nil
}

// Value appends the text of the next value, of at most MaxValue bytes, to text.
func (s *Stream) Value(text []byte) ([]byte, error) {
	if _, err := s.Next(); err != nil {
		return text, err
	}
	start := len(text)
	for end := (ending{}); ; {
		if !s.fill() {
			return text, s.ended()
		}
		part := s.buffer[s.at:s.end]
		n, done := end.find(part)
		s.Lines += bytes.Count(part[:n], []byte{'\n'})
		s.at += n
		text = append(text, part[:n]...)
		switch {
		case len(text)-start > MaxValue:
			return text, ErrTooLarge
		case done:
			return text, nil
		}
	}
}

// ending finds where a value ends, of which it sees one part after the other.
type ending struct {
	depth    int
	begun    bool
	inString bool
	escaped  bool // the next byte belongs to a backslash
}

// find returns how many bytes of a part belong to the value, and whether it ends there.
func (e *ending) find(part []byte) (n int, done bool) {
	for i := 0; i < len(part); i++ {
		c := part[i]
		if e.inString {
			switch {
			case e.escaped:
				e.escaped = false
			case c == '\\':
				e.escaped = true
			case c == '"':
				e.inString = false
				if e.depth == 0 {
					return i + 1, true
				}
			default: // most of a document is in strings
				for i+1 < len(part) && part[i+1] != '"' && part[i+1] != '\\' {
					i++
				}
			}
			continue
		}
		switch c {
		case '"':
			if e.begun && e.depth == 0 {
				return i, true
			}
			e.inString = true
		case '{', '[':
			if e.begun && e.depth == 0 {
				return i, true
			}
			e.depth++
		case '}', ']':
			if e.depth == 0 {
				return i, true
			}
			if e.depth--; e.depth == 0 {
				return i + 1, true
			}
		case ',', ':', ' ', '\n', '\r', '\t':
			if e.depth == 0 {
				return i, true
			}
		}
		e.begun = true
	}
	return len(part), false
}

// Line appends the rest of a line to text, without its end. It returns io.EOF if there is no line
// any more.
func (s *Stream) Line(text []byte) ([]byte, error) {
	start := len(text)
	for some := false; ; some = true {
		if !s.fill() {
			if s.err == io.EOF && some {
				return text, nil
			}
			return text, s.err
		}
		part := s.buffer[s.at:s.end]
		n := bytes.IndexByte(part, '\n')
		if n >= 0 {
			s.at += n + 1
			s.Lines++
			return append(text, part[:n]...), nil
		}
		s.at = s.end
		text = append(text, part...)
		if len(text)-start > MaxValue {
			return text, ErrTooLarge
		}
	}
}
