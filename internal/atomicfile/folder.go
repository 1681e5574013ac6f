package atomicfile

// Folders that are whole or not there, for runs over many files. A reader of the target never sees half a run: files
// gather in a hidden folder beside it, which gets the target's name in one step when all of them are there.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"
)

// Marker is the file in a folder that says that the folder is whole, by the convention of Hadoop and Spark, whose
// readers pass over it. Here it lists the files as well.
const Marker = "_SUCCESS"

// markerSchema names the form of the marker.
const markerSchema = "noo/folder/v1"

// Errors about folders.
var (
	// ErrForeign is a folder that cannot be replaced as a whole since not all in it was written by a run.
	ErrForeign = errors.New("holds files that noo did not write there: move them away, or name another folder")
	// ErrNotFolder is a target for a folder that is something else.
	ErrNotFolder = errors.New("is not a folder")
	// ErrMountPoint is a target that cannot be given its name in one step, since another file system begins there.
	ErrMountPoint = errors.New("is where another file system is mounted: name a folder inside it")
	// ErrNotApart is a folder that is written and lies in one that is read, or the other way round.
	ErrNotApart = errors.New("lies in or around something else that is read or written: name another place")
)

// marker is the content of the marker file: what the folder holds. It has nothing of the inputs, not even a digest: from
// the digest of a small input, one who has the output could work out by trial what was removed.
type marker struct {
	Schema string       `json:"schema"`
	Files  []markedFile `json:"files"`
}

// markedFile is a file by its path below the folder, with slashes, and its size in bytes.
type markedFile struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// Folder is a folder in the making. Files are written below Path; Seal and PublishAll give it its name.
type Folder struct {
	path     string // as the caller named it, for messages
	target   string // absolute, with links resolved
	staging  string
	replace  bool
	stands   bool // the target was there, and not empty
	existed  bool // something was replaced, and stands in staging until forget or withdraw
	mode     fs.FileMode
	finished bool // nothing is left to discard
}

// CreateFolder starts a folder that PublishAll will put at path, where there may be an empty folder already and, with
// replace, one that a run of this program filled; anything else there is refused with ErrExists, ErrForeign or
// ErrNotFolder, now and once more when it is published. With keep, what an earlier attempt left unfinished stays, for
// the caller to look at; otherwise the folder starts empty. The folder above path must exist. One process at a time
// may make the folder: the caller holds a lock.
func CreateFolder(path string, replace, keep bool) (*Folder, error) {
	target, err := resolveFolder(path)
	if err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", path, Cause(err))
	}
	f := &Folder{path: path, target: target, replace: replace, mode: 0o700}
	f.staging = filepath.Join(filepath.Dir(target), "."+filepath.Base(target)+TempSuffix)
	if err := f.inspect(); err != nil {
		return nil, err
	}
	if !keep {
		err = os.RemoveAll(f.staging)
	}
	if err == nil {
		err = os.Mkdir(f.staging, 0o700)
		if keep && errors.Is(err, fs.ErrExist) {
			err = nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", path, Cause(err))
	}
	return f, nil
}

// resolveFolder gives the absolute path of a folder that need not be there, with links resolved.
func resolveFolder(path string) (string, error) {
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
		return "", fmt.Errorf("the folder that it is to be in does not exist; make it first: %w", fs.ErrNotExist)
	}
	return filepath.Join(parent, filepath.Base(absolute)), err
}

// FolderPlace gives the one name by which a folder that need not be there is known, whatever path leads to it.
func FolderPlace(path string) (string, error) {
	place, err := resolveFolder(path)
	if err != nil {
		return "", fmt.Errorf("cannot write %s: %w", path, Cause(err))
	}
	return place, nil
}

// inspect makes sure that the target may be put there.
func (f *Folder) inspect() error {
	refuse := func(reason error) error { return fmt.Errorf("cannot write %s: it %w", f.path, reason) }
	info, err := os.Lstat(f.target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("cannot write %s: %w", f.path, Cause(err))
	case !info.IsDir():
		return refuse(ErrNotFolder)
	}
	f.mode = info.Mode().Perm()
	if above, err := os.Stat(filepath.Dir(f.target)); err == nil && !sameDevice(info, above) {
		return refuse(ErrMountPoint)
	}
	entries, err := os.ReadDir(f.target)
	switch {
	case err != nil:
		return fmt.Errorf("cannot write %s: %w", f.path, Cause(err))
	case len(entries) == 0:
		return nil
	case !f.replace:
		return refuse(ErrExists)
	}
	f.stands = true
	marked, err := readMarker(f.target)
	if err != nil {
		return refuse(ErrForeign)
	}
	files, err := listFiles(f.target)
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", f.path, Cause(err))
	}
	for _, name := range files {
		if name != Marker && !slices.ContainsFunc(marked.Files, func(m markedFile) bool { return m.Name == name }) {
			return refuse(ErrForeign)
		}
	}
	return nil
}

// listFiles lists everything below folder that is not a folder, by paths with slashes, sorted.
func listFiles(folder string) (files []string, err error) {
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		files = append(files, filepath.ToSlash(name))
		return err
	})
	slices.Sort(files)
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

// Path is where a file of the folder is written while the folder is in the making. name has slashes. Folders on the
// way are made.
func (f *Folder) Path(name string) (string, error) {
	path := filepath.Join(f.staging, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("cannot write %s in %s: %w", name, f.path, Cause(err))
	}
	return path, nil
}

// Standing is where a file stands, or would, in the folder that has the target's name now.
func (f *Folder) Standing(name string) string {
	return filepath.Join(f.target, filepath.FromSlash(name))
}

// Keep takes everything away that an earlier attempt left in the folder, but the files with these names.
func (f *Folder) Keep(names map[string]bool) error {
	files, err := listFiles(f.staging)
	for _, name := range files {
		if err == nil && !names[name] {
			err = os.Remove(filepath.Join(f.staging, filepath.FromSlash(name)))
		}
	}
	if err != nil {
		return fmt.Errorf("cannot tidy what was left of %s: %w", f.path, Cause(err))
	}
	return nil
}

// Stands tells whether there was something at the target when the folder was started that PublishAll would have to replace.
func (f *Folder) Stands() bool { return f != nil && f.stands }

// IsWhole tells whether the target stands and holds exactly the files with these names.
func (f *Folder) IsWhole(names []string) bool {
	files, err := listFiles(f.target)
	if err != nil {
		return false
	}
	marked, err := readMarker(f.target)
	if err != nil || len(marked.Files) != len(names) {
		return false
	}
	want := append(slices.Clone(names), Marker)
	slices.Sort(want)
	return slices.Equal(files, want)
}

// Seal makes what was written durable and adds the marker. The folder must hold exactly the files with these names.
func (f *Folder) Seal(names []string) error {
	if err := f.seal(names); err != nil {
		return fmt.Errorf("writing %s: %w", f.path, Cause(err))
	}
	return nil
}

func (f *Folder) seal(names []string) error {
	if err := f.Keep(nameSet(names)); err != nil {
		return err
	}
	if err := f.syncFiles(names); err != nil {
		return err
	}
	m := marker{Schema: markerSchema}
	for _, name := range slices.Sorted(slices.Values(names)) {
		info, err := os.Lstat(filepath.Join(f.staging, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		m.Files = append(m.Files, markedFile{name, info.Size()})
	}
	file, err := Create(filepath.Join(f.staging, Marker), true)
	if err != nil {
		return err
	}
	defer file.Discard()
	encoder := json.NewEncoder(file)
	encoder.SetIndent("", " ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(m); err != nil {
		return err
	}
	if err := Commit(file); err != nil {
		return err
	}
	if err := f.dropEmptyFolders(); err != nil {
		return err
	}
	return os.Chmod(f.staging, f.mode)
}

// syncs is how many files are synced at a time: the file system makes one step of what is asked for at once, where each by
// itself would wait for the disk.
const syncs = 16

// syncFiles syncs the files with these names.
func (f *Folder) syncFiles(names []string) error {
	var group errgroup.Group
	group.SetLimit(syncs)
	for _, name := range names {
		group.Go(func() error { return syncFile(filepath.Join(f.staging, filepath.FromSlash(name))) })
	}
	return group.Wait()
}

func nameSet(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// dropEmptyFolders takes folders without files away, which an earlier attempt may have left, and syncs the others.
func (f *Folder) dropEmptyFolders() error {
	var folders []string
	err := filepath.WalkDir(f.staging, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			folders = append(folders, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, folder := range slices.Backward(folders) { // what is below first
		if folder != f.staging && os.Remove(folder) == nil { // which only an empty one lets happen
			continue
		}
		if err := syncFolder(folder); err != nil {
			return err
		}
	}
	return nil
}

// publish gives a sealed folder its name. What it replaces is kept aside until forget, so that withdraw can put it back.
func (f *Folder) publish() error {
	if err := f.inspect(); err != nil {
		return err
	}
	if err := f.rename(); err != nil {
		return fmt.Errorf("cannot write %s: %w", f.path, Cause(err))
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
	return syncFolder(filepath.Dir(f.target))
}

// exchangeByMoves swaps two folders in three renames, for systems that cannot do it in one. Between the first and the
// second there is nothing under the name b.
func exchangeByMoves(a, b string) error {
	aside := strings.TrimSuffix(a, TempSuffix) + ".old" + TempSuffix
	if err := os.RemoveAll(aside); err != nil {
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

// PublishAll publishes sealed folders in the order given, or none of them. The one that readers wait for belongs last.
func PublishAll(folders []*Folder) error {
	for i, f := range folders {
		if err := f.publish(); err != nil {
			for _, published := range slices.Backward(folders[:i]) {
				err = errors.Join(err, published.withdraw())
			}
			return err
		}
	}
	for _, f := range folders {
		f.forget()
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

// forget takes away what a published folder has replaced.
func (f *Folder) forget() {
	if f.existed {
		os.RemoveAll(f.staging)
		f.existed = false
	}
}

// Discard drops an unpublished folder, and does nothing after PublishAll: it may be deferred.
func (f *Folder) Discard() {
	if f != nil && !f.finished {
		os.RemoveAll(f.staging)
	}
}

// Inside tells whether path is folder or lies in it, through whatever links. Neither need be there.
func Inside(path, folder string) bool {
	inner, err := resolveFolder(path)
	if err != nil {
		inner = PlaceOf(path).path
	}
	outer, err := resolveFolder(folder)
	if err != nil {
		outer = PlaceOf(folder).path
	}
	info, _ := os.Stat(outer)
	for {
		p := Place{path: inner}
		if at, err := os.Stat(inner); err == nil {
			p.info = at
		}
		if p.same(Place{path: outer, info: info}) {
			return true
		}
		up := filepath.Dir(inner)
		if up == inner {
			return false
		}
		inner = up
	}
}
