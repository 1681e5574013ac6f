// Whether a verified snapshot may be relied on now: freshness, and no way back to an older one.
//
// Seen is the memory against rollback: the highest sequence used with each key. An attacker who can
// replace a snapshot may put back an older one, as validly signed, in which somebody has not opted
// out yet.
//
// It must hold with two processes at once, and when one is killed at any point, without locks that
// a dead process leaves behind. So nothing is ever rewritten: STATE/seen/KEYID/ holds empty files
// named by sequence, and the highest name wins. A marker is taken away only when a higher one has
// been there for longer than any reading of the folder lasts, so that a reader always meets the
// marker that was highest when it began.

package snapshot

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
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
	// Remembers the highest sequence of each key; nil skips the check for rollback.
	Seen *Seen
}

// Check reports whether s may be used: it returns nil, a *Refusal, or the error of a Seen that
// could not be read or written, which is no Refusal. A snapshot that passes everything else is
// recorded in p.Seen, so that no older one of the same key passes afterwards.
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
	highest, err := p.Seen.Record(s.content.KeyID, sequence)
	if err != nil {
		return err
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

// pruneAfter is how long a marker stays after a higher one has come.
const pruneAfter = time.Hour

// Seen remembers the highest sequence used with each key, in a folder. It is safe for concurrent
// use, by several processes too.
type Seen struct {
	folder string
}

// OpenSeen returns the memory kept under the state folder dir. Nothing is read or made before it is
// used.
func OpenSeen(dir string) *Seen { return &Seen{folder: filepath.Join(dir, "seen")} }

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

// Highest returns the highest sequence recorded for the key, or 0.
func (s *Seen) Highest(keyID uint64) (uint64, error) {
	highest, _, err := s.read(keyID)
	return highest, err
}

// Record notes that a snapshot of that sequence is being used, and returns the highest sequence now
// recorded for the key. When that is above sequence, nothing was noted: the snapshot is a step
// back.
func (s *Seen) Record(keyID, sequence uint64) (uint64, error) {
	highest, markers, err := s.read(keyID)
	if err != nil || highest >= sequence {
		return highest, err
	}
	if err := s.mark(keyID, sequence); err != nil {
		return 0, stateError("written", err)
	}
	s.prune(keyID, markers)
	// Another process may have gone further meanwhile.
	highest, _, err = s.read(keyID)
	return max(highest, sequence), err
}

// read returns the highest marker and all of them.
func (s *Seen) read(keyID uint64) (highest uint64, markers []uint64, err error) {
	entries, err := os.ReadDir(s.keyFolder(keyID))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, nil, stateError("read", err)
	}
	for _, entry := range entries {
		sequence, err := strconv.ParseUint(entry.Name(), 10, 64)
		if err != nil || sequence > MaxSequence {
			continue // not a marker
		}
		markers = append(markers, sequence)
		highest = max(highest, sequence)
	}
	return highest, markers, nil
}

// mark makes the marker, durably.
func (s *Seen) mark(keyID, sequence uint64) error {
	folder := s.keyFolder(keyID)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(s.marker(keyID, sequence), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return syncFolders(folder, s.folder, filepath.Dir(s.folder))
}

// prune takes away the markers that a long-standing higher one has made useless. What cannot be
// removed does no harm.
func (s *Seen) prune(keyID uint64, markers []uint64) {
	var settled uint64 // the highest marker that is older than pruneAfter
	for _, sequence := range markers {
		info, err := os.Stat(s.marker(keyID, sequence))
		if err == nil && time.Since(info.ModTime()) > pruneAfter {
			settled = max(settled, sequence)
		}
	}
	for _, sequence := range markers {
		if sequence < settled {
			os.Remove(s.marker(keyID, sequence))
		}
	}
}

func (s *Seen) keyFolder(keyID uint64) string { return filepath.Join(s.folder, FormatKeyID(keyID)) }

func (s *Seen) marker(keyID, sequence uint64) string {
	return filepath.Join(s.keyFolder(keyID), strconv.FormatUint(sequence, 10))
}

func stateError(verb string, err error) error {
	return fmt.Errorf(
		"the memory of snapshots used cannot be %s: %w; set %s to a folder that can be written",
		verb,
		err,
		StateDirVariable,
	)
}

// syncFolders makes new names durable. Unlike atomicfile.SyncFolder it returns an error where the
// file system cannot sync a folder: a marker that may vanish does not protect. Windows has no sync
// of a folder and keeps them in order itself.
func syncFolders(folders ...string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	for _, path := range folders {
		folder, err := os.Open(path)
		if err != nil {
			return err
		}
		err = folder.Sync()
		folder.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
