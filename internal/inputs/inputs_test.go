package inputs

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"noo/formats"
)

func TestNamesThatIdentify(t *testing.T) {
	for name, want := range map[string]bool{
		"2024/region=north/part-0.csv":  false,
		"nhs_number=x/part-0.csv":       true,
		"a/NHSNumber=9434765919/p.csv":  true,
		"patient_nhs_no=0/p.csv":        true,
		"id=9434765919/p.csv":           true,
		"id=943%20476%205919/p.csv":     true,
		"x/9434765919.csv":              true,
		"x/943-476-5919_letters.csv":    true,
		"x/943 476 5919":                true,
		"patient 943 476 5919 scan.csv": true,
		"9434765918.csv":                false, // no valid number
		"19434765919.csv":               false, // eleven digits
		// Valid by its check digit, but a date and hour.
		"hour=20240101" + "05/x.csv":         false,
		"1700000000.csv":                     false,
		"nhs_numbers_of_march/p.csv":         false, // a name of a thing, not of a person
		"part-00000-943476-c000.parquet":     false,
		"dt=2024-01-30/94347659190000.csv":   false,
		"nhs_number_status=present/part.csv": false,
	} {
		t.Run(name, func(t *testing.T) {
			if got := identifies(name); got != want {
				t.Errorf("%s: %v", name, got)
			}
		})
	}
}

func TestExpandRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := Expand([]string{dir}); !errors.Is(err, ErrNothingToRead) {
		t.Errorf("an empty folder: %v", err)
	} else if input, ok := errors.AsType[*formats.InputError](err); !ok || input.Name != dir {
		t.Errorf("an empty folder: %v", err)
	}
}

// TestReads: what the next run would read is what Expand finds once it is there. Of a folder, which
// gets files under names that nobody knows yet, it is refused as well if it might be found.
func TestReads(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := errors.Join(os.MkdirAll("in/sub/deep", 0o700), os.Mkdir("elsewhere", 0o700), os.WriteFile("in/sub/deep/a.csv", nil, 0o600),
		os.WriteFile("in/sub/a.csv", nil, 0o600), os.WriteFile("in/a.csv", nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	arguments := []string{
		"in", "in/", "./in/sub", "in/a.csv", "in/*", "in/*.csv", "in/*/*.csv", "in/**", "in/**/*.csv", "**/*.csv", "in/s*/**/*.csv", "in/{a,b}*.csv",
		"*/sub", "in/[a-m]*", "in/{sub/*,*.csv}", "in/{sub/,}*.csv", "{in/*.csv,in/*/*.csv}", "in/{,sub}", filepath.Join(here, "in", "*.csv"), "../" + filepath.Base(here) + "/in/*.csv",
	}
	found := func(argument, path string) bool {
		sources, err := Expand([]string{argument})
		if err != nil {
			t.Fatalf("%s: %v", argument, err)
		}
		want, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(sources.Files, func(s Source) bool {
			is, err := os.Stat(s.Path)
			return err == nil && os.SameFile(is, want)
		})
	}
	reads, spares := 0, 0
	for _, argument := range arguments {
		for _, path := range []string{"r.json", "r.csv", "in/r.json", "in/b.csv", "in/sub/b.csv", "in/sub/r.json", "in/sub/deep/b.csv", "elsewhere/b.csv"} {
			got := Reads([]string{"elsewhere/none.csv", argument}, path, false)
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			want := found(argument, path)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("%s, the file %s: %v, want %v", argument, path, got, want)
			}
			if reads++; !want {
				spares++
			}
		}
		for _, path := range []string{"out/", "in/out/", "in/out.csv/", "in/sub/out/", "elsewhere/out/"} {
			if err := os.MkdirAll(filepath.Join(path, "x"), 0o700); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"a.csv", "x/b.csv"} {
				file := filepath.Join(path, name)
				if err := os.WriteFile(file, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				if found(argument, file) && !Reads([]string{argument}, path, true) {
					t.Errorf("%s would read %s, which the folder may hold", argument, file)
				}
			}
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	if spares == 0 || spares == reads {
		t.Error("the test tells nothing apart")
	}
	for _, c := range []struct{ argument, path string }{
		{"in/*.csv", "in/out/"}, {"in/sub/*.csv", "in/out/"}, {"*.csv", "out/"}, {"in/**/*.csv", "out/"}, {"in/**", "elsewhere/"}, {"in/a.csv", "in/out/"},
		{"in/*", "in/_out/"}, {"-", "in/out/"}, {"in/{sub/*,*.csv}", "in/out/"},
	} {
		t.Run(c.path, func(t *testing.T) {
			if Reads([]string{c.argument}, c.path, true) {
				t.Errorf("%s would not read %s", c.argument, c.path)
			}
		})
	}
	if runtime.GOOS == "windows" {
		return
	}
	if err := errors.Join(os.Symlink("in", "link"), os.Symlink("../elsewhere", "in/away")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ argument, path string }{
		{"link/*.csv", "in/b.csv"}, {"in/*.csv", "link/b.csv"}, {"in/*/*.csv", "in/away/b.csv"}, {"link", "in/b.csv"}, {"link/*", "in/sub/b.csv"},
	} {
		t.Run(c.path, func(t *testing.T) {
			if !Reads([]string{c.argument}, c.path, false) {
				t.Errorf("%s would read %s", c.argument, c.path)
			}
		})
	}
	if strings.Contains(here, "*") {
		t.Fatal("the test's own folder is a pattern")
	}
}
