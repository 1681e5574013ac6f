package columns

import (
	"fmt"
	"strings"
	"testing"

	"noo/formats"
)

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
		t.Run(strings.Join(c.names, ","), func(t *testing.T) {
			columns := make([]formats.Column, len(c.names))
			for i, name := range c.names {
				columns[i].Name = name
			}
			if got := columnLabels(columns); fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%q is labelled %q, want %q", c.names, got, c.want)
			}
		})
	}
}
