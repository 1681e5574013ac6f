package control

// The pairs in a folder that a MESH client, or another program, is still writing to.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"noo/internal/atomicfile"
	"noo/internal/kind"
	"noo/internal/steadyfile"
)

// Errors that a Broken pair wraps, beside ErrMalformed.
var (
	// ErrAmbiguous is a pair with two data files or two control files, as NAME.dat and NAME.DAT.
	ErrAmbiguous = kind.New(kind.Input, "has two files of one kind: NAME.dat and NAME.DAT, or so")
	// ErrNotRegular is a link, a folder or a device in place of a file.
	ErrNotRegular = kind.New(kind.Input, "is not a regular file")
)

// Timing says how long to wait for who writes a folder.
type Timing struct {
	// Settle is how long the files of a pair must not change before it counts as complete.
	Settle time.Duration
	// DataLast is how old data must be that was written after its control file. The MESH client
	// writes the control file last, so that it says that the data is complete. Where it came first,
	// nothing says so: a writer may pause in the middle of the data.
	DataLast time.Duration
	// Patience is how old a control file that cannot be read, or data without a byte, must be
	// before nobody is writing it any more.
	Patience time.Duration
}

// DefaultTiming is right for folders on a local disk or a share.
var DefaultTiming = Timing{
	Settle: 2 * time.Second, DataLast: 30 * time.Second, Patience: 2 * time.Minute,
}

// Pair is one complete message in a folder.
type Pair struct {
	// Name is what the names of both files share.
	Name string
	// Data is the name of the data file, "" for a report that has none.
	Data string
	// ControlFile is the name of the control file.
	ControlFile string
	// Bytes is the size of the data.
	Bytes int64
	// Control is what the control file says.
	Control *Control

	looked []fs.FileInfo // its files, as they were
}

// Unchanged reports whether the files of the pair, in its folder, are still what they were when
// Pairs found them.
func (p *Pair) Unchanged(dir string) bool {
	for _, before := range p.looked {
		now, err := os.Lstat(filepath.Join(dir, before.Name()))
		if err != nil || !sameFile(now, before) {
			return false
		}
	}
	return true
}

// ControlTime is when the control file was last written.
func (p *Pair) ControlTime() time.Time { return p.looked[len(p.looked)-1].ModTime() }

// Broken is a message that will not become complete.
type Broken struct {
	// Name is what the names of its files share.
	Name string
	// Files are the names of its files.
	Files []string
	// Err says why, without values. It wraps ErrMalformed, ErrAmbiguous or ErrNotRegular.
	Err error
}

// Found is what there is in a folder. Each list is sorted by name.
type Found struct {
	Pairs  []Pair
	Broken []Broken
	// Waiting names the messages that are not complete: a file is missing, still written, or cannot
	// be read yet.
	Waiting []string
	// Lone are those of Waiting whose control file can be read, and whose data is not there.
	Lone []Pair
}

// Pairs looks for messages in a folder, but not in the folders below it. Suffixes may be in any
// case. Names that begin with a dot are hidden, and are ignored, as is everything that is neither
// .dat nor .ctl.
//
// A message is complete if its control file can be read, its data is there, and neither changed
// between two looks, Settle apart. Data that was written after the control file must be as old as
// DataLast too. A report may be without data. A control file that cannot be read, and data without
// a byte, wait for Patience: somebody may still be writing them. Then such a control file is
// Broken, and such data is empty. A file whose partner is missing waits without an end.
//
// An error says that the folder cannot be read, or is the cause for which ctx ended.
func Pairs(ctx context.Context, dir string, timing Timing) (*Found, error) {
	before, err := look(dir)
	if err != nil {
		return nil, err
	}
	found := new(Found)
	if !slices.ContainsFunc(before, group.mayBeComplete) {
		for _, g := range before {
			found.Waiting = append(found.Waiting, g.name)
		}
		return found, nil
	}
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-time.After(timing.Settle):
	}
	after, err := look(dir)
	if err != nil {
		return nil, err
	}
	for _, g := range after {
		at, known := slices.BinarySearchFunc(before, g.name, func(g group, name string) int {
			return cmp.Compare(g.name, name)
		})
		if known && g.same(before[at]) {
			found.add(dir, g, timing)
		} else {
			found.Waiting = append(found.Waiting, g.name)
		}
	}
	return found, nil
}

// group is the files that share a name.
type group struct {
	name           string
	data, controls []fs.FileInfo
}

// look lists the groups of a folder by name.
func look(dir string) ([]group, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read the folder %s: %w", dir, atomicfile.Cause(err))
	}
	byName := map[string]*group{}
	for _, entry := range entries {
		suffix := filepath.Ext(entry.Name())
		isData, isControl := strings.EqualFold(suffix, ".dat"), strings.EqualFold(suffix, ".ctl")
		if strings.HasPrefix(entry.Name(), ".") || !isData && !isControl {
			continue
		}
		info, err := entry.Info() // as Lstat: a link is a link
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read the folder %s: %w", dir, atomicfile.Cause(err))
		}
		name := strings.TrimSuffix(entry.Name(), suffix)
		g := byName[name]
		if g == nil {
			g = &group{name: name}
			byName[name] = g
		}
		if isData {
			g.data = append(g.data, info)
		} else {
			g.controls = append(g.controls, info)
		}
	}
	groups := make([]group, 0, len(byName))
	for _, g := range byName {
		groups = append(groups, *g)
	}
	slices.SortFunc(groups, func(a, b group) int { return cmp.Compare(a.name, b.name) })
	return groups, nil
}

// mayBeComplete reports whether waiting can make anything of the group.
func (g group) mayBeComplete() bool {
	return len(g.controls) > 0 || len(g.data) > 1 || !g.regular()
}

func (g group) files() []fs.FileInfo { return slices.Concat(g.data, g.controls) }

// dataLast reports whether the data was written after the control file.
func (g group) dataLast() bool {
	return len(g.data) > 0 && g.data[0].ModTime().After(g.controls[0].ModTime())
}

func (g group) regular() bool {
	irregular := func(f fs.FileInfo) bool { return !f.Mode().IsRegular() }
	return !slices.ContainsFunc(g.files(), irregular)
}

// same reports whether a later look at a group saw the same files, unchanged.
func (g group) same(before group) bool {
	return slices.EqualFunc(g.files(), before.files(), func(a, b fs.FileInfo) bool {
		return a.Name() == b.Name() && sameFile(a, b)
	})
}

// sameFile reports whether two looks saw the same file, unchanged.
func sameFile(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Mode() == b.Mode() &&
		a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// add adds a group that did not change for a while.
func (f *Found) add(dir string, g group, timing Timing) {
	old := func(info fs.FileInfo) bool { return time.Since(info.ModTime()) >= timing.Patience }
	switch {
	case !g.regular():
		f.addBroken(g, ErrNotRegular)
		return
	case len(g.controls) > 1 || len(g.data) > 1:
		f.addBroken(g, ErrAmbiguous)
		return
	case len(g.controls) == 0:
		f.Waiting = append(f.Waiting, g.name)
		return
	}
	controlFile := g.controls[0]
	c, err := readSteady(filepath.Join(dir, controlFile.Name()), controlFile)
	if errors.Is(err, ErrMalformed) && old(controlFile) {
		f.addBroken(g, err)
		return
	}
	pair := Pair{Name: g.name, ControlFile: controlFile.Name(), Control: c, looked: g.files()}
	switch {
	case err == nil && c.Type == Data && len(g.data) == 0:
		f.Lone = append(f.Lone, pair)
		f.Waiting = append(f.Waiting, g.name)
		return
	case err != nil, c.Type == Data && g.data[0].Size() == 0 && !old(g.data[0]),
		g.dataLast() && time.Since(g.data[0].ModTime()) < timing.DataLast:
		f.Waiting = append(f.Waiting, g.name)
		return
	case len(g.data) == 1:
		pair.Data, pair.Bytes = g.data[0].Name(), g.data[0].Size()
	}
	f.Pairs = append(f.Pairs, pair)
}

func (f *Found) addBroken(g group, err error) {
	var files []string
	for _, file := range g.files() {
		files = append(files, file.Name())
	}
	f.Broken = append(f.Broken, Broken{Name: g.name, Files: files, Err: err})
}

// ReadFile reads the control file at a path, which must be a regular file. The errors are those of
// Read, ErrNotRegular, steadyfile.ErrChanged, or of the file system.
func ReadFile(path string) (*Control, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, atomicfile.Cause(err))
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s %w", path, ErrNotRegular)
	}
	c, err := readSteady(path, info)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, atomicfile.Cause(err))
	}
	return c, nil
}

// readSteady reads a control file that is still the file that was looked at.
func readSteady(path string, looked fs.FileInfo) (*Control, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	mark, err := steadyfile.Take(file)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || !os.SameFile(info, looked) {
		return nil, errors.Join(steadyfile.ErrChanged, err)
	}
	if mark.Size() > MaxBytes {
		return nil, malformed("it has more than %d bytes", MaxBytes)
	}
	c, err := Read(file)
	if err != nil {
		return nil, err
	}
	return c, mark.Check(mark.Size())
}
