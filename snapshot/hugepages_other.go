//go:build !linux

package snapshot

// makeLarge returns n zeros. Only Linux takes a hint about the pages behind them.
func makeLarge[T any](n int) []T { return make([]T, n) }
