// Package hugepages allocates memory for large tables that are read at random.
package hugepages

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const hugePage = 2 << 20 // bytes, on amd64 and arm64 with 4 KiB pages

// Make returns n zeros in memory that the kernel is asked to back with large pages. Look-ups
// go to random places, so with small pages nearly each of them also misses the processor's table of
// pages. The memory starts at a large page and is as long as whole ones, since the kernel takes no
// others. It is a hint; where it is not taken, nothing else changes.
func Make[T any](n int) []T {
	element := int(unsafe.Sizeof(*new(T)))
	if n*element < hugePage/4 {
		return make([]T, n)
	}
	whole := (n*element + hugePage - 1) &^ (hugePage - 1)
	s := make([]T, (whole+hugePage)/element)
	start := unsafe.Pointer(unsafe.SliceData(s))
	// Bytes up to the first large page, a multiple of the element's size.
	skip := int(-uintptr(start) & (hugePage - 1))
	_ = unix.Madvise(unsafe.Slice((*byte)(unsafe.Add(start, skip)), whole), unix.MADV_HUGEPAGE)
	return s[skip/element:][:n:n]
}
