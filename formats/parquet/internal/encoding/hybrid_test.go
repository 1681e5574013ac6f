package encoding

import (
	"math/rand/v2"
	"slices"
	"testing"
)

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
