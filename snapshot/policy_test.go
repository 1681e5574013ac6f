// Freshness and rollback, and what the memory against rollback survives.

package snapshot

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestPolicy(t *testing.T) {
	key := fixedKey(t, 1)
	m, sets := small()
	m.ValidUntil = created.Add(30 * 24 * time.Hour)
	s, err := Parse(write(t, m, sets, key), public(key))
	if err != nil {
		t.Fatal(err)
	}
	s.path = "x.noo"
	day := 24 * time.Hour
	for _, c := range []struct {
		name   string
		age    time.Duration
		policy Policy
		want   error
	}{
		{"new", 0, Policy{}, nil},
		{"on the last day", 21 * day, Policy{}, nil},
		{"too old", 21*day + time.Second, Policy{}, ErrTooOld},
		{"older allowed", 22 * day, Policy{MaxAge: 22 * day}, nil},
		{"younger asked for", 2 * day, Policy{MaxAge: day}, ErrTooOld},
		{"last second", 30*day - time.Second, Policy{MaxAge: 40 * day}, nil},
		{"expired", 30 * day, Policy{MaxAge: 40 * day}, ErrExpired},
		{"a clock that is a little behind", -10 * time.Minute, Policy{}, nil},
		{"future", -10*time.Minute - time.Second, Policy{}, ErrFuture},
		{"sequence", 0, Policy{MinSequence: 20260102030405}, nil},
		{"sequence too low", 0, Policy{MinSequence: 20260102030406}, ErrSequence},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.policy.Now = created.Add(c.age)
			err := c.policy.Check(s)
			if !errors.Is(err, c.want) || (c.want != nil) != errors.Is(err, ErrRefused) {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
			}
			if err != nil && (!strings.HasPrefix(err.Error(), "snapshot x.noo refused: ") || strings.Contains(err.Error(), "\n")) {
				t.Errorf("%s: message %q", c.name, err)
			}
		})
	}
	if err := (Policy{}).Check(s); !errors.Is(err, ErrRefused) {
		t.Errorf("the zero policy judges by the present time: %v", err)
	}
}

func TestRollback(t *testing.T) {
	key, other := fixedKey(t, 1), fixedKey(t, 2)
	m, sets := small()
	seen := OpenSeen(t.TempDir())
	policy := Policy{Now: created, Seen: seen}
	for _, c := range []struct {
		name     string
		sequence uint64
		byOther  bool
		late     bool
		want     error
	}{
		{"first", 5, false, false, nil},
		{"same again", 5, false, false, nil},
		{"expired, not remembered", 9, false, true, ErrTooOld},
		{"next", 7, false, false, nil},
		{"step back", 5, false, false, ErrRollback},
		{"step back", 6, false, false, ErrRollback},
		{"another key", 1, true, false, nil},
		{"more digits", 10, false, false, nil},
		{"step back, more in text order", 9, false, false, ErrRollback},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := key
			if c.byOther {
				k = other
			}
			m.Sequence, m.ValidUntil = c.sequence, created.Add(100*24*time.Hour)
			s, err := Parse(write(t, m, sets, k), public(k))
			if err != nil {
				t.Fatal(err)
			}
			policy.Now = created
			if c.late {
				policy.Now = created.Add(22 * 24 * time.Hour)
			}
			if err := policy.Check(s); !errors.Is(err, c.want) {
				t.Errorf("%s, sequence %d: %v, want %v", c.name, c.sequence, err, c.want)
			}
		})
	}
}

func TestSeenPrunes(t *testing.T) {
	seen := OpenSeen(t.TempDir())
	record := func(sequence uint64) {
		t.Helper()
		if highest, err := seen.Record(1, sequence); err != nil || highest != sequence {
			t.Fatalf("Record(%d) = %d, %v", sequence, highest, err)
		}
	}
	count := func() int {
		entries, err := os.ReadDir(seen.keyFolder(1))
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	record(1)
	record(2)
	record(3)
	if n := count(); n != 3 {
		t.Errorf("%d markers: a fresh one replaces none", n)
	}
	if err := os.WriteFile(filepath.Join(seen.keyFolder(1), ".DS_Store"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-2 * pruneAfter)
	for _, sequence := range []uint64{1, 2} {
		if err := os.Chtimes(seen.marker(1, sequence), past, past); err != nil {
			t.Fatal(err)
		}
	}
	record(4)
	if n := count(); n != 4 { // 2, 3, 4 and what is no marker
		t.Errorf("%d files, want 4", n)
	}
	if highest, err := seen.Highest(1); highest != 4 || err != nil {
		t.Errorf("Highest = %d, %v", highest, err)
	}
}

// TestSeenFromManyProcesses lets several writers and readers race; nobody may ever see a highest
// sequence fall.
func TestSeenFromManyProcesses(t *testing.T) {
	dir := t.TempDir()
	var wait sync.WaitGroup
	for worker := range uint64(8) {
		wait.Go(func() {
			seen := OpenSeen(dir)
			var before uint64
			for i := range uint64(50) {
				highest, err := seen.Record(1, i*8+worker+1)
				if err != nil {
					t.Error(err)
				}
				if highest < before {
					t.Errorf("fell from %d to %d", before, highest)
				}
				before = highest
			}
		})
	}
	wait.Wait()
	if highest, err := OpenSeen(dir).Highest(1); highest != 400 || err != nil {
		t.Errorf("Highest = %d, %v", highest, err)
	}
}

// TestSeenSurvivesKills kills processes that record as fast as they can, and then reads what they
// left.
func TestSeenSurvivesKills(t *testing.T) {
	if dir := os.Getenv("NOO_TEST_RECORD"); dir != "" {
		seen := OpenSeen(dir)
		for sequence := uint64(1); ; sequence++ {
			if _, err := seen.Record(1, sequence); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
			fmt.Println(sequence)
		}
	}
	if testing.Short() {
		t.Skip("starts processes")
	}
	for i := range 5 {
		dir := t.TempDir()
		command := exec.Command(os.Args[0], "-test.run=^TestSeenSurvivesKills$")
		command.Env = append(os.Environ(), "NOO_TEST_RECORD="+dir)
		var out strings.Builder
		command.Stdout = &out
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(50+17*i) * time.Millisecond)
		command.Process.Kill()
		command.Wait()
		lines := strings.Split(out.String(), "\n")
		var last uint64
		if len(lines) > 1 {
			fmt.Sscan(lines[len(lines)-2], &last) // the line after it may be cut
		}
		if highest, err := OpenSeen(dir).Highest(1); err != nil || highest < last {
			t.Errorf("%d was recorded, %d is remembered (%v)", last, highest, err)
		}
	}
}

func TestSeenThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := OpenSeen(file).Record(1, 1)
	if err == nil || errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), StateDirVariable) {
		t.Errorf("%v; want an error that is no refusal and names %s", err, StateDirVariable)
	}
}

func TestDefaultStateDir(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the XDG folders")
	}
	for _, c := range []struct{ own, xdg, home, want string }{
		{"/a", "/b", "/c", "/a"},
		{"", "/b", "/c", "/b/noo"},
		{"", "relative", "/c", "/c/.local/state/noo"},
		{"", "", "/c", "/c/.local/state/noo"},
		{"", "", "", ""},
	} {
		t.Run(c.own, func(t *testing.T) {
			t.Setenv(StateDirVariable, c.own)
			t.Setenv("XDG_STATE_HOME", c.xdg)
			t.Setenv("HOME", c.home)
			got, err := DefaultStateDir()
			if got != c.want || (err != nil) != (c.want == "") {
				t.Errorf("%+v: %q, %v", c, got, err)
			}
		})
	}
}
