package inputs

// Folders that are tables: of Delta Lake, Iceberg, Hudi, Paimon and DuckLake. A table keeps the
// files of deleted and replaced rows until somebody cleans up. Only its log says which rows are
// left, or its catalog. Read as a plain folder, deleted people come back and changed rows appear
// twice. So noo refuses every file of a table, whatever the name by which a user reaches it.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"noo/formats"
	"noo/internal/atomicfile"
)

// ErrTable is a file or folder of a table, which only the table's own reader can read.
var ErrTable = errors.New("belongs to a table")

// tableKind is a table format.
type tableKind struct {
	name   string
	reader string // programs that read it
	// marks reports whether a folder is the root of such a table. It is nil where a table's folder
	// has no mark.
	marks func(folder location) (bool, error)
}

// location is a folder on the disk or in a ZIP file.
type location struct {
	tree fs.FS
	path string // for messages
}

// tableKinds are the formats that have a mark in the root of a table.
var tableKinds = []tableKind{
	{"Delta Lake", "deltalake or Spark", isDelta},
	{"Apache Iceberg", "pyiceberg or Spark", isIceberg},
	{"Apache Hudi", "Spark or Flink", isHudi},
	{"Apache Paimon", "pypaimon, Spark or Flink", isPaimon},
}

// duckLake has its log in a database elsewhere, so that only the names of its files say what they
// are.
var duckLake = tableKind{name: "DuckLake", reader: "DuckDB"}

// duckLakeFile matches the names of DuckLake's files with rows, and of those with the places of
// deleted rows.
var duckLakeFile = regexp.MustCompile(
	`(?i)^ducklake-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(-delete)?\.parquet$`)

// tableError says to which table something belongs. It wraps ErrTable.
type tableError struct {
	kind tableKind
	root string
}

func (e *tableError) Error() string {
	return fmt.Sprintf("belongs to the %s table at %s, whose files may hold deleted rows; "+
		"read it with %s, write its rows to a Parquet file, and filter that",
		e.kind.name, withoutNumber(e.root), e.kind.reader)
}

func (e *tableError) Unwrap() error { return ErrTable }

// withoutNumber makes a path fit to be shown.
func withoutNumber(path string) string {
	if identifies(filepath.ToSlash(path)) {
		return maskDigits(path)
	}
	return path
}

// tableFinder finds the tables that files and folders belong to. It asks the file system once about
// each folder, so that many files in few folders cost little. It is not safe for concurrent use.
type tableFinder struct {
	resolved map[string]resolution // by absolute paths, not cleaned
	looked   map[string]error      // by paths without links
}

type resolution struct {
	path string
	err  error
}

func newTableFinder() *tableFinder {
	return &tableFinder{resolved: map[string]resolution{}, looked: map[string]error{}}
}

// refuseFolder returns an error if a folder is a table, or lies in one. The error is an
// *formats.InputError that wraps ErrTable, or that of the file system if nobody can tell.
func (f *tableFinder) refuseFolder(folder string) error {
	absolute, err := absolutePath(folder)
	if err != nil {
		return err
	}
	resolved, err := f.resolve(absolute, 0)
	if err != nil {
		return refusal(folder, err)
	}
	return refusal(folder, f.look(resolved))
}

// refuseFile is refuseFolder for a file.
func (f *tableFinder) refuseFile(file string) error {
	absolute, err := absolutePath(file)
	if err != nil {
		return err
	}
	folder, name := splitLast(absolute)
	if folder, err = f.resolve(folder, 0); err != nil {
		return refusal(file, err)
	}
	resolved, err := f.follow(folder, name, 0)
	if err != nil {
		return refusal(file, err)
	}
	return refusal(file, f.look(filepath.Dir(resolved)))
}

// refusal puts the name of what is refused before the table that it belongs to.
func refusal(name string, err error) error {
	if errors.Is(err, ErrTable) {
		return &formats.InputError{Name: withoutNumber(name), Err: err}
	}
	return err
}

// look returns an error if a folder without links in its path is a table or lies in one.
func (f *tableFinder) look(folder string) error {
	if err, known := f.looked[folder]; known {
		return err
	}
	err := lookAt(location{os.DirFS(folder), folder})
	if above := filepath.Dir(folder); err == nil && above != folder {
		err = f.look(above)
	}
	f.looked[folder] = err
	return err
}

// lookAt returns an error if a folder is the root of a table.
func lookAt(folder location) error {
	for _, kind := range tableKinds {
		is, err := kind.marks(folder)
		switch {
		case err != nil:
			return fmt.Errorf("cannot tell whether %s is a table (%s): %w",
				withoutNumber(folder.path), kind.name, err)
		case is:
			return &tableError{kind, folder.path}
		}
	}
	return nil
}

// noTelling is the error for a path about which the file system said err.
func noTelling(path string, err error) error {
	return fmt.Errorf("cannot tell whether %s belongs to a table: %w",
		withoutNumber(path), atomicfile.Cause(err))
}

// mostLinks is more links than any system follows on the way to a file.
const mostLinks = 255

// resolve returns an absolute path without links, as the system would follow them: a ".." after a
// link leaves the folder that the link leads to. It returns an error if a link on the way lies in a
// table: with that link the file is a part of the table.
func (f *tableFinder) resolve(path string, links int) (string, error) {
	if known, ok := f.resolved[path]; ok {
		return known.path, known.err
	}
	above, name := splitLast(path)
	if name == "" {
		return path, nil
	}
	resolved, err := f.resolve(above, links)
	if err == nil {
		resolved, err = f.follow(resolved, name, links)
	}
	f.resolved[path] = resolution{resolved, err}
	return resolved, err
}

// follow is resolve for a name in a folder that is resolved.
func (f *tableFinder) follow(folder, name string, links int) (string, error) {
	switch name {
	case ".":
		return folder, nil
	case "..":
		return filepath.Dir(folder), nil
	}
	if duckLakeFile.MatchString(name) {
		return "", &tableError{duckLake, belowPartitions(folder)}
	}
	path := filepath.Join(folder, name)
	target, err := readLink(path)
	switch {
	case err != nil:
		return "", noTelling(path, err)
	case target == "":
		return path, nil
	case links == mostLinks:
		return "", fmt.Errorf("cannot read %s: its links never end", withoutNumber(path))
	}
	if err := f.look(folder); err != nil {
		return "", err
	}
	return f.resolve(pathFrom(folder, target), links+1)
}

// readLink returns where a link leads, "" if there is no link at the path.
func readLink(path string) (string, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist): // such as what a link in /proc says of a pipe
		return "", nil
	case err != nil:
		return "", err
	case info.Mode()&fs.ModeSymlink != 0:
		return os.Readlink(path)
	case info.Mode()&fs.ModeIrregular != 0: // on Windows a junction, or no link at all
		target, _ := os.Readlink(path)
		return target, nil
	}
	return "", nil
}

// absolutePath makes a path absolute. It keeps each ".." that the system would follow after a link.
func absolutePath(path string) (string, error) {
	if runtime.GOOS == "windows" { // which drops ".." and the name before it, a link or not
		return filepath.Abs(path)
	}
	here, err := os.Getwd()
	if err != nil {
		return "", noTelling(path, err)
	}
	return pathFrom(here, path), nil
}

// pathFrom returns the absolute path of what has a path, absolute or not, in a folder.
func pathFrom(folder, path string) string {
	switch {
	case filepath.IsAbs(path):
		return path
	case runtime.GOOS != "windows":
		return folder + "/" + path
	case path != "" && os.IsPathSeparator(path[0]): // on the same volume
		return filepath.Clean(filepath.VolumeName(folder) + path)
	}
	return filepath.Join(folder, path)
}

// splitLast takes the last name off an absolute path. The name is "" if there is none: then the
// path is a root.
func splitLast(path string) (above, name string) {
	root := filepath.VolumeName(path) + string(filepath.Separator)
	end := len(path)
	for end > len(root) && os.IsPathSeparator(path[end-1]) {
		end--
	}
	start := end
	for start > len(root) && !os.IsPathSeparator(path[start-1]) {
		start--
	}
	if start >= end {
		return root, ""
	}
	return path[:start], path[start:end]
}

// belowPartitions returns the folder above those of partitions, such as region=north.
func belowPartitions(folder string) string {
	for strings.Contains(filepath.Base(folder), "=") {
		folder = filepath.Dir(folder)
	}
	return folder
}

// hasFolder reports whether a folder has another of this name in it. A link to nothing is an error:
// nobody can tell what it stands for.
func (l location) hasFolder(name string) (bool, error) {
	info, err := fs.Stat(l.tree, name)
	if err == nil {
		return info.IsDir(), nil
	}
	if _, lstatErr := fs.Lstat(l.tree, name); errors.Is(lstatErr, fs.ErrNotExist) {
		return false, nil
	}
	return false, unreadable(filepath.Join(l.path, name), err)
}

// hasFile reports whether a folder below another has a file whose name matches. It is false if
// there is no such folder.
func (l location) hasFile(below string, matches func(name string) bool) (bool, error) {
	if is, err := l.hasFolder(below); !is {
		return false, err
	}
	entries, err := fs.ReadDir(l.tree, below)
	if err != nil {
		return false, unreadable(filepath.Join(l.path, below), err)
	}
	return slices.ContainsFunc(entries, func(entry fs.DirEntry) bool {
		return !entry.IsDir() && matches(entry.Name())
	}), nil
}

// isDelta reports whether a folder is the root of a Delta Lake table.
func isDelta(folder location) (bool, error) { return folder.hasFolder("_delta_log") }

// isHudi reports whether a folder is the root of a Hudi table.
func isHudi(folder location) (bool, error) { return folder.hasFolder(".hoodie") }

// isIceberg reports whether a folder is the root of an Iceberg table.
func isIceberg(folder location) (bool, error) {
	return folder.hasFile("metadata", func(name string) bool {
		return strings.HasSuffix(name, ".metadata.json") || // v1.gz.metadata.json too
			strings.HasSuffix(name, ".metadata.json.gz") || name == "version-hint.text"
	})
}

// paimonSchema matches the names of Paimon's files with the schemas of a table.
var paimonSchema = regexp.MustCompile(`^schema-[0-9]+$`)

// isPaimon reports whether a folder is the root of a Paimon table. A folder called schema alone
// says too little.
func isPaimon(folder location) (bool, error) {
	if is, err := folder.hasFolder("schema"); !is {
		return false, err
	}
	for _, name := range []string{"snapshot", "manifest"} {
		if is, err := folder.hasFolder(name); err != nil {
			return false, err
		} else if is {
			return folder.hasFile("schema", paimonSchema.MatchString)
		}
	}
	return false, nil
}
