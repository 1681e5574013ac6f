//go:build unix

package main

// Signals that come late: when outputs are put in their places, or stand already, and somebody
// takes no more of what is said.

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"noo/cmd/noo/internal/outcome"
)

// late is how long a command may take for what it ought to do at once, on a machine that is busy
// with other things.
const late = 2 * time.Minute

// fullPipe makes a pipe that takes no more until somebody reads from it. What fills it are NULs.
func fullPipe(t *testing.T) (reader, writer *os.File) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close(); writer.Close() })
	conn, err := writer.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Write(func(fd uintptr) bool {
		for _, size := range []int{4096, 1} {
			for err == nil {
				_, err = syscall.Write(int(fd), make([]byte, size))
			}
			if err != syscall.EAGAIN {
				t.Error(err)
			}
			err = nil
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return reader, writer
}

// drain takes all that comes from a full pipe until its other end is closed.
func drain(t *testing.T, reader *os.File) string {
	t.Helper()
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Error(err)
	}
	return strings.TrimLeft(string(text), "\x00")
}

// appears waits for a path to be there.
func appears(t *testing.T, path string) {
	t.Helper()
	for deadline := time.Now().Add(late); ; time.Sleep(time.Millisecond) {
		if _, err := os.Lstat(path); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not appear", path)
		}
	}
}

// ended waits for a command, and gives its exit code.
func ended(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	tooLong := time.AfterFunc(late, func() {
		t.Errorf("%v: still running", cmd.Args)
		_ = cmd.Process.Kill()
	})
	defer tooLong.Stop()
	_ = cmd.Wait() // the code says it
	return cmd.ProcessState.ExitCode()
}

// TestSignalAfterTheEnd: a signal that comes when the outputs stand changes nothing, however long
// the command still needs for its last line. To say that nothing was written would be wrong by
// then.
func TestSignalAfterTheEnd(t *testing.T) {
	dir := smallRun(t)
	for path, text := range map[string]string{"list.txt": "9434765919\n", "clean/in.csv": "nhs_number\n9995609649\n", "clean/.hidden": "", "config.yaml": "jobs: {a: {input: in.csv, output: a.csv}}\n"} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	type command struct {
		*exec.Cmd
		said *os.File
		code int
	}
	var commands []command
	for _, c := range []struct {
		line, stands string
		code         int
	}{
		{"filter in.csv -o out.csv", "out.csv", 0},
		{"filter clean/ -o folder/", "folder", 0},
		{"run a --config config.yaml", "a.csv", 0},
		{"snapshot build list.txt -o list.noo --key .given/publisher.key", "list.noo", 0},
		{"key generate --name new --no-password", "new.pub", 0},
		{"check clean/ --junit j.xml", "j.xml", 0},
		{"check in.csv --snapshot list.txt --metrics noo.prom", "noo.prom", 3}, // no snapshot
	} {
		reader, writer := fullPipe(t)
		cmd := noo(dir, strings.Fields(c.line)...)
		cmd.Stderr = writer
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		writer.Close()
		commands = append(commands, command{cmd, reader, c.code})
		appears(t, filepath.Join(dir, c.stands))
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(grace + grace/2) // the commands that could be ended by force would be now
	for _, c := range commands {
		said := drain(t, c.said)
		if code := ended(t, c.Cmd); code != c.code || said == "" || strings.Contains(said, outcome.Interrupted) {
			t.Errorf("%v: exit code %d, said %q", c.Args[1:], code, said)
		}
	}
}

// TestSignalBetweenJobs: of several jobs those that are done stand; what is said is of the one that
// was not.
func TestSignalBetweenJobs(t *testing.T) {
	dir := smallRun(t)
	config := "jobs:\n  first: {input: in.csv, output: first.csv}\n  second: {input: pipe, output: second.csv}\n"
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	// Which nobody will open for writing.
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	reader, writer := fullPipe(t)
	cmd := noo(dir, "run", "first", "second", "--config", "config.yaml")
	cmd.Stderr = writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	appears(t, filepath.Join(dir, "first.csv"))
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	time.Sleep(grace + grace/2)
	taken := make(chan string)
	go func() { taken <- drain(t, reader) }()
	code := ended(t, cmd)
	if said := <-taken; code != 130 || !strings.HasSuffix(said, "\nnoo: job second: "+outcome.Interrupted+"\n") {
		t.Errorf("exit code %d, said %q", code, said)
	}
	if names := left(t, dir); !slices.Equal(names, []string{"config.yaml", "first.csv", "pipe"}) {
		t.Errorf("left %v", names)
	}
}

// TestSlowReaderOfAReport ends runs over many files whose report goes to a reader that takes
// nothing: the folder that was there stands as it was, and after a signal nothing is beside it.
func TestSlowReaderOfAReport(t *testing.T) {
	dir := smallRun(t)
	if said, err := noo(dir, "filter", "in.csv", "-o", "out/").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	before := tree(t, filepath.Join(dir, "out"))
	if err := os.WriteFile(filepath.Join(dir, "in.csv"), []byte("nhs_number,x\n9995609649,changed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGKILL} {
		_, writer := fullPipe(t)
		var said strings.Builder
		cmd := noo(dir, "filter", "in.csv", "-o", "out/", "--force", "--report", "-")
		cmd.Stdout, cmd.Stderr = writer, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		writer.Close()
		appears(t, filepath.Join(dir, ".out.noo-partial", "_SUCCESS")) // all is written
		// And soon waits for the reader.
		time.Sleep(100 * time.Millisecond)
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if code := ended(t, cmd); signal != syscall.SIGKILL && (code != 130 || said.String() != partOnStdout) {
			t.Errorf("%v: exit code %d, said %q", signal, code, said.String())
		}
		if tree(t, filepath.Join(dir, "out")) != before {
			t.Errorf("%v: the folder is another one", signal)
		}
		if names := left(t, dir); signal != syscall.SIGKILL && !slices.Equal(names, []string{"out"}) {
			t.Errorf("%v: left %v", signal, names)
		}
	}
}

// partOnStdout is what an interrupted run says that had begun to send something to standard output.
const partOnStdout = "noo: interrupted; no file was written, and what went to stdout may be cut short: use none of it\n"

// TestSlowReaderOfACheck: the files of a check that is interrupted do not stand, when its report
// goes to a reader that takes nothing.
func TestSlowReaderOfACheck(t *testing.T) {
	dir := smallRun(t)
	_, writer := fullPipe(t)
	var said strings.Builder
	cmd := noo(dir, "check", "in.csv", "--json", "--junit", "noo.xml", "--lock", "noo.lock")
	cmd.Stdout, cmd.Stderr = writer, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	appears(t, filepath.Join(dir, "noo.lock"))
	time.Sleep(300 * time.Millisecond) // it soon waits for the reader
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := ended(t, cmd); code != 130 || said.String() != "noo: "+outcome.Interrupted+"\n" {
		t.Errorf("exit code %d, said %q", code, said.String())
	}
	if names := left(t, dir); !slices.Equal(names, []string{"noo.lock"}) {
		t.Errorf("left %v", names)
	}
}

// TestInterruptedRunIsStopped holds up runs while they take away what they made, for longer than a
// command may take that makes nothing: they do it all the same, and their metrics and events tell
// of it.
func TestInterruptedRunIsStopped(t *testing.T) {
	dir, _ := manyFiles(t, 80)
	for round := range 3 {
		code, said := caught(t, dir, []string{"filter", "in/", "-o", "out/", "--metrics", "noo.prom", "--log-format", "json"}, func(process *os.Process) {
			signals(t, syscall.SIGTERM)(process)
			time.Sleep(time.Duration(round) * time.Millisecond) // the signal is to have come
			signals(t, syscall.SIGSTOP)(process)
			time.Sleep(grace + grace/10)
			signals(t, syscall.SIGCONT)(process)
		})
		if code != 130 || !strings.Contains(said, `"command":"filter"`) || strings.Count(said, "\n") != 1 {
			t.Errorf("round %d: exit code %d, said %s", round, code, said)
		}
		if line := metricLine(t, dir, "noo_last_run_exit_code"); !strings.HasSuffix(line, " 130") {
			t.Errorf("round %d: metrics: %s", round, line)
		}
		for _, name := range left(t, dir) {
			if strings.HasPrefix(name, ".") || name == "out" {
				t.Errorf("round %d: left %s", round, name)
			}
		}
		if err := os.Remove(filepath.Join(dir, "noo.prom")); err != nil {
			t.Fatal(err)
		}
	}
}
