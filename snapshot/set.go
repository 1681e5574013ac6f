// Set: the numbers of a list while a snapshot is being built. It keeps the bitmap library out of sight of the callers.

package snapshot

import (
	"noo/internal/nhsnumber"

	"github.com/RoaringBitmap/roaring/v2"
)

// Set is a set of keys in the making. The zero Set is empty and ready to use. It is not safe for concurrent use.
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

// Contains tells whether key is in the set.
func (s *Set) Contains(key nhsnumber.Key) bool { return s.bitmap.Contains(key) }

// Len is the number of keys in the set.
func (s *Set) Len() uint64 { return s.bitmap.GetCardinality() }

// Within tells whether every key of the set is in other too.
func (s *Set) Within(other *Set) bool {
	return s.bitmap.AndCardinality(&other.bitmap) == s.bitmap.GetCardinality()
}

// encode serialises the set in its canonical form, without changing it.
func (s *Set) encode() ([]byte, error) {
	bitmap := s.bitmap.Clone()
	bitmap.RunOptimize()
	return bitmap.ToBytes()
}
