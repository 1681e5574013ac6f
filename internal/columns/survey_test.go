package columns

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"noo/filter/filtertest"
	"noo/formats"
	"noo/formats/csv"
)

// extract opens a made-up extract: ids, NHS numbers in the column called so, and what is given in
// the third column.
func extract(t *testing.T, header string, third func(r *rand.Rand) string) formats.Dataset {
	t.Helper()
	r := rand.New(rand.NewPCG(21, 22))
	text := new(strings.Builder)
	fmt.Fprintln(text, header)
	for i := range 50 {
		number, _ := filtertest.Number(r)
		fmt.Fprintf(text, "%d,%s,%s\n", i, number, third(r))
	}
	input := formats.Input{Name: "a.csv", Reader: strings.NewReader(text.String())}
	dataset, err := csv.Format{}.Open(t.Context(), input)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dataset.Close() })
	return dataset
}

func numbers(r *rand.Rand) string {
	number, _ := filtertest.Number(r)
	return number
}

func words(*rand.Rand) string { return "ward 7" }

func TestSurveyOf(t *testing.T) {
	for _, c := range []struct {
		name   string
		header string
		third  func(*rand.Rand) string
		want   []Part
	}{
		{"one column of numbers", "id,nhs_number,note", words, []Part{OtherColumn, Identifies, OtherColumn}},
		{"a second column of numbers", "id,nhs_number,note", numbers, []Part{OtherColumn, Identifies, StopsUnnamed}},
		{"something else under the name", "id,note,nhs_number", words, []Part{OtherColumn, StopsUnnamed, StopsFew}},
		{"a second name", "id,nhs_number,baby_nhs_no", words, []Part{OtherColumn, StopsUnnamed, StopsUnnamed}},
	} {
		t.Run(c.name, func(t *testing.T) {
			survey, err := SurveyOf(t.Context(), "in/a.csv", "csv", extract(t, c.header, c.third), nil)
			if err != nil {
				t.Fatal(err)
			}
			if survey.Input.Name != "a.csv" || len(survey.Columns) != 3 {
				t.Errorf("%+v", survey)
			}
			for i, column := range survey.Columns {
				if column.Part != c.want[i] || column.Number != i+1 || column.Values != 50 {
					t.Errorf("column %d is %+v, want part %q", i+1, column, c.want[i])
				}
			}
		})
	}
}

func TestPreflight(t *testing.T) {
	for _, c := range []struct {
		name   string
		header string
		third  func(*rand.Rand) string
		rules  Rules
		want   error
		seen   int // samples of other columns, without an error
	}{
		{"nothing strange", "id,nhs_number,note", words, Rules{}, nil, 2},
		{"a second column", "id,nhs_number,note", numbers, Rules{}, ErrUnnamedNumbers, 0},
		{"a second column, allowed", "id,nhs_number,note", numbers, Rules{Allowed: []string{"note"}}, nil, 1},
		{"a second column, named", "id,nhs_number,note", numbers,
			Rules{Identifying: []string{"nhs_number", "note"}}, nil, 1},
		{"something else", "id,nhs_number,note", words,
			Rules{Identifying: []string{"nhs_number", "note"}}, ErrFewNumbers, 0},
		{"something else, forced", "id,nhs_number,note", words,
			Rules{Identifying: []string{"nhs_number", "note"}, Forced: true}, nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			dataset := extract(t, c.header, c.third)
			chosen, err := Choose("a.csv", dataset.Columns(), c.rules)
			if err != nil {
				t.Fatal(err)
			}
			others, err := Preflight(t.Context(), "a.csv", dataset, chosen, c.rules.Forced)
			if !errors.Is(err, c.want) || err == nil && len(others) != c.seen {
				t.Errorf("%d samples and %v, want %d and %v", len(others), err, c.seen, c.want)
			}
		})
	}
}
