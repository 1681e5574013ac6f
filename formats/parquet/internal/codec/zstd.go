package codec

// The parts of a zstd frame (RFC 8878) that noo's two encoders share: frame header, block header,
// and literals in a Huffman code.

import (
	"encoding/binary"
	"errors"

	"github.com/klauspost/compress/huff0"
)

const (
	zstdMagic  = 0xfd2fb528
	zstdBlock  = 128 << 10 // the largest block (RFC 8878, 3.1.1.2.4)
	zstdRaw    = 0
	zstdRLE    = 1
	zstdPacked = 2
	// Frames that decoders of limited memory must accept (RFC 8878, 3.1.1.1.2).
	largestSingle = 8 << 20
)

// appendSingleSegment appends the header of a frame of size bytes, which takes no window but itself
// and has no checksum.
func appendSingleSegment(dst []byte, size int) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, zstdMagic)
	return binary.LittleEndian.AppendUint32(append(dst, 0xa0), uint32(size))
}

// appendBlockHeader appends the header of a block (RFC 8878, 3.1.1.2).
func appendBlockHeader(dst []byte, kind, size int, last bool) []byte {
	header := kind<<1 | size<<3
	if last {
		header |= 1
	}
	return append(dst, byte(header), byte(header>>8), byte(header>>16))
}

// appendLiterals appends a literals section (RFC 8878, 3.1.1.3.1).
func (z *Compressor) appendLiterals(dst, literals []byte) []byte {
	if len(literals) == 0 {
		return appendPlainLiterals(dst, zstdRaw, 0)
	}
	if z.huffman == nil {
		z.huffman = &huff0.Scratch{Reuse: huff0.ReusePolicyNone}
	}
	packed, _, err := huff0.Compress4X(literals, z.huffman)
	switch {
	case errors.Is(err, huff0.ErrUseRLE):
		return append(appendPlainLiterals(dst, zstdRLE, len(literals)), literals[0])
	case err != nil || len(packed) >= len(literals):
		return append(appendPlainLiterals(dst, zstdRaw, len(literals)), literals...)
	}
	// In four streams, both sizes in 18 bits.
	header := 2 | 3<<2 | uint64(len(literals))<<4 | uint64(len(packed))<<22
	dst = append(
		dst,
		byte(header),
		byte(header>>8),
		byte(header>>16),
		byte(header>>24),
		byte(header>>32),
	)
	return append(dst, packed...)
}

// appendPlainLiterals appends the header of literals that are not in a Huffman code, with their
// size in 20 bits.
func appendPlainLiterals(dst []byte, kind, size int) []byte {
	header := kind | 3<<2 | size<<4
	return append(dst, byte(header), byte(header>>8), byte(header>>16))
}
