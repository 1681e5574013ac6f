package readback

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"
)

// TestDecimals compares with math/big: every width up to 40 bytes, any scale.
func TestDecimals(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for range 20_000 {
		value := make([]byte, 1+r.IntN(39))
		for i := range value {
			value[i] = byte(r.Uint32())
		}
		scale := r.IntN(77)
		n := new(big.Int).SetBytes(value)
		if value[0] >= 0x80 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(value))))
		}
		digits, sign := fmt.Sprintf("%0*d", scale+1, new(big.Int).Abs(n)), ""
		if n.Sign() < 0 {
			sign = "-"
		}
		want := sign + digits
		if point := len(digits) - scale; scale > 0 {
			want = sign + digits[:point] + "." + digits[point:]
		}
		if got := string(decimalText(value, scale)); got != want {
			t.Fatalf("%x with scale %d is %q, want %q", value, scale, got, want)
		}
	}
}

// TestWideInts: an integer of 16 bytes in either order is the number if it is small, and any other
// bytes are themselves.
func TestWideInts(t *testing.T) {
	for _, n := range []int64{0, 9434765919, -1, -9434765919, 281474976710655, -281474976710656} {
		value := make([]byte, 16)
		for i := range value {
			value[i] = byte(n >> 63)
		}
		for i := range 8 {
			value[15-i] = byte(n >> (8 * i))
		}
		want := fmt.Sprint(n)
		for _, order := range []string{"big-endian", "little-endian"} {
			if got := string(wideText(value)); got != want {
				t.Errorf("%d, %s, is %q", n, order, got)
			}
			for i := range 8 {
				value[i], value[15-i] = value[15-i], value[i]
			}
		}
	}
	for _, text := range []string{"9434765919      ", "\x00\x00\x00\x00\x00\x009434765919"} {
		if got := string(wideText([]byte(text))); got != text {
			t.Errorf("%q is %q", text, got)
		}
	}
}
