// Package identify reads the values of columns: those that identify people for a formats.Decider,
// and those that are watched for a formats.Watcher.
package identify

// Identifying columns: a dictionary is handed on once, and the rest as places in it.

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"noo/formats"
	"noo/formats/internal/decimal"
	"noo/formats/parquet/internal/encoding"
	"noo/formats/parquet/internal/meta"
	"noo/formats/parquet/internal/page"
	"noo/formats/parquet/internal/spec"
)

// ValueType is how the values of an identifying column are read.
type ValueType uint8

// The value types.
const (
	AsText    ValueType = iota
	asInt               // of 4 or 8 bytes, signed
	AsUint              // of 4 bytes
	asFloat             // of 8 bytes
	AsBytes             // a whole decimal of at most 8 bytes, as an integer
	AsDecimal           // a number that an int64 may not hold, as text
	AsWide              // an integer of 128 bits as text, and everything else as it is
)

// ErrNotIdentifying is a column that nobody can be told by.
var ErrNotIdentifying = errors.New("noo cannot filter by a column")

// errDisputed is a column that programs read in different ways. A sample shows its values as the
// newer annotation has them.
var errDisputed = fmt.Errorf("%w whose annotations contradict one another: "+
	"write the file anew with one of them", ErrNotIdentifying)

// Numberless reports whether a value of a column has no room for an NHS number.
func Numberless(l *meta.Leaf) bool {
	_, err := TypeOf(l)
	return err != nil
}

// TypeOf tells how a column holds NHS numbers, or why it cannot. What a sample looks at can also
// be named.
func TypeOf(l *meta.Leaf) (ValueType, error) {
	refuse := func(reason string) (ValueType, error) {
		return 0, fmt.Errorf("%w of type %s, %s", ErrNotIdentifying, l.TypeText(), reason)
	}
	if l.Note == spec.Decimal && (l.Scale < 0 || l.Scale > decimal.MostScale) {
		return refuse("whose scale is not from 0 to 76")
	}
	switch l.Kind {
	case spec.ByteArray, spec.FixedLenByteArray:
		switch {
		case l.Note == spec.Decimal && l.Scale == 0 && 0 < l.Width && l.Width <= 8:
			return AsBytes, nil
		case l.Note == spec.Decimal:
			return AsDecimal, nil
		case l.Width == decimal.WideBytes && (l.Note == spec.Unannotated || l.Note == spec.Strange):
			return AsWide, nil
		}
		return AsText, nil // whatever it is said to be
	case spec.Int32Type, spec.Int64Type:
		switch {
		case l.Note == spec.Decimal && l.Scale != 0,
			l.Note == spec.UnsignedInt && l.Kind == spec.Int64Type:
			return AsDecimal, nil
		case l.Note == spec.UnsignedInt:
			return AsUint, nil
		case l.Note == spec.Unannotated,
			l.Note == spec.SignedInt,
			l.Note == spec.Decimal,
			l.Note == spec.Strange:
			return asInt, nil
		}
	case spec.Double:
		return asFloat, nil
	case spec.Float:
		return refuse("which holds only seven of the ten digits")
	}
	return refuse("which is not text, an integer, DOUBLE or DECIMAL")
}

// Refusal returns why noo does not filter by a column, or nil where it does.
func Refusal(l *meta.Leaf) error {
	if l.Disputed {
		return errDisputed
	}
	_, err := TypeOf(l)
	return err
}

// batchBytes is how many bytes of pages a batch of records may hold at least, however small a page
// must be: some ten times what one of NHS numbers holds.
const batchBytes = 32 << 20

const (
	// SampleBytes is how many bytes of decoded pages a sample of a column holds at most, and a page
	// more.
	SampleBytes = 4 << 20
	// SampleOccurrences is how many values of lists a sample of a column holds at most, and those
	// of one list in a page more.
	SampleOccurrences = 1 << 14
)

// dictionaryBytes is what a value of a dictionary takes beside its own bytes: a slice twice, and
// its place.
const dictionaryBytes = 24 + 24 + 4

// Reader reads one identifying column of one row group after another. It keeps its memory, and is
// for one goroutine.
type Reader struct {
	Pages  page.Reader
	Quirks meta.Quirks
	Limit  int
	leaf   *meta.Leaf
	mean   ValueType
	// Sparing is for a sample: take stops short of the records asked for where their values take
	// more memory than that is worth, and of a dictionary only the values in use are read.
	Sparing bool

	dict     page.Dictionary
	coders   map[spec.Encoding]encoding.Coder
	page     page.Page
	open     bool     // page has levels left
	at       int      // the next level in page
	body     []byte   // of page: the PLAIN values not yet taken
	indexed  bool     // page has indices instead
	indices  []uint32 // of page, those not yet taken
	scratch  []uint32
	plain    []byte
	bodies   [][]byte // memory that values of the batch at hand lie in, the last for page
	held     int      // bytes of the values read for the batch at hand, and of texts made of them
	listed   int      // values of lists taken for it
	dictText [][]byte
	dictInts []int64
	dictReal []float64
	dictMade arena // texts of the dictionary that were made

	stride int                  // of the values of page, where they are all of one length
	even   []formats.FixedWidth // values of the batch, before any in text
	text   [][]byte
	made   arena // texts of the batch that were made
	ints   []int64
	reals  []float64
	index  []int32
	ends   []int32
	// spelt tells that index is in use: some occurrence is not the value of its own number.
	spelt bool
}

// Start begins a row group.
func (d *Reader) Start(l *meta.Leaf, mean ValueType, ch *meta.Chunk) {
	d.leaf, d.mean = l, mean
	d.Pages.Open(l, ch)
	d.dict.Forget()
	d.coders = map[spec.Encoding]encoding.Coder{}
	d.open = false
	d.dictText, d.dictInts, d.dictReal = d.dictText[:0], d.dictInts[:0], d.dictReal[:0]
	d.dictMade.empty()
}

// Take reads the values of the next n records, or of as many as there are left. They are good until
// the next call.
func (d *Reader) Take(ctx context.Context, n int) (formats.Values, int, error) {
	d.beginBatch()
	records, occurrences := 0, 0
	for {
		if !d.open {
			if d.Sated() {
				break
			}
			if err := ctx.Err(); err != nil {
				return formats.Values{}, 0, err
			}
			err := d.nextPage(records == 0)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return formats.Values{}, 0, err
			}
		}
		var full bool
		var err error
		if d.leaf.MaxRep == 0 {
			full, err = d.takeFlat(&records, n)
		} else {
			full, err = d.takeNested(&records, &occurrences, n)
		}
		if err != nil {
			return formats.Values{}, 0, err
		}
		if full {
			break
		}
	}
	if d.leaf.MaxRep > 0 && records > 0 {
		d.ends = append(d.ends, int32(occurrences))
	}
	return d.batch(), records, nil
}

// beginBatch forgets the values of the last batch, but for the dictionary and what is left of the
// page.
func (d *Reader) beginBatch() {
	if n := len(d.bodies); n > 1 {
		d.Pages.Reuse(d.bodies[:n-1])
		d.bodies = append(d.bodies[:0], d.bodies[n-1])
	}
	d.made.empty()
	d.text = append(d.text[:0], d.dictText...)
	d.ints = append(d.ints[:0], d.dictInts...)
	d.reals = append(d.reals[:0], d.dictReal...)
	d.index, d.ends, d.even = d.index[:0], d.ends[:0], d.even[:0]
	d.spelt, d.held, d.listed = d.dict.Present && !d.Sparing, 0, 0
	if d.open && !d.Sparing {
		d.held = len(d.body)
	}
}

// Sated reports whether a batch has all that a sample is to take.
func (d *Reader) Sated() bool {
	return d.Sparing && (d.held > SampleBytes || d.listed > SampleOccurrences)
}

func (d *Reader) batch() formats.Values {
	var v formats.Values
	switch d.mean {
	case AsText, AsDecimal, AsWide:
		v.Text, v.Fixed = d.text, d.even
	case asFloat:
		v.Floats = d.reals
	default:
		v.Ints = d.ints
	}
	if d.spelt {
		v.Index = d.index
		if v.Index == nil {
			v.Index = []int32{}
		}
	}
	if d.leaf.MaxRep > 0 {
		v.Ends = d.ends
	}
	return v
}

// nextPage reads up to the next data page. fresh tells that the batch has no values yet.
func (d *Reader) nextPage(fresh bool) error {
	for {
		pg, err := d.Pages.Next()
		if err != nil {
			return err
		}
		if pg.Kind == spec.DictionaryPage {
			if d.Pages.Left != d.Pages.Chunk.Values {
				return spec.ErrLateDictionary
			}
			if err := d.loadDictionary(pg); err != nil {
				return err
			}
			if fresh {
				d.beginBatch()
			}
			continue
		}
		if pg.Values == 0 {
			continue
		}
		d.page, d.at, d.open = pg, 0, true
		return d.loadValues()
	}
}

// loadDictionary reads the values of a dictionary.
func (d *Reader) loadDictionary(pg page.Page) error {
	if err := d.dict.Load(pg, d.leaf); err != nil || d.Sparing {
		return err
	}
	if size := d.dict.Size * dictionaryBytes; size > max(d.Limit, batchBytes) {
		return fmt.Errorf(
			"its dictionary takes %d bytes in memory, and %d are allowed: %w",
			size,
			d.Limit,
			spec.ErrLimit,
		)
	}
	d.text, d.ints, d.reals = d.text[:0], d.ints[:0], d.reals[:0]
	d.made, d.dictMade = d.dictMade, d.made
	_, err := d.appendPlain(d.dict.Values, d.dict.Size)
	d.made, d.dictMade = d.dictMade, d.made
	if err != nil {
		return err
	}
	d.dictText = append(d.dictText[:0], d.text...)
	d.dictInts = append(d.dictInts[:0], d.ints...)
	d.dictReal = append(d.dictReal[:0], d.reals...)
	return nil
}

// loadValues makes the values of the page ready to be taken.
func (d *Reader) loadValues() (err error) {
	e := d.page.Encoding
	d.indexed = e == spec.PlainDictionary || e == spec.RLEDictionary
	if d.indexed {
		d.scratch, err = d.dict.Indices(d.scratch, d.page)
		d.indices = d.scratch
		return err
	}
	values := d.page.Body
	if e != spec.Plain {
		coder := d.coders[e]
		if coder == nil {
			if coder, err = encoding.CoderFor(d.leaf.Kind, d.leaf.Width, e, d.Quirks.ChainedPrefixes); err != nil {
				return err
			}
			d.coders[e] = coder
		}
		if d.plain, err = coder.ToPlain(d.plain[:0], values, d.page.Defined, d.Limit); err != nil {
			return err
		}
		values = d.plain
	}
	// The page's memory is used again for the next page, while values of this one may still be
	// wanted for the batch.
	var memory []byte
	apart := false
	if e == spec.Plain {
		memory, apart = d.Pages.Detach()
	}
	if !apart {
		memory = append(d.Pages.Fresh()[:0], values...)
		values = memory
	}
	d.held += len(values)
	if !d.Sparing && d.held > max(d.Limit, batchBytes) {
		return d.overLimit()
	}
	d.bodies = append(d.bodies, memory)
	d.body = values
	d.stride = 0
	if d.leaf.Kind == spec.ByteArray && d.mean == AsText && !d.Sparing {
		d.stride = encoding.StrideOf(values, d.page.Defined)
	}
	return nil
}

func (d *Reader) overLimit() error {
	return fmt.Errorf(
		"the pages of one batch of records take %d bytes in memory, and %d are allowed: %w",
		d.held,
		d.Limit,
		spec.ErrLimit,
	)
}

// takeFlat takes records of a column that does not repeat, each of which has one occurrence.
func (d *Reader) takeFlat(records *int, n int) (full bool, err error) {
	levels := min(n-*records, int(d.page.Values)-d.at)
	*records += levels
	if d.page.Defs == nil {
		err = d.takeValues(levels)
	} else {
		err = d.takeDefined(d.page.Defs[d.at:d.at+levels], 0)
	}
	d.at += levels
	d.open = d.at < int(d.page.Values)
	return *records == n, err
}

// takeDefined takes an occurrence for each level that is at least from: a value for the largest,
// otherwise a null.
func (d *Reader) takeDefined(levels []uint8, from uint8) error {
	for i := 0; i < len(levels); {
		if levels[i] != d.leaf.MaxDef {
			if levels[i] >= from {
				d.spell()
				d.index = append(d.index, -1)
			}
			i++
			continue
		}
		first := i
		for i < len(levels) && levels[i] == d.leaf.MaxDef {
			i++
		}
		if err := d.takeValues(i - first); err != nil {
			return err
		}
	}
	return nil
}

// takeNested takes records of a column that repeats. A record ends where the next begins, perhaps
// on a later page.
func (d *Reader) takeNested(records, occurrences *int, n int) (full bool, err error) {
	reps := d.page.Reps
	for d.at < int(d.page.Values) {
		if reps[d.at] == 0 {
			if *records == n {
				return true, nil
			}
			if *records > 0 {
				d.ends = append(d.ends, int32(*occurrences))
			}
			*records++
		} else if *records == 0 {
			return false, spec.ErrRows
		}
		first := d.at
		for d.at++; d.at < int(d.page.Values) && reps[d.at] != 0; d.at++ {
		}
		if d.page.Defs == nil {
			*occurrences += d.at - first
			err = d.takeValues(d.at - first)
		} else {
			levels := d.page.Defs[first:d.at]
			for _, level := range levels {
				if level >= d.leaf.ListDef {
					*occurrences++
				}
			}
			err = d.takeDefined(levels, d.leaf.ListDef)
		}
		if err != nil {
			return false, err
		}
		if d.listed = *occurrences; d.Sated() {
			return true, nil
		}
		if 8*int64(*occurrences) > int64(d.Limit) {
			return false, spec.ErrOverLimit(8**occurrences, d.Limit)
		}
	}
	d.open = false
	return false, nil
}

// spell begins to write an index, since from here on occurrences and values no longer go side by
// side.
func (d *Reader) spell() {
	if d.spelt {
		return
	}
	d.spelt = true
	d.spellEven()
	for i := range d.valuesHeld() {
		d.index = append(d.index, int32(i))
	}
}

// spellEven gives every text a slice of its own.
func (d *Reader) spellEven() {
	for k := range d.even {
		d.text = d.even[k].AppendTo(d.text)
	}
	d.even = d.even[:0]
}

// valuesHeld is the number of values in the batch, none of which is in even.
func (d *Reader) valuesHeld() int {
	return len(d.text) + len(d.ints) + len(d.reals) // two of them are empty
}

// takeValues takes the next n values of the page.
func (d *Reader) takeValues(n int) (err error) {
	if d.indexed && !d.Sparing {
		for _, index := range d.indices[:n] {
			d.index = append(d.index, int32(index))
		}
		d.indices = d.indices[n:]
		return nil
	}
	if d.stride > 0 && !d.spelt && len(d.text) == 0 {
		d.even = append(
			d.even,
			formats.FixedWidth{
				Data:   d.body,
				Start:  4,
				Stride: d.stride,
				Size:   d.stride - 4,
				Count:  n,
			},
		)
		d.body = d.body[n*d.stride:]
		return nil
	}
	d.spellEven()
	if d.spelt {
		held := d.valuesHeld()
		for i := range n {
			d.index = append(d.index, int32(held+i))
		}
	}
	if d.indexed {
		return d.lookUp(n)
	}
	size, err := d.appendPlain(d.body, n)
	d.body = d.body[size:]
	return err
}

// lookUp takes the next n values of the page out of the dictionary.
func (d *Reader) lookUp(n int) error {
	for _, index := range d.indices[:n] {
		if _, err := d.appendPlain(d.dict.Encoded(index), 1); err != nil {
			return err
		}
	}
	d.indices = d.indices[n:]
	return nil
}

// appendPlain appends the first n PLAIN values of src to the values of the batch, and returns their
// size.
func (d *Reader) appendPlain(src []byte, n int) (size int, err error) {
	if d.leaf.Kind == spec.ByteArray {
		return d.appendByteArrays(src, n)
	}
	width := d.leaf.Width
	if width > 0 && len(src)/width < n {
		return 0, spec.ErrValues
	}
	if d.mean == AsDecimal || d.mean == AsWide {
		return n * width, d.appendMade(src, width, n)
	}
	for at := 0; at < n*width; at += width {
		value := src[at : at+width : at+width]
		switch d.mean {
		case AsText:
			d.text = append(d.text, value)
		case AsBytes:
			d.ints = append(d.ints, BigEndianInt(value))
		case asFloat:
			d.reals = append(d.reals, math.Float64frombits(binary.LittleEndian.Uint64(value)))
		default:
			d.ints = append(d.ints, LittleEndianInt(value, d.mean == AsUint))
		}
	}
	if width == 0 {
		for range n {
			d.text = append(d.text, []byte{})
		}
	}
	return n * width, nil
}

// appendMade appends n values of a width, of which text is to be made.
func (d *Reader) appendMade(src []byte, width, n int) error {
	for ; n > 0; n-- {
		value := src[:width:width]
		src = src[width:]
		v, ok := int64(0), true
		if d.mean == AsWide {
			if v, ok = decimal.WideInt(value); !ok {
				d.text = append(d.text, value)
				continue
			}
		}
		if err := d.makeRoom(); err != nil {
			return err
		}
		made, start := d.made.block, len(d.made.block)
		switch {
		case d.mean == AsWide:
			made = decimal.AppendScaled(made, v, 0)
		case d.leaf.Kind == spec.FixedLenByteArray:
			made = decimal.Append(made, value, int(d.leaf.Scale))
		case d.leaf.Note == spec.UnsignedInt:
			made = decimal.AppendUnsigned(made, binary.LittleEndian.Uint64(value))
		default:
			made = decimal.AppendScaled(made, LittleEndianInt(value, false), int(d.leaf.Scale))
		}
		d.addMade(made, start)
	}
	return nil
}

// makeRoom sees to it that there is room for the text of a decimal.
func (d *Reader) makeRoom() error {
	if d.made.full() {
		if d.held > max(d.Limit, batchBytes) {
			return d.overLimit()
		}
		d.made.extend()
	}
	return nil
}

// addMade takes the text that a block ends with, from start on, for the next value.
func (d *Reader) addMade(block []byte, start int) {
	d.made.block = block
	d.text = append(d.text, block[start:len(block):len(block)])
	d.held += len(block) - start
}

func (d *Reader) appendByteArrays(src []byte, n int) (at int, err error) {
	if d.mean == AsDecimal {
		return d.appendDecimals(src, n)
	}
	text := d.text
	for range n {
		if len(src)-at < 4 {
			return 0, spec.ErrValues
		}
		size := int(binary.LittleEndian.Uint32(src[at:]))
		at += 4
		if size > len(src)-at {
			return 0, spec.ErrValues
		}
		text = append(text, src[at:at+size:at+size])
		at += size
	}
	d.text = text
	return at, nil
}

// appendDecimals appends n decimals of any length.
func (d *Reader) appendDecimals(src []byte, n int) (at int, err error) {
	for range n {
		if len(src)-at < 4 {
			return 0, spec.ErrValues
		}
		size := int(binary.LittleEndian.Uint32(src[at:]))
		at += 4
		if size > len(src)-at {
			return 0, spec.ErrValues
		}
		if err := d.makeRoom(); err != nil {
			return 0, err
		}
		start := len(d.made.block)
		d.addMade(decimal.Append(d.made.block, src[at:at+size], int(d.leaf.Scale)), start)
		at += size
	}
	return at, nil
}

// LittleEndianInt reads an integer of 4 or 8 bytes, of which one of 8 is signed.
func LittleEndianInt(b []byte, unsigned bool) int64 {
	if len(b) == 4 {
		v := binary.LittleEndian.Uint32(b)
		if unsigned {
			return int64(v)
		}
		return int64(int32(v))
	}
	return int64(binary.LittleEndian.Uint64(b))
}

// BigEndianInt reads a two's complement integer of 1 to 8 bytes.
func BigEndianInt(b []byte) int64 {
	v := int64(int8(b[0]))
	for _, c := range b[1:] {
		v = v<<8 | int64(c)
	}
	return v
}

// ValueTypes returns how the values of the identifying columns, places among leaves, are read.
func ValueTypes(leaves []meta.Leaf, columns []int) (types []ValueType, err error) {
	if len(columns) == 0 {
		return nil, fmt.Errorf("%w that nobody named", ErrNotIdentifying)
	}
	for _, c := range columns {
		if c < 0 || c >= len(leaves) {
			return nil, fmt.Errorf("%w that does not exist, number %d", ErrNotIdentifying, c)
		}
		if err := Refusal(&leaves[c]); err != nil {
			return nil, spec.At(spec.ColumnPart(leaves[c].Name), err)
		}
		mean, _ := TypeOf(&leaves[c])
		types = append(types, mean)
	}
	return types, nil
}
