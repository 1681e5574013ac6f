package filter

// Collecting the numbers of a dataset, for who has to ask about them before a snapshot exists.

import (
	"sync"

	"noo/formats"
	"noo/internal/nhsnumber"
)

// Collector is a Judge that also hands on the valid numbers in the records that it judges. Values
// that no record uses, as a dictionary may have them, are left out.
type Collector struct {
	*Judge
	// Take is given keys, in any order, one perhaps several times. It is called from several
	// goroutines. The slice is lent for the time of the call.
	Take    func(keys []nhsnumber.Key)
	scratch sync.Pool // of *collected
}

// collected is the memory for the numbers of one batch.
type collected struct {
	keys   [blockValues]nhsnumber.Key
	others []int32
	used   []bool // by value
}

// Decide implements formats.Decider.
func (c *Collector) Decide(batch *formats.Batch, fates []formats.Fate) error {
	if err := c.Judge.Decide(batch, fates); err != nil {
		return err
	}
	o, ok := c.scratch.Get().(*collected)
	if !ok {
		o = new(collected)
	}
	defer c.scratch.Put(o)
	for i := range batch.Columns {
		c.collect(o, &batch.Columns[i])
	}
	return nil
}

// collect hands on the numbers in the values of one column.
func (c *Collector) collect(o *collected, values *formats.Values) {
	o.markUsed(values)
	place := 0
	each := func(n int, parse func(i int) (nhsnumber.Key, nhsnumber.Status)) {
		for at := 0; at < n; at += blockValues {
			keys := o.keys[:0]
			for i := at; i < min(at+blockValues, n); i++ {
				if o.used != nil && !o.used[place+i] {
					continue
				}
				if key, status := parse(i); status == nhsnumber.Valid {
					keys = append(keys, key)
				}
			}
			c.Take(keys)
		}
		place += n
	}
	each(len(values.Text), func(i int) (nhsnumber.Key, nhsnumber.Status) {
		return nhsnumber.Parse(values.Text[i])
	})
	each(len(values.Ints), func(i int) (nhsnumber.Key, nhsnumber.Status) {
		return nhsnumber.ParseInt(values.Ints[i])
	})
	each(len(values.Floats), func(i int) (nhsnumber.Key, nhsnumber.Status) {
		return nhsnumber.ParseFloat(values.Floats[i])
	})
	for k := range values.Fixed {
		fixed := &values.Fixed[k]
		if fixed.Size == 10 && o.used == nil {
			c.collectTens(o, fixed)
			place += fixed.Count
			continue
		}
		each(fixed.Count, func(i int) (nhsnumber.Key, nhsnumber.Status) {
			return nhsnumber.Parse(fixed.At(i))
		})
	}
}

// collectTens hands on the numbers in texts of ten bytes. What is no number has key 0, which no
// number has: ten times 0 is a placeholder.
func (c *Collector) collectTens(o *collected, fixed *formats.FixedWidth) {
	for at := 0; at < fixed.Count; at += blockValues {
		keys := o.keys[:min(blockValues, fixed.Count-at)]
		o.others = nhsnumber.ParseTens(
			keys,
			fixed.Data[fixed.Start+at*fixed.Stride:],
			fixed.Stride,
			o.others[:0],
		)
		for _, i := range o.others {
			keys[i], _ = nhsnumber.Parse(fixed.At(at + int(i)))
		}
		valid := keys[:0]
		for _, key := range keys {
			if key != 0 {
				valid = append(valid, key)
			}
		}
		c.Take(valid)
	}
}

// markUsed notes which values some record has; used is nil where every value has a record.
func (o *collected) markUsed(values *formats.Values) {
	if values.Index == nil {
		o.used = nil
		return
	}
	n := len(values.Text) + len(values.Ints) + len(values.Floats)
	for k := range values.Fixed {
		n += values.Fixed[k].Count
	}
	o.used = grow(o.used, n)
	clear(o.used)
	occurrences := len(values.Index)
	if len(values.Ends) > 0 {
		occurrences = int(values.Ends[len(values.Ends)-1])
	}
	for _, place := range values.Index[:occurrences] {
		if place >= 0 {
			o.used[place] = true
		}
	}
}
