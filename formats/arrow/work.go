package arrow

// The work on one batch: its arrays are made, decided on, watched, cut down and compressed.

import (
	"context"

	"noo/formats"
	"noo/formats/arrow/internal/column"
	"noo/formats/arrow/internal/identify"
	"noo/formats/arrow/internal/ipc"
)

// work is a batch on its way, with memory that is used again.
type work struct {
	number       int
	message      *ipc.Message
	memory       []byte // of the body
	batch        *column.Batch
	dictionaries map[int64]*column.Dictionary

	readers []*identify.Reader // by identifying column
	watches []*identify.Watch  // by column of the schema
	asked   formats.Batch
	decided []formats.Fate
	arrays  []*column.Array // by column of the schema, as far as they were made
	buffers []column.Memory // and the memory of what is decompressed
	parts   []sinkPart      // by sink

	planned chan struct{} // closed when the dictionaries before this batch are planned
	done    chan struct{} // closed when there is nothing to do but to write
	err     error
}

// sinkPart is what an output gets of a batch.
type sinkPart struct {
	takes    []span
	rows     int
	builders []*column.Builder // by column of the schema
	columns  []ipc.Part
	packed   [][]byte // memory of compressed buffers, by column
	used     []column.Used
	plan     *column.Plan
}

// fresh returns work for a batch, in the memory of one that was written.
func (s *scan) fresh(number int) *work {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var w *work
	if n := len(s.spare); n > 0 {
		w = s.spare[n-1]
		s.spare = s.spare[:n-1]
	} else {
		w = s.newWork()
	}
	w.number, w.err = number, nil
	w.planned, w.done = make(chan struct{}), make(chan struct{})
	clear(w.arrays)
	return w
}

func (s *scan) newWork() *work {
	fields := s.schema.Schema.Fields
	w := &work{
		arrays:  make([]*column.Array, len(fields)),
		buffers: make([]column.Memory, len(fields)),
	}
	for range s.columns {
		w.readers = append(w.readers, identify.NewReader(int(s.format.MaxBuffer)))
	}
	w.asked.Columns = make([]formats.Values, len(s.columns))
	w.watches = make([]*identify.Watch, len(fields))
	for range s.sinks {
		part := sinkPart{
			columns: make([]ipc.Part, len(fields)),
			packed:  make([][]byte, len(fields)),
			used:    make([]column.Used, len(fields)),
		}
		for _, f := range fields {
			part.builders = append(part.builders, column.NewBuilder(f))
		}
		w.parts = append(w.parts, part)
	}
	return w
}

// release gives the memory of a batch back.
func (s *scan) release(w *work) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.spare = append(s.spare, w)
	s.held -= w.batch.Size
	s.underWay--
	s.room.Broadcast()
}

// failedEarly tells that nothing was started for a batch.
func (w *work) failedEarly() {
	close(w.done)
}

// decideAndCut decides on a batch, unless a first pass has, and cuts its columns down.
func (s *scan) decideAndCut(ctx context.Context, w *work) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	rows := int(w.message.Batch.Rows)
	if !s.counting && s.fates != nil {
		for i := range w.parts {
			w.parts[i].take(s.fates[w.number*len(s.sinks)+i])
		}
	} else if err := s.decideOn(w, rows); err != nil {
		return err
	}
	return s.each(len(w.arrays), func(c int) error {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		return s.inColumn(
			w,
			s.schema.Schema.Fields[c].Name,
			func() error { return s.column(w, c, rows) },
		)
	})
}

// decideOn decides on the records of a batch.
func (s *scan) decideOn(w *work, rows int) error {
	if err := s.values(w); err != nil {
		return err
	}
	if cap(w.decided) < rows {
		w.decided = make([]formats.Fate, rows)
	}
	w.decided = w.decided[:rows]
	clear(w.decided)
	if err := formats.Decide(s.decide, s.in.Name, &w.asked, w.decided); err != nil {
		return err
	}
	for i, sink := range s.sinks {
		w.parts[i].take(spansOf(w.parts[i].takes[:0], w.decided, sink.fate))
	}
	return nil
}

// take says which records an output takes.
func (p *sinkPart) take(takes []span) {
	p.takes, p.rows, p.plan = takes, 0, nil
	for _, t := range takes {
		p.rows += int(t.end - t.start)
	}
}

// spansOf appends the stretches of records with a fate.
func spansOf(takes []span, decided []formats.Fate, fate formats.Fate) []span {
	for i := 0; i < len(decided); {
		if decided[i] != fate {
			i++
			continue
		}
		start := i
		for i < len(decided) && decided[i] == fate {
			i++
		}
		takes = append(takes, span{int32(start), int32(i)})
	}
	return takes
}

// column watches a column of the schema, and cuts it down for each output.
func (s *scan) column(w *work, c, rows int) error {
	watching := !s.counting && s.watch != nil && s.isWatched(c)
	if !watching && (len(s.sinks) == 0 || s.counting && !s.encoded[c]) {
		return nil
	}
	a, err := s.array(w, c)
	if err != nil {
		return err
	}
	if watching {
		if err := s.look(w, c, a, rows); err != nil {
			return err
		}
	}
	for i := range s.sinks {
		if err := s.cut(w, i, c, a); err != nil {
			return err
		}
	}
	return nil
}

// isWatched reports whether a column of the schema has watched columns.
func (s *scan) isWatched(c int) bool {
	for i := range s.leaves {
		if s.leaves[i].Column == c && s.slots[i] >= 0 {
			return true
		}
	}
	return false
}

// look watches the columns that hold values at and below a column of the schema.
func (s *scan) look(w *work, c int, a *column.Array, rows int) error {
	if w.watches[c] == nil {
		w.watches[c] = identify.NewWatch(s.watch, int(s.format.MaxBuffer))
	}
	for i := range s.leaves {
		if s.leaves[i].Column != c || s.slots[i] < 0 {
			continue
		}
		err := w.watches[c].Look(s.slots[i], &s.leaves[i], a, rows, w.isWritten(s))
		if err != nil {
			return err
		}
	}
	return nil
}

// isWritten reports whether a record goes to an output, or would if there was one.
func (w *work) isWritten(s *scan) func(record int) bool {
	if s.fates != nil {
		return func(record int) bool {
			for i := range w.parts {
				if holds(w.parts[i].takes, record) {
					return true
				}
			}
			return false
		}
	}
	return func(record int) bool {
		fate := w.decided[record]
		return fate == formats.Keep || fate == formats.Withhold && s.withhold
	}
}

// holds reports whether a record is in one of the stretches.
func holds(takes []span, record int) bool {
	low, high := 0, len(takes)
	for low < high {
		middle := (low + high) / 2
		switch {
		case int(takes[middle].end) <= record:
			low = middle + 1
		case int(takes[middle].start) > record:
			high = middle
		default:
			return true
		}
	}
	return false
}

// cut cuts a column down for an output.
func (s *scan) cut(w *work, i, c int, a *column.Array) error {
	part := &w.parts[i]
	if part.rows == 0 {
		part.used[c] = nil
		return nil
	}
	b := part.builders[c]
	b.Reset(s.format.batchLimit())
	for _, t := range part.takes {
		b.Append(a, int(t.start), int(t.end))
	}
	if err := b.Err(); err != nil {
		return err
	}
	if s.encoded[c] {
		if s.counting || s.footer == nil {
			part.used[c] = column.Used{}
			b.Use(part.used[c])
		}
		return nil
	}
	return s.pack(w, i, c)
}

// pack makes what is written of a column.
func (s *scan) pack(w *work, i, c int) error {
	part := &w.parts[i]
	p := &part.columns[c]
	p.Nodes, p.Buffers, p.Variadic = p.Nodes[:0], p.Buffers[:0], p.Variadic[:0]
	part.builders[c].Part(p)
	var err error
	part.packed[c], err = compressPart(w.message.Batch.Codec, part.packed[c][:0], p)
	return err
}

// compressPart compresses the buffers of a part, into memory.
func compressPart(codec ipc.Codec, memory []byte, p *ipc.Part) ([]byte, error) {
	if codec == ipc.Uncompressed {
		return memory, nil
	}
	zip := zips.Get().(*ipc.Compressor)
	defer zips.Put(zip)
	ends := make([]int, len(p.Buffers))
	for i, buffer := range p.Buffers {
		var err error
		if memory, err = zip.Compress(codec, memory, buffer); err != nil {
			return memory, err
		}
		ends[i] = len(memory)
	}
	start := 0
	for i, end := range ends {
		p.Buffers[i] = memory[start:end:end]
		start = end
	}
	return memory, nil
}

// addUsed notes, in a first pass, what records of a batch stay and what they use.
func (s *scan) addUsed(w *work) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for len(s.fates) < (w.number+1)*len(s.sinks) {
		s.fates = append(s.fates, nil)
	}
	for i, sink := range s.sinks {
		part := &w.parts[i]
		s.fates[w.number*len(s.sinks)+i] = append([]span(nil), part.takes...)
		s.noted += int64(spanBytes * len(part.takes))
		for _, used := range part.used {
			sink.used.Add(used)
		}
	}
	if limit := s.format.batchLimit(); s.noted > limit {
		return s.refuse(batchPart(w.number), ipc.OverLimit("which records stay", s.noted, limit))
	}
	return nil
}

// spanBytes is the size of a span.
const spanBytes = 8

// planDictionaries decides which dictionaries come before a batch of a stream.
func (s *scan) planDictionaries(w *work) error {
	for i, sink := range s.sinks {
		part := &w.parts[i]
		if part.rows == 0 {
			continue
		}
		used := column.Used{}
		for _, u := range part.used {
			used.Add(u)
		}
		plan, err := sink.pruner.Next(w.dictionaries, used)
		if err != nil {
			return s.refuse(batchPart(w.number), err)
		}
		part.plan = plan
	}
	return nil
}

// renumber has the indices of a batch point into the dictionaries of the output.
func (s *scan) renumber(w *work) error {
	for i, sink := range s.sinks {
		part := &w.parts[i]
		if part.rows == 0 {
			continue
		}
		plan := sink.filePlan
		if part.plan != nil {
			plan = part.plan
			if err := s.compressPlan(plan); err != nil {
				return err
			}
		}
		err := s.each(len(part.builders), func(c int) error {
			if !s.encoded[c] {
				return nil
			}
			part.builders[c].Renumber(plan.Places)
			return s.pack(w, i, c)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// compressPlan compresses dictionaries that are to be written.
func (s *scan) compressPlan(plan *column.Plan) error {
	for i := range plan.Dictionaries {
		e := &plan.Dictionaries[i]
		if _, err := compressPart(e.Codec, nil, &e.Part); err != nil {
			return err
		}
	}
	return nil
}
