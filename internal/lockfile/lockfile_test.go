package lockfile

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"noo/internal/atomicfile"
)

func TestAcquire(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	ctx := context.Background()
	first, err := Acquire(ctx, path, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, wait := range []time.Duration{0, time.Millisecond} {
		if _, err := Acquire(ctx, path, wait); !errors.Is(err, ErrHeld) {
			t.Errorf("a held lock, waiting %v: %v", wait, err)
		}
	}
	ending, cancel := context.WithCancel(ctx)
	waiting := make(chan error)
	go func() {
		_, err := Acquire(ending, path, time.Hour)
		waiting <- err
	}()
	cancel()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("waiting was ended with %v", err)
	}
	go func() {
		_, err := Acquire(ctx, path, time.Hour)
		waiting <- err
	}()
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; err != nil {
		t.Errorf("after the release: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 0 {
		t.Errorf("the file: %v, %v", info, err)
	}
}

func TestAcquireRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := Acquire(context.Background(), dir, 0); !errors.Is(err, atomicfile.ErrNotRegular) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Acquire(context.Background(), filepath.Join(dir, "no", "lock"), 0); err == nil || errors.Is(err, ErrHeld) {
		t.Errorf("no folder: %v", err)
	}
}
