package steadyfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	look := func(change error) os.FileInfo {
		t.Helper()
		info, err := os.Stat(path)
		if err := errors.Join(change, err); err != nil {
			t.Fatal(err)
		}
		return info
	}
	first := look(os.WriteFile(path, []byte("0123"), 0o600))
	if !Same(first, look(nil)) {
		t.Error("nothing happened")
	}
	if Same(first, look(os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)))) {
		t.Error("written over")
	}
	later := look(nil)
	if Same(later, look(errors.Join(os.Truncate(path, 2), os.Chtimes(path, time.Time{}, later.ModTime())))) {
		t.Error("cut")
	}
}

func TestMark(t *testing.T) {
	for _, c := range []struct {
		name   string
		start  int64 // where reading begins
		during func(path string) error
		read   int64
		want   error
	}{
		{"nothing happens", 0, func(string) error { return nil }, 10, nil},
		{"reading begins within", 4, func(string) error { return nil }, 6, nil},
		{"reading begins behind", 14, func(string) error { return nil }, 0, nil},
		{"less was read", 0, func(string) error { return nil }, 9, ErrChanged},
		{"cut", 0, func(path string) error { return os.Truncate(path, 5) }, 5, ErrChanged},
		{"grown", 0, func(path string) error { return os.Truncate(path, 20) }, 20, ErrChanged},
		{"written over", 0, func(path string) error { return os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)) }, 10, ErrChanged},
		{"another of its name", 0, func(path string) error { return os.Remove(path) }, 10, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(path, []byte("ten bytes."), 0o600); err != nil {
				t.Fatal(err)
			}
			file, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			if _, err := file.Seek(c.start, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			mark, err := Take(file)
			if err != nil || !mark.Regular() || mark.Size() != 10 {
				t.Fatalf("mark %+v: %v", mark, err)
			}
			if err := c.during(path); err != nil {
				t.Skip(err) // Windows keeps an open file from being removed
			}
			if err := mark.Check(c.read); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

func TestMarkOfPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	mark, err := Take(r)
	if err != nil || mark.Regular() || mark.Size() != 0 || mark.Check(5) != nil {
		t.Errorf("mark of a pipe: %+v, %v, %v", mark, err, mark.Check(5))
	}
}
