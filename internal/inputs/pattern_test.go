package inputs

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"noo/formats"
)

func TestAlternatives(t *testing.T) {
	for pattern, want := range map[string][]string{
		"a*":              {"a*"},
		"{a,b}":           {"a", "b"},
		"{a}":             {"a"},
		"x{a,}y":          {"xay", "xy"},
		"x{,a}y":          {"xy", "xay"},
		"{a,b/c}/{d,e}":   {"a/d", "a/e", "b/c/d", "b/c/e"},
		"{a,{b,c}d}e":     {"ae", "bde", "cde"},
		"{a,a}":           {"a"},
		"a/{}":            {"a/{}"},
		`\{a,b\}{c\,d,e}`: {`\{a,b\}c\,d`, `\{a,b\}e`},
		"[{,}]{a[,}],b}":  {"[{,}]a[,}]", "[{,}]b"},
		`[\]{]{a,b}`:      {`[\]{]a`, `[\]{]b`},
		"{a,b":            {"{a,b"},
		"a,b}":            {"a,b}"},
		"[{a,b}":          {"[{a,b}"},
	} {
		t.Run(pattern, func(t *testing.T) {
			if got := alternatives(pattern); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", pattern, got, want)
			}
		})
	}
}

// TestPatternsWithAlternatives: each alternative finds what it would as a pattern of its own,
// whatever slashes are in it, and what is passed over is counted once.
func TestPatternsWithAlternatives(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"in/a.csv", "in/b.txt", "in/sub/c.csv", "in/_x/1.csv", "in/_x/2.csv", "in/_x/_SUCCESS", "in/.d.csv", "other/e.csv", "in/_SUCCESS"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		pattern    string
		want       []string
		passedOver int
	}{
		{"{in/*,in/*/*.csv}", []string{"in/a.csv", "in/b.txt", "in/sub/c.csv"}, 2},
		{"in/{*,*/*.csv}", []string{"a.csv", "b.txt", "sub/c.csv"}, 2},
		{"in/{sub/,}*.csv", []string{"a.csv", "sub/c.csv"}, 1},
		{"in/{,sub/}*.csv", []string{"a.csv", "sub/c.csv"}, 1},
		{"in/*{/,}*.csv", []string{"a.csv", "sub/c.csv"}, 2},
		{"in/{,sub}", []string{"a.csv", "b.txt", "sub/c.csv"}, 2},
		{"{other,in/sub}/*", []string{"in/sub/c.csv", "other/e.csv"}, 0},
		{"in/**", []string{"a.csv", "b.txt", "sub/c.csv"}, 2},
		{"in/{**,*}/", []string{"a.csv", "b.txt", "sub/c.csv"}, 2},
		{"in/sub/../{a,b}.*", []string{"a.csv", "b.txt"}, 0},
	} {
		t.Run(c.pattern, func(t *testing.T) {
			sources, err := Expand([]string{c.pattern})
			if err != nil {
				t.Errorf("%s: %v", c.pattern, err)
				return
			}
			var names []string
			for _, file := range sources.Files {
				names = append(names, file.Name)
			}
			if !slices.Equal(names, c.want) || sources.PassedOver != c.passedOver {
				t.Errorf("%s: %q and %d, want %q and %d", c.pattern, names, sources.PassedOver, c.want, c.passedOver)
			}
		})
	}
	for _, pattern := range []string{"{}", "in/{}", "in/{}/*", "in/{nothing,neither}*"} {
		if _, err := Expand([]string{pattern}); !errors.Is(err, ErrNoMatch) {
			t.Errorf("%s: %v", pattern, err)
		}
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"in/{sub,../other}/*", "in/*/../../{other,in}/*", "{in," + filepath.ToSlash(here) + "/other}/*"} {
		_, err := Expand([]string{pattern})
		if _, ok := errors.AsType[*formats.InputError](err); !ok || !errors.Is(err, ErrOutside) {
			t.Errorf("%s: %v", pattern, err)
		}
	}
	if sources, err := Expand([]string{"in", "in/", "in/*.csv"}); err != nil || sources.PassedOver != 2 {
		t.Errorf("the same three times: %d passed over, %v", sources.PassedOver, err)
	}
}

// TestPatternInAFolderThatLooksLikeOne: a folder before a pattern is that folder, if it is there,
// and not what it would match.
func TestPatternInAFolderThatLooksLikeOne(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"jobs [n]/in/a.csv", "jobs n/in/b.csv", "{x}/[y]/{z,y}/c.csv", "m1/d.csv", "m2/e.csv"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for pattern, want := range map[string][2]string{ // what is read, and its name
		"jobs [n]/in/*.csv":                          {"jobs [n]/in/a.csv", "a.csv"},
		"./jobs [n]/*/*.csv":                         {"jobs [n]/in/a.csv", "in/a.csv"},
		filepath.Join(here, "jobs [n]", "in", "*"):   {filepath.Join(here, "jobs [n]/in/a.csv"), "a.csv"},
		filepath.Join(here, "jobs [m-o]", "in", "*"): {filepath.Join(here, "jobs n/in/b.csv"), "jobs n/in/b.csv"},
		"{x}/[y]/{z,y}/*":                            {"{x}/[y]/{z,y}/c.csv", "c.csv"},
		"{x}/[y]/*/*":                                {"{x}/[y]/{z,y}/c.csv", "{z,y}/c.csv"},
		"m[1]/*.csv":                                 {"m1/d.csv", "m1/d.csv"},
	} {
		t.Run(pattern, func(t *testing.T) {
			sources, err := Expand([]string{pattern})
			if err != nil || len(sources.Files) != 1 {
				t.Errorf("%s: %v", pattern, err)
				return
			}
			if got := sources.Files[0]; filepath.ToSlash(got.Path) != filepath.ToSlash(want[0]) || got.Name != want[1] {
				t.Errorf("%s: %s as %s, want %s as %s", pattern, got.Path, got.Name, want[0], want[1])
			}
			if path := filepath.Join(filepath.Dir(want[0]), "new.csv"); !Reads([]string{pattern}, path, false) {
				t.Errorf("%s would read %s", pattern, path)
			}
		})
	}
}

// TestMarkersHoldNoRecords: what only has the name of a marker is passed over like anything else of
// such a name, and so counted.
func TestMarkersHoldNoRecords(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		// Markers.
		"a/x.csv": "", "a/_SUCCESS": "", "b/x.csv": "", "b/_SUCCESS": "{\n \"schema\": \"noo/folder/v1\"\n}\n",
		"c/x.csv": "", "c/_SUCCESS": "nhs_number\n9434765919\n", "d/x.csv": "", "d/_SUCCESS/y.csv": "", "e/x.csv": "", "e/_SUCCESS": "{\"n\":1}\n{\"n\":2}\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
		})
	}
	for _, argument := range []string{dir, filepath.Join(dir, "**"), filepath.Join(dir, "*/*"), filepath.Join(dir, "*")} {
		sources, err := Expand([]string{argument})
		if err != nil || sources.PassedOver != 3 || len(sources.Files) != 5 {
			t.Errorf("%s: %+v, %v", argument, sources, err)
		}
	}
}
