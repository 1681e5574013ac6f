package mesh

// The numbers of messages: the service recommends names with a number that grows in the month. The
// state folder remembers them as empty files, each made by one process alone, so that no two
// requests have the same.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"noo/internal/atomicfile"
)

// TakeNumbers reserves the numbers of so many messages of a mailbox in the month of a time, and
// returns the first of them, from 1. state is the state folder of noo.
func TakeNumbers(state, mailbox string, at time.Time, count int) (first int, err error) {
	folder := filepath.Join(state, "mesh", mailbox, at.Format("200601"))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return 0, sequenceError(err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return 0, sequenceError(err)
	}
	highest := 0
	for _, entry := range entries {
		if n, err := strconv.Atoi(entry.Name()); err == nil {
			highest = max(highest, n)
		}
	}
	for first = highest + 1; ; {
		taken, err := takeFrom(folder, first, count)
		if err != nil {
			return 0, sequenceError(err)
		}
		if taken == count {
			return first, nil
		}
		first += taken + 1 // another process has the one after those
	}
}

// takeFrom makes the files of numbers in a row until one is there already.
func takeFrom(folder string, first, count int) (taken int, err error) {
	for ; taken < count; taken++ {
		path := filepath.Join(folder, strconv.Itoa(first+taken))
		file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			return taken, nil
		}
		if err != nil {
			return taken, err
		}
		if err := file.Close(); err != nil {
			return taken, err
		}
	}
	return taken, nil
}

func sequenceError(err error) error {
	return fmt.Errorf("cannot number the messages of this month: %w", atomicfile.Cause(err))
}
