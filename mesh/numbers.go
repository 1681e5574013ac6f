package mesh

// Numbers is the set of the numbers of a request, or of an answer.
//
// Ten million records of an extract are read by several goroutines at once. A bitmap takes one
// access to memory for each number, sorts them by itself, and tells the numbers that came twice.
// Numbers are issued in a few ranges, so its pages exist only where there is a number: 400 million
// numbers of 4, 6 and 7 take at most 50 MB.

import (
	"math/bits"
	"sync/atomic"

	"noo/internal/nhsnumber"
	"noo/snapshot"
)

// A page holds 65,536 keys, one a bit.
const (
	pageBits = 16
	pageKeys = 1 << pageBits
	pages    = int(nhsnumber.MaxKey)>>pageBits + 1
)

type page [pageKeys / 64]uint64

// Numbers is a set of keys of NHS numbers. The zero Numbers is empty. Add is safe for concurrent
// use; the other methods are not, while Add runs.
type Numbers struct {
	pages [pages]atomic.Pointer[page]
}

// Add puts keys into the set, in any order, and returns how many of them were not in it.
func (n *Numbers) Add(keys ...nhsnumber.Key) (added int) {
	for _, key := range keys {
		bit := uint64(1) << (key & 63)
		before := atomic.OrUint64(&n.page(key)[key%pageKeys/64], bit)
		if before&bit == 0 {
			added++
		}
	}
	return added
}

// page returns the page of a key, which it makes where there is none.
func (n *Numbers) page(key nhsnumber.Key) *page {
	at := &n.pages[key>>pageBits]
	if p := at.Load(); p != nil {
		return p
	}
	at.CompareAndSwap(nil, new(page))
	return at.Load()
}

// Contains reports whether key is in the set.
func (n *Numbers) Contains(key nhsnumber.Key) bool {
	p := n.pages[key>>pageBits].Load()
	return p != nil && p[key%pageKeys/64]>>(key&63)&1 != 0
}

// Len returns how many keys are in the set.
func (n *Numbers) Len() (count int) {
	for i := range n.pages {
		if p := n.pages[i].Load(); p != nil {
			for _, word := range p {
				count += bits.OnesCount64(word)
			}
		}
	}
	return count
}

// Each calls give with the keys of the set in ascending order, some thousands at a time, until give
// returns an error, which Each returns. The slice is lent for the time of the call.
func (n *Numbers) Each(give func(keys []nhsnumber.Key) error) error {
	keys := make([]nhsnumber.Key, 0, pageKeys)
	for i := range n.pages {
		p := n.pages[i].Load()
		if p == nil {
			continue
		}
		keys = keys[:0]
		for at, word := range p {
			for ; word != 0; word &= word - 1 {
				key := i<<pageBits | at<<6 | bits.TrailingZeros64(word)
				keys = append(keys, nhsnumber.Key(key))
			}
		}
		if len(keys) == 0 {
			continue
		}
		if err := give(keys); err != nil {
			return err
		}
	}
	return nil
}

// Set returns the keys as a set for a snapshot.
func (n *Numbers) Set() *snapshot.Set {
	set := snapshot.NewSet()
	_ = n.Each(func(keys []nhsnumber.Key) error { // it returns what the function returns
		set.Add(keys...)
		return nil
	})
	return set
}
