//go:build !linux

// Package hugepages allocates memory for large tables that are read at random.
package hugepages

// Make returns n zeros. Only Linux takes a hint about the pages behind them.
func Make[T any](n int) []T { return make([]T, n) }
