// Package codec has the codecs of Parquet (Compression.md). Decompression writes into a buffer of
// the size that the page header promises, and never past it, so that a bomb fails instead of
// filling the memory. To add a codec, see Decompress and compress here, and spec.Codec.
package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/huff0"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"noo/formats/parquet/internal/encoding"
	"noo/formats/parquet/internal/spec"
)

// Levels: chosen so that the output is about as large as the common writers make it, and no slower
// to make than need be (BenchmarkCompress).
const (
	gzipLevel   = 6
	brotliLevel = 5
)

// Compressor holds the working memory of every codec that it has met. It is for one goroutine at a
// time.
type Compressor struct {
	zstdIn    *zstd.Decoder
	zstdOut   *zstd.Encoder
	gzipIn    *gzip.Reader
	gzipOut   *gzip.Writer
	brotliIn  *brotli.Reader
	brotli    *brotli.Writer
	lz4       lz4.Compressor
	huffman   *huff0.Scratch
	literals  []byte
	sequences *sequencer
	scratch   bytes.Buffer
}

// ErrCompressed is compressed data that does not give the bytes it should.
var ErrCompressed = errors.New("compressed data is damaged")

// Decompress decompresses src, which must give exactly len(dst) bytes, into dst.
func (z *Compressor) Decompress(c spec.Codec, dst, src []byte) error {
	if len(dst) == 0 && len(src) == 0 {
		return nil // a page without values may have nothing at all to decompress
	}
	switch c {
	case spec.Uncompressed:
		if len(src) != len(dst) {
			return ErrCompressed
		}
		copy(dst, src)
		return nil
	case spec.SnappyCodec:
		if n, err := s2.DecodedLen(src); err != nil || n != len(dst) {
			return ErrCompressed
		}
		out, err := s2.Decode(dst, src)
		return exactly(dst, out, err)
	case spec.ZstdCodec:
		return z.unzstd(dst, src)
	case spec.GzipCodec:
		return z.gunzip(dst, src)
	case spec.BrotliCodec:
		if z.brotliIn == nil {
			z.brotliIn = brotli.NewReader(nil)
		}
		if err := z.brotliIn.Reset(bytes.NewReader(src)); err != nil {
			return ErrCompressed
		}
		return fill(dst, z.brotliIn)
	case spec.LZ4Raw:
		return unlz4(dst, src)
	case spec.LZ4Hadoop:
		return unlz4Hadoop(dst, src)
	}
	return fmt.Errorf("codec %d: %w", c, spec.ErrUnsupported)
}

// exactly checks that a decoder wrote into dst and filled it.
func exactly(dst, out []byte, err error) error {
	if err != nil || len(out) != len(dst) || len(dst) > 0 && &out[0] != &dst[0] {
		return ErrCompressed
	}
	return nil
}

// fill reads exactly len(dst) bytes, after which the stream must end.
func fill(dst []byte, r io.Reader) error {
	if _, err := io.ReadFull(r, dst); err != nil {
		return ErrCompressed
	}
	var more [1]byte
	if n, err := io.ReadFull(r, more[:]); n != 0 || !errors.Is(err, io.EOF) {
		return ErrCompressed
	}
	return nil
}

func (z *Compressor) unzstd(dst, src []byte) (err error) {
	if z.zstdIn == nil {
		z.zstdIn, err = zstd.NewReader(
			nil,
			zstd.WithDecoderConcurrency(1),
			zstd.WithDecodeAllCapLimit(true),
		)
		if err != nil {
			return err
		}
	}
	out, err := z.zstdIn.DecodeAll(src, dst[:0:len(dst)])
	return exactly(dst, out, err)
}

func (z *Compressor) gunzip(dst, src []byte) (err error) {
	if z.gzipIn == nil {
		z.gzipIn, err = gzip.NewReader(bytes.NewReader(src))
	} else {
		err = z.gzipIn.Reset(bytes.NewReader(src))
	}
	if err != nil {
		z.gzipIn = nil
		return ErrCompressed
	}
	return fill(dst, z.gzipIn)
}

func unlz4(dst, src []byte) error {
	if len(dst) == 0 {
		// The library's assembly fails on no room at all; nothing compressed is one empty literal.
		if len(src) != 1 || src[0] != 0 {
			return ErrCompressed
		}
		return nil
	}
	n, err := lz4.UncompressBlock(src, dst)
	if err != nil || n != len(dst) {
		return ErrCompressed
	}
	return nil
}

// unlz4Hadoop reads what Hadoop's Lz4Codec writes: blocks, each after its size and compressed size,
// big-endian. Writers that did not know of the framing wrote bare blocks or LZ4 frames under the
// same codec, so these are tried in turn (Compression.md, "LZ4").
func unlz4Hadoop(dst, src []byte) error {
	if unlz4Framed(dst, src) == nil || unlz4(dst, src) == nil {
		return nil
	}
	return fill(dst, lz4.NewReader(bytes.NewReader(src)))
}

func unlz4Framed(dst, src []byte) error {
	for len(src) > 0 {
		if len(src) < 8 {
			return ErrCompressed
		}
		size, packed := binary.BigEndian.Uint32(src), binary.BigEndian.Uint32(src[4:])
		src = src[8:]
		if uint64(size) > uint64(len(dst)) || uint64(packed) > uint64(len(src)) {
			return ErrCompressed
		}
		if err := unlz4(dst[:size], src[:packed]); err != nil {
			return err
		}
		dst, src = dst[size:], src[packed:]
	}
	if len(dst) != 0 {
		return ErrCompressed
	}
	return nil
}

// Layout is what an encoder of this package is made for.
type Layout uint8

const (
	anything Layout = iota
	plainTexts
	plainEights // integers and floating-point numbers of eight bytes
)

// LayoutOf tells how the values of a page of a type and encoding lie.
func LayoutOf(kind spec.Physical, e spec.Encoding) Layout {
	switch {
	case e == spec.Plain && kind == spec.ByteArray:
		return plainTexts
	case e == spec.Plain && (kind == spec.Int64Type || kind == spec.Double):
		return plainEights
	}
	return anything
}

// Hint is what is known of a page that is to be compressed.
type Hint struct {
	Size, Packed int // of the page of the input that it is what is left of
	Holds        Layout
	Levels, N    int   // it holds n values behind its levels, which end at levels
	Loses        *bool // notes that the encoder for the content makes the column chunk too large
}

// Ratio is how small the writer of the input made the page.
func (o *Hint) Ratio() float64 { return float64(o.Packed) / float64(max(o.Size, 1)) }

// CompressLike appends src, compressed, to dst. It is what is left of a page of the input: what was
// of no use there is not tried again.
func (z *Compressor) CompressLike(c spec.Codec, dst, src []byte, was Hint) ([]byte, error) {
	switch {
	case c == spec.SnappyCodec && was.Packed >= was.Size && len(src) > 0:
		return appendSnappyLiteral(dst, src), nil
	case c == spec.ZstdCodec:
		return z.zstdLike(dst, src, was)
	}
	return z.Compress(c, dst, src)
}

// zstdMargin is how much larger than the input's own page noo may make a page for the sake of
// speed.
const zstdMargin = 1.08

// zstdLike appends src, compressed by noo's encoder for what the page holds, or by klauspost's
// where there is none or it makes the page too large.
func (z *Compressor) zstdLike(dst, src []byte, was Hint) ([]byte, error) {
	if !*was.Loses {
		start := len(dst)
		made := false
		if dst, made = z.zstdValues(dst, src, was); made {
			if float64(len(dst)-start) <= zstdMargin*was.Ratio()*float64(len(src)) {
				return dst, nil
			}
			*was.Loses, dst = true, dst[:start]
		}
	}
	return z.Compress(spec.ZstdCodec, dst, src)
}

// zstdValues appends src, compressed, to dst if there is an encoder for what it holds.
func (z *Compressor) zstdValues(dst, src []byte, was Hint) (_ []byte, made bool) {
	switch {
	case was.Holds == plainTexts:
		if e, ok := evenTextsIn(src, was.Levels, was.N); ok {
			return z.appendEvenTexts(dst, src, e), true
		}
	case was.Holds == plainEights && was.N >= 64 && was.Levels <= evenLevels && len(src) <= largestSingle:
		return z.appendValues(dst, src, was.Levels), true
	}
	return dst, false
}

// appendSnappyLiteral appends a Snappy block of a single literal (snappy, format_description.txt,
// 2.1).
func appendSnappyLiteral(dst, src []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(src)))
	dst = append(dst, 63<<2) // a literal with its length, less one, in four bytes
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(src)-1))
	return append(dst, src...)
}

// Compress appends src, compressed, to dst.
func (z *Compressor) Compress(c spec.Codec, dst, src []byte) (_ []byte, err error) {
	switch c {
	case spec.Uncompressed:
		return append(dst, src...), nil
	case spec.SnappyCodec:
		return appendBlock(dst, s2.MaxEncodedLen(len(src)), func(room []byte) (int, error) {
			return len(s2.EncodeSnappy(room, src)), nil
		})
	case spec.ZstdCodec:
		if z.zstdOut == nil {
			z.zstdOut, err = zstd.NewWriter(
				nil,
				zstd.WithEncoderConcurrency(1),
				zstd.WithEncoderLevel(zstd.SpeedFastest),
				zstd.WithEncoderCRC(false),
			)
			if err != nil {
				return dst, err
			}
		}
		return z.zstdOut.EncodeAll(src, dst), nil
	case spec.GzipCodec:
		return z.gzip(dst, src)
	case spec.BrotliCodec:
		return z.brotlied(dst, src)
	case spec.LZ4Raw:
		return z.lz4Block(dst, src)
	case spec.LZ4Hadoop:
		start := len(dst)
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(src)))
		dst, err = z.lz4Block(append(dst, 0, 0, 0, 0), src)
		binary.BigEndian.PutUint32(dst[start+4:], uint32(len(dst)-start-8))
		return dst, err
	}
	return dst, fmt.Errorf("codec %d: %w", c, spec.ErrUnsupported)
}

// appendBlock lets encode write into room for a whole block behind dst.
func appendBlock(dst []byte, room int, encode func([]byte) (int, error)) ([]byte, error) {
	if room < 0 {
		return dst, fmt.Errorf("a page that is too large to compress: %w", spec.ErrLimit)
	}
	start := len(dst)
	dst = encoding.Grow(dst, room)
	n, err := encode(dst[start : start+room])
	return dst[:start+n], err
}

func (z *Compressor) lz4Block(dst, src []byte) ([]byte, error) {
	return appendBlock(dst, lz4.CompressBlockBound(len(src)), func(room []byte) (int, error) {
		return z.lz4.CompressBlock(src, room)
	})
}

func (z *Compressor) gzip(dst, src []byte) (_ []byte, err error) {
	z.scratch.Reset()
	if z.gzipOut == nil {
		z.gzipOut, err = gzip.NewWriterLevel(&z.scratch, gzipLevel)
		if err != nil {
			return dst, err
		}
	}
	z.gzipOut.Reset(&z.scratch)
	return z.stream(dst, src, z.gzipOut)
}

func (z *Compressor) brotlied(dst, src []byte) ([]byte, error) {
	z.scratch.Reset()
	if z.brotli == nil {
		z.brotli = brotli.NewWriterLevel(&z.scratch, brotliLevel)
	}
	z.brotli.Reset(&z.scratch)
	return z.stream(dst, src, z.brotli)
}

// stream compresses src with a writer that goes to scratch.
func (z *Compressor) stream(dst, src []byte, w io.WriteCloser) ([]byte, error) {
	if _, err := w.Write(src); err != nil {
		return dst, err
	}
	if err := w.Close(); err != nil {
		return dst, err
	}
	return append(dst, z.scratch.Bytes()...), nil
}
