// Package page reads the pages of a column chunk (header, checksum, decompression, levels,
// dictionary) and writes page headers and levels. It believes nothing that the bytes do not bear
// out.
package page

// Reading pages.

import (
	"cmp"
	"errors"
	"hash/crc32"
	"io"

	"noo/formats/parquet/internal/codec"
	"noo/formats/parquet/internal/encoding"
	"noo/formats/parquet/internal/meta"
	"noo/formats/parquet/internal/spans"
	"noo/formats/parquet/internal/spec"
	"noo/formats/parquet/internal/thrift"
)

// Header is a PageHeader without its statistics.
type Header struct {
	Kind                     int32
	Size, Compressed         int32 // in bytes
	CRC                      uint32
	HasCRC                   bool
	Values                   int32 // with nulls
	Encoding                 spec.Encoding
	defEncoding, repEncoding spec.Encoding // of data pages v1
	Nulls, Rows              int32         // of data pages v2
	DefBytes, RepBytes       int32         // of data pages v2
	IsCompressed             bool
	sorted                   bool // of dictionary pages
	described                bool // the part for its kind was there
}

var errPageHeader = spec.Corrupt("a page header is malformed")

// readHeader reads a PageHeader (parquet.thrift).
func readHeader(r *thrift.Reader) (h Header, err error) {
	h = Header{Kind: -1, Size: -1, Compressed: -1, IsCompressed: true}
	for f := (thrift.Field{}); r.Next(&f); {
		switch f.ID {
		case 1:
			h.Kind = r.I32(f.Type)
		case 2:
			h.Size = r.I32(f.Type)
		case 3:
			h.Compressed = r.I32(f.Type)
		case 4:
			h.CRC, h.HasCRC = uint32(r.I32(f.Type)), true
		case 5:
			h.readPart(r, f.Type, spec.DataPage)
		case 7:
			h.readPart(r, f.Type, spec.DictionaryPage)
		case 8:
			h.readPart(r, f.Type, spec.DataPageV2)
		default:
			r.Skip(f.Type)
		}
	}
	if r.Err() != nil {
		return h, r.Err()
	}
	if h.Size < 0 || h.Compressed < 0 || h.Values < 0 || h.Kind < spec.DataPage ||
		h.Kind > spec.DataPageV2 ||
		h.Kind != spec.IndexPage && !h.described {
		return h, errPageHeader
	}
	if h.Kind == spec.DataPageV2 &&
		(h.DefBytes < 0 || h.RepBytes < 0 || h.Nulls < 0 || h.Nulls > h.Values || h.Rows < 0 || h.Rows > h.Values ||
			int64(h.DefBytes)+int64(h.RepBytes) > int64(min(h.Size, h.Compressed))) {
		return h, errPageHeader
	}
	return h, nil
}

// readPart reads a DataPageHeader, a DictionaryPageHeader or a DataPageHeaderV2, whose first fields
// are alike.
func (h *Header) readPart(r *thrift.Reader, t thrift.Type, kind int32) {
	if h.Kind != kind {
		r.Skip(t) // a header for another kind of page than this is
		return
	}
	h.described = true
	for f := r.Enter(t); r.Next(&f); {
		switch {
		case f.ID == 1:
			h.Values = r.I32(f.Type)
		case kind == spec.DataPageV2:
			h.readV2Field(r, f)
		case f.ID == 2:
			h.Encoding = spec.Encoding(r.I32(f.Type))
		case f.ID == 3 && kind == spec.DictionaryPage:
			h.sorted = r.Bool(f)
		case f.ID == 3:
			h.defEncoding = spec.Encoding(r.I32(f.Type))
		case f.ID == 4 && kind == spec.DataPage:
			h.repEncoding = spec.Encoding(r.I32(f.Type))
		default:
			r.Skip(f.Type)
		}
	}
}

func (h *Header) readV2Field(r *thrift.Reader, f thrift.Field) {
	switch f.ID {
	case 2:
		h.Nulls = r.I32(f.Type)
	case 3:
		h.Rows = r.I32(f.Type)
	case 4:
		h.Encoding = spec.Encoding(r.I32(f.Type))
	case 5:
		h.DefBytes = r.I32(f.Type)
	case 6:
		h.RepBytes = r.I32(f.Type)
	case 7:
		h.IsCompressed = r.Bool(f)
	default:
		r.Skip(f.Type)
	}
}

// Page is one page, decompressed. What it holds is good until the next is read.
type Page struct {
	Header
	Reps    []uint8 // nil where the column does not repeat
	Defs    []uint8 // nil where every value is there
	Defined int     // values that are there
	Body    []byte  // the encoded values
}

const (
	readAhead      = 1 << 20 // bytes to ask the file for at a time
	firstLook      = 256     // bytes in which most page headers fit
	pageHeaderMost = 16 << 20
)

// Reader reads the pages of one column chunk after another. It keeps its memory, and is for one
// goroutine.
type Reader struct {
	In    io.ReaderAt
	Limit int
	Zip   *codec.Compressor
	head  thrift.Reader
	// Stride is how many bytes to ask the file for at a time, 0 for readAhead.
	Stride int

	leaf  *meta.Leaf
	Chunk *meta.Chunk
	Ahead int64 // where in the file the bytes after the window are
	Have  []byte
	Left  int64 // values of the chunk not yet seen

	// Keep asks to put decompressed pages by in kept, for another reader of the same column chunk
	// that gets them as given.
	Keep  bool
	Kept  [][]byte
	Given [][]byte
	Spare [][]byte // memory for pages that are cached or detached
	inRaw bool     // the values of the page at hand are in memory of their own, raw or put by

	window []byte
	raw    []byte
	defs   []uint8
	reps   []uint8
}

// Open starts on a column chunk.
func (p *Reader) Open(l *meta.Leaf, ch *meta.Chunk) {
	p.leaf, p.Chunk, p.Ahead, p.Have, p.Left = l, ch, ch.Start, nil, ch.Values
	p.Keep, p.Kept, p.Given = false, nil, nil
}

// mostKept is how many bytes of decompressed pages of a column chunk are cached.
const mostKept = 8 << 20

// Next reads the next page, or returns io.EOF when every value of the chunk was read.
func (p *Reader) Next() (pg Page, err error) {
	for {
		if p.Left == 0 {
			return pg, io.EOF
		}
		if pg.Header, err = p.header(); err != nil {
			return pg, err
		}
		// An index in memory takes four bytes, however few it takes in a page.
		if most := max(int64(pg.Size), int64(pg.Compressed), 4*int64(pg.Values)); most > int64(
			p.Limit,
		) {
			return pg, spec.ErrOverLimit(int(most), p.Limit)
		}
		packed, err := p.peek(int(pg.Compressed))
		if err != nil {
			return pg, err
		}
		if len(packed) < int(pg.Compressed) {
			return pg, spec.Corrupt("a page is longer than its column chunk")
		}
		packed = packed[:pg.Compressed]
		p.Have = p.Have[pg.Compressed:]
		if pg.Kind == spec.IndexPage {
			continue
		}
		if pg.HasCRC && crc32.ChecksumIEEE(packed) != pg.CRC {
			return pg, spec.Corrupt("a page does not match its checksum")
		}
		return pg, p.unpack(&pg, packed)
	}
}

// Header reads a page header, which is of unknown length.
func (p *Reader) header() (Header, error) {
	for look := firstLook; ; look *= 8 {
		data, err := p.peek(look)
		if err != nil {
			return Header{}, err
		}
		p.head.Reset(data)
		h, err := readHeader(&p.head)
		switch {
		case err == nil:
			p.Have = p.Have[p.head.Pos():]
			return h, nil
		case len(data) == 0:
			return h, spec.Corrupt("its pages end before all its values were read")
		case errors.Is(err, thrift.ErrShort) && len(data) >= look && look < pageHeaderMost:
			continue
		case errors.Is(err, thrift.ErrShort) || errors.Is(err, thrift.ErrMalformed):
			return h, errPageHeader
		}
		return h, err
	}
}

// peek returns at least n of the bytes that come next, or fewer where the chunk ends.
func (p *Reader) peek(n int) ([]byte, error) {
	rest := p.Chunk.End - p.Ahead
	if len(p.Have) >= n || rest == 0 {
		return p.Have, nil
	}
	more := int(min(rest, int64(max(n-len(p.Have), cmp.Or(p.Stride, readAhead)))))
	need := len(p.Have) + more
	if cap(p.window) < need {
		window := make([]byte, need)
		copy(window, p.Have)
		p.window = window
	} else {
		copy(p.window[:need], p.Have)
	}
	window := p.window[:need]
	if err := spec.ReadFull(p.In, window[len(p.Have):], p.Ahead); err != nil {
		return nil, err
	}
	p.Ahead += int64(more)
	p.Have = window
	return window, nil
}

// mostExpansion is how many bytes a codec makes of one at most (brotli and zstd have no such bound
// below the limit of a page).
var mostExpansion = map[spec.Codec]int{
	spec.Uncompressed: 1,
	spec.SnappyCodec:  32,
	spec.LZ4Raw:       256,
	spec.LZ4Hadoop:    256,
	spec.GzipCodec:    1040,
}

// unpack decompresses a page and reads its levels.
func (p *Reader) unpack(pg *Page, packed []byte) error {
	if pg.Kind != spec.DictionaryPage {
		if int64(pg.Values) > p.Left {
			return spec.Corrupt("its pages hold more values than its metadata says")
		}
		p.Left -= int64(pg.Values)
	}
	levels := 0
	if pg.Kind == spec.DataPageV2 {
		levels = int(pg.DefBytes) + int(pg.RepBytes)
	}
	raw, err := p.decompress(pg, packed[levels:], int(pg.Size)-levels)
	if err != nil {
		return err
	}
	switch pg.Kind {
	case spec.DictionaryPage:
		pg.Body = raw
		return nil
	case spec.DataPageV2:
		pg.Body = raw
		return p.levelsV2(pg, packed[:levels])
	}
	return p.levelsV1(pg, raw)
}

func (p *Reader) decompress(pg *Page, packed []byte, size int) ([]byte, error) {
	c := p.Chunk.Codec
	p.inRaw = false
	if c == spec.Uncompressed || !pg.IsCompressed {
		if len(packed) != size {
			return nil, spec.Corrupt("an uncompressed page has two sizes")
		}
		return packed, nil
	}
	if len(p.Given) > 0 && len(p.Given[0]) == size {
		raw := p.Given[0]
		p.Given = p.Given[1:]
		return raw, nil
	}
	if most := mostExpansion[c]; most > 0 && size > most*(len(packed)+16) {
		return nil, spec.Corrupt("a page says that it is larger than its compressed data can be")
	}
	if p.raw == nil {
		p.raw = p.Fresh()
	}
	if cap(p.raw) < size {
		p.raw = make([]byte, size, size+size/8)
	}
	raw := p.raw[:size]
	if err := p.Zip.Decompress(c, raw, packed); err != nil {
		if errors.Is(err, codec.ErrCompressed) {
			err = spec.Corrupt("a page cannot be decompressed")
		}
		return nil, err
	}
	p.inRaw = true
	if p.Keep {
		p.cachePage(raw)
	}
	return raw, nil
}

// cachePage caches a page, and leaves its memory with it. Pages are cached all or not at all.
func (p *Reader) cachePage(raw []byte) {
	size := len(raw)
	for _, page := range p.Kept {
		size += len(page)
	}
	if size > mostKept {
		p.Keep, p.Kept = false, nil
		return
	}
	p.Kept, p.raw = append(p.Kept, raw), nil
}

// Detach makes the values of the page at hand outlive it, where they are in memory of their own.
// The caller is to give memory back with reuse; it is nil where the page was cached.
func (p *Reader) Detach() (memory []byte, ok bool) {
	if !p.inRaw {
		return nil, false
	}
	memory, p.raw = p.raw, nil
	return memory, true
}

// Reuse takes memory back.
func (p *Reader) Reuse(memory [][]byte) {
	for _, m := range memory {
		if m != nil {
			p.Spare = append(p.Spare, m)
		}
	}
}

// Fresh gives memory that was given back, or nil.
func (p *Reader) Fresh() (memory []byte) {
	if n := len(p.Spare); n > 0 {
		memory, p.Spare = p.Spare[n-1], p.Spare[:n-1]
	}
	return memory
}

// levelsV1 reads the levels that a data page v1 starts with.
func (p *Reader) levelsV1(pg *Page, body []byte) (err error) {
	if p.leaf.MaxRep > 0 {
		if pg.Reps, body, err = p.repsV1(pg, body); err != nil {
			return err
		}
	}
	pg.Defined = int(pg.Values)
	if p.leaf.MaxDef > 0 {
		if body, err = p.defsV1(pg, body); err != nil {
			return err
		}
	}
	pg.Body = body
	return nil
}

func (p *Reader) repsV1(pg *Page, body []byte) ([]uint8, []byte, error) {
	p.reps = encoding.Resize(p.reps, int(pg.Values))
	rest, err := levelsV1(p.reps, body, pg.repEncoding, p.leaf.MaxRep)
	return p.reps, rest, err
}

func (p *Reader) defsV1(pg *Page, body []byte) ([]byte, error) {
	if pg.defEncoding == spec.RLE {
		packed, rest, err := encoding.Sized(body)
		if err != nil {
			return nil, err
		}
		return rest, p.readDefs(pg, packed)
	}
	p.defs = encoding.Resize(p.defs, int(pg.Values))
	rest, err := levelsV1(p.defs, body, pg.defEncoding, p.leaf.MaxDef)
	pg.Defs, pg.Defined = p.defs, int(spans.CountEqual(p.defs, p.leaf.MaxDef))
	return rest, err
}

// levelsV1 reads the levels of a data page v1 into dst, and returns what is behind them.
func levelsV1(dst []uint8, body []byte, e spec.Encoding, most uint8) (rest []byte, err error) {
	width := encoding.WidthOf(uint32(most))
	switch e {
	case spec.RLE:
		var packed []byte
		if packed, rest, err = encoding.Sized(body); err == nil {
			err = encoding.DecodeHybrid(dst, packed, width)
		}
	case spec.BitPacked:
		var size int
		if size, err = encoding.DecodeBitPacked(dst, body, width); err == nil {
			rest = body[size:]
		}
	default:
		return nil, spec.Corrupt("its levels are in an encoding that levels cannot have")
	}
	if err != nil {
		return nil, err
	}
	return rest, checkLevels(dst, most)
}

var errLevels = spec.Corrupt("a level is larger than the schema allows")

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

// levelsV2 reads the levels of a data page v2, which are before its values and are never
// compressed.
func (p *Reader) levelsV2(pg *Page, levels []byte) error {
	if p.leaf.MaxRep > 0 {
		p.reps = encoding.Resize(p.reps, int(pg.Values))
		if err := encoding.DecodeHybrid(p.reps, levels[:pg.RepBytes], encoding.WidthOf(uint32(p.leaf.MaxRep))); err != nil {
			return err
		}
		if err := checkLevels(p.reps, p.leaf.MaxRep); err != nil {
			return err
		}
		pg.Reps = p.reps
		if len(pg.Reps) > 0 && pg.Reps[0] != 0 {
			return spec.Corrupt("a page of version 2 starts within a record")
		}
	} else if pg.Rows != pg.Values {
		return spec.Corrupt("a page has another number of records than of values")
	}
	pg.Defined = int(pg.Values)
	if p.leaf.MaxDef > 0 {
		return p.readDefs(pg, levels[pg.RepBytes:])
	}
	return nil
}

// readDefs reads definition levels, but for the common page in which every value is there.
func (p *Reader) readDefs(pg *Page, packed []byte) error {
	width := encoding.WidthOf(uint32(p.leaf.MaxDef))
	if v, ok := encoding.Constant(packed, int(pg.Values), width); ok && v == uint32(p.leaf.MaxDef) {
		return nil
	}
	p.defs = encoding.Resize(p.defs, int(pg.Values))
	if err := encoding.DecodeHybrid(p.defs, packed, width); err != nil {
		return err
	}
	if err := checkLevels(p.defs, p.leaf.MaxDef); err != nil {
		return err
	}
	pg.Defs, pg.Defined = p.defs, int(spans.CountEqual(p.defs, p.leaf.MaxDef))
	return nil
}
