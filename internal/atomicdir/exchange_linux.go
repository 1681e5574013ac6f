package atomicdir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// exchange swaps the names of two folders, in one step where the file system knows how.
func exchange(a, b string) error {
	err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) ||
		errors.Is(err, unix.EOPNOTSUPP) {
		return exchangeByMoves(a, b)
	}
	if err != nil {
		return &os.LinkError{Op: "exchange", Old: a, New: b, Err: err}
	}
	return nil
}

// tryExchange returns EXDEV where a folder cannot be exchanged for another in the folder empty,
// which is beside it: on an overlay file system, of which only the upper layer gives its folders
// other names. It looks at nothing but an overlay.
//
// To find out, it asks for the folder to take the place of one that is not empty. An overlay looks
// first whether the folder can be moved at all, and a place that is not empty is never taken.
func tryExchange(folder, empty string) error {
	var system unix.Statfs_t
	if unix.Statfs(empty, &system) != nil || system.Type != unix.OVERLAYFS_SUPER_MAGIC {
		return nil
	}
	place := filepath.Join(empty, ".place") // no output is called so
	taken := filepath.Join(place, "taken")
	if os.MkdirAll(taken, 0o700) != nil {
		return nil
	}
	err := unix.Rename(folder, place)
	if err == nil { // which it never is
		return unix.Rename(place, folder)
	}
	_ = os.Remove(taken)
	_ = os.Remove(place) // and not what may be in it
	if errors.Is(err, unix.EXDEV) {
		return &fs.PathError{Op: "exchange", Path: folder, Err: err}
	}
	return nil
}
