package batch

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"noo/filter/filtertest"
	"noo/formats"
	"noo/formats/csv"
	"noo/internal/atomicdir"
	"noo/internal/inputs"
	"noo/internal/lockfile"
	"noo/job"
)

// TestFolderEndedBeforeWriting is the same for a folder: it does not wait for its lock.
func TestFolderEndedBeforeWriting(t *testing.T) {
	dir := t.TempDir()
	input := filepath.Join(dir, "in.csv")
	if err := os.WriteFile(input, []byte("nhs_number\n9995609649\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancelCause(t.Context())
	reason := errors.New("somebody wants it to end")
	output := filepath.Join(dir, "out")
	lock, err := atomicdir.LockPath(output)
	if err != nil {
		t.Fatal(err)
	}
	held, err := lockfile.Acquire(t.Context(), lock, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	sources, err := inputs.Expand([]string{input})
	if err != nil {
		t.Fatal(err)
	}
	folder := Run{
		Sources: sources, StateDir: filepath.Join(dir, "state"), Outputs: job.Outputs{Output: output},
		Rules: job.Rules{Register: filtertest.Register{}, Formats: []formats.Format{csv.Format{}}}, Host: job.Host{OnFirstWrite: func() { end(reason) }},
	}
	if _, err := folder.Do(ctx); !errors.Is(err, reason) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := os.Stat(output); !errors.Is(err, fs.ErrNotExist) {
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
	sources, err := inputs.Expand([]string{filepath.Join(dir, "*.csv")})
	if err != nil {
		t.Fatal(err)
	}
	out, told := filepath.Join(dir, "out"), 0
	folder := Run{Sources: sources, StateDir: filepath.Join(dir, "state")}
	folder.Output, folder.Register, folder.Formats = out, filtertest.Register{}, []formats.Format{csv.Format{}}
	folder.OnFirstWrite = func() {
		told++
		if entries, err := filepath.Glob(filepath.Join(dir, ".out*")); err != nil || len(entries) != 0 {
			t.Errorf("there is already %v (%v)", entries, err)
		}
	}
	if _, err := folder.Do(t.Context()); err != nil || told != 1 {
		t.Errorf("told %d times: %v", told, err)
	}
}
