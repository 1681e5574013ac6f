//go:build unix

// Who else may read a private key, on systems whose permissions say so.

package snapshot

import "os"

// LoosePermissions tells whether others than the owner of the file at path may read or write it. It is always false
// on Windows, where permissions are not in the mode.
func LoosePermissions(path string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	return info.Mode().Perm()&0o077 != 0, nil
}
