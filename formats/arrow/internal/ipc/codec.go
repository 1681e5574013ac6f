package ipc

// Compression of buffers: each follows its length, or -1 where it is not compressed after all.

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Codec is what the buffers of a batch are compressed with, as CompressionType numbers them.
type Codec uint8

// The codecs.
const (
	LZ4 Codec = iota
	Zstd
	Uncompressed Codec = 255
)

// Compressor holds the working memory of the codecs. It is for one goroutine at a time.
type Compressor struct {
	zstdIn  *zstd.Decoder
	zstdOut *zstd.Encoder
	lz4In   *lz4.Reader
	lz4Out  *lz4.Writer
	scratch bytes.Buffer
}

const lengthBytes = 8

var errCompressed = Corrupt("compressed data is damaged")

// Size returns how many bytes a compressed buffer takes in memory.
func Size(buffer []byte) (int64, error) {
	if len(buffer) == 0 {
		return 0, nil
	}
	if len(buffer) < lengthBytes {
		return 0, errCompressed
	}
	n := int64(binary.LittleEndian.Uint64(buffer))
	if n == -1 {
		return int64(len(buffer)) - lengthBytes, nil
	}
	if n < 0 {
		return 0, errCompressed
	}
	return n, nil
}

// Decompress returns what is in a buffer that c compressed: in the memory of dst, which must have a
// length of Size, or in the buffer itself.
func (z *Compressor) Decompress(c Codec, dst, buffer []byte) ([]byte, error) {
	if c == Uncompressed || len(buffer) == 0 {
		return buffer, nil
	}
	src := buffer[lengthBytes:]
	switch {
	case int64(binary.LittleEndian.Uint64(buffer)) == -1:
		return src, nil
	case c == LZ4:
		return dst, z.decompressLZ4(dst, src)
	}
	if z.zstdIn == nil {
		var err error
		z.zstdIn, err = zstd.NewReader(
			nil,
			zstd.WithDecoderConcurrency(1),
			zstd.WithDecodeAllCapLimit(true),
		)
		if err != nil {
			return nil, err
		}
	}
	got, err := z.zstdIn.DecodeAll(src, dst[:0:len(dst)])
	if err != nil || len(got) != len(dst) {
		return nil, errCompressed
	}
	return got, nil
}

func (z *Compressor) decompressLZ4(dst, src []byte) error {
	if z.lz4In == nil {
		z.lz4In = lz4.NewReader(nil)
	}
	z.lz4In.Reset(bytes.NewReader(src))
	if _, err := io.ReadFull(z.lz4In, dst); err != nil {
		return errCompressed
	}
	var more [1]byte
	if _, err := z.lz4In.Read(more[:]); err != io.EOF {
		return errCompressed
	}
	return nil
}

// Compress appends buffer to dst, compressed with c and behind its length.
func (z *Compressor) Compress(c Codec, dst, buffer []byte) ([]byte, error) {
	if len(buffer) == 0 {
		return dst, nil
	}
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(buffer)))
	if c == LZ4 {
		return z.compressLZ4(dst, buffer)
	}
	if z.zstdOut == nil {
		var err error
		z.zstdOut, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false))
		if err != nil {
			return nil, err
		}
	}
	return z.zstdOut.EncodeAll(buffer, dst), nil
}

func (z *Compressor) compressLZ4(dst, buffer []byte) ([]byte, error) {
	if z.lz4Out == nil {
		z.lz4Out = lz4.NewWriter(nil)
		err := z.lz4Out.Apply(
			lz4.ConcurrencyOption(1),
			lz4.BlockSizeOption(lz4.Block256Kb),
			lz4.ChecksumOption(false),
		)
		if err != nil {
			return nil, err
		}
	}
	z.scratch.Reset()
	z.lz4Out.Reset(&z.scratch)
	if _, err := z.lz4Out.Write(buffer); err != nil {
		return nil, err
	}
	if err := z.lz4Out.Close(); err != nil {
		return nil, err
	}
	return append(dst, z.scratch.Bytes()...), nil
}
