package job

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
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

func TestReportAddsUp(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 19))
	texts, register := filtertest.People(r, 200)
	texts = append(texts, "", "n/a", "x")
	var text, want strings.Builder
	text.WriteString("nhs_number,row\n")
	want.WriteString("nhs_number,row\n")
	for i := range 20_000 {
		value := texts[r.IntN(len(texts))]
		line := fmt.Sprintf("%s,%d\n", value, i)
		text.WriteString(line)
		if key, status := nhsnumber.Parse([]byte(value)); status == nhsnumber.Valid && register[key] == snapshot.Clear {
			want.WriteString(line)
		}
	}
	run := inFolder(t, text.String(), register)
	run.Report = filepath.Join(filepath.Dir(run.Input), "report.json")
	run.Withheld = filepath.Join(filepath.Dir(run.Input), "withheld.csv")
	report, err := run.Do(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.ReadFile(run.Output)
	if err != nil || string(out) != want.String() {
		t.Fatalf("the output is not what the plain rule keeps (%v)", err)
	}
	n := report.Totals
	if n.Read != 20_000 || n.Read != n.Kept+n.OptedOut+n.Missing+n.Invalid+n.Unchecked || n.Written != n.Kept {
		t.Errorf("counts do not add up: %+v", n)
	}
	file := report.Files[0]
	if file.Input.SHA256 != fmt.Sprintf("%x", sha256.Sum256([]byte(text.String()))) || file.Input.Bytes != int64(text.Len()) {
		t.Error("the input's digest or size is wrong")
	}
	if file.Output.SHA256 != fmt.Sprintf("%x", sha256.Sum256(out)) || file.Output.Bytes != int64(len(out)) {
		t.Error("the output's digest or size is wrong")
	}
	withheld, err := os.ReadFile(run.Withheld)
	if err != nil || int64(strings.Count(string(withheld), "\n"))-1 != n.Withheld() {
		t.Errorf("the withheld file holds other than %d records (%v)", n.Withheld(), err)
	}
	for key, standing := range register {
		if standing != snapshot.OptedOut {
			continue
		}
		digit, _ := nhsnumber.CheckDigit(key)
		text := fmt.Sprintf("%09d%d", key, digit)
		if strings.Contains(string(out), text) || strings.Contains(string(withheld), text) {
			t.Fatal("the number of someone who opted out is in an output")
		}
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
