//go:build unix

package main

// Folders whose permissions stand in the way of a run. As root, for whom they do not count, noo is
// somebody else here.

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"noo/cmd/noo/internal/outcome"
	"noo/internal/nhsnumber"
)

// somebody is who noo is where the test is root.
const somebody = 54321

// unprivileged makes a folder with two extracts for a user for whom permissions count, and a
// function that runs noo there.
func unprivileged(t *testing.T) (dir string, run func(args ...string) (said string, err error)) {
	t.Helper()
	dir, err := os.MkdirTemp("", "noo") // t.TempDir is below a folder that only its owner enters
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				_ = os.Chmod(path, 0o700)
			}
			return nil
		})
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := give(filepath.Join(dir, ".given")); err != nil {
		t.Fatal(err)
	}
	found, err := exec.LookPath("noo")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(found)
	binary := filepath.Join(dir, ".given", "noo")
	text := []byte("nhs_number,note\n9434765919,out\n9995609649,stays\n")
	if err := errors.Join(err, os.WriteFile(binary, program, 0o755), os.MkdirAll(filepath.Join(dir, "in/sub"), 0o700),
		os.WriteFile(filepath.Join(dir, "in/a.csv"), text, 0o600), os.WriteFile(filepath.Join(dir, "in/sub/b.csv"), text, 0o600)); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
			return errors.Join(err, os.Lchown(path, somebody, somebody))
		}); err != nil {
			t.Fatal(err)
		}
	}
	return dir, func(args ...string) (string, error) {
		cmd := noo(dir, args...)
		cmd.Path = binary
		if os.Geteuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: somebody, Gid: somebody}}
		}
		said, err := cmd.CombinedOutput()
		return string(said), err
	}
}

// chmodAll gives all in a folder other permissions, from below.
func chmodAll(t *testing.T, folder string, files, folders os.FileMode) {
	t.Helper()
	var all []string
	if err := filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		all = append([]string{path}, all...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		mode := files
		if info, err := os.Lstat(path); err == nil && info.IsDir() {
			mode = folders
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReadOnlyFolderEveryNight: that a folder was made read-only after it was published changes
// nothing for the nights that follow, and nothing of what was replaced, which may hold people who
// have opted out since, stays hidden.
func TestReadOnlyFolderEveryNight(t *testing.T) {
	dir, run := unprivileged(t)
	if said, err := run("filter", "in/", "-o", "out/"); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	hidden := filepath.Join(dir, ".out.noo-partial")
	for _, more := range [][]string{nil, {"--resume"}, nil} {
		chmodAll(t, filepath.Join(dir, "out"), 0o400, 0o500)
		said, err := run(append([]string{"filter", "in/", "-o", "out/", "--force", "--quiet"}, more...)...)
		if err != nil || said != "" {
			t.Fatalf("%v: %v: %s", more, err, said)
		}
		if _, err := os.Lstat(hidden); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("%v: what was replaced is still there", more)
		}
	}
	// What a version before could not take away is no reason to fail either.
	for _, more := range [][]string{nil, {"--resume"}} {
		if said, err := run("filter", "in/", "-o", "old/", "--quiet"); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		if err := os.Rename(filepath.Join(dir, "old"), hidden); err != nil {
			t.Fatal(err)
		}
		chmodAll(t, hidden, 0o400, 0o500)
		if said, err := run(append([]string{"filter", "in/", "-o", "out/", "--force", "--quiet"}, more...)...); err != nil || said != "" {
			t.Fatalf("%v, with something left: %v: %s", more, err, said)
		}
		if _, err := os.Lstat(hidden); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("%v: what was left is still there", more)
		}
	}
}

// TestReplacedFolderThatStays: what was replaced and cannot be taken away is named, at once and by
// every run that it stands in the way of.
func TestReplacedFolderThatStays(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a folder that its owner cannot take away")
	}
	dir, run := unprivileged(t)
	if said, err := run("filter", "in/", "-o", "out/"); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if err := errors.Join(os.Chown(filepath.Join(dir, "out/sub"), 0, 0), os.Chmod(filepath.Join(dir, "out/sub"), 0o755)); err != nil {
		t.Fatal(err)
	}
	hidden, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	// The name of a temporary folder may be an NHS number.
	hidden = nhsnumber.Mask(filepath.Join(hidden, ".out.noo-partial"))
	said, err := run("filter", "in/", "-o", "out/", "--force", "--quiet")
	if want := "noo: warning: " + hidden + " holds what out/ replaced and cannot be removed"; err != nil || !strings.HasPrefix(said, want) {
		t.Errorf("%v: %s", err, said)
	}
	for _, more := range [][]string{nil, {"--resume"}} {
		said, err := run(append([]string{"filter", "in/", "-o", "out/", "--force", "--quiet"}, more...)...)
		exit, _ := errors.AsType[*exec.ExitError](err)
		if exit == nil || exit.ExitCode() != outcome.ExitIO || !strings.HasPrefix(said, "noo: cannot write out/: "+hidden+", which an earlier run left, ") || strings.Count(said, "\n") != 1 {
			t.Errorf("%v: %v: %s", more, err, said)
		}
	}
}
