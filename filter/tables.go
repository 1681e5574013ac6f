package filter

// Folders that are tables. A table format keeps the files of deleted and replaced rows in the table's folder, and a log of which of them
// count. Read as a plain folder, deleted rows come back and others double: such a folder is refused, whatever of it is named.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"noo/formats"
	"noo/internal/atomicfile"
)

// ErrTable is an input that belongs to a table whose own reader alone knows which of its files count.
var ErrTable = errors.New("its folder also holds deleted and replaced rows")

// tableKind is a table format: what it is called, and what reads it.
type tableKind struct{ name, readers string }

var (
	deltaLake = &tableKind{"Delta Lake", "deltalake or Spark"}
	iceberg   = &tableKind{"Apache Iceberg", "pyiceberg or Spark"}
	hudi      = &tableKind{"Apache Hudi", "Spark"}
	paimon    = &tableKind{"Apache Paimon", "Spark or Flink"}
	duckLake  = &tableKind{"DuckLake", "DuckDB"}
)

// tables finds out which folders are tables. It remembers what it found out, so that many files of a folder cost no more than one.
type tables struct {
	kinds map[string]*tableKind // by absolute path; nil where a folder is none
}

// check returns an *formats.InputError that wraps ErrTable where path is a table or lies in one, by the way that it is named or with
// links resolved. argument is what the user named, for the message.
func (t *tables) check(argument, path string) error {
	ways := []string{path}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		ways = append(ways, resolved)
	}
	for _, way := range ways {
		absolute, err := filepath.Abs(way)
		if err != nil {
			return fmt.Errorf("cannot read %s: %w", argument, atomicfile.Cause(err))
		}
		root, kind, err := t.above(absolute)
		if err != nil {
			return fmt.Errorf("cannot tell whether %s is a table: %w", argument, atomicfile.Cause(err))
		}
		if kind != nil {
			return &formats.InputError{Name: argument, Err: fmt.Errorf(
				"it belongs to the %s table %s; %w: read the table with %s, write its rows to a Parquet file, and filter that",
				kind.name, relative(root), ErrTable, kind.readers)}
		}
	}
	return nil
}

// relative is a path as short as it can be written from here.
func relative(path string) string {
	if here, err := os.Getwd(); err == nil {
		if short, err := filepath.Rel(here, path); err == nil && !strings.HasPrefix(short, "..") {
			return short
		}
	}
	return path
}

// above looks for a table at path and in every folder above it.
func (t *tables) above(path string) (root string, kind *tableKind, err error) {
	if duckLakeFile.MatchString(filepath.Base(path)) {
		return filepath.Dir(path), duckLake, nil
	}
	for {
		if kind, err = t.at(path); kind != nil || err != nil {
			return path, kind, err
		}
		parent := filepath.Dir(path)
		if parent == path {
			return "", nil, nil
		}
		path = parent
	}
}

// at tells which kind of table a folder is, nil where it is none.
func (t *tables) at(folder string) (*tableKind, error) {
	if kind, known := t.kinds[folder]; known {
		return kind, nil
	}
	kind, err := tableAt(folder)
	if err != nil {
		return nil, err
	}
	if t.kinds == nil {
		t.kinds = map[string]*tableKind{}
	}
	t.kinds[folder] = kind
	return kind, nil
}

// What table formats call their files: DuckLake's data (DuckLake specification, "Data Files"), Iceberg's metadata (Iceberg specification,
// "File System Tables" and "Naming for GZIP compressed Metadata JSON files"), and Paimon's schemas (Paimon specification, "Schema").
var (
	duckLakeFile    = regexp.MustCompile(`^ducklake-[0-9a-fA-F-]{36}(-delete)?\.(parquet|puffin)$`)
	icebergMetadata = regexp.MustCompile(`\.metadata\.json(\.gz)?$|^version-hint\.text$`)
	paimonSchema    = regexp.MustCompile(`^schema-[0-9]+$`)
)

// tableAt looks for what tells a table in a folder.
func tableAt(folder string) (*tableKind, error) {
	at := func(name string) string { return filepath.Join(folder, name) }
	for _, log := range []struct {
		name string
		kind *tableKind
	}{{"_delta_log", deltaLake}, {".hoodie", hudi}} {
		if isTableFolder(at(log.name)) {
			return log.kind, nil
		}
	}
	if found, err := holdsNamed(at("metadata"), icebergMetadata); found || err != nil {
		return iceberg, err
	}
	if isTableFolder(at("snapshot")) || isTableFolder(at("manifest")) {
		if found, err := holdsNamed(at("schema"), paimonSchema); found || err != nil {
			return paimon, err
		}
	}
	return nil, nil
}

func isTableFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// holdsNamed tells whether there is a folder with something in it whose name matches.
func holdsNamed(folder string, name *regexp.Regexp) (bool, error) {
	if !isTableFolder(folder) {
		return false, nil
	}
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	for _, entry := range entries {
		if name.MatchString(entry.Name()) {
			return true, nil
		}
	}
	return false, nil
}
