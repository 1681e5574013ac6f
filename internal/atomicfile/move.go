package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"syscall"
)

// moveNew moves a file to a name that must not exist. A hard link refuses an existing name in one
// step; where the file system has none, the name is looked at first.
func moveNew(from, to string) error {
	err := os.Link(from, to)
	if err == nil {
		_ = os.Remove(from) // the file stands, under one name too many at worst
		return nil
	}
	if errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return fs.ErrExist
	}
	return os.Rename(from, to)
}

// SyncFolder makes a new name durable, as far as the system allows: Windows cannot sync a folder,
// some file systems cannot either, and a folder that one may write to but not read cannot be
// opened. None of these is a reason to fail, since the file itself is synced and exists.
func SyncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(path)
	if err == nil {
		defer folder.Close()
		err = folder.Sync()
	}
	for _, cannot := range []error{fs.ErrPermission, errors.ErrUnsupported, syscall.EINVAL} {
		if errors.Is(err, cannot) {
			return nil
		}
	}
	return err
}

// SyncFile syncs a file that was written and closed. Windows wants it open for writing for that.
func SyncFile(path string) error {
	flag := os.O_RDONLY
	if runtime.GOOS == "windows" {
		flag = os.O_RDWR
	}
	file, err := os.OpenFile(path, flag, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
