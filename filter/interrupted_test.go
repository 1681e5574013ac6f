package filter

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"noo/formats"
	"noo/formats/csv"
	"noo/internal/atomicfile"
	"noo/internal/lockfile"
)

// TestEndedBeforeWriting: a run whose context ends before it tells that it makes outputs makes none, and does not even try: whoever
// heard nothing may be ending the process. Here trying would be an error.
func TestEndedBeforeWriting(t *testing.T) {
	dir := t.TempDir()
	input := filepath.Join(dir, "in.csv")
	if err := os.WriteFile(input, []byte("nhs_number\n9995609649\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancelCause(t.Context())
	reason := errors.New("somebody wants it to end")
	run := Run{
		Input: input, Output: filepath.Join(dir, "nowhere", "out.csv"), Register: standings{},
		Formats: []formats.Format{csv.Format{}}, Writing: func() { end(reason) },
	}
	if _, err := run.Do(ctx); !errors.Is(err, reason) {
		t.Errorf("a file: %v", err)
	}

	ctx, endOfFolder := context.WithCancelCause(t.Context())
	run.Output, run.Writing = filepath.Join(dir, "out"), func() { endOfFolder(reason) }
	lock, err := atomicfile.LockPath(run.Output)
	if err != nil {
		t.Fatal(err)
	}
	held, err := lockfile.Acquire(t.Context(), lock, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	sources, err := Expand([]string{input})
	if err != nil {
		t.Fatal(err)
	}
	folder := FolderRun{Each: run, Sources: sources, StateDir: filepath.Join(dir, "state")}
	if _, err := folder.Do(ctx); !errors.Is(err, reason) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := os.Stat(run.Output); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder: %v", err)
	}
}

// TestWritingIsToldOnce: of many files, before the first.
func TestWritingIsToldOnce(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.csv", "b.csv", "c.csv"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("nhs_number\n9995609649\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sources, err := Expand([]string{filepath.Join(dir, "*.csv")})
	if err != nil {
		t.Fatal(err)
	}
	out, told := filepath.Join(dir, "out"), 0
	folder := FolderRun{Sources: sources, StateDir: filepath.Join(dir, "state"), Each: Run{
		Output: out, Register: standings{}, Formats: []formats.Format{csv.Format{}}, Writing: func() {
			told++
			if entries, err := filepath.Glob(filepath.Join(dir, ".out*")); err != nil || len(entries) != 0 {
				t.Errorf("there is already %v (%v)", entries, err)
			}
		},
	}}
	if _, err := folder.Do(t.Context()); err != nil || told != 1 {
		t.Errorf("told %d times: %v", told, err)
	}
}
