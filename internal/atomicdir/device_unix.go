//go:build unix

package atomicdir

import (
	"io/fs"
	"syscall"
)

// sameDevice reports whether two files are on one file system.
func sameDevice(a, b fs.FileInfo) bool {
	x, ok := a.Sys().(*syscall.Stat_t)
	y, known := b.Sys().(*syscall.Stat_t)
	return !ok || !known || x.Dev == y.Dev
}
