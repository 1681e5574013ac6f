package parquet

// A zstd decoder for the frames that appendEvenTexts makes, whose sequences are all alike: the identifying columns of what was written
// are read back with it, in two thirds of the time that a decoder for any sequences takes. It is a decoder of RFC 8878 for what it
// knows, and declines whatever else it meets, however small the difference: the frame then goes to the other decoder, which also
// says what is wrong with a damaged one. Tests hold the two against each other.

import (
	"encoding/binary"
	"math/bits"

	"github.com/klauspost/compress/huff0"
)

// evenFrame is a frame on its way.
type evenFrame struct {
	z        *compressor
	src      []byte // what is left of the frame
	dst      []byte // all of the content
	at       int    // how much of dst is there
	distance int    // of the last match, 0 before the first
}

// unzstdEven decompresses src into dst, which has the length of the content, and returns true; or declines, having written
// anything into dst.
func (z *compressor) unzstdEven(dst, src []byte) bool {
	const header = 4 + 1 + 4
	if len(src) < header || binary.LittleEndian.Uint32(src) != zstdMagic || src[4] != 0xa0 || int(binary.LittleEndian.Uint32(src[5:])) != len(dst) {
		return false
	}
	f := evenFrame{z: z, src: src[header:], dst: dst}
	for {
		last, ok := f.block()
		if !ok {
			return false
		}
		if last {
			return len(f.src) == 0 && f.at == len(dst)
		}
	}
}

// block decompresses the next block (RFC 8878, 3.1.1.2), and tells whether it is the last.
func (f *evenFrame) block() (last, ok bool) {
	if len(f.src) < 3 {
		return false, false
	}
	head := int(f.src[0]) | int(f.src[1])<<8 | int(f.src[2])<<16
	kind, size := head>>1&3, head>>3
	if size > zstdBlock || size > len(f.src)-3 {
		return false, false
	}
	content := f.src[3:][:size]
	f.src = f.src[3+size:]
	switch kind {
	case zstdRaw:
		return head&1 == 1, f.literal(content)
	case zstdPacked:
		literals, sequences, ok := f.literals(content)
		return head&1 == 1, ok && f.sequences(sequences, literals)
	}
	return false, false
}

// literal appends bytes as they are.
func (f *evenFrame) literal(b []byte) bool {
	if len(b) > len(f.dst)-f.at {
		return false
	}
	f.at += copy(f.dst[f.at:], b)
	return true
}

// literals decompresses a literals section (RFC 8878, 3.1.1.3.1), and returns what follows it.
func (f *evenFrame) literals(src []byte) (literals, rest []byte, ok bool) {
	if len(src) < 5 || src[0]>>2&3 != 3 {
		return nil, nil, false
	}
	head := binary.LittleEndian.Uint32(src)
	switch head & 3 {
	case zstdRaw:
		size := int(head >> 4 & (1<<20 - 1))
		if size > zstdBlock || size > len(src)-3 {
			return nil, nil, false
		}
		return src[3:][:size], src[3+size:], true
	case zstdRLE:
		size := int(head >> 4 & (1<<20 - 1))
		if size > zstdBlock {
			return nil, nil, false
		}
		f.z.literals = room(f.z.literals, size)
		fillWith(f.z.literals, src[3])
		return f.z.literals, src[4:], true
	case zstdPacked:
		size, packed := int(head>>4&(1<<18-1)), int(head>>22|uint32(src[4])<<10)
		if size == 0 || size > zstdBlock || packed > len(src)-5 {
			return nil, nil, false
		}
		table, streams, err := huff0.ReadTable(src[5:][:packed], f.z.huffmanIn)
		if err != nil {
			return nil, nil, false
		}
		f.z.huffmanIn = table
		f.z.literals = room(f.z.literals, size)
		literals, err := table.Decoder().Decompress4X(f.z.literals[:0:size], streams)
		return literals, src[5+packed:], err == nil && len(literals) == size
	}
	return nil, nil, false
}

// sequences carries out a sequences section (RFC 8878, 3.1.1.3.2) whose codes are each given once for all, with at most the bits of
// one offset behind them.
func (f *evenFrame) sequences(src, literals []byte) bool {
	if len(src) == 0 {
		return false
	}
	n := int(src[0])
	src = src[1:]
	switch {
	case n == 0:
		return len(src) == 0 && f.literal(literals)
	case n == 255:
		return false
	case n >= 128 && len(src) > 0:
		n, src = (n-128)<<8+int(src[0]), src[1:]
	}
	const modes = 1<<6 | 1<<4 | 1<<2 // RLE_Mode three times
	if len(src) != 5 || src[0] != modes {
		return false
	}
	tail, offset, length, extra := int(src[1]), uint(src[2]), int(src[3])+3, uint(src[4])
	if tail < 1 || tail > mostLiterals || length > mostMatch {
		return false
	}
	switch {
	case offset == 0 && extra == 1 && f.distance > 0:
		// The offset of the sequence before: there are literals between the two.
	case n == 1 && offset >= 2 && extra > 3 && bits.Len(extra) == int(offset)+1:
		f.distance = int(extra) - 3 // its highest bit is the one that ends the bits, and the one that the code stands for
	default:
		return false
	}
	return n > 0 && f.repeat(n, tail, length, literals)
}

// repeat appends n times as many literals as a tail has and a match of a length, and then the rest of the literals.
func (f *evenFrame) repeat(n, tail, length int, literals []byte) bool {
	stride, first := tail+length, f.at+tail-f.distance
	if f.distance != stride || first < 0 || n*tail > len(literals) || n*length+len(literals) > min(len(f.dst)-f.at, zstdBlock) {
		return false
	}
	// Every match is the one before, and that is what stands before the first tail.
	head := f.dst[first:][:length]
	out := f.dst[f.at:]
	f.at += n * stride
	if length <= 8 && first+8 <= len(f.dst) {
		// Whole words, as long as what they write over is yet to come.
		word := binary.LittleEndian.Uint64(f.dst[first : first+8])
		for ; n > 0 && len(out) >= stride+mostLiterals+1 && len(literals) > mostLiterals; n-- {
			copy(out[:mostLiterals+1], literals[:mostLiterals+1])
			binary.LittleEndian.PutUint64(out[tail:], word)
			out, literals = out[stride:], literals[tail:]
		}
	}
	for ; n > 0; n-- {
		copy(out, literals[:tail])
		copy(out[tail:], head)
		out, literals = out[stride:], literals[tail:]
	}
	return f.literal(literals)
}
