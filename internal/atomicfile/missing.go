package atomicfile

import (
	"io/fs"
)

// MissingFolder says in full words that a folder is not there. It is fs.ErrNotExist, whose own
// words would say it once more.
type MissingFolder string

// Error returns the text.
func (m MissingFolder) Error() string { return string(m) }

// Is tells that a MissingFolder is fs.ErrNotExist.
func (MissingFolder) Is(target error) bool { return target == fs.ErrNotExist }
