package job

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"noo/filter"
	"noo/filter/filtertest"
	"noo/formats"
	"noo/formats/csv"
	"noo/internal/nhsnumber"
	"noo/internal/steadyfile"
	"noo/snapshot"
)

// inFolder prepares a run over a text in a folder of its own.
func inFolder(t *testing.T, text string, register filter.Register) *Run {
	t.Helper()
	dir := t.TempDir()
	input := filepath.Join(dir, "in.csv")
	if err := os.WriteFile(input, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return &Run{
		Input: input, Outputs: Outputs{Output: filepath.Join(dir, "out.csv")},
		Rules: Rules{Formats: []formats.Format{csv.Format{}}, Register: register},
	}
}

// TestFailNamesTheFirstRecord holds the number of the record against chunks that are decided on in
// any order.
func TestFailNamesTheFirstRecord(t *testing.T) {
	good, key := filtertest.Number(rand.New(rand.NewPCG(1, 2)))
	for _, at := range []int{1, 777, 150_000, 199_999} {
		var text strings.Builder
		text.WriteString("nhs_number\n")
		for i := 1; i <= 200_000; i++ {
			if i >= at && (i-at)%1000 == 0 {
				text.WriteString("x\n")
			} else {
				text.WriteString(good + "\n")
			}
		}
		run := inFolder(t, text.String(), filtertest.Register{key: snapshot.Clear})
		run.Policy.Invalid = filter.Fail
		_, err := run.Do(context.Background())
		failed, ok := errors.AsType[*PolicyError](err)
		if !ok || failed.Record != int64(at) || failed.Verdict != filter.Invalid {
			t.Errorf("record %d: %v", at, err)
		}
		if _, err := os.Stat(run.Output); !os.IsNotExist(err) {
			t.Error("an output was left")
		}
	}
}

// changing calls a function once, when the first batch is decided on.
type changing struct {
	filtertest.Register
	once   *sync.Once
	change func()
}

func (c changing) LookUp(keys []nhsnumber.Key, out []snapshot.Standing) {
	c.once.Do(c.change)
	c.Register.LookUp(keys, out)
}

func TestInputThatChanges(t *testing.T) {
	good, key := filtertest.Number(rand.New(rand.NewPCG(1, 2)))
	const records = 500_000
	for name, change := range map[string]func(path string) error{
		"grown": func(path string) error {
			file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = file.WriteString(good + "\n")
			return errors.Join(err, file.Close())
		},
		"cut at the end of a record": func(path string) error { return os.Truncate(path, int64(len("nhs_number\n")+(records-1)*11)) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, asStdin := range []bool{false, true} {
				var path string
				register := changing{filtertest.Register{key: snapshot.Clear}, new(sync.Once), func() {
					if err := change(path); err != nil {
						t.Error(err)
					}
				}}
				run := inFolder(t, "nhs_number\n"+strings.Repeat(good+"\n", records), register)
				if path = run.Input; asStdin {
					file, err := os.Open(path)
					if err != nil {
						t.Fatal(err)
					}
					defer file.Close()
					run.Input, run.Stdin = "-", file
				}
				if _, err := run.Do(context.Background()); !errors.Is(err, steadyfile.ErrChanged) {
					t.Errorf("a file that was %s (standard input: %v): %v", name, asStdin, err)
				}
				if _, err := os.Stat(run.Output); !os.IsNotExist(err) {
					t.Error("an output was left")
				}
			}
		})
	}
}

// TestOutputThatAppears: without Replace, not even a file that came during the run is replaced.
func TestOutputThatAppears(t *testing.T) {
	good, key := filtertest.Number(rand.New(rand.NewPCG(1, 2)))
	var run *Run
	register := changing{filtertest.Register{key: snapshot.Clear}, new(sync.Once), func() {
		if err := os.WriteFile(run.Output, []byte("precious"), 0o600); err != nil {
			t.Error(err)
		}
	}}
	run = inFolder(t, "nhs_number\n"+good+"\n", register)
	run.Report = filepath.Join(filepath.Dir(run.Input), "report.json")
	if _, err := run.Do(context.Background()); err == nil {
		t.Error("the run succeeded")
	}
	if text, err := os.ReadFile(run.Output); err != nil || string(text) != "precious" {
		t.Errorf("the file that appeared was touched: %q, %v", text, err)
	}
	if _, err := os.Stat(run.Report); !os.IsNotExist(err) {
		t.Error("the report was left without its output")
	}
}

func TestCancelledRunLeavesNothing(t *testing.T) {
	good, key := filtertest.Number(rand.New(rand.NewPCG(1, 2)))
	ctx, cancel := context.WithCancel(context.Background())
	run := inFolder(t, "nhs_number\n"+strings.Repeat(good+"\n", 1_000_000), changing{filtertest.Register{key: snapshot.Clear}, new(sync.Once), cancel})
	if _, err := run.Do(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	entries, err := os.ReadDir(filepath.Dir(run.Input))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestOffendersOfARun: through a format, with a header and more records than a chunk holds; none
// where none are asked for.
func TestOffendersOfARun(t *testing.T) {
	good, key := filtertest.Number(rand.New(rand.NewPCG(1, 2)))
	lines := strings.Split("nhs_number\n"+strings.Repeat(good+"\n", 300_000), "\n")
	lines[7], lines[250_000], lines[299_999] = "x", "NULL", "y"
	for _, limit := range []int{0, 2, 20} {
		run := inFolder(t, strings.Join(lines, "\n"), filtertest.Register{key: snapshot.Clear})
		run.Output, run.Offenders = "", limit
		report, err := run.Do(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		want := []filter.Offender{{Record: 7, Verdict: filter.Invalid}, {Record: 250_000, Verdict: filter.Missing}, {Record: 299_999, Verdict: filter.Invalid}}
		want = want[:min(limit, len(want))]
		if got := report.Files[0].Offenders; len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("limit %d: %v, want %v", limit, got, want)
		}
	}
}

// TestEndedBeforeWriting: a run whose context ends before it tells that it makes outputs makes
// none, and does not even try: whoever heard nothing may be ending the process. Here trying would
// be an error.
func TestEndedBeforeWriting(t *testing.T) {
	dir := t.TempDir()
	input := filepath.Join(dir, "in.csv")
	if err := os.WriteFile(input, []byte("nhs_number\n9995609649\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancelCause(t.Context())
	reason := errors.New("somebody wants it to end")
	run := Run{
		Input: input, Outputs: Outputs{Output: filepath.Join(dir, "nowhere", "out.csv")},
		Rules: Rules{Register: filtertest.Register{}, Formats: []formats.Format{csv.Format{}}}, Host: Host{OnFirstWrite: func() { end(reason) }},
	}
	if _, err := run.Do(ctx); !errors.Is(err, reason) {
		t.Errorf("a file: %v", err)
	}
}
