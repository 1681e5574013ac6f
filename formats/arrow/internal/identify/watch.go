package identify

// Watched columns: those that do not identify people but may hold somebody's number. Their values
// are looked at as they pass, those of a dictionary once and not for each record.

import (
	"encoding/binary"
	"math"
	"sync"

	"noo/formats"
	"noo/formats/arrow/internal/column"
	"noo/formats/arrow/internal/ipc"
	"noo/formats/internal/glance"
)

// Watch looks at the values of watched columns. It keeps its memory, and is for one goroutine at a
// time.
type Watch struct {
	watch  *formats.Watch
	finder finder

	text   [][]byte
	ints   []int64
	places []int32 // of text and ints in what is looked at
	hits   []int32
	made   []byte
	ends   []int
}

// NewWatch returns a Watch that takes about as many bytes as limit for the lists of a batch.
func NewWatch(watch *formats.Watch, limit int) *Watch {
	return &Watch{watch: watch, finder: finder{limit: limit}}
}

// seen is what was found among the values of an array.
type seen struct {
	once sync.Once
	err  error
	hits []int32

	mutex   sync.Mutex
	counted map[int32]bool // of hits, those in a record that is written
}

// Look looks at the values of a leaf in the array of its column, which has n records, and counts
// those in records that are written.
func (w *Watch) Look(
	slot int,
	l *Leaf,
	a *column.Array,
	n int,
	written func(record int) bool,
) error {
	found := false
	for _, values := range l.valuesOf(a) {
		s := seenIn(values, slot)
		s.once.Do(func() { s.hits, s.err = w.look(slot, l, values) })
		if s.err != nil {
			return s.err
		}
		found = found || len(s.hits) > 0
	}
	if !found || n == 0 {
		return nil
	}
	return w.count(slot, l, a, n, written)
}

// seenIn returns what is kept with an array for a column.
func seenIn(a *column.Array, slot int) *seen {
	if s, ok := a.Seen.Load(slot); ok {
		return s.(*seen)
	}
	s, _ := a.Seen.LoadOrStore(slot, &seen{counted: map[int32]bool{}})
	return s.(*seen)
}

// count tells the Watcher of the hits in records that are written.
func (w *Watch) count(
	slot int,
	l *Leaf,
	a *column.Array,
	n int,
	written func(record int) bool,
) error {
	p, err := w.finder.find(l, a, n)
	if err != nil {
		return err
	}
	hit := map[int32]*seen{} // by number of a value
	starts := map[*seen]int32{}
	start := int32(0)
	for _, values := range p.values {
		s := seenIn(values, slot)
		starts[s] = start
		for _, place := range s.hits {
			hit[start+place] = s
		}
		start += int32(values.Len)
	}
	found, records, occurrence := 0, 0, 0
	for record := range n {
		end := record + 1
		if p.ends != nil {
			end = int(p.ends[record])
		}
		has := false
		for ; occurrence < end; occurrence++ {
			value := int32(occurrence)
			if p.spelt {
				value = p.index[occurrence]
			}
			s := hit[value]
			if s == nil || !written(record) {
				continue
			}
			has = true
			if s.count(value - starts[s]) {
				found++
			}
		}
		if has {
			records++
		}
	}
	if records > 0 {
		w.watch.Watcher.Count(slot, found, records)
	}
	return nil
}

// count notes that a hit is in a record that is written, and reports whether it is the first.
func (s *seen) count(place int32) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	first := !s.counted[place]
	s.counted[place] = true
	return first
}

// look returns which values of an array are numbers of people who opted out.
func (w *Watch) look(slot int, l *Leaf, a *column.Array) ([]int32, error) {
	w.text, w.ints, w.places = w.text[:0], w.ints[:0], w.places[:0]
	values := formats.Values{}
	switch l.as {
	case asText:
		w.pickTexts(a)
	case asInt:
		w.pickInts(l, a)
	case asFloat:
		w.pickFloats(a)
	default:
		w.makeTexts(l, a)
	}
	values.Text, values.Ints = w.text, w.ints
	if len(w.places) == 0 {
		return nil, nil
	}
	hits, name := w.watch.Watcher.Watch(slot, &values, w.hits[:0])
	w.hits = hits
	if name >= 0 {
		return nil, &formats.NameMet{Slot: slot}
	}
	found := make([]int32, len(hits))
	for i, hit := range hits {
		found[i] = w.places[hit]
	}
	return found, nil
}

// pickTexts picks, of texts, those that may be numbers or the name of a column of them.
func (w *Watch) pickTexts(a *column.Array) {
	if a.Field.Layout == ipc.Binary && a.Field.Width == 4 {
		w.pickShortOffsets(a)
		return
	}
	first := &w.watch.First
	for i := range a.Len {
		if a.IsNull(i) {
			continue
		}
		if text := bytesOf(a, i); glance.MayMatter(text, first) {
			w.text, w.places = append(w.text, text), append(w.places, int32(i))
		}
	}
}

// pickShortOffsets is pickTexts for texts with offsets of four bytes, which most are.
func (w *Watch) pickShortOffsets(a *column.Array) {
	first := &w.watch.First
	offsets := a.Offsets[:4*(a.Len+1)]
	start := binary.LittleEndian.Uint32(offsets)
	for i := range a.Len {
		end := binary.LittleEndian.Uint32(offsets[4*i+4:])
		text := a.Data[start:end:end]
		start = end
		if len(text) >= leastText && glance.MayMatter(text, first) && !a.IsNull(i) {
			w.text, w.places = append(w.text, text), append(w.places, int32(i))
		}
	}
}

// leastText is the length in bytes of the shortest text that matters.
const leastText = 5

// pickInts picks, of integers, those that may be numbers.
func (w *Watch) pickInts(l *Leaf, a *column.Array) {
	first, width, signed := &w.watch.First, a.Field.Width, l.signed()
	for i := range a.Len {
		v := column.Integer(a.Data, width, i, signed)
		if glance.MayBeInt(uint64(v), first) && !a.IsNull(i) {
			w.ints, w.places = append(w.ints, v), append(w.places, int32(i))
		}
	}
}

// pickFloats picks, of floating-point numbers, those that may be numbers.
func (w *Watch) pickFloats(a *column.Array) {
	for i := range a.Len {
		v := math.Float64frombits(binary.LittleEndian.Uint64(a.Data[8*i:]))
		if glance.MayBeFloat(v, &w.watch.First) && !a.IsNull(i) {
			w.ints, w.places = append(w.ints, int64(v)), append(w.places, int32(i))
		}
	}
}

// makeTexts makes texts of all other values.
func (w *Watch) makeTexts(l *Leaf, a *column.Array) {
	w.made, w.ends = w.made[:0], w.ends[:0]
	for i := range a.Len {
		if !a.IsNull(i) {
			w.made = appendText(w.made, l, a, i)
			w.ends, w.places = append(w.ends, len(w.made)), append(w.places, int32(i))
		}
	}
	start := 0
	for _, end := range w.ends {
		w.text = append(w.text, w.made[start:end:end])
		start = end
	}
}
