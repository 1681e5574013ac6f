package batch

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"noo/filter"
	"noo/formats"
	"noo/internal/atomicdir"
	"noo/internal/atomicfile"
	"noo/internal/columns"
	"noo/internal/filetest"
	"noo/internal/iopaths"
	"noo/internal/lockfile"
	"noo/job"
)

// stamped is a name whose digits, those of an hour, have the check digit of an NHS number. Numbers
// that start with 2 are never issued: the file is read, and its name masked.
const stamped = "20240101" + "05.csv"

// TestRunFillsAFolder: every file is in it under its own name, and the report, the folder of
// withheld records and the progress are of all.
func TestRunFillsAFolder(t *testing.T) {
	files := map[string]string{
		"a.csv":            "nhs_number,note\n" + stays + ",stays\n" + out + ",out\n",
		"region=1/b.csv":   "nhs_number,note\n,nobody\n" + other + ",stays\n",
		"region=1/x/c.csv": "nhs_number,note\n" + out + ",out\n",
		"region=2/_passed": "no records",
		"region=2/.hidden": "no records",
		stamped:            "nhs_number\n",
		"region=2/d 1.csv": "nhs_number,note\n" + stays + ",stays\n",
	}
	want := map[string]string{
		stamped:            "nhs_number\n",
		"a.csv":            "nhs_number,note\n" + stays + ",stays\n",
		"region=1/b.csv":   "nhs_number,note\n" + other + ",stays\n",
		"region=1/x/c.csv": "nhs_number,note\n",
		"region=2/d 1.csv": "nhs_number,note\n" + stays + ",stays\n",
	}
	dir, run := inFolder(t, files)
	run.Withheld, run.Report = filepath.Join(dir, "held"), filepath.Join(dir, "report.json")
	run.Heading.Command = "filter"
	var done, total int64
	run.Progress = func(d, of int64) { done, total = d, of }
	report, err := run.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range want {
		if got := filetest.Content(t, filepath.Join(run.Output, filepath.FromSlash(name))); got != text {
			t.Errorf("%s: %q, want %q", name, got, text)
		}
	}
	isEmptyBut(t, dir, "held", "in", "out", "report.json", "state")
	isEmptyBut(t, run.Output, stamped, "_SUCCESS", "a.csv", "region=1", "region=2")
	isEmptyBut(t, run.Withheld, stamped, "_SUCCESS", "a.csv", "region=1", "region=2")
	if got := filetest.Content(t, filepath.Join(run.Withheld, "region=1", "b.csv")); got != "nhs_number,note\n,nobody\n" {
		t.Errorf("withheld %q", got)
	}
	if n := report.Totals; n != (filter.Tally{Read: 6, Kept: 3, OptedOut: 2, Missing: 1, Written: 3}) {
		t.Errorf("%+v", n)
	}
	if report.Command != "filter" || len(report.Files) != 5 || report.Files[2].Output.Name != "region=1/b.csv" || report.Files[2].Input.SHA256 == "" {
		t.Errorf("%+v", report)
	}
	written := filetest.Content(t, run.Report)
	if !strings.Contains(written, `"name": "region=1/x/c.csv"`) || strings.Contains(written, dir) || !strings.Contains(written, `"xxxxxxxxxx.csv"`) {
		t.Errorf("%s", written)
	}
	size := int64(0)
	for name := range want {
		size += int64(len(files[name]))
	}
	if done != size || total != size {
		t.Errorf("the progress ended at %d of %d bytes, want %d", done, total, size)
	}
}

// TestRunLeavesNothing: an error in one file, or of all together, leaves no folder, no report and
// nothing hidden.
func TestRunLeavesNothing(t *testing.T) {
	good := "nhs_number,note\n" + stays + ",x\n"
	numbers := "nhs_number,seen_by\n" + stays + "," + other + "\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		set   func(run *Run)
		is    func(err error) bool
	}{
		{"a file that is torn", map[string]string{"z.csv": good + stays + "\n"}, nil, func(err error) bool {
			in, ok := errors.AsType[*formats.InputError](err)
			return ok && filepath.Base(in.Name) == "z.csv"
		}},
		{"a file that is empty", map[string]string{"z.csv": ""}, nil, func(err error) bool {
			_, ok := errors.AsType[*formats.InputError](err)
			return ok
		}},
		{"a policy that fails", map[string]string{"z.csv": "nhs_number,note\n,x\n"}, func(run *Run) { run.Policy.Missing = filter.Fail }, func(err error) bool {
			failed, ok := errors.AsType[*job.PolicyError](err)
			return ok && failed.Record == 1 && failed.Verdict == filter.Missing
		}},
		{"a policy that must not be", nil, func(run *Run) { run.Policy.Unchecked = filter.Keep }, func(err error) bool { return err != nil }},
		{"a file without the column", map[string]string{"z.csv": "id,note\n1,x\n"}, nil, func(err error) bool { return errors.Is(err, columns.ErrNotDetected) }},
		{"a column of numbers, in all files together", map[string]string{"1.csv": numbers, "2.csv": numbers, "3.csv": numbers, "4.csv": numbers}, nil,
			func(err error) bool { return errors.Is(err, columns.ErrUnnamedNumbers) }},
		{"somebody who opted out, in another column", map[string]string{
			"1.csv": "nhs_number,ref\n" + stays + ",x\n", "2.csv": "nhs_number,ref\n" + stays + "," + out + "\n",
		}, nil, func(err error) bool { return errors.Is(err, columns.ErrOptedOutElsewhere) }},
		{"a report that cannot be", nil, func(run *Run) { run.Report = filepath.Join(filepath.Dir(run.Output), "nowhere", "report.json") },
			func(err error) bool { return errors.Is(err, fs.ErrNotExist) }},
		{"a file that went", nil, func(run *Run) { run.OnFirstWrite = func() { _ = os.Remove(run.Sources.Files[1].Path) } },
			func(err error) bool { return errors.Is(err, fs.ErrNotExist) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, run := inFolder(t, map[string]string{"a.csv": good, "b.csv": good})
			write(t, filepath.Join(dir, "in"), c.files)
			run = over(t, dir, run.Register)
			run.Withheld, run.Report = filepath.Join(dir, "held"), filepath.Join(dir, "report.json")
			if c.set != nil {
				c.set(run)
			}
			if _, err := run.Do(t.Context()); !c.is(err) {
				t.Errorf("ended with %v", err)
			}
			for _, path := range []string{run.Output, run.Withheld, run.Report} {
				if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s was left", path)
				}
			}
			if hidden, _ := filepath.Glob(filepath.Join(dir, ".*")); len(hidden) > 0 {
				t.Errorf("%q was left", hidden)
			}
		})
	}
}

// TestRunIsCancelled in the middle of the files.
func TestRunIsCancelled(t *testing.T) {
	files := map[string]string{}
	for _, name := range strings.Fields("a b c d e f g h i j k l m n o p") {
		files[name+".csv"] = "nhs_number\n" + strings.Repeat(stays+"\n", 20_000)
	}
	dir, run := inFolder(t, files)
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("somebody wants it to end")
	run.Progress = func(done, total int64) {
		if done > total/3 {
			cancel(reason)
		}
	}
	if _, err := run.Do(ctx); !errors.Is(err, reason) && !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	isEmptyBut(t, dir, "in", "state")
}

// TestRunReplacesFolders only where it may, and only those that a run filled.
func TestRunReplacesFolders(t *testing.T) {
	foreign := func(t *testing.T, output string) { write(t, output, map[string]string{"mine.txt": "mine"}) }
	earlier := func(t *testing.T, output string) {
		dir := filepath.Dir(output)
		run := over(t, dir, newRegister())
		if _, err := run.Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "in"), map[string]string{"b.csv": "nhs_number\n" + other + "\n"})
	}
	for _, c := range []struct {
		name    string
		before  func(t *testing.T, output string)
		replace bool
		want    error
		holds   string
	}{
		{"nothing is there", func(*testing.T, string) {}, false, nil, "_SUCCESS a.csv"},
		{"an empty folder", func(t *testing.T, output string) {
			if err := os.Mkdir(output, 0o700); err != nil {
				t.Fatal(err)
			}
		}, false, nil, "_SUCCESS a.csv"},
		{"the folder of another run", earlier, false, atomicfile.ErrExists, "_SUCCESS a.csv"},
		{"the folder of another run, replaced", earlier, true, nil, "_SUCCESS a.csv b.csv"},
		{"somebody's folder", foreign, false, atomicfile.ErrExists, "mine.txt"},
		{"somebody's folder, replaced", foreign, true, atomicdir.ErrForeign, "mine.txt"},
		{"somebody's file among those of a run", func(t *testing.T, output string) {
			earlier(t, output)
			foreign(t, output)
		}, true, atomicdir.ErrForeign, "_SUCCESS a.csv mine.txt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, run := inFolder(t, map[string]string{"a.csv": "nhs_number\n" + stays + "\n"})
			c.before(t, run.Output)
			run = over(t, dir, newRegister())
			run.Replace = c.replace
			if _, err := run.Do(t.Context()); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			isEmptyBut(t, run.Output, strings.Fields(c.holds)...)
			if hidden, _ := filepath.Glob(filepath.Join(dir, ".*")); len(hidden) > 0 {
				t.Errorf("%q was left", hidden)
			}
		})
	}
}

// TestRunKeepsPathsApart: a folder is not written into what is read, nor around it, nor are two
// outputs in one another.
func TestRunKeepsPathsApart(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(run *Run, dir string)
		want error
	}{
		{"in the input", func(run *Run, dir string) { run.Output = filepath.Join(dir, "in", "out") }, iopaths.ErrNotApart},
		{"around the input", func(run *Run, dir string) { run.Output = dir }, iopaths.ErrNotApart},
		{"the input", func(run *Run, dir string) { run.Output = filepath.Join(dir, "in") }, iopaths.ErrNotApart},
		{"withheld in the output", func(run *Run, dir string) { run.Withheld = filepath.Join(dir, "out", "held") }, iopaths.ErrNotApart},
		{"a report in the output", func(run *Run, dir string) { run.Report = filepath.Join(dir, "out", "report.json") }, iopaths.ErrNotApart},
		{"a report over an input", func(run *Run, dir string) { run.Report = filepath.Join(dir, "in", "a.csv") }, iopaths.ErrSameFile},
		{"a report where the next run reads", func(run *Run, dir string) { run.Report = filepath.Join(dir, "in", "new.csv") }, iopaths.ErrNotApart},
		{"around the snapshot", func(run *Run, dir string) { run.Protected = []string{filepath.Join(dir, "out", "optouts.noo")} }, iopaths.ErrNotApart},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, run := inFolder(t, map[string]string{"a.csv": "nhs_number\n" + stays + "\n"})
			run.Replace = true
			c.set(run, dir)
			if _, err := run.Do(t.Context()); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			isEmptyBut(t, dir, "in")
			isEmptyBut(t, filepath.Join(dir, "in"), "a.csv")
		})
	}
}

// TestRunHoldsItsFolders: while one run writes a folder, of the dataset or of withheld records, no
// other does.
func TestRunHoldsItsFolders(t *testing.T) {
	for _, held := range []string{"out", "held"} {
		t.Run(held, func(t *testing.T) {
			dir, run := inFolder(t, map[string]string{"a.csv": "nhs_number\n" + stays + "\n"})
			run.Withheld = filepath.Join(dir, "held")
			path, err := atomicdir.LockPath(filepath.Join(dir, held))
			if err != nil {
				t.Fatal(err)
			}
			lock, err := lockfile.AcquireTemporary(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := run.Do(t.Context()); !errors.Is(err, ErrBusy) {
				t.Errorf("%v, want %v", err, ErrBusy)
			}
			if err := lock.Release(); err != nil {
				t.Fatal(err)
			}
			if _, err := over(t, dir, run.Register).Do(t.Context()); err != nil {
				t.Errorf("after the other run: %v", err)
			}
			isEmptyBut(t, dir, "in", "out", "state")
		})
	}
}

// TestFolderEndedBeforeWriting: a run whose context ends before it writes does not wait for its
// lock.
func TestFolderEndedBeforeWriting(t *testing.T) {
	_, run := inFolder(t, map[string]string{"in.csv": "nhs_number\n" + stays + "\n"})
	ctx, end := context.WithCancelCause(t.Context())
	reason := errors.New("somebody wants it to end")
	lock, err := atomicdir.LockPath(run.Output)
	if err != nil {
		t.Fatal(err)
	}
	held, err := lockfile.Acquire(t.Context(), lock, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	run.OnFirstWrite = func() { end(reason) }
	if _, err := run.Do(ctx); !errors.Is(err, reason) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := os.Stat(run.Output); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder: %v", err)
	}
}

// TestWritingIsToldOnce: of many files, before the first.
func TestWritingIsToldOnce(t *testing.T) {
	text := "nhs_number\n" + stays + "\n"
	dir, run := inFolder(t, map[string]string{"a.csv": text, "b.csv": text, "c.csv": text})
	told := 0
	run.OnFirstWrite = func() {
		told++
		if entries, err := filepath.Glob(filepath.Join(dir, ".out*")); err != nil || len(entries) != 0 {
			t.Errorf("there is already %v (%v)", entries, err)
		}
	}
	if _, err := run.Do(t.Context()); err != nil || told != 1 {
		t.Errorf("told %d times: %v", told, err)
	}
}

// TestRunAllowsColumns: a column is allowed in the files that have it. Without a report there are
// no digests.
func TestRunAllowsColumns(t *testing.T) {
	_, run := inFolder(t, map[string]string{
		"a.csv": "nhs_number\n" + stays + "\n", "b.csv": "nhs_number,seen_by\n" + strings.Repeat(stays+","+other+"\n", 20),
	})
	run.Columns.Allowed = []string{"seen_by"}
	report, err := run.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if report.Totals.Written != 21 || report.Files[0].Input.SHA256 != "" || len(report.Files[1].Allowed) != 1 {
		t.Errorf("%+v", report)
	}
}
