package column

// Dictionaries of an output: they hold the values in use by records that stay, and no others.

import (
	"maps"
	"math/bits"
	"slices"

	"noo/formats/arrow/internal/ipc"
)

// Used tells which values of dictionaries are in use: by id a bit for each value.
type Used map[int64][]uint64

func (u Used) add(id int64, value int) {
	set := u[id]
	for len(set) <= value>>6 {
		set = append(set, 0)
	}
	set[value>>6] |= 1 << (value & 63)
	u[id] = set
}

// Add adds what other has.
func (u Used) Add(other Used) {
	for id, set := range other {
		u[id] = union(u[id], set)
	}
}

// union returns the union of two sets, in the memory of the first where that is enough.
func union(a, b []uint64) []uint64 {
	for len(a) < len(b) {
		a = append(a, 0)
	}
	for i, word := range b {
		a[i] |= word
	}
	return a
}

// within reports whether all of a is in b.
func within(a, b []uint64) bool {
	for i, word := range a {
		if word != 0 && (i >= len(b) || word&^b[i] != 0) {
			return false
		}
	}
	return true
}

// size returns how many are in a set.
func size(set []uint64) (n int) {
	for _, word := range set {
		n += bits.OnesCount64(word)
	}
	return n
}

// Use adds the values of dictionaries that an array uses, the indices of which are those of the
// input still.
func (b *Builder) Use(used Used) {
	if b.field.Dictionary == nil {
		for _, child := range b.children {
			child.Use(used)
		}
		return
	}
	for i := range b.n {
		if !b.isNull(i) {
			used.add(b.field.Dictionary.ID, int(Integer(b.data, b.field.Width, i, b.field.Signed)))
		}
	}
}

func (b *Builder) isNull(i int) bool {
	return b.nulls > 0 && b.validity[i>>3]>>(i&7)&1 == 0
}

// Renumber makes the indices of an array those of the output.
func (b *Builder) Renumber(places map[int64][]int32) {
	if b.field.Dictionary == nil {
		for _, child := range b.children {
			child.Renumber(places)
		}
		return
	}
	to := places[b.field.Dictionary.ID]
	for i := range b.n {
		if !b.isNull(i) {
			index := Integer(b.data, b.field.Width, i, b.field.Signed)
			putInteger(b.data, b.field.Width, i, int64(to[index]))
		}
	}
}

// Pruner decides which dictionaries an output gets, and when. It is for one goroutine at a time.
type Pruner struct {
	decoder *Decoder
	limit   int64
	sent    map[int64]*sent
}

// sent is a dictionary that an output has.
type sent struct {
	generation int
	values     []uint64 // those that it holds
	places     []int32  // where: by number in the dictionary of the input
}

// Plan is what must be written before a batch.
type Plan struct {
	// Places are where the values of the input's dictionaries are in those of the output.
	Places map[int64][]int32
	// Dictionaries come before the batch, in this order.
	Dictionaries []Emission
}

// Emission is a dictionary that replaces what the output had before.
type Emission struct {
	ID    int64
	Rows  int64
	Codec ipc.Codec
	Part  ipc.Part
}

// NewPruner returns a Pruner for one output. A dictionary may take so many bytes.
func NewPruner(d *Decoder, limit int64) *Pruner {
	return &Pruner{decoder: d, limit: limit, sent: map[int64]*sent{}}
}

const (
	// resendFactor and resendAlways bound how many values are sent again because another one is
	// new: as many more than a batch uses, or so few.
	resendFactor = 4
	resendAlways = 1024
)

// Next returns what must be written before a batch that uses some values of the dictionaries as
// they
// are.
func (p *Pruner) Next(dictionaries map[int64]*Dictionary, used Used) (*Plan, error) {
	used = maps.Clone(used)
	builders := map[int64]*Builder{}
	plan := &Plan{Places: map[int64][]int32{}}
	// The values of one dictionary may use those of another, which comes before it.
	for _, id := range slices.Backward(p.decoder.Order()) {
		d := dictionaries[id]
		if d == nil {
			d = &Dictionary{Field: p.decoder.Values(id), Codec: ipc.Uncompressed}
		}
		was := p.sent[id]
		same := was != nil && was.generation == d.Generation && !p.decoder.Nested()
		if same && within(used[id], was.values) {
			plan.Places[id] = was.places
			continue
		}
		values := slices.Clone(used[id])
		if same && size(was.values) <= max(resendAlways, resendFactor*size(values)) {
			values = union(values, was.values)
		}
		now := &sent{generation: d.Generation, values: values}
		builder, err := p.build(d, now, dictionaries)
		if err != nil {
			return nil, err
		}
		p.sent[id], builders[id], plan.Places[id] = now, builder, now.places
		builder.Use(used)
	}
	for _, id := range p.decoder.Order() {
		builder := builders[id]
		if builder == nil {
			continue
		}
		e := Emission{ID: id, Rows: int64(builder.n), Codec: ipc.Uncompressed}
		if d := dictionaries[id]; d != nil {
			e.Codec = d.Codec
		}
		builder.Renumber(plan.Places)
		builder.Part(&e.Part)
		plan.Dictionaries = append(plan.Dictionaries, e)
	}
	return plan, nil
}

// build puts the values of a dictionary together that are in use, in their order.
func (p *Pruner) build(
	d *Dictionary,
	s *sent,
	dictionaries map[int64]*Dictionary,
) (*Builder, error) {
	b := NewBuilder(d.Field)
	b.Reset(p.limit)
	s.places = make([]int32, d.Len)
	for c, chunk := range d.Chunks {
		if err := sameGeneration(chunk, dictionaries); err != nil {
			return nil, err
		}
		start := d.Starts[c]
		for i := 0; i < chunk.Len; {
			if !has(s.values, start+i) {
				s.places[start+i] = -1
				i++
				continue
			}
			next := i
			for ; next < chunk.Len && has(s.values, start+next); next++ {
				s.places[start+next] = int32(b.n + next - i)
			}
			b.Append(chunk, i, next)
			i = next
		}
	}
	return b, b.Err()
}

func has(set []uint64, value int) bool {
	return value>>6 < len(set) && set[value>>6]>>(value&63)&1 != 0
}

// sameGeneration refuses values of a dictionary that use another one which was replaced since:
// readers differ in what they make of that.
func sameGeneration(a *Array, dictionaries map[int64]*Dictionary) error {
	if a.Field.Dictionary != nil {
		now := dictionaries[a.Field.Dictionary.ID]
		if now != nil && now.Generation != a.Dictionary.Generation {
			return ipc.Unsupported("a dictionary that was replaced while another one uses it")
		}
	}
	for _, child := range a.Children {
		if err := sameGeneration(child, dictionaries); err != nil {
			return err
		}
	}
	return nil
}

// Joined returns all values of a dictionary as one array, without dictionaries of its own where
// there are several chunks.
func (d *Dictionary) Joined() *Array {
	if len(d.Chunks) == 1 {
		return d.Chunks[0]
	}
	d.joining.Do(func() {
		b := NewBuilder(d.Field)
		b.Reset(joinedLimit)
		for _, chunk := range d.Chunks {
			b.Append(chunk, 0, chunk.Len)
		}
		d.joined = b.array()
	})
	return d.joined
}

// joinedLimit is more than dictionaries may take.
const joinedLimit = 1 << 50

// array returns what was put together, in the memory of the Builder.
func (b *Builder) array() *Array {
	b.startOffsetsIn()
	a := &Array{
		Field: b.field, Len: b.n, Nulls: b.nulls,
		Data: b.data, Offsets: b.offsets, Sizes: b.sizes, Buffers: b.buffers,
	}
	if b.nulls > 0 {
		a.Validity = b.validity
	}
	for _, child := range b.children {
		a.Children = append(a.Children, child.array())
	}
	return a
}

// startOffsetsIn writes the first offset of an array that has offsets.
func (b *Builder) startOffsetsIn() {
	if b.field.Layout == ipc.Binary || b.field.Layout == ipc.List {
		b.startOffsets()
	}
}
