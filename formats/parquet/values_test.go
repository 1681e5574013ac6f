package parquet

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
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
			got, err := deltaIntegers{width}.toPlain(nil, encoded, n, 1<<20)
			if err != nil || !slices.Equal(got, plain) {
				t.Fatalf("%d numbers of %d bytes do not survive: %v", n, width, err)
			}
		}
	}
}

// TestChainedPrefixes reads pages as parquet-mr before 1.8.0 wrote them, where a page's first value leans on the page before.
func TestChainedPrefixes(t *testing.T) {
	page := func(prefixes, suffixes []int64, text string) []byte {
		return append(appendDelta(appendDelta(nil, prefixes, true), suffixes, true), text...)
	}
	pages := [][]byte{page([]int64{0, 4}, []int64{5, 1}, "word12"), page([]int64{4, 0}, []int64{1, 1}, "3x")}
	want := [][]byte{appendPlain(appendPlain(nil, []byte("word1")), []byte("word2")), appendPlain(appendPlain(nil, []byte("word3")), []byte("x"))}
	old, err := coderFor(byteArray, 0, deltaByteArray, true)
	if err != nil {
		t.Fatal(err)
	}
	for i, data := range pages {
		got, err := old.toPlain(nil, data, 2, 1000)
		if err != nil || !slices.Equal(got, want[i]) {
			t.Errorf("page %d: %q, %v, want %q", i, got, err, want[i])
		}
	}
	sound, err := coderFor(byteArray, 0, deltaByteArray, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sound.toPlain(nil, pages[1], 2, 1000); err == nil {
		t.Error("a prefix of nothing was read")
	}
}

func TestQuirks(t *testing.T) {
	for name, want := range map[string]quirks{
		"parquet-mr version 1.2.8":              {chainedPrefixes: true, hiddenBytes: hiddenHeader},
		"parquet-mr version 1.7.0 (build abc)":  {chainedPrefixes: true},
		"parquet-mr version 1.8.0":              {},
		"parquet-mr version 1.12.3":             {},
		"parquet-mr":                            {chainedPrefixes: true, hiddenBytes: hiddenHeader},
		"parquet-cpp-arrow version 26.0.1":      {},
		"noo version 1.0.0":                     {},
		"parquet-mr version 99999999999999.1.1": {},
	} {
		if got := quirksOf([]byte(name)); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
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
			if err := decodeHybrid(got, appendHybrid(nil, numbers[:n], width), width); err != nil || !slices.Equal(got, numbers[:n]) {
				t.Fatalf("%d numbers of width %d do not survive: %v", n, width, err)
			}
		}
	}
}

// TestHalf compares half-precision numbers with their bits.
func TestHalf(t *testing.T) {
	for bits := range uint32(1 << 16) {
		v := halfValue(uint16(bits))
		if v == v && halfBits(v) != uint16(bits) {
			t.Fatalf("%#04x is %v is %#04x", bits, v, halfBits(v))
		}
	}
	for bits, want := range map[uint16]float64{0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 1: math.Ldexp(1, -24), 0x7c00: math.Inf(1)} {
		if got := halfValue(bits); got != want {
			t.Errorf("%#04x is %v, want %v", bits, got, want)
		}
	}
}

func TestCompareBigEndian(t *testing.T) {
	ordered := [][]byte{{0x80, 0, 0}, {0x80, 0}, {0xff, 0x7f}, {0xff}, {0}, {1}, {0x7f}, {0, 0x80}, {1, 0}, {1, 0, 0}}
	for i, x := range ordered {
		for j, y := range ordered {
			want := min(1, max(-1, i-j))
			if got := compareBigEndian(x, y); got != want {
				t.Errorf("comparing %x with %x gives %d, want %d", x, y, got, want)
			}
		}
	}
	if compareBigEndian([]byte{0xff, 0xff, 0x80}, []byte{0x80}) != 0 {
		t.Error("sign extension makes a difference")
	}
}

func TestBigEndianInt(t *testing.T) {
	for _, c := range []struct {
		bytes []byte
		want  int64
	}{
		{[]byte{5}, 5}, {[]byte{0xff}, -1}, {[]byte{0xff, 0x85}, -123}, {[]byte{2, 0x32, 0x5b, 0x1d, 0x4f}, 0x02325b1d4f},
		{[]byte{0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, math.MaxInt64}, {[]byte{0x80, 0, 0, 0, 0, 0, 0, 0}, math.MinInt64},
	} {
		if got := bigEndianInt(c.bytes); got != c.want {
			t.Errorf("%x is %d, want %d", c.bytes, got, c.want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		head, name string
		want       bool
	}{
		{"PAR1\x15\x04", "extract", true}, {"PARE\x15\x04", "extract", true}, {"PAR1,PAR2\n1,2\n", "parts.csv", false}, {"PAR1\n1\n", "parts", false},
		{"PAR1\r\n1\r\n", "parts", false}, {"PAR1", "x.parquet", true}, {"PAR1", "x.csv", false}, {"a,b\n", "x.parquet", false}, {"a\x00b", "x.parquet", true},
	} {
		if got := (Format{}).Matches([]byte(c.head), c.name); got != c.want {
			t.Errorf("%q named %s matches %v, want %v", c.head, c.name, got, c.want)
		}
	}
}
