package encoding

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"noo/formats/parquet/internal/meta"
	"noo/formats/parquet/internal/spec"
)

// coders are the value coders, with the leaf that each is for.
func coders() map[spec.Encoding][]meta.Leaf {
	texts, fixed := meta.Leaf{Kind: spec.ByteArray}, meta.Leaf{Kind: spec.FixedLenByteArray, Width: 3}
	four, eight := meta.Leaf{Kind: spec.Int32Type, Width: 4}, meta.Leaf{Kind: spec.Int64Type, Width: 8}
	return map[spec.Encoding][]meta.Leaf{
		spec.DeltaBinaryPacked: {four, eight}, spec.DeltaLengthByteArray: {texts}, spec.DeltaByteArray: {texts, fixed}, spec.ByteStreamSplit: {four, eight, fixed},
		spec.RLE: {{Kind: spec.Boolean}},
	}
}

func FuzzValues(f *testing.F) {
	random := rand.New(rand.NewPCG(4, 4))
	for range 20 {
		var numbers []int64
		for range random.IntN(300) {
			numbers = append(numbers, random.Int64()>>random.IntN(64))
		}
		f.Add(appendDelta(nil, numbers, false), uint16(len(numbers)))
	}
	f.Fuzz(func(t *testing.T, data []byte, n uint16) {
		const limit = 1 << 20
		for e, leaves := range coders() {
			for _, l := range leaves {
				coder, err := CoderFor(l.Kind, l.Width, e, false)
				if err != nil {
					t.Fatal(err)
				}
				values, err := coder.ToPlain(nil, data, int(n), limit)
				if err != nil {
					continue
				}
				if len(values) > limit {
					t.Errorf("encoding %d: %d bytes, over the limit", e, len(values))
				}
				encoded, err := coder.FromPlain(nil, values, int(n))
				if err != nil {
					t.Fatal(err)
				}
				again, err := coder.ToPlain(nil, encoded, int(n), limit)
				if err != nil || !bytes.Equal(again, values) {
					t.Errorf("encoding %d: values do not survive: %v", e, err)
				}
			}
		}
	})
}

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

// TestHybrid packs numbers of every width, in runs of every length.
func TestHybrid(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	for width := uint(1); width <= 32; width++ {
		var numbers []uint32
		for range 60 {
			v := uint32(random.Uint64() & (1<<width - 1))
			for range 1 + random.IntN(1+random.IntN(70)) {
				numbers = append(numbers, v)
			}
		}
		for _, n := range []int{0, 1, 7, 8, 9, 100, len(numbers)} {
			got := make([]uint32, n)
			if err := DecodeHybrid(got, AppendHybrid(nil, numbers[:n], width), width); err != nil || !slices.Equal(got, numbers[:n]) {
				t.Fatalf("%d numbers of width %d do not survive: %v", n, width, err)
			}
		}
	}
}
