package columns

import (
	"slices"
	"strings"
	"testing"
)

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
