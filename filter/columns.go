package filter

// Which columns identify people: those that the user names, or the one whose header says so.

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"noo/formats"
)

// Errors that choosing the columns can give; each is wrapped in a *ColumnError.
var (
	ErrNoColumn     = errors.New("no such column")
	ErrManyColumns  = errors.New("more than one column of that name")
	ErrNotDetected  = errors.New("no column is named like an NHS number: name it with --column")
	ErrManyDetected = errors.New("more than one column is named like an NHS number: name those that identify a person with --column")
	ErrNoNames      = errors.New("the columns have no names: give --column a number, from 1")
	ErrAmbiguous    = errors.New("a column has this number for a name: two columns could be meant")
	ErrNamedTwice   = errors.New("named twice")
)

// ColumnError says why the identifying columns of an input could not be told.
type ColumnError struct {
	// Name is the input's name as the user gave it.
	Name string
	// Wanted is what the user asked for, "" where the header was to decide.
	Wanted string
	// Err is one of the errors above.
	Err error
	// Columns lists the names of the columns, for the message; it is empty where the header might be data.
	Columns []string
	// Count is the number of columns.
	Count int
	// Hint says more, or is "".
	Hint string
}

// Error gives one line with the names to choose from.
func (e *ColumnError) Error() string {
	var text strings.Builder
	text.WriteString(e.Name + ": ")
	if e.Wanted != "" {
		fmt.Fprintf(&text, "--column %s: ", e.Wanted)
	}
	text.WriteString(e.Err.Error())
	if e.Hint != "" {
		text.WriteString("; " + e.Hint)
	}
	switch {
	case len(e.Columns) > 0:
		fmt.Fprintf(&text, "; the columns are: %s", strings.Join(e.Columns, ", "))
	case e.Count > 0:
		fmt.Fprintf(&text, "; there are %d columns, whose names are not shown since the first line may be data", e.Count)
	}
	return text.String()
}

// Unwrap gives the reason.
func (e *ColumnError) Unwrap() error { return e.Err }

// numberNames are what an NHS number is called in the headers of extracts, letters and digits only and in lower case;
// personNames are whose number it may be said to be. Names of a second person are among them, so that a header with two
// such columns stops the run instead of letting one go unseen.
var (
	numberNames = []string{"nhs", "nhsnumber", "nhsnumbers", "nhsno", "nhsnum", "nhsnr", "nhsid"}
	personNames = []string{
		"", "patient", "patients", "pat", "person", "subject", "client", "new", "current", "clean",
		"mother", "mothers", "maternal", "mum", "father", "fathers", "partner",
		"baby", "babys", "babies", "child", "childs", "infant", "newborn",
	}
)

// isIdentifying tells whether a column of that name holds NHS numbers, by all that a name can tell.
func isIdentifying(name string) bool {
	name = plainName(name)
	for _, number := range numberNames {
		for _, person := range personNames {
			if name == person+number || name == number+person || name == number+"of"+person {
				return true
			}
		}
	}
	return false
}

// chooseColumns returns the places of the identifying columns: those wanted, by name or by number from 1, or where
// none is wanted the only one whose name is identifying. name is the input's, for messages.
func chooseColumns(name string, columns []formats.Column, wanted []string) ([]int, error) {
	if len(wanted) == 0 {
		return detectColumn(name, columns)
	}
	chosen := make([]int, 0, len(wanted))
	for _, w := range wanted {
		place, err := findColumn(columns, w)
		if err != nil {
			return nil, columnError(name, columns, w, err)
		}
		for _, other := range chosen {
			if other == place {
				return nil, columnError(name, columns, w, ErrNamedTwice)
			}
		}
		chosen = append(chosen, place)
	}
	return chosen, nil
}

// findColumn returns the place of the column with the name or the number wanted.
func findColumn(columns []formats.Column, wanted string) (int, error) {
	place := -1
	for i, c := range columns {
		if c.Name != wanted || c.Name == "" {
			continue
		}
		if place >= 0 {
			return 0, ErrManyColumns
		}
		place = i
	}
	number, err := strconv.Atoi(wanted)
	isNumber := err == nil && number >= 1 && number <= len(columns)
	switch {
	case place >= 0 && isNumber && number-1 != place:
		return 0, ErrAmbiguous
	case place >= 0:
		return place, nil
	case isNumber:
		return number - 1, nil
	}
	return 0, ErrNoColumn
}

// detectColumn returns the only column whose name is identifying.
func detectColumn(name string, columns []formats.Column) ([]int, error) {
	named := false
	var found []int
	for i, c := range columns {
		named = named || c.Name != ""
		if isIdentifying(c.Name) || isIdentifying(lastPart(c.Name)) {
			found = append(found, i)
		}
	}
	switch {
	case !named:
		return nil, columnError(name, columns, "", ErrNoNames)
	case len(found) == 0:
		return nil, columnError(name, columns, "", ErrNotDetected)
	case len(found) > 1:
		return nil, columnError(name, columns, "", ErrManyDetected)
	}
	return found, nil
}

// lastPart is the last part of the dotted path of a nested column; of a list it is the list's own name, since those of
// its elements are a matter of the format (Parquet, LogicalTypes.md, "Lists").
func lastPart(path string) string {
	for _, element := range []string{".list.element", ".list.item", ".bag.array_element", ".array"} {
		path = strings.TrimSuffix(path, element)
	}
	return path[strings.LastIndexByte(path, '.')+1:]
}

// plainName reduces a name to letters and digits in lower case.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

func columnError(name string, columns []formats.Column, wanted string, reason error) *ColumnError {
	e := &ColumnError{Name: name, Wanted: wanted, Err: reason, Count: len(columns)}
	names := make([]string, len(columns))
	for i, c := range columns {
		if !looksLikeName(c.Name) {
			return e
		}
		names[i] = c.Name
	}
	e.Columns = names
	if len(names) == 1 && reason != ErrNamedTwice {
		e.Hint = delimiterHint(names[0])
	}
	if reason == ErrNoColumn {
		if near := nearest(wanted, names); near != "" {
			e.Hint = fmt.Sprintf("did you mean %s?", near)
		}
	}
	return e
}

// looksLikeName tells whether a header cell can be shown. A first line that is data must not be: a cell that is
// blank, has more than four digits, or does not start with a letter or an underscore makes it suspect.
func looksLikeName(name string) bool {
	digits := 0
	for i, r := range name {
		if i == 0 && !unicode.IsLetter(r) && r != '_' {
			return false
		}
		if unicode.IsDigit(r) {
			digits++
		}
		if unicode.IsControl(r) && r != '\t' {
			return false
		}
	}
	return name != "" && digits <= 4
}

// delimiterHint is for a file of one column whose name holds another delimiter.
func delimiterHint(name string) string {
	for _, d := range []struct{ delimiter, word string }{{"\t", "tab"}, {";", "semicolon"}, {"|", "pipe"}} {
		if strings.Contains(name, d.delimiter) {
			return "is the delimiter another one, --delimiter " + d.word + "?"
		}
	}
	return ""
}

// nearest returns the name that differs least from wanted, beside case and punctuation in at most two letters and less
// than half of them, or "".
func nearest(wanted string, names []string) string {
	wanted = plainName(wanted)
	best, least := "", min(3, (len(wanted)+1)/2)
	for _, name := range names {
		if d := editDistance(wanted, plainName(name)); d < least {
			best, least = name, d
		}
	}
	return best
}

// editDistance is the Levenshtein distance of two short texts, in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
