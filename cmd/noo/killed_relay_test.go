//go:build unix

package main

// What noo mesh filter does when it is killed while messages arrive and are taken.

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	meshcontrol "noo/mesh/control"
)

// meshPlace is a folder with a snapshot, the folders of a MESH client, and a job.
type meshPlace struct {
	t        *testing.T
	dir      string
	mutex    sync.Mutex
	received map[string]int // how often each result was sent
}

func newMeshPlace(t *testing.T) *meshPlace {
	t.Helper()
	p := &meshPlace{t: t, dir: t.TempDir(), received: map[string]int{}}
	if err := give(filepath.Join(p.dir, ".given")); err != nil {
		t.Fatal(err)
	}
	const jobs = "jobs: {notes: {workflow: NOTES, send-to: X26ABC2, quiet: true}}\n"
	for _, err := range []error{
		os.Mkdir(p.in(""), 0o700), os.Mkdir(p.out(""), 0o700), os.Mkdir(p.in("errors"), 0o700),
		os.WriteFile(filepath.Join(p.dir, "mesh.yaml"), []byte(jobs), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (p *meshPlace) in(name string) string  { return filepath.Join(p.dir, "in", name) }
func (p *meshPlace) out(name string) string { return filepath.Join(p.dir, "out", name) }

// meshMessage is a message to be filtered. In every result is its number alone.
type meshMessage struct {
	name, id, data string
	result         string // "" for one that is refused
}

// numbered makes a message. Every tenth is refused.
func numbered(i int) meshMessage {
	m := meshMessage{name: fmt.Sprintf("m%03d", i), id: fmt.Sprintf("ID%03d", i)}
	lines := 1 + i*i%2000
	m.data = "nhs_number,note\n" + strings.Repeat(fmt.Sprintf("9434765919,out\n9995609649,note %d\nx,y\n", i), lines)
	m.result = "nhs_number,note\n" + strings.Repeat(fmt.Sprintf("9995609649,note %d\n", i), lines)
	if i%10 == 9 {
		m.data, m.result = "one,two\n1,2\n", ""
	}
	return m
}

// deliver writes a message as clients do: one file after the other, with the data or the control
// file first. Only the last is sure to be written in one step.
func (p *meshPlace) deliver(m meshMessage, dataFirst bool) error {
	c := &meshcontrol.Control{
		Version: "1.0", Type: meshcontrol.Data, From: "X26ABC1", To: "X26ABC3", Subject: "s",
		LocalID: "l", MessageID: m.id, WorkflowID: "NOTES",
	}
	var text strings.Builder
	if err := meshcontrol.Write(&text, c); err != nil {
		return err
	}
	first, firstText, last, lastText := ".dat", m.data, ".ctl", text.String()
	if !dataFirst {
		first, firstText, last, lastText = last, lastText, first, firstText
	}
	file, err := os.Create(p.in(m.name + first))
	if err != nil {
		return err
	}
	half := len(firstText) / 2
	_, err = file.WriteString(firstText[:half])
	time.Sleep(time.Millisecond)
	_, second := file.WriteString(firstText[half:])
	return errors.Join(err, second, file.Close(),
		os.WriteFile(p.in("."+m.name), []byte(lastText), 0o600),
		os.Rename(p.in("."+m.name), p.in(m.name+last)))
}

// take takes what is to be sent, as the MESH client does: by the control files.
func (p *meshPlace) take() error {
	controls, err := filepath.Glob(p.out("*.ctl"))
	if err != nil {
		return err
	}
	for _, path := range controls {
		c, err := meshcontrol.ReadFile(path)
		if err != nil {
			return err
		}
		if err := c.Validate(); err != nil {
			return err
		}
		data := strings.TrimSuffix(path, ".ctl") + ".dat"
		text, err := os.ReadFile(data)
		if err != nil {
			return fmt.Errorf("a control file without its data: %w", err)
		}
		if err := errors.Join(os.Remove(data), os.Remove(path)); err != nil {
			return err
		}
		p.mutex.Lock()
		p.received[string(text)]++
		p.mutex.Unlock()
	}
	return nil
}

// client takes messages until ctx ends.
func (p *meshPlace) client(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := p.take(); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// midway reports whether a killed process left a message that is neither whole in the one folder
// nor in the other.
func (p *meshPlace) midway() bool {
	for _, pattern := range []string{
		p.out(".noo-mesh/*.data"), p.out(".noo-mesh/*.control"), p.in("errors/.noo-*"),
	} {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			return true
		}
	}
	return false
}

// TestKilledMeshFilter kills noo mesh filter at 50 random moments, while messages arrive, some
// twice, and a client takes what is sent. Every result is sent once, and every message that is
// refused is in the folder for errors once.
func TestKilledMeshFilter(t *testing.T) {
	p := newMeshPlace(t)
	kills, messages := 50, 240
	if testing.Short() {
		kills, messages = 10, 30
	}
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	args := []string{"mesh", "filter", "--in", "in", "--out", "out", "--jobs", "mesh.yaml", "--settle", "1ms"}

	ctx, stop := context.WithCancel(t.Context())
	taken, arrived := make(chan error, 1), make(chan error, 1)
	go func() { taken <- p.client(ctx) }()
	pause := func() time.Duration { return time.Duration(rand.IntN(30)) * time.Millisecond }
	go func() {
		for i := range messages {
			m := numbered(i)
			err := p.deliver(m, i%2 == 0)
			time.Sleep(pause())
			if i%7 == 6 && m.result != "" { // MESH delivers it again
				m.name += "again"
				err = errors.Join(err, p.deliver(m, i%2 == 1))
			}
			if err != nil {
				arrived <- err
				return
			}
		}
		arrived <- nil
	}()
	midway := 0
	for range kills {
		cmd := noo(p.dir, append(args, "--every", "1ms")...)
		var said strings.Builder
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(20+r.IntN(150)) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if cmd.ProcessState.ExitCode() >= 0 {
			t.Fatalf("it ended by itself: %s", &said)
		}
		if p.midway() {
			midway++
		}
	}
	if err := <-arrived; err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(late); ; { // what is refused gives another exit code than 0
		said, _ := noo(p.dir, append(args, "--once")...).CombinedOutput()
		rest, err := filepath.Glob(p.in("*.*"))
		if err != nil {
			t.Fatal(err)
		}
		if len(rest) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("these stay: %v: %s", rest, said)
		}
	}
	stop()
	if err := errors.Join(<-taken, p.take()); err != nil {
		t.Fatal(err)
	}
	p.wantOnce(messages)
	t.Logf("%d of %d kills met a message midway", midway, kills)
	if midway == 0 {
		t.Error("no kill met a message midway: the test shows nothing")
	}
}

// wantOnce checks that all of so many messages were sent or refused, once each.
func (p *meshPlace) wantOnce(messages int) {
	p.t.Helper()
	var refused []string
	for i := range messages {
		m := numbered(i)
		if m.result == "" {
			refused = append(refused, m.name)
			continue
		}
		if n := p.received[m.result]; n != 1 {
			p.t.Errorf("message %d was sent %d times", i, n)
		}
		delete(p.received, m.result)
	}
	for _, result := range slices.Sorted(maps.Keys(p.received)) {
		p.t.Errorf("a result that is of no message: %.60q", result)
	}
	entries, err := os.ReadDir(p.in("errors"))
	if err != nil {
		p.t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
		if !slices.Contains(refused, entry.Name()) {
			reason, _ := os.ReadFile(p.in(filepath.Join("errors", entry.Name(), "reason.txt")))
			p.t.Errorf("refused: %s", reason)
		}
		for _, file := range []string{"reason.txt", entry.Name() + ".dat", entry.Name() + ".ctl"} {
			if _, err := os.Stat(p.in(filepath.Join("errors", entry.Name(), file))); err != nil {
				p.t.Error(err)
			}
		}
	}
	if !slices.Equal(got, refused) {
		p.t.Errorf("refused %v, want %v", got, refused)
	}
	left, err := filepath.Glob(p.out("[^.]*"))
	if err != nil || len(left) > 0 {
		p.t.Errorf("left in the folder to send: %v, %v", left, err)
	}
}
