package batch

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"noo/filter/filtertest"
	"noo/formats"
	"noo/internal/atomicfile"
	"noo/internal/columns"
	"noo/internal/filetest"
	"noo/internal/nhsnumber"
	"noo/job"
	"noo/snapshot"
)

// entryOf makes an entry for an input of that name.
func entryOf(name string) ledgerEntry {
	return ledgerEntry{Rules: "rules", File: job.FileReport{
		Input: job.InputReport{Name: name, SHA256: "in of " + name}, Output: &job.OutputReport{Name: name, Bytes: 7, SHA256: "out of " + name}, Columns: []string{"nhs_number"},
	}}
}

func lineOf(t *testing.T, entry ledgerEntry) string {
	t.Helper()
	line, err := json.Marshal(entry)
	if err != nil {
		t.Fatal(err)
	}
	return string(line) + "\n"
}

// TestOpenLedger: what is not a whole entry, or of no use, is dropped from the file too.
func TestOpenLedger(t *testing.T) {
	a, b := lineOf(t, entryOf("a.csv")), lineOf(t, entryOf("b.csv"))
	again := entryOf("a.csv")
	again.Rules = "later"
	unwritten := entryOf("a.csv")
	unwritten.File.Output = nil
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"empty", "", nil},
		{"whole", a + b, []string{"a.csv", "b.csv"}},
		{"a last line cut short", a + b[:len(b)-10], []string{"a.csv"}},
		{"a last line without its line feed", a + strings.TrimSuffix(b, "\n"), []string{"a.csv", "b.csv"}},
		{"a line cut short, and another behind it", a[:len(a)-10] + "\n" + b, []string{"b.csv"}},
		{"two lines run together", a[:len(a)-10] + b, nil},
		{"zeros, as after a power failure", a + strings.Repeat("\x00", 4096), []string{"a.csv"}},
		{"garbage", "\xff\xfe\n{}\n[]\nnull\n7\n", nil},
		{"another schema", `{"schema":"noo/ledger/v9","finished":[{"name":"a.csv"}]}` + "\n", nil},
		{"an entry of another type", strings.Replace(a, `"bytes":7`, `"bytes":"7"`, 1), nil},
		{"an entry without an output", lineOf(t, unwritten), nil},
		{"not useful", lineOf(t, entryOf("gone.csv")) + b, []string{"b.csv"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.ledger")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			useful := func(e *ledgerEntry) bool { return e.File.Input.Name != "gone.csv" }
			l, err := openLedger(path, useful)
			if err != nil {
				t.Fatal(err)
			}
			defer l.close()
			if got := slices.Sorted(maps.Keys(l.known)); !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
			if err := l.add(entryOf("new.csv")); err != nil {
				t.Fatal(err)
			}
			kept := strings.Count(filetest.Content(t, path), "\n")
			if kept != len(c.want)+1 || strings.Contains(filetest.Content(t, path), "gone.csv") {
				t.Errorf("the file has %d lines: %q", kept, filetest.Content(t, path))
			}
			l.close()
			l, err = openLedger(path, useful)
			if err != nil {
				t.Fatal(err)
			}
			defer l.close()
			if _, ok := l.known["new.csv"]; !ok || len(l.known) != kept {
				t.Errorf("opened again it knows %q", slices.Sorted(maps.Keys(l.known)))
			}
		})
	}
	t.Run("no file", func(t *testing.T) {
		l, err := openLedger(filepath.Join(t.TempDir(), "x.ledger"), func(*ledgerEntry) bool { return true })
		if err != nil || len(l.known) != 0 {
			t.Fatalf("%v: %v", l, err)
		}
		l.close()
	})
	t.Run("no folder", func(t *testing.T) {
		_, err := openLedger(filepath.Join(t.TempDir(), "nowhere", "x.ledger"), func(*ledgerEntry) bool { return true })
		if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "NOO_STATE_DIR") {
			t.Errorf("%v", err)
		}
	})
	t.Run("the last entry of an input counts", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "x.ledger")
		if err := os.WriteFile(path, []byte(a+lineOf(t, again)), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := openLedger(path, func(*ledgerEntry) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		defer l.close()
		if l.known["a.csv"].Rules != "later" {
			t.Errorf("%+v", l.known)
		}
	})
}

// TestLedgerAddsConcurrently: no line is torn.
func TestLedgerAddsConcurrently(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.ledger")
	l, err := openLedger(path, func(*ledgerEntry) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	var adding sync.WaitGroup
	for i := range 200 {
		adding.Go(func() {
			if err := l.add(entryOf(fmt.Sprintf("%0*d.csv", 1+i*7%300, i))); err != nil {
				t.Error(err)
			}
		})
	}
	adding.Wait()
	l.close()
	if l, err = openLedger(path, func(*ledgerEntry) bool { return true }); err != nil || len(l.known) != 200 {
		t.Errorf("%d entries: %v", len(l.known), err)
	}
	l.close()
	if err := l.add(entryOf("late.csv")); err == nil {
		t.Error("an entry was added to a closed ledger")
	}
}

// TestLedgerKeepsSamples: what Together needs comes back as it was, though the report leaves some
// of it out.
func TestLedgerKeepsSamples(t *testing.T) {
	want := columns.Seen{
		Sampled: []columns.Sampled{
			{Label: "seen_by", Sample: columns.Sample{Values: 9, Filled: 8, Valid: 7, Tens: 6, Whole: 5}, Refused: "write the file anew"}, {Label: "2"},
		},
		Watched: []columns.Watched{{Label: "ref", Allowed: true, Refused: "x", Numbers: [10]int64{4: 3, 9: 1}, Valid: 2, Values: 2, Records: 1}},
	}
	entry := entryOf("a.csv")
	entry.OtherColumns, entry.Watched = ledgerSamples(want.Sampled), want.Watched
	var read ledgerEntry
	if err := json.Unmarshal([]byte(lineOf(t, entry)), &read); err != nil {
		t.Fatal(err)
	}
	if got := (columns.Seen{Sampled: read.samples(), Watched: read.Watched}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestLedgerWroteTheReport: only a report on just the files of the ledger may be replaced unasked.
func TestLedgerWroteTheReport(t *testing.T) {
	a, b := entryOf("a.csv"), entryOf("b.csv")
	l := &ledger{known: map[string]ledgerEntry{"a.csv": a, "b.csv": b}}
	report := func(entries ...ledgerEntry) *job.Report {
		r := job.NewReport(job.Heading{})
		for _, entry := range entries {
			r.Append(&entry.File)
		}
		return r
	}
	schema := report(a, b)
	schema.Schema = "noo/report/v9"
	unwritten := entryOf("c.csv")
	unwritten.File.Output = nil
	changed := entryOf("b.csv")
	changed.File.Input.SHA256 = "another"
	for _, c := range []struct {
		name   string
		report any
		want   bool
	}{
		{"of these files", report(b, a), true},
		{"of one of them", report(a), false},
		{"of one of them twice", report(a, a), false},
		{"of one more", report(a, b, entryOf("c.csv")), false},
		{"of one more that was only checked", report(a, b, unwritten), false},
		{"of a file with other content", report(a, changed), false},
		{"of another schema", schema, false},
		{"of nothing", report(), false},
		{"of a check", map[string]any{"schema": job.ReportSchema, "files": []any{map[string]any{}, map[string]any{}}}, false},
		{"no report", "mine", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "report.json")
			text, err := json.Marshal(c.report)
			if err == nil {
				err = os.WriteFile(path, text, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := l.wrote(path); got != c.want {
				t.Errorf("%t, want %t", got, c.want)
			}
		})
	}
	if l.wrote(filepath.Join(t.TempDir(), "nothing.json")) {
		t.Error("a report that is not there")
	}
}

// interrupted is a folder in which a run with Resume finished a.csv and b.csv, and met an error in
// c.csv, which is mended. Each file has a number of its own, which tells by the look-ups of the
// register whether it is filtered again.
type interrupted struct {
	t        *testing.T
	dir      string
	register *counting
	keys     map[string]nhsnumber.Key
	held     bool
}

// interrupt makes an interrupted run, with a folder of withheld records or without.
func interrupt(t *testing.T, held bool) *interrupted {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // one file after the other
	in := &interrupted{t: t, dir: t.TempDir(), register: newRegister(), keys: map[string]nhsnumber.Key{}, held: held}
	r := rand.New(rand.NewPCG(5, 7))
	files := map[string]string{}
	for _, name := range []string{"a.csv", "b.csv", "c.csv"} {
		number, key := filtertest.Number(r)
		in.register.Register[key], in.keys[name] = snapshot.Clear, key
		files[name] = "nhs_number,note\n" + number + ",x\n,nobody\n"
	}
	mended := files["c.csv"]
	files["c.csv"] = "nhs_number,note\ntorn\n"
	write(t, filepath.Join(in.dir, "in"), files)
	if _, err := in.run().Do(t.Context()); !isInputError(err) {
		t.Fatalf("the run that is cut short: %v", err)
	}
	isEmptyBut(t, filepath.Join(in.dir, ".out.noo-partial"), "a.csv", "b.csv")
	write(t, filepath.Join(in.dir, "in"), map[string]string{"c.csv": mended})
	in.register.forget()
	return in
}

func isInputError(err error) bool {
	_, ok := errors.AsType[*formats.InputError](err)
	return ok
}

// run prepares the run that takes the first one up.
func (in *interrupted) run() *Run {
	run := over(in.t, in.dir, in.register)
	run.Resume, run.Fingerprint = true, "rules"
	if in.held {
		run.Withheld = filepath.Join(in.dir, "held")
	}
	return run
}

// filtered returns the inputs that were filtered since the last time it was asked.
func (in *interrupted) filtered() (names []string) {
	looked := in.register.forget()
	for _, name := range slices.Sorted(maps.Keys(in.keys)) {
		if slices.Contains(looked, in.keys[name]) {
			names = append(names, name)
		}
	}
	return names
}

// TestResume: what is still what it was is taken over, and all else is filtered again. Either way
// the folder is that of a run that was never cut short.
func TestResume(t *testing.T) {
	for _, c := range []struct {
		name   string
		held   bool
		change func(in *interrupted, run *Run)
		want   []string
	}{
		{"nothing changed", false, func(*interrupted, *Run) {}, []string{"c.csv"}},
		{"nothing changed, with withheld records", true, func(*interrupted, *Run) {}, []string{"c.csv"}},
		{"another input of the same size", false, func(in *interrupted, _ *Run) { in.replace("in/a.csv", ",x\n", ",y\n") }, []string{"a.csv", "c.csv"}},
		{"a longer input", false, func(in *interrupted, run *Run) {
			in.replace("in/a.csv", ",x\n", ",xx\n")
			*run = *in.run()
		}, []string{"a.csv", "c.csv"}},
		{"another output of the same size", false, func(in *interrupted, _ *Run) { in.replace(".out.noo-partial/b.csv", ",x\n", ",y\n") }, []string{"b.csv", "c.csv"}},
		{"an output cut short", false, func(in *interrupted, _ *Run) { in.replace(".out.noo-partial/b.csv", ",x\n", "") }, []string{"b.csv", "c.csv"}},
		{"an output that is gone", false, func(in *interrupted, _ *Run) { in.remove(".out.noo-partial/b.csv") }, []string{"b.csv", "c.csv"}},
		{"other withheld records", true, func(in *interrupted, _ *Run) { in.replace(".held.noo-partial/a.csv", "nobody", "no one") }, []string{"a.csv", "c.csv"}},
		{"withheld records asked for this time", false, func(_ *interrupted, run *Run) { run.Withheld = filepath.Join(filepath.Dir(run.Output), "held") },
			[]string{"a.csv", "b.csv", "c.csv"}},
		{"withheld records not asked for this time", true, func(_ *interrupted, run *Run) { run.Withheld = "" }, []string{"a.csv", "b.csv", "c.csv"}},
		{"other rules", false, func(_ *interrupted, run *Run) { run.Fingerprint = "other rules" }, []string{"a.csv", "b.csv", "c.csv"}},
		{"another compression, and name", false, func(_ *interrupted, run *Run) { gzip := formats.Gzip; run.Compress = &gzip }, []string{"a.csv", "b.csv", "c.csv"}},
		{"another state folder", false, func(_ *interrupted, run *Run) { run.StateDir += "2" }, []string{"a.csv", "b.csv", "c.csv"}},
		{"no ledger", false, func(in *interrupted, _ *Run) { in.remove("state") }, []string{"a.csv", "b.csv", "c.csv"}},
		{"a ledger without digests", false, func(in *interrupted, _ *Run) {
			in.ledger(func(text string) string { return strings.ReplaceAll(text, `"sha256"`, `"sha257"`) })
		},
			[]string{"a.csv", "b.csv", "c.csv"}},
		{"a ledger cut short", false, func(in *interrupted, _ *Run) { in.ledger(func(text string) string { return text[:len(text)-9] }) }, []string{"b.csv", "c.csv"}},
		{"a stray file", false, func(in *interrupted, _ *Run) {
			write(in.t, in.dir, map[string]string{".out.noo-partial/stray.csv": "nhs_number\n" + out + "\n"})
		},
			[]string{"c.csv"}},
		{"a link to an output", false, func(in *interrupted, _ *Run) { in.link(".out.noo-partial/a.csv") }, []string{"a.csv", "c.csv"}},
		{"an input that is gone", false, func(in *interrupted, run *Run) {
			in.remove("in/b.csv")
			*run = *in.run()
		}, []string{"c.csv"}},
		{"without Resume", false, func(_ *interrupted, run *Run) { run.Resume = false }, []string{"a.csv", "b.csv", "c.csv"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := interrupt(t, c.held)
			run := in.run()
			c.change(in, run)
			var done, total int64
			run.Progress = func(d, of int64) { done, total = d, of }
			report, err := run.Do(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := in.filtered(); !slices.Equal(got, c.want) {
				t.Errorf("%q were filtered, want %q", got, c.want)
			}
			if done != total || total == 0 {
				t.Errorf("the progress ended at %d of %d bytes", done, total)
			}
			if left, _ := filepath.Glob(filepath.Join(run.StateDir, "folders", "*.ledger")); (len(left) > 0) != run.Resume {
				t.Errorf("there is the ledger %q", left)
			}
			fresh := in.run()
			fresh.Resume, fresh.Compress = false, run.Compress
			fresh.Output, fresh.Withheld = filepath.Join(in.dir, "fresh"), filepath.Join(in.dir, "fresh_held")
			want, err := fresh.Do(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			sameFolders(t, run.Output, fresh.Output)
			if run.Withheld != "" {
				sameFolders(t, run.Withheld, fresh.Withheld)
			}
			if report.Totals != want.Totals || len(report.Files) != len(want.Files) {
				t.Errorf("%+v, want %+v", report.Totals, want.Totals)
			}
			if hidden, _ := filepath.Glob(filepath.Join(in.dir, ".*")); len(hidden) > 0 && run.Withheld != "" {
				t.Errorf("%q was left", hidden)
			}
		})
	}
}

// replace changes a file.
func (in *interrupted) replace(name, old, text string) {
	in.t.Helper()
	was := filetest.Content(in.t, filepath.Join(in.dir, filepath.FromSlash(name)))
	if !strings.Contains(was, old) {
		in.t.Fatalf("%s is %q", name, was)
	}
	write(in.t, in.dir, map[string]string{name: strings.Replace(was, old, text, 1)})
}

// remove removes a file, or a folder with all that is in it.
func (in *interrupted) remove(name string) {
	in.t.Helper()
	if err := os.RemoveAll(filepath.Join(in.dir, filepath.FromSlash(name))); err != nil {
		in.t.Fatal(err)
	}
}

// link puts a link to the same bytes in the place of a file.
func (in *interrupted) link(name string) {
	in.t.Helper()
	path, elsewhere := filepath.Join(in.dir, filepath.FromSlash(name)), filepath.Join(in.dir, "elsewhere.csv")
	if err := os.Rename(path, elsewhere); err != nil {
		in.t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, path); err != nil {
		in.t.Skip("no links here")
	}
}

// ledger changes the ledger.
func (in *interrupted) ledger(change func(text string) string) {
	in.t.Helper()
	found, err := filepath.Glob(filepath.Join(in.dir, "state", "folders", "*.ledger"))
	if err != nil || len(found) != 1 {
		in.t.Fatalf("%q: %v", found, err)
	}
	if err := os.WriteFile(found[0], []byte(change(filetest.Content(in.t, found[0]))), 0o600); err != nil {
		in.t.Fatal(err)
	}
}

// sameFolders compares the files of two folders, their markers too.
func sameFolders(t *testing.T, one, two string) {
	t.Helper()
	names := filetest.Names(t, two)
	isEmptyBut(t, one, names...)
	for _, name := range names {
		if got, want := filetest.Content(t, filepath.Join(one, name)), filetest.Content(t, filepath.Join(two, name)); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestResumeWhenAllIsDone changes nothing, and filters nothing.
func TestResumeWhenAllIsDone(t *testing.T) {
	in := interrupt(t, true)
	run := in.run()
	run.Report = filepath.Join(in.dir, "report.json")
	if _, err := run.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	in.filtered()
	t.Run("again", func(t *testing.T) {
		run := in.run()
		// Of the run before, which may be replaced.
		run.Report = filepath.Join(in.dir, "report.json")
		report, err := run.Do(t.Context())
		if err != nil || report.Totals.Read != 6 || len(in.filtered()) > 0 {
			t.Errorf("%+v: %v", report, err)
		}
	})
	t.Run("with somebody's report", func(t *testing.T) {
		run := in.run()
		write(t, in.dir, map[string]string{"mine.json": "mine"})
		run.Report = filepath.Join(in.dir, "mine.json")
		if _, err := run.Do(t.Context()); !errors.Is(err, atomicfile.ErrExists) || filetest.Content(t, run.Report) != "mine" {
			t.Errorf("%v", err)
		}
	})
	for _, c := range []struct {
		name   string
		change func(run *Run)
	}{
		{"an output that is gone", func(*Run) { in.remove("out/b.csv") }},
		{"other rules", func(run *Run) { run.Fingerprint = "other rules" }},
		{"another output", func(*Run) { in.replace("out/a.csv", ",x\n", ",y\n") }},
		{"another input", func(*Run) { in.replace("in/c.csv", ",x\n", ",y\n") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := in.run()
			c.change(run)
			before := filetest.Content(t, filepath.Join(in.dir, "out", "c.csv"))
			if _, err := run.Do(t.Context()); !errors.Is(err, atomicfile.ErrExists) {
				t.Errorf("%v, want %v", err, atomicfile.ErrExists)
			}
			if filetest.Content(t, filepath.Join(in.dir, "out", "c.csv")) != before {
				t.Error("the folder was changed")
			}
			run = in.run()
			run.Replace = true
			if _, err := run.Do(t.Context()); err != nil {
				t.Errorf("with Replace: %v", err)
			}
		})
	}
}

// national is a register like that of a nation: one number of somebody who opted out may be chance.
type national struct{ *counting }

func (national) PerFirstDigit() [10]uint64 { return [10]uint64{9: 1_200_000} }

// TestResumeRemembersColumns: what only all files together tell of a column, they tell too where
// they are taken over.
func TestResumeRemembersColumns(t *testing.T) {
	few := "nhs_number,seen_by\n" + stays + "," + other + "\n"
	// Of forty numbers, three are valid by chance and one is of somebody who opted out.
	var one strings.Builder
	one.WriteString("nhs_number,ref\n")
	for i, valid := range []string{out, other, stays} {
		fmt.Fprintf(&one, "%s,%s\n", stays, valid)
		for j := range 12 {
			number := 9_000_000_000 + int64(100*i+j)*10
			if _, status := nhsnumber.ParseInt(number); status == nhsnumber.Valid {
				number++
			}
			fmt.Fprintf(&one, "%s,%d\n", stays, number)
		}
	}
	for _, c := range []struct {
		name, text string
		files      int
		want       error
	}{
		{"NHS numbers", few, 4, columns.ErrUnnamedNumbers},
		{"somebody who opted out", one.String(), 30, columns.ErrOptedOutElsewhere},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{}
			for i := range c.files {
				files[fmt.Sprintf("%02d.csv", i)] = c.text
			}
			dir, _ := inFolder(t, files)
			register := national{newRegister()}
			for i := range 3 {
				run := over(t, dir, register)
				run.Resume, run.Fingerprint = true, "rules"
				_, err := run.Do(t.Context())
				if !errors.Is(err, c.want) || !strings.Contains(err.Error(), "files together") {
					t.Errorf("run %d: %v, want %v", i, err, c.want)
				}
				if _, err := os.Lstat(run.Output); !errors.Is(err, os.ErrNotExist) {
					t.Error("the folder appeared")
				}
				if looked := register.forget(); (len(looked) > 0) != (i == 0) {
					t.Errorf("in run %d, %d numbers were looked up", i, len(looked))
				}
			}
		})
	}
}

// TestResumeOfNothing: a run that finished no file leaves nothing to take up, and nothing hidden.
func TestResumeOfNothing(t *testing.T) {
	dir, run := inFolder(t, map[string]string{"a.csv": "nhs_number,note\ntorn\n"})
	run.Resume = true
	if _, err := run.Do(t.Context()); !isInputError(err) {
		t.Errorf("ended with %v", err)
	}
	isEmptyBut(t, dir, "in", "state")
}
