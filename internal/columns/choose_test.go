package columns

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"noo/formats"
)

// named makes columns of those names, as a CSV with a header has them.
func named(names ...string) []formats.Column {
	columns := make([]formats.Column, len(names))
	for i, name := range names {
		columns[i].Name = name
	}
	return columns
}

// doubtfully makes columns of those names, as a CSV has them of which nobody said that it has a
// header.
func doubtfully(names ...string) []formats.Column {
	columns := named(names...)
	for i := range columns {
		columns[i].Doubtful = true
	}
	return columns
}

func rules(identifying ...string) Rules { return Rules{Identifying: identifying} }

func TestChoose(t *testing.T) {
	dated := named("nhs_number", "nhs_number_date")
	dated[1].Numberless = true
	for _, c := range []struct {
		name    string
		columns []formats.Column
		rules   Rules
		want    Chosen
	}{
		{"the header decides", named("id", "nhs_number"), rules(), Chosen{Identifying: []int{1}}},
		{"the header decides, by the last part of a path", named("id", "episodes.nhs_number"), rules(), Chosen{Identifying: []int{1}}},
		{"a name", named("id", "mother"), rules("mother"), Chosen{Identifying: []int{1}}},
		{"a number", named("id", "mother"), rules("2"), Chosen{Identifying: []int{1}}},
		{"several, in their order", named("id", "mother", "baby"), rules("baby", "2"), Chosen{Identifying: []int{2, 1}}},
		{"a name with blanks and punctuation", named("id", "Baby, NHS"), rules("Baby, NHS"), Chosen{Identifying: []int{1}}},
		{"a number where there are no names", named("", ""), rules("2"), Chosen{Identifying: []int{1}}},
		{"an allowed column", named("nhs_number", "seen_by"), Rules{Allowed: []string{"seen_by"}}, Chosen{Identifying: []int{0}, allowed: []int{1}}},
		{"an allowed column by number", named("nhs_number", "seen_by"), Rules{Allowed: []string{"2"}}, Chosen{Identifying: []int{0}, allowed: []int{1}}},
		{"a second number that is allowed", named("nhs_number", "father_nhs_number"), Rules{Allowed: []string{"father_nhs_number"}},
			Chosen{Identifying: []int{0}, allowed: []int{1}}},
		{"both numbers", named("nhs_number", "father_nhs_number"), rules("nhs_number", "father_nhs_number"), Chosen{Identifying: []int{0, 1}}},
		{"a date beside it, which has no room for one", dated, rules(), Chosen{Identifying: []int{0}}},
		{"allowed in other files of the batch", named("nhs_number"), Rules{Allowed: []string{"seen_by"}, Batch: true}, Chosen{Identifying: []int{0}}},
		{"a first line of values, by number", doubtfully("Unknown", "x", "Smith"), rules("2"), Chosen{Identifying: []int{1}, doubtful: true}},
		{"a first line with one name, by number", doubtfully("Smith", "x", "date_of_birth"), rules("2"), Chosen{Identifying: []int{1}}},
		{"a first line of values, by name", doubtfully("Unknown", "x", "Smith"), rules("x"), Chosen{Identifying: []int{1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Choose("a.csv", c.columns, c.rules)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.allowed) == 0 {
				got.allowed = nil
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestChooseRefuses(t *testing.T) {
	refused := named("nhs_number", "father_nhs_number")
	refused[1].Refused = errors.New("write the file anew")
	for _, c := range []struct {
		name    string
		columns []formats.Column
		rules   Rules
		want    error
		says    string
	}{
		{"no such name", named("id", "mother"), rules("father"), ErrNoColumn, "column father: "},
		{"a near miss", named("id", "mother"), rules("mothr"), ErrNoColumn, "did you mean mother?"},
		{"no name at all", named("", "mother"), rules(""), ErrNoColumn, "columns"},
		{"a number too large", named("id", "mother"), rules("3"), ErrNoColumn, "id, mother"},
		{"zero", named("id", "mother"), rules("0"), ErrNoColumn, "id, mother"},
		{"an NHS number for a name", named("id", "mother"), rules("9434765919"), ErrNoColumn, "id, mother"},
		{"two columns of the name", named("id", "mother", "mother"), rules("mother"), ErrManyColumns, "column mother: "},
		{"a number that is the name of another", named("2", "mother"), rules("2"), ErrAmbiguous, "two columns could be meant"},
		{"named twice, by name and number", named("id", "mother"), rules("mother", "2"), ErrNamedTwice, "named twice"},
		{"a name where there are none", named("", ""), rules("mother"), ErrNoNames, "have no names"},
		{"a number too large where there are no names", named("", ""), rules("3"), ErrNoColumn, "2 fields"},
		{"a number that is the name of that column, and no name", named("id", "2"), rules("2"), ErrNotAName, "may be data"},
		{"a cell that may be data", doubtfully("Smith", "1932-01-02"), rules("2"), ErrNotAName, "may be data"},

		{"nothing is named like a number", named("id", "mother"), rules(), ErrNotDetected, "id, mother"},
		{"two are", named("NHS Number", "Mother NHS No."), rules(), ErrManyDetected, "NHS Number, Mother NHS No."},
		{"a second only mentions one", named("nhs_number", "nhs_number_status"), rules(), ErrManyDetected, "nhs_number_status"},
		{"a second that was copied", named("nhs_number", "nhs_number.1"), rules(), ErrManyDetected, "nhs_number.1"},
		{"no names and none wanted", named("", ""), rules(), ErrNoNames, "have no names"},
		{"one column with another delimiter", named("id;nhs_number"), rules(), ErrNotDetected, "id;nhs_number"},
		{"names that may be data are not shown", doubtfully("Smith", "Jones"), rules(), ErrNotDetected, "2 columns"},

		{"a second number, unnamed", named("nhs_number", "father_nhs_number"), rules("nhs_number"), ErrSaidUnnamed, "father_nhs_number"},
		{"a second number, unnamed, with another column", named("mother", "nhs_number"), rules("mother"), ErrSaidUnnamed, "nhs_number"},
		{"a second number by which the format does not filter", refused, rules("nhs_number"), ErrSaidUnnamed, "write the file anew"},

		{"an allowed column that is not there", named("nhs_number", "seen_by"), Rules{Allowed: []string{"seenby"}}, ErrNoColumn, "column seenby: "},
		{"allowed, and the header's choice", named("id", "nhs_number"), Rules{Allowed: []string{"nhs_number"}}, ErrAllowedToo, "column nhs_number: "},
		{"allowed, and wanted", named("id", "mother"), Rules{Identifying: []string{"mother"}, Allowed: []string{"2"}}, ErrAllowedToo, "column 2: "},
		{"allowed of a batch, and two of that name", named("nhs_number", "x", "x"), Rules{Allowed: []string{"x"}, Batch: true}, ErrManyColumns, "column x: "},
		{"wanted of a batch must be there", named("nhs_number"), Rules{Identifying: []string{"mother"}, Batch: true}, ErrNoColumn, "column mother: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Choose("a.csv", c.columns, c.rules)
			if _, ok := errors.AsType[*ChoiceError](err); !ok || !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			text := err.Error()
			if !strings.HasPrefix(text, "a.csv: ") || !strings.Contains(text, c.says) || strings.Contains(text, "\n") {
				t.Errorf("%q does not say %q", text, c.says)
			}
			for _, secret := range []string{"Smith", "Jones", "1932", "9434765919"} {
				if strings.Contains(text, secret) {
					t.Errorf("%q may show a value", text)
				}
			}
		})
	}
}

// TestChooseSaysWhatToName: the advice names the columns that identify people first, and each once.
func TestChooseSaysWhatToName(t *testing.T) {
	_, err := Choose("a.csv", named("mother", "nhs_number", "baby_nhs_no"), rules("mother"))
	e, ok := errors.AsType[*ChoiceError](err)
	if !ok || !slices.Equal(e.Named, []string{"mother"}) || !slices.Equal(e.Said, []string{"nhs_number", "baby_nhs_no"}) {
		t.Errorf("%+v", err)
	}
}
