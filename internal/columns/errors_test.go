package columns

import (
	"fmt"
	"strings"
	"testing"

	"noo/formats"
)

// TestPreflightError: one line that names columns in a way that can be typed, however many there
// are.
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

// TestDeclaredNames: the names of a schema are shown whatever they look like, but those that could
// not be typed.
func TestDeclaredNames(t *testing.T) {
	for _, c := range []struct {
		name  string
		names []string
		want  string
	}{
		{"a letter", []string{"f"}, "a.parquet: column x: no such column; the columns are: f"},
		{"two of a name", []string{"f", "f", "g"}, "a.parquet: column x: no such column; the columns are: 1, 2, g"},
		{"digits", []string{"12345678901", "g"}, "a.parquet: column x: no such column; the columns are: 1, g"},
	} {
		t.Run(c.name, func(t *testing.T) {
			columns := make([]formats.Column, len(c.names))
			for i, name := range c.names {
				columns[i] = formats.Column{Name: name, Declared: true}
			}
			_, err := Choose("a.parquet", columns, Rules{Identifying: []string{"x"}})
			if err == nil || err.Error() != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}
