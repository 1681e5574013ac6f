// Package relay passes the datasets in one MESH folder on to another, each exactly once. It knows
// the messages and their files. What is done with a dataset on its way is a function.
//
// Open takes the two folders. Look says which datasets have arrived, Deliver passes one on, and
// Refuse puts one into the folder of errors.
//
// # Exactly once
//
// The MESH client takes a message out of the outgoing folder as soon as it has a control file. So
// what is there says nothing about what was sent. All depends on one step: the control file moves
// from the state folder to the outgoing folder by a rename. A message with the key K goes this way,
// and each step is durable before the next:
//
//  1. The data is written to K.data in the state folder, complete or not at all.
//  2. K.control, its control file, is written.
//  3. K.sent, which says that it was sent, is written. It is not true yet.
//  4. K.data moves to the outgoing folder.
//  5. K.control moves to the outgoing folder. Now it is sent.
//  6. The data, and then the control file, are removed from the incoming folder.
//
// Where the process is killed, the next finds out by two files how far it came. K.control says that
// the message was not sent: all of K is removed, and it is done anew, with the snapshot of then.
// K.sent without K.control says that it was sent: then only step 6 is left. A key is the name that
// the service gave the message, so that a message which MESH delivers twice is sent once.
//
// The state folder is inside of the outgoing folder, because a rename works on one file system
// only.
package relay

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"noo/internal/atomicfile"
	"noo/internal/kind"
	"noo/internal/lockfile"
	"noo/mesh/control"
)

// Errors of this package.
var (
	// ErrBusy is a folder that another process works in.
	ErrBusy = errors.New("another process works in this folder: let it end")
	// ErrOtherFileSystem is a folder to which nothing can be moved from the incoming one.
	ErrOtherFileSystem = kind.New(kind.Usage, "is on another file system: name one on the same")
	// ErrReused is a message with the name of one that was sent, and with other data.
	ErrReused = kind.New(kind.Input, "another message with this id was filtered before")
	// ErrEncrypted is data that its sender encrypted.
	ErrEncrypted = kind.New(kind.Input, "the data is encrypted")
	// ErrFailed is a message whose own status tells of a failure.
	ErrFailed = kind.New(kind.Input, "its status tells of a failure")
	// ErrNotDelivered is a report that a message was not delivered.
	ErrNotDelivered = errors.New("MESH reports that a message was not delivered")
	// ErrChanged is a message that changed while it was worked on. It waits.
	ErrChanged = errors.New("the message changed while noo filtered it")
)

// NationalCheck is the workflow id of the national check. Its answers are no datasets, and stay
// where they are.
const NationalCheck = "SPINE_NTT_UPHOLDING"

// StateName is the name of the state folder.
const StateName = ".noo-mesh"

const (
	lockName = ".noo-mesh-filter.lock"
	// moveName is a file that is moved to find out whether it can be.
	moveName = ".noo-mesh-filter.move"
	// keptFor is how long it is remembered that a message was sent.
	keptFor = 366 * 24 * time.Hour
)

// Folders are the folders of a Relay.
type Folders struct {
	// In holds the messages that arrive, and Out takes those that are sent. Both must exist.
	In, Out string
	// Errors takes messages that were refused, each in a folder of its own with a reason, and
	// Reports takes the reports of the service. Both are on the file system of In. They are made
	// if their parents exist.
	Errors, Reports string
}

// Relay is two folders that no other Relay works in. It is not safe for concurrent use.
type Relay struct {
	Folders
	timing control.Timing
	state  string
	locks  []*lockfile.Lock
	looked bool // Look was called before
	// step is called after each step of a delivery. Tests look at the folders then, as a process
	// would find them if this one were killed.
	step func()
}

// Open takes the folders, and clears away what a process left that was killed. The error wraps
// ErrBusy, ErrOtherFileSystem, or is one of the file system. Close must be called.
func Open(ctx context.Context, folders Folders, timing control.Timing) (_ *Relay, err error) {
	r := &Relay{
		Folders: folders, timing: timing, state: filepath.Join(folders.Out, StateName),
		step: func() {},
	}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	for _, folder := range []string{r.In, r.Out} {
		if err := wantFolder(folder); err != nil {
			return nil, err
		}
	}
	for _, folder := range []string{r.state, r.Errors, r.Reports} {
		if err := makeFolder(folder); err != nil {
			return nil, err
		}
	}
	for _, folder := range []string{r.In, r.state} {
		if err := r.lock(folder); err != nil {
			return nil, err
		}
	}
	for _, folder := range []string{r.Errors, r.Reports} {
		if err := r.tryMove(folder); err != nil {
			return nil, err
		}
	}
	return r, errors.Join(context.Cause(ctx), r.clearState(), r.clearErrors())
}

// Close gives the folders up.
func (r *Relay) Close() {
	for _, lock := range r.locks {
		_ = lock.Release() // what cannot be released goes with the process
	}
	r.locks = nil
}

func wantFolder(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return kind.Wrap(kind.Usage, fmt.Errorf("the folder %s does not exist; make it first", path))
	case err != nil:
		return ioError("read", path, err)
	case !info.IsDir():
		return kind.Wrap(kind.Usage, fmt.Errorf("%s is not a folder", path))
	}
	return nil
}

// makeFolder makes a folder if it does not exist.
func makeFolder(path string) error {
	switch err := os.Mkdir(path, 0o700); {
	case err == nil:
		return ioError("make", path, atomicfile.SyncFolder(filepath.Dir(path)))
	case errors.Is(err, fs.ErrExist):
		return wantFolder(path)
	default:
		return ioError("make the folder", path, err)
	}
}

// ioError says what could not be done with a path, or is nil.
func ioError(do, path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot %s %s: %w", do, path, atomicfile.Cause(err))
}

func (r *Relay) lock(folder string) error {
	lock, err := lockfile.AcquireTemporary(filepath.Join(folder, lockName))
	if errors.Is(err, lockfile.ErrHeld) {
		return fmt.Errorf("%s: %w", strings.TrimSuffix(folder, StateName), ErrBusy)
	}
	if err != nil {
		return err
	}
	r.locks = append(r.locks, lock)
	return nil
}

// tryMove makes sure that messages can be moved to a folder.
func (r *Relay) tryMove(folder string) error {
	from, to := filepath.Join(r.In, moveName), filepath.Join(folder, moveName)
	if err := os.WriteFile(from, nil, 0o600); err != nil {
		return ioError("write to the folder", r.In, err)
	}
	if err := os.Rename(from, to); err != nil {
		os.Remove(from)
		if errors.Is(err, fs.ErrPermission) {
			return ioError("write to the folder", folder, err)
		}
		return fmt.Errorf("%s %w as %s", folder, ErrOtherFileSystem, r.In)
	}
	return ioError("write to the folder", folder, os.Remove(to))
}

// Dataset is a message with data that is to be filtered.
type Dataset struct {
	control.Pair
	key key
}

// Handled is a message that needs nothing more.
type Handled struct {
	// Name is the name of the message, and Place is where it is now: of one that was delivered, the
	// data that is to be sent. It is "" for a message that is gone.
	Name, Place string
	// Repeated says that the message had been sent before.
	Repeated bool
	// Event is the event of a report, such as COLLECT, or "".
	Event string
	// Err says why the message was refused.
	Err error
}

// Arrivals is what there is in the incoming folder.
type Arrivals struct {
	// Datasets are to be delivered or refused. They are sorted by name.
	Datasets []Dataset
	// Handled are messages that Look took out of the folder.
	Handled []Handled
	// Waiting names the messages that are not complete.
	Waiting []string
	// Stuck are messages that stay where they are because of an error of the file system.
	Stuck []Handled
}

// Look says what has arrived. It moves reports away, refuses what is no dataset, and removes what
// was sent already. Messages of the NationalCheck stay, and Look says nothing of them. An error is
// one of the file system, or the cause for which ctx ended.
func (r *Relay) Look(ctx context.Context) (*Arrivals, error) {
	found, err := control.Pairs(ctx, r.In, r.timing)
	if err != nil {
		return nil, err
	}
	arrivals := &Arrivals{Waiting: found.Waiting}
	for _, broken := range found.Broken {
		reason := fmt.Errorf("%s: %w", broken.Name, broken.Err)
		arrivals.add(r.refuse(broken.Name, broken.Files, nameKey(broken.Name), reason))
	}
	for _, pair := range found.Lone {
		if err := r.finishRemoval(pair); err != nil {
			arrivals.add(Handled{Name: pair.Name}, err)
		}
	}
	for _, pair := range found.Pairs {
		r.sort(ctx, pair, arrivals)
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
	}
	r.looked = true
	return arrivals, nil
}

// add adds a message that was dealt with, or could not be because of an error.
func (a *Arrivals) add(handled Handled, err error) {
	switch {
	case errors.Is(err, ErrChanged):
		a.Waiting = append(a.Waiting, handled.Name)
	case err != nil:
		handled.Err = err
		a.Stuck = append(a.Stuck, handled)
	default:
		a.Handled = append(a.Handled, handled)
	}
}

// sort puts a message where it belongs.
func (r *Relay) sort(ctx context.Context, pair control.Pair, arrivals *Arrivals) {
	if pair.Control.WorkflowID == NationalCheck {
		return
	}
	d := Dataset{Pair: pair, key: keyOf(&pair)}
	switch sent, err := r.sent(d.key); {
	case err != nil:
		arrivals.add(Handled{Name: d.Name}, err)
	case pair.Control.Type == control.Report:
		arrivals.add(r.report(d))
	case sent != nil:
		arrivals.add(r.again(ctx, d, sent))
	case pair.Control.Encrypted:
		arrivals.add(r.Refuse(d, fmt.Errorf("%s: %w", pair.Name, ErrEncrypted)))
	case pair.Control.Status != nil && !pair.Control.Status.Succeeded():
		arrivals.add(r.Refuse(d, fmt.Errorf("%s: %w", pair.Name, ErrFailed)))
	default:
		arrivals.Datasets = append(arrivals.Datasets, d)
	}
}

// report moves a report away: into the folder of errors if it tells of a failure.
func (r *Relay) report(d Dataset) (Handled, error) {
	switch control.Classify(d.Control, nil) {
	case control.Failure:
		return r.Refuse(d, fmt.Errorf("%s: %w", d.Name, ErrNotDelivered))
	case control.Unknown:
		return r.Refuse(d, fmt.Errorf("%s: %w", d.Name, control.ErrMalformed))
	}
	handled := Handled{Name: d.Name, Event: d.Control.Status.Event}
	name := d.Name
	for n := 2; exists(filepath.Join(r.Reports, name+".dat")) ||
		exists(filepath.Join(r.Reports, name+".ctl")); n++ {
		name = fmt.Sprintf("%s-%d", d.Name, n)
	}
	handled.Place = filepath.Join(r.Reports, name+".ctl")
	if d.Data != "" {
		if err := r.move(d.Data, filepath.Join(r.Reports, name+".dat")); err != nil {
			return handled, err
		}
	}
	return handled, r.move(d.ControlFile, handled.Place)
}

// move moves a file out of the incoming folder.
func (r *Relay) move(name, to string) error {
	from := filepath.Join(r.In, name)
	if err := os.Rename(from, to); err != nil {
		return ioError("move", from, err)
	}
	return ioError("move", from, errors.Join(
		atomicfile.SyncFolder(filepath.Dir(to)), atomicfile.SyncFolder(r.In)))
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// remove removes a message that was sent from the incoming folder, its data first: by a control
// file alone it is known that the message was sent.
func (r *Relay) remove(pair control.Pair) error {
	for _, name := range []string{pair.Data, pair.ControlFile} {
		if name == "" {
			continue
		}
		path := filepath.Join(r.In, name)
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return ioError("remove", path, err)
		}
		if err := atomicfile.SyncFolder(r.In); err != nil {
			return ioError("remove", path, err)
		}
		r.step()
	}
	return nil
}

// finishRemoval removes a control file that was left when the data of a message was removed: in the
// first look, since a process was killed then; later, only one that is not about to get data.
func (r *Relay) finishRemoval(pair control.Pair) error {
	if r.looked && time.Since(pair.ControlTime()) < r.timing.Patience {
		return nil
	}
	sent, err := r.sent(keyOf(&pair))
	if err != nil || sent == nil || sent.Name != string(nameKey(pair.Name)) {
		return err
	}
	return r.remove(pair)
}

// again deals with a message that was sent already: it is removed if it has the same data.
func (r *Relay) again(ctx context.Context, d Dataset, sent *record) (Handled, error) {
	handled := Handled{Name: d.Name, Repeated: true}
	digest, err := digestOf(ctx, filepath.Join(r.In, d.Data))
	if err != nil {
		return handled, err
	}
	if digest != sent.SHA256 {
		return r.Refuse(d, fmt.Errorf("%s: %w", d.Name, ErrReused))
	}
	if !d.Unchanged(r.In) {
		return handled, fmt.Errorf("%s: %w", d.Name, ErrChanged)
	}
	if name := string(nameKey(d.Name)); sent.Name != name { // what a kill leaves has this name
		if err := r.record(d.key, record{Name: name, SHA256: digest}); err != nil {
			return handled, err
		}
	}
	return handled, r.remove(d.Pair)
}
