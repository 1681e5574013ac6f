package column

// Finding the arrays of a batch in its body, and checking them, so that nothing that uses them
// needs
// to.

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"noo/formats/arrow/internal/ipc"
)

// recordBytes is how many bytes are taken for each record of a batch beside its values: runs, say,
// may stand for any number of records.
const recordBytes = 16

// Decoder makes arrays of the messages of one input. It knows the dictionaries that came so far.
type Decoder struct {
	// Limit is how many bytes a compressed buffer may take, and BatchLimit a whole batch.
	Limit, BatchLimit int64
	schema            *ipc.Schema
	values            map[int64]*ipc.Field // by id of a dictionary
	inner             map[int64][]int64    // ids of dictionaries in the values of another
	order             []int64              // of ids, those in the values of another before that
	dictionaries      map[int64]*Dictionary
	generations       int
	held              int64           // bytes of all dictionaries
	sizes             map[int64]int64 // and of each
}

// NewDecoder returns a Decoder for messages after a schema, which it checks.
func NewDecoder(schema *ipc.Schema, limit, batchLimit int64) (*Decoder, error) {
	d := &Decoder{
		Limit: limit, BatchLimit: batchLimit, schema: schema, values: map[int64]*ipc.Field{},
		inner: map[int64][]int64{}, dictionaries: map[int64]*Dictionary{},
		sizes: map[int64]int64{},
	}
	for _, f := range schema.Fields {
		if err := d.register(f, nil); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Order returns the ids of all dictionaries. Those whose indices are in the values of another come
// before it.
func (d *Decoder) Order() []int64 { return d.order }

// Values returns the field of the values of a dictionary.
func (d *Decoder) Values(id int64) *ipc.Field { return d.values[id] }

// Nested reports whether a dictionary has indices of another in its values.
func (d *Decoder) Nested() bool { return len(d.inner) > 0 }

// Has reports whether there are dictionaries below a field.
func Has(f *ipc.Field) bool {
	if f.Dictionary != nil {
		return true
	}
	for _, child := range f.Children {
		if Has(child) {
			return true
		}
	}
	return false
}

// register notes the dictionaries of a field, which is among the values of those in around.
func (d *Decoder) register(f *ipc.Field, around []int64) error {
	if f.Dictionary == nil {
		for _, child := range f.Children {
			if err := d.register(child, around); err != nil {
				return err
			}
		}
		return nil
	}
	id := f.Dictionary.ID
	for _, other := range around {
		if other == id {
			return ipc.Corrupt("a dictionary holds itself")
		}
	}
	if len(around) > 0 {
		last := around[len(around)-1]
		d.inner[last] = append(d.inner[last], id)
	}
	known, twice := d.values[id]
	if twice && !sameValues(known, f.Dictionary.Values) {
		return ipc.Corrupt("two dictionaries have the same id and other types")
	}
	d.values[id] = f.Dictionary.Values
	for _, child := range f.Dictionary.Values.Children {
		if err := d.register(child, append(around[:len(around):len(around)], id)); err != nil {
			return err
		}
	}
	if !twice {
		d.order = append(d.order, id)
	}
	return nil
}

// sameValues reports whether two fields are of one type, whatever their names.
func sameValues(a, b *ipc.Field) bool {
	if a.TypeText() != b.TypeText() || a.Layout != b.Layout || a.Width != b.Width || a.Size != b.Size ||
		a.Unit != b.Unit || a.Zone != b.Zone || len(a.Children) != len(b.Children) ||
		!bytes.Equal(typeIDs(a), typeIDs(b)) {
		return false
	}
	if a.Dictionary != nil && a.Dictionary.ID != b.Dictionary.ID {
		return false
	}
	for i := range a.Children {
		if !sameValues(a.Children[i], b.Children[i]) {
			return false
		}
	}
	return true
}

func typeIDs(f *ipc.Field) (ids []byte) {
	for _, id := range f.Types {
		ids = append(ids, byte(id))
	}
	return ids
}

// Dictionary takes a dictionary batch. final tells that the dictionaries of the input are complete
// when the first batch comes, as those of a file are: then none may be replaced.
func (d *Decoder) Dictionary(m *ipc.Message, body []byte, z *ipc.Compressor, final bool) error {
	field := d.values[m.ID]
	known := d.dictionaries[m.ID]
	switch {
	case field == nil:
		return ipc.Corrupt("a dictionary has an id that is not in the schema")
	case known != nil && !m.Delta && final:
		return ipc.Corrupt("a dictionary comes twice")
	case m.Delta && known == nil:
		return ipc.Corrupt("a delta comes before its dictionary")
	case m.Delta && len(d.inner[m.ID]) > 0:
		return ipc.Unsupported("a delta of a dictionary whose values have dictionaries")
	}
	b, err := d.open(&m.Batch, []*ipc.Field{field}, body, d.dictionaries)
	if err != nil {
		return err
	}
	if err := d.hold(m, b.Size); err != nil {
		return err
	}
	values, err := b.column(0, field, &Memory{}, z)
	if err != nil {
		return err
	}
	if m.Delta {
		d.dictionaries[m.ID] = known.Extended(values)
		return nil
	}
	d.generations++
	fresh := &Dictionary{Generation: d.generations, Field: field, Codec: m.Batch.Codec}
	d.dictionaries[m.ID] = fresh.Extended(values)
	return nil
}

// hold counts the memory that dictionaries take.
func (d *Decoder) hold(m *ipc.Message, size int64) error {
	if !m.Delta {
		d.held -= d.sizes[m.ID]
		d.sizes[m.ID] = 0
	}
	d.held += size
	d.sizes[m.ID] += size
	if d.held > d.BatchLimit {
		return ipc.OverLimit("its dictionaries", d.held, d.BatchLimit)
	}
	return nil
}

// Snapshot returns the dictionaries as they are now, by id. The next Dictionary does not change
// what it returned.
func (d *Decoder) Snapshot() map[int64]*Dictionary {
	now := make(map[int64]*Dictionary, len(d.dictionaries))
	for id, dictionary := range d.dictionaries {
		now[id] = dictionary
	}
	return now
}

// Memory is memory for the decompressed buffers of a batch, which is used again.
type Memory struct {
	buffers [][]byte
	used    int
}

// Reset gives all memory back to be used again.
func (m *Memory) Reset() { m.used = 0 }

func (m *Memory) take(n int) []byte {
	if m.used == len(m.buffers) {
		m.buffers = append(m.buffers, nil)
	}
	b := m.buffers[m.used]
	if cap(b) < n {
		b = make([]byte, n)
		m.buffers[m.used] = b
	}
	m.used++
	return b[:n]
}

// Batch is the arrays of a record batch in the making. Column makes one of them; different ones at
// a time.
type Batch struct {
	decoder      *Decoder
	header       *ipc.Batch
	body         []byte
	dictionaries map[int64]*Dictionary
	from         []walk // by column
	// Size is how many bytes the batch takes in memory.
	Size int64
}

// walk is how far nodes, buffers and numbers of data buffers are used up.
type walk struct{ nodes, buffers, variadic int }

// Open prepares the arrays of a record batch.
func (d *Decoder) Open(
	m *ipc.Message,
	body []byte,
	dictionaries map[int64]*Dictionary,
) (*Batch, error) {
	return d.open(&m.Batch, d.schema.Fields, body, dictionaries)
}

func (d *Decoder) open(
	header *ipc.Batch, fields []*ipc.Field, body []byte, dictionaries map[int64]*Dictionary,
) (*Batch, error) {
	if most := d.BatchLimit / recordBytes; header.Rows > most {
		return nil, fmt.Errorf(
			"a batch of %d records, and %d are allowed: %w",
			header.Rows,
			most,
			ipc.ErrLimit,
		)
	}
	b := &Batch{decoder: d, header: header, body: body, dictionaries: dictionaries}
	var at walk
	for _, f := range fields {
		b.from = append(b.from, at)
		if err := b.skip(f, &at); err != nil {
			return nil, err
		}
	}
	if at != (walk{len(header.Nodes), len(header.Buffers), len(header.Variadic)}) {
		return nil, ipc.Corrupt("a batch has other arrays than the schema")
	}
	size := int64(len(body))
	if header.Codec != ipc.Uncompressed {
		for _, r := range header.Buffers {
			n, err := ipc.Size(body[r.Offset : r.Offset+r.Length])
			switch {
			case err != nil:
				return nil, err
			case n > d.Limit:
				return nil, ipc.OverLimit("a buffer", n, d.Limit)
			}
			size += n
		}
	}
	if size > d.BatchLimit {
		return nil, ipc.OverLimit("a batch", size, d.BatchLimit)
	}
	b.Size = size
	return b, nil
}

// skip passes the array of a field.
func (b *Batch) skip(f *ipc.Field, at *walk) error {
	at.nodes++
	switch f.Layout {
	case ipc.Null, ipc.RunEnds:
	case ipc.Fixed, ipc.Bits, ipc.List, ipc.DenseUnion:
		at.buffers += 2
	case ipc.Binary, ipc.ListView:
		at.buffers += 3
	case ipc.View:
		if at.variadic >= len(b.header.Variadic) {
			return ipc.Corrupt("a batch has other arrays than the schema")
		}
		n := b.header.Variadic[at.variadic]
		if n < 0 || n > int64(len(b.header.Buffers)) {
			return ipc.Corrupt("a batch has other arrays than the schema")
		}
		at.variadic++
		at.buffers += 2 + int(n)
	default:
		at.buffers++
	}
	for _, child := range f.Children {
		if err := b.skip(child, at); err != nil {
			return err
		}
	}
	if at.nodes > len(b.header.Nodes) || at.buffers > len(b.header.Buffers) {
		return ipc.Corrupt("a batch has other arrays than the schema")
	}
	return nil
}

// Column returns the array of a column of the schema.
func (b *Batch) Column(i int, memory *Memory, z *ipc.Compressor) (*Array, error) {
	return b.column(i, b.decoder.schema.Fields[i], memory, z)
}

func (b *Batch) column(i int, f *ipc.Field, memory *Memory, z *ipc.Compressor) (*Array, error) {
	w := walker{Batch: b, at: b.from[i], memory: memory, zip: z}
	a, err := w.array(f)
	if err == nil && a.Len != int(b.header.Rows) {
		err = ipc.Corrupt("a column has another number of values than its batch")
	}
	return a, err
}

// walker makes the arrays of one column.
type walker struct {
	*Batch
	at     walk
	memory *Memory
	zip    *ipc.Compressor
}

// buffer returns the next buffer.
func (w *walker) buffer() ([]byte, error) {
	r := w.header.Buffers[w.at.buffers]
	w.at.buffers++
	b := w.body[r.Offset : r.Offset+r.Length : r.Offset+r.Length]
	if w.header.Codec == ipc.Uncompressed || len(b) == 0 {
		return b, nil
	}
	n, err := ipc.Size(b)
	if err != nil {
		return nil, err
	}
	return w.zip.Decompress(w.header.Codec, w.memory.take(int(n)), b)
}

// sized returns the next buffer, which must have n bytes or more.
func (w *walker) sized(n int) ([]byte, error) {
	b, err := w.buffer()
	if err == nil && len(b) < n {
		err = ipc.Corrupt("a buffer is too short for its values")
	}
	if err != nil {
		return nil, err
	}
	return b[:n], nil
}

// array makes the next array, with all below it.
func (w *walker) array(f *ipc.Field) (*Array, error) {
	node := w.header.Nodes[w.at.nodes]
	w.at.nodes++
	if node.Length > maxNodeLength {
		return nil, ipc.Corrupt("an array has a length that cannot be")
	}
	a := &Array{Field: f, Len: int(node.Length), Nulls: int(node.Nulls)}
	if err := w.validity(a); err != nil {
		return nil, err
	}
	if err := w.own(a); err != nil {
		return nil, err
	}
	for _, field := range f.Children {
		child, err := w.array(field)
		if err != nil {
			return nil, err
		}
		a.Children = append(a.Children, child)
	}
	return a, a.check()
}

// maxNodeLength bounds lengths, so that no computation with them overflows.
const maxNodeLength = 1 << 36

// validity reads which values are null.
func (w *walker) validity(a *Array) error {
	switch a.Field.Layout {
	case ipc.Null, ipc.SparseUnion, ipc.DenseUnion, ipc.RunEnds:
		a.Nulls = 0 // writers differ in what they count here
		return nil
	}
	validity, err := w.buffer()
	if err != nil {
		return err
	}
	if len(validity) == 0 && a.Nulls == 0 {
		return nil
	}
	if len(validity) < (a.Len+7)/8 {
		return ipc.Corrupt("a buffer is too short for its values")
	}
	if nulls := a.Len - onesIn(validity, a.Len); nulls != a.Nulls {
		return ipc.Corrupt("an array has another number of nulls than it says")
	}
	if a.Nulls > 0 {
		a.Validity = validity[:(a.Len+7)/8]
	}
	return nil
}

// own reads the other buffers of an array.
func (w *walker) own(a *Array) (err error) {
	width := a.Field.Width
	switch a.Field.Layout {
	case ipc.Fixed:
		if a.Data, err = w.sized(a.Len * width); err == nil && a.Field.Dictionary != nil {
			return w.indices(a)
		}
	case ipc.Bits:
		a.Data, err = w.sized((a.Len + 7) / 8)
	case ipc.Binary:
		if err = w.offsets(a); err == nil {
			a.Data, err = w.buffer()
		}
	case ipc.View:
		if a.Data, err = w.sized(a.Len * width); err == nil {
			return w.views(a)
		}
	case ipc.List:
		err = w.offsets(a)
	case ipc.ListView:
		if a.Offsets, err = w.sized(a.Len * width); err == nil {
			a.Sizes, err = w.sized(a.Len * width)
		}
	case ipc.SparseUnion:
		a.Data, err = w.sized(a.Len)
	case ipc.DenseUnion:
		if a.Data, err = w.sized(a.Len); err == nil {
			a.Offsets, err = w.sized(4 * a.Len)
		}
	}
	return err
}

// offsets reads the offsets of texts or lists. An array without values may have none.
func (w *walker) offsets(a *Array) error {
	offsets, err := w.buffer()
	if err != nil {
		return err
	}
	if a.Len == 0 {
		a.Offsets = make([]byte, a.Field.Width)
		return nil
	}
	n := (a.Len + 1) * a.Field.Width
	if len(offsets) < n {
		return ipc.Corrupt("a buffer is too short for its values")
	}
	a.Offsets = offsets[:n]
	return nil
}

// indices reads the indices of a dictionary.
func (w *walker) indices(a *Array) error {
	a.Dictionary = w.dictionaries[a.Field.Dictionary.ID]
	size := 0
	if a.Dictionary != nil {
		size = a.Dictionary.Len
	} else {
		a.Dictionary = &Dictionary{Field: a.Field.Dictionary.Values, Codec: w.header.Codec}
	}
	for i := range a.Len {
		index := Integer(a.Data, a.Field.Width, i, a.Field.Signed)
		if (index < 0 || index >= int64(size)) && !a.IsNull(i) {
			return ipc.Corrupt("an index lies outside its dictionary")
		}
	}
	return nil
}

// views reads the data buffers of views, and checks that these lie in them.
func (w *walker) views(a *Array) error {
	count := int(w.header.Variadic[w.at.variadic])
	w.at.variadic++
	held := 0
	for range count {
		b, err := w.buffer()
		if err != nil {
			return err
		}
		a.Buffers = append(a.Buffers, b)
		held += len(b)
	}
	taken := 0
	for i := range a.Len {
		if a.IsNull(i) {
			continue
		}
		view := a.Data[16*i : 16*i+16]
		n := int64(int32(binary.LittleEndian.Uint32(view)))
		if 0 <= n && n <= inlined {
			continue
		}
		buffer := int64(int32(binary.LittleEndian.Uint32(view[8:])))
		start := int64(int32(binary.LittleEndian.Uint32(view[12:])))
		if n < 0 || buffer < 0 || buffer >= int64(count) || start < 0 ||
			start+n > int64(len(a.Buffers[buffer])) {
			return ipc.Corrupt("a view lies outside its buffers")
		}
		if !bytes.Equal(view[4:8], a.Buffers[buffer][start:start+4]) {
			return ipc.Corrupt("a view and its text differ")
		}
		taken += int(n)
	}
	a.Shared = taken > held
	return nil
}

// check makes sure that an array and its children go together.
func (a *Array) check() error {
	switch a.Field.Layout {
	case ipc.Binary:
		return a.checkOffsets(len(a.Data))
	case ipc.List:
		return a.checkOffsets(a.Children[0].Len)
	case ipc.ListView:
		return a.checkListViews()
	case ipc.FixedList:
		if a.Children[0].Len < a.Len*a.Field.Size {
			return ipc.Corrupt("a list of fixed size has fewer values")
		}
	case ipc.Struct, ipc.SparseUnion:
		for _, child := range a.Children {
			if child.Len < a.Len {
				return ipc.Corrupt("a field of a struct has fewer values than the struct")
			}
		}
		if a.Field.Layout == ipc.SparseUnion {
			return a.checkUnion()
		}
	case ipc.DenseUnion:
		return a.checkUnion()
	case ipc.RunEnds:
		return a.checkRuns()
	}
	return nil
}

func (a *Array) checkOffsets(end int) error {
	if a.Field.Width == 8 {
		last := uint64(0)
		for i := 0; i < len(a.Offsets); i += 8 {
			offset := binary.LittleEndian.Uint64(a.Offsets[i:])
			if offset < last {
				last = 1 << 63
				break
			}
			last = offset
		}
		if last > uint64(end) {
			return ipc.Corrupt("an offset lies outside its buffer")
		}
		return nil
	}
	last := uint32(0)
	for i := 0; i < len(a.Offsets); i += 4 {
		offset := binary.LittleEndian.Uint32(a.Offsets[i:])
		if offset < last {
			last = 1 << 31
			break
		}
		last = offset
	}
	if last >= 1<<31 || int(last) > end {
		return ipc.Corrupt("an offset lies outside its buffer")
	}
	return nil
}

func (a *Array) checkListViews() error {
	end := int64(a.Children[0].Len)
	for i := range a.Len {
		if a.IsNull(i) {
			continue
		}
		offset, size := Integer(
			a.Offsets,
			a.Field.Width,
			i,
			true,
		), Integer(
			a.Sizes,
			a.Field.Width,
			i,
			true,
		)
		if offset < 0 || size < 0 || size > end || offset > end-size {
			return ipc.Corrupt("a list lies outside its values")
		}
	}
	return nil
}

func (a *Array) checkUnion() error {
	var places [256]int
	for child, id := range a.Field.Types {
		places[uint8(id)] = child + 1
	}
	for i, id := range a.Data {
		place := places[id]
		if place == 0 {
			return ipc.Corrupt("a union has a value of a type that it does not have")
		}
		if a.Field.Layout == ipc.DenseUnion {
			if offset := binary.LittleEndian.Uint32(a.Offsets[4*i:]); int64(
				offset,
			) >= int64(
				a.Children[place-1].Len,
			) {
				return ipc.Corrupt("a value of a union lies outside its child")
			}
		}
	}
	return nil
}

func (a *Array) checkRuns() error {
	ends, values := a.Children[0], a.Children[1]
	last := int64(0)
	for i := range ends.Len {
		end := Integer(ends.Data, ends.Field.Width, i, true)
		if end <= last {
			return ipc.Corrupt("runs do not follow one another")
		}
		last = end
	}
	if ends.Nulls > 0 || last < int64(a.Len) || values.Len != ends.Len {
		return ipc.Corrupt("runs and their values do not go together")
	}
	return nil
}
