package iopaths

import (
	"os"
	"path/filepath"
	"testing"
)

func TestInside(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "a"), link); err != nil {
		t.Skip("no links here")
	}
	for _, c := range []struct {
		path, folder string
		want         bool
	}{
		{"a", "a", true}, {"a/b", "a", true}, {"a/b/new/file", "a", true}, {"a", "a/b", false}, {"ab", "a", false},
		{"link/b", "a", true}, {"a/b", "link", true}, {"link", "a", true}, {"new", "other", false}, {"new/x", "new", true},
	} {
		t.Run(c.path, func(t *testing.T) {
			if got := Inside(filepath.Join(dir, filepath.FromSlash(c.path)), filepath.Join(dir, c.folder)); got != c.want {
				t.Errorf("%s in %s: %v", c.path, c.folder, got)
			}
		})
	}
}
