package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// ErrSomethingElse, of CreateReplacing, is a target of another kind. It is ErrExists too.
var ErrSomethingElse = fmt.Errorf("%w, and is something else", ErrExists)

// headSize is how many bytes of an existing file CreateReplacing looks at.
const headSize = 1 << 10

// CreateReplacing is Create for a file that each run writes anew, such as the metrics for
// monitoring: what exists is replaced without further ado if it is empty or of the same kind, which
// isKind tells from its first bytes (up to 1 KiB). Anything else, as a dataset named by mistake, is
// refused with ErrSomethingElse.
func CreateReplacing(path string, isKind func(head []byte) bool) (*File, error) {
	f, err := Create(path, false)
	if !errors.Is(err, ErrExists) {
		return f, err
	}
	head, err := readHead(path)
	if err != nil {
		return nil, fmt.Errorf(
			"cannot write %s, which exists and cannot be read: %w",
			path,
			Cause(err),
		)
	}
	if len(head) > 0 && !isKind(head) {
		return nil, fmt.Errorf("cannot write %s: it %w", path, ErrSomethingElse)
	}
	return Create(path, true)
}

func readHead(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, headSize))
}

// SetMode gives the file these permissions instead of those that Create chose. It must be called
// before the commit.
func (f *File) SetMode(mode fs.FileMode) { f.access.Mode = mode }
