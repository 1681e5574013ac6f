package rewrite

import (
	"math/rand/v2"
	"testing"

	"noo/formats/parquet/internal/encoding"
	"noo/formats/parquet/internal/page"
	"noo/formats/parquet/internal/spec"
)

func TestAppendBits(t *testing.T) {
	random := rand.New(rand.NewPCG(10, 10))
	for range 300 {
		var want []uint8
		var got []byte
		for range random.IntN(20) {
			bits := make([]uint8, random.IntN(30))
			for i := range bits {
				bits[i] = uint8(random.IntN(2))
			}
			packed := make([]byte, (len(bits)+7)/8)
			for i, b := range bits {
				packed[i/8] |= b << (i % 8)
			}
			got = encoding.AppendBits(got, len(want), packed, len(bits))
			want = append(want, bits...)
		}
		if len(got) != (len(want)+7)/8 {
			t.Fatalf("%d bits take %d bytes", len(want), len(got))
		}
		for i := range 8 * len(got) {
			bit := got[i/8] >> (i % 8) & 1
			if i < len(want) && bit != want[i] || i >= len(want) && bit != 0 {
				t.Fatalf("bit %d of %d is %d", i, len(want), bit)
			}
		}
	}
}

// TestPagesThatGoTogether tells which pages may be mixed: old writers change the encoding, and the
// kind, within a column chunk.
func TestPagesThatGoTogether(t *testing.T) {
	cut := &plainFixed{width: 8}
	first := page.Header{Kind: spec.DataPage, Encoding: spec.Plain}
	open := openPage{header: first, cut: cut}
	for name, c := range map[string]struct {
		header page.Header
		cut    cutter
		want   bool
	}{
		"alike":            {first, cut, true},
		"another kind":     {page.Header{Kind: spec.DataPageV2, Encoding: spec.Plain}, cut, false},
		"another encoding": {page.Header{Kind: spec.DataPage, Encoding: spec.DeltaBinaryPacked}, cut, false},
		"with a checksum":  {page.Header{Kind: spec.DataPage, Encoding: spec.Plain, HasCRC: true}, cut, false},
		"indices":          {first, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := open.suits(&page.Page{Header: c.header}, c.cut); got != c.want {
				t.Errorf("%s: %v, want %v", name, got, c.want)
			}
		})
	}
	// What is left of two pages never makes more than one of them had.
	open = openPage{mostLevels: 100, levels: 49}
	if open.full() {
		t.Error("a page is full with less than half of what one has")
	}
	if open.levels = 50; !open.full() {
		t.Error("a page with half of what one has is not full")
	}
}
