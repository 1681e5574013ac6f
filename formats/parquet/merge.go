package parquet

// Where a page loses more than half of its values, what is left of it goes together with what is left of the next ones, up to
// about the size of a page of the input: an extract of which little stays would else be cut into crumbs, each with a header and a
// compression of its own. A page that loses less stays a page, so that usually nothing here has anything to do.

// openPage gathers what a sink takes of pages that go together. They are of one kind and encoding.
type openPage struct {
	header       pageHeader // of the first of them
	cut          cutter     // of their encoding, or nil where values are indices
	pages        int        // how many they are
	size, packed int64      // of all of them, in bytes, in the input
	reps, defs   []uint8
	values       []byte // PLAIN; indices are the last ones of the side instead
	levels, rows int
	n            int // values that are there
	// The most that one of the pages had in the input: levels, and bytes of PLAIN values.
	mostLevels, mostBytes int
}

// mergeable tells whether a page, of which a number of levels stay, has lost so much that it is to go together with others.
func mergeable(pg *page, levels int) bool { return 2*levels < int(pg.values) }

// suits tells whether what is left of a page can go into the same page.
func (o *openPage) suits(pg *page, cut cutter) bool {
	return o.header.kind == pg.kind && o.header.encoding == pg.encoding && o.header.hasCRC == pg.hasCRC && (o.cut == nil) == (cut == nil)
}

// full tells whether as much is gathered as makes a page: half of what one had in the input, so that with what is added last it
// is never much more than all of it.
func (o *openPage) full() bool {
	return 2*o.levels >= o.mostLevels || o.cut != nil && 2*len(o.values) >= o.mostBytes && o.mostBytes > 0
}

// reset makes o ready for a column chunk.
func (o *openPage) reset() { *o = openPage{reps: o.reps[:0], defs: o.defs[:0], values: o.values[:0]} }

// gather adds what a sink takes of a page to its open page, and closes that before where nothing more is to go into it. A page is
// closed where a record ends, unless that makes it larger than pages of the input, which then had an end there.
func (w *rewriter) gather(s *side, pg *page, cut cutter, levels, values []run, next *waiting) (err error) {
	o := &s.open
	ends := pg.reps == nil || pg.reps[levels[0].start] == 0 || o.levels+next.levels > o.mostLevels
	if !o.suits(pg, cut) || o.full() && ends || w.tooLarge(o, pg) {
		if err := w.closePage(s); err != nil {
			return err
		}
	}
	if o.pages == 0 {
		o.header, o.cut = pg.pageHeader, cut
	}
	o.pages++
	o.size, o.packed = o.size+int64(pg.size), o.packed+int64(pg.compressed)
	o.mostLevels = max(o.mostLevels, int(pg.values))
	o.addLevels(pg, levels, w.leaf.maxDef)
	o.levels, o.rows = o.levels+next.levels, o.rows+next.rows
	n := count(values)
	if cut == nil {
		w.takeIndices(s, values)
	} else {
		o.mostBytes = max(o.mostBytes, len(w.plainValues))
		err = w.gatherValues(s, cut, values, n)
	}
	o.n += n
	return err
}

// tooLarge tells whether a page might get larger than pages may be, if what is left of another were added.
func (w *rewriter) tooLarge(o *openPage, pg *page) bool {
	bytes := 0
	if o.cut != nil {
		bytes = len(o.values) + len(w.plainValues)
	}
	return max(bytes, 4*(o.levels+int(pg.values))) > w.limit/2
}

// addLevels adds the levels of a page that stay.
func (o *openPage) addLevels(pg *page, keep []run, maxDef uint8) {
	for _, r := range keep {
		if pg.reps != nil {
			o.reps = append(o.reps, pg.reps[r.start:r.end]...)
		}
		switch {
		case pg.defs != nil:
			o.defs = append(o.defs, pg.defs[r.start:r.end]...)
		case maxDef > 0:
			start := len(o.defs)
			o.defs = grow(o.defs, int(r.end-r.start))
			fillWith(o.defs[start:], maxDef)
		}
	}
}

// gatherValues adds the n values in keep of the page that is loaded.
func (w *rewriter) gatherValues(s *side, cut cutter, keep []run, n int) (err error) {
	o := &s.open
	if c, ok := cut.(*coded); ok {
		cut = c.inner
	}
	if w.leaf.kind != boolean {
		o.values, err = cut.cut(o.values, keep, &s.out.seen)
		return err
	}
	if w.body, err = cut.cut(w.body[:0], keep, &s.out.seen); err != nil {
		return err
	}
	o.values = appendBits(o.values, o.n, w.body, n)
	return nil
}

// closePage makes a page of what is gathered, if there is anything.
func (w *rewriter) closePage(s *side) (err error) {
	o := &s.open
	if o.pages == 0 {
		return nil
	}
	next := waiting{header: o.header, levels: o.levels, rows: o.rows}
	// The mean of its pages tells how well they compress.
	next.header.size, next.header.compressed = int32(o.size/int64(o.pages)), int32(o.packed/int64(o.pages))
	pg := page{pageHeader: o.header, reps: o.reps, defs: o.defs}
	if o.n == o.levels {
		pg.defs = nil
	}
	all := []run{{0, int32(o.levels)}}
	if o.cut == nil {
		s.levels = w.appendLevels(s.levels, pg, all, &next)
		w.await(s, len(s.indices)-o.n, &next)
	} else {
		body := w.appendLevels(w.body[:0], pg, all, &next)
		if c, ok := o.cut.(*coded); ok {
			body, err = c.coder.fromPlain(body, o.values, o.n)
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

// appendBits appends n bits of src to the first have bits of dst. Both are packed from the least significant, and any bits behind
// them in their last byte are zero.
func appendBits(dst []byte, have int, src []byte, n int) []byte {
	src = src[:(n+7)/8]
	shift := have % 8
	if shift == 0 {
		return append(dst, src...)
	}
	for _, b := range src {
		dst[len(dst)-1] |= b << shift
		dst = append(dst, b>>(8-shift))
	}
	return dst[:(have+n+7)/8]
}
