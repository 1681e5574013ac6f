package columns

import (
	"fmt"
	"strings"
	"testing"
)

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
