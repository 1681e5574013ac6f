package csv

// Watched columns: the fields that do not identify people but may hold somebody's number. Nearly
// all of them are told from the marks of a chunk without being looked at: they have no ten digits.

import (
	"math/bits"
	"sort"

	"noo/formats"
)

// watching is what a worker keeps for the watched columns of a chunk.
type watching struct {
	watcher formats.Watcher
	first   [10]bool // see formats.Watch
	slots   []int32  // by field: the slot of a watched column, or -1
	columns []watchedColumn
	hits    []int32
	values  formats.Values
}

// watchedColumn is what a chunk has in one watched column.
type watchedColumn struct {
	tens    []int32  // where texts of ten ASCII digits start
	texts   [][]byte // other texts that may be numbers, or the name of a column
	records []int32  // of texts
}

func newWatching(watch *formats.Watch, fields int) *watching {
	if watch == nil || len(watch.Columns) == 0 {
		return nil
	}
	w := &watching{
		watcher: watch.Watcher,
		first:   watch.First,
		slots:   make([]int32, fields),
		columns: make([]watchedColumn, len(watch.Columns)),
	}
	for i := range w.slots {
		w.slots[i] = -1
	}
	for slot, column := range watch.Columns {
		w.slots[column] = int32(slot)
	}
	return w
}

// unwatched returns 1 for a field that is not watched, and 0 for one that is.
func (w *watching) unwatched(field int) uint64 {
	if w == nil || w.slots[field] < 0 {
		return 1
	}
	return 0
}

// begin forgets the chunk before.
func (w *watching) begin() {
	for i := range w.columns {
		c := &w.columns[i]
		c.tens, c.texts, c.records = c.tens[:0], c.texts[:0], c.records[:0]
	}
}

// noteText notes a text that may be a number in a field of a record.
func (w *watching) noteText(slot, record int32, text []byte) {
	c := &w.columns[slot]
	c.texts, c.records = append(c.texts, text), append(c.records, record)
}

// watchPlain notes what may be a number in the records of the chunk that hold no quote.
func (w *worker) watchPlain() {
	w.tens, w.longs = findFields(w.marks, w.known, w.tens, w.longs)
	columns, first := w.watching.columns, &w.watching.first
	at := recordFinder{w: w, record: -1, quoted: w.quoted}
	for _, pos := range w.tens {
		if !first[w.data[pos]-'0'] {
			continue
		}
		if slot := at.slot(int(pos)); slot >= 0 {
			columns[slot].tens = append(columns[slot].tens, pos)
		}
	}
	at = recordFinder{w: w, record: -1, quoted: w.quoted}
	for _, pos := range w.longs {
		end := endOfField(w.marks, int(pos))
		if !mayBeNumberAt(w.marks, int(pos), end) {
			continue
		}
		if slot := at.slot(int(pos)); slot >= 0 {
			w.watching.noteText(slot, int32(at.record), w.data[pos:end:end])
		}
	}
}

// findFields finds where the fields of just ten digits start, less those known to identify
// somebody, and those of more than ten bytes, as if no quote was in the data. How many of the
// former are in a block is no branch, so that none is guessed wrong: two places are noted in any
// case. Of the latter most blocks have none.
func findFields(all []marks, known []uint64, tens, longs []int32) (_, _ []int32) {
	most := len(all)*64/11 + 8
	if cap(tens) < most {
		tens, longs = make([]int32, most), make([]int32, most)
	}
	tens, longs = tens[:cap(tens)], longs[:cap(longs)]
	nTens, nLongs := 0, 0
	carry := uint64(1) // the first byte starts a field
	for i := range all[:len(all)-1] {
		m, next := &all[i], &all[i+1]
		starts := m.ends<<1 | carry
		carry = m.ends >> 63
		behindTen := m.ends>>10 | next.ends<<54
		ten := starts & tenInARow(m.digits, next.digits) & behindTen &^ known[i]
		long := starts & tenInARow(^m.ends, ^next.ends) &^ behindTen
		nTens += putPlaces(tens[nTens:], int32(i<<6), ten)
		for ; long != 0; long &= long - 1 {
			longs[nLongs] = int32(i<<6 + bits.TrailingZeros64(long))
			nLongs++
		}
	}
	return tens[:nTens], longs[:nLongs]
}

// putPlaces puts the places of the bits that are set into places, from first on, and returns how
// many they are.
func putPlaces(places []int32, first int32, set uint64) (n int) {
	_ = places[1]
	n = bits.OnesCount64(set)
	places[0] = first + int32(bits.TrailingZeros64(set))
	set &= set - 1
	places[1] = first + int32(bits.TrailingZeros64(set))
	for i := 2; i < n; i++ {
		set &= set - 1
		places[i] = first + int32(bits.TrailingZeros64(set))
	}
	return n
}

// recordFinder tells of one place after another in which record it is, and in which column.
type recordFinder struct {
	w          *worker
	record     int
	start, end int     // of the record
	before     int     // the fields that end before it
	quoted     []int32 // the records with quotes that are not passed
	skip       bool
}

// slot returns the slot of the watched column to which the field at pos belongs, or -1 where there
// is none or the record has quotes, whose fields are looked at one by one.
func (f *recordFinder) slot(pos int) int32 {
	if pos >= f.end {
		f.advance(pos)
	}
	if f.skip || pos < f.start { // on a blank line, or behind the last record, there is no field
		return -1
	}
	return f.w.watching.slots[endsBefore(f.w.marks, f.w.ranks, pos)-f.before]
}

// advance goes to the record that ends behind pos.
func (f *recordFinder) advance(pos int) {
	ends := f.w.ends
	for pos >= f.end {
		if f.record++; f.record == len(ends) {
			f.start, f.end, f.skip = len(f.w.data), len(f.w.data)+1, true
			return
		}
		f.end = ends[f.record]
	}
	f.start = f.w.starts[f.record]
	f.before = endsBefore(f.w.marks, f.w.ranks, f.start)
	for len(f.quoted) > 0 && int(f.quoted[0]) < f.record {
		f.quoted = f.quoted[1:]
	}
	f.skip = len(f.quoted) > 0 && int(f.quoted[0]) == f.record
}

// watchSpans notes what may be a number, or the name of a column, in the fields of the record that
// was read last.
func (w *worker) watchSpans(record int32) {
	for field, span := range w.spans {
		slot := w.watching.slots[field]
		if slot < 0 {
			continue
		}
		switch {
		case span.end-span.start >= 10 && mayBeNumberAt(w.marks, span.start, span.end):
			w.watching.noteText(slot, record, w.value(span))
		case w.nhs && holdsNHS(w.data[span.start:span.end]):
			w.watching.noteText(slot, record, w.value(span))
		}
	}
}

// watchNames notes the fields of records without quotes that hold "nhs": one may be the name of a
// column. Few chunks have any.
func (w *worker) watchNames() {
	record, quoted := 0, w.quoted
	for pos := 0; pos < len(w.data); pos++ {
		if !startsNHS(w.data[pos:]) {
			continue
		}
		for record < len(w.ends) && w.ends[record] <= pos {
			record++
		}
		for len(quoted) > 0 && int(quoted[0]) < record {
			quoted = quoted[1:]
		}
		if record == len(w.ends) || len(quoted) > 0 && int(quoted[0]) == record {
			continue
		}
		end := endOfField(w.marks, pos)
		start := pos
		for start > w.starts[record] && w.data[start-1] != w.delimiter {
			start--
		}
		if slot := w.watching.slots[endsBefore(w.marks, w.ranks, start)-endsBefore(w.marks, w.ranks, w.starts[record])]; slot >= 0 {
			w.watching.noteText(slot, int32(record), w.data[start:end:end])
		}
		pos = end - 1
	}
}

func holdsNHS(text []byte) bool {
	for i := range text {
		if startsNHS(text[i:]) {
			return true
		}
	}
	return false
}

// watch has the watcher look at what was noted. The fates are known by then: only records that are
// written count.
func (w *worker) watch() error {
	for slot := range w.watching.columns {
		c := &w.watching.columns[slot]
		values, records := 0, 0
		if len(c.tens) > 0 {
			w.watching.hits = w.watching.watcher.WatchTens(
				slot,
				w.data,
				c.tens,
				w.watching.hits[:0],
			)
			for _, place := range w.watching.hits {
				record := sort.Search(
					len(w.ends),
					func(i int) bool { return w.ends[i] > int(c.tens[place]) },
				)
				if w.isWritten(record) {
					values, records = values+1, records+1
				}
			}
		}
		if len(c.texts) > 0 {
			w.watching.values.Text = c.texts
			hits, name := w.watching.watcher.Watch(slot, &w.watching.values, w.watching.hits[:0])
			w.watching.hits = hits
			if name >= 0 {
				return w.at(w.starts[c.records[name]], &formats.NameMet{Slot: slot})
			}
			for _, place := range hits {
				if w.isWritten(int(c.records[place])) {
					values, records = values+1, records+1
				}
			}
		}
		if records > 0 {
			w.watching.watcher.Count(slot, values, records)
		}
	}
	return nil
}

// isWritten reports whether a record goes to an output, or would if there was one.
func (w *worker) isWritten(record int) bool {
	return w.fates[record] == formats.Keep || w.fates[record] == formats.Withhold && w.withhold
}
