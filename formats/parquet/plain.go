package parquet

// PLAIN values (Encodings.md, "Plain"): what survives is moved as it is.

import "encoding/binary"

// cutter drops values from a page in their encoded form. It is the one interface between the two ways of doing so: moving
// bytes (this file), and decoding and encoding values (values.go). Dictionary indices, whose new form hangs on the whole
// column chunk, are handled in dictionary.go.
type cutter interface {
	// load takes the n encoded values of a page, which must stay as they are until the next page is loaded.
	load(src []byte, n int) error
	// cut appends to dst those of the values that lie in keep, encoded as they were, and shows them to seen. It is called
	// once for each sink.
	cut(dst []byte, keep []run, seen *bounds) ([]byte, error)
}

var errValues = corrupt("a page holds fewer values than it says")

// plainCutter returns the cutter for PLAIN values of a column.
func plainCutter(l *leaf) cutter {
	switch l.kind {
	case boolean:
		return &plainBooleans{}
	case byteArray:
		return &plainByteArrays{}
	}
	return &plainFixed{width: l.width}
}

// plainFixed cuts values of a fixed number of bytes.
type plainFixed struct {
	width int
	src   []byte
}

func (p *plainFixed) load(src []byte, n int) error {
	if len(src)/max(p.width, 1) < n && p.width > 0 {
		return errValues
	}
	p.src = src
	return nil
}

func (p *plainFixed) cut(dst []byte, keep []run, seen *bounds) ([]byte, error) {
	src, first := p.src, len(dst)
	for _, r := range keep {
		dst = append(dst, src[int(r.start)*p.width:int(r.end)*p.width]...)
	}
	seen.addFixed(dst[first:])
	return dst, nil
}

// plainByteArrays cuts values that each follow their length in four bytes.
type plainByteArrays struct {
	src    []byte
	stride int // from one value to the next, where it is always the same, or 0
}

func (p *plainByteArrays) load(src []byte, n int) error {
	if len(src)/4 < n {
		return errValues
	}
	p.src, p.stride = src, strideOf(src, n)
	return nil
}

// strideOf gives the bytes from one value to the next where all n values of src, and there are any, are of one length, and
// otherwise 0.
func strideOf(src []byte, n int) int {
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

func (p *plainByteArrays) cut(dst []byte, keep []run, seen *bounds) ([]byte, error) {
	if p.stride >= 4+8 {
		return p.cutEven(dst, keep, seen), nil
	}
	src, at, value := p.src, 0, int32(0)
	// Most values are told from the bounds by eight bytes, behind those that the bounds have in common.
	low, high, shared := seen.glance()
	for _, r := range keep {
		for ; value < r.start; value++ {
			if len(src)-at < 4 {
				return dst, errValues
			}
			size := int(binary.LittleEndian.Uint32(src[at:]))
			if size > len(src)-at-4 {
				return dst, errValues
			}
			at += 4 + size
		}
		start := at
		for ; value < r.end; value++ {
			if len(src)-at < 4 {
				return dst, errValues
			}
			size := int(binary.LittleEndian.Uint32(src[at:]))
			if size > len(src)-at-4 {
				return dst, errValues
			}
			at += 4 + size
			if first := at - size + shared; len(src)-first >= 8 && (shared == 0 || seen.sharedBy(src[at-size:], size)) {
				prefix := binary.BigEndian.Uint64(src[first:])
				prefix &= ^uint64(0) << (64 - 8*min(uint(size-shared), 8))
				if prefix > low && prefix < high {
					continue
				}
			}
			seen.addBytes(src[at-size : at])
			low, high, shared = seen.glance()
		}
		dst = append(dst, src[start:at]...)
	}
	return dst, nil
}

// cutEven is cut for values that are all of one length of eight bytes or more.
func (p *plainByteArrays) cutEven(dst []byte, keep []run, seen *bounds) []byte {
	src, stride := p.src, p.stride
	low, high, shared := seen.glance()
	mask, common := seen.common()
	for _, r := range keep {
		at, end := int(r.start)*stride, int(r.end)*stride
		dst = append(dst, src[at:end]...)
		for ; at < end; at += stride {
			value := src[at+4 : at+stride]
			if binary.LittleEndian.Uint64(value)&mask == common {
				from := min(shared, len(value)-8)
				prefix := binary.BigEndian.Uint64(value[from:]) << (8 * uint(shared-from))
				if prefix > low && prefix < high && (shared <= 8 || seen.sharedBy(value, len(value))) {
					continue
				}
			}
			seen.addBytes(value)
			low, high, shared = seen.glance()
			mask, common = seen.common()
		}
	}
	return dst
}

// plainBooleans cuts values of one bit, packed from the least significant.
type plainBooleans struct{ src []byte }

func (p *plainBooleans) load(src []byte, n int) error {
	if len(src) < (n+7)/8 {
		return errValues
	}
	p.src = src
	return nil
}

func (p *plainBooleans) cut(dst []byte, keep []run, seen *bounds) ([]byte, error) {
	var acc byte
	var have uint
	var anyFalse, anyTrue bool
	for _, r := range keep {
		for i := r.start; i < r.end; i++ {
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
	seen.addBool(anyFalse, anyTrue)
	return dst, nil
}
