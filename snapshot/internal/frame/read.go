// Reading a file whole, with a bound on the memory that it takes.

package frame

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
)

// Read reads the file at path. through, unless nil, returns a reader of what the file holds in
// another form, such as encrypted. Errors of through, and of its reader, come back as they are; all
// others are *Refusals. Refusals get the path.
func (f *Form) Read(path string, through func(io.Reader) (io.Reader, error)) ([]byte, error) {
	data, err := f.read(path, through)
	return data, f.At(path, err)
}

func (f *Form) read(path string, through func(io.Reader) (io.Reader, error)) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, f.unreadable(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, f.unreadable(err)
	}
	if info.IsDir() {
		return nil, f.Refuse(ErrUnreadable, "it is a folder; name the %s file itself", f.Suffix)
	}
	content, bound := io.Reader(file), int64(MaxSize)
	if through != nil {
		if content, err = through(file); err != nil {
			return nil, f.unreadable(err)
		}
		bound *= 2 // another form, such as text, is larger
	}
	if info.Size() > bound {
		return nil, f.tooLarge()
	}
	var buffer bytes.Buffer
	buffer.Grow(int(min(info.Size(), MaxSize)) + bytes.MinRead)
	if _, err := buffer.ReadFrom(io.LimitReader(content, MaxSize+1)); err != nil {
		return nil, f.unreadable(err)
	}
	if buffer.Len() > MaxSize {
		return nil, f.tooLarge()
	}
	return buffer.Bytes(), nil
}

func (f *Form) tooLarge() error {
	return f.Refuse(
		f.ErrForeign, "it is larger than any %s can be; give a %s file", f.Name, f.Suffix,
	)
}

// unreadable turns a file system error into a refusal, and leaves any other as it is.
func (f *Form) unreadable(err error) error {
	pathErr, ok := err.(*fs.PathError)
	switch {
	case !ok:
		return err
	case errors.Is(err, fs.ErrNotExist):
		return f.Refuse(
			ErrMissing, "check the name, or fetch the %s from its publisher", f.Name,
		)
	}
	return f.Refuse(ErrUnreadable, "%v; check who may read it", pathErr.Err)
}
