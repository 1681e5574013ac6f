// Sections: a set of keys as a 32-bit Roaring bitmap in the portable serialisation (RoaringFormatSpec). The writer is the
// roaring library. The reader is written out here: it goes over the bytes once, straight into the index, and accepts only
// the canonical form, while the library skips the offset header, checks runs in quadratic time and builds containers that
// nobody needs. Tests hold the two against each other.

package snapshot

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"

	"noo/internal/nhsnumber"
)

// Numbers of the Roaring format.
const (
	cookieRuns       = 12347 // low 16 bits; the high 16 are the number of containers less one
	cookieNoRuns     = 12346
	offsetThreshold  = 4 // from this many containers on there is an offset header beside runs too
	maxArray         = 4096
	bitmapBytes      = 8192
	maxContainers    = int(nhsnumber.MaxKey>>16) + 1
	containerKeys    = 1 << 16
	runHeader        = 2
	bytesInRun       = 4
	bytesInArrayItem = 2
)

var (
	errShort     = errors.New("the bitmap is cut short")
	errHeader    = errors.New("the header of the bitmap is wrong")
	errCanonical = errors.New("the bitmap is not in its smallest form")
	errContainer = errors.New("a container of the bitmap is wrong")
	errNumber    = errors.New("the bitmap holds a key that belongs to no NHS number")
)

// bitmapHeader is the start of a serialised bitmap.
type bitmapHeader struct {
	containers int
	runs       []byte // one bit a container, nil where none is a run container
	described  []byte // high half of the keys and cardinality less one, 2 bytes each
	offsets    []byte // where each container starts, 4 bytes each, or nil
	length     int
}

// decode makes x the set that data holds, all of it.
func (x *index) decode(data []byte, digits *checkDigits) error {
	header, err := decodeHeader(data)
	if err != nil {
		return err
	}
	if header.containers == 0 {
		if len(data) != header.length {
			return errHeader
		}
		*x = index{}
		return nil
	}
	*x = newIndex(uint32(header.high(0))<<16, uint32(header.high(header.containers-1))<<16|0xFFFF, header.total())
	var scratch [containerKeys]uint16
	at := header.length
	for i := range header.containers {
		if header.offsets != nil && binary.LittleEndian.Uint32(header.offsets[4*i:]) != uint32(at) {
			return errHeader
		}
		lows, length, err := decodeContainer(data[at:], header.cardinality(i), header.isRun(i), &scratch)
		if err != nil {
			return err
		}
		high := uint32(header.high(i)) << 16
		if !digits.hold(high, lows) {
			return errNumber
		}
		x.add(high, lows)
		at += length
	}
	if at != len(data) {
		return errHeader
	}
	return nil
}

func (h *bitmapHeader) high(i int) uint16 { return binary.LittleEndian.Uint16(h.described[4*i:]) }
func (h *bitmapHeader) cardinality(i int) int {
	return int(binary.LittleEndian.Uint16(h.described[4*i+2:])) + 1
}
func (h *bitmapHeader) isRun(i int) bool { return h.runs != nil && h.runs[i/8]>>(i%8)&1 != 0 }

// total is the number of keys that the header promises.
func (h *bitmapHeader) total() (n uint64) {
	for i := range h.containers {
		n += uint64(h.cardinality(i))
	}
	return n
}

// decodeHeader reads the header and checks that the containers ascend and are not above MaxKey's.
func decodeHeader(data []byte) (h bitmapHeader, err error) {
	rest := data
	take := func(n int) []byte {
		if n > len(rest) {
			err = errShort
			return make([]byte, n)
		}
		taken := rest[:n]
		rest = rest[n:]
		return taken
	}
	switch cookie := binary.LittleEndian.Uint32(take(4)); {
	case cookie == cookieNoRuns:
		h.containers = int(min(binary.LittleEndian.Uint32(take(4)), containerKeys))
	case cookie&0xFFFF == cookieRuns:
		h.containers = int(cookie>>16) + 1
	default:
		return h, errHeader
	}
	if h.containers > maxContainers {
		return h, errHeader
	}
	if runs := binary.LittleEndian.Uint16(data[:4:4]) == cookieRuns; runs {
		h.runs = take((h.containers + 7) / 8)
	}
	h.described = take(4 * h.containers)
	if h.runs == nil || h.containers >= offsetThreshold {
		h.offsets = take(4 * h.containers)
	}
	if err != nil {
		return h, err
	}
	h.length = len(data) - len(rest)
	return h, h.validate()
}

// validate checks the order of the containers and the spare bits of the run flags.
func (h *bitmapHeader) validate() error {
	for i := range h.containers {
		if i > 0 && h.high(i) <= h.high(i-1) || h.high(i) > uint16(nhsnumber.MaxKey>>16) {
			return errHeader
		}
	}
	if h.runs == nil {
		return nil
	}
	if allZero(h.runs) {
		return errCanonical
	}
	if spare := h.containers % 8; spare != 0 && h.runs[len(h.runs)-1]>>spare != 0 {
		return errHeader
	}
	return nil
}

// decodeContainer reads the container that data starts with: the low halves of its keys, ascending, and its length in
// bytes. The lows are in scratch.
func decodeContainer(data []byte, cardinality int, isRun bool, scratch *[containerKeys]uint16) (lows []uint16, length int, err error) {
	switch {
	case isRun:
		lows, length, err = decodeRuns(data, cardinality, scratch)
	case cardinality <= maxArray:
		length = cardinality * bytesInArrayItem
		lows, err = decodeArray(data, cardinality, scratch)
	default:
		length = bitmapBytes
		lows, err = decodeBitmap(data, cardinality, scratch)
	}
	if err != nil {
		return nil, 0, err
	}
	if runsAreSmallest(countRuns(lows), cardinality) != isRun {
		return nil, 0, errCanonical
	}
	return lows, length, nil
}

// runsAreSmallest is the rule of the canonical form: runs where they take fewer bytes than both other containers.
func runsAreSmallest(runs, cardinality int) bool {
	return runHeader+runs*bytesInRun < min(cardinality*bytesInArrayItem, bitmapBytes)
}

func countRuns(lows []uint16) int {
	runs, next := 0, -1
	for _, low := range lows {
		if int(low) != next {
			runs++
		}
		next = int(low) + 1
	}
	return runs
}

func decodeArray(data []byte, cardinality int, scratch *[containerKeys]uint16) ([]uint16, error) {
	if len(data) < cardinality*bytesInArrayItem {
		return nil, errShort
	}
	data = data[:cardinality*bytesInArrayItem]
	lows := scratch[:cardinality]
	previous := -1
	for i := range lows {
		low := binary.LittleEndian.Uint16(data[2*i:])
		if int(low) <= previous {
			return nil, errContainer
		}
		lows[i], previous = low, int(low)
	}
	return lows, nil
}

func decodeBitmap(data []byte, cardinality int, scratch *[containerKeys]uint16) ([]uint16, error) {
	if len(data) < bitmapBytes {
		return nil, errShort
	}
	lows := scratch[:0]
	for i := range bitmapBytes / 8 {
		for word := binary.LittleEndian.Uint64(data[8*i:]); word != 0; word &= word - 1 {
			lows = append(lows, uint16(i*64+bits.TrailingZeros64(word)))
		}
	}
	if len(lows) != cardinality {
		return nil, errContainer
	}
	return lows, nil
}

func decodeRuns(data []byte, cardinality int, scratch *[containerKeys]uint16) ([]uint16, int, error) {
	if len(data) < runHeader {
		return nil, 0, errShort
	}
	runs := int(binary.LittleEndian.Uint16(data))
	length := runHeader + runs*bytesInRun
	if len(data) < length {
		return nil, 0, errShort
	}
	lows, next := scratch[:0], -1
	for run := data[runHeader:length]; len(run) > 0; run = run[bytesInRun:] {
		first := int(binary.LittleEndian.Uint16(run))
		last := first + int(binary.LittleEndian.Uint16(run[2:]))
		if first <= next || last >= containerKeys { // next itself would belong to the run before
			return nil, 0, errContainer
		}
		for low := first; low <= last; low++ {
			lows = append(lows, uint16(low))
		}
		next = last + 1
	}
	if len(lows) != cardinality {
		return nil, 0, errContainer
	}
	return lows, length, nil
}

// checkDigits tells quickly whether keys belong to NHS numbers: nhsnumber.CheckDigit exists, and the number is not ten times
// the same digit. The Modulus 11 sum is split: the last four digits come from a table, the first five change seldom
// among ascending keys.
type checkDigits struct {
	low [10_000]uint8 // sum of digits 6 to 9, weights 5 to 2, modulo 11
}

func newCheckDigits() *checkDigits {
	d := new(checkDigits)
	for i := range d.low {
		d.low[i] = uint8(weigh(uint32(i), 2) % 11)
	}
	return d
}

// weigh sums the digits of n, the last with the given weight and each one before it with one more.
func weigh(n, weight uint32) (sum uint32) {
	for ; n > 0; n /= 10 {
		sum += weight * (n % 10)
		weight++
	}
	return sum
}

// hold tells whether every key high+low belongs to an NHS number. The lows ascend.
func (d *checkDigits) hold(high uint32, lows []uint16) bool {
	start, bad := high, uint8(0) // the ten thousand keys from start on share their first five digits
	next := start                // the first key beyond them
	ok := true
	for _, low := range lows {
		key := high | uint32(low)
		if key >= next {
			start = key - key%10_000
			next = start + 10_000
			// The digit would be ten where the whole sum is 1 modulo 11.
			bad = uint8((12 - weigh(key/10_000, 6)%11) % 11)
		}
		if d.low[key-start] == bad {
			ok = false
		}
	}
	return ok && high|uint32(lows[len(lows)-1]) <= nhsnumber.MaxKey && noPlaceholder(high, lows)
}

// noPlaceholder tells whether none of the keys is nine times the same digit.
func noPlaceholder(high uint32, lows []uint16) bool {
	for digit := range uint32(10) {
		placeholder := digit * 111_111_111
		if placeholder>>16 != high>>16 {
			continue
		}
		if _, found := slices.BinarySearch(lows, uint16(placeholder)); found {
			return false
		}
	}
	return true
}
