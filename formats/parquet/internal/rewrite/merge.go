package rewrite

import (
	"noo/formats/parquet/internal/encoding"
	"noo/formats/parquet/internal/page"
	"noo/formats/parquet/internal/spans"
	"noo/formats/parquet/internal/spec"
)

// Where a page loses more than half of its values, what is left of it goes together with what is
// left of the next ones, up to about the size of a page of the input: an extract of which little
// stays would else be cut into crumbs, each with a header and a compression of its own. A page that
// loses less stays a page, so that usually nothing here has anything to do.

// openPage gathers what a sink takes of pages that go together. They are of one kind and encoding.
type openPage struct {
	header       page.Header // of the first of them
	cut          cutter      // of their encoding, or nil where values are indices
	pages        int         // how many they are
	size, packed int64       // of all of them, in bytes, in the input
	reps, defs   []uint8
	values       []byte // PLAIN; indices are the last ones of the side instead
	levels, rows int
	n            int // values that are there
	// The most that one of the pages had in the input: levels, and bytes of PLAIN values.
	mostLevels, mostBytes int
}

// mergeable reports whether a page, of which a number of levels stay, has lost so much that it is
// to go together with others.
func mergeable(pg *page.Page, levels int) bool { return 2*levels < int(pg.Values) }

// suits reports whether what is left of a page can go into the same page.
func (o *openPage) suits(pg *page.Page, cut cutter) bool {
	return o.header.Kind == pg.Kind && o.header.Encoding == pg.Encoding &&
		o.header.HasCRC == pg.HasCRC &&
		(o.cut == nil) == (cut == nil)
}

// full reports whether as much is gathered as makes a page: half of what one had in the input, so
// that with what is added last it is never much more than all of it.
func (o *openPage) full() bool {
	return 2*o.levels >= o.mostLevels ||
		o.cut != nil && 2*len(o.values) >= o.mostBytes && o.mostBytes > 0
}

// Reset makes o ready for a column chunk.
func (o *openPage) reset() { *o = openPage{reps: o.reps[:0], defs: o.defs[:0], values: o.values[:0]} }

// gather adds what a sink takes of a page to its open page, and closes that before where nothing
// more is to go into it. A page is closed where a record ends, unless that makes it larger than
// pages of the input, which then had an end there.
func (w *Rewriter) gather(
	s *sinkState,
	pg *page.Page,
	cut cutter,
	levels, values []spans.Span,
	next *pendingPage,
) (err error) {
	o := &s.open
	ends := pg.Reps == nil || pg.Reps[levels[0].Start] == 0 || o.levels+next.levels > o.mostLevels
	if !o.suits(pg, cut) || o.full() && ends || w.tooLarge(o, pg) {
		if err := w.closePage(s); err != nil {
			return err
		}
	}
	if o.pages == 0 {
		o.header, o.cut = pg.Header, cut
	}
	o.pages++
	o.size, o.packed = o.size+int64(pg.Size), o.packed+int64(pg.Compressed)
	o.mostLevels = max(o.mostLevels, int(pg.Values))
	o.addLevels(pg, levels, w.leaf.MaxDef)
	o.levels, o.rows = o.levels+next.levels, o.rows+next.rows
	n := spans.Count(values)
	if cut == nil {
		w.takeIndices(s, values)
	} else {
		o.mostBytes = max(o.mostBytes, len(w.plainValues))
		err = w.gatherValues(s, cut, values, n)
	}
	o.n += n
	return err
}

// TooLarge reports whether a page might get larger than pages may be, if what is left of another
// were added.
func (w *Rewriter) tooLarge(o *openPage, pg *page.Page) bool {
	bytes := 0
	if o.cut != nil {
		bytes = len(o.values) + len(w.plainValues)
	}
	return max(bytes, 4*(o.levels+int(pg.Values))) > w.Limit/2
}

// addLevels adds the levels of a page that stay.
func (o *openPage) addLevels(pg *page.Page, keep []spans.Span, maxDef uint8) {
	for _, r := range keep {
		if pg.Reps != nil {
			o.reps = append(o.reps, pg.Reps[r.Start:r.End]...)
		}
		switch {
		case pg.Defs != nil:
			o.defs = append(o.defs, pg.Defs[r.Start:r.End]...)
		case maxDef > 0:
			start := len(o.defs)
			o.defs = encoding.Grow(o.defs, int(r.End-r.Start))
			encoding.FillWith(o.defs[start:], maxDef)
		}
	}
}

// gatherValues adds the n values in keep of the page that is loaded.
func (w *Rewriter) gatherValues(s *sinkState, cut cutter, keep []spans.Span, n int) (err error) {
	o := &s.open
	if c, ok := cut.(*coded); ok {
		cut = c.inner
	}
	if w.leaf.Kind != spec.Boolean {
		o.values, err = cut.cut(o.values, keep, &s.out.seen)
		return err
	}
	if w.body, err = cut.cut(w.body[:0], keep, &s.out.seen); err != nil {
		return err
	}
	o.values = encoding.AppendBits(o.values, o.n, w.body, n)
	return nil
}

// closePage makes a page of what is gathered, if there is anything.
func (w *Rewriter) closePage(s *sinkState) (err error) {
	o := &s.open
	if o.pages == 0 {
		return nil
	}
	next := pendingPage{header: o.header, levels: o.levels, rows: o.rows}
	// The mean of its pages tells how well they compress.
	next.header.Size, next.header.Compressed = int32(
		o.size/int64(o.pages),
	), int32(
		o.packed/int64(o.pages),
	)
	pg := page.Page{Header: o.header, Reps: o.reps, Defs: o.defs}
	if o.n == o.levels {
		pg.Defs = nil
	}
	all := []spans.Span{{Start: 0, End: int32(o.levels)}}
	if o.cut == nil {
		s.levels = w.appendLevels(s.levels, pg, all, &next)
		w.deferPage(s, len(s.indices)-o.n, &next)
	} else {
		body := w.appendLevels(w.body[:0], pg, all, &next)
		if c, ok := o.cut.(*coded); ok {
			body, err = c.coder.FromPlain(body, o.values, o.n)
		} else {
			body = append(body, o.values...)
		}
		w.body = body
		if err == nil {
			err = w.putPage(s, &next, body, o.n)
		}
	}
	o.reset()
	return err
}
