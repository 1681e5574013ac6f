// Package arrowtest draws Arrow datasets at random for tests, of every type, and reads files and
// streams with arrow-go. Every value holds a mark of its own, which says to which
// records it belongs; where no value should be (below a null, between lists, in a type of a union
// that a record does not have), there is a mark that belongs to nobody.
package arrowtest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Marks knows to which records each mark belongs.
type Marks struct {
	r      *rand.Rand
	owners [][]int
}

// Owners returns the records to which a mark belongs, none for one that there is not.
func (m *Marks) Owners(id int) []int {
	if id >= len(m.owners) {
		return nil
	}
	return m.owners[id]
}

// Has reports whether there is a mark: bytes may look like one.
func (m *Marks) Has(id int) bool { return id < len(m.owners) }

func (m *Marks) fresh(owner []int) int {
	m.owners = append(m.owners, owner)
	return len(m.owners) - 1
}

// put writes a mark as a value of a width: narrow ones hold none.
func (m *Marks) put(value []byte, owner []int) {
	if len(value) < 4 {
		for i := range value {
			value[i] = byte(m.r.IntN(4))
		}
		return
	}
	id := m.fresh(owner)
	value[0], value[1], value[2] = 0x80|byte(id), 0x80|byte(id>>7), 0x80|byte(id>>14)
	value[3] = 0xB6
}

// text makes a text that holds a mark.
func (m *Marks) text(owner []int) []byte {
	if m.r.IntN(8) == 0 {
		return nil
	}
	text := fmt.Appendf(nil, "<%06d>", m.fresh(owner))
	for m.r.IntN(3) == 0 {
		text = append(text, "-and-so-on"...)
	}
	return text
}

// In returns the marks that are in data.
func (m *Marks) In(data []byte) map[int]bool {
	found := map[int]bool{}
	for i, b := range data {
		switch {
		case b == 0xB6 && i >= 3 && data[i-1]&data[i-2]&data[i-3]&0x80 != 0:
			found[int(data[i-3]&0x7F)|int(data[i-2]&0x7F)<<7|int(data[i-1]&0x7F)<<14] = true
		case b == '<' && i+8 <= len(data) && data[i+7] == '>':
			if id, err := strconv.Atoi(string(data[i+1 : i+7])); err == nil {
				found[id] = true
			}
		}
	}
	return found
}

// leafType draws a type without children.
func leafType(r *rand.Rand) arrow.DataType {
	some := []arrow.DataType{
		arrow.Null,
		arrow.FixedWidthTypes.Boolean,
		arrow.PrimitiveTypes.Int8,
		arrow.PrimitiveTypes.Uint16,
		arrow.PrimitiveTypes.Int32,
		arrow.PrimitiveTypes.Uint64,
		arrow.FixedWidthTypes.Float16,
		arrow.PrimitiveTypes.Float32,
		arrow.PrimitiveTypes.Float64,
		arrow.BinaryTypes.String,
		arrow.BinaryTypes.LargeString,
		arrow.BinaryTypes.Binary,
		arrow.BinaryTypes.LargeBinary,
		arrow.BinaryTypes.StringView,
		arrow.BinaryTypes.BinaryView,
		&arrow.FixedSizeBinaryType{ByteWidth: 7},
		&arrow.Decimal32Type{Precision: 9, Scale: 2},
		&arrow.Decimal64Type{Precision: 18},
		&arrow.Decimal128Type{Precision: 38, Scale: 5},
		&arrow.Decimal256Type{Precision: 76},
		arrow.FixedWidthTypes.Date32,
		arrow.FixedWidthTypes.Date64,
		arrow.FixedWidthTypes.Time32ms,
		arrow.FixedWidthTypes.Time64ns,
		arrow.FixedWidthTypes.Timestamp_us,
		arrow.FixedWidthTypes.Duration_s,
		arrow.FixedWidthTypes.MonthInterval,
		arrow.FixedWidthTypes.DayTimeInterval,
		arrow.FixedWidthTypes.MonthDayNanoInterval,
	}
	return some[r.IntN(len(some))]
}

// DrawType draws any type, nested no deeper than depth.
func DrawType(r *rand.Rand, depth int) arrow.DataType {
	if depth == 0 || r.IntN(3) == 0 {
		return leafType(r)
	}
	inner := func() arrow.DataType { return DrawType(r, depth-1) }
	fields := func() (list []arrow.Field) {
		for i := range 1 + r.IntN(3) {
			list = append(
				list,
				arrow.Field{Name: fmt.Sprintf("f%d", i), Type: inner(), Nullable: true},
			)
		}
		return list
	}
	codes := func(n int) (list []arrow.UnionTypeCode) {
		for i := range n {
			list = append(list, arrow.UnionTypeCode(3*i+r.IntN(3)))
		}
		return list
	}
	switch r.IntN(11) {
	case 0:
		return arrow.ListOf(inner())
	case 1:
		return arrow.LargeListOf(inner())
	case 2:
		return arrow.FixedSizeListOf(1+int32(r.IntN(3)), inner())
	case 3:
		return arrow.StructOf(fields()...)
	case 4:
		return arrow.MapOf(arrow.BinaryTypes.String, inner())
	case 5:
		list := fields()
		return arrow.SparseUnionOf(list, codes(len(list)))
	case 6:
		list := fields()
		return arrow.DenseUnionOf(list, codes(len(list)))
	case 7:
		ends := []arrow.DataType{
			arrow.PrimitiveTypes.Int16,
			arrow.PrimitiveTypes.Int32,
			arrow.PrimitiveTypes.Int64,
		}
		return arrow.RunEndEncodedOf(ends[r.IntN(3)], leafType(r))
	case 8:
		return arrow.ListViewOf(inner())
	case 9:
		return arrow.LargeListViewOf(inner())
	}
	return &arrow.DictionaryType{
		IndexType: drawIndex(r),
		ValueType: drawDictionaryValue(r),
		Ordered:   r.IntN(2) == 0,
	}
}

func drawIndex(r *rand.Rand) arrow.DataType {
	some := []arrow.DataType{
		arrow.PrimitiveTypes.Int8,
		arrow.PrimitiveTypes.Uint8,
		arrow.PrimitiveTypes.Int16,
		arrow.PrimitiveTypes.Uint16,
		arrow.PrimitiveTypes.Int32,
		arrow.PrimitiveTypes.Uint32,
		arrow.PrimitiveTypes.Int64,
		arrow.PrimitiveTypes.Uint64,
	}
	return some[r.IntN(len(some))]
}

func drawDictionaryValue(r *rand.Rand) arrow.DataType {
	some := []arrow.DataType{
		arrow.BinaryTypes.String,
		arrow.BinaryTypes.LargeBinary,
		arrow.PrimitiveTypes.Int64,
		arrow.BinaryTypes.StringView,
		&arrow.FixedSizeBinaryType{ByteWidth: 9},
	}
	return some[r.IntN(len(some))]
}

// drawer draws arrays.
type drawer struct {
	*Marks
	dictionaries map[arrow.DataType]*drawnDictionary
}

// drawnDictionary is a dictionary that batches share.
type drawnDictionary struct {
	data *array.Data
}

// nobody owns what no record has.
var nobody = []int{}

func buffer(b []byte) *memory.Buffer { return memory.NewBufferBytes(b) }

// validity draws which of n values are null.
func (d *drawer) validity(n int) (_ []byte, nulls int, null func(i int) bool) {
	rate := []int{0, 0, 3, 20}[d.r.IntN(4)]
	bits := make([]byte, (n+7)/8)
	for i := range n {
		if rate > 0 && d.r.IntN(rate) == 0 {
			nulls++
		} else {
			bits[i>>3] |= 1 << (i & 7)
		}
	}
	is := func(i int) bool { return bits[i>>3]>>(i&7)&1 == 0 }
	if nulls == 0 {
		return nil, 0, is
	}
	return bits, nulls, is
}

func validityBuffer(bits []byte) *memory.Buffer {
	if bits == nil {
		return nil
	}
	return buffer(bits)
}

// draw draws an array with a value for each owner.
func (d *drawer) draw(t arrow.DataType, owners [][]int) *array.Data {
	n := len(owners)
	bits, nulls, null := d.validity(n)
	valid := validityBuffer(bits)
	owner := func(i int) []int {
		if null(i) {
			return nobody
		}
		return owners[i]
	}
	switch t := t.(type) {
	case *arrow.NullType:
		return array.NewData(t, n, []*memory.Buffer{nil}, nil, n, 0)
	case *arrow.BooleanType:
		data := make([]byte, (n+7)/8)
		for i := range data {
			data[i] = byte(d.r.Uint32())
		}
		return array.NewData(t, n, []*memory.Buffer{valid, buffer(data)}, nil, nulls, 0)
	case *arrow.StringType, *arrow.BinaryType, *arrow.LargeStringType, *arrow.LargeBinaryType:
		return d.drawTexts(t, n, valid, nulls, owner)
	case *arrow.StringViewType, *arrow.BinaryViewType:
		return d.drawViews(t, n, valid, nulls, null, owner)
	case *arrow.ListType, *arrow.LargeListType, *arrow.MapType:
		return d.drawLists(t, n, valid, nulls, owner)
	case *arrow.ListViewType, *arrow.LargeListViewType:
		return d.drawListViews(t, n, valid, nulls, null, owner)
	case *arrow.FixedSizeListType:
		var below [][]int
		for i := range n {
			for range t.Len() {
				below = append(below, owner(i))
			}
		}
		return array.NewData(t, n, []*memory.Buffer{valid}, []arrow.ArrayData{d.draw(t.Elem(), below)}, nulls, 0)
	case *arrow.StructType:
		var children []arrow.ArrayData
		for _, f := range t.Fields() {
			below := make([][]int, n)
			for i := range below {
				below[i] = owner(i)
			}
			children = append(children, d.draw(f.Type, below))
		}
		return array.NewData(t, n, []*memory.Buffer{valid}, children, nulls, 0)
	case arrow.UnionType:
		return d.drawUnion(t, owners)
	case *arrow.RunEndEncodedType:
		return d.drawRuns(t, owners)
	case *arrow.DictionaryType:
		return d.drawIndices(t, n, valid, nulls, null, owners)
	}
	width := t.(arrow.FixedWidthDataType).BitWidth() / 8
	data := make([]byte, n*width)
	for i := range n {
		d.put(data[i*width:(i+1)*width], owner(i))
	}
	return array.NewData(t, n, []*memory.Buffer{valid, buffer(data)}, nil, nulls, 0)
}

// offsets writes numbers of 4 or 8 bytes.
func offsets(wide bool, numbers []int) []byte {
	var b []byte
	for _, n := range numbers {
		if wide {
			b = binary.LittleEndian.AppendUint64(b, uint64(n))
		} else {
			b = binary.LittleEndian.AppendUint32(b, uint32(n))
		}
	}
	return b
}

func (d *drawer) drawTexts(
	t arrow.DataType,
	n int,
	valid *memory.Buffer,
	nulls int,
	owner func(int) []int,
) *array.Data {
	wide := t.ID() == arrow.LARGE_BINARY || t.ID() == arrow.LARGE_STRING
	var data []byte
	if d.r.IntN(3) == 0 {
		data = append(data, d.text(nobody)...)
	}
	ends := []int{len(data)}
	for i := range n {
		data = append(data, d.text(owner(i))...)
		ends = append(ends, len(data))
	}
	data = append(data, d.text(nobody)...)
	return array.NewData(
		t,
		n,
		[]*memory.Buffer{valid, buffer(offsets(wide, ends)), buffer(data)},
		nil,
		nulls,
		0,
	)
}

func (d *drawer) drawViews(
	t arrow.DataType,
	n int,
	valid *memory.Buffer,
	nulls int,
	null func(int) bool,
	owner func(int) []int,
) *array.Data {
	views := make([]byte, 16*n)
	data := [][]byte{nil, d.text(nobody)}
	for i := range n {
		view, text := views[16*i:], d.text(owner(i))
		binary.LittleEndian.PutUint32(view, uint32(len(text)))
		if len(text) <= 12 {
			copy(view[4:16], text)
			if len(text) <= 8 && !null(i) {
				d.put(view[12:16], nobody) // where nothing should be
			}
			continue
		}
		copy(view[4:8], text)
		b := d.r.IntN(2)
		binary.LittleEndian.PutUint32(view[8:], uint32(b))
		binary.LittleEndian.PutUint32(view[12:], uint32(len(data[b])))
		data[b] = append(append(data[b], text...), d.text(nobody)...)
	}
	return array.NewData(
		t,
		n,
		[]*memory.Buffer{valid, buffer(views), buffer(data[0]), buffer(data[1])},
		nil,
		nulls,
		0,
	)
}

func (d *drawer) drawLists(
	t arrow.DataType,
	n int,
	valid *memory.Buffer,
	nulls int,
	owner func(int) []int,
) *array.Data {
	var below [][]int
	for range d.r.IntN(3) {
		below = append(below, nobody)
	}
	ends := []int{len(below)}
	for i := range n {
		for range d.r.IntN(4) {
			below = append(below, owner(i))
		}
		ends = append(ends, len(below))
	}
	below = append(below, nobody)
	var child *array.Data
	if m, ok := t.(*arrow.MapType); ok {
		keys := d.solid(m.KeyType(), below)
		values := d.draw(m.ItemType(), below)
		child = array.NewData(
			m.Elem(),
			len(below),
			[]*memory.Buffer{nil},
			[]arrow.ArrayData{keys, values},
			0,
			0,
		)
	} else {
		child = d.draw(t.(arrow.ListLikeType).Elem(), below)
	}
	return array.NewData(
		t,
		n,
		[]*memory.Buffer{valid, buffer(offsets(t.ID() == arrow.LARGE_LIST, ends))},
		[]arrow.ArrayData{child},
		nulls,
		0,
	)
}

// solid draws an array without nulls.
func (d *drawer) solid(t arrow.DataType, owners [][]int) *array.Data {
	for {
		if data := d.draw(t, owners); data.NullN() == 0 {
			return data
		}
	}
}

func (d *drawer) drawListViews(
	t arrow.DataType,
	n int,
	valid *memory.Buffer,
	nulls int,
	null func(int) bool,
	owner func(int) []int,
) *array.Data {
	starts, sizes := make([]int, n), make([]int, n)
	below := [][]int{nobody}
	for _, i := range d.r.Perm(n) { // lists in any order, with gaps
		starts[i], sizes[i] = len(below), d.r.IntN(4)
		for range sizes[i] {
			below = append(below, owner(i))
		}
		if d.r.IntN(3) == 0 {
			below = append(below, nobody)
		}
	}
	wide := t.ID() == arrow.LARGE_LIST_VIEW
	child := d.draw(t.(arrow.ListLikeType).Elem(), below)
	return array.NewData(
		t,
		n,
		[]*memory.Buffer{valid, buffer(offsets(wide, starts)), buffer(offsets(wide, sizes))},
		[]arrow.ArrayData{child},
		nulls,
		0,
	)
}

func (d *drawer) drawUnion(t arrow.UnionType, owners [][]int) *array.Data {
	n, fields := len(owners), t.Fields()
	types, places := make([]byte, n), make([]int, n)
	below := make([][][]int, len(fields))
	for i := range n {
		chosen := d.r.IntN(len(fields))
		types[i] = byte(t.TypeCodes()[chosen])
		for c := range fields {
			switch {
			case c == chosen:
				if t.Mode() == arrow.DenseMode && d.r.IntN(4) == 0 {
					below[c] = append(below[c], nobody)
				}
				places[i] = len(below[c])
				below[c] = append(below[c], owners[i])
			case t.Mode() == arrow.SparseMode:
				below[c] = append(below[c], nobody)
			}
		}
	}
	var children []arrow.ArrayData
	for c, f := range fields {
		children = append(children, d.draw(f.Type, below[c]))
	}
	buffers := []*memory.Buffer{nil, buffer(types)}
	if t.Mode() == arrow.DenseMode {
		buffers = append(buffers, buffer(offsets(false, places)))
	}
	return array.NewData(t, n, buffers, children, 0, 0)
}

func (d *drawer) drawRuns(t *arrow.RunEndEncodedType, owners [][]int) *array.Data {
	width := t.RunEnds().(arrow.FixedWidthDataType).BitWidth() / 8
	var ends []byte
	var below [][]int
	for i := 0; i < len(owners); {
		next := min(i+1+d.r.IntN(5), len(owners))
		end := make([]byte, 8)
		binary.LittleEndian.PutUint64(end, uint64(next))
		ends = append(ends, end[:width]...)
		below = append(below, slices.Concat(owners[i:next]...))
		i = next
	}
	runs := array.NewData(t.RunEnds(), len(below), []*memory.Buffer{nil, buffer(ends)}, nil, 0, 0)
	return array.NewData(
		t,
		len(owners),
		[]*memory.Buffer{nil},
		[]arrow.ArrayData{runs, d.draw(t.Encoded(), below)},
		0,
		0,
	)
}

func (d *drawer) drawIndices(
	t *arrow.DictionaryType,
	n int,
	valid *memory.Buffer,
	nulls int,
	null func(int) bool,
	owners [][]int,
) *array.Data {
	dictionary := d.dictionaries[t]
	if dictionary == nil {
		dictionary = &drawnDictionary{}
		dictionary.data = d.draw(t.ValueType, make([][]int, 1+d.r.IntN(60)))
		d.dictionaries[t] = dictionary
	} else if dictionary.data.Len() < 100 && d.r.IntN(2) == 0 {
		more := d.draw(t.ValueType, make([][]int, 1+d.r.IntN(20)))
		both, err := array.Concatenate([]arrow.Array{array.MakeFromData(dictionary.data), array.MakeFromData(more)}, memory.DefaultAllocator)
		if err != nil {
			panic(err)
		}
		dictionary.data = both.Data().(*array.Data)
	}
	width := t.IndexType.(arrow.FixedWidthDataType).BitWidth() / 8
	data := make([]byte, n*width)
	for i := range n {
		index := d.r.IntN(dictionary.data.Len())
		data[i*width] = byte(index)
		if !null(i) && len(owners[i]) > 0 {
			d.own(dictionary.data, index, owners[i])
		}
	}
	return array.NewDataWithDictionary(
		t,
		n,
		[]*memory.Buffer{valid, buffer(data)},
		nulls,
		0,
		dictionary.data,
	)
}

// own says that a record has value i of a dictionary.
func (d *drawer) own(data *array.Data, i int, owner []int) {
	if !array.MakeFromData(data).IsValid(i) {
		return
	}
	for id := range d.In([]byte(raw(array.MakeFromData(data), i))) {
		d.owners[id] = append(slices.Clone(d.owners[id]), owner...)
	}
}

// Dataset is a dataset that was Dataset.
type Dataset struct {
	Marks   *Marks
	Schema  *arrow.Schema
	Batches []arrow.RecordBatch
	Records int
}

// Draw draws a dataset, whose first column has the number of each record as text.
func Draw(r *rand.Rand, stream bool) *Dataset {
	d := &drawer{Marks: &Marks{r: r}, dictionaries: map[arrow.DataType]*drawnDictionary{}}
	metadata := arrow.NewMetadata([]string{"made by"}, []string{"a test"})
	fields := []arrow.Field{
		{Name: "nhs", Type: arrow.BinaryTypes.String, Nullable: true, Metadata: metadata},
	}
	for c := range 1 + r.IntN(5) {
		fields = append(
			fields,
			arrow.Field{Name: fmt.Sprintf("c%d", c), Type: DrawType(r, r.IntN(4)), Nullable: true},
		)
	}
	out := &Dataset{Marks: d.Marks, Schema: arrow.NewSchema(fields, &metadata)}
	for range r.IntN(6) {
		n := []int{0, 1, r.IntN(10), r.IntN(200), r.IntN(1000)}[r.IntN(5)]
		if stream && r.IntN(3) == 0 {
			clear(d.dictionaries)
		}
		ids := array.NewStringBuilder(memory.DefaultAllocator)
		owners := make([][]int, n)
		for i := range n {
			ids.Append(strconv.Itoa(out.Records))
			owners[i] = []int{out.Records}
			out.Records++
		}
		columns := []arrow.Array{ids.NewArray()}
		for _, f := range fields[1:] {
			columns = append(columns, array.MakeFromData(d.draw(f.Type, owners)))
		}
		out.Batches = append(
			out.Batches,
			array.NewRecordBatchWithMetadata(out.Schema, columns, int64(n), metadata),
		)
	}
	return out
}

// Write writes the dataset as a file or a stream, as arrow-go does. It returns nil for one that
// arrow-go cannot write: list views of which all are null or empty, say.
func (d *Dataset) Write(stream bool, options ...ipc.Option) (data []byte) {
	defer func() {
		if p := recover(); p != nil {
			data = nil
		}
	}()
	var out bytes.Buffer
	type writer interface {
		Write(arrow.RecordBatch) error
		Close() error
	}
	options = append(options, ipc.WithSchema(d.Schema))
	var w writer
	if stream {
		w = ipc.NewWriter(&out, options...)
	} else {
		file, err := ipc.NewFileWriter(&out, options...)
		if err != nil {
			panic(err)
		}
		w = file
	}
	for _, batch := range d.Batches {
		if err := w.Write(batch); err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// raw writes value i of an array out, bit by bit.
func raw(a arrow.Array, i int) string {
	switch a := a.(type) {
	case *array.RunEndEncoded:
		return raw(a.Values(), a.GetPhysicalIndex(i))
	case *array.SparseUnion:
		return fmt.Sprintf("%d:%s", a.TypeCode(i), raw(a.Field(a.ChildID(i)), i))
	case *array.DenseUnion:
		return fmt.Sprintf("%d:%s", a.TypeCode(i), raw(a.Field(a.ChildID(i)), int(a.ValueOffset(i))))
	case *array.Null:
		return "null"
	}
	if a.IsNull(i) {
		return "null"
	}
	switch a := a.(type) {
	case *array.Dictionary:
		return raw(a.Dictionary(), a.GetValueIndex(i))
	case *array.Struct:
		text := "{"
		for c := range a.NumField() {
			text += raw(a.Field(c), i) + ","
		}
		return text + "}"
	case array.ListLike:
		text := "["
		for start, end := a.ValueOffsets(i); start < end; start++ {
			text += raw(a.ListValues(), int(start)) + ","
		}
		return text + "]"
	case *array.Boolean:
		return strconv.FormatBool(a.Value(i))
	case *array.String:
		return a.Value(i)
	case *array.LargeString:
		return a.Value(i)
	case *array.Binary:
		return string(a.Value(i))
	case *array.LargeBinary:
		return string(a.Value(i))
	case *array.StringView:
		return a.Value(i)
	case *array.BinaryView:
		return string(a.Value(i))
	}
	width := a.DataType().(arrow.FixedWidthDataType).BitWidth() / 8
	at := (a.Data().Offset() + i) * width
	return string(a.Data().Buffers()[1].Bytes()[at : at+width])
}

// Rows reads a file or a stream with arrow-go, and writes its records out.
func Rows(
	data []byte,
	stream bool,
) (records []string, schema *arrow.Schema, metadata []arrow.Metadata, err error) {
	note := func(batch arrow.RecordBatch) {
		for i := range int(batch.NumRows()) {
			text := ""
			for _, column := range batch.Columns() {
				text += raw(column, i) + "|"
			}
			records = append(records, text)
		}
		if with, ok := batch.(interface{ Metadata() arrow.Metadata }); ok {
			metadata = append(metadata, with.Metadata())
		}
	}
	if stream {
		r, err := ipc.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, nil, nil, err
		}
		for r.Next() {
			note(r.RecordBatch())
		}
		return records, r.Schema(), metadata, r.Err()
	}
	r, err := ipc.NewFileReader(bytes.NewReader(data))
	if err != nil {
		return nil, nil, nil, err
	}
	for i := range r.NumRecords() {
		batch, err := r.RecordBatchAt(i)
		if err != nil {
			return nil, nil, nil, err
		}
		note(batch)
	}
	return records, r.Schema(), metadata, nil
}
