package iopaths

// Places: two names, or links, of one file are one place.

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"noo/internal/atomicdir"
)

// Place is where a command reads or writes. Two names, or links, of one file are the same place.
type Place struct {
	name string
	info fs.FileInfo // nil where there is no such file yet
	path string      // with the links in its folders resolved, "" for an open file
}

// PlaceOf is the place of a path, where there need be nothing yet.
func PlaceOf(path string) Place {
	p := Place{name: path, path: path}
	if info, err := os.Stat(path); err == nil {
		p.info = info
	}
	if absolute, err := filepath.Abs(path); err == nil {
		p.path = absolute
	}
	if folder, err := filepath.EvalSymlinks(filepath.Dir(p.path)); err == nil {
		p.path = filepath.Join(folder, filepath.Base(p.path))
	}
	return p
}

// PlaceOfOpen is the place of a file that is open, such as standard input. A pipe or a device is no
// place: any number of them may be used.
func PlaceOfOpen(name string, file *os.File) Place {
	p := Place{name: name}
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		p.info = info
	}
	return p
}

// Same reports whether two places are one.
func (p Place) Same(other Place) bool {
	switch {
	case p.info != nil && other.info != nil:
		return os.SameFile(p.info, other.info)
	case p.path == "" || other.path == "":
		return false
	case runtime.GOOS == "windows" || runtime.GOOS == "darwin":
		return strings.EqualFold(p.path, other.path) // their file systems do not tell the two apart
	}
	return p.path == other.path
}

// Inside reports whether path is folder or lies in it, through whatever links. Neither need be
// there.
func Inside(path, folder string) bool {
	inner, err := atomicdir.ResolveLinks(path)
	if err != nil {
		inner = PlaceOf(path).path
	}
	outer, err := atomicdir.ResolveLinks(folder)
	if err != nil {
		outer = PlaceOf(folder).path
	}
	info, _ := os.Stat(outer)
	for {
		p := Place{path: inner}
		if at, err := os.Stat(inner); err == nil {
			p.info = at
		}
		if p.Same(Place{path: outer, info: info}) {
			return true
		}
		up := filepath.Dir(inner)
		if up == inner {
			return false
		}
		inner = up
	}
}
