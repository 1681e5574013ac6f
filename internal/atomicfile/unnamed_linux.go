package atomicfile

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// openUnnamed opens a file without a name in folder, or returns nil where the file system or the
// machine (no /proc to name it through later) cannot do that.
func openUnnamed(folder string) *os.File {
	if os.Getenv(HiddenVariable) != "" {
		return nil
	}
	fd, err := unix.Open(folder, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil
	}
	file := os.NewFile(uintptr(fd), folder)
	if _, err := os.Stat(procPath(file)); err != nil {
		file.Close()
		return nil
	}
	return file
}

// linkUnnamed gives an unnamed file a name that must not exist.
func linkUnnamed(file *os.File, name string) error {
	err := unix.Linkat(unix.AT_FDCWD, procPath(file), unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW)
	if err != nil {
		return &os.LinkError{Op: "link", Old: "", New: name, Err: err}
	}
	return nil
}

func procPath(file *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", file.Fd()) }

// startWriteback asks the kernel to begin writing a range to the disk. It is a hint: Sync is what
// counts.
func startWriteback(file *os.File, offset, length int64) {
	_ = unix.SyncFileRange(int(file.Fd()), offset, length, unix.SYNC_FILE_RANGE_WRITE)
}
