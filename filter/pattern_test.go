package filter

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
		"{}":              {""},
		`\{a,b\}{c\,d,e}`: {`\{a,b\}c\,d`, `\{a,b\}e`},
		"[{,}]{a[,}],b}":  {"[{,}]a[,}]", "[{,}]b"},
		`[\]{]{a,b}`:      {`[\]{]a`, `[\]{]b`},
		"{a,b":            {"{a,b"},
		"a,b}":            {"a,b}"},
		"[{a,b}":          {"[{a,b}"},
	} {
		if got := alternatives(pattern); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", pattern, got, want)
		}
	}
}

// TestPatternsWithAlternatives: each alternative finds what it would as a pattern of its own, whatever slashes are in it, and what is passed over is
// counted once.
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
		sources, err := Expand([]string{c.pattern})
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		var names []string
		for _, file := range sources.Files {
			names = append(names, file.Name)
		}
		if !slices.Equal(names, c.want) || sources.PassedOver != c.passedOver {
			t.Errorf("%s: %q and %d, want %q and %d", c.pattern, names, sources.PassedOver, c.want, c.passedOver)
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
