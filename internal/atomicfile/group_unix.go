//go:build unix

package atomicfile

import (
	"io/fs"
	"syscall"
)

// groupOf is the group of a file or folder.
func groupOf(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Gid)
	}
	return anyGroup
}
