//go:build !linux

package atomicfile

// exchange swaps the names of two folders.
func exchange(a, b string) error { return exchangeByMoves(a, b) }
