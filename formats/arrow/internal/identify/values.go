package identify

// The values of one column in a batch, as a formats.Decider takes them.

import (
	"encoding/binary"
	"math"

	"noo/formats"
	"noo/formats/arrow/internal/column"
	"noo/formats/arrow/internal/ipc"
	"noo/formats/internal/decimal"
)

// Reader reads the values of one column in one batch after another. It keeps its memory. It is for
// one goroutine at a time.
type Reader struct {
	finder finder

	text  [][]byte
	ints  []int64
	reals []float64
	index []int32
	even  []formats.FixedWidth
	made  []byte // texts that are made of numbers
	ends  []int32
}

// NewReader returns a Reader that takes about as many bytes as limit for the lists of a batch.
func NewReader(limit int) *Reader { return &Reader{finder: finder{limit: limit}} }

// Values returns the values of a leaf for n records. a is the array of its column. The values are
// good until the next call, and as long as the array is.
func (r *Reader) Values(l *Leaf, a *column.Array, n int) (formats.Values, error) {
	r.text, r.ints, r.reals = r.text[:0], r.ints[:0], r.reals[:0]
	r.index, r.even = r.index[:0], r.even[:0]
	r.made, r.ends = r.made[:0], r.ends[:0]
	if n == 0 {
		return formats.Values{}, nil
	}
	p, err := r.finder.find(l, a, n)
	if err != nil {
		return formats.Values{}, err
	}
	v := formats.Values{Ends: p.ends}
	total := 0
	for _, values := range p.values {
		total += values.Len
	}
	switch {
	case !p.spelt:
		r.all(l, p.values[0], n, &v)
	case total <= 2*len(p.index):
		for _, values := range p.values {
			for i := range values.Len {
				r.add(l, values, i)
			}
		}
		r.renumber(p)
		v.Index = r.index
	default:
		r.some(l, p)
		v.Index = r.index
	}
	if v.Index == nil && p.spelt {
		v.Index = []int32{}
	}
	r.finish(l, &v)
	return v, nil
}

// finish hands over what was collected.
func (r *Reader) finish(l *Leaf, v *formats.Values) {
	if len(r.ends) > 0 { // texts that were made lie one behind the other
		start := int32(0)
		for i, end := range r.ends {
			if r.text[i] != nil {
				r.text[i] = r.made[start:end:end]
			}
			start = end
		}
	}
	switch l.as {
	case asInt:
		v.Ints = r.ints
	case asFloat:
		v.Floats = r.reals
	default:
		v.Text, v.Fixed = r.text, r.even
	}
}

// all takes the first n values of an array, one for each record.
func (r *Reader) all(l *Leaf, a *column.Array, n int, v *formats.Values) {
	if l.as == asText && r.fixed(a, n, v) {
		return
	}
	for i := range n {
		r.add(l, a, i)
	}
	if a.Nulls == 0 || l.as != asInt && l.as != asFloat {
		return // a nil text is a null
	}
	for i := range n {
		place := int32(i)
		if a.IsNull(i) {
			place = -1
		}
		r.index = append(r.index, place)
	}
	v.Index = r.index
}

// fixed takes the first n texts of an array where they are all of one length and lie at equal
// distances.
func (r *Reader) fixed(a *column.Array, n int, v *formats.Values) bool {
	if n == 0 {
		return false
	}
	even := formats.FixedWidth{Data: a.Data}
	switch a.Field.Layout {
	case ipc.Fixed:
		even.Stride, even.Size, even.Count = a.Field.Width, a.Field.Width, n
		r.number(a, n, v, false)
	case ipc.View:
		even.Start, even.Stride, even.Count = 4, 16, n
		if even.Size = viewLength(a, n); even.Size < 0 {
			return false
		}
		r.number(a, n, v, false)
	default:
		size, count := textLength(a, n)
		if size < 0 {
			return false
		}
		even.Start, even.Stride, even.Size, even.Count = a.Offset(0), size, size, count
		r.number(a, n, v, true)
	}
	r.even = append(r.even, even)
	return true
}

// number says which of the texts of equal length a record has, where some records have a null:
// the nulls have no place among the texts, or one that is passed over.
func (r *Reader) number(a *column.Array, n int, v *formats.Values, dense bool) {
	if a.Nulls == 0 {
		return
	}
	next := int32(0)
	for i := range n {
		if a.IsNull(i) {
			r.index = append(r.index, -1)
			if dense {
				continue
			}
		} else {
			r.index = append(r.index, next)
		}
		next++
	}
	v.Index = r.index
}

// viewLength returns the length of the first n texts in views, of which each must be in its view,
// or -1 where they differ.
func viewLength(a *column.Array, n int) int {
	const inlined = 12
	size := -1
	for i := range n {
		if a.IsNull(i) {
			continue
		}
		length := int(binary.LittleEndian.Uint32(a.Data[16*i:]))
		if size < 0 {
			size = length
		}
		if length != size || length > inlined {
			return -1
		}
	}
	return size
}

// textLength returns the length of the first n texts that are not null, and how many they are; or
// -1 where they differ or a null takes bytes.
func textLength(a *column.Array, n int) (size, count int) {
	size = -1
	start := a.Offset(0)
	for i := range n {
		end := a.Offset(i + 1)
		length := end - start
		start = end
		if a.IsNull(i) {
			if length > 0 {
				return -1, 0
			}
			continue
		}
		if size < 0 {
			size = length
		}
		if length != size {
			return -1, 0
		}
		count++
	}
	return size, count
}

// renumber copies an index, and makes those of nulls -1.
func (r *Reader) renumber(p places) {
	nulls := false
	for _, values := range p.values {
		nulls = nulls || values.Nulls > 0
	}
	if !nulls {
		r.index = append(r.index, p.index...)
		return
	}
	for _, i := range p.index {
		if i >= 0 {
			if a, at := p.value(int(i)); a.IsNull(at) {
				i = -1
			}
		}
		r.index = append(r.index, i)
	}
}

// some takes the values that occur, each as often as it does.
func (r *Reader) some(l *Leaf, p places) {
	taken := int32(0)
	for _, i := range p.index {
		place := int32(-1)
		if i >= 0 {
			if a, at := p.value(int(i)); !a.IsNull(at) {
				r.add(l, a, at)
				place = taken
				taken++
			}
		}
		r.index = append(r.index, place)
	}
}

// value returns the array that has value i, and where.
func (p *places) value(i int) (*column.Array, int) {
	for _, a := range p.values {
		if i < a.Len {
			return a, i
		}
		i -= a.Len
	}
	panic("a place outside the values")
}

// add appends value i of an array; a null as nil, or as any number.
func (r *Reader) add(l *Leaf, a *column.Array, i int) {
	switch l.as {
	case asInt:
		r.ints = append(r.ints, column.Integer(a.Data, a.Field.Width, i, l.signed()))
	case asFloat:
		r.reals = append(r.reals, math.Float64frombits(binary.LittleEndian.Uint64(a.Data[8*i:])))
	case asText:
		if a.IsNull(i) {
			r.text = append(r.text, nil)
		} else {
			r.text = append(r.text, bytesOf(a, i))
		}
	default:
		if a.IsNull(i) {
			r.text = append(r.text, nil)
		} else {
			r.text = append(r.text, []byte{}) // finish has its text
			r.made = appendText(r.made, l, a, i)
		}
		r.ends = append(r.ends, int32(len(r.made)))
	}
}

// signed reports whether integers of a column are: decimals are, in any case.
func (l *Leaf) signed() bool { return l.field.Signed || l.field.Type == ipc.TypeDecimal }

// bytesOf returns value i of an array of texts or bytes, which is not null.
func bytesOf(a *column.Array, i int) []byte {
	if a.Field.Layout == ipc.Fixed {
		at := i * a.Field.Width
		return a.Data[at : at+a.Field.Width : at+a.Field.Width]
	}
	return a.Text(i)
}

// appendText appends the text of value i, which is not null and none by itself.
func appendText(dst []byte, l *Leaf, a *column.Array, i int) []byte {
	switch l.as {
	case asUint:
		return decimal.AppendUnsigned(dst, binary.LittleEndian.Uint64(a.Data[8*i:]))
	case asWide:
		value := bytesOf(a, i)
		if number, ok := decimal.WideInt(value); ok {
			return decimal.AppendScaled(dst, number, 0)
		}
		return append(dst, value...)
	}
	var bigEndian [32]byte
	value := bytesOf(a, i)
	for k, b := range value {
		bigEndian[len(value)-1-k] = b
	}
	return decimal.Append(dst, bigEndian[:len(value)], int(l.field.Scale))
}
