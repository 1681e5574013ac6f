//go:build !unix

package atomicdir

import (
	"io/fs"
)

// sameDevice returns true: Windows tells only when the folder is moved.
func sameDevice(_, _ fs.FileInfo) bool { return true }
