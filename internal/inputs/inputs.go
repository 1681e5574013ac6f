// Package inputs turns what a user names (files, folders, patterns and ZIP files) into a list of
// files, each with the path that it has below the folder, pattern or ZIP file it came from. That is
// the path of its output.
package inputs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/bmatcuk/doublestar/v4"

	"noo/formats"
	"noo/internal/atomicdir"
	"noo/internal/atomicfile"
	"noo/internal/iopaths"
	"noo/internal/kind"
	"noo/internal/nhsnumber"
	"noo/internal/zipfile"
)

// Errors that Expand wraps.
var (
	// ErrNothingToRead is a folder without a file in it.
	ErrNothingToRead = errors.New(
		"holds no file to read (noo ignores names that start with . or _)",
	)
	// ErrNoMatch is a pattern that no file matches.
	ErrNoMatch = errors.New("no file matches (noo ignores names that start with . or _)")
	// ErrBadPattern is what is neither a file nor a pattern.
	ErrBadPattern = errors.New(
		"there is no such file, and as a pattern it has a [ or { that is not closed, or empty",
	)
	// ErrNotInside is a path into a ZIP file that leads to nothing.
	ErrNotInside = errors.New("the ZIP file has no such file or folder")
	// ErrOutside is a pattern with an alternative that leads out of the folder in which the pattern
	// starts, below which outputs have their names.
	ErrOutside = errors.New(
		"one of its alternatives {a,b} leads out of the folder before them: name that by a pattern of its own",
	)
	// ErrStreamTwice is standard input named more than once.
	ErrStreamTwice = kind.New(kind.Usage, "standard input (-) can be read only once: name it once")
	// ErrNumberInName is a file or folder whose name is about one person: records are removed from
	// files, names stay.
	ErrNumberInName = errors.New(
		"a name that is or may be an NHS number: noo looks for numbers in records, not in the names of files and folders; rename it, or put the number into a column",
	)
	// ErrNotAFile is something in a folder that is neither a file nor a folder, such as a pipe or a
	// link to a folder.
	ErrNotAFile = errors.New("it is neither a file nor a folder: name the file that is to be read")
)

// Source is a file to read.
type Source struct {
	// Path is where it is; "-" is standard input. A file in a ZIP file is below the path of that.
	Path string
	// Entry, where not nil, is the file in a ZIP file: nothing can be opened at Path.
	Entry *zipfile.Entry
	// Name is its path below the folder, the ZIP file or the fixed part of the pattern that it came
	// from, with slashes; of a file that was named itself, its last element.
	Name string
	// Bytes is its size when it was found, 0 for a stream.
	Bytes int64
	// Err, where not nil, says why nothing at Path can be read: then Path is an argument, fit to be
	// shown. See ExpandEach.
	Err error
}

// File returns the path of the file on the disk that holds what is read: a ZIP file, or Path.
func (s *Source) File() string {
	if s.Entry != nil {
		return s.Entry.File()
	}
	return s.Path
}

// Sources are the inputs of a run.
type Sources struct {
	// Files are the files, in the order of the arguments, those of a folder or pattern sorted by
	// name.
	Files []Source
	// Roots are the folders that were named.
	Roots []string
	// PassedOver counts the files and folders that were not taken since their names start with "."
	// or "_", but for markers, which hold no records.
	PassedOver int
	// Many says that the user named more than one file, a folder or a pattern, even if it holds
	// only one file. A ZIP file that holds only one is that file.
	Many bool
	// Arguments are what the user named.
	Arguments []string

	passed map[string]bool // what PassedOver counts, by absolute paths
	tables *tableFinder    // while they are expanded
}

// Describe names the sources in few words, for a person.
func (s *Sources) Describe() string {
	switch {
	case len(s.Files) != 1:
		return fmt.Sprintf("%d files", len(s.Files))
	case s.Files[0].Path == "-":
		return "stdin"
	}
	return s.Files[0].Path
}

// OnDisk returns the paths of all files on the disk that are read, each ZIP file once.
func (s *Sources) OnDisk() (paths []string) {
	for i := range s.Files {
		if path := s.Files[i].File(); len(paths) == 0 || path != paths[len(paths)-1] {
			paths = append(paths, path)
		}
	}
	return paths
}

// Read reports whether the arguments would find what is put at path or, of a folder, what may be
// put into it. See Reads.
func (s *Sources) Read(path string, folder bool) bool { return Reads(s.Arguments, path, folder) }

// Expand finds the files that the arguments name: files; folders, with everything below them but
// what Spark too passes over (names that start with "." or "_", unless they are partitions such as
// _k=v); and patterns with *, ?, [a-z], {a,b} and **, for shells that leave them to the program. A
// name that exists is taken as it is, whatever characters are in it, and so are folders before a
// pattern. A ZIP file is a folder: a path or a pattern may lead into it. Expand refuses what
// belongs to a table of Delta Lake, Iceberg, Hudi, Paimon or DuckLake, with ErrTable. The errors
// are those above, ErrTable and those of zipfile.Open, in a *formats.InputError where the input is
// at fault, or of the file system.
func Expand(arguments []string) (*Sources, error) {
	s, err := ExpandEach(arguments)
	if err != nil {
		return nil, err
	}
	for _, file := range s.Files {
		if file.Err != nil {
			return nil, file.Err
		}
	}
	return s, nil
}

// ExpandEach is Expand for a caller that wants the files of the other arguments too where one, a
// folder or a pattern, cannot be read as a whole: it gives a Source with an Err for such a one. The
// error is ErrStreamTwice.
func ExpandEach(arguments []string) (*Sources, error) {
	s := &Sources{Many: len(arguments) > 1, Arguments: arguments, tables: newTableFinder()}
	for i, argument := range arguments {
		if argument == "-" {
			if slices.Contains(arguments[:i], "-") {
				return nil, ErrStreamTwice
			}
			s.Files = append(s.Files, Source{Path: "-", Name: "-"})
			continue
		}
		before := len(s.Files)
		if err := s.add(argument); err != nil {
			switch {
			case errors.Is(err, ErrNumberInName):
				argument = maskDigits(argument)
			case errors.Is(err, ErrTable):
				argument = withoutNumber(argument)
			}
			s.Files = append(
				s.Files[:before],
				Source{Path: argument, Name: filepath.Base(argument), Err: err},
			)
		}
	}
	s.dropRepeated()
	s.tables = nil
	return s, nil
}

// Reads reports whether Expand of these arguments would find what is put at path or, of a folder,
// what may be put into it: what a run writes there, the next one reads. Below a folder that is an
// argument it is so whatever the name.
func Reads(arguments []string, path string, folder bool) bool {
	return slices.ContainsFunc(arguments, func(argument string) bool {
		info, err := os.Stat(argument)
		switch {
		case argument == "-":
			return false
		case err == nil:
			return info.IsDir() && iopaths.Inside(path, argument)
		}
		return isPattern(argument) && patternReads(argument, path, folder)
	})
}

func isPattern(argument string) bool { return strings.ContainsAny(argument, "*?[{") }

// patternReads is Reads for a pattern.
func patternReads(pattern, path string, folder bool) bool {
	fixed, rest := splitPattern(pattern)
	names := namesBelow(path, fixed)
	names = slices.DeleteFunc(names, hiddenOnTheWay)
	return slices.ContainsFunc(alternatives(rest), func(rest string) bool {
		return slices.ContainsFunc(
			names,
			func(name string) bool { return alternativeReads(rest, name, folder) },
		)
	})
}

// alternativeReads is patternReads for one of the alternatives of a pattern and a name, both below
// its fixed part.
func alternativeReads(rest, name string, folder bool) bool {
	rest = path.Clean(rest)
	elements := strings.Split(name, "/")
	for i := range elements { // a folder that matches is read with all that is in it
		if matched, _ := doublestar.Match(rest, strings.Join(elements[:i+1], "/")); matched ||
			rest == "." {
			return true
		}
	}
	return folder && mayMatchBelow(rest, elements)
}

// mayMatchBelow reports whether a pattern without alternatives may match something below a folder.
func mayMatchBelow(pattern string, folder []string) bool {
	wanted := strings.Split(pattern, "/")
	for i, element := range folder {
		if i == len(wanted) {
			return false
		}
		if wanted[i] == "**" {
			return true
		}
		if matched, _ := doublestar.Match(wanted[i], element); !matched {
			return false
		}
	}
	return true
}

// namesBelow gives the paths, with slashes, that what is at path has below a folder: as it was
// named, and with links resolved.
func namesBelow(path, folder string) (names []string) {
	add := func(path, folder string) {
		name, err := filepath.Rel(folder, path)
		if err == nil && name != "." && filepath.IsLocal(name) {
			names = append(names, filepath.ToSlash(name))
		}
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return nil
	}
	add(path, folder)
	above, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return names
	}
	if folder, err = filepath.EvalSymlinks(folder); err == nil {
		add(filepath.Join(above, filepath.Base(path)), folder)
	}
	return names
}

// add finds the files of one argument.
func (s *Sources) add(argument string) error {
	// As a shell may have found it.
	if slices.ContainsFunc(strings.Split(filepath.ToSlash(argument), "/"), isPartitionByNumber) {
		return &formats.InputError{Name: maskDigits(argument), Err: ErrNumberInName}
	}
	info, err := os.Stat(argument)
	switch {
	case err == nil && info.IsDir():
		s.Many = true
		s.Roots = append(s.Roots, argument)
		if err := s.tables.refuseFolder(argument); err != nil {
			return err
		}
		before := len(s.Files)
		err := s.addFolder(argument, "")
		if err == nil && len(s.Files) == before {
			err = &formats.InputError{Name: argument, Err: ErrNothingToRead}
		}
		return err
	case err == nil:
		if err := s.tables.refuseFile(argument); err != nil {
			return err
		}
		if info.Mode().IsRegular() && zipfile.Is(argument) {
			return s.addArchive(argument, ".")
		}
		s.Files = append(
			s.Files,
			Source{Path: argument, Name: filepath.Base(argument), Bytes: info.Size()},
		)
		return nil
	}
	if archive, inside, found := splitArchive(argument); found {
		if err := s.tables.refuseFile(archive); err != nil {
			return err
		}
		return s.addArchive(archive, inside)
	}
	if !isPattern(argument) { // opening it will say what is wrong
		s.Files = append(s.Files, Source{Path: argument, Name: filepath.Base(argument)})
		return nil
	}
	s.Many = true
	return s.addPattern(argument)
}

// addPattern finds what matches a pattern.
func (s *Sources) addPattern(pattern string) error {
	before := len(s.Files)
	fixed, rest := splitPattern(pattern)
	err := eachMatch(os.DirFS(fixed), pattern, rest, func(name string) error {
		return s.addMatch(fixed, name)
	})
	if err != nil {
		return err
	}
	return s.endPattern(pattern, before)
}

// eachMatch calls take with the name of each file and folder in a tree that matches rest, which is
// a pattern below its fixed part.
func eachMatch(tree fs.FS, pattern, rest string, take func(name string) error) error {
	for _, one := range alternatives(rest) {
		if one = path.Clean(one); !fs.ValidPath(one) {
			return &formats.InputError{Name: pattern, Err: ErrOutside}
		}
		found, err := doublestar.Glob(tree, one, doublestar.WithFailOnIOErrors())
		switch {
		case errors.Is(err, doublestar.ErrBadPattern):
			return &formats.InputError{Name: pattern, Err: ErrBadPattern}
		case err != nil:
			return fmt.Errorf("cannot read %s: %w", pattern, atomicfile.Cause(err))
		}
		for _, name := range found {
			if name == "." && path.Base(one) == "**" {
				continue // all that is in the folder matches by itself
			}
			if err := take(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// endPattern sorts the files that a pattern has added to those before. It refuses a pattern without
// any.
func (s *Sources) endPattern(pattern string, before int) error {
	if len(s.Files) == before {
		return &formats.InputError{Name: pattern, Err: ErrNoMatch}
	}
	slices.SortStableFunc(
		s.Files[before:],
		func(a, b Source) int { return strings.Compare(a.Name, b.Name) },
	)
	return nil
}

// addMatch adds what a pattern has found below its fixed part.
func (s *Sources) addMatch(fixed, name string) error {
	if name != "." && hiddenOnTheWay(name) {
		s.passOver(fixed, name)
		return nil
	}
	match := filepath.Join(fixed, filepath.FromSlash(name))
	info, err := os.Stat(match)
	switch {
	case err != nil:
		return unreadable(match, err)
	case info.IsDir(): // a file that matches by itself too is taken once: see dropRepeated
		return s.addFolder(match, name)
	}
	return s.addFile(match, name, info)
}

// passOver counts a file or folder that is not taken, by the first element of its path below root
// that says so: of a folder what is in it is not counted.
func (s *Sources) passOver(root, name string) {
	at := filepath.Join(root, filepath.FromSlash(untilHidden(name)))
	if filepath.Base(at) == atomicdir.Marker && isMarker(at) {
		return
	}
	s.countPassedOver(at)
}

// untilHidden returns a path up to its first element that is hidden.
func untilHidden(name string) string {
	elements := strings.Split(name, "/")
	first := slices.IndexFunc(elements, hidden)
	return strings.Join(elements[:first+1], "/")
}

// countPassedOver counts what is not taken once.
func (s *Sources) countPassedOver(at string) {
	if absolute, err := filepath.Abs(at); err == nil {
		at = absolute
	}
	if !s.passed[at] {
		if s.passed == nil {
			s.passed = map[string]bool{}
		}
		s.passed[at] = true
		s.PassedOver++
	}
}

// mostMarker is more bytes than the marker of any folder has.
const mostMarker = 16 << 20

// isMarker reports whether what has the name of a marker is one: an empty file, as of Spark, or a
// JSON object, as of this program and of Hadoop.
func isMarker(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > mostMarker {
		return false
	}
	text, err := os.ReadFile(path)
	return err == nil && marks(text)
}

// marks reports whether a text is that of a marker.
func marks(text []byte) bool {
	text = bytes.TrimSpace(text)
	return len(text) == 0 || text[0] == '{' && json.Valid(text)
}

// addFolder finds everything below a folder. prefix is the folder's own name in the outputs, "" for
// none.
func (s *Sources) addFolder(folder, prefix string) error {
	// Or a link would not be followed.
	start := strings.TrimRight(folder, string(filepath.Separator)) + string(filepath.Separator)
	return filepath.WalkDir(start, func(at string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return unreadable(at, err)
		case at == start:
			return nil
		}
		if hidden(entry.Name()) {
			s.passOver(filepath.Dir(at), entry.Name())
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if entry.IsDir() {
			return nil
		}
		name, err := filepath.Rel(folder, at)
		if err != nil {
			return err
		}
		info, err := os.Stat(at)
		if err != nil {
			return unreadable(at, err)
		}
		return s.addFile(at, path.Join(prefix, filepath.ToSlash(name)), info)
	})
}

// unreadable is the error for something that was found, and of which the file system then said err.
func unreadable(at string, err error) error {
	if info, statErr := os.Lstat(at); statErr == nil && info.Mode()&fs.ModeSymlink != 0 &&
		errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf(
			"cannot read %s: it is a link to nothing; repair or delete it",
			withoutNumber(at),
		)
	}
	return fmt.Errorf("cannot read %s: %w", withoutNumber(at), atomicfile.Cause(err))
}

// addFile adds a file that was found, not named.
func (s *Sources) addFile(at, name string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return &formats.InputError{Name: at, Err: ErrNotAFile}
	}
	if err := CheckName(name); err != nil {
		return err
	}
	if err := s.tables.refuseFile(at); err != nil {
		return err
	}
	if zipfile.Is(at) {
		return s.addFoundArchive(at, name)
	}
	s.Files = append(s.Files, Source{Path: at, Name: name, Bytes: info.Size()})
	return nil
}

// hidden reports whether Spark and Hive pass over a file or folder of this name.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") ||
		strings.HasPrefix(name, "_") && !strings.Contains(name, "=")
}

// hiddenOnTheWay reports whether any element of a path is hidden.
func hiddenOnTheWay(name string) bool {
	return slices.ContainsFunc(strings.Split(name, "/"), hidden)
}

// dropRepeated keeps the first of each file that was named or found more than once.
func (s *Sources) dropRepeated() {
	seen := make(map[string]bool, len(s.Files))
	s.Files = slices.DeleteFunc(s.Files, func(file Source) bool {
		path := file.Path
		if absolute, err := filepath.Abs(path); err == nil && path != "-" {
			path = absolute
		}
		repeated := seen[path]
		seen[path] = true
		return repeated
	})
}

// CheckName refuses a path below a folder that identifies a person.
func CheckName(name string) error {
	if identifies(name) {
		return &formats.InputError{Name: maskDigits(name), Err: ErrNumberInName}
	}
	return nil
}

// identifies reports whether a path below a folder is about one person: a folder of a partition by
// NHS number, as nhs_number=…, or a valid number in any element that may be issued.
func identifies(name string) bool {
	for _, element := range strings.Split(name, "/") {
		if isPartitionByNumber(element) {
			return true
		}
		element = unescaped(element)
		for start := range nhsnumber.InName(element) {
			if nhsnumber.MayBeIssued(element[start]) {
				return true
			}
		}
	}
	return false
}

// isPartitionByNumber reports whether an element of a path is a partition by NHS number, as
// nhs_number=….
func isPartitionByNumber(element string) bool {
	key, value, partition := strings.Cut(unescaped(element), "=")
	return partition &&
		(nhsnumber.NamesColumn(key) || nhsnumber.MentionsNumber(key) && hasDigits(value))
}

// hasDigits reports whether a value may be more than a word about a number.
func hasDigits(value string) bool { return strings.ContainsFunc(value, unicode.IsDigit) }

// unescaped is an element of a path without the escapes that Hive has for what it cannot have in
// one.
func unescaped(element string) string {
	if plain, err := url.PathUnescape(element); err == nil {
		return plain
	}
	return element
}

// maskDigits makes a name that identifies a person fit to be shown.
func maskDigits(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return '#'
		}
		return r
	}, name)
}
