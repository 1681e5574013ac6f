package atomicfile

import (
	"fmt"
	"os"
)

// Scratch is a temporary file that nobody else can open by name where the system allows it, for
// data that must be held back or read more than once. Close takes it away.
type Scratch struct {
	*os.File
	name string // to remove at the end, "" where it has no name
}

// NewScratch makes an empty Scratch in the folder for temporary files.
func NewScratch() (*Scratch, error) {
	if file := openUnnamed(os.TempDir()); file != nil {
		return &Scratch{File: file}, nil
	}
	file, err := os.CreateTemp("", "noo-*"+TempSuffix)
	if err != nil {
		return nil, fmt.Errorf("cannot make a temporary file in %s: %w", os.TempDir(), Cause(err))
	}
	s := &Scratch{File: file, name: file.Name()}
	if os.Remove(s.name) == nil { // it lives on without a name until it is closed, but on Windows
		s.name = ""
	}
	return s, nil
}

// Close gives the space back.
func (s *Scratch) Close() error {
	err := s.File.Close()
	if s.name != "" {
		os.Remove(s.name)
	}
	return err
}
