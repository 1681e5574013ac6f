package atomicfile

import "golang.org/x/sys/windows"

// moveNew moves a file to a name that must not exist: without MOVEFILE_REPLACE_EXISTING the system refuses it.
func moveNew(from, to string) error {
	fromPtr, err := windows.UTF16PtrFromString(from)
	if err != nil {
		return err
	}
	toPtr, err := windows.UTF16PtrFromString(to)
	if err != nil {
		return err
	}
	return windows.MoveFileEx(fromPtr, toPtr, windows.MOVEFILE_WRITE_THROUGH)
}

// syncFolder does nothing: Windows has no sync of a folder; the file system's journal keeps renames in order.
func syncFolder(string) error { return nil }
