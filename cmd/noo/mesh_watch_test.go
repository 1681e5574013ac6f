//go:build unix

package main

// What noo mesh filter does without --once: it goes on until it is told to end.

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"noo/snapshot"
)

// until waits until something is so.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(late); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came to that: %s", what)
		}
	}
}

// replaceSnapshot gives a meshPlace a snapshot of another age, in one step.
func (p *meshPlace) replaceSnapshot(age time.Duration, sequence uint64) {
	p.t.Helper()
	dir := filepath.Join(p.dir, ".given")
	key, err := snapshot.LoadPrivateKey(filepath.Join(dir, "publisher.key"), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	created := time.Now().Add(-age)
	if err := writeSnapshot(filepath.Join(dir, "optouts.noo"), key, snapshot.Manifest{
		Scope: snapshot.National, Sequence: sequence, Created: created,
		ValidUntil: created.Add(1000 * time.Hour),
	}, optedOut); err != nil {
		p.t.Fatal(err)
	}
}

// TestMeshFilterWatches: while the snapshot is refused messages stay, and noo says so once; a new
// snapshot is used from when it is there; a message that is refused stops no other; SIGTERM ends
// it with 130, and nothing is left midway.
func TestMeshFilterWatches(t *testing.T) {
	p := newMeshPlace(t)
	p.replaceSnapshot(600*time.Hour, 8)
	saidFile, err := os.Create(filepath.Join(p.dir, "said.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer saidFile.Close()
	said := func() string {
		text, err := os.ReadFile(saidFile.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	cmd := noo(p.dir, "mesh", "filter", "--in", "in", "--out", "out", "--jobs", "mesh.yaml",
		"--settle", "5ms", "--every", "5ms", "--quiet=false")
	cmd.Stderr = saidFile
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	deliver := func(i int) {
		if err := p.deliver(numbered(i), true); err != nil {
			t.Fatal(err)
		}
	}
	deliver(1)
	until(t, "it says that the snapshot is refused", func() bool {
		return strings.Contains(said(), "refused: it is too old")
	})
	time.Sleep(200 * time.Millisecond) // many rounds, in which it says nothing and does nothing
	if strings.Count(said(), "\n") != 2 {
		t.Errorf("it said %q", said())
	}
	if _, err := os.Stat(p.in("m001.dat")); err != nil {
		t.Error(err)
	}
	p.replaceSnapshot(time.Hour, 9)
	received := func(n int) func() bool {
		return func() bool {
			if err := p.take(); err != nil {
				t.Fatal(err)
			}
			return len(p.received) == n
		}
	}
	until(t, "the message is sent with the new snapshot", received(1))
	deliver(9) // is refused
	deliver(2)
	until(t, "the next message is sent", received(2))
	until(t, "it says which message was refused", func() bool {
		return strings.Contains(said(), "; moved to in/errors/m009")
	})
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := ended(t, cmd); code != 130 {
		t.Errorf("exit code %d", code)
	}
	lines := strings.Split(strings.TrimSpace(said()), "\n")
	want := "noo: interrupted; messages that were not filtered are in in"
	if last := lines[len(lines)-1]; last != want {
		t.Errorf("at last it said %q", last)
	}
	if len(lines) != 6 || p.midway() {
		t.Errorf("it said %q", said())
	}
	for _, m := range []meshMessage{numbered(1), numbered(2)} {
		if p.received[m.result] != 1 {
			t.Errorf("%s was sent %d times", m.name, p.received[m.result])
		}
	}
}
