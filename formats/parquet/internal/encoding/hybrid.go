package encoding

// The RLE and bit-packing hybrid (Encodings.md, "Run Length Encoding / Bit-Packing Hybrid") that
// levels, dictionary indices and RLE booleans are in, and the older BIT_PACKED encoding of levels.

import (
	"encoding/binary"
	"math/bits"

	"noo/formats/parquet/internal/spec"
)

// word is what a decoded number is held in: levels take a byte, dictionary indices four.
type word interface{ ~uint8 | ~uint32 }

// ErrHybrid is a malformed run-length encoding.
var ErrHybrid = spec.Corrupt("its run-length encoded numbers are malformed")

// DecodeHybrid fills dst with the numbers of the given bit width that src starts with.
func DecodeHybrid[W word](dst []W, src []byte, width uint) error {
	if width == 0 {
		clear(dst)
		return nil
	}
	if width > 32 || width > 8 && uint64(^W(0)) == 0xff {
		return ErrHybrid
	}
	valueBytes := int(width+7) / 8
	for len(dst) > 0 {
		header, n := binary.Uvarint(src)
		if n <= 0 {
			return ErrHybrid
		}
		src = src[n:]
		if header&1 == 0 {
			if len(src) < valueBytes {
				return ErrHybrid
			}
			var value uint64
			for i := range valueBytes {
				value |= uint64(src[i]) << (8 * i)
			}
			src = src[valueBytes:]
			if value>>width != 0 {
				return ErrHybrid
			}
			count := int(min(header>>1, uint64(len(dst))))
			FillWith(dst[:count], W(value))
			dst = dst[count:]
			continue
		}
		groups := header >> 1
		count := len(dst)
		if groups < uint64(count+7)/8 {
			count = int(groups) * 8
		}
		// The last run of a page may lack the bytes of values that are not there.
		need := (count*int(width) + 7) / 8
		if len(src) < need {
			return ErrHybrid
		}
		unpack(dst[:count], src, width)
		src = src[min(uint64(len(src)), groups*uint64(width)):]
		dst = dst[count:]
	}
	return nil
}

// FillWith sets every element of dst.
func FillWith[W word](dst []W, v W) {
	for i := range dst {
		dst[i] = v
	}
}

// Constant reports whether the first n numbers of a hybrid are one run, and of which value, without
// decoding them.
func Constant(src []byte, n int, width uint) (uint32, bool) {
	header, size := binary.Uvarint(src)
	if size <= 0 || header&1 != 0 || header>>1 < uint64(n) {
		return 0, false
	}
	src = src[size:]
	valueBytes := int(width+7) / 8
	if len(src) < valueBytes {
		return 0, false
	}
	var value uint32
	for i := range valueBytes {
		value |= uint32(src[i]) << (8 * i)
	}
	return value, true
}

// unpack reads len(dst) numbers of the given width, 1 to 32, packed from the least significant bit.
// src has them all.
func unpack[W word](dst []W, src []byte, width uint) {
	mask := uint64(1)<<width - 1
	var i int
	var bit uint
	// Eight numbers start at a whole byte. Four of up to 14 bits lie within the eight bytes from
	// the first of them on.
	for half := 4 * width; width <= 14 && i+8 <= len(dst); i += 8 {
		at := i / 8 * int(width)
		if at+int(width)+8 > len(src) {
			break
		}
		out := dst[i : i+8 : i+8]
		low := binary.LittleEndian.Uint64(src[at:])
		high := binary.LittleEndian.Uint64(src[at+int(half/8):]) >> (half % 8)
		shift := width & 63
		out[0], out[4] = W(low&mask), W(high&mask)
		low, high = low>>shift, high>>shift
		out[1], out[5] = W(low&mask), W(high&mask)
		low, high = low>>shift, high>>shift
		out[2], out[6] = W(low&mask), W(high&mask)
		low, high = low>>shift, high>>shift
		out[3], out[7] = W(low&mask), W(high&mask)
	}
	for ; i+8 <= len(dst); i += 8 {
		at := i / 8 * int(width)
		if at+int(width)+8 > len(src) {
			break
		}
		block, out := src[at:at+int(width)+8], dst[i:i+8]
		bit = 0
		for j := range out {
			out[j] = W(binary.LittleEndian.Uint64(block[bit/8:]) >> (bit % 8) & mask)
			bit += width
		}
	}
	if i == len(dst) {
		return
	}
	src = src[i/8*int(width):]
	bit = 0
	var padded [8]byte
	for ; i < len(dst); i++ {
		at := bit / 8
		if int(at)+8 <= len(src) {
			dst[i] = W(binary.LittleEndian.Uint64(src[at:]) >> (bit % 8) & mask)
		} else {
			clear(padded[copy(padded[:], src[at:]):])
			dst[i] = W(binary.LittleEndian.Uint64(padded[:]) >> (bit % 8) & mask)
		}
		bit += width
	}
}

// DecodeBitPacked fills dst from the BIT_PACKED encoding, packed from the most significant bit, and
// returns its size.
func DecodeBitPacked(dst []uint8, src []byte, width uint) (int, error) {
	size := (len(dst)*int(width) + 7) / 8
	if size > len(src) {
		return 0, ErrHybrid
	}
	var acc, have uint
	at := 0
	for i := range dst {
		for have < width {
			acc = acc<<8 | uint(src[at])
			at++
			have += 8
		}
		have -= width
		dst[i] = uint8(acc >> have & (1<<width - 1))
	}
	return size, nil
}

// AppendHybrid appends the numbers, each of which fits the width, to dst.
func AppendHybrid[W word](dst []byte, numbers []W, width uint) []byte {
	if width == 0 {
		return dst
	}
	// A run costs about four bytes with the packed run that it interrupts; shorter ones are smaller
	// packed.
	shortest := max(8, (32/int(width)+7)/8*8)
	packed := 0 // where the numbers start that wait to be packed
	i := 0
	for i+shortest <= len(numbers) {
		v := numbers[i]
		// Whether eight are equal is one branch, which is seldom taken.
		if n := numbers[i : i+8 : i+8]; (n[1]^v)|(n[2]^v)|(n[3]^v)|(n[4]^v)|(n[5]^v)|(n[6]^v)|(n[7]^v) != 0 {
			i += 8
			continue
		}
		end := i + 8
		for end < len(numbers) && numbers[end] == v {
			end++
		}
		if end-i < shortest {
			i += 8
			continue
		}
		dst = appendPacked(dst, numbers[packed:i], width)
		dst = AppendRun(dst, end-i, v, width)
		i, packed = end, end
	}
	return appendPacked(dst, numbers[packed:], width)
}

// AppendRun appends one run of equal numbers.
func AppendRun[W word](dst []byte, n int, v W, width uint) []byte {
	if n == 0 {
		return dst
	}
	dst = binary.AppendUvarint(dst, uint64(n)<<1)
	for i := uint(0); i < width; i += 8 {
		dst = append(dst, byte(uint32(v)>>i))
	}
	return dst
}

// appendPacked appends numbers as one bit-packed run, padded with zeros to a multiple of eight.
func appendPacked[W word](dst []byte, numbers []W, width uint) []byte {
	if len(numbers) == 0 {
		return dst
	}
	groups := (len(numbers) + 7) / 8
	dst = binary.AppendUvarint(dst, uint64(groups)<<1|1)
	start, size := len(dst), groups*int(width)
	dst = Grow(dst, size+8)
	out := dst[start:]
	var acc uint64
	var have uint
	at := 0
	// Eight numbers fill whole bytes. Four of up to 15 bits fit into eight bytes, with half a byte
	// of those before.
	shift, middle := width&63, int(width/2)
	for ; width <= 15 && len(numbers) >= 8; numbers = numbers[8:] {
		n := numbers[:8:8]
		low := ((uint64(n[3])<<shift|uint64(n[2]))<<shift|uint64(n[1]))<<shift | uint64(n[0])
		high := ((uint64(n[7])<<shift|uint64(n[6]))<<shift|uint64(n[5]))<<shift | uint64(n[4])
		binary.LittleEndian.PutUint64(out[at:], low)
		binary.LittleEndian.PutUint64(out[at+middle:], low>>(8*uint(middle)&63)|high<<(4*shift&7))
		at += int(width)
	}
	for _, v := range numbers {
		acc |= uint64(v) << have
		have += width
		if have >= 32 {
			binary.LittleEndian.PutUint32(out[at:], uint32(acc))
			at += 4
			acc >>= 32
			have -= 32
		}
	}
	for have > 0 {
		out[at] = byte(acc)
		at++
		acc >>= 8
		have -= min(have, 8)
	}
	clear(out[at:])
	return dst[:start+size]
}

// WidthOf is the bit width of numbers up to largest.
func WidthOf(largest uint32) uint { return uint(bits.Len32(largest)) }
