// Package encoding has the encodings of Parquet values and levels (Encodings.md): each turns values
// into PLAIN ones and back.
package encoding

// The coders that a column may need, and what they share.

import (
	"encoding/binary"

	"noo/formats/parquet/internal/spec"
)

// Grow makes room for n more bytes, which it leaves as they are.
func Grow(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b[:len(b)+n]
	}
	larger := make([]byte, len(b)+n, max(len(b)+n, 2*cap(b)))
	copy(larger, b)
	return larger
}

// AppendBits appends n bits of src to the first have bits of dst. Both are packed from the least
// significant, and any bits behind them in their last byte are zero.
func AppendBits(dst []byte, have int, src []byte, n int) []byte {
	src = src[:(n+7)/8]
	shift := have % 8
	if shift == 0 {
		return append(dst, src...)
	}
	for _, b := range src {
		dst[len(dst)-1] |= b << shift
		dst = append(dst, b>>(8-shift))
	}
	return dst[:(have+n+7)/8]
}

// Resize returns b with length n, its content undefined.
func Resize[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n, n+n/8)
	}
	return b[:n]
}

// StrideOf gives the bytes from one value to the next where all n values of src, and there are any,
// are of one length, and otherwise 0.
func StrideOf(src []byte, n int) int {
	if n == 0 || len(src) < 4 {
		return 0
	}
	size := binary.LittleEndian.Uint32(src)
	stride := 4 + int(size)
	if uint64(size) > uint64(len(src)) || len(src) != n*stride {
		return 0
	}
	var differ uint32
	for ; len(src) >= stride; src = src[stride:] {
		differ |= binary.LittleEndian.Uint32(src) ^ size
	}
	if differ != 0 {
		return 0
	}
	return stride
}

// OldWidth is a bit width for the indices into a dictionary.
func OldWidth(size int) uint { return max(1, WidthOf(uint32(max(size, 1)-1))) }

// Coder turns the values of one encoding into PLAIN ones and back.
type Coder interface {
	// ToPlain appends n values of src, in PLAIN encoding, to dst, by no more than limit bytes.
	ToPlain(dst, src []byte, n, limit int) ([]byte, error)
	// FromPlain appends n PLAIN values, encoded, to dst.
	FromPlain(dst, src []byte, n int) ([]byte, error)
}

// CoderFor returns the coder for an encoding of a column of a type, of width bytes a value, 0 for
// BYTE_ARRAY. ChainedPrefixes is a bug of the writer: the first prefix of a DELTA_BYTE_ARRAY page
// refers to the last value of the page before. It holds what has to be carried from page to page,
// so each column chunk needs its own.
func CoderFor(kind spec.Physical, width int, e spec.Encoding, chainedPrefixes bool) (Coder, error) {
	integers := kind == spec.Int32Type || kind == spec.Int64Type
	switch {
	case e == spec.DeltaBinaryPacked && integers:
		return deltaIntegers{width}, nil
	case e == spec.DeltaLengthByteArray && kind == spec.ByteArray:
		return &deltaLengths{}, nil
	case e == spec.DeltaByteArray && (kind == spec.ByteArray || kind == spec.FixedLenByteArray):
		return &deltaStrings{
			width:   width,
			fixed:   kind == spec.FixedLenByteArray,
			chained: chainedPrefixes,
		}, nil
	case e == spec.ByteStreamSplit && (integers || kind == spec.Float || kind == spec.Double || kind == spec.FixedLenByteArray):
		return streamSplit{width}, nil
	case e == spec.RLE && kind == spec.Boolean:
		return rleBooleans{}, nil
	}
	return nil, spec.Unsupported("encoding %d for a column of type %s", e, spec.PhysicalNames[kind])
}

// rleBooleans are booleans as a run-length hybrid of width 1 after its size (Encodings.md, "RLE").
type rleBooleans struct{}

func (rleBooleans) ToPlain(dst, src []byte, n, limit int) ([]byte, error) {
	body, _, err := Sized(src)
	if err != nil {
		return dst, err
	}
	if n > limit {
		return dst, spec.ErrOverLimit(n, limit)
	}
	bits := make([]uint8, n)
	if err := DecodeHybrid(bits, body, 1); err != nil {
		return dst, err
	}
	start := len(dst)
	dst = Grow(dst, (n+7)/8)
	clear(dst[start:])
	for i, b := range bits {
		dst[start+i/8] |= b << (i % 8)
	}
	return dst, nil
}

func (rleBooleans) FromPlain(dst, src []byte, n int) ([]byte, error) {
	bits := make([]uint8, n)
	for i := range bits {
		bits[i] = src[i/8] >> (i % 8) & 1
	}
	start := len(dst)
	dst = AppendHybrid(append(dst, 0, 0, 0, 0), bits, 1)
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	return dst, nil
}

// Sized splits what follows its own size in four bytes from the rest.
func Sized(src []byte) (body, rest []byte, err error) {
	if len(src) < 4 {
		return nil, nil, spec.ErrValues
	}
	size := binary.LittleEndian.Uint32(src)
	if uint64(size) > uint64(len(src)-4) {
		return nil, nil, spec.ErrValues
	}
	return src[4 : 4+size], src[4+size:], nil
}

// streamSplit is BYTE_STREAM_SPLIT (Encodings.md): all first bytes, then all second bytes, and so
// on.
type streamSplit struct{ width int }

func (s streamSplit) ToPlain(dst, src []byte, n, limit int) ([]byte, error) {
	if len(src) != n*s.width { // of which other readers take the distance between bytes of a value
		return dst, spec.ErrValues
	}
	start := len(dst)
	dst = Grow(dst, n*s.width)
	out := dst[start:]
	for b := range s.width {
		for i, v := range src[b*n : (b+1)*n] {
			out[i*s.width+b] = v
		}
	}
	return dst, nil
}

func (s streamSplit) FromPlain(dst, src []byte, n int) ([]byte, error) {
	start := len(dst)
	dst = Grow(dst, n*s.width)
	for b := range s.width {
		out := dst[start+b*n : start+(b+1)*n]
		for i := range out {
			out[i] = src[i*s.width+b]
		}
	}
	return dst, nil
}
