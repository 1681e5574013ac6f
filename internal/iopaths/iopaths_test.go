package iopaths

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheck: every way in which one path of a command can hurt another, and ways that only look so.
func TestCheck(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, folder := range []string{"in", "in/sub", "out", "here"} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"in/a.csv", "in/sub/b.csv", "snapshot.noo"} {
		if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	links := os.Symlink("snapshot.noo", "link.noo") == nil && os.Symlink("in", "other") == nil
	for _, c := range []struct {
		name  string
		paths func(p *Paths)
		want  error
		links bool
	}{
		{"nothing", func(*Paths) {}, nil, false},
		{"apart", func(p *Paths) { p.Read("in/a.csv", ""); p.Write("out.csv", ""); p.WriteFolder("") }, nil, false},
		{"the input", func(p *Paths) { p.Read("in/a.csv"); p.Write("in/../in/a.csv") }, ErrSameFile, false},
		{"two outputs", func(p *Paths) { p.Write("new.csv", filepath.Join("in", "..", "new.csv")) }, ErrSameFile, false},
		{"a link to the snapshot", func(p *Paths) { p.Read("snapshot.noo"); p.Write("link.noo") }, ErrSameFile, true},
		{"into the folder that is read", func(p *Paths) { p.ReadFolders("in"); p.WriteFolder("in/clean/") }, ErrNotApart, false},
		{"into it by a link", func(p *Paths) { p.ReadFolders("in"); p.WriteFolder("other/clean/") }, ErrNotApart, true},
		{"around a file that is read", func(p *Paths) { p.Read("in/sub/b.csv"); p.WriteFolder("in/") }, ErrNotApart, false},
		{"beside files that are read", func(p *Paths) { p.Read("in/sub/b.csv"); p.WriteFolder("out/") }, nil, false},
		{"a report in the folder", func(p *Paths) { p.WriteFolder("out/"); p.Write("out/report.json") }, ErrNotApart, false},
		{"a folder in a folder", func(p *Paths) { p.WriteFolder("out/"); p.WriteFolder("out/withheld/") }, ErrNotApart, false},
		{"the working folder", func(p *Paths) { p.WriteFolder("../" + filepath.Base(mustGetwd(t))) }, ErrWorkingFolder, false},
		{"a hidden name", func(p *Paths) { p.Read("in/a.csv", ".out.noo-lock"); p.WriteFolder("out/") }, ErrNotApart, false},
		{"what the next run reads", func(p *Paths) {
			p.ReadMatching(func(path string, _ bool) bool { return strings.HasSuffix(path, ".csv") })
			p.Write("new.csv")
		}, ErrNotApart, false},
		{"a folder that the next run reads", func(p *Paths) {
			p.ReadMatching(func(_ string, folder bool) bool { return folder })
			p.Write("new.csv")
			p.WriteFolder("out/")
		}, ErrNotApart, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.links && !links {
				t.Skip("no links here")
			}
			var p Paths
			c.paths(&p)
			if err := p.Check(); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

func mustGetwd(t *testing.T) string {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return here
}
