package stats

import (
	"math"
	"testing"
)

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
