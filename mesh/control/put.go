package control

// Adding a pair to a folder that a MESH client takes pairs from.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"noo/internal/atomicfile"
)

// maxName is the most characters that the name of a pair may have.
const maxName = 200

// Put adds a pair to a folder: NAME.dat, complete and durable, and then NAME.ctl, so that the MESH
// client never sees a control file without its data. An error leaves neither file. A process that
// is killed leaves none, NAME.dat alone, which the client does not send, or both. Put may then be
// called again with the same data.
//
// Put never replaces a file: it returns an error that wraps atomicfile.ErrExists if the control
// file exists, or other data under that name. It returns an error that wraps ErrUnwritable if the
// name or the control file cannot be. Else an error is one of reading data, or of the file system.
func Put(dir, name string, data io.Reader, c *Control) error {
	if err := checkPut(dir, name, c); err != nil {
		return err
	}
	placed, err := putData(filepath.Join(dir, name+".dat"), data)
	if err != nil {
		return err
	}
	if err := PutControl(dir, name, c); err != nil {
		if placed {
			err = errors.Join(err, os.Remove(filepath.Join(dir, name+".dat")))
		}
		return err
	}
	return nil
}

// PutControl is the second step of Put, for data that is in the folder already.
func PutControl(dir, name string, c *Control) error {
	if err := checkPut(dir, name, c); err != nil {
		return err
	}
	file, err := atomicfile.Create(filepath.Join(dir, name+".ctl"), false)
	if err != nil {
		return err
	}
	defer file.Discard()
	if err := Write(file, c); err != nil {
		return err
	}
	file.SetMode(Mode(dir))
	return atomicfile.Commit(file)
}

// IsName reports whether a text can be the name of a pair that Put adds: letters, digits, and
// . - _, at most 200, no dot in front.
func IsName(text string) bool { return isMadeOf(text, ".-_", maxName) && text[0] != '.' }

// checkPut refuses a pair that cannot be, before anything is written.
func checkPut(dir, name string, c *Control) error {
	if !IsName(name) {
		return fmt.Errorf("the name of a message %w: want letters, digits, . - _", ErrUnwritable)
	}
	if err := c.Validate(); err != nil {
		return err
	}
	path := filepath.Join(dir, name+".ctl")
	switch _, err := os.Lstat(path); { // a link would be followed
	case err == nil:
		return fmt.Errorf("cannot write %s: it %w", path, atomicfile.ErrExists)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("cannot write %s: %w", path, atomicfile.Cause(err))
	}
	return nil
}

// putData writes the data. It reports false where the same data is there already.
func putData(path string, data io.Reader) (placed bool, err error) {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return false, fmt.Errorf("cannot write %s: it %w", path, atomicfile.ErrExists)
	}
	file, err := atomicfile.Create(path, false)
	if errors.Is(err, atomicfile.ErrExists) {
		same, other := holds(path, data)
		if same || other != nil {
			return false, other
		}
	}
	if err != nil {
		return false, err
	}
	defer file.Discard()
	if _, err := io.Copy(file, data); err != nil {
		return false, err
	}
	file.SetMode(Mode(filepath.Dir(path)))
	return true, atomicfile.Commit(file)
}

// Mode returns the permissions for files that the MESH client takes from a folder: 0600, and for
// the group what it may do in the folder, if new files in the folder get its group (setgid). The
// client most often runs as another user.
func Mode(dir string) fs.FileMode {
	mode := fs.FileMode(0o600)
	if info, err := os.Stat(dir); err == nil && info.Mode()&fs.ModeSetgid != 0 {
		mode |= info.Mode().Perm() & 0o060
	}
	return mode
}

// holds reports whether a regular file holds the data.
func holds(path string, data io.Reader) (bool, error) {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false, err
	}
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	ours, theirs := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, end := io.ReadFull(data, ours)
		m, other := io.ReadFull(file, theirs)
		if !bytes.Equal(ours[:n], theirs[:m]) {
			return false, nil
		}
		for _, err := range []error{end, other} {
			if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
				return false, err
			}
		}
		if end != nil {
			return other != nil, nil
		}
	}
}
