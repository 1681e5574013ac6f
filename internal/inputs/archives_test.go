package inputs

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"noo/formats"
	"noo/internal/zipfile"
	"noo/internal/zipfile/ziptest"
)

// archivesHere makes a folder with ZIP files and works in it.
func archivesHere(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	x := ziptest.File{Entries: ziptest.Files(ziptest.Deflate,
		"a.csv", "nhs_number\n", "sub/b.csv", "nhs_number\n", "sub/_c.csv", "x", ".d", "x", "a[1].csv", "x")}
	one := ziptest.File{Entries: ziptest.Files(ziptest.Store, "deep/e.csv", "nhs_number\n", "__MACOSX/x", "x")}
	for name, content := range map[string][]byte{
		"x.zip": x.Bytes(), "one.zip": one.Bytes(), "in/y.zip": one.Bytes(), "in/z": one.Bytes(),
		"in/f.csv": []byte("nhs_number\n"), "z[1].zip": one.Bytes(), "bad/b.zip": []byte("PK\x03\x04"), "bad/g.csv": []byte("x\n"),
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestExpandArchives(t *testing.T) {
	archivesHere(t)
	for _, c := range []struct {
		argument   string
		names      []string // of the files
		many       bool
		passedOver int
		err        error
	}{
		{"x.zip", []string{"a.csv", "a[1].csv", "sub/b.csv"}, true, 2, nil},
		{"x.zip/", []string{"a.csv", "a[1].csv", "sub/b.csv"}, true, 2, nil},
		{"./x.zip/sub", []string{"b.csv"}, true, 1, nil},
		{"x.zip/sub/", []string{"b.csv"}, true, 1, nil},
		{"x.zip/sub/b.csv", []string{"b.csv"}, false, 0, nil},
		{"x.zip/sub/_c.csv", []string{"_c.csv"}, false, 0, nil},
		{"x.zip/a[1].csv", []string{"a[1].csv"}, false, 0, nil},
		{"x.zip/*.csv", []string{"a.csv", "a[1].csv"}, true, 0, nil},
		{"x.zip/**/*.csv", []string{"a.csv", "a[1].csv", "sub/b.csv"}, true, 1, nil},
		{"x.zip/**", []string{"a.csv", "a[1].csv", "sub/b.csv"}, true, 2, nil},
		{"x.zip/s*", []string{"sub/b.csv"}, true, 1, nil},
		{"x.zip/sub/*", []string{"b.csv"}, true, 1, nil},
		{"one.zip", []string{"deep/e.csv"}, false, 1, nil},
		{"z[1].zip", []string{"deep/e.csv"}, false, 1, nil},
		{"z[1].zip/deep/*", []string{"e.csv"}, true, 0, nil},
		{"in", []string{"f.csv", "y/deep/e.csv", "z/deep/e.csv"}, true, 2, nil},
		{"in/*.zip", []string{"y/deep/e.csv"}, true, 1, nil},
		{"*.zip", []string{"one/deep/e.csv", "x/a.csv", "x/a[1].csv", "x/sub/b.csv", "z[1]/deep/e.csv"}, true, 4, nil},
		{"bad", nil, true, 0, zipfile.ErrDamaged},
		{"bad/b.zip", nil, false, 0, zipfile.ErrDamaged},
		{"x.zip/none", nil, false, 0, ErrNotInside},
		{"x.zip/a.csv/b", nil, false, 0, ErrNotInside},
		{"x.zip/../in/f.csv", nil, false, 0, ErrNotInside},
		{"x.zip/*.parquet", nil, false, 0, ErrNoMatch},
		{"x.zip/none/*.csv", nil, false, 0, ErrNoMatch},
		{"x.zip/{a,../b}.csv", nil, false, 0, ErrOutside},
		{"x.zip/[a", nil, false, 0, ErrBadPattern},
	} {
		t.Run(c.argument, func(t *testing.T) {
			s, err := Expand([]string{c.argument})
			if !errors.Is(err, c.err) {
				t.Fatalf("%v, want %v", err, c.err)
			}
			if err != nil {
				return
			}
			var names []string
			for i := range s.Files {
				file := &s.Files[i]
				names = append(names, file.Name)
				if info, err := os.Stat(file.File()); err != nil || !info.Mode().IsRegular() {
					t.Errorf("%s is in %s: %v", file.Path, file.File(), err)
				}
				if file.Entry == nil && file.Name != "f.csv" {
					t.Errorf("%s is in no ZIP file", file.Path)
				}
			}
			if !slices.Equal(names, c.names) || s.Many != c.many || s.PassedOver != c.passedOver {
				t.Errorf("%q, many %v, passed over %d", names, s.Many, s.PassedOver)
			}
		})
	}
}

// TestExpandEachArchive: a ZIP file that cannot be read keeps no other file from being read.
func TestExpandEachArchive(t *testing.T) {
	archivesHere(t)
	s, err := ExpandEach([]string{"bad", "one.zip"})
	if err != nil || len(s.Files) != 3 {
		t.Fatalf("%v: %v", err, s.Files)
	}
	if bad := s.Files[0]; bad.Path != filepath.Join("bad", "b.zip") || !errors.Is(bad.Err, zipfile.ErrDamaged) {
		t.Errorf("%s: %v", bad.Path, bad.Err)
	}
	if _, ok := errors.AsType[*formats.InputError](s.Files[0].Err); !ok || s.Files[1].Err != nil || s.Files[2].Err != nil {
		t.Error("the others have errors, or it has another")
	}
	if got := s.OnDisk(); !slices.Equal(got, []string{filepath.Join("bad", "b.zip"), filepath.Join("bad", "g.csv"), "one.zip"}) {
		t.Errorf("on the disk: %q", got)
	}
}

func TestFileOf(t *testing.T) {
	archivesHere(t)
	for argument, want := range map[string]string{
		"x.zip": "x.zip", "x.zip/a.csv": "x.zip", "x.zip/*.csv": "x.zip", "x.zip/none/a": "x.zip", "x.zip/": "x.zip",
		"in/f.csv": "in/f.csv", "in/f.csv/a": "in/f.csv/a", "none/a.csv": "none/a.csv", "in/*.csv": "in/*.csv", "-": "-", "/": "/", "": "",
	} {
		if got := FileOf(argument); got != want {
			t.Errorf("%s: %s, want %s", argument, got, want)
		}
	}
}
