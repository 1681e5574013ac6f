// The index that answers look-ups: what a verified section is turned into.
//
// Keys are drawn at random from some 300 million, so a look-up is as fast as its cache misses.
// Measured on two cores of an AMD EPYC (1 MiB L2 a core, 32 MiB L3, both shared with other
// machines), 3.6 million keys drawn from 400–499M and 600–799M, random look-ups in batches of 4096,
// nanoseconds a key, best of several runs, and the index's memory:
//
//	roaring.Contains                                          282 ns      7 MB
//	2-byte suffixes in buckets of 1024 keys, searched          61 ns     11 MB
//	a bitmap page of 8 KiB for each occupied 65,536 keys       15 ns     37 MB
//	groups of 16 keys, found by rank (this file)                9 ns     13 MB
//	one flat bitmap                                             7 ns    125 MB
//
// Rank is near the flat bitmap, since four of five absent keys are settled by one access to a table
// that the cache holds, in a tenth of its memory: two sets of a checked snapshot fit too, and what
// else the run keeps in the cache stays there. In a set three times as dense it is slower (29 ns
// against 12 ns). It never takes more than a quarter above a bitmap of its range. BenchmarkLookUp
// measures this file, BenchmarkCandidates the others.

package snapshot

import (
	"math/bits"

	"noo/internal/hugepages"
	"noo/internal/nhsnumber"
)

// Standing is what a snapshot says of one number.
type Standing uint8

const (
	// Unchecked is a number that nobody looked up. It is the zero Standing: what nobody set is not
	// to be disclosed.
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

// index is a set of keys. Of each block it holds which groups have a key at all, and how many such
// groups come before the block; words holds one bitmap for each of these groups, and nothing for
// the others.
//
// The two are apart since most keys are told by the groups alone, which then take half the cache.
type index struct {
	first  uint32   // number of the first block
	groups []uint64 // by block; bit g: group g has a key
	bases  []uint32 // by block; index in words of its first such group
	words  []uint16
	count  uint64
}

// newIndex makes room for at most count keys from first to last, to be added in ascending order, a
// container at a time.
func newIndex(first, last nhsnumber.Key, count uint64) index {
	x := index{first: first >> blockBits}
	x.groups = hugepages.Make[uint64](int(last>>blockBits - x.first + 1))
	x.bases = hugepages.Make[uint32](len(x.groups))
	x.words = hugepages.Make[uint16](int(min(count, uint64(len(x.groups))*blockKeys/groupKeys)))[:0]
	return x
}

// add appends the keys high+low for each low, which are the whole of their container and above
// every key added before. The group and the block in the making stay in registers, and whether a
// key begins a group is no branch: this loop is most of what opening costs beside the digest.
func (x *index) add(high uint32, lows []uint16) {
	words, n := x.words[:cap(x.words)], len(x.words)
	at, groups := uint32(0), uint64(0)
	last, word := uint32(1<<32-1), uint16(0)
	for i, low := range lows {
		key := high | uint32(low)
		if number := key>>blockBits - x.first; number != at || i == 0 {
			if i > 0 {
				x.groups[at] = groups
			}
			at, groups = number, 0
			x.bases[at] = uint32(n)
		}
		group := key >> groupBits
		if group != last {
			word = 0
		}
		// Apart from the line above, each of the two compiles to a conditional move.
		if group != last {
			n++
		}
		last = group
		word |= 1 << (key & (groupKeys - 1))
		words[n-1] = word
		groups |= 1 << (group & 63)
	}
	x.groups[at] = groups
	x.words = words[:n]
	x.count += uint64(len(lows))
}

// word returns the bitmap of the key's group.
func (x *index) word(key nhsnumber.Key) uint16 {
	i := key>>blockBits - x.first // wraps to a large number below the first
	if uint64(i) >= uint64(len(x.groups)) {
		return 0
	}
	groups := x.groups[i]
	group := key >> groupBits & 63
	if groups>>group&1 == 0 {
		return 0
	}
	return x.words[x.bases[i]+uint32(bits.OnesCount64(groups&(1<<group-1)))]
}

func (x *index) contains(key nhsnumber.Key) bool {
	return x.word(key)>>(key&(groupKeys-1))&1 != 0
}

// within reports whether every key of x is in y too.
func (x *index) within(y *index) bool {
	for i, present := range x.groups {
		next := x.bases[i]
		for groups := present; groups != 0; groups &= groups - 1 {
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

// stride is how many keys mark takes through one step before the next.
const stride = 512

// mark sets standings[i] where keys[i] is in the set. It first notes, without a branch that could
// be guessed wrong, which keys have a group, and then reads these groups: in both loops the
// processor has many cache misses under way at once.
func (x *index) mark(keys []nhsnumber.Key, standings []Standing, present Standing) {
	var which [stride]uint16 // index in keys
	var where [stride]uint32 // index in words
	for len(keys) > 0 {
		some := keys[:min(len(keys), stride)]
		found := 0
		for i, key := range some {
			number := key>>blockBits - x.first // wraps to a large number below the first
			if uint64(number) < uint64(len(x.groups)) {
				which[found&(stride-1)] = uint16(i)
				found += int(x.groups[number] >> (key >> groupBits & 63) & 1)
			}
		}
		for j, i := range which[:found] {
			number, group := some[i]>>blockBits-x.first, some[i]>>groupBits&63
			where[j] = x.bases[number] + uint32(bits.OnesCount64(x.groups[number]&(1<<group-1)))
		}
		for j, i := range which[:found] {
			if x.words[where[j]]>>(some[i]&(groupKeys-1))&1 != 0 {
				standings[i] = present
			}
		}
		keys, standings = keys[len(some):], standings[len(some):]
	}
}

// LookUp sets standings[i] to the standing of keys[i]. Keys are those of valid numbers, in any
// order; standings must be at least as long. OptedOut wins over everything. LookUp does not
// allocate; batches of some hundreds of keys or more are fastest.
func (s *Snapshot) LookUp(keys []nhsnumber.Key, standings []Standing) {
	standings = standings[:len(keys)]
	absent := Unchecked
	if s.manifest.Scope == National {
		absent = Clear
	}
	for i := range standings {
		standings[i] = absent
	}
	if s.manifest.Scope == Checked {
		s.checked.mark(keys, standings, Clear)
	}
	s.optedOut.mark(keys, standings, OptedOut)
}

// PerFirstDigit returns how many people who opted out have a number that starts with each digit,
// from 0 to 9.
func (s *Snapshot) PerFirstDigit() (people [10]uint64) {
	s.optedOut.countPerFirstDigit(&people, nil)
	return people
}

// countPerFirstDigit adds the keys of x to people, by their first digit. It leaves out those that
// are in one of the indexes before.
func (x *index) countPerFirstDigit(people *[10]uint64, before []*index) {
	for i, present := range x.groups {
		next := x.bases[i]
		for groups := present; groups != 0; groups &= groups - 1 {
			first := (x.first+uint32(i))<<blockBits | uint32(
				bits.TrailingZeros64(groups),
			)<<groupBits
			word := x.words[next]
			for _, other := range before {
				word &^= other.word(first)
			}
			for ; word != 0; word &= word - 1 {
				people[(first+uint32(bits.TrailingZeros16(word)))/100_000_000]++
			}
			next++
		}
	}
}

// Standing looks up one key. LookUp is faster for many.
func (s *Snapshot) Standing(key nhsnumber.Key) Standing {
	var standing [1]Standing
	s.LookUp([]nhsnumber.Key{key}, standing[:])
	return standing[0]
}
