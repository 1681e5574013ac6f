package decimal

import (
	"bytes"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"noo/internal/nhsnumber"
)

// twosComplement writes n in so many bytes in big-endian order, of which it needs no more.
func twosComplement(n *big.Int, width int) []byte {
	if n.Sign() < 0 {
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*width)))
	}
	return n.FillBytes(make([]byte, width))
}

// plainNotation writes n divided by ten to the power of scale.
func plainNotation(n *big.Int, scale int) string {
	digits := fmt.Sprintf("%0*d", scale+1, new(big.Int).Abs(n))
	if n.Sign() < 0 {
		digits = "-" + digits
	}
	if scale == 0 {
		return digits
	}
	point := len(digits) - scale
	return digits[:point] + "." + digits[point:]
}

// wantDecimal has a decimal written as text.
func wantDecimal(t *testing.T, value []byte, scale int, want string) {
	t.Helper()
	before := slices.Clone(value)
	if got := string(Append([]byte("before "), value, scale)); got != "before "+want {
		t.Errorf("%x with scale %d is %q, want %q", value, scale, got, want)
	}
	if !bytes.Equal(value, before) {
		t.Errorf("%x is %x now", before, value)
	}
}

// TestDecimals compares with math/big: every width, any scale, and numbers of all sizes.
func TestDecimals(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for width := 1; width <= 8*mostWords; width++ {
		most := new(big.Int).Lsh(big.NewInt(1), uint(8*width-1))
		numbers := []*big.Int{new(big.Int), big.NewInt(1), big.NewInt(-1), new(big.Int).Sub(most, big.NewInt(1)), new(big.Int).Neg(most)}
		for range 300 {
			n := new(big.Int)
			for range (width + 7) / 8 {
				n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(r.Uint64()))
			}
			n.Rem(n, most).Rsh(n, uint(r.IntN(8*width)))
			if r.IntN(2) == 0 {
				n.Neg(n)
			}
			numbers = append(numbers, n)
		}
		for power := big.NewInt(1); power.Cmp(most) < 0; power = new(big.Int).Mul(power, big.NewInt(10)) {
			numbers = append(numbers, power, new(big.Int).Neg(power), new(big.Int).Sub(power, big.NewInt(1)))
		}
		for _, n := range numbers {
			scale := []int{0, 1, 2, 10, 20, 38, MostScale, r.IntN(MostScale + 1)}[r.IntN(8)]
			want := plainNotation(n, scale)
			if len(want) > MostText {
				t.Fatalf("%q is longer than any decimal should be", want)
			}
			wantDecimal(t, twosComplement(n, width), scale, want)
			wantDecimal(t, twosComplement(n, width+r.IntN(100)), scale, want)
			if n.IsInt64() {
				if got := string(AppendScaled(nil, n.Int64(), scale)); got != want {
					t.Errorf("%d with scale %d is %q, want %q", n, scale, got, want)
				}
			}
			if n.IsUint64() {
				if got := string(AppendUnsigned(nil, n.Uint64())); got != n.String() {
					t.Errorf("%d is %q", n, got)
				}
			}
		}
	}
}

// TestDecimalEdges: what is too large for any decimal is no number, and no bytes are nothing.
func TestDecimalEdges(t *testing.T) {
	wantDecimal(t, nil, 0, "0")
	wantDecimal(t, []byte{}, 2, "0.00")
	limit := new(big.Int).Lsh(big.NewInt(1), 8*8*mostWords-1)
	wantDecimal(t, twosComplement(limit, 41), 10, TooLarge)
	wantDecimal(t, twosComplement(new(big.Int).Neg(limit), 41), 0, plainNotation(new(big.Int).Neg(limit), 0))
	wantDecimal(t, twosComplement(new(big.Int).Sub(new(big.Int).Neg(limit), big.NewInt(1)), 41), 0, TooLarge)
	wantDecimal(t, bytes.Repeat([]byte("9434765919"), 100), 0, TooLarge)
	if _, status := nhsnumber.Parse([]byte(TooLarge)); status != nhsnumber.Invalid {
		t.Errorf("what is too large is %v", status)
	}
}

// TestWideInts reads integers of 128 bits in both orders, and leaves everything else alone.
func TestWideInts(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		// 48 bits.
		{"9434765919", ""}, {"0", ""}, {"-1", ""}, {"-9434765919", ""}, {"281474976710655", ""}, {"-281474976710656", ""},
		// 49 bits, and one end has no ten bytes.
		{"281474976710656", "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00"},
	} {
		t.Run(c.value, func(t *testing.T) {
			n, _ := new(big.Int).SetString(c.value, 10)
			bigEndian := twosComplement(n, WideBytes)
			littleEndian := slices.Clone(bigEndian)
			slices.Reverse(littleEndian)
			for _, value := range [][]byte{bigEndian, littleEndian} {
				v, ok := WideInt(value)
				if want := c.want == ""; ok != want || ok && v != n.Int64() {
					t.Errorf("%x is %d, %v, want %s", value, v, ok, c.value)
				}
			}
		})
	}
	for _, text := range []string{"9434765919      ", "9434765919\x00\x00\x00\x00\x00\x00", " 943 476 5919   ", "\x00\x00\x00\x00\x00\x009434765919"} {
		if _, ok := WideInt([]byte(text)); ok {
			t.Errorf("%q is a number", text)
		}
	}
}
