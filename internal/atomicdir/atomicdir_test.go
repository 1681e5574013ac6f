package atomicdir

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"noo/internal/atomicfile"
	"noo/internal/filetest"
)

// fill starts a folder, writes files into it, and seals it.
func fill(t *testing.T, path string, replace bool, files map[string]string) *Folder {
	t.Helper()
	f, err := Create(path, replace, false)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]int64{}
	for name, text := range files {
		at, err := f.Path(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := atomicfile.Commit(write(t, at, false, text)); err != nil {
			t.Fatal(err)
		}
		all[name] = int64(len(text))
	}
	if err := f.Seal(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	f := fill(t, path, false, map[string]string{"a": "one", "x/y/b": "two"})
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal("the folder is there before it is published")
	}
	if err := PublishAll([]*Folder{f}); err != nil {
		t.Fatal(err)
	}
	f.Discard()
	if filetest.Content(t, filepath.Join(path, "x", "y", "b")) != "two" || !f.Matches(map[string]int64{"x/y/b": 3, "a": 3}) ||
		f.Matches(map[string]int64{"a": 3}) || f.Matches(map[string]int64{"x/y/b": 3, "a": 4}) {
		t.Fatal("not what was written")
	}

	if _, err := Create(path, false, false); !errors.Is(err, atomicfile.ErrExists) {
		t.Fatalf("an existing folder: %v", err)
	}
	fill(t, path, true, map[string]string{"a": "three"}).Discard()
	if filetest.Content(t, filepath.Join(path, "a")) != "one" {
		t.Fatal("a discarded folder changed the target")
	}
	if err := os.Chmod(path, 0o750); err != nil {
		t.Fatal(err)
	}
	f = fill(t, path, true, map[string]string{"a": "three"})
	if err := PublishAll([]*Folder{f}); err != nil {
		t.Fatal(err)
	}
	f.RemoveReplaced()
	if got := filetest.Names(t, dir); filetest.Content(t, filepath.Join(path, "a")) != "three" || len(got) != 1 || len(filetest.Names(t, path)) != 2 {
		t.Fatalf("after replacing: %v", got)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o750 {
		t.Errorf("mode %v (%v)", info.Mode(), err)
	}
}

func TestFolderTargets(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]error{"file": ErrNotFolder, "foreign": ErrForeign, "changed": ErrForeign, "no/such": fs.ErrNotExist} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, filepath.FromSlash(name))
			switch name {
			case "file":
				write(t, path, false, "").Discard()
				if err := os.WriteFile(path, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			case "changed":
				if err := PublishAll([]*Folder{fill(t, path, false, map[string]string{"a": "x"})}); err != nil {
					t.Fatal(err)
				}
				fallthrough
			case "foreign":
				if err := os.MkdirAll(filepath.Join(path, "deep"), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(path, "deep", "precious"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := Create(path, true, false); !errors.Is(err, want) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	if len(filetest.Names(t, filepath.Join(dir, "changed"))) != 3 {
		t.Error("what was there is not there any more")
	}
}

// TestSealedFolderIsWhatWasAskedFor: what an earlier attempt left does not get into the folder, and
// a file that is not there does not get unnoticed.
func TestSealedFolderIsWhatWasAskedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	fill(t, path, false, map[string]string{"a": "1", "old/b": "2"})
	f, err := Create(path, false, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []map[string]int64{{"a": 1, "c": 1}, {"a": 2}} {
		if err := f.Seal(t.Context(), want); err == nil {
			t.Errorf("sealed with %v", want)
		}
	}
	at, err := f.Path("a")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, filepath.Join(filepath.Dir(at), "link")); err != nil {
		t.Skip("no links here")
	}
	if err := f.Seal(t.Context(), map[string]int64{"a": 1, "link": 1}); err == nil {
		t.Error("a link got into the folder")
	}
	if err := f.Seal(t.Context(), map[string]int64{"a": 1}); err != nil {
		t.Fatal(err)
	}
	if err := PublishAll([]*Folder{f}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(filetest.Names(t, path), " "); got != "_SUCCESS a" {
		t.Errorf("the folder holds %s", got)
	}
}

// TestPublishAllOrNone: when the second of two folders cannot be published, the first is taken
// back, and what it replaced stands again.
func TestPublishAllOrNone(t *testing.T) {
	for _, exists := range []bool{false, true} {
		dir := t.TempDir()
		first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
		if exists {
			if err := PublishAll([]*Folder{fill(t, first, false, map[string]string{"a": "before"})}); err != nil {
				t.Fatal(err)
			}
		}
		folders := []*Folder{fill(t, first, exists, map[string]string{"a": "after"}), fill(t, second, false, nil)}
		if err := os.MkdirAll(filepath.Join(second, "came meanwhile"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := PublishAll(folders); !errors.Is(err, atomicfile.ErrExists) {
			t.Fatalf("over a folder that appeared: %v", err)
		}
		for _, f := range folders {
			f.Discard()
		}
		want := []string{"second"}
		if exists {
			want = []string{"first", "second"}
			if filetest.Content(t, filepath.Join(first, "a")) != "before" {
				t.Error("what was replaced is not back")
			}
		}
		if got := filetest.Names(t, dir); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("left %v, want %v", got, want)
		}
	}
}

// TestSealThatIsEnded gives up, however many files there still are to sync.
func TestSealThatIsEnded(t *testing.T) {
	f := fill(t, filepath.Join(t.TempDir(), "out"), false, map[string]string{"a": "1", "b/c": "2"})
	defer f.Discard()
	ctx, end := context.WithCancelCause(t.Context())
	reason := errors.New("somebody wants it to end")
	end(reason)
	if err := f.Seal(ctx, map[string]int64{"a": 1, "b/c": 1}); !errors.Is(err, reason) {
		t.Errorf("sealed after the end: %v", err)
	}
}

// TestFolderThatAppearsMeanwhile is not replaced unasked, also not by an attempt that may look at
// what stands.
func TestFolderThatAppearsMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	f, err := Create(path, false, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Seal(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(filepath.Dir(path), "other")
	if err := PublishAll([]*Folder{fill(t, other, false, map[string]string{"a": "theirs"})}); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	if err := PublishAll([]*Folder{f}); !errors.Is(err, atomicfile.ErrExists) || filetest.Content(t, filepath.Join(path, "a")) != "theirs" {
		t.Errorf("a folder that appeared: %v", err)
	}
}

// TestKilledBetweenMoves: where the exchange takes three steps, the next attempt puts right what a
// kill after the first left.
func TestKilledBetweenMoves(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	if err := PublishAll([]*Folder{fill(t, path, false, map[string]string{"a": "before"})}); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, asideOf(path)); err != nil {
		t.Fatal(err)
	}
	f, err := Create(path, true, false)
	if err != nil {
		t.Fatal(err)
	}
	f.Discard()
	if filetest.Content(t, filepath.Join(path, "a")) != "before" || len(filetest.Names(t, filepath.Dir(path))) != 1 {
		t.Error("what stood there is not back")
	}
}

// TestNeighbours: folders with names that are alike do not take each other's hidden places.
func TestNeighbours(t *testing.T) {
	dir := t.TempDir()
	var all []string
	for _, name := range []string{"x", "x.old", "x.noo-partial", ".x", "x.noo-aside"} {
		hidden, err := HiddenPaths(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, hidden...)
	}
	for i, path := range all {
		if slices.Contains(all[:i], path) {
			t.Errorf("%s has two uses", path)
		}
	}
	other := fill(t, filepath.Join(dir, "x.old"), false, map[string]string{"a": "theirs"})
	f, err := Create(filepath.Join(dir, "x"), false, true)
	if err != nil {
		t.Fatal(err)
	}
	f.Discard()
	if err := PublishAll([]*Folder{other}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(filetest.Names(t, dir), " "); got != "x.old" {
		t.Errorf("left %s", got)
	}
}

// TestExchangeByMoves holds the way of other systems to what Linux does in one step.
func TestExchangeByMoves(t *testing.T) {
	for _, swap := range []func(a, b string) error{exchange, exchangeByMoves} {
		dir := t.TempDir()
		a, b := filepath.Join(dir, ".b"+atomicfile.TempSuffix), filepath.Join(dir, "b")
		for _, folder := range []string{a, b} {
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, "was"), []byte(folder), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := swap(a, b); err != nil {
			t.Fatal(err)
		}
		if filetest.Content(t, filepath.Join(a, "was")) != b || filetest.Content(t, filepath.Join(b, "was")) != a || len(filetest.Names(t, dir)) != 2 {
			t.Error("not exchanged")
		}
	}
}

func write(t *testing.T, path string, replace bool, content string) *atomicfile.File {
	t.Helper()
	f, err := atomicfile.Create(path, replace)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	return f
}
