package encoding

// The DELTA encodings (Encodings.md, "Delta Encoding", "Delta-length byte array", "Delta Strings").

import (
	"encoding/binary"
	"math/bits"

	"noo/formats/parquet/internal/spec"
)

// The blocks that this program writes: the sizes that parquet-mr and Arrow write.
const (
	deltaBlock     = 128
	deltaMinis     = 4
	deltaMini      = deltaBlock / deltaMinis
	largestBlock   = 1 << 20 // values in a block that is read
	smallestMinis  = 8       // values in a miniblock that is read
	deltaHeaderMax = 40
)

var errDelta = spec.Corrupt("its delta-encoded numbers are malformed")

// decodeDelta reads the DELTA_BINARY_PACKED numbers that src starts with, of which there must be n,
// hands each to put, and returns the bytes behind them. Numbers of 32 bits wrap in 64: their low
// halves are right.
func decodeDelta(src []byte, n int, put func(int64)) (rest []byte, err error) {
	var header [3]uint64 // block size, miniblocks in a block, number of values
	for i := range header {
		if header[i], src, err = uvarint(src); err != nil {
			return nil, err
		}
	}
	first, src, err := uvarint(src)
	if err != nil {
		return nil, err
	}
	block, minis, total := header[0], header[1], header[2]
	if block == 0 || block > largestBlock || minis == 0 || minis > block || block%minis != 0 ||
		block/minis%smallestMinis != 0 {
		return nil, errDelta
	}
	if total != uint64(n) {
		return nil, spec.ErrValues
	}
	if n == 0 {
		return src, nil
	}
	value := zigzag(first)
	put(value)
	mini := int(block / minis)
	for left := n - 1; left > 0; {
		least, after, err := uvarint(src)
		if err != nil {
			return nil, err
		}
		if uint64(len(after)) < minis {
			return nil, errDelta
		}
		widths := after[:minis]
		src = after[minis:]
		for _, width := range widths {
			if left == 0 {
				break // widths of miniblocks that are not there may be anything
			}
			if width > 64 {
				return nil, errDelta
			}
			count := min(mini, left)
			// The last miniblock may lack the bytes of its padding.
			if (count*int(width)+7)/8 > len(src) {
				return nil, errDelta
			}
			for i := range count {
				value += zigzag(least) + int64(bitsAt(src, uint(i)*uint(width), uint(width)))
				put(value)
			}
			left -= count
			src = src[min(len(src), mini*int(width)/8):]
		}
	}
	return src, nil
}

// bitsAt reads a number of up to 64 bits at a place counted in bits. Bytes behind the end of src
// count as zero.
func bitsAt(src []byte, at, width uint) uint64 {
	if width == 0 {
		return 0
	}
	if start := int(at / 8); start+9 <= len(src) {
		v := binary.LittleEndian.Uint64(src[start:])>>(at%8) | uint64(src[start+8])<<(64-at%8)
		return v & (^uint64(0) >> (64 - width))
	}
	var window [9]byte
	copy(window[:], src[at/8:])
	v := binary.LittleEndian.Uint64(window[:])>>(at%8) | uint64(window[8])<<(64-at%8)
	return v & (^uint64(0) >> (64 - width))
}

func uvarint(src []byte) (uint64, []byte, error) {
	v, n := binary.Uvarint(src)
	if n <= 0 {
		return 0, nil, errDelta
	}
	return v, src[n:], nil
}

func zigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// appendDelta appends numbers in DELTA_BINARY_PACKED. With narrow, numbers are of 32 bits and so
// are differences, which then wrap as a reader's do.
func appendDelta(dst []byte, numbers []int64, narrow bool) []byte {
	dst = binary.AppendUvarint(dst, deltaBlock)
	dst = binary.AppendUvarint(dst, deltaMinis)
	dst = binary.AppendUvarint(dst, uint64(len(numbers)))
	if len(numbers) == 0 {
		return binary.AppendUvarint(dst, 0)
	}
	dst = appendZigzag(dst, numbers[0])
	var deltas [deltaBlock]int64
	for at := 1; at < len(numbers); at += deltaBlock {
		block := deltas[:min(deltaBlock, len(numbers)-at)]
		least := int64(0)
		for i := range block {
			block[i] = numbers[at+i] - numbers[at+i-1]
			if narrow {
				block[i] = int64(int32(block[i]))
			}
			if i == 0 || block[i] < least {
				least = block[i]
			}
		}
		dst = appendZigzag(dst, least)
		dst = appendMinis(dst, block, least, narrow)
	}
	return dst
}

// appendMinis appends the bit widths of a block and its miniblocks; those without values are of
// width 0 and take no bytes.
func appendMinis(dst []byte, block []int64, least int64, narrow bool) []byte {
	widths := len(dst)
	dst = append(dst, make([]byte, deltaMinis)...)
	for m := 0; m*deltaMini < len(block); m++ {
		mini := block[m*deltaMini : min((m+1)*deltaMini, len(block))]
		var all uint64
		for i, d := range mini {
			excess := uint64(d - least)
			if narrow {
				excess = uint64(uint32(excess))
			}
			mini[i] = int64(excess)
			all |= excess
		}
		width := bits.Len64(all)
		dst[widths+m] = byte(width)
		start := len(dst)
		dst = Grow(dst, deltaMini*width/8)
		clear(dst[start:])
		for i, v := range mini {
			putBits(dst[start:], uint(i*width), uint64(v))
		}
	}
	return dst
}

// putBits sets bits, which are zero so far, at a place counted in bits.
func putBits(dst []byte, at uint, v uint64) {
	byteAt, shift := at/8, at%8
	for low := v << shift; low != 0; low >>= 8 {
		dst[byteAt] |= byte(low)
		byteAt++
	}
	if shift > 0 && v>>(64-shift) != 0 {
		dst[at/8+8] |= byte(v >> (64 - shift))
	}
}

func appendZigzag(dst []byte, v int64) []byte {
	return binary.AppendUvarint(dst, uint64(v)<<1^uint64(v>>63))
}

// deltaIntegers is DELTA_BINARY_PACKED for INT32 and INT64.
type deltaIntegers struct{ width int }

func (d deltaIntegers) ToPlain(dst, src []byte, n, limit int) ([]byte, error) {
	if n > limit/d.width {
		return dst, spec.ErrOverLimit(n*d.width, limit)
	}
	_, err := decodeDelta(src, n, func(v int64) {
		if d.width == 4 {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(v))
			return
		}
		dst = binary.LittleEndian.AppendUint64(dst, uint64(v))
	})
	return dst, err
}

func (d deltaIntegers) FromPlain(dst, src []byte, n int) ([]byte, error) {
	numbers := make([]int64, n)
	for i := range numbers {
		if d.width == 4 {
			numbers[i] = int64(int32(binary.LittleEndian.Uint32(src[4*i:])))
		} else {
			numbers[i] = int64(binary.LittleEndian.Uint64(src[8*i:]))
		}
	}
	return appendDelta(dst, numbers, d.width == 4), nil
}

// decodeLengths reads n lengths or prefix lengths, none of which is negative.
func decodeLengths(lengths []int64, src []byte, n, limit int) ([]int64, []byte, error) {
	if n > limit {
		return lengths, nil, spec.ErrOverLimit(n, limit)
	}
	valid := true
	rest, err := decodeDelta(src, n, func(v int64) {
		length := int64(int32(v))
		valid = valid && length >= 0
		lengths = append(lengths, length)
	})
	if err == nil && !valid {
		err = errDelta
	}
	return lengths, rest, err
}

// deltaLengths is DELTA_LENGTH_BYTE_ARRAY: the lengths, then the bytes.
type deltaLengths struct{ lengths []int64 }

func (d *deltaLengths) ToPlain(dst, src []byte, n, limit int) (_ []byte, err error) {
	if d.lengths, src, err = decodeLengths(d.lengths[:0], src, n, limit); err != nil {
		return dst, err
	}
	if size := 4*n + len(src); size > limit {
		return dst, spec.ErrOverLimit(size, limit)
	}
	for _, length := range d.lengths {
		if length > int64(len(src)) {
			return dst, spec.ErrValues
		}
		dst = appendPlain(dst, src[:length])
		src = src[length:]
	}
	return dst, nil
}

func appendPlain(dst, value []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(value))), value...)
}

func (d *deltaLengths) FromPlain(dst, src []byte, n int) ([]byte, error) {
	d.lengths = d.lengths[:0]
	for at := 0; at < len(src); {
		length := int(binary.LittleEndian.Uint32(src[at:]))
		d.lengths = append(d.lengths, int64(length))
		at += 4 + length
	}
	dst = appendDelta(dst, d.lengths, true)
	for at := 0; at < len(src); {
		length := int(binary.LittleEndian.Uint32(src[at:]))
		dst = append(dst, src[at+4:at+4+length]...)
		at += 4 + length
	}
	return dst, nil
}

// deltaStrings is DELTA_BYTE_ARRAY: how many bytes each value shares with the one before, then the
// rest of each as DELTA_LENGTH_BYTE_ARRAY.
type deltaStrings struct {
	width    int // of fixed-length values
	fixed    bool
	chained  bool   // see quirks
	previous []byte // the last value of the page before, where chained
	prefixes []int64
	suffixes []int64
}

func (d *deltaStrings) ToPlain(dst, src []byte, n, limit int) (_ []byte, err error) {
	if d.prefixes, src, err = decodeLengths(d.prefixes[:0], src, n, limit); err != nil {
		return dst, err
	}
	if d.suffixes, src, err = decodeLengths(d.suffixes[:0], src, n, limit); err != nil {
		return dst, err
	}
	start := len(dst)
	last := d.previous // in dst from the second value on
	for i, prefix := range d.prefixes {
		suffix := d.suffixes[i]
		if prefix > int64(len(last)) || suffix > int64(len(src)) {
			return dst, spec.ErrValues
		}
		length := int(prefix + suffix)
		if d.fixed && length != d.width {
			return dst, spec.ErrValues
		}
		if len(dst)-start+4+length > limit {
			return dst, spec.ErrOverLimit(len(dst)-start+4+length, limit)
		}
		if !d.fixed {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(length))
		}
		dst = append(dst, last[:prefix]...)
		dst = append(dst, src[:suffix]...)
		src = src[suffix:]
		last = dst[len(dst)-length:]
	}
	if d.chained {
		d.previous = append([]byte(nil), last...)
	}
	return dst, nil
}

func (d *deltaStrings) FromPlain(dst, src []byte, n int) ([]byte, error) {
	d.prefixes, d.suffixes = d.prefixes[:0], d.suffixes[:0]
	var last []byte
	d.each(src, n, func(v []byte) {
		shared := 0
		for shared < len(v) && shared < len(last) && v[shared] == last[shared] {
			shared++
		}
		d.prefixes = append(d.prefixes, int64(shared))
		d.suffixes = append(d.suffixes, int64(len(v)-shared))
		last = v
	})
	dst = appendDelta(dst, d.prefixes, true)
	dst = appendDelta(dst, d.suffixes, true)
	i := 0
	d.each(src, n, func(v []byte) {
		dst = append(dst, v[d.prefixes[i]:]...)
		i++
	})
	return dst, nil
}

// each hands on n PLAIN values.
func (d *deltaStrings) each(src []byte, n int, value func([]byte)) {
	at := 0
	for range n {
		length := d.width
		if !d.fixed {
			length = int(binary.LittleEndian.Uint32(src[at:]))
			at += 4
		}
		value(src[at : at+length])
		at += length
	}
}
