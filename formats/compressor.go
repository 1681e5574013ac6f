package formats

// Writing compressed files, in parallel. The bytes hang on the content alone, not on the machine, the number of
// processors or the sizes of the writes: each library cuts the content into pieces of a fixed size, compresses these
// each by itself, and puts them together to one member or frame. One, because some readers stop after the first.

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/klauspost/pgzip"
)

// Levels and sizes. On an extract (1.1 GB, 13 columns) gzip's level gives files of the size that pigz -6 gives in a
// quarter of its processor time; zstd's gives those of zstd -3. Windows of more than 1 MiB made them no smaller, and a
// piece of zstd is four windows long, so that this bounds the memory too: some 10 MiB a worker.
const (
	gzipLevel  = 6
	gzipPiece  = 1 << 20
	zstdLevel  = zstd.SpeedFastest
	zstdWindow = 1 << 20
)

// maxWorkers bounds the memory of a Compressor on large machines: the reader is slower than so many writers.
const maxWorkers = 16

// ErrNotWritable is a compression that can only be read.
var ErrNotWritable = errors.New("cannot be written")

// Compressor compresses what is written to it. It is for one goroutine.
type Compressor struct {
	encoder io.WriteCloser
	abandon func()
	done    bool
}

// NewCompressor writes to w, from goroutines of its own but never from two at a time. workers is how many pieces are
// compressed at a time, 0 for as many as there are processors to use. Every Compressor must be closed or abandoned.
func NewCompressor(c Compression, w io.Writer, workers int) (*Compressor, error) {
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	workers = min(workers, maxWorkers)
	switch c {
	case Gzip:
		return newGzipCompressor(w, workers)
	case Zstd:
		return newZstdCompressor(w, workers)
	}
	return nil, fmt.Errorf("%v %w", c, ErrNotWritable)
}

func newGzipCompressor(w io.Writer, workers int) (*Compressor, error) {
	encoder, err := pgzip.NewWriterLevel(w, gzipLevel)
	if err != nil {
		return nil, err
	}
	if err := encoder.SetConcurrency(gzipPiece, workers); err != nil {
		return nil, err
	}
	encoder.ModTime = time.Unix(0, 0) // none; the library makes a date of the zero Time
	return &Compressor{encoder: encoder, abandon: func() { encoder.Reset(io.Discard) }}, nil
}

func newZstdCompressor(w io.Writer, workers int) (*Compressor, error) {
	encoder, err := zstd.NewWriter(w,
		zstd.WithEncoderLevel(zstdLevel),
		zstd.WithWindowSize(zstdWindow),
		zstd.WithEncoderCRC(true),
		zstd.WithZeroFrames(true),
		zstd.WithConcurrentBlocks(true),
		zstd.WithEncoderConcurrency(max(workers, 2)), // with one it would not cut into pieces, and give other bytes
	)
	if err != nil {
		return nil, err
	}
	return &Compressor{encoder: encoder, abandon: func() { encoder.Reset(nil) }}, nil
}

// Write implements io.Writer. An error of the writer below may come with a later Write, or with Close.
func (c *Compressor) Write(p []byte) (int, error) { return c.encoder.Write(p) }

// Close writes what is left. When it returns nothing more is written.
func (c *Compressor) Close() error {
	c.done = true
	err := c.encoder.Close()
	if err != nil {
		c.abandon()
	}
	return err
}

// Abandon ends a Compressor whose output nobody wants, and waits until it writes no more. It does nothing after Close:
// it may be deferred.
func (c *Compressor) Abandon() {
	if !c.done {
		c.done = true
		c.abandon()
	}
}
