//go:build unix

package main

// Runs over ZIP files that are killed. An entry that is read at random is unpacked into a temporary
// file: nobody must find it afterwards.

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"noo/internal/zipfile/ziptest"
)

// writeZIP writes a ZIP file with Arrow files, one of them compressed, and CSV.
func writeZIP(t *testing.T, dir string) {
	t.Helper()
	file, stream := filepath.Join(dir, "in.arrow"), filepath.Join(dir, "in.arrows")
	writeArrow(t, file, stream)
	text := "nhs_number,note\n" + strings.Repeat("9434765919,out\n9995609649,stays\nx,unreadable\n", 100_000)
	f := ziptest.File{Entries: ziptest.Files(ziptest.Deflate, "a.csv", text)}
	for _, path := range []string{file, stream} {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for name, method := range map[string]uint16{"b/": ziptest.Deflate, "c/": ziptest.Store} {
			f.Entries = append(f.Entries, ziptest.Entry{
				Name: name + filepath.Base(path), Content: content, Method: method, Descriptor: 16,
			})
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "in.zip"), f.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// waitForScratch waits until a process has a file open that was in a folder, for some time at most.
// It reports whether it has one.
func waitForScratch(pid int, folder string, long time.Duration) bool {
	open := fmt.Sprintf("/proc/%d/fd", pid)
	for deadline := time.Now().Add(long); time.Now().Before(deadline); time.Sleep(100 * time.Microsecond) {
		entries, _ := os.ReadDir(open)
		for _, entry := range entries {
			if to, err := os.Readlink(filepath.Join(open, entry.Name())); err == nil && strings.HasPrefix(to, folder) {
				return true
			}
		}
	}
	return false
}

func TestKilledZIPRun(t *testing.T) {
	dir := t.TempDir()
	if err := give(filepath.Join(dir, ".given")); err != nil {
		t.Fatal(err)
	}
	writeZIP(t, dir)
	temporary := filepath.Join(dir, "tmp")
	if err := os.Mkdir(temporary, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", temporary)
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	args := []string{"filter", "in.zip", "-o", "out/", "--withheld", "withheld/", "--quiet"}
	start := time.Now()
	if said, err := noo(dir, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	long := time.Since(start)
	out, withheld := filepath.Join(dir, "out"), filepath.Join(dir, "withheld")
	want := tree(t, out) + tree(t, withheld)
	killed, aside := 0, 0
	for round := range 15 {
		for _, path := range []string{out, withheld} {
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
		}
		cmd := noo(dir, args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if round%2 == 0 {
			time.Sleep(time.Duration(r.Int64N(int64(long))))
		} else if waitForScratch(cmd.Process.Pid, temporary, long) {
			aside++
		}
		_ = cmd.Process.Kill() // it may be done
		_ = cmd.Wait()
		if cmd.ProcessState.ExitCode() < 0 {
			killed++
		}
		if standing := tree(t, out); standing != "" && standing+tree(t, withheld) != want {
			t.Fatalf("round %d: a part of the output stands there", round)
		}
		if copies := tree(t, temporary); copies != "" {
			t.Fatalf("round %d: left a copy: %s", round, copies)
		}
	}
	t.Logf("%d runs were killed, %d of them with an entry unpacked", killed, aside)
	if killed == 0 || aside == 0 && runtime.GOOS == "linux" {
		t.Error("no run was killed halfway: the test shows nothing")
	}
	if err := os.RemoveAll(out); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(withheld); err != nil {
		t.Fatal(err)
	}
	if said, err := noo(dir, args...).CombinedOutput(); err != nil {
		t.Fatalf("after the kills: %v: %s", err, said)
	}
	if tree(t, out)+tree(t, withheld) != want {
		t.Error("after the kills, another output")
	}
}
