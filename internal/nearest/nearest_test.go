package nearest

import "testing"

func TestName(t *testing.T) {
	names := []string{"output", "withheld", "report", "max-age", "NHS Number", "id"}
	for _, c := range []struct{ name, typed, want string }{
		{"a letter missing", "ouput", "output"},
		{"two letters", "repotr", "report"},
		{"punctuation and case", "nhs_number", "NHS Number"},
		{"the start of a name", "with", "withheld"},
		{"half of the letters", "ix", "id"},
		{"too far", "snapshot", ""},
		{"one letter", "o", ""},
		{"the same", "report", "report"},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Name(c.typed, names); got != c.want {
				t.Errorf("%q is taken for %q, want %q", c.typed, got, c.want)
			}
		})
	}
}
