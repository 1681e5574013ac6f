package hints

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"noo/formats"
	"noo/formats/csv"
	"noo/internal/atomicfile"
	"noo/internal/columns"
	"noo/job"
)

// TestHints: what is wrong comes first, then what to do, also where the error is wrapped, and
// nothing where no flag helps.
func TestHints(t *testing.T) {
	many := &columns.PreflightError{Name: "a.csv", Err: columns.ErrUnnamedNumbers, Named: []string{"NHS Number"}}
	for i := range 12 {
		label := fmt.Sprintf("c%d", i)
		many.Columns, many.Unnamed = append(many.Columns, columns.Sampled{Label: label}), append(many.Unnamed, label)
	}
	gzip := formats.Gzip
	for _, c := range []struct {
		name   string
		err    error
		want   []string
		absent string
	}{
		{"an error with a fixed hint", fmt.Errorf("cannot write a.csv: it %w", atomicfile.ErrExists),
			[]string{"exists already; name another file, or pass --force"}, ""},
		{"in an input", &formats.InputError{Name: "a.csv", Line: 3, Err: csv.ErrHeaderValue},
			[]string{"a.csv:3: an NHS number", "; pass --no-header if"}, ""},
		{"the choice of columns, before what there is to choose from",
			fmt.Errorf("job x: %w", &columns.ChoiceError{Name: "a.csv", Err: columns.ErrNotDetected, Columns: []string{"id", "note"}}),
			[]string{"job x: a.csv: no column is named like an NHS number; name it with --column, or link tables with --link; the columns are: id, note"}, ""},
		{"another delimiter", &columns.ChoiceError{Name: "a.csv", Err: columns.ErrNotDetected, Columns: []string{"a;b"}, Delimiter: "semicolon"},
			[]string{"pass --delimiter semicolon"}, ""},
		{"many columns", many, []string{
			`filter by all with --column "NHS Number" --column c0`, "--column c8 and so on, or let them pass with --allow-column c0 ",
			"--allow-column c9 and so on",
		}, "c11"},
		{"no flag helps", &columns.PreflightError{Name: "a.parquet", Err: columns.ErrOptedOutElsewhere,
			Watched: []columns.Watched{{Label: "x"}}, Refused: "write the file anew"}, []string{": write the file anew"}, "--"},
		{"a compression", &job.CompressionError{Name: "cannot write a.gz", Err: job.ErrNameLies, Hint: "name it a", Promised: &gzip},
			[]string{"name it a, or pass --compress gzip"}, ""},
		{"nothing to do", errors.New("the disk is full"), []string{"the disk is full"}, ";"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := Add(c.err, c.err.Error())
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("%q does not say %q", text, want)
				}
			}
			if c.absent != "" && strings.Contains(text, c.absent) || strings.Contains(text, "\n") {
				t.Errorf("%q", text)
			}
		})
	}
}
