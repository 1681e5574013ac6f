// Package link keeps a rank for each of many local ids, by which the tables of a dataset name
// people without their NHS numbers. Ten million ids take 256 MiB, however long they are.
//
// Two different ids are never taken for one. An integer and a text of up to 15 bytes are kept as
// they are. Of a longer text 120 bits of a SHA-256 are kept, with a random key that lives as long
// as the set: that any two of 100 million texts have the same has a probability below 10^-20, and
// nobody can look for two that do.
package link

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"sync"

	"noo/internal/hugepages"
)

// ID is a local id in the form in which an IDs keeps it. IDs of two sets must not be compared. The
// zero ID is Missing.
type ID struct {
	low uint64
	// The highest five bits are the kind, 0 for what is no id; the next three are 0, and the rank
	// in a slot. The rest goes with low.
	high uint64
}

// Values that are no ids.
var (
	// Missing is a value that says of nobody who it is: a null, a blank, or what programs write
	// for "no value".
	Missing = ID{}
	// Unusable is a value that may be that of several people: a number that lost digits.
	Unusable = ID{low: 1}
)

// IsID reports whether the value is one that a set can hold.
func (id ID) IsID() bool { return id.high != 0 }

// The kinds. A text of n bytes, up to shortText, has the kind shortKind + n.
const (
	integerKind = 1
	shortKind   = 1
	shortText   = 15
	longKind    = shortKind + shortText + 1

	kindShift, rankShift = 59, 56
	rankMask             = uint64(MaxRank) << rankShift
	payload              = 1<<rankShift - 1
)

// MaxRank is the highest rank.
const MaxRank = 7

// shards is how many tables there are, each with its own lock: growing one of them is little work,
// and takes little memory beside the others.
const shards = 64

// IDs keeps the ranks. It is safe for concurrent use, but Ranks must not run beside Raise.
type IDs struct {
	key    [16]byte
	seeds  [4]uint64
	shards [shards]shard
}

// shard is an open hash table with linear probing.
type shard struct {
	mutex sync.Mutex
	slots []ID // a power of two of them; one of kind 0 is free
	held  int
}

// New returns an empty set.
func New() *IDs {
	s := new(IDs)
	rand.Read(s.key[:]) // it never fails
	var seeds [32]byte
	rand.Read(seeds[:])
	for i := range s.seeds {
		s.seeds[i] = binary.LittleEndian.Uint64(seeds[8*i:])
	}
	for i := range s.shards {
		s.shards[i].slots = make([]ID, 64)
	}
	return s
}

// Len is the number of ids.
func (s *IDs) Len() (n int) {
	for i := range s.shards {
		s.shards[i].mutex.Lock()
		n += s.shards[i].held
		s.shards[i].mutex.Unlock()
	}
	return n
}

// Raise sets the rank of an id, up to MaxRank, unless it has a higher one. What is no id has none.
func (s *IDs) Raise(id ID, rank uint8) {
	if !id.IsID() {
		return
	}
	hash := s.hash(id)
	shard := &s.shards[hash%shards]
	shard.mutex.Lock()
	defer shard.mutex.Unlock()
	if 4*(shard.held+1) > 3*len(shard.slots) {
		s.grow(shard)
	}
	slot := shard.find(id, hash)
	switch {
	case !slot.IsID():
		shard.held++
		*slot = ID{id.low, id.high | uint64(rank)<<rankShift}
	case rank > slot.rank():
		slot.high = id.high | uint64(rank)<<rankShift
	}
}

// Absent is the rank of what is not in a set.
const Absent = 0xFF

// lookUps is how many ids are looked up together, so that their waits for memory overlap.
const lookUps = 256

// Ranks sets ranks[i] to the rank of ids[i], or to Absent.
func (s *IDs) Ranks(ids []ID, ranks []uint8) {
	var hashes [lookUps]uint64
	var slots [lookUps]ID
	for len(ids) > 0 {
		n := min(len(ids), lookUps)
		for i, id := range ids[:n] {
			hash := s.hash(id)
			shard := &s.shards[hash%shards]
			hashes[i], slots[i] = hash, shard.slots[shard.home(hash)]
		}
		for i, id := range ids[:n] {
			slot := &slots[i]
			if !slot.is(id) && slot.IsID() { // another id was there first
				slot = s.shards[hashes[i]%shards].find(id, hashes[i])
			}
			ranks[i] = Absent
			if slot.IsID() && id.IsID() {
				ranks[i] = slot.rank()
			}
		}
		ids, ranks = ids[n:], ranks[n:]
	}
}

func (id *ID) rank() uint8 { return uint8(id.high>>rankShift) & MaxRank }

// is reports whether a slot holds an id.
func (id *ID) is(other ID) bool { return id.low == other.low && id.high&^rankMask == other.high }

// home is the place of the slot where the search for an id begins.
func (t *shard) home(hash uint64) uint64 { return hash / shards & uint64(len(t.slots)-1) }

// find returns the slot of an id, or the free one where it belongs.
func (t *shard) find(id ID, hash uint64) *ID {
	mask := uint64(len(t.slots) - 1)
	for at := t.home(hash); ; at = (at + 1) & mask {
		slot := &t.slots[at]
		if slot.is(id) || !slot.IsID() {
			return slot
		}
	}
}

// grow gives a shard twice as many slots.
func (s *IDs) grow(t *shard) {
	before := t.slots
	t.slots = hugepages.Make[ID](2 * len(before))
	for _, slot := range before {
		if slot.IsID() {
			id := ID{slot.low, slot.high &^ rankMask}
			*t.find(id, s.hash(id)) = slot
		}
	}
}

// hash spreads ids over the shards and their slots, so that nobody who does not know the seeds can
// have many of them meet.
func (s *IDs) hash(id ID) uint64 {
	high, low := bits.Mul64(id.low^s.seeds[0], id.high^s.seeds[1])
	high, low = bits.Mul64(low^s.seeds[2], high^s.seeds[3])
	return high ^ low
}

// integer is the ID of an integer.
func integer(v int64) ID { return ID{uint64(v), integerKind << kindShift} }

// text is the ID of a text that is neither an integer nor empty.
func (s *IDs) text(text []byte, scratch *[]byte) ID {
	if len(text) <= shortText {
		var bytes [16]byte
		copy(bytes[:], text)
		id := ID{binary.LittleEndian.Uint64(bytes[:]), binary.LittleEndian.Uint64(bytes[8:])}
		id.high |= uint64(shortKind+len(text)) << kindShift
		return id
	}
	*scratch = append(append((*scratch)[:0], s.key[:]...), text...)
	sum := sha256.Sum256(*scratch)
	id := ID{binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:]) & payload}
	id.high |= longKind << kindShift
	return id
}
