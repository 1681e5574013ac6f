package pseudonym

// The table of the pseudonyms of all people that a snapshot knows.
//
// It is open-addressed. The first 64 bits of a digest say where its entry is, and the next 64 are
// compared: a pseudonym of somebody else is taken for one in the table with a probability of about
// 2^-63. An entry has 12 bytes, and one in four is free: 58 MB for 3.6 million people, where
// whole digests would take 170 MB. BenchmarkNewTable and BenchmarkRead measure it.

import (
	"context"
	"encoding/binary"
	"math"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"

	"noo/internal/hugepages"
	"noo/internal/nhsnumber"
)

// Table tells of whom a pseudonym is. It is safe for concurrent use.
type Table struct {
	marks []uint64 // 0 is a free entry
	keys  []nhsnumber.Key
}

// The keys of entries that are no person's.
const (
	blank       nhsnumber.Key = math.MaxUint32 - iota // a text that stands for "no number"
	placeholder                                       // ten times the same digit
)

// nobodys are texts that systems hash though they are nobody's number.
var nobodys = map[string]nhsnumber.Key{
	"": blank, " ": blank, "-": blank, "NULL": blank, "null": blank, "Null": blank, "NA": blank,
	"na": blank, "N/A": blank, "n/a": blank, "NaN": blank, "nan": blank, "NAN": blank,
	"None": blank, "none": blank, "NONE": blank,
	"0000000000": placeholder, "1111111111": placeholder, "2222222222": placeholder,
	"3333333333": placeholder, "4444444444": placeholder, "5555555555": placeholder,
	"6666666666": placeholder, "7777777777": placeholder, "8888888888": placeholder,
	"9999999999": placeholder,
}

// batchKeys is how many numbers a goroutine hashes before it looks whether the context has ended.
const batchKeys = 4096

// NewTable hashes the numbers of people, whose keys may be given more than once, with all
// processors. count is how many keys there are at most. The error is the context's cause.
func NewTable(
	ctx context.Context,
	method Method,
	secret Secret,
	count uint64,
	people func(yield func(nhsnumber.Key) bool),
) (*Table, error) {
	size := int(count+count/3) + 4*len(nobodys)
	t := &Table{
		marks: hugepages.Make[uint64](size),
		keys:  hugepages.Make[nhsnumber.Key](size),
	}
	h := newHasher(method, secret)
	for text, key := range nobodys {
		var digest Digest
		h.sum([]byte(text), secret, &digest)
		t.enter(&digest, key)
	}
	batches := make(chan []nhsnumber.Key, runtime.GOMAXPROCS(0))
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() { t.fill(ctx, newHasher(method, secret), secret, batches) })
	}
	batch := make([]nhsnumber.Key, 0, batchKeys)
	for key := range people {
		if batch = append(batch, key); len(batch) == batchKeys {
			batches <- batch
			batch = make([]nhsnumber.Key, 0, batchKeys)
		}
		if ctx.Err() != nil {
			break
		}
	}
	batches <- batch
	close(batches)
	workers.Wait()
	return t, context.Cause(ctx)
}

// fill enters the numbers of batches.
func (t *Table) fill(
	ctx context.Context,
	h *hasher,
	secret Secret,
	batches <-chan []nhsnumber.Key,
) {
	var digest Digest
	digits := make([]byte, 0, 10)
	for batch := range batches {
		if ctx.Err() != nil {
			continue // so that nobody waits to hand one on
		}
		for _, key := range batch {
			digits = appendNumber(digits[:0], key)
			h.sum(digits, secret, &digest)
			t.enter(&digest, key)
		}
	}
}

// place returns where the entry of a digest would be, and its mark, which is never 0.
func (t *Table) place(digest *Digest) (at int, mark uint64) {
	high, _ := bits.Mul64(binary.BigEndian.Uint64(digest[:8]), uint64(len(t.marks)))
	return int(high), max(binary.BigEndian.Uint64(digest[8:16]), 1)
}

// enter makes an entry. It is called from several goroutines: who sets a mark has the entry.
func (t *Table) enter(digest *Digest, key nhsnumber.Key) {
	at, mark := t.place(digest)
	for !atomic.CompareAndSwapUint64(&t.marks[at], 0, mark) {
		if at++; at == len(t.marks) {
			at = 0
		}
	}
	t.keys[at] = key
}

// find returns the key of the person whose pseudonym a digest is, blank or placeholder for the hash
// of one, or 0 for a digest that is not there.
func (t *Table) find(digest *Digest) nhsnumber.Key {
	at, mark := t.place(digest)
	for t.marks[at] != 0 {
		if t.marks[at] == mark {
			return t.keys[at]
		}
		if at++; at == len(t.marks) {
			at = 0
		}
	}
	return 0
}

// Read returns the key of the person whose pseudonym a text is, and nhsnumber.Valid. The key is 0,
// which nobody has, for a pseudonym of somebody unknown. Missing are the blanks and tokens that are
// missing in a column of numbers, and their hashes. The hash of ten times the same digit is Invalid.
func (t *Table) Read(text []byte) (nhsnumber.Key, nhsnumber.Status) {
	digest, ok := Parse(text)
	if !ok {
		if _, status := nhsnumber.Parse(text); status == nhsnumber.Missing {
			return 0, nhsnumber.Missing
		}
		return 0, nhsnumber.Invalid
	}
	switch key := t.find(&digest); key {
	case blank:
		return 0, nhsnumber.Missing
	case placeholder:
		return 0, nhsnumber.Invalid
	default:
		return key, nhsnumber.Valid
	}
}

// Held calls found for the key of every known person whose pseudonym is somewhere in a text that
// is none itself. It stops and returns true when found does.
func (t *Table) Held(text []byte, found func(nhsnumber.Key) bool) bool {
	return held(text, func(digest *Digest) bool {
		key := t.find(digest)
		return key != 0 && key <= nhsnumber.MaxKey && found(key)
	})
}
