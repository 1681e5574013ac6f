package columns

import (
	"math"
	"math/big"
	"testing"
)

// TestChance compares with sums of exact fractions, and with what is known.
func TestChance(t *testing.T) {
	for n := int64(1); n <= 40; n++ {
		for k := int64(0); k <= n+1; k++ {
			got, want := atLeastOf(k, n, validByChance), exactAtLeast(k, n)
			if float64(k) <= float64(n)*validByChance {
				if got != 1 {
					t.Errorf("%d of %d: %g, want 1 below the mean", k, n, got)
				}
				continue
			}
			if math.Abs(got-want) > 1e-9*want+1e-300 {
				t.Errorf("%d of %d: %g, want %g", k, n, got, want)
			}
		}
	}
	for _, c := range []struct{ got, want float64 }{
		{atLeast(1, 0.5), 1 - math.Exp(-0.5)}, {atLeast(2, 0.1), 1 - math.Exp(-0.1)*1.1}, {atLeast(1, 0), 0}, {atLeast(0, 0), 1}, {atLeast(3, 5), 1},
		{atLeast(1, 1e-9), 1e-9},
	} {
		if math.Abs(c.got-c.want) > 1e-9*c.want {
			t.Errorf("%g, want %g", c.got, c.want)
		}
	}
	if p := atLeast(2_000_000, 1_000_000); p != 0 {
		t.Errorf("twice a million: %g", p)
	}
	if p := atLeastOf(910_000, 10_000_000, validByChance); p < 0.001 || p > 0.5 {
		t.Errorf("about a million of eleven: %g", p)
	}
}

// exactAtLeast is the probability of k or more of n with probability 1 in 11 each.
func exactAtLeast(k, n int64) float64 {
	sum := new(big.Int)
	for i := k; i <= n; i++ {
		term := new(big.Int).Binomial(n, i)
		sum.Add(sum, term.Mul(term, new(big.Int).Exp(big.NewInt(10), big.NewInt(n-i), nil)))
	}
	all := new(big.Int).Exp(big.NewInt(11), big.NewInt(n), nil)
	p, _ := new(big.Rat).SetFrac(sum, all).Float64()
	return p
}
