//go:build unix

package filetest

// Who may read a file, and a process for which permissions count.

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"noo/internal/access"
)

// WantAccess checks permissions, with setgid, and group.
func WantAccess(t *testing.T, path string, mode fs.FileMode, gid int) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode() & (fs.ModePerm | fs.ModeSetgid); got != mode ||
		access.GroupOf(info) != gid {
		t.Errorf(
			"%s has %v and group %d, want %v and %d",
			path,
			got,
			access.GroupOf(info),
			mode,
			gid,
		)
	}
}

// OtherGroup is a group that the test may give away, which is not its own.
func OtherGroup(t *testing.T) int {
	t.Helper()
	own := os.Getegid()
	if os.Geteuid() == 0 {
		return own + 4321
	}
	groups, _ := os.Getgroups()
	for _, gid := range groups {
		if gid != own {
			return gid
		}
	}
	t.Skip("there is no second group to give to anything")
	return 0
}

// AsSomebody runs one test of this binary in a process for which permissions count, and which has a
// folder of its own. The test finds the folder in the variable.
func AsSomebody(t *testing.T, test, variable string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "atomicfile")
	if err != nil {
		t.Fatal(err)
	}
	defer access.RemoveTree(dir)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(self)
	binary := filepath.Join(dir, "test")
	if err := errors.Join(err, os.WriteFile(binary, content, 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-test.run", "^"+test+"$")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), variable+"="+dir, "TMPDIR="+dir)
	if os.Geteuid() == 0 { // for whom permissions do not count
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: 54321, Gid: 54321},
		}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
