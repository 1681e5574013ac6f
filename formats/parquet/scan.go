package parquet

// A scan: row group by row group, the identifying columns are read and decided on, then every
// column chunk is rewritten. Both are jobs in one fixed order, which workers take and whose results
// are written in that order. So the output does not depend on who was faster, and an error is that
// of the first job to fail.

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"noo/formats"
	"noo/formats/parquet/internal/encoding"
	"noo/formats/parquet/internal/identify"
	"noo/formats/parquet/internal/meta"
	"noo/formats/parquet/internal/page"
	"noo/formats/parquet/internal/rewrite"
	"noo/formats/parquet/internal/spans"
	"noo/formats/parquet/internal/spec"
)

const (
	// batchRecords is how many records a batch holds, unless the row group ends: DuckDB's row
	// groups of 122,880 fit.
	batchRecords = 1 << 17
	// jobsAhead is how many jobs for each worker may be under way or wait for their turn to be
	// written.
	jobsAhead = 4
	// bytesAhead is how many bytes of column chunks, decompressed, may be under way; a larger chunk
	// is worked on alone.
	bytesAhead = 96 << 20
)

// Scan implements formats.Dataset. With no sink at all only the named columns are read.
func (d *dataset) Scan(
	ctx context.Context,
	columns []int,
	decide formats.Decider,
	to formats.Sinks,
) error {
	means, err := identify.ValueTypes(d.footer.Leaves, columns)
	if err != nil {
		return spec.InputError(d.in.Name, err)
	}
	if d.format.ReadBackWith != nil && (to.Kept != nil || to.Withheld != nil) {
		if err := d.format.ReadBackWith.CheckReadable(d.footer, columns); err != nil {
			return spec.InputError(d.in.Name, err)
		}
	}
	return d.scan(ctx, columns, means, decide, to)
}

// scan is Scan for columns whose values are to be read in a given way.
func (d *dataset) scan(
	ctx context.Context,
	columns []int,
	means []identify.ValueType,
	decide formats.Decider,
	to formats.Sinks,
) error {
	s := &scan{
		dataset:    d,
		footer:     d.footer,
		decide:     decide,
		columns:    columns,
		means:      means,
		sparePages: make([][][]byte, len(columns)),
	}
	s.watch = to.Watch
	s.slots = to.Watch.Slots(len(d.footer.Leaves), func(c int) bool {
		return identify.Numberless(&d.footer.Leaves[c])
	})
	s.plan()
	for fate, w := range to.Fates() {
		out, err := rewrite.NewOutput(w, d.footer, d.format.Version)
		if err != nil {
			return err
		}
		s.fates, s.outputs = append(s.fates, fate), append(s.outputs, out)
	}
	if s.watch != nil && len(s.outputs) == 0 {
		s.watchOnly, s.fates = true, []formats.Fate{formats.Keep}
	}
	if err := s.run(ctx); err != nil {
		return err
	}
	for _, out := range s.outputs {
		if err := out.Finish(); err != nil {
			return err
		}
	}
	return nil
}

// job is a piece of work: to decide on a row group, or (column ≥ 0) to rewrite one of its column
// chunks.
type job struct{ group, column int }

// deciding is the column of a job that decides.
const deciding = -1

// result is what a job leaves to be written.
type result struct {
	done bool
	cost int64
	outs []*rewrite.ChunkOut
}

// groupState is a row group on its way.
type groupState struct {
	decided bool
	firstID int                // the Seq of its first batch
	takes   []*spans.Selection // one a sink
	// Of each identifying column, decompressed, unless they were too large to cache.
	pages [][][]byte
}

type scan struct {
	*dataset
	footer  *meta.Footer
	decide  formats.Decider
	columns []int
	means   []identify.ValueType
	fates   []formats.Fate    // one a sink, or that of records that would be kept
	outputs []*rewrite.Output // none where nothing is written
	watch   *formats.Watch
	slots   []int // see formats.Watch.Slots
	// WatchOnly tells that nothing is written but columns are watched.
	watchOnly bool
	groups    []groupState

	mu       sync.Mutex
	changed  sync.Cond
	handed   int // jobs taken by workers
	written  int // jobs whose results are written
	cost     int64
	results  map[int]*result
	failedAt int // the first job that failed, or the number of jobs
	err      error
	spare    []*rewrite.ChunkOut
	// sparePages is memory for decompressed pages of each identifying column. Each has its own:
	// what one column took and had no use for, another would have to make anew for every row group.
	sparePages [][][]byte
}

// plan numbers the batches.
func (s *scan) plan() {
	s.groups = make([]groupState, len(s.footer.RowGroups))
	seq := 0
	for g := range s.groups {
		s.groups[g].firstID = seq
		seq += (s.footer.RowGroups[g].Rows + batchRecords - 1) / batchRecords
	}
}

// jobs is the number of jobs.
func (s *scan) jobs() int {
	if len(s.fates) == 0 {
		return len(s.groups)
	}
	return len(s.groups) * (1 + len(s.footer.Leaves))
}

// job gives the job with a number. The next row group is decided on before the columns of this one
// are rewritten, so that no worker waits for a decision in between.
func (s *scan) job(n int) job {
	if len(s.fates) == 0 {
		return job{n, deciding}
	}
	if n == 0 {
		return job{0, deciding}
	}
	leaves := len(s.footer.Leaves)
	group, rest := (n-1)/(1+leaves), (n-1)%(1+leaves)
	last := group == len(s.groups)-1 // it has no next
	switch {
	case last:
		return job{group, rest}
	case rest == 0:
		return job{group + 1, deciding}
	}
	return job{group, rest - 1}
}

// Span works through the jobs and writes their results.
func (s *scan) run(ctx context.Context) error {
	s.changed.L = &s.mu
	s.results = map[int]*result{}
	s.failedAt = s.jobs()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changed.Broadcast()
	})
	defer stop()

	var workers sync.WaitGroup
	for range min(s.format.Workers, max(1, s.jobs())) {
		w := s.newWorker()
		workers.Go(func() { s.work(ctx, w) })
	}
	err := s.write(ctx)
	if err != nil {
		s.fail(-1, err)
	}
	workers.Wait()
	if s.err != nil {
		return s.err
	}
	return err
}

// fail notes that a job failed. Jobs before it go on, since the error of the first that fails is
// the one to tell.
func (s *scan) fail(number int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if number < s.failedAt {
		s.failedAt, s.err = number, err
	}
	s.changed.Broadcast()
}

// Write writes results in order until all are written or a job has failed.
func (s *scan) write(ctx context.Context) error {
	for number := range s.jobs() {
		s.mu.Lock()
		for ctx.Err() == nil && s.failedAt > number && !s.ready(number) {
			s.changed.Wait()
		}
		r, failed := s.results[number], s.failedAt <= number
		s.mu.Unlock()
		if failed {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.writeResult(s.job(number), r); err != nil {
			return err
		}
		s.returnOuts(r.outs)
		s.mu.Lock()
		delete(s.results, number)
		s.written, s.cost = number+1, s.cost-r.cost
		s.changed.Broadcast()
		s.mu.Unlock()
	}
	return nil
}

func (s *scan) ready(number int) bool {
	r := s.results[number]
	return r != nil && r.done
}

// writeResult writes a column chunk to each output that takes something of its row group.
func (s *scan) writeResult(j job, r *result) error {
	if j.column == deciding {
		return nil
	}
	group := &s.footer.RowGroups[j.group]
	for i, out := range r.outs {
		if out == nil {
			continue
		}
		if j.column == 0 {
			s.outputs[i].StartGroup(group, s.groups[j.group].takes[i].Records)
		}
		if err := s.outputs[i].WriteChunk(j.column, &group.Chunks[j.column], out); err != nil {
			return err
		}
	}
	if j.column == len(group.Chunks)-1 {
		s.groups[j.group].takes, s.groups[j.group].pages = nil, nil
	}
	return nil
}

// Take waits for the next job to be startable and hands it out, or returns false when there is
// none.
func (s *scan) take(ctx context.Context) (number int, j job, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if s.handed >= min(s.jobs(), s.failedAt) || ctx.Err() != nil {
			return 0, job{}, false
		}
		number, j = s.handed, s.job(s.handed)
		cost := s.costOf(j)
		first := s.handed == s.written
		room := s.handed-s.written < jobsAhead*s.format.Workers && s.cost+cost <= bytesAhead
		if (first || room) && (j.column == deciding || s.groups[j.group].decided) {
			s.handed++
			s.cost += cost
			s.results[number] = &result{cost: cost}
			return number, j, true
		}
		s.changed.Wait()
	}
}

// costOf guesses how much memory a job takes.
func (s *scan) costOf(j job) (cost int64) {
	chunks := s.footer.RowGroups[j.group].Chunks
	if j.column != deciding {
		ch := &chunks[j.column]
		return max(ch.End-ch.Start, min(ch.Uncompressed, bytesAhead))
	}
	return 0
}

// worker is the working memory of one goroutine.
type worker struct {
	identifiers []*identify.Reader
	rewriter    rewrite.Rewriter
	watching    identify.Watch
	batch       formats.Batch
	decided     []formats.Fate
	takes       []*spans.Selection
	outs        []*rewrite.ChunkOut
}

func (s *scan) newWorker() *worker {
	w := &worker{}
	limit := int(s.format.MaxPage)
	w.rewriter = rewrite.Rewriter{
		Limit:      limit,
		Quirks:     s.footer.Quirks,
		ValuesOnly: s.format.valuesOnly,
	}
	w.rewriter.Pages = page.Reader{In: s.in.ReaderAt, Limit: limit, Zip: &w.rewriter.Zip}
	for range s.columns {
		w.identifiers = append(w.identifiers, &identify.Reader{
			Limit: limit, Quirks: s.footer.Quirks,
			Pages: page.Reader{In: s.in.ReaderAt, Limit: limit, Zip: &w.rewriter.Zip},
		})
	}
	return w
}

// work takes jobs until there are none.
func (s *scan) work(ctx context.Context, w *worker) {
	for {
		number, j, ok := s.take(ctx)
		if !ok {
			return
		}
		outs, err := s.do(ctx, w, j)
		if err != nil {
			s.fail(number, err)
			continue
		}
		s.mu.Lock()
		if j.column == deciding {
			s.groups[j.group].decided = true
		}
		s.results[number].outs, s.results[number].done = outs, true
		s.changed.Broadcast()
		s.mu.Unlock()
	}
}

// do does a job.
func (s *scan) do(ctx context.Context, w *worker, j job) (outs []*rewrite.ChunkOut, err error) {
	if j.column == deciding {
		return nil, s.decideGroup(ctx, w, j.group)
	}
	name := s.footer.Leaves[j.column].Name
	defer recoverAs(&err, s.in.Name, spec.Part(j.group, name))
	outs, err = s.rewriteChunk(ctx, w, j)
	return outs, s.refuse(ctx, j.group, name, err)
}

// refuse makes an *formats.InputError of what went wrong in a column chunk, unless it was the
// context or the medium.
func (s *scan) refuse(ctx context.Context, group int, column string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return spec.InputError(s.in.Name, spec.At(spec.Part(group, column), err))
}

// decideGroup reads the identifying columns of a row group, batch by batch, and keeps what was
// decided.
func (s *scan) decideGroup(ctx context.Context, w *worker, g int) error {
	group, state := &s.footer.RowGroups[g], &s.groups[g]
	takes := make([]*spans.Selection, len(s.fates))
	for i := range takes {
		takes[i] = &spans.Selection{}
	}
	for i, c := range s.columns {
		w.identifiers[i].Start(&s.footer.Leaves[c], s.means[i], &group.Chunks[c])
		w.identifiers[i].Pages.Keep = len(s.outputs) > 0
		w.identifiers[i].Pages.Reuse(s.freshPages(i))
	}
	w.batch.Columns = encoding.Resize(w.batch.Columns, len(s.columns))
	for row, seq := 0, state.firstID; row < group.Rows; seq++ {
		n := min(batchRecords, group.Rows-row)
		for i := range s.columns {
			if err := s.readBatch(ctx, w, g, i, n); err != nil {
				return err
			}
		}
		w.batch.Seq, w.batch.Records = seq, n
		w.decided = encoding.Resize(w.decided, n)
		clear(w.decided)
		if err := formats.Decide(s.decide, s.in.Name, &w.batch, w.decided); err != nil {
			return err
		}
		for i, take := range takes {
			take.Add(w.decided, s.fates[i], row)
			if size := spans.SpanBytes * len(take.Runs); size > int(s.format.MaxPage) {
				err := fmt.Errorf(
					"which of its records stay takes %d bytes in memory to note, and %d are allowed: %w",
					size,
					s.format.MaxPage,
					spec.ErrLimit,
				)
				return spec.InputError(s.in.Name, spec.At(fmt.Sprintf("row group %d", g), err))
			}
		}
		row += n
	}
	for i := range s.columns {
		if err := s.readBatch(ctx, w, g, i, 0); err != nil {
			return err
		}
	}
	for i, d := range w.identifiers {
		state.pages = append(state.pages, d.Pages.Kept)
		s.returnPages(i, d.Pages.Spare)
		d.Pages.Kept, d.Pages.Spare = nil, nil
	}
	state.takes = takes
	return nil
}

// readBatch reads the next n records of an identifying column, or for n = 0 checks that there are
// none left.
func (s *scan) readBatch(ctx context.Context, w *worker, g, i, n int) (err error) {
	name := s.footer.Leaves[s.columns[i]].Name
	defer recoverAs(&err, s.in.Name, spec.Part(g, name))
	values, got, err := w.identifiers[i].Take(ctx, max(n, 1))
	if err == nil && got != n {
		err = spec.ErrRows
	}
	w.batch.Columns[i] = values
	return s.refuse(ctx, g, name, err)
}

// rewriteChunk rewrites a column chunk for the sinks that take something of its row group.
func (s *scan) rewriteChunk(ctx context.Context, w *worker, j job) ([]*rewrite.ChunkOut, error) {
	takes := s.groups[j.group].takes
	outs := make([]*rewrite.ChunkOut, len(takes))
	slot := s.slots[j.column]
	if s.watchOnly && slot < 0 {
		return outs, nil
	}
	w.takes, w.outs = w.takes[:0], w.outs[:0]
	for i, take := range takes {
		if take.Records == 0 {
			continue
		}
		outs[i] = s.freshOut()
		w.takes, w.outs = append(w.takes, take), append(w.outs, outs[i])
	}
	if len(w.outs) == 0 {
		return outs, nil
	}
	group, pages := &s.footer.RowGroups[j.group], s.pagesOf(j)
	if i := slices.Index(s.columns, j.column); i >= 0 {
		defer s.returnPages(i, pages)
	}
	w.rewriter.Watching, w.rewriter.WatchOnly = nil, s.watchOnly
	if slot >= 0 {
		leaf := &s.footer.Leaves[j.column]
		mean, err := identify.TypeOf(leaf)
		if err != nil {
			return outs, err
		}
		w.watching.Open(s.watch, slot, leaf, mean, int(s.format.MaxPage))
		w.rewriter.Watching = &w.watching
	}
	err := w.rewriter.Rewrite(
		ctx,
		&s.footer.Leaves[j.column],
		&group.Chunks[j.column],
		group.Rows,
		pages,
		w.takes,
		w.outs,
	)
	if s.watchOnly {
		s.returnOuts(outs)
		clear(outs)
	}
	return outs, err
}

// returnPages takes back the memory of pages of identifying column i that were cached.
func (s *scan) returnPages(i int, pages [][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sparePages[i] = append(s.sparePages[i], pages...)
}

// freshPages hands out the memory of pages of identifying column i that were cached.
func (s *scan) freshPages(i int) [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	pages := s.sparePages[i]
	s.sparePages[i] = nil
	return pages
}

// pagesOf gives the pages of an identifying column that were cached when it was read.
func (s *scan) pagesOf(j job) [][]byte {
	for i, c := range s.columns {
		if c == j.column {
			return s.groups[j.group].pages[i]
		}
	}
	return nil
}

// returnOuts takes back the memory of column chunks that were written.
func (s *scan) returnOuts(outs []*rewrite.ChunkOut) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, out := range outs {
		if out != nil {
			s.spare = append(s.spare, out)
		}
	}
}

// freshOut gives a ChunkOut, with the memory of one that was written where there is one.
func (s *scan) freshOut() *rewrite.ChunkOut {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.spare); n > 0 {
		out := s.spare[n-1]
		s.spare = s.spare[:n-1]
		return out
	}
	return &rewrite.ChunkOut{}
}
