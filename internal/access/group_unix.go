//go:build unix

package access

import (
	"io/fs"
	"syscall"
)

// GroupOf is the group of a file or folder.
func GroupOf(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Gid)
	}
	return AnyGroup
}
