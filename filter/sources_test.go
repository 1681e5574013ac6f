package filter

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"

	"noo/formats"
)

func TestNamesThatIdentify(t *testing.T) {
	for name, want := range map[string]bool{
		"2024/region=north/part-0.csv":       false,
		"nhs_number=x/part-0.csv":            true,
		"a/NHSNumber=9434765919/p.csv":       true,
		"patient_nhs_no=0/p.csv":             true,
		"id=9434765919/p.csv":                true,
		"id=943%20476%205919/p.csv":          true,
		"x/9434765919.csv":                   true,
		"x/943-476-5919_letters.csv":         true,
		"x/943 476 5919":                     true,
		"patient 943 476 5919 scan.csv":      true,
		"9434765918.csv":                     false, // no valid number
		"19434765919.csv":                    false, // eleven digits
		"hour=20240101" + "05/x.csv":         false, // valid by its check digit, but a date and hour
		"1700000000.csv":                     false,
		"nhs_numbers_of_march/p.csv":         false, // a name of a thing, not of a person
		"part-00000-943476-c000.parquet":     false,
		"dt=2024-01-30/94347659190000.csv":   false,
		"nhs_number_status=present/part.csv": false,
	} {
		if got := identifies(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestEachTakesItsShare: never more goroutines than processors, every file once, and all of them for a large file.
func TestEachTakesItsShare(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	s := &Sources{Files: make([]Source, 60)}
	for i := range s.Files {
		s.Files[i] = Source{Path: "x", Bytes: int64(i%9) * sideBySide}
	}
	var done, busy atomic.Int64
	err := s.Each(context.Background(), func(_ context.Context, i, workers int) error {
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
	s := &Sources{Files: make([]Source, 100)}
	bad := errors.New("bad")
	started := atomic.Int64{}
	err := s.Each(context.Background(), func(ctx context.Context, i, _ int) error {
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
	if err := s.Each(ctx, func(context.Context, int, int) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestExpandRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := Expand([]string{dir}); !errors.Is(err, ErrNothingToRead) {
		t.Errorf("an empty folder: %v", err)
	} else if input, ok := errors.AsType[*formats.InputError](err); !ok || input.Name != dir {
		t.Errorf("an empty folder: %v", err)
	}
}
