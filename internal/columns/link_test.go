package columns

import (
	"errors"
	"slices"
	"testing"

	"noo/formats"
)

// TestChooseLinked: which column is the link, and whether a table has numbers.
func TestChooseLinked(t *testing.T) {
	for _, test := range []struct {
		name    string
		columns []string
		rules   Rules
		scanned []int // those of numbers, and the link as the last one
		err     error
	}{
		{"it decides", []string{"person_id", "nhs_number"}, Rules{}, []int{1, 0}, nil},
		{"it does not", []string{"event", "person_id"}, Rules{}, []int{1}, nil},
		{"by another name", []string{"event", "patient"}, Rules{}, []int{1}, nil},
		{"the named column", []string{"person_id", "ref", "x"}, Rules{Identifying: []string{"ref"}}, []int{1, 0}, nil},
		{"one of the named columns", []string{"person_id", "b"}, Rules{Identifying: []string{"a", "b"}}, []int{1, 0}, nil},
		{"none of them", []string{"person_id", "x"}, Rules{Identifying: []string{"ref"}}, []int{0}, nil},
		{"no column by its place", []string{"person_id", "x"}, Rules{Identifying: []string{"2"}}, []int{0}, nil},
		{"allowed numbers", []string{"person_id", "nhs_number"}, Rules{Allowed: []string{"nhs_number"}}, []int{0}, nil},
		{"no link", []string{"event", "id"}, Rules{}, nil, ErrNoLink},
		{"in another case", []string{"event", "Person_ID"}, Rules{}, nil, ErrNoLink},
		{"two links", []string{"person_id", "patient"}, Rules{}, nil, ErrManyLinks},
		{"one link twice", []string{"person_id", "person_id"}, Rules{}, nil, ErrManyLinks},
		{"no names", []string{"", ""}, Rules{}, nil, ErrNoNames},
		{"the link has the numbers", []string{"x", "person_id"}, Rules{Identifying: []string{"person_id"}}, nil, ErrLinkIdentifies},
		{"two columns of numbers", []string{"person_id", "nhs_number", "baby_nhs_number"}, Rules{}, nil, ErrManyDetected},
		{"numbers that nobody named", []string{"person_id", "nhs_number_status"}, Rules{}, nil, ErrSaidUnnamed},
		{"numbers beside those named", []string{"person_id", "ref", "nhs_number"}, Rules{Identifying: []string{"ref"}}, nil, ErrSaidUnnamed},
	} {
		t.Run(test.name, func(t *testing.T) {
			var all []formats.Column
			for _, name := range test.columns {
				all = append(all, formats.Column{Name: name})
			}
			test.rules.Link = []string{"person_id", "patient"}
			chosen, err := Choose("in.csv", all, test.rules)
			if !errors.Is(err, test.err) || err != nil && test.err == nil {
				t.Fatalf("error %v, want %v", err, test.err)
			}
			if err == nil && !slices.Equal(chosen.Scanned(), test.scanned) {
				t.Errorf("columns %v, want %v", chosen.Scanned(), test.scanned)
			}
		})
	}
}
