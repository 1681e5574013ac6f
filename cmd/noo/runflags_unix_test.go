//go:build unix

package main

// What runs that nobody watches leave when they are ended from outside.

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"noo/cmd/noo/internal/outcome"
	"noo/internal/lockfile"
)

// TestLockOfAKilledRun: the lock of a run that was killed does not stand in the way of the next.
func TestLockOfAKilledRun(t *testing.T) {
	dir := smallRun(t)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	cmd := noo(dir, "check", "-", "--lock", "noo.lock")
	cmd.Stdin = reader // it waits for input, with the lock
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	reader.Close()
	// More than a pipe takes: it reads, with the lock.
	if _, err := writer.WriteString("nhs_number\n" + strings.Repeat("9995609649\n", 100_000)); err != nil {
		t.Fatal(err)
	}
	if out, err := noo(dir, "check", "in.csv", "--lock", "noo.lock").CombinedOutput(); err == nil || !strings.Contains(string(out), "another run holds the lock") {
		t.Fatalf("beside it: %v: %s", err, out)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	if out, err := noo(dir, "filter", "in.csv", "-o", "out.csv", "--lock", "noo.lock").CombinedOutput(); err != nil {
		t.Fatalf("after it was killed: %v: %s", err, out)
	}
}

// TestInterruptedWait: SIGTERM ends a run that waits for the lock with 130 and one event; its
// metrics say so and keep the time of the last success.
func TestInterruptedWait(t *testing.T) {
	dir := smallRun(t)
	args := []string{"filter", "in.csv", "-o", "out.csv", "--lock", "noo.lock", "--lock-wait", "10m", "--metrics", "noo.prom", "--log-format", "json"}
	if out, err := noo(dir, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Remove(filepath.Join(dir, "out.csv")); err != nil {
		t.Fatal(err)
	}
	success := metricLine(t, dir, "noo_last_success_timestamp_seconds")
	lock, err := lockfile.Acquire(context.Background(), filepath.Join(dir, "noo.lock"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()

	for wait := 250 * time.Millisecond; ; wait *= 2 { // it must have come so far that it waits
		var said strings.Builder
		cmd := noo(dir, args...)
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(wait)
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatalf("it did not wait: %s", said.String())
		}
		_ = cmd.Wait()
		if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() && wait < 10*time.Second {
			continue // it had not begun to listen
		}
		var event struct {
			Msg, Outcome, Error string
			Code                int `json:"exit_code"`
		}
		if err := json.Unmarshal([]byte(said.String()), &event); err != nil {
			t.Fatalf("%v: %s", err, said.String())
		}
		if code := cmd.ProcessState.ExitCode(); code != 130 || event.Code != 130 || event.Outcome != "interrupted" || event.Error != outcome.Interrupted {
			t.Errorf("exit code %d, event %+v", code, event)
		}
		break
	}
	if names := left(t, dir); !slices.Equal(names, []string{"noo.lock", "noo.prom"}) {
		t.Errorf("left %v", names)
	}
	if line := metricLine(t, dir, "noo_last_run_exit_code"); !strings.HasSuffix(line, " 130") {
		t.Errorf("metrics: %s", line)
	}
	if line := metricLine(t, dir, "noo_last_success_timestamp_seconds"); line != success {
		t.Errorf("metrics: %s after %s", line, success)
	}
}

// TestInterruptedCheck: nothing is written of a check that was interrupted.
func TestInterruptedCheck(t *testing.T) {
	dir := smallRun(t)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	var said strings.Builder
	cmd := noo(dir, "check", "in.csv", "-", "--junit", "noo.xml", "--sarif", "noo.sarif", "--json")
	cmd.Stdin, cmd.Stderr = reader, &said
	var out strings.Builder
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	reader.Close()
	// More than a pipe takes.
	if _, err := writer.WriteString("nhs_number\n" + strings.Repeat("9995609649\n", 100_000)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 || out.String() != "" || said.String() != "noo: "+outcome.Interrupted+"\n" {
		t.Errorf("exit code %d, said %q, printed %q", code, said.String(), out.String())
	}
	if names := left(t, dir); len(names) != 0 {
		t.Errorf("left %v", names)
	}
}

// smallRun makes a folder with a snapshot and an extract that takes no time.
func smallRun(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := give(filepath.Join(dir, ".given")); err != nil {
		t.Fatal(err)
	}
	input := filepath.Join(dir, "in.csv")
	if err := os.WriteFile(input, []byte("nhs_number,x\n9995609649,a\n9434765919,b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// metricLine gives the line of a metric in noo.prom.
func metricLine(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "noo.prom"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, name+"{") {
			return strings.TrimSuffix(line, "\n")
		}
	}
	t.Fatalf("there is no %s", name)
	return ""
}

// TestMetricsThatCannotBeWritten: when the folder of the metrics goes during a run, the output
// stands and the exit code is 0; a check without its JUnit file fails.
func TestMetricsThatCannotBeWritten(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		said string
	}{
		{[]string{"filter", "-", "-o", "out.csv", "--quiet", "--metrics", "gone/noo.prom"}, 0, "noo: warning: noo could not write the metrics: cannot write gone/noo.prom: "},
		{[]string{"check", "-", "--junit", "gone/noo.xml"}, 5, "noo: cannot write gone/noo.xml: "},
	} {
		dir := smallRun(t)
		folder := filepath.Join(dir, "gone")
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer writer.Close()
		var said strings.Builder
		cmd := noo(dir, c.args...)
		cmd.Stdin, cmd.Stderr = reader, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		reader.Close()
		// More than a pipe takes: it reads.
		if _, err := writer.WriteString("nhs_number\n" + strings.Repeat("9995609649\n", 100_000)); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		writer.Close()
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != c.code || !strings.HasPrefix(said.String(), c.said) || strings.Count(said.String(), "\n") != 1 {
			t.Errorf("%v: exit code %d, said %q", c.args, code, said.String())
		}
		if _, err := os.Stat(filepath.Join(dir, "out.csv")); (err == nil) != (c.code == 0) {
			t.Errorf("%v: the output: %v", c.args, err)
		}
	}
}
