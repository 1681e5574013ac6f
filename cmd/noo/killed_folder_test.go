//go:build unix

package main

// What a run over many files leaves when it is ended from outside, and what becomes of it when it
// is taken up again.

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// manyFiles makes a folder with a snapshot and mixed extracts (CSV, gzip, zstd, Parquet), and tells
// what a run that nobody disturbed makes of them.
func manyFiles(t *testing.T, count int) (dir, want string) {
	t.Helper()
	dir = t.TempDir()
	if err := give(filepath.Join(dir, ".given")); err != nil {
		t.Fatal(err)
	}
	parquet, err := os.ReadFile("../../testdata/flat.parquet")
	if err != nil {
		t.Fatal(err)
	}
	for i := range count {
		text := []byte("nhs_number,note\n" + strings.Repeat(fmt.Sprintf("9434765919,out\n9995609649,stays %d\nx,unreadable\n", i), 200*(1+i%40)))
		kind := []struct {
			suffix  string
			content func() []byte
		}{
			{".csv", func() []byte { return text }},
			{".csv.gz", func() []byte { return gzipped(t, text) }},
			{".parquet", func() []byte { return parquet }},
			{".csv.zst", func() []byte { return zstandard(t, text) }},
		}[i%4]
		path := filepath.Join(dir, "in", fmt.Sprintf("part=%d", i%7), fmt.Sprintf("%03d%s", i, kind.suffix))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, kind.content(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := noo(dir, "filter", "in/", "-o", "undisturbed/", "--withheld", "undisturbed_withheld/").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir, tree(t, filepath.Join(dir, "undisturbed")) + tree(t, filepath.Join(dir, "undisturbed_withheld"))
}

// TestMixedFolder: 200 files of all kinds go through with one command, and check passes on what
// becomes of them, but not on what they were.
func TestMixedFolder(t *testing.T) {
	dir, made := manyFiles(t, 200)
	if count := strings.Count(made, "\n"); count != 2*201 {
		t.Fatalf("%d files in the two folders, want 200 and a marker in each", count)
	}
	out, err := noo(dir, "check", "undisturbed/").CombinedOutput()
	if err != nil || strings.Count(string(out), ": may be disclosed: ") != 200 {
		t.Errorf("check of the output: %v: %s", err, out)
	}
	cmd := noo(dir, "check", "in/", "--quiet")
	out, err = cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != 1 || strings.Count(string(out), ": must not be disclosed: ") != 200 {
		t.Errorf("check of the input: %v", err)
	}
}

// taken counts the files that a killed run leaves for the next to take over.
func taken(t *testing.T, dir string) int {
	return strings.Count(tree(t, filepath.Join(dir, ".out.noo-partial")), "\n")
}

// moment waits until a run over many files is to be killed: for a part of the time that a run
// takes, which meets its beginning and its end, or until it has finished so many files, which meets
// its middle however fast this machine is.
func moment(dir string, r *rand.Rand, long time.Duration, files int) {
	if r.IntN(2) == 0 {
		time.Sleep(time.Duration(r.Int64N(int64(long))))
		return
	}
	want := 1 + r.IntN(files-1)
	for deadline := time.Now().Add(2 * long); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		finished := 0
		_ = filepath.WalkDir(filepath.Join(dir, ".out.noo-partial"), func(_ string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				finished++
			}
			return nil // they come and go
		})
		if finished >= want {
			return
		}
	}
}

// TestKilledFolderRun kills runs over many files at random moments, once or twice each, and takes
// them up again. A reader sees nothing or the whole, and in the end it is what an undisturbed run
// writes.
func TestKilledFolderRun(t *testing.T) {
	const files = 80
	dir, want := manyFiles(t, files)
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	start := time.Now()
	args := []string{"filter", "in/", "-o", "out/", "--withheld", "withheld/", "--report", "report.json", "--resume", "--quiet"}
	out, withheld := filepath.Join(dir, "out"), filepath.Join(dir, "withheld")
	if said, err := noo(dir, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	long := time.Since(start)
	killed, takenOver := 0, 0
	rounds := 20
	if testing.Short() {
		rounds = 4
	}
	// A machine that is busy with something else may let a run end before it is killed: then it
	// takes more rounds.
	for round := 0; round < rounds || takenOver == 0 && round < 20*rounds; round++ {
		for _, path := range []string{out, withheld, filepath.Join(dir, "report.json"), filepath.Join(dir, ".state", "folders")} {
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
		}
		for range 1 + r.IntN(2) {
			cmd := noo(dir, args...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			moment(dir, r, long, files)
			_ = cmd.Process.Kill() // it may be done
			_ = cmd.Wait()
			if cmd.ProcessState.ExitCode() < 0 {
				killed++
			}
			if standing := tree(t, out); standing != "" && standing+tree(t, withheld) != want {
				t.Fatalf("round %d: a part of the output stands there", round)
			}
		}
		takenOver += taken(t, dir)
		if said, err := noo(dir, args...).CombinedOutput(); err != nil {
			t.Fatalf("round %d: taken up again: %v: %s", round, err, said)
		}
		if tree(t, out)+tree(t, withheld) != want {
			t.Fatalf("round %d: taken up again, it is not what an undisturbed run writes", round)
		}
		for _, name := range left(t, dir) {
			switch second, _ := filepath.Match(".noo-*-*.noo-partial", name); {
			case second:
				// A report that is replaced has a second name until the folders stand; a kill there
				// leaves a whole file.
				t.Logf("round %d: left while the folders got their names: %s", round, name)
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			case strings.HasPrefix(name, "."):
				t.Errorf("round %d: left %s", round, name)
			}
		}
	}
	t.Logf("%d runs were killed, %d files were there to be taken over", killed, takenOver)
	if killed == 0 || takenOver == 0 {
		t.Error("no run was killed halfway: the test shows nothing")
	}
}

// caught starts a run over many files into out/ and withheld/, and sends it signals when it has
// made something that it could leave. A run that was faster is forgotten, and another started.
func caught(t *testing.T, dir string, args []string, send func(*os.Process)) (code int, said string) {
	t.Helper()
	for range 100 {
		var errors strings.Builder
		cmd := noo(dir, args...)
		cmd.Stderr = &errors
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(late); ; time.Sleep(time.Millisecond) {
			// It may not be there yet, or no more.
			entries, _ := os.ReadDir(filepath.Join(dir, ".out.noo-partial"))
			_, err := os.Stat(filepath.Join(dir, "out"))
			if len(entries) > 0 || err == nil || time.Now().After(deadline) {
				break
			}
		}
		send(cmd.Process)
		if code := ended(t, cmd); code != 0 {
			return code, errors.String()
		}
		for _, name := range []string{"out", "withheld"} {
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Fatal("every run ended before it could be interrupted: the test shows nothing")
	return 0, ""
}

// signals sends signals, one after the other, to a process that nobody has waited for yet.
func signals(t *testing.T, all ...os.Signal) func(*os.Process) {
	return func(process *os.Process) {
		for _, signal := range all {
			if err := process.Signal(signal); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestInterruptedFolderRun: SIGTERM ends a run over many files with 130 and, without --resume,
// nothing left; nor does the run after a kill leave anything.
func TestInterruptedFolderRun(t *testing.T) {
	dir, want := manyFiles(t, 80)
	args := []string{"filter", "in/", "-o", "out/", "--withheld", "withheld/"}
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		if code, said := caught(t, dir, args, signals(t, signal)); code != 130 || said != "noo: interrupted; nothing was written\n" {
			t.Fatalf("%v: exit code %d, said %q", signal, code, said)
		}
		for _, name := range left(t, dir) {
			if name != "in" && name != "undisturbed" && name != "undisturbed_withheld" {
				t.Errorf("%v: left %s", signal, name)
			}
		}
	}
	caught(t, dir, args, signals(t, os.Kill))
	if said, err := noo(dir, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if tree(t, filepath.Join(dir, "out"))+tree(t, filepath.Join(dir, "withheld")) != want {
		t.Error("after a killed run, the next did not write what an undisturbed one does")
	}
	if _, err := os.Stat(filepath.Join(dir, ".out.noo-partial")); err == nil {
		t.Error("what the killed run left is still there")
	}
}
