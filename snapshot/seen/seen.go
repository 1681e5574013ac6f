// Package seen is the memory against rollback: the highest sequence used in each series. An attacker
// who can replace a snapshot may put back an older one, as validly signed, in which somebody has not
// opted out yet.
//
// It must hold with two processes at once, and when one is killed at any point, without locks that
// a dead process leaves behind. So nothing is ever rewritten: STATE/seen/SERIES/ holds empty files
// named by sequence, and the highest name wins. A marker is taken away only when a higher one has
// been there for longer than any reading of the folder lasts, so that a reader always meets the
// marker that was highest when it began.
package seen

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
)

// maxSequence is the largest sequence of a snapshot. A higher name is no marker.
const maxSequence = 1<<53 - 1

// pruneAfter is how long a marker stays after a higher one has come.
const pruneAfter = time.Hour

// Memory remembers the highest sequence used in each series, in a folder. A series is a name that is
// fit for a file. It is safe for concurrent use, by several processes too.
type Memory struct {
	folder string
}

// Open returns the memory kept under the state folder dir. Nothing is read or made before it is
// used.
func Open(dir string) *Memory { return &Memory{folder: filepath.Join(dir, "seen")} }

// Highest returns the highest sequence recorded for the series, or 0.
func (m *Memory) Highest(series string) (uint64, error) {
	highest, _, err := m.read(series)
	return highest, err
}

// Record notes that a snapshot of that sequence is being used, and returns the highest sequence now
// recorded for the series. When that is above sequence, nothing was noted: the snapshot is a step
// back.
func (m *Memory) Record(series string, sequence uint64) (uint64, error) {
	highest, markers, err := m.read(series)
	if err != nil || highest >= sequence {
		return highest, err
	}
	if err := m.mark(series, sequence); err != nil {
		return 0, stateError("written", err)
	}
	m.prune(series, markers)
	// Another process may have gone further meanwhile.
	highest, _, err = m.read(series)
	return max(highest, sequence), err
}

// read returns the highest marker and all of them.
func (m *Memory) read(series string) (highest uint64, markers []uint64, err error) {
	entries, err := os.ReadDir(m.seriesFolder(series))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, nil, stateError("read", err)
	}
	for _, entry := range entries {
		sequence, err := strconv.ParseUint(entry.Name(), 10, 64)
		if err != nil || sequence > maxSequence {
			continue // not a marker
		}
		markers = append(markers, sequence)
		highest = max(highest, sequence)
	}
	return highest, markers, nil
}

// mark makes the marker, durably.
func (m *Memory) mark(series string, sequence uint64) error {
	folder := m.seriesFolder(series)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(m.marker(series, sequence), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return syncFolders(folder, m.folder, filepath.Dir(m.folder))
}

// prune takes away the markers that a long-standing higher one has made useless. What cannot be
// removed does no harm.
func (m *Memory) prune(series string, markers []uint64) {
	var settled uint64 // the highest marker that is older than pruneAfter
	for _, sequence := range markers {
		info, err := os.Stat(m.marker(series, sequence))
		if err == nil && time.Since(info.ModTime()) > pruneAfter {
			settled = max(settled, sequence)
		}
	}
	for _, sequence := range markers {
		if sequence < settled {
			os.Remove(m.marker(series, sequence))
		}
	}
}

func (m *Memory) seriesFolder(series string) string { return filepath.Join(m.folder, series) }

func (m *Memory) marker(series string, sequence uint64) string {
	return filepath.Join(m.seriesFolder(series), strconv.FormatUint(sequence, 10))
}

func stateError(verb string, err error) error {
	return fmt.Errorf("the memory of snapshots used cannot be %s: %w", verb, err)
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
