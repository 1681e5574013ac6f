package parquet

// Reading identifying columns: the only values that this package looks at. They are handed to a Decider as the seam wants them,
// a dictionary once and the rest as places in it.

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"noo/formats"
)

// meaning is how the values of an identifying column are read.
type meaning uint8

const (
	asText    meaning = iota
	asInt             // of 4 or 8 bytes, signed
	asUint            // of 4 bytes
	asFloat           // of 8 bytes
	asBytes           // a whole decimal of at most 8 bytes, as an integer
	asDecimal         // a number that an int64 may not hold, as text
	asWide            // an integer of 128 bits as text, and everything else as it is
)

// errNotIdentifying is a column that nobody can be told by.
var errNotIdentifying = errors.New("noo cannot filter by a column")

// errDisputed is a column that programs read in different ways. A sample shows its values as the
// newer annotation has them.
var errDisputed = fmt.Errorf("%w whose annotations contradict one another: "+
	"write the file anew with one of them", errNotIdentifying)

// numberless reports whether a value of a column has no room for an NHS number.
func numberless(l *leaf) bool {
	_, err := meaningOf(l)
	return err != nil
}

// meaningOf tells how a column holds NHS numbers, or why it cannot. What a sample looks at can also
// be named.
func meaningOf(l *leaf) (meaning, error) {
	refuse := func(reason string) (meaning, error) {
		return 0, fmt.Errorf("%w of type %s, %s", errNotIdentifying, l.typeText(), reason)
	}
	if l.note == decimal && (l.scale < 0 || l.scale > mostScale) {
		return refuse("whose scale is not from 0 to 76")
	}
	switch l.kind {
	case byteArray, fixedLenByteArray:
		switch {
		case l.note == decimal && l.scale == 0 && 0 < l.width && l.width <= 8:
			return asBytes, nil
		case l.note == decimal:
			return asDecimal, nil
		case l.width == wideBytes && (l.note == unannotated || l.note == strange):
			return asWide, nil
		}
		return asText, nil // whatever it is said to be
	case int32Type, int64Type:
		switch {
		case l.note == decimal && l.scale != 0, l.note == unsignedInt && l.kind == int64Type:
			return asDecimal, nil
		case l.note == unsignedInt:
			return asUint, nil
		case l.note == unannotated, l.note == signedInt, l.note == decimal, l.note == strange:
			return asInt, nil
		}
	case double:
		return asFloat, nil
	case float:
		return refuse("which holds only seven of the ten digits")
	}
	return refuse("which is not text, an integer, DOUBLE or DECIMAL")
}

// refusal returns why noo does not filter by a column, or nil where it does.
func refusal(l *leaf) error {
	if l.disputed {
		return errDisputed
	}
	_, err := meaningOf(l)
	return err
}

// batchBytes is how many bytes of pages a batch of records may hold at least, however small a page must be: some ten times
// what one of NHS numbers holds.
const batchBytes = 32 << 20

const (
	// sampleBytes is how many bytes of decoded pages a sample of a column holds at most, and a page more.
	sampleBytes = 4 << 20
	// sampleOccurrences is how many values of lists a sample of a column holds at most, and those of one list in a page more.
	sampleOccurrences = 1 << 14
)

// dictionaryBytes is what a value of a dictionary takes beside its own bytes: a slice twice, and its place.
const dictionaryBytes = 24 + 24 + 4

// identifier reads one identifying column of one row group after another. It keeps its memory, and is for one goroutine.
type identifier struct {
	pages  pageReader
	quirks quirks
	limit  int
	leaf   *leaf
	mean   meaning
	// sparing is for a sample: take stops short of the records asked for where their values take more memory than that is
	// worth, and of a dictionary only the values in use are read.
	sparing bool

	dict     dictionary
	coders   map[encoding]valueCoder
	page     page
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

	stride int                 // of the values of page, where they are all of one length
	even   []formats.EvenTexts // values of the batch, before any in text
	text   [][]byte
	made   arena // texts of the batch that were made
	ints   []int64
	reals  []float64
	index  []int32
	ends   []int32
	// spelt tells that index is in use: some occurrence is not the value of its own number.
	spelt bool
}

// start begins a row group.
func (d *identifier) start(l *leaf, mean meaning, ch *chunk) {
	d.leaf, d.mean = l, mean
	d.pages.open(l, ch)
	d.dict.forget()
	d.coders = map[encoding]valueCoder{}
	d.open = false
	d.dictText, d.dictInts, d.dictReal = d.dictText[:0], d.dictInts[:0], d.dictReal[:0]
	d.dictMade.empty()
}

// take reads the values of the next n records, or of as many as there are left. They are good until the next call.
func (d *identifier) take(ctx context.Context, n int) (formats.Values, int, error) {
	d.beginBatch()
	records, occurrences := 0, 0
	for {
		if !d.open {
			if d.sated() {
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
		if d.leaf.maxRep == 0 {
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
	if d.leaf.maxRep > 0 && records > 0 {
		d.ends = append(d.ends, int32(occurrences))
	}
	return d.batch(), records, nil
}

// beginBatch forgets the values of the last batch, but for the dictionary and what is left of the page.
func (d *identifier) beginBatch() {
	if n := len(d.bodies); n > 1 {
		d.pages.reuse(d.bodies[:n-1])
		d.bodies = append(d.bodies[:0], d.bodies[n-1])
	}
	d.made.empty()
	d.text = append(d.text[:0], d.dictText...)
	d.ints = append(d.ints[:0], d.dictInts...)
	d.reals = append(d.reals[:0], d.dictReal...)
	d.index, d.ends, d.even = d.index[:0], d.ends[:0], d.even[:0]
	d.spelt, d.held, d.listed = d.dict.present && !d.sparing, 0, 0
	if d.open && !d.sparing {
		d.held = len(d.body)
	}
}

// sated tells whether a batch has all that a sample is to take.
func (d *identifier) sated() bool {
	return d.sparing && (d.held > sampleBytes || d.listed > sampleOccurrences)
}

func (d *identifier) batch() formats.Values {
	var v formats.Values
	switch d.mean {
	case asText, asDecimal, asWide:
		v.Text, v.Even = d.text, d.even
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
	if d.leaf.maxRep > 0 {
		v.Ends = d.ends
	}
	return v
}

// nextPage reads up to the next data page. fresh tells that the batch has no values yet.
func (d *identifier) nextPage(fresh bool) error {
	for {
		pg, err := d.pages.next()
		if err != nil {
			return err
		}
		if pg.kind == dictionaryPage {
			if d.pages.left != d.pages.chunk.values {
				return errLateDictionary
			}
			if err := d.loadDictionary(pg); err != nil {
				return err
			}
			if fresh {
				d.beginBatch()
			}
			continue
		}
		if pg.values == 0 {
			continue
		}
		d.page, d.at, d.open = pg, 0, true
		return d.loadValues()
	}
}

// loadDictionary reads the values of a dictionary.
func (d *identifier) loadDictionary(pg page) error {
	if err := d.dict.load(pg, d.leaf); err != nil || d.sparing {
		return err
	}
	if size := d.dict.size * dictionaryBytes; size > max(d.limit, batchBytes) {
		return fmt.Errorf("its dictionary takes %d bytes in memory, and %d are allowed: %w", size, d.limit, ErrLimit)
	}
	d.text, d.ints, d.reals = d.text[:0], d.ints[:0], d.reals[:0]
	d.made, d.dictMade = d.dictMade, d.made
	_, err := d.appendPlain(d.dict.values, d.dict.size)
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
func (d *identifier) loadValues() (err error) {
	e := d.page.encoding
	d.indexed = e == plainDictionary || e == rleDictionary
	if d.indexed {
		d.scratch, err = d.dict.indices(d.scratch, d.page)
		d.indices = d.scratch
		return err
	}
	values := d.page.body
	if e != plain {
		coder := d.coders[e]
		if coder == nil {
			if coder, err = coderFor(d.leaf.kind, d.leaf.width, e, d.quirks.chainedPrefixes); err != nil {
				return err
			}
			d.coders[e] = coder
		}
		if d.plain, err = coder.toPlain(d.plain[:0], values, d.page.defined, d.limit); err != nil {
			return err
		}
		values = d.plain
	}
	// The page's memory is used again for the next page, while values of this one may still be wanted for the batch.
	var memory []byte
	apart := false
	if e == plain {
		memory, apart = d.pages.detach()
	}
	if !apart {
		memory = append(d.pages.fresh()[:0], values...)
		values = memory
	}
	d.held += len(values)
	if !d.sparing && d.held > max(d.limit, batchBytes) {
		return d.overLimit()
	}
	d.bodies = append(d.bodies, memory)
	d.body = values
	d.stride = 0
	if d.leaf.kind == byteArray && d.mean == asText && !d.sparing {
		d.stride = strideOf(values, d.page.defined)
	}
	return nil
}

func (d *identifier) overLimit() error {
	return fmt.Errorf("the pages of one batch of records take %d bytes in memory, and %d are allowed: %w",
		d.held, d.limit, ErrLimit)
}

// takeFlat takes records of a column that does not repeat, each of which has one occurrence.
func (d *identifier) takeFlat(records *int, n int) (full bool, err error) {
	levels := min(n-*records, int(d.page.values)-d.at)
	*records += levels
	if d.page.defs == nil {
		err = d.takeValues(levels)
	} else {
		err = d.takeDefined(d.page.defs[d.at:d.at+levels], 0)
	}
	d.at += levels
	d.open = d.at < int(d.page.values)
	return *records == n, err
}

// takeDefined takes an occurrence for each level that is at least from: a value for the largest, otherwise a null.
func (d *identifier) takeDefined(levels []uint8, from uint8) error {
	for i := 0; i < len(levels); {
		if levels[i] != d.leaf.maxDef {
			if levels[i] >= from {
				d.spell()
				d.index = append(d.index, -1)
			}
			i++
			continue
		}
		first := i
		for i < len(levels) && levels[i] == d.leaf.maxDef {
			i++
		}
		if err := d.takeValues(i - first); err != nil {
			return err
		}
	}
	return nil
}

// takeNested takes records of a column that repeats. A record ends where the next begins, perhaps on a later page.
func (d *identifier) takeNested(records, occurrences *int, n int) (full bool, err error) {
	reps := d.page.reps
	for d.at < int(d.page.values) {
		if reps[d.at] == 0 {
			if *records == n {
				return true, nil
			}
			if *records > 0 {
				d.ends = append(d.ends, int32(*occurrences))
			}
			*records++
		} else if *records == 0 {
			return false, errRows
		}
		first := d.at
		for d.at++; d.at < int(d.page.values) && reps[d.at] != 0; d.at++ {
		}
		if d.page.defs == nil {
			*occurrences += d.at - first
			err = d.takeValues(d.at - first)
		} else {
			levels := d.page.defs[first:d.at]
			for _, level := range levels {
				if level >= d.leaf.listDef {
					*occurrences++
				}
			}
			err = d.takeDefined(levels, d.leaf.listDef)
		}
		if err != nil {
			return false, err
		}
		if d.listed = *occurrences; d.sated() {
			return true, nil
		}
		if 8*int64(*occurrences) > int64(d.limit) {
			return false, errOverLimit(8**occurrences, d.limit)
		}
	}
	d.open = false
	return false, nil
}

// spell begins to write an index, since from here on occurrences and values no longer go side by side.
func (d *identifier) spell() {
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
func (d *identifier) spellEven() {
	for k := range d.even {
		d.text = d.even[k].AppendTo(d.text)
	}
	d.even = d.even[:0]
}

// valuesHeld is the number of values in the batch, none of which is in even.
func (d *identifier) valuesHeld() int {
	return len(d.text) + len(d.ints) + len(d.reals) // two of them are empty
}

// takeValues takes the next n values of the page.
func (d *identifier) takeValues(n int) (err error) {
	if d.indexed && !d.sparing {
		for _, index := range d.indices[:n] {
			d.index = append(d.index, int32(index))
		}
		d.indices = d.indices[n:]
		return nil
	}
	if d.stride > 0 && !d.spelt && len(d.text) == 0 {
		d.even = append(d.even, formats.EvenTexts{Data: d.body, Start: 4, Stride: d.stride, Size: d.stride - 4, Count: n})
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
func (d *identifier) lookUp(n int) error {
	for _, index := range d.indices[:n] {
		if _, err := d.appendPlain(d.dict.encoded(index), 1); err != nil {
			return err
		}
	}
	d.indices = d.indices[n:]
	return nil
}

// appendPlain appends the first n PLAIN values of src to the values of the batch, and returns their size.
func (d *identifier) appendPlain(src []byte, n int) (size int, err error) {
	if d.leaf.kind == byteArray {
		return d.appendByteArrays(src, n)
	}
	width := d.leaf.width
	if width > 0 && len(src)/width < n {
		return 0, errValues
	}
	if d.mean == asDecimal || d.mean == asWide {
		return n * width, d.appendMade(src, width, n)
	}
	for at := 0; at < n*width; at += width {
		value := src[at : at+width : at+width]
		switch d.mean {
		case asText:
			d.text = append(d.text, value)
		case asBytes:
			d.ints = append(d.ints, bigEndianInt(value))
		case asFloat:
			d.reals = append(d.reals, math.Float64frombits(binary.LittleEndian.Uint64(value)))
		default:
			d.ints = append(d.ints, littleEndianInt(value, d.mean == asUint))
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
func (d *identifier) appendMade(src []byte, width, n int) error {
	for ; n > 0; n-- {
		value := src[:width:width]
		src = src[width:]
		v, ok := int64(0), true
		if d.mean == asWide {
			if v, ok = wideInt(value); !ok {
				d.text = append(d.text, value)
				continue
			}
		}
		if err := d.makeRoom(); err != nil {
			return err
		}
		made, start := d.made.block, len(d.made.block)
		switch {
		case d.mean == asWide:
			made = appendScaled(made, v, 0)
		case d.leaf.kind == fixedLenByteArray:
			made = appendDecimal(made, value, int(d.leaf.scale))
		case d.leaf.note == unsignedInt:
			made = appendUnsigned(made, binary.LittleEndian.Uint64(value))
		default:
			made = appendScaled(made, littleEndianInt(value, false), int(d.leaf.scale))
		}
		d.addMade(made, start)
	}
	return nil
}

// makeRoom sees to it that there is room for the text of a decimal.
func (d *identifier) makeRoom() error {
	if d.made.full() {
		if d.held > max(d.limit, batchBytes) {
			return d.overLimit()
		}
		d.made.extend()
	}
	return nil
}

// addMade takes the text that a block ends with, from start on, for the next value.
func (d *identifier) addMade(block []byte, start int) {
	d.made.block = block
	d.text = append(d.text, block[start:len(block):len(block)])
	d.held += len(block) - start
}

func (d *identifier) appendByteArrays(src []byte, n int) (at int, err error) {
	if d.mean == asDecimal {
		return d.appendDecimals(src, n)
	}
	text := d.text
	for range n {
		if len(src)-at < 4 {
			return 0, errValues
		}
		size := int(binary.LittleEndian.Uint32(src[at:]))
		at += 4
		if size > len(src)-at {
			return 0, errValues
		}
		text = append(text, src[at:at+size:at+size])
		at += size
	}
	d.text = text
	return at, nil
}

// appendDecimals appends n decimals of any length.
func (d *identifier) appendDecimals(src []byte, n int) (at int, err error) {
	for range n {
		if len(src)-at < 4 {
			return 0, errValues
		}
		size := int(binary.LittleEndian.Uint32(src[at:]))
		at += 4
		if size > len(src)-at {
			return 0, errValues
		}
		if err := d.makeRoom(); err != nil {
			return 0, err
		}
		start := len(d.made.block)
		d.addMade(appendDecimal(d.made.block, src[at:at+size], int(d.leaf.scale)), start)
		at += size
	}
	return at, nil
}

// littleEndianInt reads an integer of 4 or 8 bytes, of which one of 8 is signed.
func littleEndianInt(b []byte, unsigned bool) int64 {
	if len(b) == 4 {
		v := binary.LittleEndian.Uint32(b)
		if unsigned {
			return int64(v)
		}
		return int64(int32(v))
	}
	return int64(binary.LittleEndian.Uint64(b))
}

// bigEndianInt reads a two's complement integer of 1 to 8 bytes.
func bigEndianInt(b []byte) int64 {
	v := int64(int8(b[0]))
	for _, c := range b[1:] {
		v = v<<8 | int64(c)
	}
	return v
}

// valueTypes returns how the values of the identifying columns, places among leaves, are read.
func valueTypes(leaves []leaf, columns []int) (types []meaning, err error) {
	if len(columns) == 0 {
		return nil, fmt.Errorf("%w that nobody named", errNotIdentifying)
	}
	for _, c := range columns {
		if c < 0 || c >= len(leaves) {
			return nil, fmt.Errorf("%w that does not exist, number %d", errNotIdentifying, c)
		}
		if err := refusal(&leaves[c]); err != nil {
			return nil, &placedError{columnPart(leaves[c].name), err}
		}
		mean, _ := meaningOf(&leaves[c])
		types = append(types, mean)
	}
	return types, nil
}
