package csv

// Chunks on their way through the workers, and where each may end.

import (
	"io"

	"noo/formats/csv/internal/chunks"
)

// defaultChunkSize is how many bytes are read at a time. A chunk and the notes on its records fit
// the second-level cache.
const defaultChunkSize = 256 << 10

// chunk is a part of the input, and what became of it.
type chunk struct {
	*chunks.Chunk

	done     chan struct{} // closed when the fields below are final
	err      error
	lines    int64  // line feeds in Data
	repeated int64  // headers that are repeated in it
	kept     []run  // what of Data goes to the output
	withheld []byte // what goes to the file for follow-up
}

// run is a part of a chunk's data.
type run struct{ start, end int }

func newSource(r io.Reader, f Format) *chunks.Source {
	rules := chunks.Rules{
		Size: f.chunkSize, Feed: f.feed(), CRLF: f.ending == crlfAlone, Quoting: !f.NoQuote, Quote: f.Quote,
		Ahead: queueLength(f.Workers),
	}
	if f.Escape != 0 {
		s := newScanner(f)
		rules.Whole = s.wholeRecords
	}
	return chunks.New(r, rules)
}

// wholeRecords returns where the last of the records at the start of data ends of which no byte can
// be missing, or 0. A record that cannot be read may be one of which the rest is to come; whoever
// reads it from its start with all of its bytes finds what is wrong.
func (s *scanner) wholeRecords(data []byte) (end int) {
	s.start(&chunks.Chunk{Data: data})
	for s.pos < len(data) {
		if !s.skipBlank() && (s.record() != nil || !s.ended) || data[s.pos-1] != s.feed {
			return end
		}
		end = s.pos
	}
	return end
}
