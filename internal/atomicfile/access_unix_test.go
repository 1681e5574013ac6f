//go:build unix

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// wantAccess checks permissions, with setgid, and group.
func wantAccess(t *testing.T, path string, mode fs.FileMode, gid int) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode() & (fs.ModePerm | fs.ModeSetgid); got != mode || groupOf(info) != gid {
		t.Errorf("%s has %v and group %d, want %v and %d", path, got, groupOf(info), mode, gid)
	}
}

// otherGroup is a group that the test may give away, which is not its own.
func otherGroup(t *testing.T) int {
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

func TestReplacedFileKeepsItsReaders(t *testing.T) {
	gid := otherGroup(t)
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
		wantAccess(t, path, 0o640, gid)
	})
}

func TestReplacedFolderKeepsItsReaders(t *testing.T) {
	gid := otherGroup(t)
	path := filepath.Join(t.TempDir(), "out")
	files := map[string]string{"a": "1", "b/c": "2"}
	if err := PublishAll([]*Folder{fill(t, path, false, files)}); err != nil {
		t.Fatal(err)
	}
	wantAccess(t, path, 0o700, os.Getegid())
	wantAccess(t, filepath.Join(path, "b"), 0o700, os.Getegid())
	wantAccess(t, filepath.Join(path, "b/c"), 0o600, os.Getegid())
	for _, name := range []string{".", "a", "b", "b/c", Marker} {
		at := filepath.Join(path, name)
		info, err := os.Stat(at)
		if err != nil {
			t.Fatal(err)
		}
		mode := info.Mode().Perm() | 0o040
		if info.IsDir() {
			mode |= 0o010 | fs.ModeSetgid
		}
		if err := errors.Join(os.Chown(at, -1, gid), os.Chmod(at, mode)); err != nil {
			t.Fatal(err)
		}
	}
	f := fill(t, path, true, map[string]string{"a": "3", "d/e": "4"})
	if err := errors.Join(PublishAll([]*Folder{f}), f.Forget()); err != nil {
		t.Fatal(err)
	}
	wantAccess(t, path, 0o750|fs.ModeSetgid, gid)
	wantAccess(t, filepath.Join(path, "a"), 0o640, gid)
	wantAccess(t, filepath.Join(path, Marker), 0o640, gid)
	wantAccess(t, filepath.Join(path, "d"), 0o750|fs.ModeSetgid, gid)
	wantAccess(t, filepath.Join(path, "d/e"), 0o640, gid)
}

// TestPreparedFolder: an empty folder with setgid is for its group, one without is nobody's but the owner's.
func TestPreparedFolder(t *testing.T) {
	gid := otherGroup(t)
	for _, c := range []struct{ folder, top, below, file fs.FileMode }{
		{0o750 | fs.ModeSetgid, 0o750 | fs.ModeSetgid, 0o750 | fs.ModeSetgid, 0o640},
		{0o775, 0o775, 0o700, 0o600},
	} {
		path := filepath.Join(t.TempDir(), "out")
		if err := errors.Join(os.Mkdir(path, 0o700), os.Chown(path, -1, gid), os.Chmod(path, c.folder)); err != nil {
			t.Fatal(err)
		}
		if err := PublishAll([]*Folder{fill(t, path, false, map[string]string{"a/b": "1"})}); err != nil {
			t.Fatal(err)
		}
		wantAccess(t, path, c.top, gid)
		below := os.Getegid()
		if c.folder&fs.ModeSetgid != 0 {
			below = gid
		}
		wantAccess(t, filepath.Join(path, "a"), c.below, below)
		wantAccess(t, filepath.Join(path, "a/b"), c.file, below)
	}
}

// TestGroupThatCannotBeGiven: then nobody gets its permissions. As root it is played by a process that is somebody else.
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
	wantAccess(t, path, 0o604, somebody)
}

// TestReadOnlyFolder: what somebody made read-only is taken away all the same, and nothing outside of it is touched.
func TestReadOnlyFolder(t *testing.T) {
	const variable = "ATOMICFILE_TEST_FOLDER"
	if path := os.Getenv(variable); path != "" {
		outside := filepath.Join(filepath.Dir(path), "outside")
		if err := errors.Join(os.MkdirAll(filepath.Join(path, "a/b"), 0o700), os.Mkdir(outside, 0o500), os.Symlink(outside, filepath.Join(path, "link")),
			os.WriteFile(filepath.Join(path, "a/b/c"), nil, 0o400), os.Chmod(filepath.Join(path, "a/b"), 0o500), os.Chmod(filepath.Join(path, "a"), 0o000),
			os.Chmod(path, 0o500)); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(path); !errors.Is(err, fs.ErrPermission) {
			t.Fatalf("permissions do not count here: %v", err)
		}
		if err := removeTree(path); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Error("it is still there")
		}
		wantAccess(t, outside, 0o500, os.Getegid())
		return
	}
	dir, err := os.MkdirTemp("", "atomicfile")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
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
	cmd := exec.Command(binary, "-test.run", "^TestReadOnlyFolder$")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), variable+"="+filepath.Join(dir, "tree"))
	if os.Geteuid() == 0 { // for whom permissions do not count
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54321, Gid: 54321}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
