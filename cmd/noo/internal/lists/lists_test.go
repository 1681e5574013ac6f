package lists

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"noo/internal/steadyfile"
)

// TestListThatChanges: of a list that is being written, or cut, a person who was not read would
// pass.
func TestListThatChanges(t *testing.T) {
	const line = "9434765919\n"
	const lines = 300_000
	for name, change := range map[string]func(file *os.File, n int64) error{
		"grows": func(file *os.File, n int64) error {
			_, err := file.WriteAt([]byte(line), (lines+n%lines)*int64(len(line)))
			return err
		},
		"is cut": func(file *os.File, n int64) error { return file.Truncate((lines - n%lines) * int64(len(line))) },
	} { // both start again in time, so that a reader comes to an end

		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "list.txt")
			if err := os.WriteFile(path, []byte(strings.Repeat(line, lines)), 0o600); err != nil {
				t.Fatal(err)
			}
			writer, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer writer.Close()
			var changes atomic.Int64
			done, stopped := make(chan struct{}), make(chan error)
			go func() {
				for {
					select {
					case <-done:
						stopped <- nil
						return
					default:
					}
					if err := change(writer, changes.Add(1)-1); err != nil {
						stopped <- err
						return
					}
				}
			}()
			for range 200 {
				before := changes.Load()
				_, _, err = (&reading{ctx: t.Context()}).readFile(nil, path)
				// A line that was met half written is an error of its own.
				if meanwhile := changes.Load() - before; err == nil && meanwhile > 100 {
					t.Errorf("a list that %s was taken, though it changed %d times", name, meanwhile)
				}
				if errors.Is(err, steadyfile.ErrChanged) {
					break
				}
			}
			close(done)
			if err := <-stopped; err != nil {
				t.Fatal(err)
			}
			if !errors.Is(err, steadyfile.ErrChanged) {
				t.Errorf("a list that %s: %v", name, err)
			}
		})
	}
}

// TestListThatStays: the same list is read when nobody touches it, also from standard input that
// stands somewhere in it.
func TestListThatStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(path, []byte("9434765919\n9995609649\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stdin, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if _, err := stdin.Seek(11, 0); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		want uint64
	}{{path, 2}, {"-", 1}} {
		if set, _, err := (&reading{ctx: t.Context()}).readFile(stdin, c.path); err != nil || set.Len() != c.want {
			t.Errorf("%s: %v", c.path, err)
		}
	}
}
