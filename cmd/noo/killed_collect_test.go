//go:build unix

package main

// What noo mesh collect leaves when it is killed: no answer is lost, and no snapshot is partial.

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"noo/mesh"
)

// exchange makes a folder with a key, a request for so many numbers, and the answers to it in the
// folder in, of whom one in 20 has opted out.
func exchange(t *testing.T, count int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := give(filepath.Join(dir, ".given")); err != nil {
		t.Fatal(err)
	}
	numbers := numbersFrom(neverIssued, count)
	extract := "nhs_number\n" + strings.Join(numbers, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(dir, "in.csv"), []byte(extract), 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := noo(dir, "mesh", "request", "in.csv", "-o", "request", "--mailbox", "X26ABC1").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	request, err := mesh.ReadRequest(filepath.Join(dir, "request"))
	if err != nil {
		t.Fatal(err)
	}
	var back []byte
	for i, number := range numbers {
		if i%20 != 0 {
			back = append(back, number+",\n"...)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "in"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"receipt", "collected", "list"} {
		control, data := answerTo(request.Parts[0], kind, back, nil)
		for suffix, text := range map[string][]byte{".dat": data, ".ctl": []byte(control.String())} {
			if text == nil {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, "in", kind+suffix), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// TestKilledCollect kills 50 runs of collect at random moments. The snapshot is complete or not
// there, and the next run makes it.
func TestKilledCollect(t *testing.T) {
	runs := 50
	if testing.Short() {
		runs = 10
	}
	const count = 100_000
	args := []string{"mesh", "collect", "request", "--from", "in", "-o", "out.noo", "--key", ".given/publisher.key", "--force", "--settle", "50ms"}
	dirs := make([]string, runs)
	for i := range dirs {
		dirs[i] = exchange(t, count)
	}
	// They mostly wait, so that more of them run at a time than there are processors.
	var workers errgroup.Group
	workers.SetLimit(10)
	for _, dir := range dirs {
		workers.Go(func() error { return killCollect(dir, count, args) })
	}
	if err := workers.Wait(); err != nil {
		t.Fatal(err)
	}
}

// killCollect kills a run of collect, looks at what is there, and runs it again. Before it takes
// messages, collect makes sure for a moment that nobody writes them.
func killCollect(dir string, count int, args []string) error {
	const settle, work = 50 * time.Millisecond, 200 * time.Millisecond
	cmd := noo(dir, args...)
	if err := cmd.Start(); err != nil {
		return err
	}
	time.Sleep(settle + time.Duration(rand.Int64N(int64(work))))
	_ = cmd.Process.Kill() // it may be done
	_ = cmd.Wait()
	if _, err := os.Stat(filepath.Join(dir, "out.noo")); err == nil {
		if err := checkCollected(dir, count); err != nil {
			return fmt.Errorf("after the kill: %w", err)
		}
	}
	if said, err := noo(dir, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("the run after the kill: %w: %s", err, said)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "in")); err != nil || len(left) > 1 {
		return fmt.Errorf("%d files are still in the inbox: %w", len(left), err)
	}
	return checkCollected(dir, count)
}

// checkCollected makes sure that the snapshot is the one that the answers give.
func checkCollected(dir string, count int) error {
	shown, err := noo(dir, "snapshot", "inspect", "out.noo", "--json").Output()
	if err != nil {
		return err
	}
	for _, n := range []int{count, count / 20} {
		if !bytes.Contains(shown, fmt.Appendf(nil, `"count": %d`, n)) {
			return fmt.Errorf("the snapshot has no set of %d numbers: %s", n, shown)
		}
	}
	return nil
}
