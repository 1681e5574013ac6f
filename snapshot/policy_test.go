// Freshness and rollback.

package snapshot

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"noo/snapshot/seen"
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
	policy := Policy{Now: created, Seen: seen.Open(t.TempDir())}
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

// TestRollbackByScope: the local snapshots of a key are a series of their own; national and checked
// ones are one, so that an old one of either scope never stands for a new one of the other.
func TestRollbackByScope(t *testing.T) {
	key := fixedKey(t, 1)
	someone := NewSet(testKeys(0, 1, 1)...)
	for _, c := range []struct {
		name          string
		first, second Scope
		want          error
	}{
		{"national after national", National, National, ErrRollback},
		{"checked after checked", Checked, Checked, ErrRollback},
		{"local after local", Local, Local, ErrRollback},
		{"checked after national", National, Checked, ErrRollback},
		{"national after checked", Checked, National, ErrRollback},
		{"local after national", National, Local, nil},
		{"national after local", Local, National, nil},
		{"checked after local", Local, Checked, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			policy := Policy{Now: created, Seen: seen.Open(t.TempDir())}
			check := func(scope Scope, sequence uint64) error {
				t.Helper()
				m := Manifest{Scope: scope, Sequence: sequence, Created: created, ValidUntil: validUntil}
				sets := Sets{OptedOut: someone}
				if scope == Checked {
					sets.Checked = someone
				}
				s, err := Parse(write(t, m, sets, key), public(key))
				if err != nil {
					t.Fatal(err)
				}
				return policy.Check(s)
			}
			if err := check(c.first, 7); err != nil {
				t.Fatal(err)
			}
			if err := check(c.second, 6); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if err := check(c.second, 8); err != nil {
				t.Errorf("the next: %v", err)
			}
		})
	}
}

// TestRollbackOfOldState: what a version without scope local remembered, a folder named by the key,
// holds for national and for checked ones.
func TestRollbackOfOldState(t *testing.T) {
	key := fixedKey(t, 1)
	m, sets := small() // checked
	for _, scope := range []Scope{Checked, National} {
		dir := t.TempDir()
		marker := filepath.Join(dir, "seen", "0101010101010101", strconv.FormatUint(20260102030406, 10))
		if err := os.MkdirAll(filepath.Dir(marker), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(marker, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if m.Scope = scope; scope == National {
			sets.Checked = nil
		}
		s, err := Parse(write(t, m, sets, key), public(key))
		if err != nil {
			t.Fatal(err)
		}
		if err := (Policy{Now: created, Seen: seen.Open(dir)}).Check(s); !errors.Is(err, ErrRollback) {
			t.Errorf("%s: %v, want %v", scope, err, ErrRollback)
		}
	}
}

func TestMemoryThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	key := fixedKey(t, 1)
	m, sets := small()
	s, err := Parse(write(t, m, sets, key), public(key))
	if err != nil {
		t.Fatal(err)
	}
	err = Policy{Now: created, Seen: seen.Open(file)}.Check(s)
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
