// The index that answers look-ups: what a verified section is turned into.
//
// Keys are drawn at random from some 300 million, so a look-up is as fast as its cache misses. Measured on two cores of an
// AMD EPYC (2 × 1 MiB L2, 32 MiB shared L3), 3.6 million keys drawn from 400–499M and 600–799M, random look-ups in batches of 4096,
// BenchmarkCandidates:
//
//	roaring.Contains                                          290 ns a key     7 MB
//	2-byte suffixes in buckets of 1024 keys, searched          89 ns a key    11 MB
//	a bitmap page of 8 KiB for each occupied 65,536 keys       15 ns a key    37 MB
//	one flat bitmap of a billion bits                          13 ns a key   125 MB
//	groups of 16 keys, found by rank (this file)               13 ns a key    13 MB
//
// The last is as fast as the flat bitmap, since four of five absent keys are settled by one access to a table that the
// cache holds, and it never takes more than a sixth above the bitmap's size, however dense the set.

package snapshot

import (
	"math/bits"

	"noo/internal/nhsnumber"
)

// Standing is what a snapshot says of one number.
type Standing uint8

const (
	// Unchecked is a number that nobody looked up. It is the zero Standing: what nobody set is not to be disclosed.
	Unchecked Standing = iota
	// Clear is a number that was looked up and has not opted out.
	Clear
	// OptedOut is a number that has opted out.
	OptedOut
)

// String names the standing as the manifest and the reports do.
func (s Standing) String() string {
	switch s {
	case Clear:
		return "clear"
	case OptedOut:
		return "opted_out"
	}
	return "unchecked"
}

const (
	groupBits = 4 // a group is 16 keys: one word
	blockBits = 10
	blockKeys = 1 << blockBits // a block is 64 groups, 1024 keys
	groupKeys = 1 << groupBits
)

// index is a set of keys. Of each block it holds which groups have a key at all, and how many such groups come before
// the block; words holds one bitmap for each of these groups, and nothing for the others.
type index struct {
	first  uint32 // number of the first block
	blocks []block
	words  []uint16
	count  uint64
	last   uint32 // the group that words ends with, while the index is built
}

type block struct {
	groups uint64 // bit g: group g has a key
	base   uint32 // index in words of the block's first such group
}

// newIndex makes room for at most count keys from first to last. Keys must be added in ascending order.
func newIndex(first, last nhsnumber.Key, count uint64) index {
	x := index{first: first >> blockBits, last: 1<<32 - 1}
	x.blocks = make([]block, last>>blockBits-x.first+1)
	x.words = make([]uint16, 0, min(count, uint64(len(x.blocks))*blockKeys/groupKeys))
	return x
}

// add appends the keys high+low for each low. They must be above every key added before.
func (x *index) add(high uint32, lows []uint16) {
	words, last := x.words, x.last
	for _, low := range lows {
		key := high | uint32(low)
		if group := key >> groupBits; group != last {
			last = group
			b := &x.blocks[key>>blockBits-x.first]
			if b.groups == 0 {
				b.base = uint32(len(words))
			}
			b.groups |= 1 << (group & 63)
			words = append(words, 0)
		}
		words[len(words)-1] |= 1 << (key & (groupKeys - 1))
	}
	x.words, x.last = words, last
	x.count += uint64(len(lows))
}

// word returns the bitmap of the key's group.
func (x *index) word(key nhsnumber.Key) uint16 {
	i := key>>blockBits - x.first // wraps to a large number below the first
	if uint64(i) >= uint64(len(x.blocks)) {
		return 0
	}
	b := &x.blocks[i]
	group := key >> groupBits & 63
	if b.groups>>group&1 == 0 {
		return 0
	}
	return x.words[b.base+uint32(bits.OnesCount64(b.groups&(1<<group-1)))]
}

func (x *index) contains(key nhsnumber.Key) bool {
	return x.word(key)>>(key&(groupKeys-1))&1 != 0
}

// within tells whether every key of x is in y too.
func (x *index) within(y *index) bool {
	for i, b := range x.blocks {
		next := b.base
		for groups := b.groups; groups != 0; groups &= groups - 1 {
			group := uint32(bits.TrailingZeros64(groups))
			key := (x.first+uint32(i))<<blockBits | group<<groupBits
			if x.words[next]&^y.word(key) != 0 {
				return false
			}
			next++
		}
	}
	return true
}

// LookUp sets standings[i] to the standing of keys[i]. Keys are those of valid numbers, in any order; standings must be at
// least as long. OptedOut wins over everything. LookUp does not allocate.
func (s *Snapshot) LookUp(keys []nhsnumber.Key, standings []Standing) {
	standings = standings[:len(keys)]
	if s.manifest.Scope == National {
		for i, key := range keys {
			standing := Clear
			if s.optedOut.contains(key) {
				standing = OptedOut
			}
			standings[i] = standing
		}
		return
	}
	for i, key := range keys {
		standing := Unchecked
		if s.checked.contains(key) {
			standing = Clear
		}
		standings[i] = standing
	}
	for i, key := range keys {
		if s.optedOut.contains(key) {
			standings[i] = OptedOut
		}
	}
}

// Standing looks up one key. LookUp is faster for many.
func (s *Snapshot) Standing(key nhsnumber.Key) Standing {
	var standing [1]Standing
	s.LookUp([]nhsnumber.Key{key}, standing[:])
	return standing[0]
}
