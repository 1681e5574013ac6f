// Package lockfile keeps two runs from overlapping. The lock is the operating system's and on an
// open file: it is gone when its process is, however that ended, so that a killed run is never
// in the way of the next. The file stays, is never written to, and says nothing by being there.
package lockfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/gofrs/flock"

	"noo/internal/atomicfile"
)

// ErrHeld is a lock that another process has.
var ErrHeld = errors.New("another run holds the lock")

// retry is how often a lock that another process has is tried again.
const retry = 100 * time.Millisecond

// Lock is a lock that this process has.
type Lock struct {
	flock  *flock.Flock
	passes bool // the file goes with the lock
}

// AcquireTemporary is Acquire without waiting, on a file that goes when the lock is released. A
// process that is killed leaves the file, which does no harm.
func AcquireTemporary(path string) (*Lock, error) {
	for {
		lock, err := Acquire(context.Background(), path, 0)
		if err != nil {
			return nil, err
		}
		lock.passes = true
		// The process that had the lock before may have taken the file away after it was opened
		// here: then it locks nothing.
		locked, err := lock.flock.Stat()
		if err != nil {
			return nil, errors.Join(
				fmt.Errorf("cannot lock %s: %w", path, atomicfile.Cause(err)),
				lock.Release(),
			)
		}
		named, err := os.Lstat(path)
		if err == nil && os.SameFile(locked, named) && named.Size() == 0 {
			return lock, nil
		}
		lock.passes = false
		if err == nil && (!named.Mode().IsRegular() || named.Size() > 0) {
			return nil, errors.Join(
				fmt.Errorf("cannot lock %s: something else has this name: move it away", path),
				lock.Release(),
			)
		}
		if err := lock.Release(); err != nil {
			return nil, fmt.Errorf("cannot lock %s: %w", path, atomicfile.Cause(err))
		}
	}
}

// Acquire takes the lock on the file at path, which is made if it is not there; its folder must
// exist. A lock that another process has is waited for as long as wait says, and not at all where
// that is 0; then the error wraps ErrHeld. When ctx ends first, its error is returned.
func Acquire(ctx context.Context, path string, wait time.Duration) (*Lock, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		// Opening a pipe would wait for its other end.
		return nil, fmt.Errorf("cannot lock %s: it %w", path, atomicfile.ErrNotRegular)
	}
	lock := &Lock{flock: flock.New(path)}
	got, err := lock.flock.TryLock()
	if !got && err == nil && wait > 0 {
		got, err = lock.await(ctx, wait)
	}
	switch {
	case got:
		return lock, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("cannot lock %s: its folder does not exist; make it first", path)
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("cannot lock %s: %w", path, atomicfile.Cause(err))
	case wait > 0:
		return nil, fmt.Errorf("%s: %w still, after %v of waiting", path, ErrHeld, wait)
	}
	return nil, fmt.Errorf("%s: %w", path, ErrHeld)
}

// await tries again until the lock is free, the time is up or ctx ends. The time being up is no
// error.
func (l *Lock) await(ctx context.Context, wait time.Duration) (bool, error) {
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	got, err := l.flock.TryLockContext(limited, retry)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return false, nil
	}
	return got, err
}

// Release gives the lock up, and leaves the file unless the lock is a passing one.
func (l *Lock) Release() error {
	if !l.passes {
		return l.flock.Unlock()
	}
	locked, err := l.flock.Stat()
	if named, other := os.Lstat(l.flock.Path()); err == nil && other == nil &&
		os.SameFile(locked, named) &&
		named.Size() == 0 {
		// While it is locked, and nobody else has it; Windows removes no open file.
		_ = os.Remove(l.flock.Path())
	}
	return l.flock.Unlock()
}
