package parquet

// Rewriting one column chunk: every page is cut down to the records that stay, for each sink at once, so that a page is read
// and decompressed once.

import (
	"context"
	"errors"
	"hash/crc32"
	"io"
	"slices"

	"noo/formats/parquet/internal/compact"
)

// chunkOut is a column chunk in the making, and then made: its pages one after another, and what the footer says about it.
type chunkOut struct {
	pages        []byte
	values       int64 // with nulls
	nulls        int64
	uncompressed int64 // bytes, with page headers
	dictionaryAt int   // where in pages the dictionary is, or -1
	dataAt       int   // where in pages the first data page is
	tally        []pageTally
	seen         bounds
	encoderLoses bool // see origin
}

// pageTally counts the pages of a kind and encoding (PageEncodingStats, parquet.thrift).
type pageTally struct {
	kind     int32
	encoding encoding
	pages    int32
}

func (o *chunkOut) reset(l *leaf) {
	o.pages, o.tally = o.pages[:0], o.tally[:0]
	o.values, o.nulls, o.uncompressed, o.dictionaryAt, o.dataAt = 0, 0, 0, -1, 0
	o.seen.reset(l.order, l.width)
	o.encoderLoses = false
}

func (o *chunkOut) count(kind int32, e encoding) {
	for i := range o.tally {
		if o.tally[i].kind == kind && o.tally[i].encoding == e {
			o.tally[i].pages++
			return
		}
	}
	o.tally = append(o.tally, pageTally{kind, e, 1})
}

// waiting is a page that waits for the dictionary to be known, which stands before it.
type waiting struct {
	header             pageHeader // of the page in the input
	levelsEnd          int        // its levels lie in side.levels, from the end of the page before
	packedAt           int        // where in side.levels its indices are, if they are packed
	repBytes, defBytes int
	first, last        int // its indices, in side.indices; where first is negative they are packed behind its levels
	levels, rows       int
	done               int // where not 0, the page is complete and its end in side.late
}

// side is what one sink takes of the chunk at hand.
type side struct {
	out     *chunkOut
	cursor  cursor
	pages   []waiting
	indices []uint32
	levels  []byte
	late    []byte
	used    []bool
	allUsed bool // nothing in used is false
	looked  int  // indices that were marked since used was looked through
	open    openPage

	records, levelRuns, valueRuns []run // of the page at hand
}

// rewriter rewrites column chunks, one after another. It keeps its memory, and is for one goroutine.
type rewriter struct {
	pages  pageReader
	zip    compressor
	quirks quirks
	limit  int
	// watching looks at the values on their way, where not nil; watchOnly tells that nothing is to be written.
	watching  *chunkWatch
	watchOnly bool
	// valuesOnly sends every page down the value path, for tests of that path.
	valuesOnly bool

	leaf        *leaf
	dict        dictionary
	cutters     map[encoding]cutter
	sides       []*side
	indices     []uint32
	renumber    []uint32
	body        []byte
	packed      []byte
	kept        []uint8
	values      []byte
	plainValues []byte // the values, as PLAIN, that a cutter has loaded
	spelt       bool   // they were indices
	header      compact.Writer
	head        []byte
}

// rewrite reads a column chunk of a row group with the given number of rows and appends, for each sink, what it takes to outs.
// given are its pages, decompressed, or nil.
func (w *rewriter) rewrite(ctx context.Context, l *leaf, ch *chunk, rows int, given [][]byte, takes []*selection, outs []*chunkOut) error {
	w.open(l, ch, takes, outs)
	w.pages.given = given
	row := 0
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		pg, err := w.pages.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if pg.kind == dictionaryPage {
			if w.pages.left != ch.values {
				return errLateDictionary
			}
			if err := w.dict.load(pg, l); err != nil {
				return err
			}
			if w.watching != nil {
				if err := w.watching.dictionary(&w.dict); err != nil {
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
		return errRows
	}
	if w.watchOnly {
		return nil
	}
	for _, s := range w.sides {
		if err := w.finish(s); err != nil {
			return err
		}
	}
	return nil
}

var errLateDictionary = corrupt("its dictionary comes after values")
var errRows = corrupt("it has another number of records than the row group")

func (w *rewriter) open(l *leaf, ch *chunk, takes []*selection, outs []*chunkOut) {
	w.leaf = l
	w.pages.open(l, ch)
	w.dict.forget()
	w.cutters = map[encoding]cutter{}
	for len(w.sides) < len(outs) {
		w.sides = append(w.sides, &side{})
	}
	w.sides = w.sides[:len(outs)]
	for i, s := range w.sides {
		s.out, s.cursor.runs = outs[i], takes[i].runs
		s.pages, s.indices, s.levels, s.late, s.used = s.pages[:0], s.indices[:0], s.levels[:0], s.late[:0], nil
		s.allUsed, s.looked = false, 0
		s.open.reset()
		s.out.reset(l)
	}
}

// page rewrites a data page for every sink, given how many records of the chunk have started before it; it returns how many have
// after it.
func (w *rewriter) page(pg page, row, rows int) (int, error) {
	first, started := row, int(pg.values)
	if pg.reps != nil {
		started = int(countEqual(pg.reps, 0))
		if len(pg.reps) > 0 && pg.reps[0] != 0 {
			first--
		}
	}
	if first < 0 || started > rows-row {
		return row, errRows
	}
	if pg.kind == dataPageV2 && int(pg.rows) != started {
		return row, errRows
	}
	if pg.values == 0 {
		return row, nil // it may stand within a record, which goes on behind it
	}
	row += started
	indexed := pg.encoding == plainDictionary || pg.encoding == rleDictionary
	var cut cutter
	var err error
	if indexed && w.dict.present && !w.valuesOnly {
		w.indices, err = w.dict.indices(w.indices, pg)
	} else {
		cut, err = w.load(&pg, indexed)
	}
	if err == nil && w.watching != nil {
		err = w.watchPage(&pg, indexed)
	}
	if err != nil {
		return row, err
	}
	for _, s := range w.sides {
		s.records = s.cursor.window(s.records[:0], int32(first), int32(row))
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
func (w *rewriter) watchPage(pg *page, indexed bool) error {
	if indexed {
		w.watching.indexed(w.indices)
		return nil
	}
	return w.watching.plain(w.plainValues, pg.defined)
}

// load hands the values of a page to the cutter for its encoding.
func (w *rewriter) load(pg *page, indexed bool) (cutter, error) {
	values := pg.body
	if w.spelt = indexed; indexed {
		if err := w.spellOut(*pg); err != nil {
			return nil, err
		}
		pg.encoding, values = plain, w.values
	}
	c := w.cutters[pg.encoding]
	if c == nil {
		c = plainCutter(w.leaf)
		if pg.encoding != plain {
			coder, err := coderFor(w.leaf.kind, w.leaf.width, pg.encoding, w.quirks.chainedPrefixes)
			if err != nil {
				return nil, err
			}
			c = &coded{coder: coder, inner: c, limit: w.limit}
		}
		w.cutters[pg.encoding] = c
	}
	err := c.load(values, pg.defined)
	w.plainValues = values
	if c, ok := c.(*coded); ok {
		w.plainValues = c.decoded
	}
	return c, err
}

// spellOut puts the values that a page's indices stand for into values.
func (w *rewriter) spellOut(pg page) (err error) {
	if w.indices, err = w.dict.indices(w.indices, pg); err != nil {
		return err
	}
	w.values = w.values[:0]
	for _, index := range w.indices {
		value := w.dict.encoded(index)
		if len(w.values)+len(value) > w.limit {
			return errOverLimit(len(w.values)+len(value), w.limit)
		}
		w.values = append(w.values, value...)
	}
	return nil
}

// keep writes what a sink takes of a page, or puts it by where the page waits for the dictionary.
func (w *rewriter) keep(s *side, pg page, cut cutter) error {
	levels := s.records
	if pg.reps != nil {
		s.levelRuns = levelRuns(s.levelRuns[:0], s.records, pg.reps)
		levels = s.levelRuns
	}
	values := levels
	if pg.defs != nil {
		s.valueRuns = valueRuns(s.valueRuns[:0], levels, pg.defs, w.leaf.maxDef)
		values = s.valueRuns
	}
	if w.watching != nil {
		var indices []uint32
		if pg.encoding == plainDictionary || pg.encoding == rleDictionary || w.spelt {
			indices = w.indices
		}
		w.watching.count(&pg, values, indices)
	}
	if w.watchOnly {
		return nil
	}
	next := waiting{header: pg.pageHeader, levels: count(levels), rows: count(s.records)}
	n := count(values)
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
		w.await(s, first, &next)
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
func (w *rewriter) putPage(s *side, next *waiting, body []byte, n int) (err error) {
	if !w.dict.present {
		s.out.pages, err = w.appendPage(s.out.pages, s.out, next, body, n)
		return err
	}
	s.late, err = w.appendPage(s.late, s.out, next, body, n)
	next.done, next.levelsEnd = len(s.late), len(s.levels)
	s.pages = append(s.pages, *next)
	return err
}

// takeIndices puts indices of the page at hand by, and marks the dictionary's values that are in use.
func (w *rewriter) takeIndices(s *side, keep []run) {
	if s.used == nil {
		s.used = make([]bool, w.dict.size)
	}
	first := len(s.indices)
	for _, r := range keep {
		s.indices = append(s.indices, w.indices[r.start:r.end]...)
	}
	s.mark(s.indices[first:])
}

// await puts a page by until the dictionary is known. Its levels are put by already, and its indices are those from first on.
func (w *rewriter) await(s *side, first int, next *waiting) {
	next.first, next.last = first, len(s.indices)
	if len(s.indices) > mostIndices {
		// A few bytes of runs can stand for any number of indices: beyond a bound they are held as they came.
		next.packedAt = len(s.levels)
		s.levels = appendHybrid(s.levels, s.indices[first:], oldWidth(len(s.used)))
		s.indices = s.indices[:first]
		next.first, next.last = -1, next.last-first
	}
	next.levelsEnd = len(s.levels)
	s.pages = append(s.pages, *next)
}

// mark marks the dictionary's values that indices refer to, until all of them are.
func (s *side) mark(indices []uint32) {
	for len(indices) > 0 && !s.allUsed {
		some := indices[:min(len(indices), max(4096, len(s.used)))]
		indices = indices[len(some):]
		for _, index := range some {
			s.used[index] = true
		}
		if s.looked += len(some); s.looked >= len(s.used) { // so that looking takes no longer than marking, however small pages are
			s.allUsed, s.looked = !slices.Contains(s.used, false), 0
		}
	}
}

// mostIndices is how many indices of a column chunk are held as they are.
const mostIndices = 8 << 20

// oldWidth is a bit width for the indices into a dictionary.
func oldWidth(size int) uint { return max(1, widthOf(uint32(max(size, 1)-1))) }

// appendLevels appends the levels of a page that stay, as they stand before its values.
func (w *rewriter) appendLevels(dst []byte, pg page, keep []run, next *waiting) []byte {
	v1 := pg.kind == dataPage
	if w.leaf.maxRep > 0 {
		start := len(dst)
		dst = appendLevels(dst, w.keepLevels(pg.reps, keep), w.leaf.maxRep, v1)
		next.repBytes = len(dst) - start
	}
	if w.leaf.maxDef > 0 {
		start := len(dst)
		if pg.defs == nil {
			dst = appendConstantLevels(dst, next.levels, w.leaf.maxDef, v1)
		} else {
			dst = appendLevels(dst, w.keepLevels(pg.defs, keep), w.leaf.maxDef, v1)
		}
		next.defBytes = len(dst) - start
	}
	return dst
}

func (w *rewriter) keepLevels(levels []uint8, keep []run) []uint8 {
	w.kept = w.kept[:0]
	for _, r := range keep {
		w.kept = append(w.kept, levels[r.start:r.end]...)
	}
	return w.kept
}

// finish writes the dictionary and the pages that waited for it.
func (w *rewriter) finish(s *side) (err error) {
	if err := w.closePage(s); err != nil {
		return err
	}
	if len(s.pages) == 0 {
		return nil
	}
	dict, size := w.body[:0], 0
	if len(s.used) > 0 {
		w.renumber = room(w.renumber, len(s.used))
		dict, size = w.dict.pruned(dict, s.used, w.renumber, &s.out.seen)
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
	width := oldWidth(size)
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
			w.indices = room(w.indices, next.last)
			indices = w.indices
			if err := decodeHybrid(indices, packed, oldWidth(len(s.used))); err != nil {
				return err
			}
			for i, index := range indices {
				indices[i] = w.renumber[index]
			}
		}
		body := append(w.body[:0], levels...)
		if size > 0 {
			body = append(body, byte(width))
			body = appendHybrid(body, indices, width)
		} else {
			next.header.encoding = plain // no values at all, so no dictionary to refer to
		}
		w.body = body
		if s.out.pages, err = w.appendPage(s.out.pages, s.out, next, body, len(indices)); err != nil {
			return err
		}
	}
	return nil
}

// appendDictionary appends the dictionary page.
func (w *rewriter) appendDictionary(out *chunkOut, values []byte, size int) (err error) {
	h := w.dict.header
	if w.packed, err = w.zip.compress(w.pages.chunk.codec, w.packed[:0], values); err != nil {
		return err
	}
	h.size, h.compressed, h.values = int32(len(values)), int32(len(w.packed)), int32(size)
	if h.hasCRC {
		h.crc = crc32.ChecksumIEEE(w.packed)
	}
	out.uncompressed += int64(w.encodeHeader(h)) + int64(h.size)
	out.pages = append(append(out.pages, w.head...), w.packed...)
	out.count(dictionaryPage, h.encoding)
	return nil
}

// appendPage appends a data page with the given body (levels and values) to dst.
func (w *rewriter) appendPage(dst []byte, out *chunkOut, next *waiting, body []byte, values int) (_ []byte, err error) {
	h, codec := next.header, w.pages.chunk.codec
	levels := 0
	if h.kind == dataPageV2 {
		levels = next.repBytes + next.defBytes
		h.isCompressed = codec != uncompressed && len(body) > levels
		if !h.isCompressed {
			codec = uncompressed
		}
		h.rows, h.nulls = int32(next.rows), int32(next.levels-values)
		h.repBytes, h.defBytes = int32(next.repBytes), int32(next.defBytes)
	}
	was := origin{size: int(h.size), packed: int(h.compressed), loses: &out.encoderLoses, n: values,
		holds: contentOf(w.leaf.kind, h.encoding), levels: next.repBytes + next.defBytes - levels}
	// The page is compressed where it is to stand, behind a header whose length is guessed: it hangs on how small the page gets.
	h.size, h.compressed, h.values, h.crc = int32(len(body)), int32(was.ratio()*float64(len(body))), int32(next.levels), 1<<31
	start, gap := len(dst), w.encodeHeader(h)
	dst = append(grow(dst, gap), body[:levels]...)
	if dst, err = w.zip.compressLike(codec, dst, body[levels:], was); err != nil {
		return dst, err
	}
	packed := dst[start+gap:]
	h.compressed = int32(len(packed))
	if h.hasCRC {
		h.crc = crc32.ChecksumIEEE(packed)
	}
	if n := w.encodeHeader(h); n != gap {
		dst = grow(dst[:start], n+len(packed))
		copy(dst[start+n:], packed)
	}
	copy(dst[start:], w.head)
	out.count(h.kind, h.encoding)
	out.uncompressed += int64(len(w.head)) + int64(h.size)
	return dst, nil
}

// encodeHeader encodes a page header into head, and returns its length.
func (w *rewriter) encodeHeader(h pageHeader) int {
	w.head = appendPageHeader(&w.header, w.head[:0], h)
	return len(w.head)
}

// appendLevels appends levels, after their size in a page v1.
func appendLevels(dst []byte, levels []uint8, most uint8, v1 bool) []byte {
	start := len(dst)
	if v1 {
		dst = append(dst, 0, 0, 0, 0)
	}
	dst = appendHybrid(dst, levels, widthOf(uint32(most)))
	return setLevelsSize(dst, start, v1)
}

// appendConstantLevels appends n times the largest level.
func appendConstantLevels(dst []byte, n int, most uint8, v1 bool) []byte {
	start := len(dst)
	if v1 {
		dst = append(dst, 0, 0, 0, 0)
	}
	dst = appendRun(dst, n, most, widthOf(uint32(most)))
	return setLevelsSize(dst, start, v1)
}
