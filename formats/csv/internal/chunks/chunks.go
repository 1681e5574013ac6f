// Package chunks cuts a text into chunks that end where a record ends, so that each can be worked
// on by itself.
//
// Where a record ends depends on whether a line feed is inside quotes, and so on how many quotes
// precede it. Every chunk starts at the start of a record, so the quotes in the chunk alone tell.
// That holds for well-formed text; a misplaced quote may put the cut in a wrong place, but then it
// lies before the cut, and a reader of the chunk from its start meets it first and refuses the
// input. Where quotes do not tell, the reader of records says where they end.
package chunks

import (
	"bytes"
	"errors"
	"io"
)

// MaxRecord is the longest record in bytes, its line ending included.
const MaxRecord = 16 << 20

// Chunk is a part of a text made of whole records.
type Chunk struct {
	// Seq numbers the chunks of a text from 0.
	Seq int
	// Data are the records.
	Data []byte
	// TooLong tells that Data ends inside a record that is longer than MaxRecord.
	TooLong bool
	// Last tells that nothing follows; not every last chunk knows.
	Last bool

	buffer []byte // what Data is part of
}

// Rules say how to tell where records end.
type Rules struct {
	// Size is how many bytes are read at a time.
	Size int
	// Feed is the byte with which a record ends, and CRLF tells that it must follow a carriage
	// return.
	Feed byte
	CRLF bool
	// Quoting tells that a Feed between two of Quote is text.
	Quoting bool
	Quote   byte
	// Whole, where not nil, returns where the last of the records at the start of data ends of
	// which no byte can be missing, or 0. It replaces what Feed, CRLF and Quote say.
	Whole func(data []byte) int
	// Ahead is how many chunks are on their way at most.
	Ahead int
}

// Source reads chunks. It is used by one goroutine; Recycle may be called by another.
type Source struct {
	rules  Rules
	reader io.Reader
	ctrlZ  []byte // a Ctrl-Z at the very end, which is no part of the text
	seq    int
	ended  bool
	buffer []byte      // the buffer of the chunk to come
	filled int         // bytes in it: the start of a record that the chunk before did not complete
	free   chan []byte // buffers to use again
}

// New returns a Source of the text that r gives.
func New(r io.Reader, rules Rules) *Source {
	return &Source{
		rules: rules, reader: r, buffer: make([]byte, rules.Size), free: make(chan []byte, rules.Ahead),
	}
}

// CtrlZ returns a Ctrl-Z that ended the text, after the last chunk.
func (s *Source) CtrlZ() []byte { return s.ctrlZ }

// Next returns the next chunk, or nil after the last. Only an error of the reader is an error here.
func (s *Source) Next() (*Chunk, error) {
	if s.ended {
		return nil, nil
	}
	cut := 0
	for cut == 0 {
		if s.filled == len(s.buffer) {
			if s.filled > MaxRecord {
				s.ended = true
				return s.take(s.filled, true), nil
			}
			// The one byte over MaxRecord tells a record of that length, at the end of the input,
			// from a longer one.
			s.buffer = append(
				s.buffer,
				make([]byte, min(len(s.buffer), MaxRecord+1-len(s.buffer)))...)
		}
		n, err := io.ReadFull(s.reader, s.buffer[s.filled:])
		s.filled += n
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			s.ended = true
			s.endAtCtrlZ()
			if s.filled == 0 {
				return nil, nil
			}
			c := s.take(s.filled, false)
			c.Last = true
			return c, nil
		case err != nil:
			return nil, err
		}
		cut = s.lastRecordEnd(s.buffer[:min(s.filled, MaxRecord)])
	}
	return s.take(cut, false), nil
}

// endAtCtrlZ takes a Ctrl-Z as the last byte off the text: DOS and tools of SQL Server write it,
// and other programs take it for text in the last field or for one more record.
func (s *Source) endAtCtrlZ() {
	if last := s.filled - 1; last >= 0 && s.buffer[last] == 0x1A {
		s.filled, s.ctrlZ = last, []byte{0x1A}
	}
}

// take makes a chunk of the first cut bytes of the buffer, and starts another buffer with the rest.
func (s *Source) take(cut int, tooLong bool) *Chunk {
	c := &Chunk{
		Seq:     s.seq,
		Data:    s.buffer[:cut],
		TooLong: tooLong,
		buffer:  s.buffer,
	}
	s.seq++
	rest := s.buffer[cut:s.filled]
	select {
	case s.buffer = <-s.free:
	default:
		s.buffer = make([]byte, s.rules.Size)
	}
	for len(s.buffer) < len(rest) {
		s.buffer = make([]byte, 2*len(s.buffer))
	}
	s.filled = copy(s.buffer, rest)
	return c
}

// Recycle gives the memory of a chunk back. Buffers that grew for a long record are let go.
func (s *Source) Recycle(c *Chunk) {
	if len(c.buffer) != s.rules.Size {
		return
	}
	select {
	case s.free <- c.buffer:
	default:
	}
}

// lastRecordEnd returns where the last complete record of data ends, or 0.
func (s *Source) lastRecordEnd(data []byte) int {
	if s.rules.Whole != nil {
		return s.rules.Whole(data)
	}
	quote := []byte{s.rules.Quote}
	inside := s.rules.Quoting && bytes.Count(data, quote)%2 == 1
	for end := len(data); ; {
		line := bytes.LastIndexByte(data[:end], s.rules.Feed)
		if line < 0 {
			return 0
		}
		if s.rules.Quoting && bytes.Count(data[line:end], quote)%2 == 1 {
			inside = !inside
		}
		if !inside && (!s.rules.CRLF || line > 0 && data[line-1] == '\r') {
			return line + 1
		}
		end = line
	}
}
