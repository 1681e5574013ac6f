package formats

// Reading compressed files. The decoders are libraries; what is here is what they leave open:
// that nothing may follow the compressed data, that memory is bounded, and that what is wrong with
// a file is told from what is wrong with the disk that it is on.

import (
	"bufio"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// MaxZstdWindow is the largest window in bytes that a zstd stream may ask for: it is held in
// memory. zstd -d has the same limit unless --long tells it otherwise.
const MaxZstdWindow = 128 << 20

// Reasons for which compressed data is refused; each comes wrapped in an *InputError.
var (
	ErrTruncated = errors.New(
		"the compressed data ends too early: the file was cut off; get it again",
	)
	ErrDamaged  = errors.New("the compressed data is damaged: get the file again")
	ErrTrailing = errors.New(
		"something else follows the compressed data: get the file again, or decompress it and look at its end",
	)
	ErrZstdWindow = errors.New(
		"it is compressed with a zstd window of more than 128 MiB, which would take much memory: decompress it first (zstd -d --long=31)",
	)
	ErrZstdDictionary = errors.New(
		"it is compressed with a zstd dictionary: decompress it first (zstd -d -D DICTIONARY)",
	)
)

// Decompressor reads what a compressed stream holds. All members, frames or streams that follow one
// another are read and their checksums verified; io.EOF comes only when the last is complete and
// the input has ended with it. It decompresses as it is read, in the reader's goroutine.
type Decompressor struct {
	name   string
	source source
	raw    *bufio.Reader // of source
	open   func() error  // makes stream
	stream io.Reader     // nil before the first Read
	close  func()        // or nil
	err    error         // what every further Read returns
}

// NewDecompressor reads r, which c compressed; name is the input's, for messages. An error of r is
// returned as it is, everything else that is wrong as an *InputError.
func NewDecompressor(c Compression, name string, r io.Reader) *Decompressor {
	d := newDecompressor(name, r)
	switch c {
	case Gzip:
		d.open = d.openGzip
	case Zstd:
		d.open = d.openZstd
	case Bzip2:
		d.open = d.openBzip2
	}
	return d
}

// NewInflater is NewDecompressor for bare deflate (RFC 1951), which has no checksum and is in
// entries of ZIP files.
func NewInflater(name string, r io.Reader) *Decompressor {
	d := newDecompressor(name, r)
	d.open = d.openDeflate
	return d
}

func newDecompressor(name string, r io.Reader) *Decompressor {
	d := &Decompressor{name: name, source: source{reader: r}}
	d.raw = bufio.NewReaderSize(&d.source, 64<<10)
	d.open = d.openPlain
	return d
}

// Read implements io.Reader.
func (d *Decompressor) Read(p []byte) (n int, err error) {
	if d.err != nil || len(p) == 0 {
		return 0, d.err
	}
	// A mistake in a decoder ends one run with a message. The message has the kind of the panic
	// only, since its text could hold data.
	defer func() {
		if r := recover(); r != nil {
			d.err = &InputError{
				Name: d.name,
				Err:  fmt.Errorf("%w (a decoder failed: %T)", ErrDamaged, r),
			}
			n, err = 0, d.err
		}
	}()
	n, err = d.read(p)
	if err == io.EOF {
		err = d.expectEnd()
	}
	if err != nil && err != io.EOF {
		err = d.explain(err)
	}
	d.err = err
	return n, err
}

func (d *Decompressor) read(p []byte) (int, error) {
	if d.stream == nil {
		if err := d.open(); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF // a decoder that met the end in a header
			}
			return 0, err
		}
	}
	return d.stream.Read(p)
}

func (d *Decompressor) openPlain() error {
	d.stream = d.raw
	return nil
}

func (d *Decompressor) openBzip2() error {
	d.stream = bzip2.NewReader(d.raw)
	return nil
}

func (d *Decompressor) openDeflate() error {
	d.stream = flate.NewReader(d.raw) // which reads no byte behind its end: raw gives single ones
	return nil
}

// expectEnd returns io.EOF if the input ends here.
func (d *Decompressor) expectEnd() error {
	if _, err := d.raw.Peek(1); err != nil {
		return err
	}
	return ErrTrailing
}

// explain tells what an error of a decoder means.
func (d *Decompressor) explain(err error) error {
	if d.source.err != nil {
		return d.source.err // whatever a decoder made of it
	}
	reason := ErrDamaged
	switch {
	case errors.Is(err, ErrTrailing) || errors.Is(err, zstd.ErrMagicMismatch) || err == errBzip2Magic:
		reason = ErrTrailing
	case errors.Is(err, io.ErrUnexpectedEOF):
		reason = ErrTruncated
	case errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded):
		reason = ErrZstdWindow
	case errors.Is(err, zstd.ErrUnknownDictionary):
		reason = ErrZstdDictionary
	}
	return &InputError{Name: d.name, Err: reason}
}

// Close gives the memory back. It does not close the input.
func (d *Decompressor) Close() {
	if d.close != nil {
		d.close()
	}
}

func (d *Decompressor) openGzip() error {
	member, err := gzip.NewReader(d.raw)
	if err != nil {
		return err
	}
	member.Multistream(false)
	d.stream = &members{raw: d.raw, member: member}
	return nil
}

func (d *Decompressor) openZstd() error {
	decoder, err := zstd.NewReader(d.raw,
		// In this goroutine: faster here than several, and what goes wrong can be caught.
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(MaxZstdWindow),
		// Of a stream: the window of frames that give their size instead.
		zstd.WithDecoderMaxMemory(MaxZstdWindow),
	)
	if err != nil {
		return err
	}
	d.stream, d.close = decoder, decoder.Close
	return nil
}

// errBzip2Magic is what the decoder says of something that is no further stream.
const errBzip2Magic = bzip2.StructuralError("bad magic value in continuation file")

// members reads the members of a gzip stream, one after the other. The library would do that too,
// but takes what is no member for a damaged one.
type members struct {
	raw    *bufio.Reader
	member *gzip.Reader
}

func (m *members) Read(p []byte) (int, error) {
	for {
		n, err := m.member.Read(p)
		if err == io.EOF {
			err = m.next()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// next goes to the next member, or returns io.EOF at the end of the input.
func (m *members) next() error {
	magic, err := m.raw.Peek(2)
	switch {
	case len(magic) == 0:
		return err
	case magic[0] != 0x1f || len(magic) == 2 && magic[1] != 0x8b:
		return ErrTrailing
	}
	err = m.member.Reset(m.raw)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // in its header
	}
	m.member.Multistream(false)
	return err
}

// source remembers the error of a reader, which a decoder might hide behind one of its own.
type source struct {
	reader io.Reader
	err    error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.reader.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}
