//go:build !unix

package atomicfile

import "io/fs"

// groupOf returns anyGroup: there are no groups of this kind.
func groupOf(fs.FileInfo) int { return anyGroup }
