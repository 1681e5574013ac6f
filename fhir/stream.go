package fhir

// Cutting a JSON document of any size into the texts of its resources. Only enough of the grammar is
// looked at to find where a value ends: the decoder checks each text that is cut out.

import (
	"bytes"
	"errors"
	"io"
)

// maxResource is the most that one resource, or a Bundle without its entries, may have, in bytes.
const maxResource = 16 << 20

// stream reads a document in parts.
type stream struct {
	in      io.Reader
	buffer  []byte
	at, end int
	lines   int   // line feeds consumed
	err     error // of in, io.EOF at its end
}

func newStream(in io.Reader) *stream { return &stream{in: in, buffer: make([]byte, 256<<10)} }

// fill reads on if all is consumed. It returns false at the end, or if reading fails.
func (s *stream) fill() bool {
	for s.at == s.end && s.err == nil {
		s.at = 0
		s.end, s.err = s.in.Read(s.buffer)
	}
	return s.at < s.end
}

// ended returns the error of reading, or ErrTruncated at the end of the document.
func (s *stream) ended() error {
	if errors.Is(s.err, io.EOF) {
		return ErrTruncated
	}
	return s.err
}

// next returns the next byte that is not blank, and does not consume it.
func (s *stream) next() (byte, error) {
	for s.fill() {
		c := s.buffer[s.at]
		if !isBlank(c) {
			return c, nil
		}
		if c == '\n' {
			s.lines++
		}
		s.at++
	}
	return 0, s.ended()
}

// expect consumes a byte.
func (s *stream) expect(c byte) error {
	found, err := s.next()
	if err == nil && found != c {
		err = ErrJSON
	}
	s.at++
	return err
}

// atEnd reports whether there are only blanks to the end of the document.
func (s *stream) atEnd() (bool, error) {
	_, err := s.next()
	if errors.Is(err, ErrTruncated) {
		return true, nil
	}
	return false, err
}

// another reports whether another element follows, and consumes the comma or the end.
func (s *stream) another(closing byte) (bool, error) {
	c, err := s.next()
	if err != nil {
		return false, err
	}
	s.at++
	if c != ',' && c != closing {
		return false, ErrJSON
	}
	return c == ',', nil
}

// value appends the text of the next value, of at most maxResource bytes, to text.
func (s *stream) value(text []byte) ([]byte, error) {
	if _, err := s.next(); err != nil {
		return text, err
	}
	start := len(text)
	for end := (ending{}); ; {
		if !s.fill() {
			return text, s.ended()
		}
		part := s.buffer[s.at:s.end]
		n, done := end.find(part)
		s.lines += bytes.Count(part[:n], []byte{'\n'})
		s.at += n
		text = append(text, part[:n]...)
		switch {
		case len(text)-start > maxResource:
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

// line appends the rest of a line to text, without its end. It returns io.EOF if there is no line
// any more.
func (s *stream) line(text []byte) ([]byte, error) {
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
			s.lines++
			return append(text, part[:n]...), nil
		}
		s.at = s.end
		text = append(text, part...)
		if len(text)-start > maxResource {
			return text, ErrTooLarge
		}
	}
}
