// Package compact reads and writes Thrift's compact protocol, in which Parquet writes its footer
// and its page headers (Thrift, doc/specs/thrift-compact-protocol.md). It exists because generated
// Thrift code trusts what it reads: it allocates what a length claims and follows nesting without
// end. Here every length is checked against the bytes that are there, nesting is bounded, nothing
// is copied, and the bytes of a value can be carried over without being understood.
package thrift

import (
	"encoding/binary"
	"errors"
	"math"
)

// Type is a type code of the compact protocol.
type Type uint8

// The types. A boolean field has its value in its type; a boolean in a list is one byte.
const (
	Stop   Type = 0
	True   Type = 1
	False  Type = 2
	Byte   Type = 3
	I16    Type = 4
	I32    Type = 5
	I64    Type = 6
	Double Type = 7
	Binary Type = 8
	List   Type = 9
	Set    Type = 10
	Map    Type = 11
	Struct Type = 12
	UUID   Type = 13
)

// Errors of a Reader.
var (
	// ErrShort is data that ends within a value: with more of it the value may be read.
	ErrShort = errors.New("it ends too early")
	// ErrMalformed is data that is no Thrift, or has another type than the Parquet definition gives
	// it.
	ErrMalformed = errors.New("it is not well-formed Thrift")
)

// maxDepth bounds how deep values nest. Parquet's own structures are less than ten deep.
const maxDepth = 32

// Reader reads values from a slice. After the first error it returns zeros, and Err tells the
// error.
type Reader struct {
	data []byte
	pos  int
	err  error
}

// NewReader returns a Reader of data, which must not change while it is used.
func NewReader(data []byte) *Reader { return &Reader{data: data} }

// Reset makes the Reader start over with data.
func (r *Reader) Reset(data []byte) { *r = Reader{data: data} }

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// Pos returns how many bytes were read.
func (r *Reader) Pos() int { return r.pos }

// Since returns the bytes that were read since Pos was start.
func (r *Reader) Since(start int) []byte {
	if r.err != nil {
		return nil
	}
	return r.data[start:r.pos:r.pos]
}

// Fail makes err the Reader's error, unless it has one.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Field is the header of a field. Its zero value starts a struct.
type Field struct {
	ID   int16
	Type Type
}

// Next reads the header of the next field of a struct into f, which must hold the one before, and
// reports whether there is one. Every field must then be read with the method for its type, or
// skipped.
func (r *Reader) Next(f *Field) bool {
	head := r.byte()
	if r.err != nil || head == 0 {
		return false
	}
	f.Type = Type(head & 0x0f)
	if f.Type == Stop || f.Type > UUID {
		r.Fail(ErrMalformed)
		return false
	}
	id := int64(f.ID) + int64(head>>4)
	if head>>4 == 0 {
		id = r.zigzag()
	}
	if id < math.MinInt16 || id > math.MaxInt16 {
		r.Fail(ErrMalformed)
	}
	f.ID = int16(id)
	return r.err == nil
}

// Bool reads a boolean field.
func (r *Reader) Bool(f Field) bool {
	if f.Type != True && f.Type != False {
		r.Fail(ErrMalformed)
	}
	return f.Type == True
}

// I16 reads a 16-bit integer.
func (r *Reader) I16(t Type) int16 { return int16(r.integer(t, I16, math.MinInt16, math.MaxInt16)) }

// I32 reads a 32-bit integer.
func (r *Reader) I32(t Type) int32 { return int32(r.integer(t, I32, math.MinInt32, math.MaxInt32)) }

// I64 reads a 64-bit integer.
func (r *Reader) I64(t Type) int64 { return r.integer(t, I64, math.MinInt64, math.MaxInt64) }

func (r *Reader) integer(t, want Type, low, high int64) int64 {
	if t != want {
		r.Fail(ErrMalformed)
		return 0
	}
	v := r.zigzag()
	if v < low || v > high {
		r.Fail(ErrMalformed)
		return 0
	}
	return v
}

// Bytes reads a string or binary value, as a part of the data.
func (r *Reader) Bytes(t Type) []byte {
	if t != Binary {
		r.Fail(ErrMalformed)
		return nil
	}
	n := r.uvarint()
	if r.err != nil {
		return nil
	}
	if n > uint64(len(r.data)-r.pos) {
		r.Fail(ErrShort)
		return nil
	}
	start := r.pos
	r.pos += int(n)
	return r.data[start:r.pos:r.pos]
}

// List reads the header of a list and returns the type and number of its elements, of which each
// takes at least one byte of the data that is left.
func (r *Reader) List(t Type) (Type, int) {
	if t != List && t != Set {
		r.Fail(ErrMalformed)
		return 0, 0
	}
	head := r.byte()
	n := uint64(head >> 4)
	if n == 15 {
		n = r.uvarint()
	}
	if r.err == nil && n > uint64(len(r.data)-r.pos) {
		r.Fail(ErrShort)
	}
	if r.err != nil {
		return 0, 0
	}
	return Type(head & 0x0f), int(n)
}

// Enter checks that a field is a struct, whose fields are then to be read.
func (r *Reader) Enter(t Type) Field {
	if t != Struct {
		r.Fail(ErrMalformed)
	}
	return Field{}
}

// Skip reads past a field's value.
func (r *Reader) Skip(t Type) {
	if t != True && t != False {
		r.skip(t, 0)
	}
}

func (r *Reader) skip(t Type, depth int) {
	if depth > maxDepth {
		r.Fail(ErrMalformed)
	}
	if r.err != nil {
		return
	}
	switch t {
	case True, False, Byte: // booleans come here only from lists, where they take a byte
		r.advance(1)
	case I16, I32, I64:
		r.uvarint()
	case Double:
		r.advance(8)
	case UUID:
		r.advance(16)
	case Binary:
		r.Bytes(t)
	case List, Set:
		element, n := r.List(t)
		for i := 0; i < n && r.err == nil; i++ {
			r.skip(element, depth+1)
		}
	case Map:
		r.skipMap(depth)
	case Struct:
		for f := (Field{}); r.Next(&f); {
			if f.Type != True && f.Type != False {
				r.skip(f.Type, depth+1)
			}
		}
	default:
		r.Fail(ErrMalformed)
	}
}

func (r *Reader) skipMap(depth int) {
	n := r.uvarint()
	if n == 0 || r.err != nil {
		return
	}
	if n > uint64(len(r.data)-r.pos) {
		r.Fail(ErrShort)
		return
	}
	types := r.byte()
	for i := uint64(0); i < n && r.err == nil; i++ {
		r.skip(Type(types>>4), depth+1)
		r.skip(Type(types&0x0f), depth+1)
	}
}

func (r *Reader) advance(n int) {
	if n > len(r.data)-r.pos {
		r.Fail(ErrShort)
		return
	}
	r.pos += n
}

func (r *Reader) byte() byte {
	if r.err != nil {
		return 0
	}
	if r.pos >= len(r.data) {
		r.Fail(ErrShort)
		return 0
	}
	b := r.data[r.pos]
	r.pos++
	return b
}

func (r *Reader) uvarint() uint64 {
	if r.err != nil {
		return 0
	}
	v, n := binary.Uvarint(r.data[r.pos:])
	switch {
	case n == 0:
		r.Fail(ErrShort)
		return 0
	case n < 0:
		r.Fail(ErrMalformed)
		return 0
	}
	r.pos += n
	return v
}

func (r *Reader) zigzag() int64 {
	v := r.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// Writer appends values to a slice.
type Writer struct {
	data  []byte
	last  int16
	outer []int16
}

// NewWriter returns a Writer that appends a struct to dst.
func NewWriter(dst []byte) *Writer { return &Writer{data: dst} }

// Reset makes the Writer append a struct to dst.
func (w *Writer) Reset(dst []byte) {
	w.data, w.last, w.outer = dst, 0, w.outer[:0]
}

// Done ends the outermost struct and returns the slice.
func (w *Writer) Done() []byte {
	w.data = append(w.data, 0)
	return w.data
}

// Bool writes a boolean field. Fields of a struct are to be written in the order of their ids.
func (w *Writer) Bool(id int16, v bool) {
	if v {
		w.field(id, True)
		return
	}
	w.field(id, False)
}

// I16 writes a 16-bit integer field.
func (w *Writer) I16(id int16, v int16) { w.integer(id, I16, int64(v)) }

// I32 writes a 32-bit integer field.
func (w *Writer) I32(id int16, v int32) { w.integer(id, I32, int64(v)) }

// I64 writes a 64-bit integer field.
func (w *Writer) I64(id int16, v int64) { w.integer(id, I64, v) }

func (w *Writer) integer(id int16, t Type, v int64) {
	w.field(id, t)
	w.Int(v)
}

// Bytes writes a string or binary field.
func (w *Writer) Bytes(id int16, v []byte) {
	w.field(id, Binary)
	w.Element(v)
}

// Raw writes a field whose value was encoded before. A nil value is left out.
func (w *Writer) Raw(id int16, t Type, value []byte) {
	if value == nil {
		return
	}
	w.field(id, t)
	w.data = append(w.data, value...)
}

// List starts a list of n elements, which are to be written with Int, Element or Open and Close.
func (w *Writer) List(id int16, element Type, n int) {
	w.field(id, List)
	if n < 15 {
		w.data = append(w.data, byte(n)<<4|byte(element))
		return
	}
	w.data = append(w.data, 0xf0|byte(element))
	w.data = binary.AppendUvarint(w.data, uint64(n))
}

// Int writes an integer in a list.
func (w *Writer) Int(v int64) {
	w.data = binary.AppendUvarint(w.data, uint64(v)<<1^uint64(v>>63))
}

// Element writes a string or binary value in a list.
func (w *Writer) Element(v []byte) {
	w.data = binary.AppendUvarint(w.data, uint64(len(v)))
	w.data = append(w.data, v...)
}

// Encoded writes a struct in a list that another Writer has encoded.
func (w *Writer) Encoded(v []byte) { w.data = append(w.data, v...) }

// Struct starts a struct field, which Close ends.
func (w *Writer) Struct(id int16) {
	w.field(id, Struct)
	w.Open()
}

// Open starts a struct in a list, which Close ends.
func (w *Writer) Open() {
	w.outer = append(w.outer, w.last)
	w.last = 0
}

// Close ends a struct.
func (w *Writer) Close() {
	w.data = append(w.data, 0)
	w.last = w.outer[len(w.outer)-1]
	w.outer = w.outer[:len(w.outer)-1]
}

func (w *Writer) field(id int16, t Type) {
	if delta := id - w.last; delta > 0 && delta < 16 {
		w.data = append(w.data, byte(delta)<<4|byte(t))
	} else {
		w.data = append(w.data, byte(t))
		w.Int(int64(id))
	}
	w.last = id
}
