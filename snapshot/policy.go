// Whether a verified snapshot may be relied on now: freshness, and no way back to an older one.

package snapshot

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"noo/snapshot/seen"
)

// DefaultMaxAge is how old a snapshot may be: an opt-out may take up to 21 days to be applied (NHS
// England, national data opt-out), so a list older than that cannot be relied on.
const DefaultMaxAge = 21 * 24 * time.Hour

// clockSlack is how far a publisher's clock may be ahead of ours.
const clockSlack = 10 * time.Minute

// Policy says what is asked of a snapshot beyond a good signature. Its zero value asks for an age
// of at most DefaultMaxAge at the present time, and remembers nothing.
type Policy struct {
	Now         time.Time     // the time to judge by; zero is the present
	MaxAge      time.Duration // largest age, counted from Created; zero is DefaultMaxAge
	MinSequence uint64        // lowest sequence to accept
	// Remembers the highest sequence of each series; nil skips the check for rollback.
	Seen *seen.Memory
}

// Check reports whether s may be used: it returns nil, a *Refusal, or the error of a memory
// that could not be read or written, which is no Refusal. A snapshot that passes everything else is
// recorded in p.Seen, so that no older one of the same series passes afterwards.
func (p Policy) Check(s *Snapshot) error {
	err := p.checkTimes(&s.manifest)
	if err == nil {
		err = p.checkSequence(s)
	}
	return form.At(s.path, err)
}

func (p Policy) checkTimes(m *Manifest) error {
	now := p.Now
	if now.IsZero() {
		now = time.Now()
	}
	maxAge := cmp.Or(p.MaxAge, DefaultMaxAge)
	age := now.Sub(m.Created)
	switch {
	case age < -clockSlack:
		return refuse(
			ErrFuture,
			"it was created at %s and it is now %s; set the clock of this machine, or ask the publisher about theirs",
			stamp(m.Created),
			stamp(now),
		)
	case !now.Before(m.ValidUntil):
		return refuse(
			ErrExpired,
			"it was valid until %s; get a newer one from the publisher",
			stamp(m.ValidUntil),
		)
	case age > maxAge:
		return refuse(
			ErrTooOld,
			"it was created at %s, more than %s ago; get a newer one from the publisher",
			stamp(m.Created),
			days(maxAge),
		)
	}
	return nil
}

func (p Policy) checkSequence(s *Snapshot) error {
	sequence := s.manifest.Sequence
	if sequence < p.MinSequence {
		return refuse(
			ErrSequence,
			"it has sequence %d and at least %d is asked for; get a newer one from the publisher",
			sequence,
			p.MinSequence,
		)
	}
	if p.Seen == nil {
		return nil
	}
	highest, err := p.Seen.Record(s.series(), sequence)
	if err != nil {
		return fmt.Errorf("%w; set %s to a folder that can be written", err, StateDirVariable)
	}
	if sequence < highest {
		return refuse(
			ErrRollback,
			"it has sequence %d and %d of the same key was used on this machine; use that one or a newer one",
			sequence,
			highest,
		)
	}
	return nil
}

// series names the snapshots among which no sequence may be lower than the last: those of one key,
// its local ones apart, so that a publisher can use one key for both in the same run.
//
// National and checked ones are one series. Both say who has not opted out: an old one of either
// scope, put in the place of a new one of the other, would let people pass. A local one lets nobody
// pass. Its series has a name that versions without this scope never read or wrote, so that what
// they remember still holds.
func (s *Snapshot) series() string {
	if s.manifest.Scope == Local {
		return s.KeyID() + "-local"
	}
	return s.KeyID()
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// days writes a duration in days where it is a whole number of them.
func days(d time.Duration) string {
	const day = 24 * time.Hour
	if d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	return d.String()
}

// StateDirVariable is the environment variable that names the state folder.
const StateDirVariable = "NOO_STATE_DIR"

// DefaultStateDir is NOO_STATE_DIR, else noo under the user's state folder: XDG_STATE_HOME or
// ~/.local/state (XDG Base Directory Specification), on Windows LocalAppData, on macOS
// ~/Library/Application Support.
func DefaultStateDir() (string, error) {
	if dir := os.Getenv(StateDirVariable); dir != "" {
		return dir, nil
	}
	var base string
	var err error
	switch runtime.GOOS {
	case "windows":
		base, err = os.UserCacheDir() // LocalAppData
	case "darwin":
		base, err = os.UserConfigDir() // ~/Library/Application Support
	default:
		base = os.Getenv("XDG_STATE_HOME")
		if !filepath.IsAbs(base) { // the specification: a relative path is to be ignored
			if base, err = os.UserHomeDir(); err == nil {
				base = filepath.Join(base, ".local", "state")
			}
		}
	}
	if err != nil {
		return "", fmt.Errorf(
			"cannot tell where to remember the snapshots used: %w; set %s to a folder",
			err,
			StateDirVariable,
		)
	}
	return filepath.Join(base, "noo"), nil
}
