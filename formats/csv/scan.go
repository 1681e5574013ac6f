package csv

// A scan is a pipeline: one goroutine reads chunks, several look at their records and have them
// decided on, and the caller's writes what is left in the order of the input. As many chunks are on
// their way as the queue is long.

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"

	"noo/formats"
	"noo/formats/csv/internal/marks"
	"noo/formats/csv/internal/records"
	"noo/internal/nhsnumber"
)

// queueLength is how many chunks are on their way at most: enough that neither the reader nor a
// worker waits for a write, few enough to stay in the cache.
func queueLength(workers int) int { return 2*workers + 2 }

// Scan implements formats.Dataset. It may be called once.
func (d *dataset) Scan(
	ctx context.Context,
	columns []int,
	decide formats.Decider,
	to formats.Sinks,
) error {
	to = d.encode(to)
	if to.Holds != nil {
		if err := d.checkHead(to.Holds); err != nil {
			return err
		}
	}
	for _, sink := range []io.Writer{to.Kept, to.Withheld} {
		if sink == nil || len(d.prefix) == 0 {
			continue
		}
		if _, err := sink.Write(d.prefix); err != nil {
			return err
		}
	}

	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()

	jobs := make(chan *chunk)
	ordered := make(chan *chunk, queueLength(d.format.Workers))
	var readErr error
	running.Go(func() {
		defer close(ordered)
		defer close(jobs)
		readErr = guard(func() error { return d.read(ctx, ordered, jobs) })
	})
	for range d.format.Workers {
		running.Go(func() {
			w := newWorker(d, columns, decide, to)
			for c := range jobs {
				c.err = guard(func() error { return w.work(c) })
				close(c.done)
			}
		})
	}
	if err := d.write(ctx, ordered, to); err != nil {
		if d.interrupt != nil {
			d.interrupt()
		}
		return err
	}
	if readErr != nil { // written before ordered was closed
		return readErr
	}
	return d.writeFooter(to)
}

// read sends every chunk to be written in order, and to be worked on.
func (d *dataset) read(ctx context.Context, ordered, jobs chan<- *chunk) error {
	for c := d.first; c != nil; {
		for _, queue := range []chan<- *chunk{ordered, jobs} {
			select {
			case queue <- c:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		var err error
		if c, err = d.next(); err != nil {
			return err
		}
	}
	return nil
}

// next returns the next chunk behind the first, or nil after the last.
func (d *dataset) next() (*chunk, error) {
	if len(d.ahead) == 0 {
		return d.nextChunk()
	}
	c := d.ahead[0]
	d.ahead = d.ahead[1:]
	return c, nil
}

// write waits for the chunks in order, and writes what is left of them.
func (d *dataset) write(ctx context.Context, ordered <-chan *chunk, to formats.Sinks) error {
	lines, all := d.linesIn(d.prefix), int64(0)
	for c := range ordered {
		select {
		case <-c.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if c.err != nil {
			return d.refuseAt(c.err, lines)
		}
		lines += c.lines
		d.repeated += c.repeated
		d.ruled += c.dashes
		all += c.records
		d.footer = c.last.isFooter(all - 1)
		for _, kept := range c.kept {
			if _, err := to.Kept.Write(c.Data[kept.start:kept.end]); err != nil {
				return err
			}
		}
		if len(c.withheld) > 0 {
			if _, err := to.Withheld.Write(c.withheld); err != nil {
				return err
			}
		}
		d.source.Recycle(c.Chunk)
	}
	return nil
}

// guard turns a panic into an error, so that a mistake in this package ends one run with a message.
// The message has the kind of the panic only, since its text could hold data.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("internal error while reading CSV (%T): please report it", r)
		}
	}()
	return f()
}

// identifier is a column whose values are handed to the decider: which field it is, and its place
// among the columns of a batch.
type identifier struct {
	field, slot int
	// known is 1 where nobody watches the field, else 0.
	known uint64
}

// worker looks at chunks, one at a time, and keeps its memory between them.
type worker struct {
	records.Scanner
	dataset     *dataset
	identifiers []identifier // by field
	decide      formats.Decider
	keep        bool // kept records are wanted
	withhold    bool // withheld records are wanted

	batch  formats.Batch
	fates  []formats.Fate
	starts []int   // where each record starts
	ends   []int   // and ends, its line ending included
	quoted []int32 // the records that were read field by field
	// Repeated headers that are written nowhere.
	dropped []run
	lines   int64 // line feeds up to there

	blocks []marks.Block
	ranks  []int32 // of blocks, see marks.RankEnds
	tens   []int32 // see marks.FindFields
	longs  []int32
	// By blocks, a bit where an identifying field of a record without quotes starts that is not
	// watched as well.
	known    []uint64
	nhs      bool      // "nhs" in any case is in the chunk
	watching *watching // nil where nothing is watched
}

func newWorker(d *dataset, columns []int, decide formats.Decider, to formats.Sinks) *worker {
	w := &worker{
		Scanner:  d.newScanner(),
		dataset:  d,
		decide:   decide,
		keep:     to.Kept != nil,
		withhold: to.Withheld != nil,
	}
	w.watching = newWatching(to.Watch, d.fields)
	for field := range d.fields {
		for slot, column := range columns {
			if column == field {
				w.identifiers = append(w.identifiers, identifier{field, slot, w.watching.unwatched(field)})
			}
		}
	}
	w.batch.Columns = make([]formats.Values, len(columns))
	return w
}

// work finds the records of a chunk, has them decided on, and notes which stay.
func (w *worker) work(c *chunk) error {
	w.Start(c.Data, c.TooLong, c.Last)
	w.starts, w.ends, w.quoted, w.dropped = w.starts[:0], w.ends[:0], w.quoted[:0], w.dropped[:0]
	w.blocks, w.nhs = marks.Mark(w.blocks, c.Data, w.Delimiter)
	w.ranks = marks.RankEnds(w.ranks, w.blocks)
	if cap(w.known) < len(w.blocks) {
		w.known = make([]uint64, len(w.blocks)+len(w.blocks)/8)
	}
	w.known = w.known[:len(w.blocks)]
	clear(w.known)
	if w.watching != nil {
		w.watching.begin()
	}
	for i := range w.batch.Columns {
		w.batch.Columns[i].Text = w.batch.Columns[i].Text[:0]
	}
	if err := w.findRecords(c); err != nil {
		return err
	}
	w.batch.Seq, w.batch.Records = c.Seq-w.dataset.first.Seq, len(w.starts)
	if cap(w.fates) < len(w.starts) {
		w.fates = make([]formats.Fate, 2*len(w.starts))
	}
	w.fates = w.fates[:len(w.starts)]
	clear(w.fates)
	if err := w.decide.Decide(&w.batch, w.fates); err != nil {
		return err
	}
	if w.watching != nil {
		w.watchPlain()
		if w.nhs {
			w.watchNames()
		}
		if err := w.watch(); err != nil {
			return err
		}
	}
	c.lines = w.lines
	w.countRepeated(c)
	c.records, c.last = int64(len(w.starts)), w.noteLast()
	if w.withhold {
		c.withheld = w.collectWithheld()
	}
	if w.keep {
		c.kept = w.keptRuns(c.kept[:0])
	}
	return nil
}

// findRecords notes where each record of the chunk lies, and the values of its identifying columns.
func (w *worker) findRecords(c *chunk) error {
	w.lines = 0
	unusual := w.IsWide() || w.dataset.format.RepeatedHeader != RepeatedIsRecord
	for w.Pos < len(w.Data) {
		start := w.Pos
		if unusual && w.passUnusual(c) {
			continue
		}
		line, next, plain := w.plainLine()
		switch {
		case plain && len(line) == 0:
			w.MoveTo(next)
			w.lines++
			continue
		case plain:
			before := marks.EndsBefore(w.blocks, w.ranks, start)
			if got := marks.EndsBefore(w.blocks, w.ranks, start+len(line)) - before + 1; got != w.dataset.fields {
				return w.fieldCountOf(start, got, next)
			}
			w.noteFields(start)
			w.MoveTo(next)
			w.lines++
		default:
			if err := w.Record(); err != nil {
				return err
			}
			w.dataset.trimRagged(&w.Scanner)
			if len(w.Spans) != w.dataset.fields {
				return w.fieldCountOf(start, len(w.Spans), w.Pos)
			}
			if err := w.noteSpans(); err != nil {
				return err
			}
			if w.watching != nil {
				w.watchSpans(int32(len(w.starts)))
			}
			w.quoted = append(w.quoted, int32(len(w.starts)))
			w.lines += int64(bytes.Count(w.Data[start:w.Pos], []byte{w.Feed}))
		}
		w.starts = append(w.starts, start)
		w.ends = append(w.ends, w.Pos)
	}
	return nil
}

// plainLine returns the content of the record at pos, without its line ending, and where the next
// one starts, if the record holds no quote, NUL or carriage return but the one in its ending, and
// ends as records do; otherwise ok is false.
func (w *worker) plainLine() (content []byte, next int, ok bool) {
	if w.IsWide() {
		return nil, 0, false
	}
	end := marks.NextFeed(w.blocks, w.Pos, len(w.Data))
	next = min(end+1, len(w.Data))
	hasReturn := w.NextReturn < end
	switch {
	case hasReturn && (w.NextReturn != end-1 || w.Ending == records.AllLF):
		return nil, 0, false
	case hasReturn:
		end--
	case end < len(w.Data) && (w.Ending == records.AllCRLF || w.Ending == records.CRLFAlone):
		return nil, 0, false
	}
	return w.Data[w.Pos:end], next, w.NextQuote >= end && w.NextNUL >= end && !w.TooLong
}

// noteFields notes the identifying fields of a record without quotes that starts at start. Its
// number of fields has been checked.
func (w *worker) noteFields(start int) {
	field := 0
	for _, id := range w.identifiers {
		if n := id.field - field; n > 0 {
			start = marks.FieldBehind(w.blocks, start, n)
			field = id.field
		}
		end := marks.EndOfField(w.blocks, start)
		column := &w.batch.Columns[id.slot]
		column.Text = append(column.Text, w.Data[start:end:end])
		w.known[start>>6] |= id.known << (start & 63)
	}
}

// noteSpans notes the identifying fields of the record that was read field by field.
func (w *worker) noteSpans() error {
	for _, id := range w.identifiers {
		if err := w.CheckCodes(w.Spans[id.field]); err != nil {
			return err
		}
		column := &w.batch.Columns[id.slot]
		column.Text = append(column.Text, identity(&w.Scanner, w.Spans[id.field]))
	}
	return nil
}

// identity returns the text of an identifying field: with the blanks for which codes stand, if it is
// an NHS number between them, as PostgreSQL writes a number with a tab behind it.
func identity(s *records.Scanner, field records.Span) []byte {
	for _, text := range s.Decoded(field) {
		if _, status := nhsnumber.Parse(text); status == nhsnumber.Valid {
			return text
		}
	}
	return s.Value(field)
}

// collectWithheld puts the withheld records together: there are few.
func (w *worker) collectWithheld() []byte {
	var out []byte
	for i, fate := range w.fates {
		if fate == formats.Withhold {
			out = append(out, w.Data[w.starts[i]:w.ends[i]]...)
		}
	}
	return out
}

// keptRuns notes where the kept records lie, with the blank lines between records: a run is all
// between two records that go. Nothing is moved: the sink copies the bytes anyway.
func (w *worker) keptRuns(runs []run) []run {
	start := 0
	for i, fate := range w.fates {
		if fate == formats.Keep {
			continue
		}
		if w.starts[i] > start {
			runs = append(runs, run{start, w.starts[i]})
		}
		start = w.ends[i]
	}
	if len(w.Data) > start {
		runs = append(runs, run{start, len(w.Data)})
	}
	if len(w.dropped) > 0 {
		return without(runs, w.dropped)
	}
	return runs
}
