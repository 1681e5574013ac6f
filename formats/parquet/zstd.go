package parquet

// A zstd encoder without matches (RFC 8878): literals in a Huffman code and nothing else. Many columns (digits, codes, dates) hold
// little that repeats; for them it gives pages nearly as small as a search for matches does, in a third of the time.

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/klauspost/compress/huff0"
)

const (
	zstdMagic     = 0xfd2fb528
	zstdBlock     = 128 << 10 // the largest block (RFC 8878, 3.1.1.2.4)
	zstdRaw       = 0
	zstdRLE       = 1
	zstdPacked    = 2
	largestSingle = 8 << 20 // frames that decoders of limited memory must accept (RFC 8878, 3.1.1.1.2)
)

// huffmanMargin is how much larger than the input's own page a page may become for the sake of speed.
const huffmanMargin = 1.08

// huffmanSuits tells whether Huffman coding alone makes src about as small as the writer of the input made the page, of which it
// compressed size bytes to packed. It goes by the entropy of a sample, so it hangs on the data alone.
func huffmanSuits(src []byte, size, packed int) bool {
	const sample = 32 << 10
	if len(src) < sample || len(src) > largestSingle || size <= 0 {
		return false
	}
	var counts [4][256]uint32
	middle := src[(len(src)-sample)/2:][:sample]
	for i := 0; i+4 <= len(middle); i += 4 {
		counts[0][middle[i]]++
		counts[1][middle[i+1]]++
		counts[2][middle[i+2]]++
		counts[3][middle[i+3]]++
	}
	entropy := 0.0 // bits a byte
	for b := range counts[0] {
		if n := counts[0][b] + counts[1][b] + counts[2][b] + counts[3][b]; n > 0 {
			share := float64(n) / sample
			entropy -= share * math.Log2(share)
		}
	}
	ratio := float64(packed) / float64(size)
	return entropy/8 <= ratio*huffmanMargin && entropy < 7.5
}

// appendHuffman appends a frame of src, of up to largestSingle bytes.
func (z *compressor) appendHuffman(dst, src []byte) []byte {
	if z.huffman == nil {
		z.huffman = &huff0.Scratch{Reuse: huff0.ReusePolicyNone}
	}
	dst = appendSingleSegment(dst, len(src))
	for last := false; !last; {
		block := src[:min(len(src), zstdBlock)]
		src = src[len(block):]
		last = len(src) == 0
		dst = z.appendBlock(dst, block, last)
	}
	return dst
}

// appendSingleSegment appends the header of a frame of size bytes, which takes no window but itself and has no checksum.
func appendSingleSegment(dst []byte, size int) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, zstdMagic)
	return binary.LittleEndian.AppendUint32(append(dst, 0xa0), uint32(size))
}

// appendBlock appends a block (RFC 8878, 3.1.1.2).
func (z *compressor) appendBlock(dst, block []byte, last bool) []byte {
	packed, _, err := huff0.Compress4X(block, z.huffman)
	switch {
	case errors.Is(err, huff0.ErrUseRLE):
		return append(appendBlockHeader(dst, zstdRLE, len(block), last), block[0])
	case err != nil || len(packed)+6 >= len(block):
		return append(appendBlockHeader(dst, zstdRaw, len(block), last), block...)
	}
	const sections = 5 + 1 // the headers of the literals and of the sequences, of which there are none
	dst = appendBlockHeader(dst, zstdPacked, len(packed)+sections, last)
	// Compressed literals in four streams, their sizes in 18 bits each (RFC 8878, 3.1.1.3.1.1).
	header := 2 | 3<<2 | uint64(len(block))<<4 | uint64(len(packed))<<22
	dst = append(dst, byte(header), byte(header>>8), byte(header>>16), byte(header>>24), byte(header>>32))
	return append(append(dst, packed...), 0)
}

func appendBlockHeader(dst []byte, kind, size int, last bool) []byte {
	header := kind<<1 | size<<3
	if last {
		header |= 1
	}
	return append(dst, byte(header), byte(header>>8), byte(header>>16))
}
