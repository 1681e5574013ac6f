package atomicfile

import (
	"golang.org/x/sys/unix"
)

// MountRoot reports whether something is mounted at path, be it from the same file system: nothing
// else can take its name.
func MountRoot(path string) bool {
	var stat unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, 0, &stat)
	return err == nil && stat.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
}
