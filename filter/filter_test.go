package filter

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"noo/formats"
	"noo/formats/csv"
	"noo/internal/nhsnumber"
	"noo/internal/steadyfile"
	"noo/snapshot"
)

// standings is a register for tests.
type standings map[nhsnumber.Key]snapshot.Standing

func (s standings) LookUp(keys []nhsnumber.Key, out []snapshot.Standing) {
	for i, key := range keys {
		out[i] = s[key]
	}
}

func (s standings) PerFirstDigit() (people [10]uint64) {
	for key, standing := range s {
		if standing == snapshot.OptedOut {
			people[key/100_000_000]++
		}
	}
	return people
}

// number makes a valid number of the range that is never issued.
func number(r *rand.Rand) (string, nhsnumber.Key) {
	for {
		key := 900_000_000 + r.Uint32N(99_999_999)
		if digit, ok := nhsnumber.CheckDigit(key); ok {
			return fmt.Sprintf("%09d%d", key, digit), key
		}
	}
}

// people are numbers with a standing each.
func people(r *rand.Rand, n int) (texts []string, register standings) {
	register = standings{}
	for range n {
		text, key := number(r)
		texts = append(texts, text)
		register[key] = snapshot.Standing(r.IntN(3))
	}
	return texts, register
}

// plainVerdict decides on the values of one record as the design words it.
func plainVerdict(values []string, register standings, p Policy) Verdict {
	found := map[Verdict]bool{}
	for _, value := range values {
		key, status := nhsnumber.Parse([]byte(value))
		switch status {
		case nhsnumber.Missing:
			found[Missing] = true
		case nhsnumber.Invalid:
			found[Invalid] = true
		case nhsnumber.Valid:
			found[map[snapshot.Standing]Verdict{snapshot.Clear: Kept, snapshot.OptedOut: OptedOut, snapshot.Unchecked: Unchecked}[register[key]]] = true
		}
	}
	switch {
	case found[OptedOut]:
		return OptedOut
	case found[Invalid] && found[Unchecked]:
		if p.Invalid == Keep || p.Invalid == Withhold && p.Unchecked == Fail {
			return Unchecked
		}
		return Invalid
	case found[Invalid]:
		return Invalid
	case found[Unchecked]:
		return Unchecked
	case found[Kept]:
		return Kept
	}
	return Missing
}

// TestDecide holds batches of every shape (one column or several, nulls, dictionaries, repeated values, integers and
// floats) against the plain rule.
func TestDecide(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 13))
	texts, register := people(r, 50)
	texts = append(texts, "", "NULL", "x", "12345", "9434765910", "9999999999")
	for range 3000 {
		policy := Policy{Missing: Action(r.IntN(2)), Invalid: Action(r.IntN(2)), Unchecked: Withhold}
		judge := newJudge(register, policy)
		records, columns := r.IntN(30), 1+r.IntN(3)
		want := make([][]string, records)
		batch := formats.Batch{Records: records}
		for range columns {
			values, spelt := randomValues(r, texts, records)
			batch.Columns = append(batch.Columns, values)
			for i := range spelt {
				want[i] = append(want[i], spelt[i]...)
			}
		}
		fates := make([]formats.Fate, records)
		if err := judge.Decide(&batch, fates); err != nil {
			t.Fatal(err)
		}
		var counts [verdicts]int64
		for i, fate := range fates {
			verdict := plainVerdict(want[i], register, policy)
			counts[verdict]++
			expected := formats.Withhold
			switch {
			case verdict == OptedOut:
				expected = formats.Drop
			case policy.action(verdict) == Keep:
				expected = formats.Keep
			}
			if fate != expected {
				t.Fatalf("values %q under %+v: fate %d, want %d", want[i], policy, fate, expected)
			}
		}
		if tally := judge.Tally(); tally != newTally(counts, policy) {
			t.Fatalf("tally %+v, want %+v", tally, newTally(counts, policy))
		}
	}
}

// appendEven appends a text to the last stretch where that has texts of its length, and otherwise begins one.
func appendEven(even []formats.EvenTexts, text string) []formats.EvenTexts {
	if n := len(even); n == 0 || even[n-1].Size != len(text) {
		even = append(even, formats.EvenTexts{Start: 2, Stride: 2 + len(text), Size: len(text)})
	}
	last := &even[len(even)-1]
	last.Data = append(append(last.Data, "99"...), text...)
	last.Count++
	return even
}

// randomValues makes the values of one column in one of the shapes that a format may give them, and spells out which
// values each record has.
func randomValues(r *rand.Rand, texts []string, records int) (values formats.Values, spelt [][]string) {
	spelt = make([][]string, records)
	occurrences := records
	if r.IntN(2) == 0 {
		values.Ends = make([]int32, records)
		occurrences = 0
		for i := range records {
			occurrences += r.IntN(4)
			values.Ends[i] = int32(occurrences)
		}
	}
	kind, indexed := r.IntN(4), r.IntN(2) == 0
	size := occurrences
	if indexed {
		size = 1 + r.IntN(8)
	}
	written := make([]string, size)
	for i := range written {
		text := texts[r.IntN(len(texts))]
		switch kind {
		case 0:
			values.Text = append(values.Text, []byte(text))
		case 3:
			values.Even = appendEven(values.Even, text)
		default:
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				n = -1
			}
			text = strconv.FormatInt(n, 10)
			if kind == 1 {
				values.Ints = append(values.Ints, n)
			} else {
				values.Floats = append(values.Floats, float64(n))
			}
		}
		written[i] = text
	}
	if indexed {
		values.Index = make([]int32, occurrences)
	}
	at := 0
	for i := range spelt {
		end := i + 1
		if values.Ends != nil {
			end = int(values.Ends[i])
		}
		for ; at < end; at++ {
			place := at
			if indexed {
				place = r.IntN(size+1) - 1
				values.Index[at] = int32(place)
			}
			if place < 0 {
				spelt[i] = append(spelt[i], "")
			} else {
				spelt[i] = append(spelt[i], written[place])
			}
		}
	}
	return values, spelt
}

// TestUncheckedNeverHides: whatever the policy, a record with an opted-out or unchecked number is not written.
func TestUncheckedNeverHides(t *testing.T) {
	register := standings{943476591: snapshot.Clear, 999560964: snapshot.Unchecked, 992670206: snapshot.OptedOut}
	for _, invalid := range []Action{Withhold, Keep, Fail} {
		for _, values := range [][]string{{"9995609649", "x"}, {"x", "9995609649"}, {"9926702066", "x"}, {"", "9926702066"}, {"9434765919", "9995609649"}} {
			judge := newJudge(register, Policy{Missing: Keep, Invalid: invalid})
			batch := formats.Batch{Records: 1}
			for _, value := range values {
				batch.Columns = append(batch.Columns, formats.Values{Text: [][]byte{[]byte(value)}})
			}
			fates := make([]formats.Fate, 1)
			if err := judge.Decide(&batch, fates); err == nil && fates[0] == formats.Keep {
				t.Errorf("%q is kept with --invalid %v", values, invalid)
			}
		}
	}
}

// inFolder prepares a run over a text in a folder of its own.
func inFolder(t *testing.T, text string, register Register) *Run {
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
	texts, register := people(r, 200)
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

// TestFailNamesTheFirstRecord holds the number of the record against chunks that are decided on in any order.
func TestFailNamesTheFirstRecord(t *testing.T) {
	good, key := number(rand.New(rand.NewPCG(1, 2)))
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
		run := inFolder(t, text.String(), standings{key: snapshot.Clear})
		run.Policy.Invalid = Fail
		_, err := run.Do(context.Background())
		failed, ok := errors.AsType[*PolicyError](err)
		if !ok || failed.Record != int64(at) || failed.Verdict != Invalid {
			t.Errorf("record %d: %v", at, err)
		}
		if _, err := os.Stat(run.Output); !os.IsNotExist(err) {
			t.Error("an output was left")
		}
	}
}

// changing calls a function once, when the first batch is decided on.
type changing struct {
	standings
	once   *sync.Once
	change func()
}

func (c changing) LookUp(keys []nhsnumber.Key, out []snapshot.Standing) {
	c.once.Do(c.change)
	c.standings.LookUp(keys, out)
}

func TestInputThatChanges(t *testing.T) {
	good, key := number(rand.New(rand.NewPCG(1, 2)))
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
			register := changing{standings{key: snapshot.Clear}, new(sync.Once), func() {
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
	good, key := number(rand.New(rand.NewPCG(1, 2)))
	var run *Run
	register := changing{standings{key: snapshot.Clear}, new(sync.Once), func() {
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
	good, key := number(rand.New(rand.NewPCG(1, 2)))
	ctx, cancel := context.WithCancel(context.Background())
	run := inFolder(t, "nhs_number\n"+strings.Repeat(good+"\n", 1_000_000), changing{standings{key: snapshot.Clear}, new(sync.Once), cancel})
	if _, err := run.Do(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	entries, err := os.ReadDir(filepath.Dir(run.Input))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
