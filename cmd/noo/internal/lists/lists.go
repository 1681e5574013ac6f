// Package lists reads lists of NHS numbers for a snapshot.
package lists

import (
	"fmt"
	"io"
	"os"

	"noo/cmd/noo/internal/ui"
	"noo/internal/atomicfile"
	"noo/internal/steadyfile"
	"noo/snapshot"
)

// Read joins lists, and counts the numbers that came more than once. That a list is empty is said:
// another has numbers, so that nothing else would tell of an export that failed.
func Read(t *ui.Terminal, paths []string, column string) (*snapshot.Set, uint64, error) {
	return ReadWithin(t, paths, column, snapshot.Limit{})
}

// ReadWithin joins lists as Read does. It refuses a number that the limit does not allow.
func ReadWithin(
	t *ui.Terminal,
	paths []string,
	column string,
	limit snapshot.Limit,
) (*snapshot.Set, uint64, error) {
	all := snapshot.NewSet()
	var numbers uint64
	var empty []string
	for _, path := range paths {
		set, stats, err := readList(t.In, path, column, limit)
		if err != nil {
			return nil, 0, err
		}
		if stats.Numbers == 0 {
			empty = append(empty, path)
		}
		numbers += stats.Numbers
		all.Union(set)
	}
	for _, path := range empty {
		if numbers > 0 {
			t.Say(
				"warning: there is no number in the list %s: make sure that it is whole",
				ui.DisplayName(path, "stdin"),
			)
		}
	}
	return all, numbers - all.Len(), nil
}

// readList reads one list. It refuses one that changes meanwhile: a person who was not read would
// pass.
func readList(
	stdin *os.File,
	path, column string,
	limit snapshot.Limit,
) (*snapshot.Set, snapshot.ListStats, error) {
	if path == "-" {
		return readOpenList(stdin, "stdin", column, limit)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, snapshot.ListStats{}, fmt.Errorf(
			"cannot read the list %s: %w",
			path,
			atomicfile.Cause(err),
		)
	}
	defer file.Close()
	return readOpenList(file, path, column, limit)
}

func readOpenList(
	file *os.File,
	name, column string,
	limit snapshot.Limit,
) (*snapshot.Set, snapshot.ListStats, error) {
	failed := func(err error) (*snapshot.Set, snapshot.ListStats, error) {
		return nil, snapshot.ListStats{}, fmt.Errorf(
			"reading list %s: %w",
			name,
			atomicfile.Cause(err),
		)
	}
	mark, err := steadyfile.Take(file)
	if err != nil {
		return failed(err)
	}
	bytes := &tally{from: file}
	set, stats, err := limit.ReadList(bytes, name, column)
	if err != nil {
		return nil, stats, err
	}
	if err := mark.Check(bytes.read); err != nil {
		return failed(err)
	}
	return set, stats, nil
}

// tally counts the bytes that are read.
type tally struct {
	from io.Reader
	read int64
}

func (t *tally) Read(p []byte) (int, error) {
	n, err := t.from.Read(p)
	t.read += int64(n)
	return n, err
}
