package job

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"noo/formats"
	"noo/formats/csv"
	"noo/internal/steadyfile"
)

func TestCompressedInputThatChanges(t *testing.T) {
	text, register := rows(200_000)
	var run *Run
	run = inCompressedFolder(t, text, changing{register, new(sync.Once), func() {
		file, err := os.OpenFile(run.Input, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer file.Close()
		if _, err := file.Write(gzipped(t, "9995609649,more\n")); err != nil {
			t.Error(err)
		}
	}})
	if _, err := run.Do(context.Background()); !errors.Is(err, steadyfile.ErrChanged) {
		t.Errorf("a file that grew by a member: %v", err)
	}
	if _, err := os.Stat(run.Output); !errors.Is(err, fs.ErrNotExist) {
		t.Error("an output was left")
	}
}

// TestCompressedRunThatEnds: whatever ends a run in its middle, it ends at once, and leaves neither
// a file nor a goroutine.
func TestCompressedRunThatEnds(t *testing.T) {
	text, register := rows(300_000)
	for _, wanted := range []formats.Compression{formats.Gzip, formats.Zstd} {
		before := runtime.NumGoroutine()
		ctx, cancel := context.WithCancel(context.Background())
		run := inCompressedFolder(t, text, changing{register, new(sync.Once), cancel})
		run.Compress, run.Output = &wanted, formats.Rename(run.Output, wanted)
		run.Withheld = filepath.Join(filepath.Dir(run.Input), "withheld"+wanted.Suffix())
		if _, err := run.Do(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%v, cancelled: %v", wanted, err)
		}
		cancel()
		run = inCompressedFolder(t, text+"x,y,z\n", register)
		run.Compress, run.Output = &wanted, formats.Rename(run.Output, wanted)
		if _, err := run.Do(context.Background()); errorLine(err) != 600_002 {
			t.Errorf("%v, malformed at its end: %v", wanted, err)
		}
		if names, err := filepath.Glob(filepath.Join(filepath.Dir(run.Input), "*")); err != nil || len(names) != 1 {
			t.Errorf("left behind: %q, %v", names, err)
		}
		settled(t, before)
	}
}

// TestStalledCompressedStream: a run over a pipe that gives half of a compressed stream, and then
// nothing, ends when it is cancelled or when it cannot go on.
func TestStalledCompressedStream(t *testing.T) {
	text, register := rows(100_000)
	stream := gzipped(t, text)
	for _, exists := range []bool{false, true} {
		dir := t.TempDir()
		out, in, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		defer out.Close()
		half := make(chan struct{})
		go func() {
			defer close(half)
			_, _ = in.Write(stream[:len(stream)/2]) // it may have no reader by the end
		}()
		run := &Run{
			Input: "-", Stdin: out, Outputs: Outputs{Output: filepath.Join(dir, "out.csv.gz")},
			Rules: Rules{Formats: []formats.Format{csv.Format{}}, Register: register},
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		want := context.Canceled
		if exists {
			if err := os.WriteFile(run.Output, []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
			want = nil
		} else {
			time.AfterFunc(200*time.Millisecond, cancel)
		}
		ended := make(chan error)
		go func() {
			_, err := run.Do(ctx)
			ended <- err
		}()
		select {
		case err := <-ended:
			if err == nil || want != nil && !errors.Is(err, want) {
				t.Errorf("ended with %v", err)
			}
		case <-time.After(time.Minute):
			t.Fatal("it waits for the stream")
		}
		in.Close()
		out.Close()
		<-half
	}
}

// TestErrorOfTheDisk: an input that cannot be read on is no malformed input.
func TestErrorOfTheDisk(t *testing.T) {
	text, register := rows(100_000)
	run := inCompressedFolder(t, text, register)
	in, err := openInput(context.Background(), run.Input, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	if _, err := in.detect(context.Background(), []formats.Format{csv.Format{}}); err != nil {
		t.Fatal(err)
	}
	in.file.Close() // so that the next read fails
	_, err = io.Copy(io.Discard, in.content)
	if _, refused := errors.AsType[*formats.InputError](err); refused || !errors.Is(err, fs.ErrClosed) {
		t.Errorf("%v", err)
	}
}

func errorLine(err error) int64 {
	if in, ok := errors.AsType[*formats.InputError](err); ok {
		return in.Line
	}
	return 0
}

// settled waits until no more goroutines run than before.
func settled(t *testing.T, before int) {
	t.Helper()
	for range 6000 { // a minute
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines where there were %d", runtime.NumGoroutine(), before)
}
