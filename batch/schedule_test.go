package batch

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
)

// TestEachTakesItsShare: never more goroutines than processors, every file once, and all of them
// for a large file.
func TestEachTakesItsShare(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	files := make([]Load, 60)
	for i := range files {
		files[i].Bytes = int64(i%9) * sideBySide
	}
	var done, busy atomic.Int64
	err := Each(context.Background(), files, func(_ context.Context, i, workers int) error {
		if now := busy.Add(int64(workers)); now > 4 {
			t.Errorf("%d goroutines at work", now)
		}
		if want := min(max(i%9, 1), 4); workers != want {
			t.Errorf("file %d has %d workers, want %d", i, workers, want)
		}
		runtime.Gosched()
		busy.Add(-int64(workers))
		done.Add(1)
		return nil
	})
	if err != nil || done.Load() != 60 {
		t.Errorf("%d files done: %v", done.Load(), err)
	}
}

// TestEachStops: an error ends the other files, and it is the one that is told, not theirs.
func TestEachStops(t *testing.T) {
	files := make([]Load, 100)
	bad := errors.New("bad")
	started := atomic.Int64{}
	err := Each(context.Background(), files, func(ctx context.Context, i, _ int) error {
		if started.Add(1); i == 7 {
			return bad
		}
		if i > 7 {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	})
	if !errors.Is(err, bad) || started.Load() > int64(8+runtime.GOMAXPROCS(0)) {
		t.Errorf("%v after %d files", err, started.Load())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Each(ctx, files, func(context.Context, int, int) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}
