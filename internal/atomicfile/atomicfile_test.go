package atomicfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"noo/internal/filetest"
)

func write(t *testing.T, path string, replace bool, content string) *File {
	t.Helper()
	f, err := Create(path, replace)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	return f
}

// bothWays runs a test with files that have no name yet, where the system knows them, and with
// hidden names.
func bothWays(t *testing.T, test func(t *testing.T)) {
	t.Run("as the system allows", test)
	t.Run("hidden name", func(t *testing.T) {
		t.Setenv(HiddenVariable, "1")
		test(t)
	})
}

func TestCommitAndDiscard(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "a")
		f := write(t, path, false, "one")
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Fatal("the target is there before the commit")
		}
		if err := Commit(f, nil); err != nil {
			t.Fatal(err)
		}
		f.Discard()
		if filetest.Content(t, path) != "one" {
			t.Fatal("not what was written")
		}
		if _, err := Create(path, false); !errors.Is(err, ErrExists) {
			t.Fatalf("an existing target: %v", err)
		}
		write(t, path, true, "two").Discard()
		if filetest.Content(t, path) != "one" {
			t.Fatal("a discarded file changed the target")
		}
		if err := Commit(write(t, path, true, "two")); err != nil {
			t.Fatal(err)
		}
		if got := filetest.Names(t, dir); filetest.Content(t, path) != "two" || len(got) != 1 {
			t.Fatalf("after replacing: %v", got)
		}
	})
}

// TestBlocks writes pieces of every size around that of a block, reads back what was flushed, and
// compares.
func TestBlocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	f, err := Create(path, false)
	if err != nil {
		t.Fatal(err)
	}
	var want []byte
	for i, size := range []int{1, blockSize - 1, 1, blockSize, 0, blockSize + 1, 3*blockSize - 1, 17, 10 << 20} {
		piece := bytes.Repeat([]byte{byte('a' + i)}, size)
		want = append(want, piece...)
		if n, err := f.Write(piece); n != size || err != nil {
			t.Fatalf("wrote %d of %d: %v", n, size, err)
		}
		if err := f.Flush(); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(want))
		if _, err := f.ReadAt(got, 0); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("read back after piece %d: not what was written (%v)", i, err)
		}
	}
	if err := Commit(f); err != nil {
		t.Fatal(err)
	}
	if filetest.Content(t, path) != string(want) {
		t.Error("not what was written")
	}
}

func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such permissions")
	}
	bothWays(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a")
		for _, mode := range []fs.FileMode{0, 0o640, 0o444} {
			want := mode
			if mode == 0 {
				want = 0o600
			} else if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			if err := Commit(write(t, path, mode != 0, "x")); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("mode %v, want %v (%v)", info.Mode(), want, err)
			}
		}
	})
}

func TestTargets(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		dir := t.TempDir()
		if _, err := Create(dir, true); !errors.Is(err, ErrNotRegular) {
			t.Errorf("a folder: %v", err)
		}
		if _, err := Create(filepath.Join(dir, "no", "a"), false); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a folder that is not there: %v", err)
		}
		real, link := filepath.Join(dir, "real"), filepath.Join(dir, "link")
		if err := os.Symlink("real", link); err != nil {
			t.Skip("no links here")
		}
		if _, err := Create(link, true); err == nil {
			t.Error("a link to nothing is no target")
		}
		if err := os.WriteFile(real, []byte("one"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Commit(write(t, link, true, "two")); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 || filetest.Content(t, real) != "two" {
			t.Errorf("a link is followed, not replaced: %v, %v", info, err)
		}
	})
}

// TestAllOrNothing: when one of several files cannot be placed, none is, and a file that came
// meanwhile is not touched.
func TestAllOrNothing(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		dir := t.TempDir()
		a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
		first, second := write(t, a, false, "ours"), write(t, b, false, "ours")
		if err := os.WriteFile(b, []byte("theirs"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Commit(first, second); !errors.Is(err, ErrExists) {
			t.Fatalf("commit over a file that appeared: %v", err)
		}
		if got := filetest.Names(t, dir); len(got) != 1 || filetest.Content(t, b) != "theirs" {
			t.Fatalf("left: %v", got)
		}
	})
}

func TestScratch(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		t.Setenv("TMPDIR", t.TempDir())
		s, err := NewScratch()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if got := filetest.Names(t, os.TempDir()); len(got) != 0 {
			t.Errorf("left: %v", got)
		}
	})
}

// TestKilled kills a process that replaces a file over and over, at random moments, and looks at
// what stands there: always a whole file, never a part.
func TestKilled(t *testing.T) {
	if path := os.Getenv("NOO_TEST_REPLACE"); path != "" {
		for b := byte('a'); ; b = 'a' + (b-'a'+1)%26 {
			f, err := Create(path, true)
			if err != nil {
				t.Fatal(err)
			}
			for range 64 {
				if _, err := f.Write(bytes.Repeat([]byte{b}, 1<<10)); err != nil {
					t.Fatal(err)
				}
			}
			if err := Commit(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	bothWays(t, func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "target")
		if err := os.WriteFile(path, bytes.Repeat([]byte("-"), 64<<10), 0o600); err != nil {
			t.Fatal(err)
		}
		for round := range 12 {
			cmd := exec.Command(os.Args[0], "-test.run", "^TestKilled$")
			cmd.Env = append(os.Environ(), "NOO_TEST_REPLACE="+path)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(20+7*round) * time.Millisecond)
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // it was killed
			got := filetest.Content(t, path)
			if len(got) != 64<<10 || got != string(bytes.Repeat([]byte(got[:1]), 64<<10)) {
				t.Fatalf("round %d: a part of a file stands there, %d bytes", round, len(got))
			}
		}
	})
}
