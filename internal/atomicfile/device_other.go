//go:build !unix

package atomicfile

import "io/fs"

// sameDevice returns true: Windows tells only when the folder is moved.
func sameDevice(_, _ fs.FileInfo) bool { return true }
