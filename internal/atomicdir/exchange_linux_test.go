package atomicdir

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"noo/internal/atomicfile"
	"noo/internal/filetest"
)

// inNamespace runs the test that calls it once more, in a process that may mount file systems where
// nobody else sees them, and gives a folder to that process; for any other it is over then, and
// gives "".
func inNamespace(t *testing.T) (dir string) {
	t.Helper()
	const variable = "ATOMICFILE_TEST_NAMESPACE"
	if dir := os.Getenv(variable); dir != "" {
		return dir
	}
	cmd := exec.Command("/proc/self/exe", "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), variable+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EINVAL) || strings.Contains(string(out), "--- SKIP"):
		t.Skipf("no file system can be mounted here: %v %s", err, out)
	case err != nil:
		t.Fatalf("%v: %s", err, out)
	}
	return ""
}

// TestMounted: a file or folder at which something is mounted, be it of the same file system, is
// refused before anything is written.
func TestMounted(t *testing.T) {
	dir := inNamespace(t)
	if dir == "" {
		return
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"real", "out"} {
		if err := os.Mkdir(at(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"real.csv", "out.csv"} {
		if err := os.WriteFile(at(name), []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(unix.Mount(at("real"), at("out"), "", unix.MS_BIND, ""), unix.Mount(at("real.csv"), at("out.csv"), "", unix.MS_BIND, "")); err != nil {
		t.Skip(err)
	}
	if _, err := Create(at("out"), true, false); !errors.Is(err, ErrMountPoint) {
		t.Errorf("a folder: %v", err)
	}
	if err := PublishAll([]*Folder{fill(t, at("out/inside"), false, map[string]string{"a": "new"})}); err != nil {
		t.Errorf("a folder inside: %v", err)
	}
	if _, err := atomicfile.Create(at("out.csv"), true); !errors.Is(err, atomicfile.ErrMounted) {
		t.Errorf("a file: %v", err)
	}
	if err := atomicfile.Commit(write(t, at("out/inside.csv"), false, "new")); err != nil {
		t.Errorf("a file inside: %v", err)
	}
	if filetest.Content(t, at("out.csv")) != "old" {
		t.Error("the file was changed")
	}
}

// TestFolderInAnImage: what a container's image holds, the lower layer of an overlay file system,
// cannot be exchanged. It stays as it is, and the message says where a folder can be instead.
func TestFolderInAnImage(t *testing.T) {
	dir := inNamespace(t)
	if dir == "" {
		return
	}
	layer := func(name string) string { return filepath.Join(dir, name) }
	image := filepath.Join(layer("image"), "out")
	for _, name := range []string{"image", "upper", "seen"} {
		if err := os.Mkdir(layer(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := PublishAll([]*Folder{fill(t, image, false, map[string]string{"a": "old"})}); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(layer("image/empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	// The upper layer is in memory: what is beneath a test may be an overlay itself.
	if err := unix.Mount("tmpfs", layer("upper"), "tmpfs", 0, ""); err != nil {
		t.Skip(err)
	}
	if err := errors.Join(os.Mkdir(layer("upper/files"), 0o700), os.Mkdir(layer("upper/work"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("overlay", layer("seen"), "overlay", 0, "userxattr,lowerdir="+layer("image")+",upperdir="+layer("upper/files")+",workdir="+layer("upper/work")); err != nil {
		t.Skip(err)
	}
	path := filepath.Join(layer("seen"), "out")
	for _, keep := range []bool{false, true} { // before anything is written
		_, err := Create(path, true, keep)
		if !errors.Is(err, unix.EXDEV) || !strings.Contains(err.Error(), "name one on a volume") {
			t.Errorf("replacing: %v", err)
		}
	}
	f := fill(t, filepath.Join(layer("seen"), "other"), true, map[string]string{"a": "new"})
	f.target, f.replace = path, true // as if nobody had looked before
	if err := PublishAll([]*Folder{f}); !errors.Is(err, unix.EXDEV) || !strings.Contains(err.Error(), "name one on a volume") {
		t.Errorf("publishing: %v", err)
	}
	if err := f.Discard(); err != nil {
		t.Error(err)
	}
	if filetest.Content(t, filepath.Join(path, "a")) != "old" {
		t.Error("the folder was changed")
	}
	entries, err := os.ReadDir(layer("seen"))
	if err != nil || len(entries) != 2 {
		t.Errorf("left %v, %v", entries, err)
	}
	own := filepath.Join(layer("seen"), "own") // in the upper layer
	for _, text := range []string{"first", "second"} {
		f := fill(t, own, true, map[string]string{"a": text})
		if err := PublishAll([]*Folder{f}); err != nil {
			t.Errorf("replacing a folder of its own: %v", err)
		}
		if err := f.RemoveReplaced(); err != nil || filetest.Content(t, filepath.Join(own, "a")) != text {
			t.Errorf("replacing a folder of its own: %v", err)
		}
	}
	empty := filepath.Join(layer("seen"), "empty")
	if err := PublishAll([]*Folder{fill(t, empty, false, map[string]string{"a": "new"})}); err != nil {
		t.Errorf("an empty folder of the image: %v", err)
	}
}
