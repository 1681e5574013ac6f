package parquet

// Reading the pages of a column chunk: header, checksum, decompression, levels. Nothing is believed that the bytes there
// do not bear out.

import (
	"cmp"
	"errors"
	"hash/crc32"
	"io"

	"noo/formats/parquet/internal/compact"
)

// Page types (parquet.thrift, PageType).
const (
	dataPage       = 0
	indexPage      = 1
	dictionaryPage = 2
	dataPageV2     = 3
)

// pageHeader is a PageHeader without its statistics.
type pageHeader struct {
	kind                     int32
	size, compressed         int32 // in bytes
	crc                      uint32
	hasCRC                   bool
	values                   int32 // with nulls
	encoding                 encoding
	defEncoding, repEncoding encoding // of data pages v1
	nulls, rows              int32    // of data pages v2
	defBytes, repBytes       int32    // of data pages v2
	isCompressed             bool
	sorted                   bool // of dictionary pages
	described                bool // the part for its kind was there
}

var errPageHeader = corrupt("a page header is malformed")

// readPageHeader reads a PageHeader (parquet.thrift).
func readPageHeader(r *compact.Reader) (h pageHeader, err error) {
	h = pageHeader{kind: -1, size: -1, compressed: -1, isCompressed: true}
	for f := (compact.Field{}); r.Next(&f); {
		switch f.ID {
		case 1:
			h.kind = r.I32(f.Type)
		case 2:
			h.size = r.I32(f.Type)
		case 3:
			h.compressed = r.I32(f.Type)
		case 4:
			h.crc, h.hasCRC = uint32(r.I32(f.Type)), true
		case 5:
			h.readPart(r, f.Type, dataPage)
		case 7:
			h.readPart(r, f.Type, dictionaryPage)
		case 8:
			h.readPart(r, f.Type, dataPageV2)
		default:
			r.Skip(f.Type)
		}
	}
	if r.Err() != nil {
		return h, r.Err()
	}
	if h.size < 0 || h.compressed < 0 || h.values < 0 || h.kind < dataPage || h.kind > dataPageV2 || h.kind != indexPage && !h.described {
		return h, errPageHeader
	}
	if h.kind == dataPageV2 && (h.defBytes < 0 || h.repBytes < 0 || h.nulls < 0 || h.nulls > h.values || h.rows < 0 || h.rows > h.values ||
		int64(h.defBytes)+int64(h.repBytes) > int64(min(h.size, h.compressed))) {
		return h, errPageHeader
	}
	return h, nil
}

// readPart reads a DataPageHeader, a DictionaryPageHeader or a DataPageHeaderV2, whose first fields are alike.
func (h *pageHeader) readPart(r *compact.Reader, t compact.Type, kind int32) {
	if h.kind != kind {
		r.Skip(t) // a header for another kind of page than this is
		return
	}
	h.described = true
	for f := r.Enter(t); r.Next(&f); {
		switch {
		case f.ID == 1:
			h.values = r.I32(f.Type)
		case kind == dataPageV2:
			h.readV2Field(r, f)
		case f.ID == 2:
			h.encoding = encoding(r.I32(f.Type))
		case f.ID == 3 && kind == dictionaryPage:
			h.sorted = r.Bool(f)
		case f.ID == 3:
			h.defEncoding = encoding(r.I32(f.Type))
		case f.ID == 4 && kind == dataPage:
			h.repEncoding = encoding(r.I32(f.Type))
		default:
			r.Skip(f.Type)
		}
	}
}

func (h *pageHeader) readV2Field(r *compact.Reader, f compact.Field) {
	switch f.ID {
	case 2:
		h.nulls = r.I32(f.Type)
	case 3:
		h.rows = r.I32(f.Type)
	case 4:
		h.encoding = encoding(r.I32(f.Type))
	case 5:
		h.defBytes = r.I32(f.Type)
	case 6:
		h.repBytes = r.I32(f.Type)
	case 7:
		h.isCompressed = r.Bool(f)
	default:
		r.Skip(f.Type)
	}
}

// page is one page, decompressed. What it holds is good until the next is read.
type page struct {
	pageHeader
	reps    []uint8 // nil where the column does not repeat
	defs    []uint8 // nil where every value is there
	defined int     // values that are there
	body    []byte  // the encoded values
}

const (
	readAhead      = 1 << 20 // bytes to ask the file for at a time
	firstLook      = 256     // bytes in which most page headers fit
	pageHeaderMost = 16 << 20
)

// pageReader reads the pages of one column chunk after another. It keeps its memory, and is for one goroutine.
type pageReader struct {
	in    io.ReaderAt
	limit int
	zip   *compressor
	head  compact.Reader
	// stride is how many bytes to ask the file for at a time, 0 for readAhead.
	stride int

	leaf  *leaf
	chunk *chunk
	ahead int64 // where in the file the bytes after the window are
	have  []byte
	left  int64 // values of the chunk not yet seen

	// keep asks to put decompressed pages by in kept, for another reader of the same column chunk that gets them as given.
	keep  bool
	kept  [][]byte
	given [][]byte
	spare [][]byte // memory for pages that are put by or detached
	inRaw bool     // the values of the page at hand are in memory of their own, raw or put by

	window []byte
	raw    []byte
	defs   []uint8
	reps   []uint8
}

// open starts on a column chunk.
func (p *pageReader) open(l *leaf, ch *chunk) {
	p.leaf, p.chunk, p.ahead, p.have, p.left = l, ch, ch.start, nil, ch.values
	p.keep, p.kept, p.given = false, nil, nil
}

// mostKept is how many bytes of decompressed pages of a column chunk are put by.
const mostKept = 8 << 20

// next reads the next page, or returns io.EOF when every value of the chunk was read.
func (p *pageReader) next() (pg page, err error) {
	for {
		if p.left == 0 {
			return pg, io.EOF
		}
		if pg.pageHeader, err = p.header(); err != nil {
			return pg, err
		}
		// An index in memory takes four bytes, however few it takes in a page.
		if most := max(int64(pg.size), int64(pg.compressed), 4*int64(pg.values)); most > int64(p.limit) {
			return pg, errOverLimit(int(most), p.limit)
		}
		packed, err := p.peek(int(pg.compressed))
		if err != nil {
			return pg, err
		}
		if len(packed) < int(pg.compressed) {
			return pg, corrupt("a page is longer than its column chunk")
		}
		packed = packed[:pg.compressed]
		p.have = p.have[pg.compressed:]
		if pg.kind == indexPage {
			continue
		}
		if pg.hasCRC && crc32.ChecksumIEEE(packed) != pg.crc {
			return pg, corrupt("a page does not match its checksum")
		}
		return pg, p.unpack(&pg, packed)
	}
}

// header reads a page header, which is of unknown length.
func (p *pageReader) header() (pageHeader, error) {
	for look := firstLook; ; look *= 8 {
		data, err := p.peek(look)
		if err != nil {
			return pageHeader{}, err
		}
		p.head.Reset(data)
		h, err := readPageHeader(&p.head)
		switch {
		case err == nil:
			p.have = p.have[p.head.Pos():]
			return h, nil
		case len(data) == 0:
			return h, corrupt("its pages end before all its values were read")
		case errors.Is(err, compact.ErrShort) && len(data) >= look && look < pageHeaderMost:
			continue
		case errors.Is(err, compact.ErrShort) || errors.Is(err, compact.ErrMalformed):
			return h, errPageHeader
		}
		return h, err
	}
}

// peek returns at least n of the bytes that come next, or fewer where the chunk ends.
func (p *pageReader) peek(n int) ([]byte, error) {
	rest := p.chunk.end - p.ahead
	if len(p.have) >= n || rest == 0 {
		return p.have, nil
	}
	more := int(min(rest, int64(max(n-len(p.have), cmp.Or(p.stride, readAhead)))))
	need := len(p.have) + more
	if cap(p.window) < need {
		window := make([]byte, need)
		copy(window, p.have)
		p.window = window
	} else {
		copy(p.window[:need], p.have)
	}
	window := p.window[:need]
	if err := readFull(p.in, window[len(p.have):], p.ahead); err != nil {
		return nil, err
	}
	p.ahead += int64(more)
	p.have = window
	return window, nil
}

// mostExpansion is how many bytes a codec makes of one at most (brotli and zstd have no such bound below the limit of a page).
var mostExpansion = map[codec]int{uncompressed: 1, snappyCodec: 32, lz4Raw: 256, lz4Hadoop: 256, gzipCodec: 1040}

// unpack decompresses a page and reads its levels.
func (p *pageReader) unpack(pg *page, packed []byte) error {
	if pg.kind != dictionaryPage {
		if int64(pg.values) > p.left {
			return corrupt("its pages hold more values than its metadata says")
		}
		p.left -= int64(pg.values)
	}
	levels := 0
	if pg.kind == dataPageV2 {
		levels = int(pg.defBytes) + int(pg.repBytes)
	}
	raw, err := p.decompress(pg, packed[levels:], int(pg.size)-levels)
	if err != nil {
		return err
	}
	switch pg.kind {
	case dictionaryPage:
		pg.body = raw
		return nil
	case dataPageV2:
		pg.body = raw
		return p.levelsV2(pg, packed[:levels])
	}
	return p.levelsV1(pg, raw)
}

func (p *pageReader) decompress(pg *page, packed []byte, size int) ([]byte, error) {
	c := p.chunk.codec
	p.inRaw = false
	if c == uncompressed || !pg.isCompressed {
		if len(packed) != size {
			return nil, corrupt("an uncompressed page has two sizes")
		}
		return packed, nil
	}
	if len(p.given) > 0 && len(p.given[0]) == size {
		raw := p.given[0]
		p.given = p.given[1:]
		return raw, nil
	}
	if most := mostExpansion[c]; most > 0 && size > most*(len(packed)+16) {
		return nil, corrupt("a page says that it is larger than its compressed data can be")
	}
	if p.raw == nil {
		p.raw = p.fresh()
	}
	if cap(p.raw) < size {
		p.raw = make([]byte, size, size+size/8)
	}
	raw := p.raw[:size]
	if err := p.zip.decompress(c, raw, packed); err != nil {
		if errors.Is(err, errCompressed) {
			err = corrupt("a page cannot be decompressed")
		}
		return nil, err
	}
	p.inRaw = true
	if p.keep {
		p.putBy(raw)
	}
	return raw, nil
}

// putBy puts a page by, and leaves its memory with it. Pages are put by all or not at all.
func (p *pageReader) putBy(raw []byte) {
	size := len(raw)
	for _, page := range p.kept {
		size += len(page)
	}
	if size > mostKept {
		p.keep, p.kept = false, nil
		return
	}
	p.kept, p.raw = append(p.kept, raw), nil
}

// detach makes the values of the page at hand outlive it, where they are in memory of their own. The caller is to give memory back
// with reuse; it is nil where the page was put by.
func (p *pageReader) detach() (memory []byte, ok bool) {
	if !p.inRaw {
		return nil, false
	}
	memory, p.raw = p.raw, nil
	return memory, true
}

// reuse takes memory back.
func (p *pageReader) reuse(memory [][]byte) {
	for _, m := range memory {
		if m != nil {
			p.spare = append(p.spare, m)
		}
	}
}

// fresh gives memory that was given back, or nil.
func (p *pageReader) fresh() (memory []byte) {
	if n := len(p.spare); n > 0 {
		memory, p.spare = p.spare[n-1], p.spare[:n-1]
	}
	return memory
}

// levelsV1 reads the levels that a data page v1 starts with.
func (p *pageReader) levelsV1(pg *page, body []byte) (err error) {
	if p.leaf.maxRep > 0 {
		if pg.reps, body, err = p.repsV1(pg, body); err != nil {
			return err
		}
	}
	pg.defined = int(pg.values)
	if p.leaf.maxDef > 0 {
		if body, err = p.defsV1(pg, body); err != nil {
			return err
		}
	}
	pg.body = body
	return nil
}

func (p *pageReader) repsV1(pg *page, body []byte) ([]uint8, []byte, error) {
	p.reps = room(p.reps, int(pg.values))
	rest, err := levelsV1(p.reps, body, pg.repEncoding, p.leaf.maxRep)
	return p.reps, rest, err
}

func (p *pageReader) defsV1(pg *page, body []byte) ([]byte, error) {
	if pg.defEncoding == rle {
		packed, rest, err := sized(body)
		if err != nil {
			return nil, err
		}
		return rest, p.readDefs(pg, packed)
	}
	p.defs = room(p.defs, int(pg.values))
	rest, err := levelsV1(p.defs, body, pg.defEncoding, p.leaf.maxDef)
	pg.defs, pg.defined = p.defs, int(countEqual(p.defs, p.leaf.maxDef))
	return rest, err
}

// levelsV1 reads the levels of a data page v1 into dst, and returns what is behind them.
func levelsV1(dst []uint8, body []byte, e encoding, most uint8) (rest []byte, err error) {
	width := widthOf(uint32(most))
	switch e {
	case rle:
		var packed []byte
		if packed, rest, err = sized(body); err == nil {
			err = decodeHybrid(dst, packed, width)
		}
	case bitPacked:
		var size int
		if size, err = decodeBitPacked(dst, body, width); err == nil {
			rest = body[size:]
		}
	default:
		return nil, corrupt("its levels are in an encoding that levels cannot have")
	}
	if err != nil {
		return nil, err
	}
	return rest, checkLevels(dst, most)
}

var errLevels = corrupt("a level is larger than the schema allows")

func checkLevels(levels []uint8, most uint8) error {
	if most&(most+1) == 0 {
		return nil // no larger level fits the bit width
	}
	var largest uint8
	for _, l := range levels {
		largest = max(largest, l)
	}
	if largest > most {
		return errLevels
	}
	return nil
}

// levelsV2 reads the levels of a data page v2, which stand before its values and are never compressed.
func (p *pageReader) levelsV2(pg *page, levels []byte) error {
	if p.leaf.maxRep > 0 {
		p.reps = room(p.reps, int(pg.values))
		if err := decodeHybrid(p.reps, levels[:pg.repBytes], widthOf(uint32(p.leaf.maxRep))); err != nil {
			return err
		}
		if err := checkLevels(p.reps, p.leaf.maxRep); err != nil {
			return err
		}
		pg.reps = p.reps
		if len(pg.reps) > 0 && pg.reps[0] != 0 {
			return corrupt("a page of version 2 starts within a record")
		}
	} else if pg.rows != pg.values {
		return corrupt("a page has another number of records than of values")
	}
	pg.defined = int(pg.values)
	if p.leaf.maxDef > 0 {
		return p.readDefs(pg, levels[pg.repBytes:])
	}
	return nil
}

// readDefs reads definition levels, but for the common page in which every value is there.
func (p *pageReader) readDefs(pg *page, packed []byte) error {
	width := widthOf(uint32(p.leaf.maxDef))
	if v, ok := constant(packed, int(pg.values), width); ok && v == uint32(p.leaf.maxDef) {
		return nil
	}
	p.defs = room(p.defs, int(pg.values))
	if err := decodeHybrid(p.defs, packed, width); err != nil {
		return err
	}
	if err := checkLevels(p.defs, p.leaf.maxDef); err != nil {
		return err
	}
	pg.defs, pg.defined = p.defs, int(countEqual(p.defs, p.leaf.maxDef))
	return nil
}

// room returns b with length n, its content undefined.
func room[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n, n+n/8)
	}
	return b[:n]
}
