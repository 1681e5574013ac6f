// Package flat reads and writes tables of FlatBuffers, as far as the messages of Arrow need them.
// What it reads may be hostile: every place is checked, and what is read may not be many times as
// large as the buffer, though parts of it may point at one another.
package flat

import (
	"encoding/binary"
	"errors"
)

// ErrMalformed is a buffer that is no table of FlatBuffers.
var ErrMalformed = errors.New("its metadata is malformed")

const (
	// eachByte is how many bytes may be read for each byte of a buffer: more than one where tables
	// share what they point at.
	eachByte = 16
	// tableCost is what a table costs of that, beside the texts in it.
	tableCost = 16
	// atLeast is what may be read of any buffer, however small.
	atLeast = 1 << 16
)

// Buffer is a buffer that is read. After an error all values are zero.
type Buffer struct {
	b    []byte
	left int // what may still be read
	err  error
}

// Table is a table in a buffer. The zero Table has no fields.
type Table struct {
	buffer     *Buffer
	at, vtable int
	vtableSize int
}

// Vector is a vector in a buffer.
type Vector struct {
	buffer *Buffer
	at     int // of the first element
	// Len is the number of elements.
	Len int
}

// Root returns the table at the root of b.
func Root(b []byte) (Table, *Buffer) {
	buffer := &Buffer{b: b, left: eachByte*len(b) + atLeast}
	return buffer.table(buffer.follow(0)), buffer
}

// Err returns ErrMalformed if anything that was read was malformed.
func (b *Buffer) Err() error { return b.err }

func (b *Buffer) fail() { b.err = ErrMalformed }

// spend counts what is read.
func (b *Buffer) spend(n int) {
	if b.left -= n; b.left < 0 {
		b.fail()
	}
}

// has reports whether there are n bytes at a place.
func (b *Buffer) has(at, n int) bool {
	if b.err != nil {
		return false
	}
	if at < 0 || n < 0 || at > len(b.b) || n > len(b.b)-at {
		b.fail()
		return false
	}
	return true
}

func (b *Buffer) uint16(at int) int {
	if !b.has(at, 2) {
		return 0
	}
	return int(binary.LittleEndian.Uint16(b.b[at:]))
}

func (b *Buffer) uint32(at int) uint32 {
	if !b.has(at, 4) {
		return 0
	}
	return binary.LittleEndian.Uint32(b.b[at:])
}

// follow returns where the offset at a place points to, 0 after an error.
func (b *Buffer) follow(at int) int {
	offset := b.uint32(at)
	if offset == 0 || int64(offset) > int64(len(b.b)-at) {
		b.fail()
		return 0
	}
	return at + int(offset)
}

func (b *Buffer) table(at int) Table {
	b.spend(tableCost)
	vtable := at - int(int32(b.uint32(at)))
	// How long the table is stands in the vtable too, but writers let tables of different lengths
	// share one.
	size := b.uint16(vtable)
	if size < 4 || size%2 != 0 || !b.has(vtable, size) {
		b.fail()
		return Table{buffer: b}
	}
	return Table{buffer: b, at: at, vtable: vtable, vtableSize: size}
}

// At returns where the table starts in its buffer.
func (t Table) At() int { return t.at }

// Has reports whether a field is there. Fields are told by their number in the schema, from 0.
func (t Table) Has(field int) bool { return t.place(field, 0) >= 0 }

// place returns where a field of a size is, or -1 where it has its default.
func (t Table) place(field, size int) int {
	entry := 4 + 2*field
	if t.buffer == nil || t.buffer.err != nil || entry+2 > t.vtableSize {
		return -1
	}
	offset := t.buffer.uint16(t.vtable + entry)
	if offset == 0 || !t.buffer.has(t.at+offset, size) {
		return -1
	}
	return t.at + offset
}

// Bool returns a field of type bool.
func (t Table) Bool(field int) bool { return t.Uint8(field) != 0 }

// Uint8 returns a field of one byte, 0 where it is not there.
func (t Table) Uint8(field int) uint8 {
	at := t.place(field, 1)
	if at < 0 {
		return 0
	}
	return t.buffer.b[at]
}

// Int16 returns a field, or what it is by default.
func (t Table) Int16(field int, byDefault int16) int16 {
	at := t.place(field, 2)
	if at < 0 {
		return byDefault
	}
	return int16(t.buffer.uint16(at))
}

// Int32 returns a field, or what it is by default.
func (t Table) Int32(field int, byDefault int32) int32 {
	at := t.place(field, 4)
	if at < 0 {
		return byDefault
	}
	return int32(t.buffer.uint32(at))
}

// Int64 returns a field, 0 where it is not there.
func (t Table) Int64(field int) int64 {
	at := t.place(field, 8)
	if at < 0 {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(t.buffer.b[at:]))
}

// Table returns the table that a field points to; without fields where it is not there.
func (t Table) Table(field int) Table {
	at := t.place(field, 4)
	if at < 0 {
		return Table{buffer: t.buffer}
	}
	return t.buffer.table(t.buffer.follow(at))
}

// Text returns the text that a field points to.
func (t Table) Text(field int) []byte {
	v := t.Vector(field, 1)
	if v.Len == 0 {
		return nil
	}
	return v.buffer.b[v.at : v.at+v.Len : v.at+v.Len]
}

// Vector returns the vector of elements of a size that a field points to.
func (t Table) Vector(field, size int) Vector {
	at := t.place(field, 4)
	if at < 0 {
		return Vector{}
	}
	b := t.buffer
	start := b.follow(at)
	n := int64(b.uint32(start))
	if b.err != nil || n*int64(size) > int64(len(b.b)-start-4) {
		b.fail()
		return Vector{}
	}
	b.spend(int(n) * size)
	if b.err != nil {
		return Vector{}
	}
	return Vector{buffer: b, at: start + 4, Len: int(n)}
}

// Table returns the table that element i of a vector of offsets points to.
func (v Vector) Table(i int) Table {
	if i >= v.Len {
		return Table{buffer: v.buffer}
	}
	return v.buffer.table(v.buffer.follow(v.at + 4*i))
}

// Int64 returns the word at byte offset of element i, of elements of a size.
func (v Vector) Int64(i, size, offset int) int64 {
	return int64(binary.LittleEndian.Uint64(v.buffer.b[v.at+i*size+offset:]))
}

// Int32 is Int64 for half a word.
func (v Vector) Int32(i, size, offset int) int32 {
	return int32(binary.LittleEndian.Uint32(v.buffer.b[v.at+i*size+offset:]))
}
