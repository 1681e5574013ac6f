// Package steadyfile reports whether a file changed while it was read. What was read of a file that
// somebody was still writing, or cut short, is neither the file before nor the one after: half of a
// list, or an extract without its end.
package steadyfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// ErrChanged is a file that was written to while it was read.
var ErrChanged = errors.New(
	"the file changed while it was read: run again when nothing writes to it",
)

// Mark is what a regular file was when reading it began. That of anything else, such as a pipe,
// never says that it changed.
type Mark struct {
	file  *os.File
	info  fs.FileInfo // nil where the file is not regular
	start int64       // where reading begins, in bytes
}

// Take notes what an open file is, before the first byte is read. An error is one of the file
// system.
func Take(file *os.File) (Mark, error) {
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return Mark{file: file}, err
	}
	start, err := file.Seek(0, io.SeekCurrent) // standard input may stand anywhere
	return Mark{file: file, info: info, start: start}, err
}

// Regular reports whether the file is a regular one.
func (m Mark) Regular() bool { return m.info != nil }

// Size is how many bytes the file had, 0 where it is not regular.
func (m Mark) Size() int64 {
	if m.info == nil {
		return 0
	}
	return m.info.Size()
}

// Same reports whether two looks at a path found one file that nobody wrote to in between.
func Same(before, now fs.FileInfo) bool {
	return os.SameFile(before, now) && now.Size() == before.Size() &&
		now.ModTime().Equal(before.ModTime())
}

// Check returns ErrChanged unless the file is what it was, and read bytes are all that it has from
// where reading began. Else an error is one of the file system.
func (m Mark) Check(read int64) error {
	if m.info == nil {
		return nil
	}
	now, err := m.file.Stat()
	if err != nil {
		return err
	}
	if now.Size() != m.info.Size() || !now.ModTime().Equal(m.info.ModTime()) ||
		max(now.Size(), m.start) != m.start+read {
		return ErrChanged
	}
	return nil
}
