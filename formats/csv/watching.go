package csv

// Watched columns: the fields that do not identify people but may hold somebody's number. Nearly all of them are told from the
// marks of a chunk without being looked at: they have no ten digits.

import (
	"math/bits"
	"sort"

	"noo/formats"
)

// watching is what a worker keeps for the watched columns of a chunk.
type watching struct {
	watcher formats.Watcher
	slots   []int32 // by field: the slot of a watched column, or -1
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
	w := &watching{watcher: watch.Watcher, slots: make([]int32, fields), columns: make([]watchedColumn, len(watch.Columns))}
	for i := range w.slots {
		w.slots[i] = -1
	}
	for slot, column := range watch.Columns {
		w.slots[column] = int32(slot)
	}
	return w
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
	slots, columns, ends := w.watching.slots, w.watching.columns, w.ends
	record, start, end, before := -1, 0, 0, 0 // the record at hand, and the fields before it
	quoted, skip := w.quoted, false
	carry := uint64(1) // the first byte of a chunk starts a field
	for i := range w.marks[:len(w.marks)-1] {
		m, next := &w.marks[i], &w.marks[i+1]
		starts := m.ends<<1 | carry
		carry = m.ends >> 63
		behindTen := m.ends>>10 | next.ends<<54
		tens := tenInARow(m.digits, next.digits) & behindTen
		long := tenInARow(^m.ends, ^next.ends) &^ behindTen // eleven bytes and more
		for found := starts & (tens | long); found != 0; found &= found - 1 {
			bit := found & -found
			pos := i<<6 + bits.TrailingZeros64(found)
			if pos >= end {
				for pos >= end {
					if record++; record == len(ends) {
						return
					}
					start, end = w.starts[record], ends[record]
				}
				before = endsBefore(w.marks, w.ranks, start)
				for len(quoted) > 0 && int(quoted[0]) < record {
					quoted = quoted[1:]
				}
				skip = len(quoted) > 0 && int(quoted[0]) == record // its fields have been looked at
			}
			if skip || pos < start {
				continue
			}
			slot := slots[int(w.ranks[i])+bits.OnesCount64(m.ends&(bit-1))-before]
			switch {
			case slot < 0:
			case tens&bit != 0:
				columns[slot].tens = append(columns[slot].tens, int32(pos))
			default:
				w.watchLong(slot, int32(record), pos)
			}
		}
	}
}

// watchLong notes a field without quotes that is longer than ten bytes and may be a number: it has ten digits, or may have
// some that are not ASCII.
func (w *worker) watchLong(slot, record int32, pos int) {
	end := endOfField(w.marks, pos)
	if mayBeNumberAt(w.marks, pos, end) {
		w.watching.noteText(slot, record, w.data[pos:end:end])
	}
}

// watchSpans notes what may be a number, or the name of a column, in the fields of the record that was read last.
func (w *worker) watchSpans(record int32) {
	for field, span := range w.spans {
		slot := w.watching.slots[field]
		if slot < 0 {
			continue
		}
		if span.end-span.start >= 10 {
			text := w.value(span)
			if mayBeNumber(text) {
				w.watching.noteText(slot, record, text)
				continue
			}
		}
		if w.nhs && holdsNHS(w.data[span.start:span.end]) {
			w.watching.noteText(slot, record, w.value(span))
		}
	}
}

// mayBeNumber tells whether a text has ten digits, or may have some that are not ASCII.
func mayBeNumber(text []byte) bool {
	digits := 0
	for _, c := range text {
		switch {
		case '0' <= c && c <= '9':
			digits++
		case c >= 0x80:
			return true
		}
	}
	return digits >= 10
}

// watchNames notes the fields of records without quotes that hold "nhs": one may be the name of a column. Few chunks have any.
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

// watch has the watcher look at what was noted. The fates are known by then: only records that are written count.
func (w *worker) watch() error {
	for slot := range w.watching.columns {
		c := &w.watching.columns[slot]
		values, records := 0, 0
		if len(c.tens) > 0 {
			w.watching.hits = w.watching.watcher.WatchTens(slot, w.data, c.tens, w.watching.hits[:0])
			for _, place := range w.watching.hits {
				record := sort.Search(len(w.ends), func(i int) bool { return w.ends[i] > int(c.tens[place]) })
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

// isWritten tells whether a record goes to an output, or would if there was one.
func (w *worker) isWritten(record int) bool {
	return w.fates[record] == formats.Keep || w.fates[record] == formats.Withhold && w.withhold
}
