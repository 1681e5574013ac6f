package parquet

// The value path: pages in an encoding whose values cannot simply be moved are decoded to PLAIN, cut as PLAIN pages are,
// and encoded again. It is slower than moving bytes and gives pages that read the same.

import (
	"encoding/binary"
	"fmt"
)

// encoding is an Encoding (parquet.thrift).
type encoding int32

const (
	plain                encoding = 0
	plainDictionary      encoding = 2
	rle                  encoding = 3
	bitPacked            encoding = 4
	deltaBinaryPacked    encoding = 5
	deltaLengthByteArray encoding = 6
	deltaByteArray       encoding = 7
	rleDictionary        encoding = 8
	byteStreamSplit      encoding = 9
)

// valueCoder turns the values of one encoding into PLAIN ones and back.
type valueCoder interface {
	// toPlain appends n values of src, in PLAIN encoding, to dst, by no more than limit bytes.
	toPlain(dst, src []byte, n, limit int) ([]byte, error)
	// fromPlain appends n PLAIN values, encoded, to dst.
	fromPlain(dst, src []byte, n int) ([]byte, error)
}

// coderFor returns the coder for an encoding of a column of a type, of width bytes a value, 0 for BYTE_ARRAY. chainedPrefixes is a bug of the
// writer: the first prefix of a DELTA_BYTE_ARRAY page refers to the last value of the page before. It holds what has to be carried from page to page, so each column
// chunk needs its own.
func coderFor(kind physical, width int, e encoding, chainedPrefixes bool) (valueCoder, error) {
	integers := kind == int32Type || kind == int64Type
	switch {
	case e == deltaBinaryPacked && integers:
		return deltaIntegers{width}, nil
	case e == deltaLengthByteArray && kind == byteArray:
		return &deltaLengths{}, nil
	case e == deltaByteArray && (kind == byteArray || kind == fixedLenByteArray):
		return &deltaStrings{width: width, fixed: kind == fixedLenByteArray, chained: chainedPrefixes}, nil
	case e == byteStreamSplit && (integers || kind == float || kind == double || kind == fixedLenByteArray):
		return streamSplit{width}, nil
	case e == rle && kind == boolean:
		return rleBooleans{}, nil
	}
	return nil, unsupported("encoding %d for a column of type %s", e, physicalNames[kind])
}

// coded cuts values in any encoding that has a coder.
type coded struct {
	coder   valueCoder
	inner   cutter // for PLAIN values of the column
	limit   int
	decoded []byte // the page, in PLAIN
	kept    []byte
}

func (c *coded) load(src []byte, n int) (err error) {
	if c.decoded, err = c.coder.toPlain(c.decoded[:0], src, n, c.limit); err != nil {
		return err
	}
	return c.inner.load(c.decoded, n)
}

func (c *coded) cut(dst []byte, keep []run, seen *bounds) (_ []byte, err error) {
	if c.kept, err = c.inner.cut(c.kept[:0], keep, seen); err != nil {
		return dst, err
	}
	return c.coder.fromPlain(dst, c.kept, count(keep))
}

// rleBooleans are booleans as a run-length hybrid of width 1 after its size (Encodings.md, "RLE").
type rleBooleans struct{}

func (rleBooleans) toPlain(dst, src []byte, n, limit int) ([]byte, error) {
	body, _, err := sized(src)
	if err != nil {
		return dst, err
	}
	if n > limit {
		return dst, errOverLimit(n, limit)
	}
	bits := make([]uint8, n)
	if err := decodeHybrid(bits, body, 1); err != nil {
		return dst, err
	}
	start := len(dst)
	dst = grow(dst, (n+7)/8)
	clear(dst[start:])
	for i, b := range bits {
		dst[start+i/8] |= b << (i % 8)
	}
	return dst, nil
}

func (rleBooleans) fromPlain(dst, src []byte, n int) ([]byte, error) {
	bits := make([]uint8, n)
	for i := range bits {
		bits[i] = src[i/8] >> (i % 8) & 1
	}
	start := len(dst)
	dst = appendHybrid(append(dst, 0, 0, 0, 0), bits, 1)
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	return dst, nil
}

// sized splits what follows its own size in four bytes from the rest.
func sized(src []byte) (body, rest []byte, err error) {
	if len(src) < 4 {
		return nil, nil, errValues
	}
	size := binary.LittleEndian.Uint32(src)
	if uint64(size) > uint64(len(src)-4) {
		return nil, nil, errValues
	}
	return src[4 : 4+size], src[4+size:], nil
}

// streamSplit is BYTE_STREAM_SPLIT (Encodings.md): all first bytes, then all second bytes, and so on.
type streamSplit struct{ width int }

func (s streamSplit) toPlain(dst, src []byte, n, limit int) ([]byte, error) {
	if len(src) != n*s.width { // of which other readers take the distance between bytes of a value
		return dst, errValues
	}
	start := len(dst)
	dst = grow(dst, n*s.width)
	out := dst[start:]
	for b := range s.width {
		for i, v := range src[b*n : (b+1)*n] {
			out[i*s.width+b] = v
		}
	}
	return dst, nil
}

func (s streamSplit) fromPlain(dst, src []byte, n int) ([]byte, error) {
	start := len(dst)
	dst = grow(dst, n*s.width)
	for b := range s.width {
		out := dst[start+b*n : start+(b+1)*n]
		for i := range out {
			out[i] = src[i*s.width+b]
		}
	}
	return dst, nil
}

func errOverLimit(size, limit int) error {
	return fmt.Errorf("a page takes %d bytes in memory, and %d are allowed: %w", size, limit, ErrLimit)
}
