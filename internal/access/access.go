// Package access says who may read what is written. What replaces something can be read by those
// who could read that, and by nobody else: a group that cannot be given to it gets no permissions
// either, since they would be another group's.
package access

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Access is the permissions of a file or folder, with setgid of a folder, and its group.
type Access struct {
	Mode fs.FileMode
	GID  int // AnyGroup where it does not matter or the system has none
}

// AnyGroup is the GID where the group does not matter, or the system has none.
const AnyGroup = -1

// Of is the access to what is somewhere.
func Of(info fs.FileInfo) Access {
	a := Access{Mode: info.Mode().Perm(), GID: GroupOf(info)}
	if info.IsDir() {
		a.Mode |= info.Mode() & fs.ModeSetgid
	}
	return a
}

// FilesBelow is the access to new files in a folder with access a: its owner's, and its group's
// where setgid says that what is in it is for the group.
func (a Access) FilesBelow() Access {
	if a.Mode&fs.ModeSetgid == 0 {
		return Access{0o600, AnyGroup}
	}
	return Access{0o600 | a.Mode&0o040, a.GID}
}

// Within narrows the access to a file to those who can enter the folder that it is in, which has
// access top.
func (a Access) Within(top Access) Access {
	others := top.Mode & 0o001
	group := others // to whom the folder's group is another one
	if a.GID == top.GID {
		group = top.Mode & 0o010 >> 3
	}
	a.Mode &= 0o600 | group<<5 | others<<2
	return a
}

// FoldersOf is the access to folders below one with access a, for those who can read files with
// access files.
func (a Access) FoldersOf(files Access) Access {
	readers := files.Mode & 0o044
	return Access{0o700 | readers | readers>>2 | a.Mode&fs.ModeSetgid, files.GID}
}

// Give gives the access to what is now at path.
func (a Access) Give(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	mode := a.Mode
	if a.GID != AnyGroup && GroupOf(info) != a.GID && os.Lchown(path, -1, a.GID) != nil {
		mode &^= 0o070 | fs.ModeSetgid
	}
	return os.Chmod(path, mode)
}

// GiveOpen gives the access to a file, which need not have a name.
func (a Access) GiveOpen(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	mode := a.Mode
	if a.GID != AnyGroup && GroupOf(info) != a.GID && file.Chown(-1, a.GID) != nil {
		mode &^= 0o070
	}
	return file.Chmod(mode)
}

// RemoveTree takes a folder away with everything in it, also what somebody made read-only.
func RemoveTree(folder string) error {
	err := os.RemoveAll(folder)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	MakeWritable(folder)
	return os.RemoveAll(folder)
}

// MakeWritable lets the owner, and nobody else, into a hidden folder and the folders below it.
// Links are not followed. What cannot be changed is left: the next step will find out.
func MakeWritable(folder string) {
	_ = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() { // before what is in it is read
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
}
