package columns

import (
	"math"
)

// How likely it is that values look like NHS numbers by chance alone.

const (
	// validByChance is the share of ten-digit values whose check digit holds by chance.
	validByChance = 1.0 / 11
	// tenDigitValues is how many ten-digit values start with the same digit.
	tenDigitValues = 1e9
	// unlikely is a probability below which valid numbers are not taken for chance.
	unlikely = 1e-4
	// doubtful is a probability below which numbers of people who opted out are not taken for
	// chance: with less certainty, since to let one pass is worse than to stop.
	doubtful = 1e-2
)

// atLeastOf is the probability of k or more of n, where each is one by chance with probability p.
// Below the mean, where it is more than a third, it is given as 1.
func atLeastOf(k, n int64, p float64) float64 {
	if float64(k) <= float64(n)*p {
		return 1
	}
	if k > n {
		return 0
	}
	term := math.Exp(
		logGamma(
			n+1,
		) - logGamma(
			k+1,
		) - logGamma(
			n-k+1,
		) + float64(
			k,
		)*math.Log(
			p,
		) + float64(
			n-k,
		)*math.Log1p(
			-p,
		),
	)
	sum := term
	for i := k; i < n && term > sum*1e-12; i++ {
		term *= float64(n-i) / float64(i+1) * p / (1 - p)
		sum += term
	}
	return min(sum, 1)
}

// atLeast is the probability of k or more where mean are expected (Poisson). Up to the mean it is
// given as 1.
func atLeast(k int64, mean float64) float64 {
	if float64(k) <= mean || k == 0 {
		return 1
	}
	if mean <= 0 {
		return 0
	}
	term := math.Exp(-mean + float64(k)*math.Log(mean) - logGamma(k+1))
	sum := term
	for i := k + 1; term > sum*1e-12; i++ {
		term *= mean / float64(i)
		sum += term
	}
	return min(sum, 1)
}

func logGamma(n int64) float64 {
	value, _ := math.Lgamma(float64(n))
	return value
}
