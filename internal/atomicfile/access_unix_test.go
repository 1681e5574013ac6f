//go:build unix

package atomicfile

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"noo/internal/filetest"
)

func TestReplacedFileKeepsItsReaders(t *testing.T) {
	gid := filetest.OtherGroup(t)
	bothWays(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a")
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chown(path, -1, gid), os.Chmod(path, 0o640)); err != nil {
			t.Fatal(err)
		}
		f, err := Create(path, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := Commit(f); err != nil {
			t.Fatal(err)
		}
		filetest.WantAccess(t, path, 0o640, gid)
	})
}

// TestGroupThatCannotBeGiven: then nobody gets its permissions. As root it is played by a process
// that is somebody else.
func TestGroupThatCannotBeGiven(t *testing.T) {
	const variable = "ATOMICFILE_TEST_FILE"
	if path := os.Getenv(variable); path != "" {
		f, err := Create(path, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := Commit(f); err != nil {
			t.Fatal(err)
		}
		return
	}
	if os.Geteuid() != 0 || runtime.GOOS != "linux" {
		t.Skip("only root can make a file of a group that it does not belong to")
	}
	dir, err := os.MkdirTemp("/tmp", "atomicfile")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path, binary := filepath.Join(dir, "a"), filepath.Join(dir, "test")
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	const somebody = 54321
	if err := errors.Join(os.WriteFile(path, nil, 0o660), os.Chmod(path, 0o664), os.Chown(path, somebody, somebody+1),
		os.WriteFile(binary, self, 0o755), os.Chmod(dir, 0o777)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-test.run", "^TestGroupThatCannotBeGiven$")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), variable+"="+path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: somebody, Gid: somebody, NoSetGroups: false}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	filetest.WantAccess(t, path, 0o604, somebody)
}
