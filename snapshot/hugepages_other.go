//go:build !linux

package snapshot

// preferHugePages does nothing: only Linux takes the hint.
func preferHugePages[T any]([]T) {}
