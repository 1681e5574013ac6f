// Package spans says which records, levels or values of a stretch stay, as spans of neighbours: at
// a few per cent of removed records a span is long, and moving spans is moving memory.
package spans

import (
	"encoding/binary"
	"math/bits"

	"noo/formats"
)

// Span is the places from start up to end.
type Span struct{ Start, End int32 }

// SpanBytes is the size of a Span in memory.
const SpanBytes = 8

// Selection is the records of a row group that one sink takes.
type Selection struct {
	Runs    []Span
	Records int
}

// Add appends the records from start for which fates has the wanted fate.
func (s *Selection) Add(fates []formats.Fate, want formats.Fate, start int) {
	for i := 0; i < len(fates); {
		if fates[i] != want {
			i++
			continue
		}
		first := i
		for i < len(fates) && fates[i] == want {
			i++
		}
		s.Runs = appendRange(s.Runs, int32(start+first), int32(start+i))
		s.Records += i - first
	}
}

// appendRange appends a run, or lengthens the last one where they touch.
func appendRange(runs []Span, start, end int32) []Span {
	if n := len(runs); n > 0 && runs[n-1].End == start {
		runs[n-1].End = end
		return runs
	}
	return append(runs, Span{start, end})
}

// Cursor walks a selection from page to page.
type Cursor struct {
	Runs []Span // those that end after the start of the last window
}

// Window appends to dst the parts of the runs within records start to end, counted from start. No
// window starts before the one asked for last.
func (c *Cursor) Window(dst []Span, start, end int32) []Span {
	for len(c.Runs) > 0 && c.Runs[0].End <= start {
		c.Runs = c.Runs[1:]
	}
	for _, r := range c.Runs {
		if r.Start >= end {
			break
		}
		dst = append(dst, Span{max(r.Start, start) - start, min(r.End, end) - start})
	}
	return dst
}

// Count is the number of places in runs.
func Count(runs []Span) (n int) {
	for _, r := range runs {
		n += int(r.End - r.Start)
	}
	return n
}

// OfLevels turns runs of records into runs of levels. Records count from the one that the first
// level belongs to, whether it starts there or on the page before; reps are the repetition levels,
// of which a 0 starts a record.
func OfLevels(dst []Span, records []Span, reps []uint8) []Span {
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
		start := seek(r.Start)
		if end := seek(r.End); start < end {
			dst = appendRange(dst, start, end)
		}
	}
	return dst
}

// OfValues turns runs of levels into runs of the values that are there: those whose definition
// level is the largest.
func OfValues(dst []Span, levels []Span, defs []uint8, maxDef uint8) []Span {
	value, at := int32(0), int32(0)
	for _, r := range levels {
		value += CountEqual(defs[at:r.Start], maxDef)
		n := CountEqual(defs[r.Start:r.End], maxDef)
		if n > 0 {
			dst = appendRange(dst, value, value+n)
		}
		value += n
		at = r.End
	}
	return dst
}

// CountEqual counts a level.
func CountEqual(levels []uint8, want uint8) (n int32) {
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
