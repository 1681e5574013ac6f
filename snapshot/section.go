// Sections: the sets of keys in a snapshot, as 32-bit Roaring bitmaps in the portable serialisation
// (RoaringFormatSpec). The roaring library writes them and reads them. It accepts more than the
// format allows, so what it read must give the same bytes again. A reader of our own took 21 ms for
// 3.6 million keys instead of 28 ms, at most 3 % of a run on 5 million records (BenchmarkSection).

package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"noo/internal/nhsnumber"

	"github.com/RoaringBitmap/roaring/v2"
)

// Numbers of the Roaring format.
const (
	cookieRuns = 12347 // low 16 bits; the high 16 are the number of containers less one
	// From this many containers on there is an offset header beside runs too.
	offsetThreshold = 4
	maxArray        = 4096 // keys of an array container
	bitmapBytes     = 8192 // bytes of a bitmap container
)

var (
	errBitmap    = errors.New("the bitmap is damaged")
	errCanonical = errors.New("the bitmap is not in its smallest form")
	errNumber    = errors.New("the bitmap holds a key that belongs to no NHS number")
)

// Set is a set of keys in the making. The zero Set is empty and ready to use. It is not safe for
// concurrent use.
type Set struct {
	bitmap roaring.Bitmap
}

// NewSet returns the set of the given keys.
func NewSet(keys ...nhsnumber.Key) *Set {
	s := new(Set)
	s.Add(keys...)
	return s
}

// Add puts keys into the set. Many at once, in ascending order, are added fastest.
func (s *Set) Add(keys ...nhsnumber.Key) { s.bitmap.AddMany(keys) }

// Union puts every key of other into the set.
func (s *Set) Union(other *Set) { s.bitmap.Or(&other.bitmap) }

// Contains reports whether key is in the set.
func (s *Set) Contains(key nhsnumber.Key) bool { return s.bitmap.Contains(key) }

// Len is the number of keys in the set.
func (s *Set) Len() uint64 { return s.bitmap.GetCardinality() }

// Within reports whether every key of the set is in other too.
func (s *Set) Within(other *Set) bool {
	return s.bitmap.AndCardinality(&other.bitmap) == s.bitmap.GetCardinality()
}

// Minus returns the keys of the set that are not in other.
func (s *Set) Minus(other *Set) *Set {
	return &Set{bitmap: *roaring.AndNot(&s.bitmap, &other.bitmap)}
}

// Apart reports whether no key of the set is in other.
func (s *Set) Apart(other *Set) bool { return !s.bitmap.Intersects(&other.bitmap) }

// Toggle takes the keys of other that are in the set out of it, and puts the rest of them in.
func (s *Set) Toggle(other *Set) { s.bitmap.Xor(&other.bitmap) }

// ParseSet reads a section. It returns an error if data is not exactly what Encode returns for that
// set, or if the set holds a key that belongs to no NHS number. The Set does not refer to data.
func ParseSet(data []byte) (*Set, error) {
	if err := new(index).decode(data, newCheckDigits()); err != nil {
		return nil, err
	}
	s := new(Set)
	_, err := s.bitmap.ReadFrom(bytes.NewReader(data))
	return s, err
}

// Encode serialises the set in its canonical form, without changing it.
func (s *Set) Encode() ([]byte, error) {
	bitmap := s.bitmap.Clone()
	bitmap.RunOptimize()
	return bitmap.ToBytes()
}

// decode makes x the set that data holds. It returns an error if data is not exactly what Encode
// returns for that set, or if the set holds a key that belongs to no NHS number.
func (x *index) decode(data []byte, digits *checkDigits) error {
	bitmap := roaring.New() // refers to data, and does not change it
	if n, err := bitmap.FromBuffer(data); err != nil || n != int64(len(data)) {
		return errBitmap
	}
	if hasManyRuns(data) {
		return errCanonical
	}
	if bitmap.Validate() != nil {
		return errBitmap
	}
	bitmap.RunOptimize()
	same := comparer{data}
	if _, err := bitmap.WriteTo(&same); err != nil || len(same.rest) > 0 {
		return errCanonical
	}
	if bitmap.IsEmpty() {
		*x = index{}
		return nil
	}
	if bitmap.Maximum() > nhsnumber.MaxKey {
		return errNumber
	}
	*x = newIndex(bitmap.Minimum(), bitmap.Maximum(), bitmap.GetCardinality())
	return x.addAll(bitmap, digits)
}

// comparer is a writer that accepts nothing but the bytes in rest.
type comparer struct{ rest []byte }

func (c *comparer) Write(p []byte) (int, error) {
	if !bytes.HasPrefix(c.rest, p) {
		return 0, errCanonical
	}
	c.rest = c.rest[len(p):]
	return len(p), nil
}

// addAll adds the keys of bitmap, one container after the other. It returns errNumber if a key
// belongs to no NHS number.
func (x *index) addAll(bitmap *roaring.Bitmap, digits *checkDigits) error {
	high, lows := bitmap.Minimum()&^0xFFFF, make([]uint16, 0, 1<<16)
	buffer := make([]nhsnumber.Key, 4096)
	keys := bitmap.ManyIterator()
	for n := keys.NextMany(buffer); n > 0; n = keys.NextMany(buffer) {
		for _, key := range buffer[:n] {
			if key&^0xFFFF != high {
				if !digits.hold(high, lows) {
					return errNumber
				}
				x.add(high, lows)
				high, lows = key&^0xFFFF, lows[:0]
			}
			lows = append(lows, uint16(key))
		}
	}
	if !digits.hold(high, lows) {
		return errNumber
	}
	x.add(high, lows)
	return nil
}

// hasManyRuns reports whether a run container in data is larger than the canonical form allows,
// which is the size of a bitmap container. The library compares each run of a container with each
// other one: without this bound, a file within its largest size could keep it busy for minutes.
// data must be a bitmap whose containers the library has found to be all there.
func hasManyRuns(data []byte) bool {
	cookie := binary.LittleEndian.Uint32(data)
	if cookie&0xFFFF != cookieRuns {
		return false
	}
	containers := int(cookie>>16) + 1
	flags := data[4:]
	described := flags[(containers+7)/8:]
	rest := described[4*containers:]
	if containers >= offsetThreshold {
		rest = rest[4*containers:]
	}
	for i := range containers {
		length := bitmapBytes
		if flags[i/8]>>(i%8)&1 != 0 {
			if length = 2 + 4*int(binary.LittleEndian.Uint16(rest)); length >= bitmapBytes {
				return true
			}
		} else if n := int(binary.LittleEndian.Uint16(described[4*i+2:])) + 1; n <= maxArray {
			length = 2 * n
		}
		rest = rest[length:]
	}
	return false
}

// checkDigits tells quickly whether keys belong to NHS numbers: nhsnumber.CheckDigit exists, and
// the number is not ten times the same digit. The Modulus 11 sum is split: the last four digits
// come from a table, the first five change seldom among ascending keys.
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

// hold reports whether every key high+low belongs to an NHS number. The lows ascend.
func (d *checkDigits) hold(high uint32, lows []uint16) bool {
	// The ten thousand keys from start on share their first five digits.
	start, bad := high, uint8(0)
	next := start // the first key beyond them
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

// noPlaceholder reports whether none of the keys is nine times the same digit.
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
