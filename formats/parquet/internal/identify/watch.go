package identify

// Watched columns: those that do not identify people but may hold somebody's number. Their pages
// are looked at as they pass, a dictionary once and not each record. Nearly all values are told
// from numbers by their length or their size.

import (
	"encoding/binary"
	"math"

	"noo/formats"
	"noo/formats/internal/glance"
	"noo/formats/parquet/internal/encoding"
	"noo/formats/parquet/internal/meta"
	"noo/formats/parquet/internal/page"
	"noo/formats/parquet/internal/spans"
	"noo/formats/parquet/internal/spec"
)

// Watch looks at the values of one watched column chunk after another. It keeps its memory, and is
// for one goroutine.
type Watch struct {
	watch  *formats.Watch
	slot   int
	leaf   *meta.Leaf
	mean   ValueType
	reader Reader // makes values of the types that are not numbers or texts by themselves

	text   [][]byte
	ints   []int64
	places []int32 // of text and ints in what is looked at
	found  []int32

	listed  []bool // by place in the dictionary: it is the number of somebody who opted out
	counted []bool // by place in the dictionary: a record that is written has it
	some    bool   // something is listed
	hits    []int32
}

// Open begins with a column chunk.
func (c *Watch) Open(watch *formats.Watch, slot int, l *meta.Leaf, mean ValueType, limit int) {
	c.watch, c.slot, c.leaf, c.mean = watch, slot, l, mean
	c.reader.leaf, c.reader.mean, c.reader.Limit = l, mean, limit
	c.some, c.hits = false, c.hits[:0]
}

// Dictionary looks at the values of a dictionary.
func (c *Watch) Dictionary(d *page.Dictionary) error {
	hits, err := c.look(d.Values, d.Size)
	if err != nil {
		return err
	}
	c.some = len(hits) > 0
	if c.some {
		c.listed, c.counted = encoding.Resize(c.listed, d.Size), encoding.Resize(c.counted, d.Size)
		clear(c.listed)
		clear(c.counted)
		for _, place := range hits {
			c.listed[place] = true
		}
	}
	return nil
}

// Indexed notes which of the values of a page, by their places in the dictionary, are hits.
func (c *Watch) Indexed(indices []uint32) {
	c.hits = c.hits[:0]
	if !c.some {
		return
	}
	for i, index := range indices {
		if c.listed[index] {
			c.hits = append(c.hits, int32(i))
		}
	}
}

// Plain notes which of the n PLAIN values of a page are hits.
func (c *Watch) Plain(values []byte, n int) error {
	hits, err := c.look(values, n)
	c.hits = append(c.hits[:0], hits...)
	return err
}

// look returns which of the first n PLAIN values of src are numbers of people who opted out.
func (c *Watch) look(src []byte, n int) ([]int32, error) {
	c.text, c.ints, c.places = c.text[:0], c.ints[:0], c.places[:0]
	values := formats.Values{}
	all := false
	switch {
	case c.mean == AsText && c.leaf.Kind == spec.ByteArray:
		if err := c.pickTexts(src, n); err != nil {
			return nil, err
		}
		values.Text = c.text
	case c.mean == asFloat:
		c.pickFloats(src[:n*8])
		values.Ints = c.ints
	case (c.mean == asInt || c.mean == AsUint) && c.leaf.Width == 8:
		c.pickInts(src[:n*8])
		values.Ints = c.ints
	case c.mean == asInt || c.mean == AsUint:
		c.pickShortInts(src[:n*c.leaf.Width])
		values.Ints = c.ints
	default:
		c.reader.beginBatch()
		if _, err := c.reader.appendPlain(src, n); err != nil {
			return nil, err
		}
		values.Text, values.Ints, all = c.reader.text, c.reader.ints, true
	}
	if len(values.Text)+len(values.Ints) == 0 {
		return nil, nil
	}
	found, name := c.watch.Watcher.Watch(c.slot, &values, c.found[:0])
	c.found = found
	if name >= 0 {
		return nil, &formats.NameMet{Slot: c.slot}
	}
	if !all {
		for i, place := range found {
			found[i] = c.places[place]
		}
	}
	return found, nil
}

// pickInts picks, of integers of eight bytes, those that may be numbers.
func (c *Watch) pickInts(src []byte) {
	for i := 0; i+8 <= len(src); i += 8 {
		v := binary.LittleEndian.Uint64(src[i:])
		if glance.MayBeInt(v, &c.watch.First) {
			c.ints, c.places = append(c.ints, int64(v)), append(c.places, int32(i/8))
		}
	}
}

// pickShortInts picks, of integers of four bytes, those that may be numbers: only small ones fit.
func (c *Watch) pickShortInts(src []byte) {
	if !c.watch.First[1] && !c.watch.First[2] && !c.watch.First[3] && !c.watch.First[4] {
		return
	}
	for i := 0; i+4 <= len(src); i += 4 {
		if v := LittleEndianInt(src[i:i+4], c.mean == AsUint); glance.MayBeInt(uint64(v), &c.watch.First) {
			c.ints, c.places = append(c.ints, v), append(c.places, int32(i/4))
		}
	}
}

// pickFloats picks, of floating-point numbers, those that may be numbers.
func (c *Watch) pickFloats(src []byte) {
	for i := 0; i+8 <= len(src); i += 8 {
		v := math.Float64frombits(binary.LittleEndian.Uint64(src[i:]))
		if glance.MayBeFloat(v, &c.watch.First) {
			c.ints, c.places = append(c.ints, int64(v)), append(c.places, int32(i/8))
		}
	}
}

// pickTexts picks, of texts that each follow their length, those that may be numbers or the name of
// a column of them.
func (c *Watch) pickTexts(src []byte, n int) error {
	at := 0
	for place := range n {
		if len(src)-at < 4 {
			return spec.ErrValues
		}
		size := int(binary.LittleEndian.Uint32(src[at:]))
		at += 4
		if size > len(src)-at {
			return spec.ErrValues
		}
		value := src[at : at+size : at+size]
		at += size
		if glance.MayMatter(value, &c.watch.First) {
			c.text, c.places = append(c.text, value), append(c.places, int32(place))
		}
	}
	return nil
}

// Count tells the Watcher of the hits of a page among those of its values that are written: runs of
// values, whose levels they are of.
func (c *Watch) Count(pg *page.Page, values []spans.Span, indices []uint32) {
	if len(c.hits) == 0 {
		return
	}
	found, records, before := 0, 0, -2 // a record that goes on from the page before is -1
	for _, hit := range c.within(values) {
		if indices == nil {
			found++
		} else if index := indices[hit]; !c.counted[index] {
			c.counted[index] = true
			found++
		}
		if record := recordOf(pg, int(hit), c.leaf.MaxDef); record != before {
			records, before = records+1, record
		}
	}
	if records > 0 {
		c.watch.Watcher.Count(c.slot, found, records)
	}
}

// within returns the hits that lie in runs.
func (c *Watch) within(runs []spans.Span) (within []int32) {
	for _, hit := range c.hits {
		for len(runs) > 0 && runs[0].End <= hit {
			runs = runs[1:]
		}
		if len(runs) > 0 && runs[0].Start <= hit {
			within = append(within, hit)
		}
	}
	return within
}

// recordOf returns which record of a page has a value, both counted from 0; -1 is the record that
// goes on from the page before. There are few hits, so that it may take its time.
func recordOf(pg *page.Page, value int, maxDef uint8) int {
	if pg.Reps == nil {
		return value // each record has one value at most
	}
	record := -1
	for level, rep := range pg.Reps {
		if rep == 0 {
			record++
		}
		if pg.Defs == nil || pg.Defs[level] == maxDef {
			if value--; value < 0 {
				break
			}
		}
	}
	return record
}
