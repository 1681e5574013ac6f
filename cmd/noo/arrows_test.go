package main

// The arrows between the rooms: which package may import which. The test reads `go list`, so that
// the next wrong import fails.

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rooms are the packages of the program from the top to the bottom. A package imports only packages
// of later floors.
var rooms = [][]string{
	{"noo/cmd/noo", "noo/cmd/noobench"},
	{"noo/cmd/noo/internal/meshcommands"},
	{"noo/cmd/noo/internal/jobs", "noo/cmd/noo/internal/snapshotcommands", "noo/cmd/noo/internal/fhircommands", "noo/cmd/noo/internal/verdictscommand"},
	{"noo/cmd/noo/internal/publishing"},
	{"noo/cmd/noo/internal/demo", "noo/cmd/noo/internal/runflags"},
	{"noo/cmd/noo/internal/commandtree"},
	{"noo/cmd/noo/internal/findings", "noo/cmd/noo/internal/lists", "noo/cmd/noo/internal/outcome", "noo/cmd/noo/internal/buildinfo"},
	{"noo/cmd/noo/internal/ui"},
	{"noo/cmd/noo/internal/hints", "noo/cmd/noo/internal/eventlog", "noo/cmd/noo/internal/metrics"},
	{"noo/batch"},
	{"noo/job", "noo/verdicts"},
	{"noo/internal/columns", "noo/internal/inputs"},
	{"noo/internal/iopaths", "noo/internal/zipfile"},
	{"noo/filter"},
	{"noo/filter/link"},
	{"noo/formats/arrow/readback"},
	{"noo/formats/arrow", "noo/formats/csv", "noo/formats/parquet", "noo/formats/parquet/readback"},
	{"noo/formats/arrow/internal/identify", "noo/formats/csv/internal/records"},
	{"noo/formats/arrow/internal/column"},
	{"noo/formats/arrow/internal/ipc"},
	{"noo/formats/arrow/internal/flat", "noo/formats/arrow/arrowtest"},
	{"noo/formats/parquet/internal/rewrite", "noo/formats/csv/internal/chunks", "noo/formats/csv/internal/lenient", "noo/formats/csv/internal/margins", "noo/formats/csv/internal/marks", "noo/formats/csv/internal/utf16"},
	{"noo/formats/parquet/internal/identify"},
	{"noo/formats/parquet/internal/page"},
	{"noo/formats/parquet/internal/codec", "noo/formats/parquet/internal/meta"},
	{"noo/formats/parquet/internal/encoding", "noo/formats/parquet/internal/stats", "noo/formats/parquet/internal/spans"},
	{"noo/formats/parquet/internal/spec"},
	{"noo/filter/filtertest", "noo/mesh", "noo/snapshot/sealed", "noo/snapshot/delta"},
	{"noo/fhir/download"},
	{"noo/fhir"},
	{"noo/fhir/internal/jsontext"},
	{"noo/formats", "noo/snapshot", "noo/mesh/api"},
	{"noo/mesh/api/apitest"},
	{"noo/formats/internal/decimal", "noo/formats/internal/glance", "noo/formats/internal/privacy", "noo/formats/parquet/internal/thrift", "noo/snapshot/seen", "noo/snapshot/internal/frame"},
	// These know no data: Go's rule for internal packages keeps all above but cmd/noo from using
	// them.
	{"noo/cmd/noo/internal/settings"},
	{"noo/cmd/noo/internal/suggest"},
	{"noo/cmd/noo/internal/flagvalue"},
	{"noo/mesh/relay"},
	{"noo/internal/atomicdir", "noo/internal/lockfile", "noo/mesh/control"},
	{"noo/internal/atomicfile"},
	{"noo/internal/filetest", "noo/internal/zipfile/ziptest"},
	{"noo/internal/pseudonym"},
	{"noo/internal/access", "noo/internal/hugepages", "noo/internal/kind", "noo/internal/nearest", "noo/internal/contextio", "noo/internal/nhsnumber", "noo/internal/steadyfile"},
}

// floorOf returns the floor of a package, from 0 at the top, or -1 for a package that has none.
func floorOf(path string) int {
	return slices.IndexFunc(rooms, func(floor []string) bool { return slices.Contains(floor, path) })
}

// wrongImports returns what is wrong with the imports of a package, one line for each.
func wrongImports(path string, imports []string) (wrong []string) {
	floor := floorOf(path)
	if floor < 0 {
		return []string{path + " has no floor: add it to rooms"}
	}
	for _, imported := range imports {
		if !strings.HasPrefix(imported, "noo/") {
			continue
		}
		if floorOf(imported) <= floor {
			wrong = append(wrong, path+" imports "+imported+", which is not on a floor below it")
		}
	}
	return wrong
}

func TestNoArrowRunsUp(t *testing.T) {
	listed, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "noo/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(listed)) {
		words := strings.Fields(line)
		found++
		for _, wrong := range wrongImports(words[0], words[1:]) {
			t.Error(wrong)
		}
	}
	for _, floor := range rooms {
		found -= len(floor)
	}
	if found != 0 {
		t.Errorf("go list names %+d packages compared with rooms", found)
	}
}

func TestWrongImports(t *testing.T) {
	for _, test := range []struct {
		name    string
		path    string
		imports []string
		wrong   int
	}{
		{"down", "noo/filter", []string{"fmt", "noo/formats", "noo/snapshot"}, 0},
		{"up", "noo/formats", []string{"noo/filter"}, 1},
		{"across", "noo/snapshot", []string{"noo/formats"}, 1},
		{"a package without a floor", "noo/utils", nil, 1},
		{"an import without a floor", "noo/filter", []string{"noo/utils"}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			if wrong := wrongImports(test.path, test.imports); len(wrong) != test.wrong {
				t.Errorf("%d found, want %d: %v", len(wrong), test.wrong, wrong)
			}
		})
	}
}

// The most that a package may have, so that a reader finds their way in it.
const mostLines, mostFiles = 2200, 12

// TestRoomsStaySmall: a package that grows beyond this has two subjects, and wants a second room.
func TestRoomsStaySmall(t *testing.T) {
	listed, err := exec.Command("go", "list", "-f", `{{.Dir}}{{range .GoFiles}} {{.}}{{end}}`, "noo/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(listed)) {
		words := strings.Fields(line)
		lines := 0
		for _, file := range words[1:] {
			text, err := os.ReadFile(filepath.Join(words[0], file))
			if err != nil {
				t.Fatal(err)
			}
			lines += strings.Count(string(text), "\n")
		}
		if lines > mostLines || len(words)-1 > mostFiles {
			t.Errorf("%s has %d lines in %d files, at most %d in %d", words[0], lines, len(words)-1, mostLines, mostFiles)
		}
	}
}
