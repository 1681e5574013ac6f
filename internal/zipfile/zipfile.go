// Package zipfile reads ZIP files as folders: Open lists the files in one, and each of them is read
// by itself.
//
// Two programs can read a malformed ZIP file as two different sets of files. So Open accepts only
// what leaves no choice. The entries follow one another from the first byte to the directory, and
// the directory ends where the file does. What an entry says of itself and what the directory says
// of it are the same. archive/zip, which reads the directory, must agree with the checks here.
// Names must be ones that every system can have side by side.
//
// No entry can be read for more bytes than the directory promises, and the directory cannot promise
// more than deflate can hold. As entries do not overlap, what all of them hold is bounded by the
// size of the file.
package zipfile

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"noo/formats"
	"noo/internal/atomicfile"
)

// Limits that are no property of the format.
const (
	// MaxEntries is how many entries a ZIP file may have, and how many folders.
	MaxEntries = 100_000
	// MaxDirectory is how many bytes its directory may have: it is held in memory.
	MaxDirectory = 32 << 20
	// MaxRatio is how many bytes an entry may hold for each byte that it takes. It is what deflate
	// can reach.
	MaxRatio = 1032
)

// Reasons for which a ZIP file is refused; each comes wrapped in a *formats.InputError.
var (
	ErrDamaged = errors.New(
		"its directory is missing or damaged: the file was cut off; get it again")
	ErrSpanned = errors.New(
		"it is one part of a ZIP file in several parts: join them first (zip -s 0)")
	ErrAmbiguous = errors.New(
		"two programs could read this ZIP file differently: make it again, or extract it first")
	ErrTooMany = fmt.Errorf(
		"it has more than %d entries, or a directory of more than %d MiB: extract it first",
		MaxEntries, MaxDirectory>>20)
	ErrHiddenDirectory = errors.New("its directory is encrypted: decrypt and extract it first")
)

// Archive is an open ZIP file whose directory was read and checked.
type Archive struct {
	path    string
	file    *os.File
	info    fs.FileInfo // of the file, before anything was read
	tree    *zip.Reader
	entries map[string]*Entry // by names
}

// Entry is a file in a ZIP file. It can be opened when the Archive is closed, several times and by
// several goroutines.
type Entry struct {
	path    string // of the ZIP file
	info    fs.FileInfo
	name    string
	flags   uint16
	method  uint16
	crc     uint32
	size    int64 // of its content
	packed  int64 // of that content, compressed
	content int64 // where that is in the file
}

// Is reports whether a regular file is a ZIP file, by its first bytes. It is false for what cannot
// be read: opening it will say what is wrong.
func Is(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	head := make([]byte, 8)
	n, _ := io.ReadFull(file, head)
	return formats.IsZIP(head[:n])
}

// Open reads the directory of a ZIP file and checks it, and the header of every entry. The error is
// an *formats.InputError, which wraps formats.ErrUnknownFormat for a document of an office program
// and else one of those above or of names.go, or what the file system said.
func Open(path string) (*Archive, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, atomicfile.Cause(err))
	}
	a := &Archive{path: path, file: file}
	if err := a.read(); err != nil {
		file.Close()
		return nil, err
	}
	return a, nil
}

func (a *Archive) read() (err error) {
	if a.info, err = a.file.Stat(); err != nil {
		return a.failed(err)
	}
	head := make([]byte, formats.HeadSize)
	n, err := a.file.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return a.failed(err)
	}
	head = head[:n]
	found, err := readLayout(a.file, a.info.Size())
	if err == nil {
		a.tree, err = a.agreed(found)
	}
	if bytes.HasPrefix(head, []byte("PK\x07\x08")) || bytes.HasPrefix(head, []byte("PK00")) {
		err = refused(0, ErrSpanned)
	}
	if err != nil {
		// Also one that an office program wrote in a way of its own is called by what it is.
		_, known := formats.Detect(nil, head, a.path)
		if formats.IsZIP(head) && !errors.Is(known, formats.ErrZIP) {
			return known
		}
		return a.failed(err)
	}
	if err := formats.DocumentError(head, a.has); err != nil {
		return &formats.InputError{Name: a.path, Err: err}
	}
	a.entries = make(map[string]*Entry, len(found))
	for _, e := range found {
		if !e.isFolder() {
			a.entries[e.name] = &Entry{
				path: a.path, info: a.info, name: e.name, flags: e.flags, method: e.method,
				crc: e.crc, size: int64(e.size), packed: int64(e.packed), content: e.content,
			}
		}
	}
	return nil
}

// agreed reads the directory with archive/zip, and returns what it read if that is what was found.
func (a *Archive) agreed(found []record) (*zip.Reader, error) {
	tree, err := zip.NewReader(a.file, a.info.Size())
	_, failed := errors.AsType[*fs.PathError](err)
	switch {
	case failed:
		return nil, err
	case err != nil && !errors.Is(err, zip.ErrInsecurePath), len(tree.File) != len(found):
		return nil, refused(0, ErrAmbiguous)
	}
	for i, f := range tree.File {
		e := &found[i]
		at, err := f.DataOffset()
		if err != nil || at != e.content || f.Name != e.name || f.Flags != e.flags ||
			f.Method != e.method || f.CRC32 != e.crc || f.CompressedSize64 != e.packed ||
			f.UncompressedSize64 != e.size {
			return nil, refused(i+1, ErrAmbiguous)
		}
	}
	return tree, checkNames(found)
}

// has reports whether there is an entry of a name, or below a folder whose name ends with a slash.
func (a *Archive) has(name string) bool {
	_, err := fs.Stat(a.tree, strings.TrimSuffix(name, "/"))
	return err == nil
}

// failed puts the name of the file before an error.
func (a *Archive) failed(err error) error {
	if e, ok := errors.AsType[*formats.InputError](err); ok {
		e.Name = a.path
		return e
	}
	return fmt.Errorf("reading %s: %w", a.path, atomicfile.Cause(err))
}

// refused is the error about an entry, counted from 1 in the order of the directory, or about the
// whole file for 0. It shows no name: that may be what is wrong, or hold a number.
func refused(entry int, err error) error {
	e := &formats.InputError{Err: err}
	if entry > 0 {
		e.Part = fmt.Sprintf("entry %d", entry)
	}
	return e
}

// Tree returns the folders and names in the ZIP file. It can be used until Close.
func (a *Archive) Tree() fs.FS { return a.tree }

// Entry returns the file of a name, as the Tree has it.
func (a *Archive) Entry(name string) *Entry { return a.entries[name] }

// Path returns where messages say that a file in the ZIP file is: below its path, as if that were a
// folder.
func (a *Archive) Path(name string) string {
	return filepath.Join(a.path, filepath.FromSlash(name))
}

// Close closes the file. Entries can still be opened.
func (a *Archive) Close() error { return a.file.Close() }

// File returns the path of the ZIP file.
func (e *Entry) File() string { return e.path }

// Size returns how many bytes the entry holds, decompressed.
func (e *Entry) Size() int64 { return e.size }

// Stored reports whether the entry is in the ZIP file as it is, not compressed.
func (e *Entry) Stored() bool { return e.method == zip.Store }

// Path returns where messages say that the entry is.
func (e *Entry) Path() string { return filepath.Join(e.path, filepath.FromSlash(e.name)) }
