// Package column has the arrays of Arrow: it finds them in the buffers of a batch, checks them, and
// cuts them down to the records that stay. Nothing of a record that goes is left in a buffer: not
// between values, not below a null, not in a dictionary, not in padding.
package column

import (
	"encoding/binary"
	"math/bits"
	"sync"

	"noo/formats/arrow/internal/ipc"
)

// Array are the values of a field in a batch. It has been checked: every offset, index and length
// lies within what it points to.
type Array struct {
	Field *ipc.Field
	// Len is the number of values, Nulls how many of them are null by Validity, which is nil where
	// none is.
	Len, Nulls int
	Validity   []byte
	// Data has values, bits, views, type ids or the bytes of texts.
	Data []byte
	// Offsets and Sizes have numbers of Field.Width bytes; those of a dense union have 4.
	Offsets, Sizes []byte
	// Buffers are the data buffers of a view array. Shared tells that its views take more bytes
	// than there are: some point at the same ones.
	Buffers  [][]byte
	Shared   bool
	Children []*Array
	// Dictionary has the values of a dictionary-encoded field.
	Dictionary *Dictionary
	// Seen keeps what was found out about the values of a dictionary.
	Seen sync.Map
}

// Dictionary are the values of a dictionary as of some batch. It does not change: a delta makes
// another one.
type Dictionary struct {
	// Generation tells dictionaries apart of which one replaced the other, and not those that were
	// extended by a delta.
	Generation int
	// Field is the field of the values.
	Field *ipc.Field
	Codec ipc.Codec
	// Len is the number of values. They are in Chunks, of which each starts at one of Starts.
	Len    int
	Chunks []*Array
	Starts []int

	joining sync.Once
	joined  *Array
}

// Extended returns the dictionary with further values behind its own.
func (d *Dictionary) Extended(chunk *Array) *Dictionary {
	n := len(d.Chunks)
	return &Dictionary{
		Generation: d.Generation, Field: d.Field, Codec: d.Codec, Len: d.Len + chunk.Len,
		Starts: append(d.Starts[:n:n], d.Len), Chunks: append(d.Chunks[:n:n], chunk),
	}
}

// IsNull reports whether value i is null by the validity of the array.
func (a *Array) IsNull(i int) bool {
	return a.Validity != nil && a.Validity[i>>3]>>(i&7)&1 == 0
}

// Integer returns integer i of those of a width in b, as far as an int64 holds it.
func Integer(b []byte, width, i int, signed bool) int64 {
	switch width {
	case 1:
		if signed {
			return int64(int8(b[i]))
		}
		return int64(b[i])
	case 2:
		v := binary.LittleEndian.Uint16(b[2*i:])
		if signed {
			return int64(int16(v))
		}
		return int64(v)
	case 4:
		v := binary.LittleEndian.Uint32(b[4*i:])
		if signed {
			return int64(int32(v))
		}
		return int64(v)
	}
	return int64(binary.LittleEndian.Uint64(b[8*i:]))
}

// putInteger writes integer i.
func putInteger(b []byte, width, i int, v int64) {
	switch width {
	case 1:
		b[i] = byte(v)
	case 2:
		binary.LittleEndian.PutUint16(b[2*i:], uint16(v))
	case 4:
		binary.LittleEndian.PutUint32(b[4*i:], uint32(v))
	default:
		binary.LittleEndian.PutUint64(b[8*i:], uint64(v))
	}
}

// Index returns index i of a dictionary-encoded array, -1 for a null.
func (a *Array) Index(i int) int {
	if a.IsNull(i) {
		return -1
	}
	return int(Integer(a.Data, a.Field.Width, i, a.Field.Signed))
}

// Offset returns offset i.
func (a *Array) Offset(i int) int {
	if a.Field.Width == 8 {
		return int(binary.LittleEndian.Uint64(a.Offsets[8*i:]))
	}
	return int(int32(binary.LittleEndian.Uint32(a.Offsets[4*i:])))
}

// List returns where the values of list i start in the child, and where they end. Those of a null
// are none.
func (a *Array) List(i int) (start, end int) {
	if a.IsNull(i) {
		return 0, 0
	}
	switch a.Field.Layout {
	case ipc.FixedList:
		return i * a.Field.Size, (i + 1) * a.Field.Size
	case ipc.ListView:
		start = a.Offset(i)
		return start, start + int(Integer(a.Sizes, a.Field.Width, i, true))
	}
	return a.Offset(i), a.Offset(i + 1)
}

// Text returns text i of a Binary or View array, which is not null.
func (a *Array) Text(i int) []byte {
	if a.Field.Layout == ipc.Binary {
		start, end := a.Offset(i), a.Offset(i+1)
		return a.Data[start:end:end]
	}
	view := a.Data[16*i : 16*i+16]
	n := int(binary.LittleEndian.Uint32(view))
	if n <= inlined {
		return view[4 : 4+n : 4+n]
	}
	start := int(binary.LittleEndian.Uint32(view[12:]))
	return a.Buffers[binary.LittleEndian.Uint32(view[8:])][start : start+n : start+n]
}

// Child returns which child has value i of a union, and where.
func (a *Array) Child(i int) (child, at int) {
	id := int8(a.Data[i])
	for child = range a.Field.Types {
		if a.Field.Types[child] == id {
			break
		}
	}
	if a.Field.Layout == ipc.DenseUnion {
		return child, int(binary.LittleEndian.Uint32(a.Offsets[4*i:]))
	}
	return child, i
}

// RunEnd returns where run i ends.
func (a *Array) RunEnd(i int) int {
	ends := a.Children[0]
	return int(Integer(ends.Data, ends.Field.Width, i, true))
}

// Run returns the run that has value i.
func (a *Array) Run(i int) int {
	low, high := 0, a.Children[0].Len-1
	for low < high {
		if middle := (low + high) / 2; a.RunEnd(middle) > i {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

// inlined is how many bytes of a text are in its view.
const inlined = 12

// onesIn counts the bits that are set among the first n.
func onesIn(b []byte, n int) (ones int) {
	i := 0
	for ; i+64 <= n; i += 64 {
		ones += bits.OnesCount64(binary.LittleEndian.Uint64(b[i>>3:]))
	}
	for ; i < n; i++ {
		ones += int(b[i>>3] >> (i & 7) & 1)
	}
	return ones
}
