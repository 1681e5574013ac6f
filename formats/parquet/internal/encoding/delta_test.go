package encoding

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"noo/formats/parquet/internal/spec"
)

// TestDeltaExtremes takes differences that wrap.
func TestDeltaExtremes(t *testing.T) {
	wide := []int64{math.MinInt64, math.MaxInt64, 0, -1, 1, math.MaxInt64, math.MinInt64}
	narrow := []int64{math.MinInt32, math.MaxInt32, 0, -1, 1, math.MaxInt32, math.MinInt32}
	random := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		wide = append(wide, int64(random.Uint64()))
		narrow = append(narrow, int64(int32(random.Uint32())))
	}
	for n := range len(wide) {
		for width, numbers := range map[int][]int64{8: wide[:n], 4: narrow[:n]} {
			var plain []byte
			for _, v := range numbers {
				plain = append(plain, binary.LittleEndian.AppendUint64(nil, uint64(v))[:width]...)
			}
			encoded := appendDelta(nil, numbers, width == 4)
			got, err := deltaIntegers{width}.ToPlain(nil, encoded, n, 1<<20)
			if err != nil || !slices.Equal(got, plain) {
				t.Fatalf("%d numbers of %d bytes do not survive: %v", n, width, err)
			}
		}
	}
}

// TestChainedPrefixes reads pages as parquet-mr before 1.8.0 wrote them, where a page's first value
// leans on the page before.
func TestChainedPrefixes(t *testing.T) {
	page := func(prefixes, suffixes []int64, text string) []byte {
		return append(appendDelta(appendDelta(nil, prefixes, true), suffixes, true), text...)
	}
	pages := [][]byte{page([]int64{0, 4}, []int64{5, 1}, "word12"), page([]int64{4, 0}, []int64{1, 1}, "3x")}
	want := [][]byte{appendPlain(appendPlain(nil, []byte("word1")), []byte("word2")), appendPlain(appendPlain(nil, []byte("word3")), []byte("x"))}
	old, err := CoderFor(spec.ByteArray, 0, spec.DeltaByteArray, true)
	if err != nil {
		t.Fatal(err)
	}
	for i, data := range pages {
		got, err := old.ToPlain(nil, data, 2, 1000)
		if err != nil || !slices.Equal(got, want[i]) {
			t.Errorf("page %d: %q, %v, want %q", i, got, err, want[i])
		}
	}
	sound, err := CoderFor(spec.ByteArray, 0, spec.DeltaByteArray, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sound.ToPlain(nil, pages[1], 2, 1000); err == nil {
		t.Error("a prefix of nothing was read")
	}
}
