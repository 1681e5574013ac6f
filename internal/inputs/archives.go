package inputs

// ZIP files, which are read as folders.

import (
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"noo/formats"
	"noo/internal/atomicdir"
	"noo/internal/zipfile"
)

// FileOf returns the path of the file on the disk that an argument names: a ZIP file, if it names
// something in one, else the argument.
func FileOf(argument string) string {
	if archive, _, found := splitArchive(argument); found {
		return archive
	}
	return argument
}

// splitArchive takes an argument apart that leads into a ZIP file: into the path of that, and what
// follows, with slashes.
func splitArchive(argument string) (archive, inside string, found bool) {
	for end := len(argument) - 1; end > 0; end-- {
		if !os.IsPathSeparator(argument[end]) {
			continue
		}
		info, err := os.Stat(argument[:end])
		if err != nil {
			continue
		}
		if !info.Mode().IsRegular() || !zipfile.Is(argument[:end]) {
			return "", "", false
		}
		inside = strings.Trim(filepath.ToSlash(argument[end:]), "/")
		return argument[:end], path.Clean(inside), true
	}
	return "", "", false
}

// archive is a ZIP file that is looked through.
type archive struct {
	*zipfile.Archive
	sources *Sources
	// Outputs have their names below a folder of the ZIP file, and in a folder of their own, which
	// may be "".
	below, prefix string
	looked        map[string]error // at folders in it, whether they are tables
}

// open opens a ZIP file. Outputs are named below a folder of it.
func (s *Sources) open(at, prefix string) (*archive, error) {
	opened, err := zipfile.Open(at)
	if err != nil {
		return nil, err
	}
	return &archive{opened, s, ".", prefix, map[string]error{}}, nil
}

// addFoundArchive adds what is in a ZIP file that was found, not named. Its outputs go into a
// folder of its name. An error is that of a Source: other files may be read without it.
func (s *Sources) addFoundArchive(at, name string) error {
	if suffix := path.Ext(name); strings.EqualFold(suffix, ".zip") {
		name = name[:len(name)-len(suffix)]
	}
	before := len(s.Files)
	a, err := s.open(at, name)
	if err == nil {
		defer a.Close()
		err = a.addFolder(".")
	}
	if err == nil && len(s.Files) == before {
		err = &formats.InputError{Name: at, Err: ErrNothingToRead}
	}
	if err != nil {
		s.Files = append(s.Files[:before], Source{Path: at, Name: name, Err: err})
	}
	return nil
}

// addArchive adds what an argument names in a ZIP file: a file, or all in a folder ("." for the ZIP
// file itself), or what matches a pattern.
func (s *Sources) addArchive(at, inside string) error {
	a, err := s.open(at, "")
	if err != nil {
		return err
	}
	defer a.Close()
	before := len(s.Files)
	argument := a.Path(inside)
	info, err := fs.Stat(a.Tree(), inside)
	switch {
	case err == nil && !info.IsDir():
		a.below = path.Dir(inside)
		return a.addFile(inside)
	case err == nil:
		a.below = inside
		if err := a.addFolder(inside); err != nil {
			return err
		}
		if len(s.Files) == before {
			return &formats.InputError{Name: argument, Err: ErrNothingToRead}
		}
		// With only one file in it, a ZIP file is that file, compressed.
		s.Many = s.Many || inside != "." || len(s.Files)-before > 1
		return nil
	case !isPattern(inside):
		return &formats.InputError{Name: argument, Err: ErrNotInside}
	}
	s.Many = true
	fixed, rest := splitFixed(inside, func(folder string) bool {
		info, err := fs.Stat(a.Tree(), folder)
		return err == nil && info.IsDir()
	})
	tree, err := fs.Sub(a.Tree(), fixed)
	if err != nil {
		return &formats.InputError{Name: argument, Err: ErrNoMatch}
	}
	a.below = fixed
	err = eachMatch(tree, argument, rest, func(name string) error {
		if name != "." && hiddenOnTheWay(name) {
			return a.passOver(path.Join(fixed, untilHidden(name)))
		}
		return a.addFolder(path.Join(fixed, name))
	})
	if err != nil {
		return err
	}
	return s.endPattern(argument, before)
}

// addFolder adds everything below a folder of the ZIP file, or a file.
func (a *archive) addFolder(folder string) error {
	return fs.WalkDir(a.Tree(), folder, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return unreadable(a.Path(name), err)
		case name != folder && hidden(entry.Name()):
			if err := a.passOver(name); err != nil {
				return err
			}
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return nil
		}
		return a.addFile(name)
	})
}

// passOver counts a file or folder that is not taken.
func (a *archive) passOver(name string) error {
	if entry := a.Entry(name); entry != nil && path.Base(name) == atomicdir.Marker {
		content, err := entry.Open()
		if err == nil {
			text, err := io.ReadAll(io.LimitReader(content, mostMarker))
			content.Close()
			if err == nil && marks(text) {
				return nil
			}
		}
	}
	a.sources.countPassedOver(a.Path(name))
	return nil
}

// addFile adds a file of the ZIP file.
func (a *archive) addFile(name string) error {
	below := name
	if a.below != "." {
		below = strings.TrimPrefix(name, a.below+"/")
	}
	if err := CheckName(name); err != nil {
		return err
	}
	if err := a.refuseTable(name); err != nil {
		return err
	}
	entry := a.Entry(name)
	a.sources.Files = append(a.sources.Files, Source{
		Path: entry.Path(), Entry: entry, Name: path.Join(a.prefix, below), Bytes: entry.Size(),
	})
	return nil
}

// refuseTable returns an error if a file of the ZIP file belongs to a table that is in it too.
func (a *archive) refuseTable(name string) error {
	var err error
	folder := path.Dir(name)
	if duckLakeFile.MatchString(path.Base(name)) {
		err = &tableError{duckLake, belowPartitions(a.Path(folder))}
	}
	for ; err == nil; folder = path.Dir(folder) {
		if err = a.lookAt(folder); folder == "." {
			break
		}
	}
	return refusal(a.Path(name), err)
}

func (a *archive) lookAt(folder string) error {
	err, known := a.looked[folder]
	if !known {
		var tree fs.FS
		if tree, err = fs.Sub(a.Tree(), folder); err == nil {
			err = lookAt(location{tree, a.Path(folder)})
		}
		a.looked[folder] = err
	}
	return err
}
