package atomicfile

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"noo/internal/filetest"
)

func TestCreateSuccessor(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a")
		isKind := func(head []byte) bool { return bytes.HasPrefix(head, []byte("kind:")) }
		for _, existing := range []string{"", "kind: before"} { // first there is none
			f, err := CreateReplacing(path, isKind)
			if err != nil {
				t.Fatalf("over %q: %v", existing, err)
			}
			if _, err := f.Write([]byte("kind: new")); err != nil {
				t.Fatal(err)
			}
			f.SetMode(0o644)
			if err := Commit(f); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o644 {
				t.Fatalf("mode %v, %v", info.Mode(), err)
			}
			if got := filetest.Content(t, path); got != "kind: new" {
				t.Fatalf("it holds %q", got)
			}
			if err := os.WriteFile(path, []byte(existing), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(path, []byte("a dataset"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := CreateReplacing(path, isKind); !errors.Is(err, ErrExists) {
			t.Errorf("another kind: %v", err)
		}
		if got := filetest.Content(t, path); got != "a dataset" {
			t.Errorf("it was touched: %q", got)
		}
		if _, err := CreateReplacing(filepath.Dir(path), isKind); !errors.Is(err, ErrNotRegular) {
			t.Errorf("a folder: %v", err)
		}
	})
}
