package formats

// Writing compressed files, in parallel. The bytes hang on the content alone, not on the machine,
// the number of processors or the sizes of the writes: each library cuts the content into pieces of
// a fixed size, compresses these each by itself, and puts them together to one member or frame.
// One, because some readers stop after the first.

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/klauspost/pgzip"
)

// Levels and sizes. On an extract (1.1 GB, 13 columns) gzip's level gives files of the size that
// pigz -6 gives in a quarter of its processor time; zstd's gives those of zstd -3. Windows of more
// than 1 MiB made them no smaller, and a piece of zstd is four windows long, so that this bounds
// the memory too: some 10 MiB a worker.
const (
	gzipLevel  = 6
	gzipPiece  = 1 << 20
	zstdLevel  = zstd.SpeedFastest
	zstdWindow = 1 << 20
)

// maxWorkers bounds the memory of a Compressor on large machines: the reader is slower than so many
// writers.
const maxWorkers = 16

// Errors of a Compressor.
var (
	// ErrNotWritable is a compression that can only be read.
	ErrNotWritable = errors.New("cannot be written")
	// ErrMiscompressed is output that, decompressed again, is not what was written. It is a bug of
	// this program.
	ErrMiscompressed = errors.New(
		"read back, the compressed output does not hold what it should; this is a bug in noo: nothing was written, please report it",
	)
)

// Compressor compresses what is written to it. All that it writes it also decompresses again,
// meanwhile: an encoder builds its output anew, and a mistake in it must not lose a record. It is
// for one goroutine.
type Compressor struct {
	encoder io.WriteCloser
	reset   func() // waits for the encoder's goroutines
	written int64
	done    bool

	proof   *io.PipeWriter // takes what the encoder wrote to whoever reads it back
	reader  *io.PipeReader
	proved  chan struct{} // closed when the fields below are final
	content int64         // bytes that were read back
	err     error         // of reading back
}

// NewCompressor writes to w, from goroutines of its own but never from two at a time. workers is
// how many pieces are compressed at a time, 0 for as many as there are processors to use. Every
// Compressor must be closed or abandoned.
func NewCompressor(c Compression, w io.Writer, workers int) (*Compressor, error) {
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	workers = min(workers, maxWorkers)
	z := &Compressor{proved: make(chan struct{})}
	z.reader, z.proof = io.Pipe()
	var err error
	switch w := io.MultiWriter(w, z.proof); c {
	case Gzip:
		err = z.startGzip(w, workers)
	case Zstd:
		err = z.startZstd(w, workers)
	default:
		err = fmt.Errorf("%v %w", c, ErrNotWritable)
	}
	if err != nil {
		return nil, err
	}
	go z.readBack(c)
	return z, nil
}

func (z *Compressor) startGzip(w io.Writer, workers int) error {
	encoder, err := pgzip.NewWriterLevel(w, gzipLevel)
	if err != nil {
		return err
	}
	encoder.ModTime = time.Unix(0, 0) // none; the library makes a date of the zero Time
	z.encoder, z.reset = encoder, func() { encoder.Reset(io.Discard) }
	return encoder.SetConcurrency(gzipPiece, workers)
}

func (z *Compressor) startZstd(w io.Writer, workers int) error {
	encoder, err := zstd.NewWriter(w,
		zstd.WithEncoderLevel(zstdLevel),
		zstd.WithWindowSize(zstdWindow),
		zstd.WithEncoderCRC(true),
		zstd.WithZeroFrames(true),
		zstd.WithConcurrentBlocks(true),
		// With one it would not cut into pieces, and give other bytes.
		zstd.WithEncoderConcurrency(max(workers, 2)),
	)
	if err != nil {
		return err
	}
	z.encoder, z.reset = encoder, func() { encoder.Reset(nil) }
	return nil
}

// readBack decompresses what the encoder writes, which verifies its checksum, and counts what comes
// out.
func (z *Compressor) readBack(c Compression) {
	defer close(z.proved)
	d := NewDecompressor(c, "the output", z.reader)
	defer d.Close()
	z.content, z.err = io.Copy(io.Discard, d)
	if z.err != nil {
		z.err = fmt.Errorf("%w (%v)", ErrMiscompressed, z.err) // it is no input that is refused
	}
	z.reader.CloseWithError(z.err) // the encoder need not go on
}

// Write implements io.Writer. An error of the writer below may come with a later Write, or with
// Close.
func (z *Compressor) Write(p []byte) (int, error) {
	n, err := z.encoder.Write(p)
	z.written += int64(n)
	return n, err
}

// Close writes what is left, and waits until all was read back. When it returns nothing more is
// written.
func (z *Compressor) Close() error {
	if err := z.encoder.Close(); err != nil {
		z.Abandon()
		return err
	}
	z.done = true
	z.proof.Close()
	<-z.proved
	if z.err == nil && z.content != z.written {
		return ErrMiscompressed
	}
	return z.err
}

// Abandon ends a Compressor whose output nobody wants, and waits until it writes no more. It does
// nothing after Close: it may be deferred.
func (z *Compressor) Abandon() {
	if z.done {
		return
	}
	z.done = true
	z.reader.Close() // what the encoder still has to write fails
	z.reset()
	z.proof.Close()
	<-z.proved
}
