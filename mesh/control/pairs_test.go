package control

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"noo/internal/atomicfile"
)

// quick is a Timing for tests.
var quick = Timing{Settle: time.Millisecond, Patience: time.Hour}

// fill makes a folder with these files. Those with a ! behind their name are older than an hour.
func fill(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name, isOld := strings.CutSuffix(name, "!")
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if isOld {
			before := time.Now().Add(-2 * time.Hour)
			if err := os.Chtimes(path, before, before); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// names lists what was found: pairs, broken and waiting.
func names(found *Found) (pairs, broken []string) {
	for _, p := range found.Pairs {
		pairs = append(pairs, p.Name)
	}
	for _, b := range found.Broken {
		broken = append(broken, b.Name)
	}
	return pairs, broken
}

func TestPairs(t *testing.T) {
	report := strings.ReplaceAll(example, ">Data<", ">Report<")
	for _, test := range []struct {
		name                   string
		files                  map[string]string
		pairs, broken, waiting []string
	}{
		{"none", nil, nil, nil, nil},
		{"two, by name", map[string]string{
			"b.dat": "x", "b.ctl": example, "a.ctl": example, "a.dat": "x",
		}, []string{"a", "b"}, nil, nil},
		{"suffixes in capitals", map[string]string{"a.DAT": "x", "a.Ctl": example},
			[]string{"a"}, nil, nil},
		{"data first", map[string]string{"a.dat": "x"}, nil, nil, []string{"a"}},
		{"control first", map[string]string{"a.ctl": example}, nil, nil, []string{"a"}},
		{"control first, long ago", map[string]string{"a.ctl!": example},
			nil, nil, []string{"a"}},
		{"no byte of the data yet", map[string]string{"a.ctl": example, "a.dat": ""},
			nil, nil, []string{"a"}},
		{"empty data", map[string]string{"a.ctl": example, "a.dat!": ""},
			[]string{"a"}, nil, nil},
		{"half a control file", map[string]string{"a.ctl": example[:100], "a.dat": "x"},
			nil, nil, []string{"a"}},
		{"half a control file, long ago", map[string]string{"a.ctl!": example[:100], "a.dat": "x"},
			nil, []string{"a"}, nil},
		{"a report without data", map[string]string{"a.ctl": report}, []string{"a"}, nil, nil},
		{"a report with no byte", map[string]string{"a.ctl": report, "a.dat": ""},
			[]string{"a"}, nil, nil},
		{"two data files", map[string]string{"a.ctl": example, "a.dat": "x", "a.DAT": "y"},
			nil, []string{"a"}, nil},
		{"others", map[string]string{"a.txt": "x", ".a.dat": "x", ".a.ctl": example, "dat": "x"},
			nil, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := fill(t, test.files)
			found, err := Pairs(t.Context(), dir, quick)
			if err != nil {
				t.Fatal(err)
			}
			pairs, broken := names(found)
			if !reflect.DeepEqual(pairs, test.pairs) || !reflect.DeepEqual(broken, test.broken) ||
				!reflect.DeepEqual(found.Waiting, test.waiting) {
				t.Errorf("got %v, broken %v, waiting %v", pairs, broken, found.Waiting)
			}
		})
	}
}

func TestPairsFillsInAPair(t *testing.T) {
	dir := fill(t, map[string]string{"a.DAT": "12345", "a.ctl": example})
	found, err := Pairs(t.Context(), dir, quick)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Pairs) != 1 {
		t.Fatalf("got %+v", found)
	}
	got := found.Pairs[0]
	if !got.Unchanged(dir) || time.Since(got.ControlTime()) > time.Hour {
		t.Errorf("changed, or %v old", time.Since(got.ControlTime()))
	}
	if err := os.WriteFile(filepath.Join(dir, "a.DAT"), []byte("123456"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got.Unchanged(dir) {
		t.Error("a change was not noticed")
	}
	got.looked = nil
	want := Pair{
		Name: "a", Data: "a.DAT", ControlFile: "a.ctl", Bytes: 5, Control: exampleControl(),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestPairsTellsLoneControlFiles: whoever removed the data may have to remove them too.
func TestPairsTellsLoneControlFiles(t *testing.T) {
	dir := fill(t, map[string]string{"a.ctl": example, "b.dat": "x"})
	found, err := Pairs(t.Context(), dir, quick)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Lone) != 1 || found.Lone[0].Name != "a" || len(found.Waiting) != 2 {
		t.Errorf("got %+v", found)
	}
}

func TestPutLetsTheGroupOfTheFolderRead(t *testing.T) {
	dir := t.TempDir()
	for _, step := range []struct{ folder, file os.FileMode }{
		{0o770, 0o600}, {0o770 | os.ModeSetgid, 0o660}, {0o750 | os.ModeSetgid, 0o640},
	} {
		name := fmt.Sprintf("a%o", step.folder.Perm()|step.folder&os.ModeSetgid)
		if err := os.Chmod(dir, step.folder); err != nil {
			t.Fatal(err)
		}
		if err := Put(dir, name, strings.NewReader("x"), exampleControl()); err != nil {
			t.Fatal(err)
		}
		for _, suffix := range []string{".dat", ".ctl"} {
			info, err := os.Stat(filepath.Join(dir, name+suffix))
			if err != nil {
				t.Fatal(err)
			}
			if runtime.GOOS != "windows" && info.Mode().Perm() != step.file {
				t.Errorf("%v: %s has %v", step.folder, suffix, info.Mode())
			}
		}
	}
}

// TestPairsWaitsForWriters: a file that changes between the two looks is still written.
func TestPairsWaitsForWriters(t *testing.T) {
	for _, file := range []string{"a.dat", "a.ctl"} {
		t.Run(file, func(t *testing.T) {
			dir := fill(t, map[string]string{"a.dat": "x", "a.ctl": example})
			done := make(chan error)
			stop := make(chan struct{})
			go func() {
				f, err := os.OpenFile(filepath.Join(dir, file), os.O_APPEND|os.O_WRONLY, 0)
				for err == nil {
					select {
					case <-stop:
						done <- f.Close()
						return
					default:
						_, err = f.WriteString("\n")
					}
				}
				done <- err
			}()
			found, err := Pairs(t.Context(), dir, Timing{Settle: 200 * time.Millisecond})
			close(stop)
			if err := errors.Join(err, <-done); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(found, &Found{Waiting: []string{"a"}}) {
				t.Errorf("got %+v", found)
			}
		})
	}
}

// TestPairsWaitsForDataThatComesLast: a writer that pauses in the data, after the control file, must
// not have half of it taken.
func TestPairsWaitsForDataThatComesLast(t *testing.T) {
	timing := quick
	timing.DataLast = time.Minute
	for _, test := range []struct {
		name          string
		control, data time.Duration // ages
		complete      bool
	}{
		{"control file last", time.Second, 2 * time.Second, true},
		{"both at once", time.Second, time.Second, true},
		{"data last", 2 * time.Second, time.Second, false},
		{"data last, long ago", time.Hour, 2 * time.Minute, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := fill(t, map[string]string{"a.dat": "x", "a.ctl": example})
			now := time.Now()
			for name, age := range map[string]time.Duration{
				"a.dat": test.data, "a.ctl": test.control,
			} {
				at := now.Add(-age)
				if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
					t.Fatal(err)
				}
			}
			found, err := Pairs(t.Context(), dir, timing)
			if err != nil {
				t.Fatal(err)
			}
			if complete := len(found.Pairs) == 1; complete != test.complete {
				t.Errorf("complete: %v", complete)
			}
		})
	}
}

func TestPairsRefusesLinks(t *testing.T) {
	elsewhere := fill(t, map[string]string{"a.dat": "x", "a.ctl": example})
	dir := fill(t, map[string]string{"a.ctl": example, "b.dat": "x"})
	for _, err := range []error{
		os.Symlink(filepath.Join(elsewhere, "a.dat"), filepath.Join(dir, "a.dat")),
		os.Symlink(filepath.Join(elsewhere, "a.ctl"), filepath.Join(dir, "b.ctl")),
		os.Mkdir(filepath.Join(dir, "c.ctl"), 0o700),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	found, err := Pairs(t.Context(), dir, quick)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Broken) != 3 || len(found.Pairs)+len(found.Waiting) != 0 {
		t.Fatalf("got %+v", found)
	}
	for _, b := range found.Broken {
		if !errors.Is(b.Err, ErrNotRegular) {
			t.Errorf("%s: got %v", b.Name, b.Err)
		}
	}
	if _, err := ReadFile(filepath.Join(dir, "b.ctl")); !errors.Is(err, ErrNotRegular) {
		t.Errorf("got %v of a link", err)
	}
}

func TestPairsEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := fill(t, map[string]string{"a.dat": "x", "a.ctl": example})
	if _, err := Pairs(ctx, dir, Timing{Settle: time.Hour}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// wantFiles checks what a folder holds.
func wantFiles(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got[entry.Name()] = string(text)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the folder holds %v, want %v", got, want)
	}
}

func TestPut(t *testing.T) {
	long := strings.Repeat("9434765919,\n", 20_000)
	for _, test := range []struct {
		name          string
		there, leaves map[string]string
		as, data      string
		err           error
	}{
		{"into an empty folder", nil,
			map[string]string{"a.dat": long, "a.ctl": example}, "a", long, nil},
		{"again after a kill", map[string]string{"a.dat": long},
			map[string]string{"a.dat": long, "a.ctl": example}, "a", long, nil},
		{"over other data", map[string]string{"a.dat": long + "x"},
			map[string]string{"a.dat": long + "x"}, "a", long, atomicfile.ErrExists},
		{"over shorter data", map[string]string{"a.dat": "9"},
			map[string]string{"a.dat": "9"}, "a", long, atomicfile.ErrExists},
		{"over a control file", map[string]string{"a.ctl": "x"},
			map[string]string{"a.ctl": "x"}, "a", long, atomicfile.ErrExists},
		{"with a path for a name", nil, map[string]string{}, "../a", "x", ErrUnwritable},
		{"with a hidden name", nil, map[string]string{}, ".a", "x", ErrUnwritable},
		{"with no name", nil, map[string]string{}, "", "x", ErrUnwritable},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := fill(t, test.there)
			err := Put(dir, test.as, strings.NewReader(test.data), exampleControl())
			if !errors.Is(err, test.err) {
				t.Errorf("got %v, want %v", err, test.err)
			}
			wantFiles(t, dir, test.leaves)
		})
	}
}

func TestPutRefusesBeforeItWrites(t *testing.T) {
	dir := t.TempDir()
	c := exampleControl()
	c.Subject = "a:b"
	if err := Put(dir, "a", strings.NewReader("x"), c); !errors.Is(err, ErrUnwritable) {
		t.Errorf("got %v", err)
	}
	wantFiles(t, dir, map[string]string{})
}

// TestPutFollowsNoLink: a link in the folder could lead the data anywhere.
func TestPutFollowsNoLink(t *testing.T) {
	for _, file := range []string{"a.dat", "a.ctl"} {
		dir, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "x")
		if err := os.Symlink(elsewhere, filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
		err := Put(dir, "a", strings.NewReader("x"), exampleControl())
		if !errors.Is(err, atomicfile.ErrExists) {
			t.Errorf("%s: got %v", file, err)
		}
		if _, err := os.Lstat(elsewhere); err == nil {
			t.Errorf("%s: something was written through the link", file)
		}
	}
}
