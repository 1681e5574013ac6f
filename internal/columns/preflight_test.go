package columns

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"noo/filter/filtertest"
	"noo/formats"
	"noo/internal/nhsnumber"
)

// TestColumnSample counts values of every shape, and compares with counting them spelt out.
func TestColumnSample(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	texts, _ := filtertest.People(r, 50)
	texts = append(texts, "", "NULL", "x", "12345", "9434765910", "9999999999", "943 476 5919")
	for range 3000 {
		var got, want Sample
		for range 1 + r.IntN(3) {
			values, spelt := filtertest.Values(r, texts, r.IntN(30))
			got.add(&values)
			for _, record := range spelt {
				for _, text := range record {
					_, status := nhsnumber.Parse([]byte(text))
					want.Values++
					if status != nhsnumber.Missing {
						want.Filled++
					}
					if status == nhsnumber.Valid {
						want.Valid++
					}
					if key, status, ten := nhsnumber.Whole([]byte(text)); ten {
						want.Tens++
						if status == nhsnumber.Valid && key > 0 {
							want.Whole++
						}
					}
				}
			}
		}
		if got != want {
			t.Fatalf("%+v, want %+v", got, want)
		}
	}
	var nulls Sample
	nulls.add(&formats.Values{Text: [][]byte{nil, nil}})
	nulls.add(&formats.Values{Index: []int32{-1, -1, -1}})
	nulls.add(&formats.Values{})
	if want := (Sample{Values: 5}); nulls != want {
		t.Errorf("%+v, want %+v", nulls, want)
	}
}

// TestRules holds the two rules at their edges.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		name         string
		sample       Sample
		holds, lacks bool
	}{
		{"four of four", Sample{Values: 1000, Filled: 4, Valid: 4, Tens: 4, Whole: 4}, true, false},
		{"three of three", Sample{Values: 1000, Filled: 3, Valid: 3, Tens: 3, Whole: 3}, false, false},
		{"among other text", Sample{Values: 1000, Filled: 1000, Valid: 15, Tens: 15, Whole: 15}, true, true},
		{"chance", Sample{Values: 1000, Filled: 1000, Valid: 91, Tens: 1000, Whole: 91}, false, true},
		{"at the edge of chance", Sample{Values: 1000, Filled: 1000, Valid: 120, Tens: 1000, Whole: 120}, false, true},
		{"more than chance", Sample{Values: 1000, Filled: 1000, Valid: 130, Tens: 1000, Whole: 130}, true, true},
		{"in another dress", Sample{Values: 20, Filled: 20, Tens: 20, Whole: 20}, true, true},
		{"half", Sample{Values: 1000, Filled: 1000, Valid: 500, Tens: 500, Whole: 500}, true, false},
		{"one other value", Sample{Values: 1, Filled: 1}, false, true},
		{"blank", Sample{Values: 1000}, false, false},
		{"nothing", Sample{}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.sample.HoldsNumbers() != c.holds || c.sample.LacksNumbers() != c.lacks {
				t.Errorf("%t and %t, want %t and %t", c.sample.HoldsNumbers(), c.sample.LacksNumbers(), c.holds, c.lacks)
			}
		})
	}
}

// TestPreflightError: one line that names columns in a way that can be typed, however many there are.
func TestPreflightError(t *testing.T) {
	e := &PreflightError{Name: "a.csv", Err: ErrUnnamedNumbers, Named: []string{"NHS Number"}}
	for i := range 12 {
		label := fmt.Sprintf("c%d", i)
		e.Columns, e.Unnamed = append(e.Columns, Sampled{Label: label, Sample: Sample{Values: 40, Filled: 30, Valid: 20}}), append(e.Unnamed, label)
	}
	text := e.Error()
	for _, want := range []string{
		"a.csv: columns c0 (20 of 30 values), c1 ", "c9 (20 of 30 values), 2 more hold NHS numbers and were not named",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q does not say %q", text, want)
		}
	}
	if strings.Contains(text, "c11") || strings.Contains(text, "\n") {
		t.Errorf("%q", text)
	}
}

// TestRefusedNumbers: no flag lets a column be filtered that the format refuses, so that none is
// advised. Others wait till it is gone.
func TestRefusedNumbers(t *testing.T) {
	const reason = "noo cannot filter by a column of two meanings: write the file anew"
	holding := Sample{Values: 40, Filled: 40, Valid: 40, Tens: 40, Whole: 40}
	columns := []Sampled{
		{Label: "seen_by", Sample: holding}, {Label: "coded", Sample: holding, Refused: reason},
		{Label: "weight", Sample: Sample{Values: 40, Filled: 40}, Refused: "of another type"},
	}
	e := holdingNumbers("a.parquet", columns, []string{"nhs"})
	if got, want := e.Error(), "a.parquet: column coded (40 of 40 values) holds NHS numbers: "+reason; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	e = holdingNumbers("a.parquet", slices.Delete(columns, 1, 2), []string{"nhs"})
	if got := e.Error(); !strings.Contains(got, "column seen_by ") || !slices.Equal(e.Unnamed, []string{"seen_by"}) {
		t.Errorf("%q", got)
	}
	// Over many files that have too few each, also where one of them is from the ledger of an
	// earlier run.
	few := Sample{Values: 3, Filled: 3, Valid: 3, Tens: 3, Whole: 3}
	err := Together([]Seen{
		{Sampled: []Sampled{{Label: "coded", Sample: few}}}, {Sampled: []Sampled{{Label: "coded", Sample: few, Refused: reason}}},
	}, [10]uint64{})
	if err == nil || !strings.HasSuffix(err.Error(), reason) {
		t.Errorf("%v", err)
	}
}

// TestLabels: what may be data is never a label.
func TestLabels(t *testing.T) {
	for _, c := range []struct{ names, want []string }{
		{[]string{"id", "nhs_number"}, []string{"id", "nhs_number"}},
		{[]string{"id", "nhs_number", "1932-01-02"}, []string{"1", "nhs_number", "3"}},
		{[]string{"Smith", "Patient says: NHS no 12 lost", "1932-01-02"}, []string{"1", "2", "3"}},
		{[]string{"nhs_number", "seen_by", "seen_by"}, []string{"nhs_number", "2", "3"}},
		{[]string{"Smith", "Jones"}, []string{"1", "2"}},
		{[]string{"", ""}, []string{"1", "2"}},
		{[]string{"", "nhs_number"}, []string{"1", "nhs_number"}},
	} {
		columns := make([]formats.Column, len(c.names))
		for i, name := range c.names {
			columns[i].Name = name
		}
		if got := columnLabels(columns); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%q is labelled %q, want %q", c.names, got, c.want)
		}
	}
}
