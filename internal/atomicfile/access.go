package atomicfile

// Who may read what is written. What replaces something can be read by whom that could be read by, and by nobody else: a group that cannot
// be given to it gets no permissions either, since they would be another group's.

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// access is the permissions of a file or folder, with setgid of a folder, and its group.
type access struct {
	mode fs.FileMode
	gid  int // anyGroup where it does not matter or the system has none
}

const anyGroup = -1

// accessOf is the access to what stands somewhere.
func accessOf(info fs.FileInfo) access {
	a := access{mode: info.Mode().Perm(), gid: groupOf(info)}
	if info.IsDir() {
		a.mode |= info.Mode() & fs.ModeSetgid
	}
	return a
}

// filesBelow is the access to new files in a folder with access a: its owner's, and its group's where setgid says that what is in it
// is for the group.
func (a access) filesBelow() access {
	if a.mode&fs.ModeSetgid == 0 {
		return access{0o600, anyGroup}
	}
	return access{0o600 | a.mode&0o040, a.gid}
}

// foldersOf is the access to folders below one with access a, for those who can read files with access files.
func (a access) foldersOf(files access) access {
	readers := files.mode & 0o044
	return access{0o700 | readers | readers>>2 | a.mode&fs.ModeSetgid, files.gid}
}

// give gives the access to what is now at path.
func (a access) give(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	mode := a.mode
	if a.gid != anyGroup && groupOf(info) != a.gid && os.Lchown(path, -1, a.gid) != nil {
		mode &^= 0o070 | fs.ModeSetgid
	}
	return os.Chmod(path, mode)
}

// giveOpen gives the access to a file, which need not have a name.
func (a access) giveOpen(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	mode := a.mode
	if a.gid != anyGroup && groupOf(info) != a.gid && file.Chown(-1, a.gid) != nil {
		mode &^= 0o070
	}
	return file.Chmod(mode)
}

// removeTree takes a folder away with everything in it, also what somebody made read-only.
func removeTree(folder string) error {
	err := os.RemoveAll(folder)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	_ = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() { // before what is in it is read
			_ = os.Chmod(path, 0o700)
		}
		return nil // what still cannot be taken away will be said
	})
	return os.RemoveAll(folder)
}
