// Package atomicdir writes folders that are whole or not there. A reader of the target never sees
// half a run: files gather in a hidden folder beside it, which gets the target's name in one step
// when all of them are there.
package atomicdir

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sync/errgroup"

	"noo/internal/access"
	"noo/internal/atomicfile"
	"noo/internal/kind"
)

// Marker is the file in a folder that says that the folder is whole, by the convention of Hadoop
// and Spark, whose readers pass over it. Here it lists the files as well.
const Marker = "_SUCCESS"

// markerSchema names the form of the marker.
const markerSchema = "noo/folder/v1"

// Errors about folders.
var (
	// ErrForeign is a folder that cannot be replaced as a whole since not all in it was written by
	// a run.
	ErrForeign = kind.New(
		kind.Usage,
		"holds files that noo did not write there: move them away, or name another folder",
	)
	// ErrNotFolder is a target for a folder that is something else.
	ErrNotFolder = kind.New(kind.Usage, "is not a folder")
	// ErrMountPoint is a target that cannot be given its name in one step, since another file
	// system begins there.
	ErrMountPoint = kind.New(
		kind.Usage,
		"is where another file system or folder is mounted: name a folder inside it",
	)
)

// marker is the content of the marker file: what the folder holds. It has nothing of the inputs,
// not even a digest: from the digest of a small input, one who has the output could work out by
// trial what was removed.
type marker struct {
	Schema string       `json:"schema"`
	Files  []markedFile `json:"files"`
}

// markedFile is a file by its path below the folder, with slashes, and its size in bytes.
type markedFile struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// newMarker is the marker of a folder with files of these names and sizes in bytes.
func newMarker(sizes map[string]int64) *marker {
	m := &marker{Schema: markerSchema}
	for _, name := range slices.Sorted(maps.Keys(sizes)) {
		m.Files = append(m.Files, markedFile{name, sizes[name]})
	}
	return m
}

// text is what the file of the marker holds.
func (m *marker) text() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", " ")
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(m)
	return text.Bytes(), err
}

// Folder is a folder in the making. Files are written below Path; Seal and PublishAll give it its
// name.
type Folder struct {
	path    string // as the caller named it, for messages
	target  string // absolute, with links resolved
	staging string
	replace bool
	stands  bool // the target was there, and not empty
	// Something was replaced, and is in staging until RemoveReplaced or withdraw.
	existed  bool
	access   access.Access // that it will have
	files    access.Access // that files in it will have
	finished bool          // nothing is left to discard
}

// Create starts a folder that PublishAll will put at path, where there may be an empty folder
// already and, with replace, one that a run of this program filled; anything else there is refused
// with ErrExists, ErrForeign, ErrNotFolder or ErrMountPoint, now and once more when it is
// published. What is published has the permissions and the group of what it replaces; files in it
// have those of the marker that stood there, or in an empty folder with setgid are for its group.
// With keep, what an earlier attempt left unfinished stays, for the caller to look at, and a folder
// that exists is refused only when it is published: the caller may find that it is what it wants.
// Otherwise the folder starts empty. The folder above path must exist. One process at a time may
// make the folder: the caller holds the lock on LockPath.
func Create(path string, replace, keep bool) (*Folder, error) {
	target, err := ResolveLinks(path)
	if err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", path, atomicfile.Cause(err))
	}
	f := &Folder{
		path:    path,
		target:  target,
		staging: stagingOf(target),
		replace: replace,
		access:  access.Access{Mode: 0o700, GID: access.AnyGroup},
		files:   access.Access{Mode: 0o600, GID: access.AnyGroup},
	}
	if err := f.recover(); err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", path, atomicfile.Cause(err))
	}
	if err := f.inspect(replace || keep); err != nil {
		return nil, err
	}
	if !keep {
		err = removeLeft(f.staging)
	}
	if err == nil {
		err = os.Mkdir(f.staging, 0o700)
		if keep && errors.Is(err, fs.ErrExist) {
			access.MakeWritable(f.staging) // it may have its final permissions already
			err = nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", path, atomicfile.Cause(err))
	}
	if f.stands && replace {
		if err := tryExchange(f.target, f.staging); err != nil {
			f.DiscardEmpty()
			return nil, f.unnamed(err)
		}
	}
	return f, nil
}

// unnamed is the error for a folder that could not be given its name.
func (f *Folder) unnamed(err error) error {
	if errors.Is(err, syscall.EXDEV) { // what the lower layers of an overlay file system hold
		return fmt.Errorf(
			"cannot write %s: it is in an image, whose folders cannot be replaced: name one on a volume (%w)",
			f.path,
			atomicfile.Cause(err),
		)
	}
	return fmt.Errorf("cannot write %s: %w", f.path, atomicfile.Cause(err))
}

// stagingOf is the hidden folder in which the files of a target gather.
func stagingOf(target string) string { return hiddenBeside(target, atomicfile.TempSuffix) }

func hiddenBeside(target, suffix string) string {
	return filepath.Join(filepath.Dir(target), "."+filepath.Base(target)+suffix)
}

// LockPath is a hidden file beside the folder at path, for the writer of the folder to lock.
func LockPath(path string) (string, error) {
	target, err := Resolve(path)
	return lockOf(target), err
}

func lockOf(target string) string { return hiddenBeside(target, ".noo-lock") }

// HiddenPaths are the hidden places beside the folder at path that making it uses. Nothing else may
// be there.
func HiddenPaths(path string) ([]string, error) {
	target, err := Resolve(path)
	return []string{stagingOf(target), asideOf(target), lockOf(target)}, err
}

// recover puts right what a process left that was killed between two steps of exchangeByMoves:
// where nothing has the target's name, what had it gets it back.
func (f *Folder) recover() error {
	aside := asideOf(f.target)
	if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if _, err := os.Lstat(f.target); errors.Is(err, fs.ErrNotExist) {
		return os.Rename(aside, f.target)
	}
	return removeLeft(aside)
}

// removeLeft takes away something hidden that an earlier run left. The error names it: nobody would
// see it.
func removeLeft(hidden string) error {
	if err := access.RemoveTree(hidden); err != nil {
		return fmt.Errorf(
			"%s, which an earlier run left, cannot be removed (%w): remove it",
			hidden,
			atomicfile.Cause(err),
		)
	}
	return nil
}

// ResolveLinks gives the absolute path of a folder that need not be there, with links resolved.
func ResolveLinks(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	resolved, err := filepath.EvalSymlinks(absolute)
	if !errors.Is(err, fs.ErrNotExist) {
		return resolved, err
	}
	if _, err := os.Lstat(absolute); err == nil {
		return "", errors.New("it is a link to nothing")
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(absolute))
	if errors.Is(err, fs.ErrNotExist) {
		return "", atomicfile.MissingFolder(
			"the folder that it is to be in does not exist; make it first",
		)
	}
	return filepath.Join(parent, filepath.Base(absolute)), err
}

// Resolve gives the one name by which a folder that need not be there is known, whatever path leads
// to it.
func Resolve(path string) (string, error) {
	place, err := ResolveLinks(path)
	if err != nil {
		return "", fmt.Errorf("cannot write %s: %w", path, atomicfile.Cause(err))
	}
	return place, nil
}

// inspect makes sure that the target may be put there, in the place of what a run filled if replace
// says so.
func (f *Folder) inspect(replace bool) error {
	refuse := func(reason error) error { return fmt.Errorf("cannot write %s: it %w", f.path, reason) }
	info, err := os.Lstat(f.target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("cannot write %s: %w", f.path, atomicfile.Cause(err))
	case !info.IsDir():
		return refuse(ErrNotFolder)
	}
	f.access = access.Of(info)
	f.files = f.access.FilesBelow()
	if above, err := os.Stat(filepath.Dir(f.target)); err == nil && !sameDevice(info, above) ||
		atomicfile.MountRoot(f.target) {
		return refuse(ErrMountPoint)
	}
	entries, err := os.ReadDir(f.target)
	switch {
	case err != nil:
		return fmt.Errorf("cannot write %s: %w", f.path, atomicfile.Cause(err))
	case len(entries) == 0:
		return nil
	case !replace:
		return refuse(atomicfile.ErrExists)
	}
	f.stands = true
	marked, err := readMarker(f.target)
	if err != nil {
		return refuse(ErrForeign)
	}
	if info, err := os.Lstat(filepath.Join(f.target, Marker)); err == nil {
		f.files = access.Of(info).Within(f.access)
		f.files.Mode |= 0o600
	}
	files, err := listFiles(f.target)
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", f.path, atomicfile.Cause(err))
	}
	delete(files, Marker)
	for _, m := range marked.Files {
		delete(files, m.Name)
	}
	if len(files) > 0 {
		return refuse(ErrForeign)
	}
	return nil
}

// listFiles lists everything below folder that is not a folder, by paths with slashes.
func listFiles(folder string) (map[string]fs.FileInfo, error) {
	files := map[string]fs.FileInfo{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(name)], err = entry.Info()
		return err
	})
	return files, err
}

func readMarker(folder string) (*marker, error) {
	text, err := os.ReadFile(filepath.Join(folder, Marker))
	if err != nil {
		return nil, err
	}
	m := new(marker)
	if err := json.Unmarshal(text, m); err != nil {
		return nil, err
	}
	if m.Schema != markerSchema {
		return nil, errors.New("not a marker of this program")
	}
	return m, nil
}

// Path is where a file of the folder is written while the folder is in the making. name has
// slashes. Folders on the way are made.
func (f *Folder) Path(name string) (string, error) {
	path := filepath.Join(f.staging, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("cannot write %s in %s: %w", name, f.path, atomicfile.Cause(err))
	}
	return path, nil
}

// Standing is where a file is, or would be, in the folder that has the target's name now.
func (f *Folder) Standing(name string) string {
	return filepath.Join(f.target, filepath.FromSlash(name))
}

// RemoveExcept takes everything away that an earlier attempt left in the folder, but the regular
// files with these names.
func (f *Folder) RemoveExcept(names map[string]bool) error {
	if err := f.keep(names); err != nil {
		return fmt.Errorf(
			"cannot write %s: %s, which an earlier run left, cannot be tidied (%w): remove it",
			f.path,
			f.staging,
			atomicfile.Cause(err),
		)
	}
	return nil
}

func (f *Folder) keep(names map[string]bool) error {
	files, err := listFiles(f.staging)
	for name, info := range files {
		if err == nil && !(names[name] && info.Mode().IsRegular()) {
			err = os.Remove(filepath.Join(f.staging, filepath.FromSlash(name)))
		}
	}
	if err == nil {
		_, err = dropEmptyFolders(f.staging)
	}
	return err
}

// Exists reports whether there was something at the target when the folder was started that
// PublishAll would have to replace.
func (f *Folder) Exists() bool { return f != nil && f.stands }

// Replaces reports whether PublishAll may replace what exists.
func (f *Folder) Replaces() bool { return f.replace }

// Matches reports whether the target exists and holds exactly the regular files with these names
// and sizes in bytes, and the marker that Seal writes for them.
func (f *Folder) Matches(sizes map[string]int64) bool {
	marked, err := os.ReadFile(filepath.Join(f.target, Marker))
	if err != nil {
		return false
	}
	want, err := newMarker(sizes).text()
	return err == nil && bytes.Equal(marked, want) && f.holds(f.target, sizes, true) == nil
}

// errStrange is a folder in the making that somebody else has changed.
var errStrange = errors.New(
	"its files are not those that were written: something else changed them",
)

// holds makes sure that a folder has exactly the regular files with these names and sizes, and
// perhaps the marker.
func (f *Folder) holds(folder string, sizes map[string]int64, marked bool) error {
	files, err := listFiles(folder)
	if err != nil {
		return err
	}
	if marked {
		if info, ok := files[Marker]; !ok || !info.Mode().IsRegular() {
			return errStrange
		}
		delete(files, Marker)
	}
	if len(files) != len(sizes) {
		return errStrange // on a file system that tells less apart than the names do, too
	}
	for name, info := range files {
		if size, ok := sizes[name]; !ok || !info.Mode().IsRegular() || info.Size() != size {
			return errStrange
		}
	}
	return nil
}

// Seal makes what was written durable and adds the marker, unless ctx ends first. The folder must
// hold the files with these names and sizes in bytes; what else an earlier attempt left in it is
// taken away.
func (f *Folder) Seal(ctx context.Context, sizes map[string]int64) error {
	err := f.seal(ctx, sizes)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return fmt.Errorf("writing %s: %w", f.path, atomicfile.Cause(err))
	}
	return nil
}

func (f *Folder) seal(ctx context.Context, sizes map[string]int64) error {
	names := make(map[string]bool, len(sizes))
	for name := range sizes {
		names[name] = true
	}
	m := newMarker(sizes)
	if err := f.keep(names); err != nil {
		return err
	}
	if err := f.holds(f.staging, sizes, false); err != nil {
		return err
	}
	if err := f.syncFiles(ctx, m.Files); err != nil {
		return err
	}
	file, err := atomicfile.Create(filepath.Join(f.staging, Marker), true)
	if err != nil {
		return err
	}
	defer file.Discard()
	text, err := m.text()
	if err != nil {
		return err
	}
	if _, err := file.Write(text); err != nil {
		return err
	}
	if err := atomicfile.Commit(file); err != nil {
		return err
	}
	folders, err := dropEmptyFolders(f.staging)
	if err != nil {
		return err
	}
	if err := f.files.Give(file.Target); err != nil {
		return err
	}
	below := f.access.FoldersOf(f.files)
	for _, folder := range folders {
		if err := ctx.Err(); err != nil {
			return err
		}
		given := below
		if folder == f.staging {
			given = f.access
		}
		if err := given.Give(folder); err != nil {
			return err
		}
		if err := atomicfile.SyncFolder(folder); err != nil {
			return err
		}
	}
	return nil
}

// syncs is how many files are synced at a time: the file system makes one step of what is asked for
// at once, where each by itself would wait for the disk.
const syncs = 16

// syncFiles gives files of the folder their permissions and syncs them, until ctx ends.
func (f *Folder) syncFiles(ctx context.Context, files []markedFile) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(syncs)
	for _, file := range files {
		if ctx.Err() != nil {
			break // Wait says why, or the context that was given does
		}
		group.Go(func() error {
			path := filepath.Join(f.staging, filepath.FromSlash(file.Name))
			if err := f.files.Give(path); err != nil {
				return err
			}
			return atomicfile.SyncFile(path)
		})
	}
	return group.Wait()
}

// dropEmptyFolders takes folders below top without files away, and returns the others and top, what
// is below first.
func dropEmptyFolders(top string) (others []string, err error) {
	var folders []string
	err = filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			folders = append(folders, path)
		}
		return err
	})
	for _, folder := range slices.Backward(folders) {
		if folder == top || syscall.Rmdir(folder) != nil { // which only an empty one lets happen
			others = append(others, folder)
		}
	}
	return others, err
}

// publish gives a sealed folder its name. What it replaces is kept aside until RemoveReplaced, so
// that withdraw can put it back.
func (f *Folder) publish() error {
	if err := f.inspect(f.replace); err != nil {
		return err
	}
	if err := f.rename(); err != nil {
		return f.unnamed(err)
	}
	return nil
}

func (f *Folder) rename() error {
	err := syscall.Rmdir(f.target) // an empty one makes room
	switch {
	case err == nil || errors.Is(err, fs.ErrNotExist):
		err = os.Rename(f.staging, f.target)
	default:
		if err = exchange(f.staging, f.target); err == nil {
			f.existed = true
		}
	}
	if err != nil {
		return err
	}
	f.finished = true
	return atomicfile.SyncFolder(filepath.Dir(f.target))
}

// asideOf is where exchangeByMoves puts what is at the target, for a moment. No other target
// has anything of this name.
func asideOf(target string) string { return hiddenBeside(target, ".noo-aside") }

// exchangeByMoves swaps a folder in the making, a, and its target, b, in three renames, for systems
// that cannot do it in one. Between the first and the second there is nothing under the name b.
func exchangeByMoves(a, b string) error {
	aside := asideOf(b)
	if err := removeLeft(aside); err != nil {
		return err
	}
	if err := os.Rename(b, aside); err != nil {
		return err
	}
	if err := os.Rename(a, b); err != nil {
		return errors.Join(err, os.Rename(aside, b))
	}
	return os.Rename(aside, a)
}

// PublishAll publishes sealed folders in the order given, or none of them. The one that readers
// wait for belongs last. What they replace is kept aside until RemoveReplaced.
func PublishAll(folders []*Folder) error {
	for i, f := range folders {
		if err := f.publish(); err != nil {
			for _, published := range slices.Backward(folders[:i]) {
				err = errors.Join(err, published.withdraw())
			}
			return err
		}
	}
	return nil
}

// withdraw undoes Publish.
func (f *Folder) withdraw() error {
	if !f.finished {
		return nil
	}
	f.finished = false
	if !f.existed {
		return os.Rename(f.target, f.staging)
	}
	f.existed = false
	return exchange(f.staging, f.target)
}

// RemoveReplaced takes away what a published folder has replaced. An error says where what is left
// of it is hidden.
func (f *Folder) RemoveReplaced() error {
	if f == nil || !f.existed {
		return nil
	}
	if err := access.RemoveTree(f.staging); err != nil {
		return fmt.Errorf(
			"%s holds what %s replaced and cannot be removed (%w): remove it",
			f.staging,
			f.path,
			atomicfile.Cause(err),
		)
	}
	f.existed = false
	return nil
}

// Discard drops an unpublished folder, and does nothing after PublishAll: it may be deferred. An
// error says where what is left of it is hidden.
func (f *Folder) Discard() error {
	if f == nil || f.finished {
		return nil
	}
	if err := access.RemoveTree(f.staging); err != nil {
		return fmt.Errorf(
			"%s holds what was to be %s and cannot be removed (%w): remove it",
			f.staging,
			f.path,
			atomicfile.Cause(err),
		)
	}
	return nil
}

// DiscardEmpty drops an unpublished folder in which there is no file, and leaves any other to a
// later attempt.
func (f *Folder) DiscardEmpty() {
	if f == nil || f.finished {
		return
	}
	if _, err := dropEmptyFolders(f.staging); err == nil {
		_ = syscall.Rmdir(f.staging) // which only an empty one lets happen
	}
}
