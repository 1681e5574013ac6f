package csv

// Chunks on their way through the workers, and where each may end.

import (
	"io"

	"noo/formats/csv/internal/chunks"
	"noo/formats/csv/internal/records"
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
	records  int64  // in Data
	repeated int64  // headers that are repeated in it
	dashes   int64  // lines of dashes in it
	last     *last  // what its last record may be, nil unless it is the last of the text
	kept     []run  // what of Data goes to the output
	withheld []byte // what goes to the file for follow-up
}

// run is a part of a chunk's data.
type run struct{ start, end int }

func newSource(r io.Reader, f Format) *chunks.Source {
	rules := chunks.Rules{
		Size: f.chunkSize, Feed: f.feed(), CRLF: f.ending == records.CRLFAlone, Quoting: !f.NoQuote, Quote: f.Quote,
		Ahead: queueLength(f.Workers),
	}
	if f.Escape != 0 || f.LenientQuotes {
		s := records.NewScanner(f.dialect(), f.ending)
		rules.Whole = s.WholeRecords
	}
	return chunks.New(r, rules)
}
