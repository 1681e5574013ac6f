// Package atomicfile writes files that are either whole or not there. Everything that this program
// writes by name goes through it: datasets, reports, snapshots and keys.
//
// A File is written out of every reader's sight: on Linux as an unnamed file (O_TMPFILE), which the
// kernel takes back however the process ends, elsewhere under a hidden name that ends in
// TempSuffix. Commit syncs it, gives it its name in one step and syncs the folder. Until then the
// target is untouched; after it the target is complete.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"noo/internal/access"
	"noo/internal/kind"
)

// TempSuffix ends the name that an uncommitted file has where the file system knows no unnamed
// files.
const TempSuffix = ".noo-partial"

// Errors that Create and Commit wrap.
var (
	// ErrExists is a target that exists although replacing it was not asked for.
	ErrExists = kind.New(kind.Usage, "exists already")
	// ErrNotRegular is a target that is a folder, a device or a pipe: such a thing is never
	// replaced.
	ErrNotRegular = kind.New(kind.Usage, "is not a regular file")
	// ErrMounted is a target at which a file is mounted, as into a container: it cannot be replaced
	// in one step.
	ErrMounted = kind.New(
		kind.Usage,
		"is a file that is mounted there by itself, and cannot be replaced: mount the folder that it is in",
	)
)

// HiddenVariable makes files have hidden names on Linux too, as they have elsewhere. It is for file
// systems on which unnamed files misbehave, and for tests.
const HiddenVariable = "NOO_NO_TMPFILE"

// writebackStep is how many bytes are written before the kernel is asked to start moving them to
// the disk, so that the sync at the end finds little left to do.
const writebackStep = 8 << 20

// blockSize is how many bytes are written at a time, each block at a multiple of it: the page cache
// takes large aligned writes in a third less time than the odd sizes that formats come up with (1.1
// GB on ext4: 0.32 s against 0.45 s).
const blockSize = 512 << 10

// File is a file in the making. It is not safe for concurrent writes.
type File struct {
	file    *os.File
	path    string // as the caller named it, for messages
	Target  string // with links resolved
	temp    string // the hidden name, or "" while the file has none
	replace bool
	existed bool          // the target was there before
	access  access.Access // that it will have
	block   []byte        // bytes that are still to be written, fewer than blockSize
	written int64         // bytes written
	started int64         // bytes whose way to the disk has begun
	closed  bool
	// unsynced leaves the syncing to somebody else.
	unsynced bool
	placed   bool   // it has its name
	old      string // a second name of what it replaced, while that may have to be put back
}

// Create starts a file that Commit will put at path. Without replace an existing target is refused
// with ErrExists, now and once more at the commit; with it, the target keeps its permissions and,
// if that can be, its group. A new file gets mode 0600. A link is followed: the file that it points
// to is the target. The folder must exist.
func Create(path string, replace bool) (*File, error) { return CreateAs(path, path, replace) }

// CreateAs is Create for a file that messages call by another name: where it will be for those who
// read them.
func CreateAs(path, name string, replace bool) (*File, error) {
	f := &File{path: name, replace: replace}
	err := f.inspect(path)
	if err != nil {
		return nil, err
	}
	folder := filepath.Dir(f.Target)
	if f.file = openUnnamed(folder); f.file == nil {
		f.file, err = os.CreateTemp(folder, ".noo-*"+TempSuffix)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf(
				"cannot write %s: %w",
				name,
				MissingFolder("its folder does not exist; make it first"),
			)
		case err != nil:
			return nil, fmt.Errorf("cannot write %s: %w", name, Cause(err))
		}
		f.temp = f.file.Name()
	}
	return f, nil
}

// inspect resolves the target, and decides with which permissions to write it.
func (f *File) inspect(path string) (err error) {
	f.Target, f.access = path, access.Access{Mode: 0o600, GID: access.AnyGroup}
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if f.Target, err = filepath.EvalSymlinks(path); err != nil {
			return fmt.Errorf("cannot write %s, a link: %w", f.path, Cause(err))
		}
	}
	info, err := os.Stat(f.Target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("cannot write %s: %w", f.path, Cause(err))
	case !info.Mode().IsRegular():
		return fmt.Errorf("cannot write %s: it %w", f.path, ErrNotRegular)
	case !f.replace:
		return fmt.Errorf("cannot write %s: it %w", f.path, ErrExists)
	case MountRoot(f.Target):
		return fmt.Errorf("cannot write %s: it %w", f.path, ErrMounted)
	}
	f.existed, f.access = true, access.Of(info)
	return nil
}

// Write appends p. Errors of the file system may come with a later Write, or with Commit.
func (f *File) Write(p []byte) (int, error) {
	if f.block == nil {
		f.block = make([]byte, 0, blockSize)
	}
	for rest := p; len(rest) > 0; {
		n := min(len(rest), blockSize-len(f.block))
		f.block = append(f.block, rest[:n]...)
		rest = rest[n:]
		if len(f.block) == blockSize {
			if err := f.flush(); err != nil {
				return len(p) - len(rest), fmt.Errorf("writing %s: %w", f.path, Cause(err))
			}
		}
	}
	return len(p), nil
}

// flush hands what Write has gathered to the system.
func (f *File) flush() error {
	n, err := f.file.Write(f.block)
	f.block = f.block[:0]
	f.written += int64(n)
	if err != nil {
		return err
	}
	if f.written-f.started >= writebackStep {
		startWriteback(f.file, f.started, f.written-f.started)
		f.started = f.written
	}
	return nil
}

// Flush hands all that was written to the system, so that ReadAt finds it.
func (f *File) Flush() error {
	if err := f.flush(); err != nil {
		return fmt.Errorf("writing %s: %w", f.path, Cause(err))
	}
	return nil
}

// ReadAt reads back what was written before the last Flush. It may be called by several goroutines.
func (f *File) ReadAt(p []byte, off int64) (int, error) { return f.file.ReadAt(p, off) }

// Commit puts every file in its place, in the order given, or none: all of them are synced before
// the first gets its name, and when one cannot be placed those before it are taken away again, and
// what they replaced is put back. The file that readers wait for belongs last. After Commit the
// files are closed, whatever it returns. Nil files are passed over.
func Commit(files ...*File) error { return commit(nil, nil, files) }

// CommitAfter is Commit with a step before the first file gets its name, when every one is written
// and synced. If the step fails, none is left.
func CommitAfter(step func() error, files ...*File) error { return commit(step, nil, files) }

// CommitUnsynced is Commit for files below Folder.Path: it leaves the syncing to Folder.Seal, which
// does it for all files at once. A file is in its place whole or not at all also here, unless the
// machine itself fails before that.
func CommitUnsynced(files ...*File) error {
	for _, f := range files {
		if f != nil {
			f.unsynced = true
		}
	}
	return commit(nil, nil, files)
}

// CommitThen is Commit with a last step, which is done when every file is in its place. If the step
// fails, the files are taken away again as if one of them had failed.
func CommitThen(last func() error, files ...*File) error { return commit(nil, last, files) }

// commit seals files, carries out a step, gives the files their names, and carries out a last step.
// Either step may be nil.
func commit(step, last func() error, files []*File) (err error) {
	files = slices.DeleteFunc(slices.Clone(files), func(f *File) bool { return f == nil })
	defer func() {
		for _, f := range files {
			if err != nil {
				f.withdraw()
			}
			f.forget()
		}
	}()
	for _, f := range files {
		if err := f.seal(); err != nil {
			return fmt.Errorf("writing %s: %w", f.path, Cause(err))
		}
	}
	if step != nil {
		if err := step(); err != nil {
			return err
		}
	}
	for i, f := range files {
		if i < len(files)-1 || last != nil {
			f.remember()
		}
		if err := f.publish(); err != nil {
			if errors.Is(err, fs.ErrExist) && !f.replace {
				return fmt.Errorf("cannot write %s: it %w", f.path, ErrExists)
			}
			return fmt.Errorf("cannot write %s: %w", f.path, Cause(err))
		}
	}
	if last != nil {
		return last()
	}
	return nil
}

// seal makes the content durable and its permissions final. A file with a hidden name is closed
// here, one without must stay open until it has a name.
func (f *File) seal() error {
	if err := f.flush(); err != nil {
		return err
	}
	if err := f.access.GiveOpen(f.file); err != nil {
		return err
	}
	if !f.unsynced {
		if err := f.file.Sync(); err != nil {
			return err
		}
	}
	if f.temp == "" {
		return nil
	}
	f.closed = true
	return f.file.Close()
}

// publish gives the sealed file its name.
func (f *File) publish() error {
	if f.temp == "" {
		if err := f.nameUnnamed(); err != nil {
			return err
		}
	}
	if f.temp != "" {
		move := moveNew
		if f.replace {
			move = os.Rename
		}
		if err := move(f.temp, f.Target); err != nil {
			return err
		}
		f.temp = ""
	}
	f.placed = true
	if !f.closed {
		f.closed = true
		if err := f.file.Close(); err != nil {
			return err
		}
	}
	if f.unsynced {
		return nil
	}
	return SyncFolder(filepath.Dir(f.Target))
}

// nameUnnamed links an unnamed file to its target or, where a target is to be replaced, to a hidden
// name beside it, since a link never replaces anything.
func (f *File) nameUnnamed() error {
	if !f.replace {
		return linkUnnamed(f.file, f.Target)
	}
	var err error
	f.temp, err = f.hiddenName(func(name string) error { return linkUnnamed(f.file, name) })
	return err
}

// hiddenName finds a hidden name beside the target under which attempt succeeds, and returns it.
func (f *File) hiddenName(attempt func(name string) error) (string, error) {
	for try := 0; ; try++ {
		name := filepath.Join(
			filepath.Dir(f.Target),
			fmt.Sprintf(".noo-%d-%d%s", os.Getpid(), try, TempSuffix),
		)
		err := attempt(name)
		if err == nil {
			return name, nil
		}
		if !errors.Is(err, fs.ErrExist) || try > 100 {
			return "", err
		}
	}
}

// remember gives what is to be replaced a second name, so that it can be put back. Where the file
// system has no links it cannot be.
func (f *File) remember() {
	if f.existed {
		f.old, _ = f.hiddenName(func(name string) error { return os.Link(f.Target, name) })
	}
}

// forget takes the second name away.
func (f *File) forget() {
	if f.old != "" {
		os.Remove(f.old)
		f.old = ""
	}
}

// withdraw undoes what it can of a commit that failed.
func (f *File) withdraw() {
	f.Discard()
	switch {
	case !f.placed:
	case !f.existed:
		os.Remove(f.Target)
	case f.old != "" && os.Rename(f.old, f.Target) == nil:
		f.old = ""
	}
}

// Discard drops an uncommitted file, and does nothing after Commit: it may be deferred.
func (f *File) Discard() {
	if !f.closed {
		f.closed = true
		f.file.Close()
	}
	if f.temp != "" {
		os.Remove(f.temp)
		f.temp = ""
	}
}

// Cause takes the path out of a file system error, for a message that names the file as the user
// did.
func Cause(err error) error {
	var pathErr *fs.PathError
	var linkErr *os.LinkError
	switch {
	case errors.As(err, &pathErr):
		return pathErr.Err
	case errors.As(err, &linkErr):
		return linkErr.Err
	}
	return err
}
