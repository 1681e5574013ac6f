package flat

import (
	"encoding/binary"
)

// Builder writes a buffer from front to back: a table, then what it points at.
type Builder struct {
	// Bytes are what was written so far.
	Bytes []byte
}

// Field is a field of a table that is written. Its size is 1, 2, 4 or 8 bytes.
type Field struct {
	Number, Size int
	Value        uint64
}

// Offset is a field that will point at something: see Point.
func Offset(number int) Field { return Field{Number: number, Size: 4} }

// Start begins a buffer, whose root is the table that is written next.
func (b *Builder) Start() {
	b.Bytes = append(b.Bytes[:0], 0, 0, 0, 0)
}

// Align writes zeros until the length is divisible by n.
func (b *Builder) Align(n int) {
	for len(b.Bytes)%n != 0 {
		b.Bytes = append(b.Bytes, 0)
	}
}

// Point has the offset at a place point to what is written next.
func (b *Builder) Point(at int) { b.PointTo(at, len(b.Bytes)) }

// PointTo has the offset at a place point to another place, which must be behind it.
func (b *Builder) PointTo(at, to int) {
	binary.LittleEndian.PutUint32(b.Bytes[at:], uint32(to-at))
}

// Table writes a table, has the offset at a place point to it, and returns where each of its fields
// is.
func (b *Builder) Table(from int, fields ...Field) []int {
	entries := 0
	for _, f := range fields {
		entries = max(entries, f.Number+1)
	}
	vtable := make([]byte, 4+2*entries)
	places := make([]int, len(fields))
	size := 4
	for i, f := range fields {
		size = (size + f.Size - 1) / f.Size * f.Size
		binary.LittleEndian.PutUint16(vtable[4+2*f.Number:], uint16(size))
		places[i] = size
		size += f.Size
	}
	binary.LittleEndian.PutUint16(vtable, uint16(len(vtable)))
	binary.LittleEndian.PutUint16(vtable[2:], uint16(size))
	b.Align(2)
	start := len(b.Bytes)
	b.Bytes = append(b.Bytes, vtable...)
	b.Align(8)
	table := len(b.Bytes)
	b.PointTo(from, table)
	b.Bytes = binary.LittleEndian.AppendUint32(b.Bytes, uint32(table-start))
	b.Bytes = append(b.Bytes, make([]byte, size-4)...)
	for i, f := range fields {
		places[i] += table
		at := b.Bytes[places[i]:]
		switch f.Size {
		case 1:
			at[0] = byte(f.Value)
		case 2:
			binary.LittleEndian.PutUint16(at, uint16(f.Value))
		case 4:
			binary.LittleEndian.PutUint32(at, uint32(f.Value))
		case 8:
			binary.LittleEndian.PutUint64(at, f.Value)
		}
	}
	return places
}

// Vector begins a vector of n elements, whose alignment is 4 or 8, and has the offset at a place
// point to it. The elements are appended to Bytes.
func (b *Builder) Vector(from, n, alignment int) {
	b.Align(4)
	for (len(b.Bytes)+4)%alignment != 0 {
		b.Bytes = append(b.Bytes, 0, 0, 0, 0)
	}
	b.Point(from)
	b.Bytes = binary.LittleEndian.AppendUint32(b.Bytes, uint32(n))
}

// Text writes a text, and has the offset at a place point to it.
func (b *Builder) Text(from int, text []byte) {
	b.Vector(from, len(text), 4)
	b.Bytes = append(append(b.Bytes, text...), 0)
}

// Words appends words to the vector at hand.
func (b *Builder) Words(words ...int64) {
	for _, w := range words {
		b.Bytes = binary.LittleEndian.AppendUint64(b.Bytes, uint64(w))
	}
}
