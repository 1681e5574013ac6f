//go:build unix

package atomicdir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"noo/internal/access"
	"noo/internal/atomicfile"
	"noo/internal/filetest"
)

func TestReplacedFolderKeepsItsReaders(t *testing.T) {
	gid := filetest.OtherGroup(t)
	path := filepath.Join(t.TempDir(), "out")
	files := map[string]string{"a": "1", "b/c": "2"}
	if err := PublishAll([]*Folder{fill(t, path, false, files)}); err != nil {
		t.Fatal(err)
	}
	filetest.WantAccess(t, path, 0o700, os.Getegid())
	filetest.WantAccess(t, filepath.Join(path, "b"), 0o700, os.Getegid())
	filetest.WantAccess(t, filepath.Join(path, "b/c"), 0o600, os.Getegid())
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
	if err := errors.Join(PublishAll([]*Folder{f}), f.RemoveReplaced()); err != nil {
		t.Fatal(err)
	}
	filetest.WantAccess(t, path, 0o750|fs.ModeSetgid, gid)
	filetest.WantAccess(t, filepath.Join(path, "a"), 0o640, gid)
	filetest.WantAccess(t, filepath.Join(path, Marker), 0o640, gid)
	filetest.WantAccess(t, filepath.Join(path, "d"), 0o750|fs.ModeSetgid, gid)
	filetest.WantAccess(t, filepath.Join(path, "d/e"), 0o640, gid)
}

// TestPreparedFolder: an empty folder with setgid is for its group, one without is nobody's but the
// owner's.
func TestPreparedFolder(t *testing.T) {
	gid := filetest.OtherGroup(t)
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
		filetest.WantAccess(t, path, c.top, gid)
		below := os.Getegid()
		if c.folder&fs.ModeSetgid != 0 {
			below = gid
		}
		filetest.WantAccess(t, filepath.Join(path, "a"), c.below, below)
		filetest.WantAccess(t, filepath.Join(path, "a/b"), c.file, below)
	}
}

// TestFilesHaveNoMoreReadersThanTheirFolder: who cannot enter the folder that is replaced cannot
// read what is in the new one, should somebody open it.
func TestFilesHaveNoMoreReadersThanTheirFolder(t *testing.T) {
	gid := filetest.OtherGroup(t)
	own := os.Getegid()
	for _, c := range []struct {
		top             fs.FileMode
		topGroup        int
		marker          fs.FileMode
		markerGroup     int
		file, subfolder fs.FileMode
	}{
		{0o750, gid, 0o644, gid, 0o640, 0o750},
		{0o700, gid, 0o644, gid, 0o600, 0o700},
		{0o755, gid, 0o644, gid, 0o644, 0o755},
		{0o711, gid, 0o644, gid, 0o644, 0o755}, // whoever knows a name could read it
		{0o705, gid, 0o644, gid, 0o604, 0o705},
		{0o750, own, 0o640, gid, 0o600, 0o700}, // to whom the folder's group is somebody else's
		{0o755, own, 0o640, gid, 0o640, 0o750},
		{0o755, gid, 0o777, gid, 0o644, 0o755}, // nothing that noo writes is a program
	} {
		path := filepath.Join(t.TempDir(), "out")
		if err := PublishAll([]*Folder{fill(t, path, false, map[string]string{"a": "1"})}); err != nil {
			t.Fatal(err)
		}
		marker := filepath.Join(path, Marker)
		if err := errors.Join(os.Chown(marker, -1, c.markerGroup), os.Chmod(marker, c.marker), os.Chown(path, -1, c.topGroup), os.Chmod(path, c.top)); err != nil {
			t.Fatal(err)
		}
		f := fill(t, path, true, map[string]string{"b/c": "2"})
		if err := errors.Join(PublishAll([]*Folder{f}), f.RemoveReplaced()); err != nil {
			t.Fatal(err)
		}
		filetest.WantAccess(t, path, c.top, c.topGroup)
		filetest.WantAccess(t, filepath.Join(path, "b"), c.subfolder, c.markerGroup)
		filetest.WantAccess(t, filepath.Join(path, "b/c"), c.file, c.markerGroup)
	}
}

// TestReadOnlyFolder: what somebody made read-only is taken away all the same, and nothing outside
// of it is touched.
func TestReadOnlyFolder(t *testing.T) {
	const variable = "ATOMICFILE_TEST_FOLDER"
	dir := os.Getenv(variable)
	if dir == "" {
		filetest.AsSomebody(t, "TestReadOnlyFolder", variable)
		return
	}
	path, outside := filepath.Join(dir, "tree"), filepath.Join(dir, "outside")
	if err := errors.Join(os.MkdirAll(filepath.Join(path, "a/b"), 0o700), os.Mkdir(outside, 0o500), os.Symlink(outside, filepath.Join(path, "link")),
		os.WriteFile(filepath.Join(path, "a/b/c"), nil, 0o400), os.Chmod(filepath.Join(path, "a/b"), 0o500), os.Chmod(filepath.Join(path, "a"), 0o000),
		os.Chmod(path, 0o500)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(path); !errors.Is(err, fs.ErrPermission) {
		t.Fatalf("permissions do not count here: %v", err)
	}
	if err := access.RemoveTree(path); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("it is still there")
	}
	filetest.WantAccess(t, outside, 0o500, os.Getegid())
}

// TestReadOnlyFolderIsTakenUp: a folder in the making that has got the permissions of a read-only
// one, or is what a version before could not take away, does not stand in the way of the run that
// takes it up.
func TestReadOnlyFolderIsTakenUp(t *testing.T) {
	const variable = "ATOMICFILE_TEST_TAKEN_UP"
	dir := os.Getenv(variable)
	if dir == "" {
		filetest.AsSomebody(t, "TestReadOnlyFolderIsTakenUp", variable)
		return
	}
	path, outside := filepath.Join(dir, "out"), filepath.Join(dir, "outside")
	if err := PublishAll([]*Folder{fill(t, path, false, map[string]string{"a": "1", "b/c": "2"})}); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o500); err != nil {
		t.Fatal(err)
	}
	left := fill(t, path, true, map[string]string{"a": "1", "b/c": "2", "old/d": "3"}).staging
	if err := errors.Join(os.Mkdir(outside, 0o500), os.Chmod(left, 0o700), os.Symlink(outside, filepath.Join(left, "old/link")),
		os.Chmod(filepath.Join(left, "old"), 0o500), os.Chmod(filepath.Join(left, "b"), 0o000), os.Chmod(left, 0o500)); err != nil {
		t.Fatal(err)
	}
	f, err := Create(path, true, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.RemoveExcept(map[string]bool{"a": true, "b/c": true}); err != nil {
		t.Fatal(err)
	}
	at, err := f.Path("b/e")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(atomicfile.Commit(write(t, at, false, "4")), f.Seal(t.Context(), map[string]int64{"a": 1, "b/c": 1, "b/e": 1}), PublishAll([]*Folder{f}), f.RemoveReplaced()); err != nil {
		t.Fatal(err)
	}
	if !f.Matches(map[string]int64{"a": 1, "b/c": 1, "b/e": 1}) {
		t.Error("not what was written")
	}
	filetest.WantAccess(t, path, 0o500, os.Getegid())
	filetest.WantAccess(t, filepath.Join(path, "b"), 0o700, os.Getegid())
	filetest.WantAccess(t, outside, 0o500, os.Getegid())
	if _, err := os.Lstat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was replaced is still there: %v", err)
	}
}

// TestHiddenFolderThatCannotBeRemoved: whatever stands in the way for good is named, since nobody
// sees it.
func TestHiddenFolderThatCannotBeRemoved(t *testing.T) {
	const variable = "ATOMICFILE_TEST_STUCK"
	dir := os.Getenv(variable)
	if dir == "" {
		filetest.AsSomebody(t, "TestHiddenFolderThatCannotBeRemoved", variable)
		return
	}
	// The folder above cannot be written to, so that nothing in it can be taken away, whoever it
	// belongs to.
	above := filepath.Join(dir, "above")
	path := filepath.Join(above, "out")
	if err := os.Mkdir(above, 0o700); err != nil {
		t.Fatal(err)
	}
	kept := fill(t, path, false, map[string]string{"a": "1"})
	if err := os.Chmod(above, 0o500); err != nil {
		t.Fatal(err)
	}
	if err := kept.Discard(); err == nil || !strings.Contains(err.Error(), kept.staging+" ") {
		t.Errorf("discarding: %v", err)
	}
	if _, err := Create(path, true, false); err == nil || !strings.Contains(err.Error(), kept.staging+", ") {
		t.Errorf("the next run: %v", err)
	}
	if err := os.Chmod(above, 0o700); err != nil {
		t.Fatal(err)
	}
	// What somebody else put where the parts of a folder are exchanged is named as well.
	aside := asideOf(kept.target)
	if err := errors.Join(os.Mkdir(path, 0o700), os.Mkdir(aside, 0o700), os.Chmod(above, 0o500)); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(path, true, false); err == nil || !strings.Contains(err.Error(), aside+", ") {
		t.Errorf("the next run, with something aside: %v", err)
	}
	if err := os.Chmod(above, 0o700); err != nil {
		t.Fatal(err)
	}
}
