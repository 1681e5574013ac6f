//go:build unix

package main

// What noo snapshot diff and apply leave when they are killed: a whole file or none.

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"noo/internal/nhsnumber"
	"noo/snapshot"
)

// twoSnapshots makes a folder with two snapshots of the never-issued numbers, each of half a
// million, of which the second follows the first.
func twoSnapshots(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := give(filepath.Join(dir, ".given")); err != nil {
		t.Fatal(err)
	}
	key, err := snapshot.LoadPrivateKey(filepath.Join(dir, ".given", "publisher.key"), nil)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	set := snapshot.NewSet()
	grow := func(count uint64) {
		for set.Len() < count {
			number := nhsnumber.Key(900_000_000 + r.Uint32N(99_000_000))
			if _, ok := nhsnumber.CheckDigit(number); ok {
				set.Add(number)
			}
		}
	}
	for i, name := range []string{"old.noo", "new.noo"} {
		grow(uint64(500_000 + 5_000*i))
		var file bytes.Buffer
		now := time.Now()
		m := snapshot.Manifest{Scope: snapshot.National, Sequence: uint64(8 + i), Created: now, ValidUntil: now.Add(time.Hour)}
		if _, err := snapshot.Write(&file, m, snapshot.Sets{OptedOut: set}, key); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, ".given", name), file.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestKilledDelta kills both commands at random moments.
func TestKilledDelta(t *testing.T) {
	dir := twoSnapshots(t)
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for _, args := range [][]string{
		{"snapshot", "diff", ".given/old.noo", ".given/new.noo", "-o", "d.noodelta", "--key", ".given/publisher.key"},
		{"snapshot", "apply", ".given/old.noo", ".given/d.noodelta", "-o", "got.noo"},
	} {
		name := args[5]
		start := time.Now()
		if said, err := noo(dir, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		long := time.Since(start)
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		// The delta is what apply reads.
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(dir, ".given", name)); err != nil {
			t.Fatal(err)
		}
		unfinished := 0
		for range 20 {
			cmd := noo(dir, args...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(r.Int64N(int64(long))))
			_ = cmd.Process.Kill() // it may be done
			_ = cmd.Wait()
			got, err := os.ReadFile(filepath.Join(dir, name))
			switch {
			case errors.Is(err, os.ErrNotExist):
				unfinished++
			case err != nil:
				t.Fatal(err)
			case !bytes.Equal(got, want):
				t.Fatalf("a part of %s stands there: %d bytes of %d", name, len(got), len(want))
			}
			for _, file := range left(t, dir) {
				if file != name && runtime.GOOS == "linux" {
					t.Errorf("%s was left behind", file)
				}
				if err := os.Remove(filepath.Join(dir, file)); err != nil {
					t.Fatal(err)
				}
			}
		}
		t.Logf("%s: %d of 20 runs were killed before they were done", name, unfinished)
	}
	got, err := os.ReadFile(filepath.Join(dir, ".given", "got.noo"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(dir, ".given", "new.noo"))
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("apply does not give the new snapshot: %v", err)
	}
}
