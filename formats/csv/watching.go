package csv

// Watched columns: the fields that do not identify people but may hold somebody's number. Nearly
// all of them are told from the marks of a chunk without being looked at: they have no ten digits.

import (
	"sort"

	"noo/formats"
	"noo/formats/csv/internal/marks"
	"noo/formats/csv/internal/records"
	"noo/internal/nhsnumber"
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
	w.tens, w.longs = marks.FindFields(w.blocks, w.known, w.tens, w.longs)
	columns, first := w.watching.columns, &w.watching.first
	at := recordFinder{w: w, record: -1, quoted: w.quoted}
	for _, pos := range w.tens {
		if !first[w.Data[pos]-'0'] {
			continue
		}
		if slot := at.slot(int(pos)); slot >= 0 {
			columns[slot].tens = append(columns[slot].tens, pos)
		}
	}
	at = recordFinder{w: w, record: -1, quoted: w.quoted}
	for _, pos := range w.longs {
		end := marks.EndOfField(w.blocks, int(pos))
		if !marks.MayBeNumberAt(w.blocks, int(pos), end) {
			continue
		}
		if slot := at.slot(int(pos)); slot >= 0 {
			w.watching.noteText(slot, int32(at.record), w.Data[pos:end:end])
		}
	}
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
	return f.w.watching.slots[marks.EndsBefore(f.w.blocks, f.w.ranks, pos)-f.before]
}

// advance goes to the record that ends behind pos.
func (f *recordFinder) advance(pos int) {
	ends := f.w.ends
	for pos >= f.end {
		if f.record++; f.record == len(ends) {
			f.start, f.end, f.skip = len(f.w.Data), len(f.w.Data)+1, true
			return
		}
		f.end = ends[f.record]
	}
	f.start = f.w.starts[f.record]
	f.before = marks.EndsBefore(f.w.blocks, f.w.ranks, f.start)
	for len(f.quoted) > 0 && int(f.quoted[0]) < f.record {
		f.quoted = f.quoted[1:]
	}
	f.skip = len(f.quoted) > 0 && int(f.quoted[0]) == f.record
}

// watchSpans notes what may be a number, or the name of a column, in the fields of the record that
// was read last.
func (w *worker) watchSpans(record int32) {
	for field, span := range w.Spans {
		slot := w.watching.slots[field]
		if slot < 0 {
			continue
		}
		w.watchCodes(slot, record, span)
		switch {
		case span.End-span.Start >= 10 && marks.MayBeNumberAt(w.blocks, span.Start, span.End):
			w.watching.noteText(slot, record, w.Value(span))
		case w.nhs && holdsNHS(w.Data[span.Start:span.End]):
			w.watching.noteText(slot, record, w.Value(span))
		}
	}
}

// watchCodes notes what programs read in a field with codes that is another number than its text:
// \x39 is a digit to PostgreSQL.
func (w *worker) watchCodes(slot, record int32, span records.Span) {
	if !w.HasDigitCode(span) {
		return
	}
	plain, _, _ := nhsnumber.Whole(w.Value(span))
	for _, text := range w.Decoded(span) {
		if key, _, ten := nhsnumber.Whole(text); ten && key != plain {
			w.watching.noteText(slot, record, text)
		}
	}
}

// watchNames notes the fields of records without quotes that hold "nhs": one may be the name of a
// column. Few chunks have any.
func (w *worker) watchNames() {
	record, quoted := 0, w.quoted
	for pos := 0; pos < len(w.Data); pos++ {
		if !marks.StartsNHS(w.Data[pos:]) {
			continue
		}
		for record < len(w.ends) && w.ends[record] <= pos {
			record++
		}
		for len(quoted) > 0 && int(quoted[0]) < record {
			quoted = quoted[1:]
		}
		if record == len(w.ends) || pos < w.starts[record] ||
			len(quoted) > 0 && int(quoted[0]) == record {
			continue
		}
		end := marks.EndOfField(w.blocks, pos)
		start := pos
		for start > w.starts[record] && w.Data[start-1] != w.Delimiter {
			start--
		}
		if slot := w.watching.slots[marks.EndsBefore(w.blocks, w.ranks, start)-marks.EndsBefore(w.blocks, w.ranks, w.starts[record])]; slot >= 0 {
			w.watching.noteText(slot, int32(record), w.Data[start:end:end])
		}
		pos = end - 1
	}
}

func holdsNHS(text []byte) bool {
	for i := range text {
		if marks.StartsNHS(text[i:]) {
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
				w.Data,
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
				return w.At(w.starts[c.records[name]], &formats.NameMet{Slot: slot})
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
