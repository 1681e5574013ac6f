// Package rewrite cuts a column chunk down to the records that stay, and puts the new file
// together.
package rewrite

// Rewriting one column chunk: every page is cut down for each sink at once, so that a page is read
// and decompressed once.

import (
	"context"
	"errors"
	"hash/crc32"
	"io"
	"slices"

	"noo/formats/parquet/internal/codec"
	"noo/formats/parquet/internal/encoding"
	"noo/formats/parquet/internal/identify"
	"noo/formats/parquet/internal/meta"
	"noo/formats/parquet/internal/page"
	"noo/formats/parquet/internal/spans"
	"noo/formats/parquet/internal/spec"
	"noo/formats/parquet/internal/stats"
	"noo/formats/parquet/internal/thrift"
)

// ChunkOut is a column chunk in the making, and then made: its pages one after another, and what
// the footer says about it.
type ChunkOut struct {
	pages        []byte
	values       int64 // with nulls
	nulls        int64
	uncompressed int64 // bytes, with page headers
	dictionaryAt int   // where in pages the dictionary is, or -1
	dataAt       int   // where in pages the first data page is
	tally        []pageTally
	seen         stats.Bounds
	encoderLoses bool // see origin
}

// pageTally counts the pages of a kind and encoding (PageEncodingStats, parquet.thrift).
type pageTally struct {
	kind     int32
	encoding spec.Encoding
	pages    int32
}

func (o *ChunkOut) reset(l *meta.Leaf) {
	o.pages, o.tally = o.pages[:0], o.tally[:0]
	o.values, o.nulls, o.uncompressed, o.dictionaryAt, o.dataAt = 0, 0, 0, -1, 0
	o.seen.Reset(l.Order, l.Width)
	o.encoderLoses = false
}

func (o *ChunkOut) count(kind int32, e spec.Encoding) {
	for i := range o.tally {
		if o.tally[i].kind == kind && o.tally[i].encoding == e {
			o.tally[i].pages++
			return
		}
	}
	o.tally = append(o.tally, pageTally{kind, e, 1})
}

// pendingPage is a page that waits for the dictionary to be known, which comes before it.
type pendingPage struct {
	header             page.Header // of the page in the input
	levelsEnd          int         // its levels lie in side.levels, from the end of the page before
	packedAt           int         // where in side.levels its indices are, if they are packed
	repBytes, defBytes int
	// Its indices, in side.indices; where first is negative they are packed behind its levels.
	first, last  int
	levels, rows int
	done         int // where not 0, the page is complete and its end in side.late
}

// sinkState is what one sink takes of the chunk at hand.
type sinkState struct {
	out     *ChunkOut
	cursor  spans.Cursor
	pages   []pendingPage
	indices []uint32
	levels  []byte
	late    []byte
	used    []bool
	allUsed bool // nothing in used is false
	looked  int  // indices that were marked since used was looked through
	open    openPage

	records, levelRuns, valueRuns []spans.Span // of the page at hand
}

// Rewriter rewrites column chunks, one after another. It keeps its memory, and is for one
// goroutine.
type Rewriter struct {
	Pages  page.Reader
	Zip    codec.Compressor
	Quirks meta.Quirks
	Limit  int
	// Watching looks at the values on their way, where not nil; WatchOnly tells that nothing is to
	// be written.
	Watching  *identify.Watch
	WatchOnly bool
	// ValuesOnly sends every page down the value path, for tests of that path.
	ValuesOnly bool

	leaf        *meta.Leaf
	dict        page.Dictionary
	cutters     map[spec.Encoding]cutter
	sides       []*sinkState
	indices     []uint32
	renumber    []uint32
	body        []byte
	packed      []byte
	kept        []uint8
	values      []byte
	plainValues []byte // the values, as PLAIN, that a cutter has loaded
	spelt       bool   // they were indices
	header      thrift.Writer
	head        []byte
}

// Rewrite reads a column chunk of a row group with the given number of rows and appends, for each
// sink, what it takes to outs. given are its pages, decompressed, or nil.
func (w *Rewriter) Rewrite(
	ctx context.Context,
	l *meta.Leaf,
	ch *meta.Chunk,
	rows int,
	given [][]byte,
	takes []*spans.Selection,
	outs []*ChunkOut,
) error {
	w.open(l, ch, takes, outs)
	w.Pages.Given = given
	row := 0
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		pg, err := w.Pages.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if pg.Kind == spec.DictionaryPage {
			if w.Pages.Left != ch.Values {
				return spec.ErrLateDictionary
			}
			if err := w.dict.Load(pg, l); err != nil {
				return err
			}
			if w.Watching != nil {
				if err := w.Watching.Dictionary(&w.dict); err != nil {
					return err
				}
			}
			continue
		}
		if row, err = w.page(pg, row, rows); err != nil {
			return err
		}
	}
	if row != rows {
		return spec.ErrRows
	}
	if w.WatchOnly {
		return nil
	}
	for _, s := range w.sides {
		if err := w.finish(s); err != nil {
			return err
		}
	}
	return nil
}

func (w *Rewriter) open(l *meta.Leaf, ch *meta.Chunk, takes []*spans.Selection, outs []*ChunkOut) {
	w.leaf = l
	w.Pages.Open(l, ch)
	w.dict.Forget()
	w.cutters = map[spec.Encoding]cutter{}
	for len(w.sides) < len(outs) {
		w.sides = append(w.sides, &sinkState{})
	}
	w.sides = w.sides[:len(outs)]
	for i, s := range w.sides {
		s.out, s.cursor.Runs = outs[i], takes[i].Runs
		s.pages, s.indices, s.levels, s.late, s.used = s.pages[:0], s.indices[:0], s.levels[:0], s.late[:0], nil
		s.allUsed, s.looked = false, 0
		s.open.reset()
		s.out.reset(l)
	}
}

// Page rewrites a data page for every sink, given how many records of the chunk have started before
// it; it returns how many have after it.
func (w *Rewriter) page(pg page.Page, row, rows int) (int, error) {
	first, started := row, int(pg.Values)
	if pg.Reps != nil {
		started = int(spans.CountEqual(pg.Reps, 0))
		if len(pg.Reps) > 0 && pg.Reps[0] != 0 {
			first--
		}
	}
	if first < 0 || started > rows-row {
		return row, spec.ErrRows
	}
	if pg.Kind == spec.DataPageV2 && int(pg.Rows) != started {
		return row, spec.ErrRows
	}
	if pg.Values == 0 {
		return row, nil // it may stand within a record, which goes on behind it
	}
	row += started
	indexed := pg.Encoding == spec.PlainDictionary || pg.Encoding == spec.RLEDictionary
	var cut cutter
	var err error
	if indexed && w.dict.Present && !w.ValuesOnly {
		w.indices, err = w.dict.Indices(w.indices, pg)
	} else {
		cut, err = w.Load(&pg, indexed)
	}
	if err == nil && w.Watching != nil {
		err = w.watchPage(&pg, indexed)
	}
	if err != nil {
		return row, err
	}
	for _, s := range w.sides {
		s.records = s.cursor.Window(s.records[:0], int32(first), int32(row))
		if len(s.records) == 0 {
			continue
		}
		if err := w.keep(s, pg, cut); err != nil {
			return row, err
		}
	}
	return row, nil
}

// watchPage looks at the values of a page.
func (w *Rewriter) watchPage(pg *page.Page, indexed bool) error {
	if indexed {
		w.Watching.Indexed(w.indices)
		return nil
	}
	return w.Watching.Plain(w.plainValues, pg.Defined)
}

// Load hands the values of a page to the cutter for its encoding.
func (w *Rewriter) Load(pg *page.Page, indexed bool) (cutter, error) {
	values := pg.Body
	if w.spelt = indexed; indexed {
		if err := w.spellOut(*pg); err != nil {
			return nil, err
		}
		pg.Encoding, values = spec.Plain, w.values
	}
	c := w.cutters[pg.Encoding]
	if c == nil {
		c = plainCutter(w.leaf)
		if pg.Encoding != spec.Plain {
			coder, err := encoding.CoderFor(
				w.leaf.Kind,
				w.leaf.Width,
				pg.Encoding,
				w.Quirks.ChainedPrefixes,
			)
			if err != nil {
				return nil, err
			}
			c = &coded{coder: coder, inner: c, limit: w.Limit}
		}
		w.cutters[pg.Encoding] = c
	}
	err := c.Load(values, pg.Defined)
	w.plainValues = values
	if c, ok := c.(*coded); ok {
		w.plainValues = c.decoded
	}
	return c, err
}

// spellOut puts the values that a page's indices stand for into values.
func (w *Rewriter) spellOut(pg page.Page) (err error) {
	if w.indices, err = w.dict.Indices(w.indices, pg); err != nil {
		return err
	}
	w.values = w.values[:0]
	for _, index := range w.indices {
		value := w.dict.Encoded(index)
		if len(w.values)+len(value) > w.Limit {
			return spec.ErrOverLimit(len(w.values)+len(value), w.Limit)
		}
		w.values = append(w.values, value...)
	}
	return nil
}

// Keep writes what a sink takes of a page, or puts it by where the page waits for the dictionary.
func (w *Rewriter) keep(s *sinkState, pg page.Page, cut cutter) error {
	levels := s.records
	if pg.Reps != nil {
		s.levelRuns = spans.OfLevels(s.levelRuns[:0], s.records, pg.Reps)
		levels = s.levelRuns
	}
	values := levels
	if pg.Defs != nil {
		s.valueRuns = spans.OfValues(s.valueRuns[:0], levels, pg.Defs, w.leaf.MaxDef)
		values = s.valueRuns
	}
	if w.Watching != nil {
		var indices []uint32
		if pg.Encoding == spec.PlainDictionary || pg.Encoding == spec.RLEDictionary || w.spelt {
			indices = w.indices
		}
		w.Watching.Count(&pg, values, indices)
	}
	if w.WatchOnly {
		return nil
	}
	next := pendingPage{
		header: pg.Header,
		levels: spans.Count(levels),
		rows:   spans.Count(s.records),
	}
	n := spans.Count(values)
	s.out.values += int64(next.levels)
	s.out.nulls += int64(next.levels - n)

	if mergeable(&pg, next.levels) {
		return w.gather(s, &pg, cut, levels, values, &next)
	}
	if err := w.closePage(s); err != nil {
		return err
	}
	if cut == nil {
		s.levels = w.appendLevels(s.levels, pg, levels, &next)
		first := len(s.indices)
		w.takeIndices(s, values)
		w.deferPage(s, first, &next)
		return nil
	}
	body := w.appendLevels(w.body[:0], pg, levels, &next)
	body, err := cut.cut(body, values, &s.out.seen)
	w.body = body
	if err != nil {
		return err
	}
	return w.putPage(s, &next, body, n)
}

// putPage writes a page of n values, behind those that wait for the dictionary if there is one.
func (w *Rewriter) putPage(s *sinkState, next *pendingPage, body []byte, n int) (err error) {
	if !w.dict.Present {
		s.out.pages, err = w.appendPage(s.out.pages, s.out, next, body, n)
		return err
	}
	s.late, err = w.appendPage(s.late, s.out, next, body, n)
	next.done, next.levelsEnd = len(s.late), len(s.levels)
	s.pages = append(s.pages, *next)
	return err
}

// takeIndices puts indices of the page at hand by, and marks the dictionary's values that are in
// use.
func (w *Rewriter) takeIndices(s *sinkState, keep []spans.Span) {
	if s.used == nil {
		s.used = make([]bool, w.dict.Size)
	}
	first := len(s.indices)
	for _, r := range keep {
		s.indices = append(s.indices, w.indices[r.Start:r.End]...)
	}
	s.mark(s.indices[first:])
}

// deferPage defers a page until the dictionary is known. Its levels are noted already, and its
// indices are those from first on.
func (w *Rewriter) deferPage(s *sinkState, first int, next *pendingPage) {
	next.first, next.last = first, len(s.indices)
	if len(s.indices) > mostIndices {
		// A few bytes of runs can stand for any number of indices: beyond a bound they are held as
		// they came.
		next.packedAt = len(s.levels)
		s.levels = encoding.AppendHybrid(
			s.levels,
			s.indices[first:],
			encoding.OldWidth(len(s.used)),
		)
		s.indices = s.indices[:first]
		next.first, next.last = -1, next.last-first
	}
	next.levelsEnd = len(s.levels)
	s.pages = append(s.pages, *next)
}

// mark marks the dictionary's values that indices refer to, until all of them are.
func (s *sinkState) mark(indices []uint32) {
	for len(indices) > 0 && !s.allUsed {
		some := indices[:min(len(indices), max(4096, len(s.used)))]
		indices = indices[len(some):]
		for _, index := range some {
			s.used[index] = true
		}
		// So that looking takes no longer than marking, however small pages are.
		if s.looked += len(some); s.looked >= len(s.used) {
			s.allUsed, s.looked = !slices.Contains(s.used, false), 0
		}
	}
}

// mostIndices is how many indices of a column chunk are held as they are.
const mostIndices = 8 << 20

// AppendLevels appends the levels of a page that stay, as they are before its values.
func (w *Rewriter) appendLevels(
	dst []byte,
	pg page.Page,
	keep []spans.Span,
	next *pendingPage,
) []byte {
	v1 := pg.Kind == spec.DataPage
	if w.leaf.MaxRep > 0 {
		start := len(dst)
		dst = page.AppendLevels(dst, w.keepLevels(pg.Reps, keep), w.leaf.MaxRep, v1)
		next.repBytes = len(dst) - start
	}
	if w.leaf.MaxDef > 0 {
		start := len(dst)
		if pg.Defs == nil {
			dst = page.AppendConstantLevels(dst, next.levels, w.leaf.MaxDef, v1)
		} else {
			dst = page.AppendLevels(dst, w.keepLevels(pg.Defs, keep), w.leaf.MaxDef, v1)
		}
		next.defBytes = len(dst) - start
	}
	return dst
}

func (w *Rewriter) keepLevels(levels []uint8, keep []spans.Span) []uint8 {
	w.kept = w.kept[:0]
	for _, r := range keep {
		w.kept = append(w.kept, levels[r.Start:r.End]...)
	}
	return w.kept
}

// Finish writes the dictionary and the pages that waited for it.
func (w *Rewriter) finish(s *sinkState) (err error) {
	if err := w.closePage(s); err != nil {
		return err
	}
	if len(s.pages) == 0 {
		return nil
	}
	dict, size := w.body[:0], 0
	if len(s.used) > 0 {
		w.renumber = encoding.Resize(w.renumber, len(s.used))
		dict, size = w.dict.Pruned(dict, s.used, w.renumber, &s.out.seen)
		w.body = dict
	}
	if size > 0 {
		s.out.dictionaryAt = 0
		if err = w.appendDictionary(s.out, dict, size); err != nil {
			return err
		}
		s.out.dataAt = len(s.out.pages)
	}
	if size < len(s.used) {
		for i, index := range s.indices {
			s.indices[i] = w.renumber[index]
		}
	}
	width := encoding.OldWidth(size)
	levelsAt, lateAt := 0, 0
	for i := range s.pages {
		next := &s.pages[i]
		levels := s.levels[levelsAt:next.levelsEnd]
		levelsAt = next.levelsEnd
		if next.done > 0 {
			s.out.pages = append(s.out.pages, s.late[lateAt:next.done]...)
			lateAt = next.done
			continue
		}
		var indices []uint32
		if next.first >= 0 {
			indices = s.indices[next.first:next.last]
		} else {
			packed := levels[next.packedAt-(next.levelsEnd-len(levels)):]
			levels = levels[:len(levels)-len(packed)]
			w.indices = encoding.Resize(w.indices, next.last)
			indices = w.indices
			if err := encoding.DecodeHybrid(indices, packed, encoding.OldWidth(len(s.used))); err != nil {
				return err
			}
			for i, index := range indices {
				indices[i] = w.renumber[index]
			}
		}
		body := append(w.body[:0], levels...)
		if size > 0 {
			body = append(body, byte(width))
			body = encoding.AppendHybrid(body, indices, width)
		} else {
			next.header.Encoding = spec.Plain // no values at all, so no dictionary to refer to
		}
		w.body = body
		if s.out.pages, err = w.appendPage(s.out.pages, s.out, next, body, len(indices)); err != nil {
			return err
		}
	}
	return nil
}

// appendDictionary appends the dictionary page.
func (w *Rewriter) appendDictionary(out *ChunkOut, values []byte, size int) (err error) {
	h := w.dict.Header
	if w.packed, err = w.Zip.Compress(w.Pages.Chunk.Codec, w.packed[:0], values); err != nil {
		return err
	}
	h.Size, h.Compressed, h.Values = int32(len(values)), int32(len(w.packed)), int32(size)
	if h.HasCRC {
		h.CRC = crc32.ChecksumIEEE(w.packed)
	}
	out.uncompressed += int64(w.encodeHeader(h)) + int64(h.Size)
	out.pages = append(append(out.pages, w.head...), w.packed...)
	out.count(spec.DictionaryPage, h.Encoding)
	return nil
}

// appendPage appends a data page with the given body (levels and values) to dst.
func (w *Rewriter) appendPage(
	dst []byte,
	out *ChunkOut,
	next *pendingPage,
	body []byte,
	values int,
) (_ []byte, err error) {
	h, id := next.header, w.Pages.Chunk.Codec
	levels := 0
	if h.Kind == spec.DataPageV2 {
		levels = next.repBytes + next.defBytes
		h.IsCompressed = id != spec.Uncompressed && len(body) > levels
		if !h.IsCompressed {
			id = spec.Uncompressed
		}
		h.Rows, h.Nulls = int32(next.rows), int32(next.levels-values)
		h.RepBytes, h.DefBytes = int32(next.repBytes), int32(next.defBytes)
	}
	was := codec.Hint{
		Size:   int(h.Size),
		Packed: int(h.Compressed),
		Loses:  &out.encoderLoses,
		N:      values,
		Holds: codec.LayoutOf(
			w.leaf.Kind,
			h.Encoding,
		),
		Levels: next.repBytes + next.defBytes - levels,
	}
	// The page is compressed where it is to be, behind a header whose length is guessed: it
	// depends on how small the page gets.
	h.Size, h.Compressed, h.Values, h.CRC = int32(
		len(body),
	), int32(
		was.Ratio()*float64(len(body)),
	), int32(
		next.levels,
	), 1<<31
	start, gap := len(dst), w.encodeHeader(h)
	dst = append(encoding.Grow(dst, gap), body[:levels]...)
	if dst, err = w.Zip.CompressLike(id, dst, body[levels:], was); err != nil {
		return dst, err
	}
	packed := dst[start+gap:]
	h.Compressed = int32(len(packed))
	if h.HasCRC {
		h.CRC = crc32.ChecksumIEEE(packed)
	}
	if n := w.encodeHeader(h); n != gap {
		dst = encoding.Grow(dst[:start], n+len(packed))
		copy(dst[start+n:], packed)
	}
	copy(dst[start:], w.head)
	out.count(h.Kind, h.Encoding)
	out.uncompressed += int64(len(w.head)) + int64(h.Size)
	return dst, nil
}

// encodeHeader encodes a page header into head, and returns its length.
func (w *Rewriter) encodeHeader(h page.Header) int {
	w.head = page.AppendHeader(&w.header, w.head[:0], h)
	return len(w.head)
}
