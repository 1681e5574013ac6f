package batch

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"noo/formats"
	"noo/internal/atomicfile"
	"noo/internal/filetest"
	"noo/internal/inputs"
)

// gzipped is a text compressed with gzip.
func gzipped(t *testing.T, text string) string {
	t.Helper()
	var buffer bytes.Buffer
	w, err := formats.NewCompressor(formats.Gzip, &buffer, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.String()
}

// TestOutputNames: an output is called as its input, and its suffix says what it is compressed
// with.
func TestOutputNames(t *testing.T) {
	text := "nhs_number\n" + stays + "\n"
	zipped := gzipped(t, text)
	zstd, none := formats.Zstd, formats.Uncompressed
	for _, c := range []struct {
		name     string
		files    map[string]string
		compress *formats.Compression
		want     []string
	}{
		{"as they are", map[string]string{"a.csv": text, "b/c.csv.gz": zipped}, nil, []string{"a.csv", "b/c.csv.gz"}},
		{"told by content", map[string]string{"a.csv.gz": text, "b.csv": zipped}, nil, []string{"a.csv", "b.csv.gz"}},
		{"all with zstd", map[string]string{"a.csv": text, "b.csv.gz": zipped, "c.csv.GZ": zipped}, &zstd, []string{"a.csv.zst", "b.csv.zst", "c.csv.zst"}},
		{"all without", map[string]string{"a.csv": text, "b.csv.gz": zipped}, &none, []string{"a.csv", "b.csv"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, run := inFolder(t, c.files)
			run.Compress = c.compress
			report, err := run.Do(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i, file := range report.Files {
				got = append(got, file.Output.Name)
				head := []byte(filetest.Content(t, filepath.Join(run.Output, filepath.FromSlash(file.Output.Name))))
				if formats.DetectCompression(head) != formats.CompressionNamed(file.Output.Name) {
					t.Errorf("the name of %s lies", file.Output.Name)
				}
				if file.Input.Name != run.Sources.Files[i].Name {
					t.Errorf("%s is in the place of %s", file.Input.Name, run.Sources.Files[i].Name)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestPlanRefuses inputs of which no folder can be made, before anything is made.
func TestPlanRefuses(t *testing.T) {
	text := "nhs_number\n" + stays + "\n"
	zipped := gzipped(t, text)
	dir := t.TempDir()
	none := formats.Uncompressed
	write(t, dir, map[string]string{
		"a/x.csv": text, "b/x.csv": text, "b/x.csv.gz": zipped, "c/sub/x.csv": text, "d/sub": text,
	})
	source := func(name, path string) inputs.Source {
		if path != "-" {
			path = filepath.Join(dir, path)
		}
		return inputs.Source{Name: name, Path: path}
	}
	for _, c := range []struct {
		name     string
		sources  []inputs.Source
		compress *formats.Compression
		want     error
	}{
		{"two of one name", []inputs.Source{source("x.csv", "a/x.csv"), source("x.csv", "b/x.csv")}, nil, ErrSameOutput},
		{"two of one name once decompressed", []inputs.Source{source("x.csv", "a/x.csv"), source("x.csv.gz", "b/x.csv.gz")}, &none, ErrSameOutput},
		{"a file and a folder", []inputs.Source{source("sub/x.csv", "c/sub/x.csv"), source("sub", "d/sub")}, nil, ErrSameOutput},
		{"the marker", []inputs.Source{source("_SUCCESS", "a/x.csv")}, nil, ErrReservedName},
		{"the marker in small letters", []inputs.Source{source("_success", "a/x.csv")}, nil, ErrReservedName},
		{"a stream", []inputs.Source{source("-", "-")}, nil, ErrStream},
		{"a number for a name", []inputs.Source{source(out+".csv", "a/x.csv")}, nil, inputs.ErrNumberInName},
		{"a name that is no UTF-8", []inputs.Source{source("\xff.csv", "a/x.csv")}, nil, ErrNotUTF8},
		{"a folder", []inputs.Source{source("a", "a")}, nil, inputs.ErrNotAFile},
		{"nothing", []inputs.Source{source("x.csv", "nowhere.csv")}, nil, os.ErrNotExist},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := over(t, dir, newRegister(), c.sources...)
			run.Compress = c.compress
			if _, err := run.Do(t.Context()); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			for _, path := range []string{run.Output, run.StateDir} {
				if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s was made", path)
				}
			}
		})
	}
	t.Run("names that differ in a suffix only", func(t *testing.T) {
		run := over(t, dir, newRegister(), source("x.csv", "a/x.csv"), source("x.csv.gz", "b/x.csv.gz"))
		if _, err := run.Do(t.Context()); err != nil {
			t.Error(err)
		}
		isEmptyBut(t, run.Output, "_SUCCESS", "x.csv", "x.csv.gz")
		if _, err := over(t, dir, newRegister(), source("x.csv", "a/x.csv")).Do(t.Context()); !errors.Is(err, atomicfile.ErrExists) {
			t.Errorf("once more: %v", err)
		}
	})
}
