package job

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"noo/filter"
	"noo/filter/filtertest"
	"noo/formats"
	"noo/formats/csv"
	"noo/internal/steadyfile"
	"noo/snapshot"
)

// gzipped compresses a text with the standard library.
func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// inCompressedFolder is inFolder for a text that is compressed, with an output named like it.
func inCompressedFolder(t *testing.T, text string, register filter.Register) *Run {
	t.Helper()
	run := inFolder(t, string(gzipped(t, text)), register)
	run.Output += ".gz"
	return run
}

// rows are so many records of one person who may be disclosed and one who opted out.
func rows(n int) (text string, register filtertest.Register) {
	const kept, optedOut = "9995609649", "9434765919"
	var b strings.Builder
	b.WriteString("nhs_number,row\n")
	for i := range n {
		fmt.Fprintf(&b, "%s,%d\n%s,%d\n", kept, i, optedOut, i)
	}
	return b.String(), filtertest.Register{999560964: snapshot.Clear, 943476591: snapshot.OptedOut}
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

// TestReportOfCompressed: sizes and digests are those of the files as they are on the disk.
func TestReportOfCompressed(t *testing.T) {
	text, register := rows(50_000)
	run := inCompressedFolder(t, text, register)
	run.Report = filepath.Join(filepath.Dir(run.Input), "report.json")
	var done, total int64
	run.Progress = func(d, t int64) { done, total = d, t }
	report, err := run.Do(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	input, err := os.ReadFile(run.Input)
	if err != nil {
		t.Fatal(err)
	}
	output, err := os.ReadFile(run.Output)
	if err != nil {
		t.Fatal(err)
	}
	file := report.Files[0]
	if file.Input.Bytes != int64(len(input)) || file.Input.SHA256 != fmt.Sprintf("%x", sha256.Sum256(input)) {
		t.Errorf("the input's size or digest is wrong: %+v", file.Input)
	}
	if file.Output.Bytes != int64(len(output)) || file.Output.SHA256 != fmt.Sprintf("%x", sha256.Sum256(output)) {
		t.Errorf("the output's size or digest is wrong: %+v", file.Output)
	}
	if done != int64(len(input)) || total != done {
		t.Errorf("progress ended at %d of %d bytes, not %d", done, total, len(input))
	}
	reader, err := gzip.NewReader(bytes.NewReader(output))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(reader)
	if err != nil || strings.Contains(string(content), "9434765919") || int64(bytes.Count(content, []byte("\n"))) != 1+report.Totals.Written {
		t.Errorf("the output does not hold what was written (%v)", err)
	}
}

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

func errorLine(err error) int64 {
	if in, ok := errors.AsType[*formats.InputError](err); ok {
		return in.Line
	}
	return 0
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
	in, err := openInput(context.Background(), run.Input, nil)
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

// TestCompressionOf is the decision of what an output is compressed with.
func TestCompressionOf(t *testing.T) {
	none, gz, zst := formats.Uncompressed, formats.Gzip, formats.Zstd
	for _, c := range []struct {
		wanted *formats.Compression
		found  formats.Compression
		want   formats.Compression
		err    error
	}{
		{nil, none, none, nil},
		{nil, gz, gz, nil},
		{nil, zst, zst, nil},
		{nil, formats.Bzip2, none, ErrReadOnly},
		{&zst, formats.Bzip2, zst, nil},
		{&none, gz, none, nil},
		{&gz, none, gz, nil},
	} {
		got, err := CompressionOf(c.wanted, c.found)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
}
