package arrow

// A scan: batches are read one after the other, worked on several at a time, and written in their
// order. So the output does not depend on who was faster, and an error is that of the first batch
// to fail.

import (
	"context"
	"sync"
	"sync/atomic"

	"noo/formats"
	"noo/formats/arrow/internal/column"
	"noo/formats/arrow/internal/ipc"
)

const (
	// batchesAhead is how many batches for each worker may be under way.
	batchesAhead = 2
	// bytesAhead is how many bytes of batches, decompressed, may be under way; a larger batch is
	// worked on alone.
	bytesAhead = 96 << 20
)

// Scan implements formats.Dataset. It decides on every record batch as one formats.Batch.
func (d *dataset) Scan(
	ctx context.Context,
	columns []int,
	decide formats.Decider,
	to formats.Sinks,
) error {
	for _, c := range columns {
		if err := d.leaves[c].Refused; err != nil {
			return d.refuse("", err)
		}
	}
	s := &scan{
		dataset: d, columns: columns, decide: decide, watch: to.Watch, withhold: to.Withheld != nil,
		tokens: make(chan struct{}, d.format.Workers),
	}
	s.slots = to.Watch.Slots(len(d.leaves), func(c int) bool { return d.leaves[c].Numberless })
	for fate, w := range to.Fates() {
		out, err := ipc.NewWriter(w, !d.format.Stream, d.schema)
		if err != nil {
			return err
		}
		s.sinks = append(s.sinks, &sinkState{fate: fate, out: out})
	}
	for _, f := range d.schema.Schema.Fields {
		s.encoded = append(s.encoded, column.Has(f))
		s.hasDictionaries = s.hasDictionaries || column.Has(f)
	}
	if err := s.run(ctx); err != nil {
		return err
	}
	return s.finish()
}

// scan is one Scan.
type scan struct {
	*dataset
	columns         []int
	decide          formats.Decider
	watch           *formats.Watch
	slots           []int // see formats.Watch.Slots
	withhold        bool
	sinks           []*sinkState
	encoded         []bool // by column of the schema: it has dictionaries
	hasDictionaries bool

	// Of a file with dictionaries: the first pass finds out what records stay and what values of
	// dictionaries they use.
	counting bool
	fates    [][]span // by batch and sink: see takes
	noted    int64    // bytes of fates

	tokens chan struct{} // one for each goroutine that may work
	mutex  sync.Mutex
	spare  []*work
	held   int64 // bytes of batches under way
	// underWay is how many they are.
	underWay int
	room     sync.Cond
}

// sinkState is an output on its way.
type sinkState struct {
	fate   formats.Fate
	out    *ipc.Writer
	pruner *column.Pruner
	used   column.Used // of a file: the values in use by all records that stay
	// filePlan is of a file: its dictionaries, which are written before the first batch.
	filePlan *column.Plan
	planned  bool // they are written
}

// span is a stretch of records, from start to before end.
type span struct{ start, end int32 }

// finish ends the outputs.
func (s *scan) finish() error {
	var metadata []ipc.KeyValue
	if s.footer != nil {
		metadata = s.footer.Metadata
	}
	for _, sink := range s.sinks {
		if err := sink.out.End(metadata); err != nil {
			return err
		}
	}
	return nil
}

// run reads the input: twice if dictionaries come before the records that use them.
func (s *scan) run(ctx context.Context) error {
	s.room.L = &s.mutex
	if s.footer == nil || !s.hasDictionaries || len(s.sinks) == 0 {
		source, err := s.newSource()
		if err != nil {
			return s.refuse("", err)
		}
		for _, sink := range s.sinks {
			sink.pruner = column.NewPruner(source.decoder, s.format.batchLimit())
		}
		return s.pass(ctx, source)
	}
	source, err := s.newSource()
	if err != nil {
		return s.refuse("", err)
	}
	s.counting = true
	for _, sink := range s.sinks {
		sink.used = column.Used{}
	}
	if err := s.pass(ctx, source); err != nil {
		return err
	}
	s.counting = false
	for _, sink := range s.sinks {
		pruner := column.NewPruner(source.decoder, s.format.batchLimit())
		if sink.filePlan, err = pruner.Next(source.decoder.Snapshot(), sink.used); err != nil {
			return s.refuse("", err)
		}
		if err := s.compressPlan(sink.filePlan); err != nil {
			return err
		}
	}
	if source, err = s.newSource(); err != nil {
		return s.refuse("", err)
	}
	return s.pass(ctx, source)
}

// pass reads the input once. It returns when all goroutines that it started have.
func (s *scan) pass(ctx context.Context, source *source) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.room.Broadcast()
	})
	defer stop()
	queue := make(chan *work, batchesAhead*s.format.Workers+1)
	result := make(chan error, 1)
	go func() { result <- s.write(queue, cancel) }()
	var workers sync.WaitGroup
	s.read(ctx, source, queue, &workers)
	close(queue)
	err := <-result
	workers.Wait()
	return err
}

// read reads batches, and starts a goroutine for each.
func (s *scan) read(
	ctx context.Context,
	source *source,
	queue chan<- *work,
	workers *sync.WaitGroup,
) {
	planned := make(chan struct{})
	close(planned)
	for batch := 0; ; batch++ {
		w := s.fresh(batch)
		m, body, err := source.next(ctx, w.memory)
		if err == nil && m != nil {
			w.memory, w.message = body, m
			w.dictionaries = source.decoder.Snapshot()
			w.batch, err = source.decoder.Open(m, body, w.dictionaries)
		}
		if err != nil {
			w.err = s.unlessEnded(ctx, batchPart(batch), err)
			w.failedEarly()
		}
		if m == nil && err == nil {
			return
		}
		if w.err == nil && !s.waitForRoom(ctx, w.batch.Size) {
			w.err = context.Cause(ctx)
			w.failedEarly()
		}
		queue <- w
		if w.err != nil {
			return
		}
		before := planned
		planned = w.planned
		workers.Go(func() { s.work(ctx, w, before) })
	}
}

// waitForRoom waits until a batch may be under way. It returns false when ctx has ended.
func (s *scan) waitForRoom(ctx context.Context, size int64) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	full := func() bool {
		return s.held+size > bytesAhead || s.underWay >= batchesAhead*s.format.Workers
	}
	for ctx.Err() == nil && s.underWay > 0 && full() {
		s.room.Wait()
	}
	s.held += size
	s.underWay++
	return ctx.Err() == nil
}

// write writes batches in their order. After an error it only waits for those that were started.
func (s *scan) write(queue <-chan *work, cancel context.CancelCauseFunc) (err error) {
	for w := range queue {
		<-w.done
		if err != nil {
			continue
		}
		if err = w.err; err == nil {
			err = s.writeBatch(w)
		}
		if err != nil {
			cancel(err)
			if s.in.Interrupt != nil {
				s.in.Interrupt()
			}
			continue
		}
		s.release(w)
	}
	return err
}

// writeBatch writes what is left of a batch.
func (s *scan) writeBatch(w *work) error {
	if s.counting {
		return nil
	}
	for i, sink := range s.sinks {
		part := &w.parts[i]
		if part.rows == 0 {
			continue
		}
		plan := part.plan
		if sink.filePlan != nil && !sink.planned {
			plan, sink.planned = sink.filePlan, true
		}
		if plan != nil {
			for _, e := range plan.Dictionaries {
				if err := sink.out.Dictionary(e.ID, e.Rows, e.Codec, e.Part); err != nil {
					return err
				}
			}
		}
		m := w.message
		err := sink.out.Batch(int64(part.rows), m.Batch.Codec, m.Metadata, part.columns)
		if err != nil {
			return err
		}
	}
	return nil
}

// each calls f for 0 to n-1, in as many goroutines as may work beside this one, and returns the
// error of the first that fails.
func (s *scan) each(n int, f func(i int) error) error {
	errs := make([]error, n)
	var next atomic.Int64
	step := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			errs[i] = f(i)
		}
	}
	var helpers sync.WaitGroup
	for range n - 1 {
		select {
		case s.tokens <- struct{}{}:
			helpers.Go(func() {
				defer func() { <-s.tokens }()
				step()
			})
			continue
		default:
		}
		break
	}
	step()
	helpers.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// work decides on a batch and cuts it down.
func (s *scan) work(ctx context.Context, w *work, before <-chan struct{}) {
	defer close(w.done)
	w.err = s.working(w, func(w *work) error { return s.decideAndCut(ctx, w) })
	if w.err == nil && s.counting {
		w.err = s.addUsed(w)
	}
	if !s.hasDictionaries || len(s.sinks) == 0 || s.counting {
		close(w.planned)
		return
	}
	if s.footer == nil {
		// The dictionaries of a stream depend on what is written before.
		<-before
		if w.err == nil {
			w.err = s.working(w, s.planDictionaries)
		}
	}
	close(w.planned)
	if w.err == nil {
		w.err = s.working(w, s.renumber)
	}
}

// working calls f for a batch when this goroutine may work.
func (s *scan) working(w *work, f func(w *work) error) (err error) {
	s.tokens <- struct{}{}
	defer func() { <-s.tokens }()
	defer recoverAs(&err, s.in.Name, batchPart(w.number))
	return f(w)
}

// values reads the identifying columns of a batch.
func (s *scan) values(w *work) (err error) {
	rows := int(w.message.Batch.Rows)
	w.asked.Seq, w.asked.Records = w.number, rows
	for i, c := range s.columns {
		leaf := &s.leaves[c]
		if err := s.inColumn(w, leaf.Name, func() error {
			a, err := s.array(w, leaf.Column)
			if err != nil {
				return err
			}
			w.asked.Columns[i], err = w.readers[i].Values(leaf, a, rows)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// inColumn calls f, and says of its error that it happened in a column of a batch.
func (s *scan) inColumn(w *work, name string, f func() error) (err error) {
	part := columnPart(w.number, name)
	defer recoverAs(&err, s.in.Name, part)
	return s.refuse(part, f())
}

// array returns the array of a column of the schema.
func (s *scan) array(w *work, c int) (*column.Array, error) {
	if w.arrays[c] != nil {
		return w.arrays[c], nil
	}
	zip := zips.Get().(*ipc.Compressor)
	defer zips.Put(zip)
	w.buffers[c].Reset()
	a, err := w.batch.Column(c, &w.buffers[c], zip)
	w.arrays[c] = a
	return a, err
}

// zips has the working memory of codecs.
var zips = sync.Pool{New: func() any { return new(ipc.Compressor) }}
