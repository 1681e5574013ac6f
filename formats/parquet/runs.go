package parquet

// Which records, levels or values of a stretch survive, as runs of neighbours: at a few per cent of removed records a run is long,
// and moving runs is moving memory.

import (
	"encoding/binary"
	"math/bits"

	"noo/formats"
)

// run is the places from start up to end.
type run struct{ start, end int32 }

const runBytes = 8

// selection is the records of a row group that one sink takes.
type selection struct {
	runs    []run
	records int
}

// add appends the records from start for which fates has the wanted fate.
func (s *selection) add(fates []formats.Fate, want formats.Fate, start int) {
	for i := 0; i < len(fates); {
		if fates[i] != want {
			i++
			continue
		}
		first := i
		for i < len(fates) && fates[i] == want {
			i++
		}
		s.runs = appendRange(s.runs, int32(start+first), int32(start+i))
		s.records += i - first
	}
}

// appendRange appends a run, or lengthens the last one where they touch.
func appendRange(runs []run, start, end int32) []run {
	if n := len(runs); n > 0 && runs[n-1].end == start {
		runs[n-1].end = end
		return runs
	}
	return append(runs, run{start, end})
}

// cursor walks a selection from page to page.
type cursor struct {
	runs []run // those that end after the start of the last window
}

// window appends to dst the parts of the runs within records start to end, counted from start. No window starts before the one
// asked for last.
func (c *cursor) window(dst []run, start, end int32) []run {
	for len(c.runs) > 0 && c.runs[0].end <= start {
		c.runs = c.runs[1:]
	}
	for _, r := range c.runs {
		if r.start >= end {
			break
		}
		dst = append(dst, run{max(r.start, start) - start, min(r.end, end) - start})
	}
	return dst
}

// count is the number of places in runs.
func count(runs []run) (n int) {
	for _, r := range runs {
		n += int(r.end - r.start)
	}
	return n
}

// levelRuns turns runs of records into runs of levels. Records count from the one that the first level belongs to, whether it
// starts there or on the page before; reps are the repetition levels, of which a 0 starts a record.
func levelRuns(dst []run, records []run, reps []uint8) []run {
	record, at := int32(0), 0
	seek := func(want int32) int32 {
		for record < want && at < len(reps) {
			at++
			for at < len(reps) && reps[at] != 0 {
				at++
			}
			record++
		}
		return int32(at)
	}
	for _, r := range records {
		start := seek(r.start)
		if end := seek(r.end); start < end {
			dst = appendRange(dst, start, end)
		}
	}
	return dst
}

// valueRuns turns runs of levels into runs of the values that are there: those whose definition level is the largest.
func valueRuns(dst []run, levels []run, defs []uint8, maxDef uint8) []run {
	value, at := int32(0), int32(0)
	for _, r := range levels {
		value += countEqual(defs[at:r.start], maxDef)
		n := countEqual(defs[r.start:r.end], maxDef)
		if n > 0 {
			dst = appendRange(dst, value, value+n)
		}
		value += n
		at = r.end
	}
	return dst
}

// countEqual counts a level.
func countEqual(levels []uint8, want uint8) (n int32) {
	// Eight levels at a time: a byte of the word is zero where the level is the one wanted.
	pattern := uint64(want) * 0x0101010101010101
	for len(levels) >= 8 {
		differ := binary.LittleEndian.Uint64(levels) ^ pattern
		// Adding 0x7f to seven bits carries into the eighth unless they are all zero.
		differ |= differ&0x7f7f7f7f7f7f7f7f + 0x7f7f7f7f7f7f7f7f
		n += 8 - int32(bits.OnesCount64(differ&0x8080808080808080))
		levels = levels[8:]
	}
	for _, l := range levels {
		if l == want {
			n++
		}
	}
	return n
}
