package marks

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestMarks compares the marks that the processor's own instructions make with those made byte by
// byte.
func TestMarks(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 1))
	alphabet := []byte("0123456789,;\n\r\"nNhHsS /:~\x00\x80\xff\xb0\x1f.")
	var got []Block
	for range 20_000 {
		data := make([]byte, r.IntN(400))
		for i := range data {
			data[i] = alphabet[r.IntN(len(alphabet))]
			if r.IntN(20) == 0 {
				data[i] = byte(r.Uint32())
			}
		}
		if r.IntN(4) == 0 && len(data) > 3 {
			copy(data[r.IntN(len(data)-2):], "NhS")
		}
		delimiter := []byte{',', ';', '\t', 'n', '|', '/'}[r.IntN(6)]
		want, plain := make([]Block, len(data)/64+2), make([]Block, len(data)/64+1)
		nhs := false
		for i := range want {
			block := data[min(64*i, len(data)):]
			m, some := markBytes(block[:min(len(block), 64)], block, delimiter)
			want[i], nhs = m, nhs || some
		}
		if plainNHS := markPlain(plain, data, delimiter); plainNHS != nhs || !slices.Equal(plain, want[:len(plain)]) {
			t.Fatalf("%q, %q: %x, want %x, nhs is %t", data, delimiter, plain, want, plainNHS)
		}
		var gotNHS bool
		got, gotNHS = Mark(got, data, delimiter)
		if !slices.Equal(got, want) {
			t.Fatalf("%q, %q: %x, want %x", data, delimiter, got, want)
		}
		if gotNHS != nhs || nhs != bytes.Contains(bytes.ToLower(data), []byte("nhs")) {
			t.Fatalf("%q: nhs is %t", data, gotNHS)
		}
		checkBits(t, r, got, data, delimiter)
	}
}

// checkBits holds what is read out of marks against the bytes.
func checkBits(t *testing.T, r *rand.Rand, all []Block, data []byte, delimiter byte) {
	t.Helper()
	isEnd := func(i int) bool {
		return i >= len(data) || data[i] == delimiter || data[i] == '\n' || data[i] == '\r'
	}
	start := r.IntN(len(data) + 1)
	end := start + r.IntN(len(data)+1-start)
	ends, digits, high := 0, 0, false
	for i := range end {
		if isEnd(i) {
			ends++
		}
		if i >= start {
			high = high || data[i] >= 0x80
		}
		if i >= start && '0' <= data[i] && data[i] <= '9' {
			digits++
		}
	}
	ranks := RankEnds(nil, all)
	if n := EndsBefore(all, ranks, end); n != ends {
		t.Fatalf("%q before %d: %d ends", data, end, n)
	}
	if got := MayBeNumberAt(all, start, end); got != (digits >= 10 || high) {
		t.Fatalf("%q from %d to %d: may be a number: %t", data, start, end, got)
	}
	feed := start
	for feed < len(data) && data[feed] != '\n' {
		feed++
	}
	if got := NextFeed(all, start, len(data)); got != feed {
		t.Fatalf("%q from %d: line feed at %d", data, start, got)
	}
	for n, i := 1, start; i < len(data); i++ {
		if isEnd(i) {
			if got := FieldBehind(all, start, n); got != i+1 {
				t.Fatalf("%q from %d: field %d behind it at %d", data, start, n, got)
			}
			n++
		}
	}
	for end = start; !isEnd(end); end++ {
	}
	if got := EndOfField(all, start); got != end {
		t.Fatalf("%q from %d: ends at %d", data, start, got)
	}
}

func TestTenInARow(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 2))
	for range 50_000 {
		low, high := r.Uint64()|r.Uint64()|r.Uint64(), r.Uint64()|r.Uint64()
		ten := tenInARow(low, high)
		for i := range 64 {
			want := true
			for j := i; j < i+10; j++ {
				want = want && (j < 64 && low>>j&1 == 1 || j >= 64 && high>>(j-64)&1 == 1)
			}
			if ten>>i&1 == 1 != want {
				t.Fatalf("%b %b at %d: %t", high, low, i, !want)
			}
		}
	}
}

func BenchmarkMark(b *testing.B) {
	data := bytes.Repeat([]byte("1000000000,9434765919,F,1930-01-01,AB1 2CD,RGT01,2026-01-01,2026-07-01,I10X,X001,100.00,C1234567,did not attend\n"), 2000)
	for _, way := range []struct {
		name string
		mark func(all []Block)
	}{
		{"processor", func(all []Block) { Mark(all, data, ',') }},
		{"plain", func(all []Block) { markPlain(all[:len(all)-1], data, ',') }},
	} {
		b.Run(way.name, func(b *testing.B) {
			all := make([]Block, len(data)/64+2)
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				way.mark(all)
			}
		})
	}
}
