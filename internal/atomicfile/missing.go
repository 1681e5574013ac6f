package atomicfile

import "io/fs"

// missingFolder says in full words that a folder is not there. It is fs.ErrNotExist, whose own words would say it once more.
type missingFolder string

func (m missingFolder) Error() string { return string(m) }

// Is tells that a missingFolder is fs.ErrNotExist.
func (missingFolder) Is(target error) bool { return target == fs.ErrNotExist }
