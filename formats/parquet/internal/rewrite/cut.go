package rewrite

// Dropping values from a page: PLAIN ones are moved as they are (Encodings.md, "Plain"), others
// decoded and encoded again.

import (
	"encoding/binary"

	"noo/formats/parquet/internal/encoding"
	"noo/formats/parquet/internal/meta"
	"noo/formats/parquet/internal/spans"
	"noo/formats/parquet/internal/spec"
	"noo/formats/parquet/internal/stats"
)

// cutter drops values from a page in their encoded form. It is the one interface between the two
// ways of doing so: moving bytes (this file), and decoding and encoding values (values.go).
// Dictionary indices, whose new form depends on the whole column chunk, are handled in
// dictionary.go.
type cutter interface {
	// Load takes the n encoded values of a page, which must stay as they are until the next page is
	// loaded.
	Load(src []byte, n int) error
	// cut appends to dst those of the values that lie in keep, encoded as they were, and shows them
	// to seen. It is called once for each sink.
	cut(dst []byte, keep []spans.Span, seen *stats.Bounds) ([]byte, error)
}

// plainCutter returns the cutter for PLAIN values of a column.
func plainCutter(l *meta.Leaf) cutter {
	switch l.Kind {
	case spec.Boolean:
		return &plainBooleans{}
	case spec.ByteArray:
		return &plainByteArrays{}
	}
	return &plainFixed{width: l.Width}
}

// plainFixed cuts values of a fixed number of bytes.
type plainFixed struct {
	width int
	src   []byte
}

func (p *plainFixed) Load(src []byte, n int) error {
	if len(src)/max(p.width, 1) < n && p.width > 0 {
		return spec.ErrValues
	}
	p.src = src
	return nil
}

func (p *plainFixed) cut(dst []byte, keep []spans.Span, seen *stats.Bounds) ([]byte, error) {
	src, first := p.src, len(dst)
	for _, r := range keep {
		dst = append(dst, src[int(r.Start)*p.width:int(r.End)*p.width]...)
	}
	seen.AddFixed(dst[first:])
	return dst, nil
}

// plainByteArrays cuts values that each follow their length in four bytes.
type plainByteArrays struct {
	src    []byte
	stride int // from one value to the next, where it is always the same, or 0
}

func (p *plainByteArrays) Load(src []byte, n int) error {
	if len(src)/4 < n {
		return spec.ErrValues
	}
	p.src, p.stride = src, encoding.StrideOf(src, n)
	return nil
}

func (p *plainByteArrays) cut(dst []byte, keep []spans.Span, seen *stats.Bounds) ([]byte, error) {
	if p.stride >= 4+8 {
		return p.cutEven(dst, keep, seen), nil
	}
	src, at, value := p.src, 0, int32(0)
	// Most values are told from the bounds by eight bytes, behind those that the bounds have in
	// common.
	low, high, shared := seen.Glance()
	for _, r := range keep {
		for ; value < r.Start; value++ {
			if len(src)-at < 4 {
				return dst, spec.ErrValues
			}
			size := int(binary.LittleEndian.Uint32(src[at:]))
			if size > len(src)-at-4 {
				return dst, spec.ErrValues
			}
			at += 4 + size
		}
		start := at
		for ; value < r.End; value++ {
			if len(src)-at < 4 {
				return dst, spec.ErrValues
			}
			size := int(binary.LittleEndian.Uint32(src[at:]))
			if size > len(src)-at-4 {
				return dst, spec.ErrValues
			}
			at += 4 + size
			if first := at - size + shared; len(src)-first >= 8 &&
				(shared == 0 || seen.SharedBy(src[at-size:], size)) {
				prefix := binary.BigEndian.Uint64(src[first:])
				prefix &= ^uint64(0) << (64 - 8*min(uint(size-shared), 8))
				if prefix > low && prefix < high {
					continue
				}
			}
			seen.AddBytes(src[at-size : at])
			low, high, shared = seen.Glance()
		}
		dst = append(dst, src[start:at]...)
	}
	return dst, nil
}

// cutEven is cut for values that are all of one length of eight bytes or more.
func (p *plainByteArrays) cutEven(dst []byte, keep []spans.Span, seen *stats.Bounds) []byte {
	src, stride := p.src, p.stride
	low, high, shared := seen.Glance()
	mask, common := seen.Common()
	for _, r := range keep {
		at, end := int(r.Start)*stride, int(r.End)*stride
		dst = append(dst, src[at:end]...)
		for ; at < end; at += stride {
			value := src[at+4 : at+stride]
			if binary.LittleEndian.Uint64(value)&mask == common {
				from := min(shared, len(value)-8)
				prefix := binary.BigEndian.Uint64(value[from:]) << (8 * uint(shared-from))
				if prefix > low && prefix < high &&
					(shared <= 8 || seen.SharedBy(value, len(value))) {
					continue
				}
			}
			seen.AddBytes(value)
			low, high, shared = seen.Glance()
			mask, common = seen.Common()
		}
	}
	return dst
}

// plainBooleans cuts values of one bit, packed from the least significant.
type plainBooleans struct{ src []byte }

func (p *plainBooleans) Load(src []byte, n int) error {
	if len(src) < (n+7)/8 {
		return spec.ErrValues
	}
	p.src = src
	return nil
}

func (p *plainBooleans) cut(dst []byte, keep []spans.Span, seen *stats.Bounds) ([]byte, error) {
	var acc byte
	var have uint
	var anyFalse, anyTrue bool
	for _, r := range keep {
		for i := r.Start; i < r.End; i++ {
			bit := p.src[i/8] >> (i % 8) & 1
			anyTrue = anyTrue || bit == 1
			anyFalse = anyFalse || bit == 0
			acc |= bit << have
			if have++; have == 8 {
				dst = append(dst, acc)
				acc, have = 0, 0
			}
		}
	}
	if have > 0 {
		dst = append(dst, acc)
	}
	seen.AddBool(anyFalse, anyTrue)
	return dst, nil
}

// coded cuts values in any encoding that has a coder.
type coded struct {
	coder   encoding.Coder
	inner   cutter // for PLAIN values of the column
	limit   int
	decoded []byte // the page, in PLAIN
	kept    []byte
}

func (c *coded) Load(src []byte, n int) (err error) {
	if c.decoded, err = c.coder.ToPlain(c.decoded[:0], src, n, c.limit); err != nil {
		return err
	}
	return c.inner.Load(c.decoded, n)
}

func (c *coded) cut(dst []byte, keep []spans.Span, seen *stats.Bounds) (_ []byte, err error) {
	if c.kept, err = c.inner.cut(c.kept[:0], keep, seen); err != nil {
		return dst, err
	}
	return c.coder.FromPlain(dst, c.kept, spans.Count(keep))
}
