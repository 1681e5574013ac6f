//go:build !linux

package atomicfile

import (
	"errors"
	"os"
)

// openUnnamed returns nil: unnamed files that can be named later are Linux's alone.
func openUnnamed(string) *os.File { return nil }

func linkUnnamed(*os.File, string) error { return errors.ErrUnsupported }

func startWriteback(*os.File, int64, int64) {}
