package csv

// The source cuts the input into chunks that end where a record ends, so that each can be worked on
// by itself.
//
// Where a record ends depends on whether a line feed is inside quotes, and so on how many quotes
// precede it. Every chunk starts at the start of a record, so the quotes in the chunk alone tell.
// That holds for well-formed text; a misplaced quote may put the cut in a wrong place, but then it
// lies before the cut, and a reader of the chunk from its start meets it first and refuses the
// input.

import (
	"bytes"
	"errors"
	"io"
)

// defaultChunkSize is how many bytes are read at a time. A chunk and the notes on its records fit
// the second-level cache.
const defaultChunkSize = 256 << 10

// chunk is a part of the input made of whole records, and on its way through the workers what
// became of it.
type chunk struct {
	seq     int
	buffer  []byte // what data is part of
	data    []byte
	tooLong bool // data ends inside a record that is longer than MaxRecord
	last    bool // nothing follows; not every last chunk knows

	done     chan struct{} // closed when the fields below are final
	err      error
	lines    int64  // line feeds in data
	kept     []run  // what of data goes to the output
	withheld []byte // what goes to the file for follow-up
}

// run is a part of a chunk's data.
type run struct{ start, end int }

// source reads chunks. It is used by one goroutine; recycle may be called by another.
type source struct {
	reader  io.Reader
	size    int // of a buffer, unless it had to grow
	quote   byte
	quoting bool
	crlf    bool     // a line feed alone ends no record
	feed    byte     // with which a record end ends
	ctrlZ   []byte   // a Ctrl-Z at the very end, which is no part of the text
	walker  *scanner // finds the ends of records where quotes alone do not tell; else nil
	seq     int
	ended   bool
	buffer  []byte      // the buffer of the chunk to come
	filled  int         // bytes in it: the start of a record that the chunk before did not complete
	free    chan []byte // buffers to use again
}

func newSource(r io.Reader, f Format) *source {
	return &source{
		reader: r, size: f.chunkSize, quote: f.Quote, quoting: !f.NoQuote, crlf: f.ending == crlfAlone,
		feed: f.feed(), walker: newWalker(f),
		buffer: make([]byte, f.chunkSize),
		free:   make(chan []byte, queueLength(f.Workers)),
	}
}

// next returns the next chunk, or nil after the last. Only an error of the reader is an error here.
func (s *source) next() (*chunk, error) {
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
			c.last = true
			return c, nil
		case err != nil:
			return nil, err
		}
		cut = s.lastRecordEnd(s.buffer[:min(s.filled, MaxRecord)])
	}
	return s.take(cut, false), nil
}

// endAtCtrlZ takes a Ctrl-Z as the last byte off the text: DOS and tools of SQL Server write it, and
// other programs take it for text in the last field or for one more record.
func (s *source) endAtCtrlZ() {
	if last := s.filled - 1; last >= 0 && s.buffer[last] == 0x1A {
		s.filled, s.ctrlZ = last, []byte{0x1A}
	}
}

// take makes a chunk of the first cut bytes of the buffer, and starts another buffer with the rest.
func (s *source) take(cut int, tooLong bool) *chunk {
	c := &chunk{
		seq:     s.seq,
		buffer:  s.buffer,
		data:    s.buffer[:cut],
		tooLong: tooLong,
		done:    make(chan struct{}),
	}
	s.seq++
	rest := s.buffer[cut:s.filled]
	select {
	case s.buffer = <-s.free:
	default:
		s.buffer = make([]byte, s.size)
	}
	for len(s.buffer) < len(rest) {
		s.buffer = make([]byte, 2*len(s.buffer))
	}
	s.filled = copy(s.buffer, rest)
	return c
}

// recycle gives the memory of a chunk back. Buffers that grew for a long record are let go.
func (s *source) recycle(c *chunk) {
	if len(c.buffer) != s.size {
		return
	}
	select {
	case s.free <- c.buffer:
	default:
	}
}

// lastRecordEnd returns where the last complete record of data ends, or 0.
func (s *source) lastRecordEnd(data []byte) int {
	if s.walker != nil {
		return s.walker.wholeRecords(data)
	}
	quote := []byte{s.quote}
	inside := s.quoting && bytes.Count(data, quote)%2 == 1
	for end := len(data); ; {
		line := bytes.LastIndexByte(data[:end], s.feed)
		if line < 0 {
			return 0
		}
		if s.quoting && bytes.Count(data[line:end], quote)%2 == 1 {
			inside = !inside
		}
		if !inside && (!s.crlf || line > 0 && data[line-1] == '\r') {
			return line + 1
		}
		end = line
	}
}

// newWalker returns a scanner for dialects in which the number of quotes does not tell whether a
// line feed is text.
func newWalker(f Format) *scanner {
	if f.Escape == 0 {
		return nil
	}
	s := newScanner(f)
	return &s
}

// wholeRecords returns where the last of the records at the start of data ends of which no byte can
// be missing, or 0. A record that cannot be read may be one of which the rest is to come; whoever
// reads it from its start with all of its bytes finds what is wrong.
func (s *scanner) wholeRecords(data []byte) (end int) {
	s.start(&chunk{data: data})
	for s.pos < len(data) {
		if !s.skipBlank() && (s.record() != nil || !s.ended) || data[s.pos-1] != s.feed {
			return end
		}
		end = s.pos
	}
	return end
}
