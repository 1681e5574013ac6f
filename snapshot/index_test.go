// Look-ups against a plain map, and benchmarks of opening and looking up.

package snapshot

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"noo/internal/nhsnumber"

	"github.com/RoaringBitmap/roaring/v2"
)

// TestLookUpAgainstMap compares look-ups in random snapshots of several densities with a plain map.
func TestLookUpAgainstMap(t *testing.T) {
	key := fixedKey(t, 1)
	r := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct {
		width, optedOut, checked int // keys are drawn from a range of that width
	}{
		{1 << 30, 1000, 0},
		{1 << 30, 1000, 3000},
		{200_000, 5_000, 0},
		{200_000, 5_000, 150_000}, // bitmap containers
		{3_000, 1_000, 4_000},     // runs
		{10, 3, 9},
		{1 << 30, 1, 0},
		{1 << 30, 0, 50},
	} {
		keys := make([]nhsnumber.Key, 0, c.optedOut+c.checked)
		for len(keys) < c.optedOut+c.checked {
			k := 400_000_000 + r.Uint32N(uint32(c.width))
			if _, ok := nhsnumber.CheckDigit(k); ok && k%111_111_111 != 0 {
				keys = append(keys, k)
			}
		}
		want := make(map[nhsnumber.Key]Standing)
		m := Manifest{Scope: National, Created: created, ValidUntil: validUntil}
		sets := Sets{OptedOut: new(Set)}
		if c.checked > 0 {
			m.Scope, sets.Checked = Checked, NewSet(keys...)
			for _, k := range keys {
				want[k] = Clear
			}
		}
		for _, k := range keys[:c.optedOut] {
			want[k] = OptedOut
			sets.OptedOut.Add(k)
		}
		s, err := Parse(write(t, m, sets, key), public(key))
		if err != nil {
			t.Fatal(err)
		}
		asked := append([]nhsnumber.Key{0, nhsnumber.MaxKey, 399_999_999}, keys...)
		for _, k := range keys {
			asked = append(asked, k+1, k-1, k^16, k^1024, k^65536, 400_000_000+r.Uint32N(uint32(c.width)))
		}
		standings := make([]Standing, len(asked)+1)
		standings[len(asked)] = 77
		s.LookUp(asked, standings)
		if standings[len(asked)] != 77 {
			t.Error("LookUp writes beyond the keys")
		}
		for i, k := range asked {
			standing := want[k]
			if m.Scope == National && standing == Unchecked {
				standing = Clear
			}
			if standings[i] != standing || s.Standing(k) != standing {
				t.Fatalf("%+v: %v, want %v", c, standings[i], standing)
			}
		}
		if n := testing.AllocsPerRun(5, func() { s.LookUp(asked, standings) }); n != 0 {
			t.Errorf("LookUp allocates %v times", n)
		}
	}
}

// benchmarkCount is the number of people in England who have opted out.
const benchmarkCount = 3_600_000

func BenchmarkOpen(b *testing.B) {
	key := fixedKey(b, 1)
	path := filepath.Join(b.TempDir(), "x.noo")
	if err := os.WriteFile(path, national(b, benchmarkCount, key), 0o600); err != nil {
		b.Fatal(err)
	}
	trusted := public(key)
	runtime.GC()
	b.ReportAllocs()
	for b.Loop() {
		s, err := Open(path, trusted)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(s.Size())
	}
}

// randomKeys are far more keys than a cache holds.
func randomKeys() []nhsnumber.Key {
	r := rand.New(rand.NewPCG(7, 8))
	keys := make([]nhsnumber.Key, 1<<22)
	for i := range keys {
		keys[i] = draw(r)
	}
	return keys
}

// overKeys runs lookUp over batches of random keys and reports the time for one key.
func overKeys(b *testing.B, keys []nhsnumber.Key, lookUp func([]nhsnumber.Key, []Standing)) {
	const batch = 4096
	standings := make([]Standing, batch)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		lookUp(keys[i:i+batch], standings)
		i = (i + batch) % len(keys)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/key")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkLookUp(b *testing.B) {
	key := fixedKey(b, 1)
	keys := randomKeys()
	for _, scope := range []Scope{National, Checked} {
		m := Manifest{Scope: scope, Created: created, ValidUntil: validUntil}
		sets := Sets{OptedOut: drawSet(benchmarkCount)}
		if scope == Checked {
			sets.Checked = drawSet(3 * benchmarkCount)
			sets.Checked.Union(sets.OptedOut)
		}
		s, err := Parse(write(b, m, sets, key), public(key))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(string(scope), func(b *testing.B) { overKeys(b, keys, s.LookUp) })
	}
}

// BenchmarkCandidates measures the indexes that were considered; index.go has the results.
func BenchmarkCandidates(b *testing.B) {
	keys := randomKeys()
	set := drawSet(benchmarkCount)
	all := set.bitmap.ToArray()
	set.bitmap.RunOptimize()
	for _, c := range []struct {
		name string
		make func(*roaring.Bitmap, []nhsnumber.Key) func(nhsnumber.Key) bool
	}{
		{"roaring", func(bitmap *roaring.Bitmap, _ []nhsnumber.Key) func(nhsnumber.Key) bool { return bitmap.Contains }},
		{"buckets", bucketIndex},
		{"pages", pageIndex},
		{"flat", flatIndex},
	} {
		contains := c.make(&set.bitmap, all)
		b.Run(c.name, func(b *testing.B) {
			overKeys(b, keys, func(keys []nhsnumber.Key, standings []Standing) {
				for i, key := range keys {
					standings[i] = Clear
					if contains(key) {
						standings[i] = OptedOut
					}
				}
			})
		})
	}
}

func flatIndex(_ *roaring.Bitmap, all []nhsnumber.Key) func(nhsnumber.Key) bool {
	words := make([]uint64, nhsnumber.MaxKey/64+1)
	for _, key := range all {
		words[key/64] |= 1 << (key % 64)
	}
	return func(key nhsnumber.Key) bool { return words[key/64]>>(key%64)&1 != 0 }
}

func pageIndex(_ *roaring.Bitmap, all []nhsnumber.Key) func(nhsnumber.Key) bool {
	const words = 1024
	var pages [nhsnumber.MaxKey>>16 + 1]uint32
	bitmap := make([]uint64, words) // page 0 is empty
	for _, key := range all {
		page := &pages[key>>16]
		if *page == 0 {
			*page = uint32(len(bitmap))
			bitmap = append(bitmap, make([]uint64, words)...)
		}
		bitmap[*page+key>>6%words] |= 1 << (key % 64)
	}
	return func(key nhsnumber.Key) bool { return bitmap[pages[key>>16]+key>>6%words]>>(key%64)&1 != 0 }
}

func bucketIndex(_ *roaring.Bitmap, all []nhsnumber.Key) func(nhsnumber.Key) bool {
	starts := make([]uint32, nhsnumber.MaxKey>>10+2)
	var lows []uint16
	for _, key := range all {
		starts[key>>10+1]++
		lows = append(lows, uint16(key))
	}
	for i := 1; i < len(starts); i++ {
		starts[i] += starts[i-1]
	}
	return func(key nhsnumber.Key) bool {
		return slices.Contains(lows[starts[key>>10]:starts[key>>10+1]], uint16(key))
	}
}
