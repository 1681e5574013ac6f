// Package iopaths knows every path that a command reads or writes, and makes sure that none hurts
// another: an output is not an input, a folder that is replaced as a whole holds nothing else, and
// the next run does not read what this one writes.
package iopaths

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"noo/internal/atomicdir"
	"noo/internal/kind"
)

// Reasons for which Check refuses a path that is written.
var (
	// ErrSameFile is an output that is a file which is read, or another output.
	ErrSameFile = kind.New(kind.Usage, "name another file")
	// ErrNotApart is an output in a folder that is read or written, or a folder to be written that
	// holds something else which is.
	ErrNotApart = kind.New(kind.Usage, "name another place")
	// ErrWorkingFolder is an output folder that cannot be replaced while the command is run from
	// inside it.
	ErrWorkingFolder = kind.New(
		kind.Usage,
		"it is or holds the folder that you are working in: name another one",
	)
)

// Paths are the paths of one command. The zero Paths has none. It is not safe for concurrent use.
type Paths struct {
	read        []string // files
	readFolders []string
	open        []Place // files that are read and have no path, such as standard input
	matches     func(path string, folder bool) bool

	written        []string // files
	writtenOpen    []Place
	writtenFolders []string
}

// Read adds files that are read. "" is none.
func (p *Paths) Read(paths ...string) {
	p.read = append(
		p.read,
		slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return path == "" })...)
}

// ReadOpen adds a file that is open and read, such as standard input.
func (p *Paths) ReadOpen(name string, file *os.File) {
	p.open = append(p.open, PlaceOfOpen(name, file))
}

// ReadFolders adds folders that are read with everything in them.
func (p *Paths) ReadFolders(paths ...string) { p.readFolders = append(p.readFolders, paths...) }

// ReadMatching adds whatever a function matches: it says whether the next run would read a file at
// a path or, of a folder, what may be put into it.
func (p *Paths) ReadMatching(matches func(path string, folder bool) bool) { p.matches = matches }

// Write adds files that are written. "" is none.
func (p *Paths) Write(paths ...string) {
	p.written = append(
		p.written,
		slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return path == "" })...)
}

// WriteOpen adds a file that is open and written, such as standard output.
func (p *Paths) WriteOpen(name string, file *os.File) {
	p.writtenOpen = append(p.writtenOpen, PlaceOfOpen(name, file))
}

// WriteFolder adds a folder that is made, or replaced as a whole. "" is none.
func (p *Paths) WriteFolder(path string) {
	if path != "" {
		p.writtenFolders = append(p.writtenFolders, path)
	}
}

// Check returns an error that wraps ErrSameFile, ErrNotApart or ErrWorkingFolder for the first path
// that must not be written, through whatever name or link. It reads the file system and changes
// nothing.
func (p *Paths) Check() error {
	if err := p.checkFiles(); err != nil {
		return err
	}
	for i := range p.writtenFolders {
		if err := p.checkFolder(i); err != nil {
			return err
		}
	}
	for _, path := range p.written {
		if p.matches != nil && p.matches(path, false) {
			return wouldBeRead(path)
		}
	}
	return nil
}

// wouldBeRead refuses a path below what is read.
func wouldBeRead(path string) error {
	return fmt.Errorf("cannot write %s: the next run would read it; %w", path, ErrNotApart)
}

// checkFiles refuses files that are written and are something else at the same time.
func (p *Paths) checkFiles() error {
	if len(p.written)+len(p.writtenOpen) == 0 {
		return nil
	}
	read := slices.Clone(p.open)
	for _, path := range p.read {
		read = append(read, PlaceOf(path))
	}
	written := make([]Place, 0, len(p.written)+len(p.writtenOpen))
	for _, path := range p.written {
		written = append(written, PlaceOf(path))
	}
	written = append(written, p.writtenOpen...)
	for i, place := range written {
		if slices.ContainsFunc(read, place.Same) {
			return fmt.Errorf("cannot write %s: noo reads this file; %w", place.name, ErrSameFile)
		}
		if slices.ContainsFunc(written[:i], place.Same) {
			return fmt.Errorf(
				"cannot write %s: noo writes something else to this file; %w",
				place.name,
				ErrSameFile,
			)
		}
	}
	return nil
}

// checkFolder refuses a folder that is written and is in, or holds, something else. So may none of
// the hidden places that making it needs.
func (p *Paths) checkFolder(i int) error {
	folder := p.writtenFolders[i]
	if here, err := os.Getwd(); err == nil && Inside(here, folder) {
		return fmt.Errorf("cannot write %s: %w", folder, ErrWorkingFolder)
	}
	if p.matches != nil && p.matches(folder, true) {
		return wouldBeRead(folder)
	}
	for _, file := range p.written {
		if Inside(file, folder) {
			return fmt.Errorf("cannot write %s: it is in %s, which noo writes as a whole; %w",
				file, folder, ErrNotApart)
		}
	}
	if err := p.checkPlace(i, folder); err != nil {
		return err
	}
	hidden, err := atomicdir.HiddenPaths(folder)
	if err != nil {
		return err
	}
	for _, path := range hidden {
		if err := p.checkPlace(i, path); err != nil {
			return err
		}
	}
	return nil
}

// checkPlace refuses the folder in place i for what is around or within a path that it needs.
func (p *Paths) checkPlace(i int, path string) error {
	folder := p.writtenFolders[i]
	for _, other := range slices.Concat(p.readFolders, p.writtenFolders[:i], p.writtenFolders[i+1:]) {
		if Inside(path, other) {
			return fmt.Errorf(
				"cannot write %s: %s is in %s, which noo reads or writes; %w",
				folder,
				path,
				other,
				ErrNotApart,
			)
		}
	}
	for _, other := range slices.Concat(p.folders(), p.readFolders, p.written, p.called(path)) {
		if Inside(other, path) {
			return fmt.Errorf(
				"cannot write %s: noo reads or writes %s, which is in %s; %w",
				folder,
				other,
				path,
				ErrNotApart,
			)
		}
	}
	return nil
}

// called are the files that are read and have the name of a path.
func (p *Paths) called(path string) (files []string) {
	for _, file := range p.read {
		if filepath.Base(file) == filepath.Base(path) {
			files = append(files, file)
		}
	}
	return files
}

// folders are the folders of the files that are read, with links resolved, each once: there are
// fewer than files.
func (p *Paths) folders() (folders []string) {
	for _, path := range p.read {
		if resolved, err := filepath.EvalSymlinks(path); err == nil {
			path = resolved
		}
		folders = append(folders, filepath.Dir(path))
	}
	slices.Sort(folders)
	return slices.Compact(folders)
}
