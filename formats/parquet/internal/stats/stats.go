// Package stats computes the statistics of a column chunk afresh from the values that stay: those
// of the input may be a removed record's. The order of values follows ColumnOrder in
// parquet.thrift. Where readers differ on it (NaN, INT96, intervals, unknown annotations) there are
// no bounds, which every reader takes as "look at the values".
package stats

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"

	"noo/formats/parquet/internal/spec"
	"noo/formats/parquet/internal/thrift"
)

// Ordering is how values of a column compare.
type Ordering uint8

// The orders. Unordered values have no bounds.
const (
	Unordered Ordering = iota
	booleans
	SignedInts
	unsignedInts
	floats
	halfFloats
	Bytewise // unsigned, lexicographic
	bigEndianInts
)

// OrderingOf gives the order that a type defines.
func OrderingOf(kind spec.Physical, note spec.Annotation) Ordering {
	if note == spec.Strange || note == spec.Interval {
		return Unordered
	}
	switch kind {
	case spec.Boolean:
		return booleans
	case spec.Int32Type, spec.Int64Type:
		if note == spec.UnsignedInt {
			return unsignedInts
		}
		return SignedInts
	case spec.Float, spec.Double:
		return floats
	case spec.ByteArray, spec.FixedLenByteArray:
		switch note {
		case spec.Decimal:
			return bigEndianInts
		case spec.Float16:
			return halfFloats
		}
		return Bytewise
	}
	return Unordered
}

// longestBound is the size in bytes over which a value is no bound: statistics are to be small.
const longestBound = 256

// Bounds gathers the smallest and the largest of the values that a chunk keeps.
type Bounds struct {
	order     Ordering
	width     int // of a value, 0 for BYTE_ARRAY
	seen      bool
	unusable  bool // a NaN was among the values
	minInt    int64
	maxInt    int64
	minUint   uint64
	maxUint   uint64
	minFloat  float64
	maxFloat  float64
	minBytes  []byte
	maxBytes  []byte
	shared    int    // how many bytes minBytes and maxBytes begin with in common
	minPrefix uint64 // the eight bytes behind those, big-endian
	maxPrefix uint64
}

// Reset makes b ready for a column chunk whose values have an order and a width in bytes, 0 for
// BYTE_ARRAY.
func (b *Bounds) Reset(order Ordering, width int) {
	*b = Bounds{
		order: order, width: width, minBytes: b.minBytes[:0], maxBytes: b.maxBytes[:0],
		minInt: math.MaxInt64, maxInt: math.MinInt64, minUint: math.MaxUint64,
		minFloat: math.Inf(1), maxFloat: math.Inf(-1),
	}
}

// AddFixed takes in values of fixed width in PLAIN encoding.
func (b *Bounds) AddFixed(values []byte) {
	if len(values) == 0 || b.order == Unordered {
		return
	}
	switch {
	case b.order == SignedInts && b.width == 4:
		low, high := int32(math.MaxInt32), int32(math.MinInt32)
		for ; len(values) >= 4; values = values[4:] {
			v := int32(binary.LittleEndian.Uint32(values))
			low, high = min(low, v), max(high, v)
		}
		b.minInt, b.maxInt = min(b.minInt, int64(low)), max(b.maxInt, int64(high))
	case b.order == SignedInts:
		low, high := b.minInt, b.maxInt
		for ; len(values) >= 8; values = values[8:] {
			v := int64(binary.LittleEndian.Uint64(values))
			low, high = min(low, v), max(high, v)
		}
		b.minInt, b.maxInt = low, high
	case b.order == unsignedInts && b.width == 4:
		for ; len(values) >= 4; values = values[4:] {
			v := uint64(binary.LittleEndian.Uint32(values))
			b.minUint, b.maxUint = min(b.minUint, v), max(b.maxUint, v)
		}
	case b.order == unsignedInts:
		for ; len(values) >= 8; values = values[8:] {
			v := binary.LittleEndian.Uint64(values)
			b.minUint, b.maxUint = min(b.minUint, v), max(b.maxUint, v)
		}
	case b.order == floats && b.width == 4:
		for ; len(values) >= 4; values = values[4:] {
			b.addFloat(float64(math.Float32frombits(binary.LittleEndian.Uint32(values))))
		}
	case b.order == floats:
		b.addDoubles(values)
	case b.order == halfFloats && b.width == 2:
		for ; len(values) >= 2; values = values[2:] {
			b.addFloat(halfValue(binary.LittleEndian.Uint16(values)))
		}
	case b.width > 0:
		for ; len(values) >= b.width; values = values[b.width:] {
			b.AddBytes(values[:b.width])
		}
		return
	default:
		b.unusable = true
	}
	b.seen = true
}

func (b *Bounds) addDoubles(values []byte) {
	low, high, nan := b.minFloat, b.maxFloat, false
	for ; len(values) >= 8; values = values[8:] {
		v := math.Float64frombits(binary.LittleEndian.Uint64(values))
		if v < low {
			low = v
		}
		if v > high {
			high = v
		}
		nan = nan || v != v
	}
	b.minFloat, b.maxFloat = low, high
	b.unusable = b.unusable || nan
}

func (b *Bounds) addFloat(v float64) {
	if v != v {
		b.unusable = true
		return
	}
	b.minFloat, b.maxFloat = min(b.minFloat, v), max(b.maxFloat, v)
}

// AddBool takes in booleans, of which some are false and some true.
func (b *Bounds) AddBool(anyFalse, anyTrue bool) {
	if anyFalse {
		b.minInt, b.maxInt = 0, max(b.maxInt, 0)
	}
	if anyTrue {
		b.minInt, b.maxInt = min(b.minInt, 1), 1
	}
	b.seen = b.seen || anyFalse || anyTrue
}

// AddBytes takes in one value as bytes.
func (b *Bounds) AddBytes(v []byte) {
	if b.order == Unordered || b.order == halfFloats {
		b.unusable = true
		return
	}
	if !b.seen {
		b.minBytes, b.maxBytes, b.seen = append(
			b.minBytes[:0],
			v...), append(
			b.maxBytes[:0],
			v...), true
		b.share()
		return
	}
	switch {
	case b.less(v, b.minBytes):
		b.minBytes = append(b.minBytes[:0], v...)
	case b.less(b.maxBytes, v):
		b.maxBytes = append(b.maxBytes[:0], v...)
	default:
		return
	}
	b.share()
}

// share works out what the bounds have in common and how they go on, which tells most values from
// them.
func (b *Bounds) share() {
	b.shared = 0
	for b.shared < len(b.minBytes) && b.shared < len(b.maxBytes) && b.minBytes[b.shared] == b.maxBytes[b.shared] {
		b.shared++
	}
	b.minPrefix, b.maxPrefix = prefixOf(b.minBytes[b.shared:]), prefixOf(b.maxBytes[b.shared:])
}

// Glance gives what tells a text from the bounds at a glance: it lies between them if it begins as
// both do and its next eight bytes, big-endian, are more than low and less than high. Where nothing
// does, low is more than high.
func (b *Bounds) Glance() (low, high uint64, shared int) {
	if b.order != Bytewise || !b.seen {
		return math.MaxUint64, 0, 0
	}
	return b.minPrefix, b.maxPrefix, b.shared
}

// SharedBy reports whether a value, which src starts with, begins as both bounds do.
func (b *Bounds) SharedBy(src []byte, size int) bool {
	return size >= b.shared && string(src[:b.shared]) == string(b.minBytes[:b.shared])
}

// Common gives what the first eight bytes of the bounds have in common: the bits of it,
// little-endian, and which they are.
func (b *Bounds) Common() (mask, common uint64) {
	if n := min(b.shared, 8); n > 0 {
		mask = ^uint64(0) >> (64 - 8*uint(n))
		common = bits.ReverseBytes64(prefixOf(b.minBytes)) & mask
	}
	return mask, common
}

func (b *Bounds) less(x, y []byte) bool {
	if b.order == bigEndianInts {
		return compareBigEndian(x, y) < 0
	}
	return bytes.Compare(x, y) < 0
}

// prefixOf is the first eight bytes as a number that compares as they do, short values padded with
// zeros.
func prefixOf(v []byte) uint64 {
	if len(v) >= 8 {
		return binary.BigEndian.Uint64(v)
	}
	var padded [8]byte
	copy(padded[:], v)
	return binary.BigEndian.Uint64(padded[:])
}

// compareBigEndian compares two's complement integers of any length.
func compareBigEndian(x, y []byte) int {
	negativeX, negativeY := len(x) > 0 && x[0] >= 0x80, len(y) > 0 && y[0] >= 0x80
	switch {
	case negativeX && !negativeY:
		return -1
	case negativeY && !negativeX:
		return 1
	}
	var fill byte
	if negativeX {
		fill = 0xff
	}
	n := max(len(x), len(y))
	for i := range n {
		a, b := fill, fill
		if k := i - (n - len(x)); k >= 0 {
			a = x[k]
		}
		if k := i - (n - len(y)); k >= 0 {
			b = y[k]
		}
		if a != b {
			if a < b {
				return -1
			}
			return 1
		}
	}
	return 0
}

// halfValue is the value of an IEEE 754 half-precision number.
func halfValue(bits uint16) float64 {
	exponent, fraction := int(bits>>10&0x1f), float64(bits&0x3ff)
	var v float64
	switch exponent {
	case 0:
		v = math.Ldexp(fraction, -24)
	case 31:
		v = math.Inf(1)
		if fraction != 0 {
			return math.NaN()
		}
	default:
		v = math.Ldexp(1024+fraction, exponent-25)
	}
	if bits>>15 != 0 {
		return -v
	}
	return v
}

// Write writes Statistics (parquet.thrift) as a field: the number of nulls, and the bounds where
// there are any.
func (b *Bounds) Write(w *thrift.Writer, id int16, nulls int64) {
	w.Struct(id)
	w.I64(3, nulls)
	if low, high, ok := b.encoded(); ok {
		w.Bytes(5, high)
		w.Bytes(6, low)
		w.Bool(7, true)
		w.Bool(8, true)
	}
	w.Close()
}

// Encoded gives the bounds in PLAIN encoding.
func (b *Bounds) encoded() (low, high []byte, ok bool) {
	if !b.seen || b.unusable || b.order == Unordered {
		return nil, nil, false
	}
	switch b.order {
	case booleans:
		return []byte{byte(b.minInt)}, []byte{byte(b.maxInt)}, true
	case SignedInts:
		return b.integer(uint64(b.minInt)), b.integer(uint64(b.maxInt)), true
	case unsignedInts:
		return b.integer(b.minUint), b.integer(b.maxUint), true
	case floats, halfFloats:
		return b.floating(b.minFloat, math.Copysign(0, -1)), b.floating(b.maxFloat, 0), true
	}
	if len(b.minBytes) > longestBound || len(b.maxBytes) > longestBound {
		return nil, nil, false
	}
	return b.minBytes, b.maxBytes, true
}

func (b *Bounds) integer(v uint64) []byte {
	return binary.LittleEndian.AppendUint64(nil, v)[:b.width]
}

// floating encodes a bound. A zero is written with the sign that is on the safe side, since both
// zeros compare equal.
func (b *Bounds) floating(v, zero float64) []byte {
	if v == 0 {
		v = zero
	}
	switch b.width {
	case 2:
		return binary.LittleEndian.AppendUint16(nil, halfBits(v))
	case 4:
		return binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(v)))
	}
	return binary.LittleEndian.AppendUint64(nil, math.Float64bits(v))
}

// halfBits gives the half-precision number that halfValue made v of.
func halfBits(v float64) uint16 {
	var sign uint16
	if math.Signbit(v) {
		sign, v = 1<<15, -v
	}
	if math.IsInf(v, 0) {
		return sign | 31<<10
	}
	if v < math.Ldexp(1, -14) {
		return sign | uint16(math.Ldexp(v, 24))
	}
	fraction, exponent := math.Frexp(v) // fraction in [0.5, 1)
	return sign | uint16(exponent+14)<<10 | uint16(math.Ldexp(fraction, 11))&0x3ff
}
