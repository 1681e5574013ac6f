package filter

// Which columns identify people: those that the user names, or the one whose header says so.

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"noo/formats"
	"noo/internal/nhsnumber"
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
	ErrAllowedToo   = errors.New("it identifies people, so that there is nothing to allow")
	ErrNotAName     = errors.New("what stands in the first line for this column is no name but may be data: pass --no-header if the file has no header")
)

// ColumnError says why the identifying columns of an input could not be told.
type ColumnError struct {
	// Name is the input's name as the user gave it.
	Name string
	// Wanted is what the user asked for, "" where the header was to decide.
	Wanted string
	// Flag is what the user asked for it with, "" for --column.
	Flag string
	// Err is one of the errors above.
	Err error
	// Columns lists the names of the columns, for the message; it is empty where the header might be data.
	Columns []string
	// Count is the number of columns.
	Count int
	// Hint says more, or is "".
	Hint string
}

// mostNames is how many names of columns an error lists.
const mostNames = 60

// Error gives one line with the names to choose from.
func (e *ColumnError) Error() string {
	var text strings.Builder
	text.WriteString(e.Name + ": ")
	switch {
	case looksLikeName(e.Wanted) || isPlace(e.Wanted, e.Count):
		fmt.Fprintf(&text, "%s %s: ", cmp.Or(e.Flag, "--column"), e.Wanted)
	case e.Flag != "":
		text.WriteString(e.Flag + ": ")
	}
	text.WriteString(e.Err.Error())
	next := "; the"
	if e.Hint != "" {
		text.WriteString("; " + e.Hint)
	}
	if strings.HasSuffix(e.Hint, "?") {
		next = " The"
	}
	switch {
	case len(e.Columns) > mostNames:
		fmt.Fprintf(&text, "%s first columns of %d are: %s", next, len(e.Columns), strings.Join(e.Columns[:mostNames], ", "))
	case len(e.Columns) > 0:
		fmt.Fprintf(&text, "%s columns are: %s", next, strings.Join(e.Columns, ", "))
	case e.Err == ErrNoNames || e.Err == ErrNotAName:
	case e.Count == 1:
		text.WriteString("; there is 1 column, whose name is not shown since the first line may be data")
	default:
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
	if strings.ContainsAny(name, "\t;|") {
		return false // several names, between another delimiter
	}
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

// mayIdentify tells whether a name has an NHS number in it, as father_nhs_number or nhs_number.1, and does not go on to
// say that it is something about one: the check of a number is often beside it.
func mayIdentify(name string) bool {
	name = plainName(name)
	for _, number := range []string{"nhsnumber", "nhsno", "nhsnum", "nhsnr"} {
		at := strings.LastIndex(name, number)
		if at < 0 {
			continue
		}
		rest := name[at+len(number):]
		for _, about := range []string{"status", "verif", "valid", "indicator", "flag", "trac", "check", "present", "known", "count", "source", "date"} {
			if strings.Contains(rest, about) {
				return false
			}
		}
		return true
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
		if err == nil && !nameless(columns) && !looksLikeName(columns[place].Name) {
			err = ErrNotAName
		}
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
	number, _ := strconv.Atoi(wanted)
	counted := isPlace(wanted, len(columns))
	switch {
	case place >= 0 && counted && number-1 != place:
		return 0, ErrAmbiguous
	case place >= 0:
		return place, nil
	case counted:
		return number - 1, nil
	case nameless(columns):
		return 0, ErrNoNames
	}
	return 0, ErrNoColumn
}

// isPlace tells whether wanted counts one of so many columns, from 1.
func isPlace(wanted string, columns int) bool {
	number, err := strconv.Atoi(wanted)
	return err == nil && number >= 1 && number <= columns
}

// nameless tells whether a dataset has no names at all.
func nameless(columns []formats.Column) bool {
	return !slices.ContainsFunc(columns, func(c formats.Column) bool { return c.Name != "" })
}

// detectColumn returns the only column whose name is identifying.
func detectColumn(name string, columns []formats.Column) ([]int, error) {
	var found []int
	another := false
	for i, c := range columns {
		switch {
		case isIdentifying(c.Name) || isIdentifying(lastPart(c.Name)):
			found = append(found, i)
		case mayIdentify(c.Name):
			another = true
		}
	}
	switch {
	case nameless(columns):
		return nil, columnError(name, columns, "", ErrNoNames)
	case len(found) == 0:
		return nil, columnError(name, columns, "", ErrNotDetected)
	case len(found) > 1 || another:
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
		names[i] = c.Name
	}
	if !looksLikeHeader(names) {
		return e
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

// Words of which nearly every header has one, and hardly any record: nameWords alone, valueWords, which may be the value of something
// too ("no", "mother"), with another of them or in a name of several words.
var (
	nameWords  = []string{"id", "nhs", "number", "num", "name", "date", "dob", "code", "key", "sex", "gender", "age", "postcode"}
	valueWords = []string{
		"no", "time", "type", "ward", "site", "trust", "gp", "practice", "cost", "note", "notes", "status", "mother", "baby", "patient",
		"value", "year",
	}
)

// looksLikeHeader tells whether names can be shown. A first line that is data must not be: each of them must look like
// a name, and they must have words or an underscore in them as names of columns do.
func looksLikeHeader(names []string) bool {
	for _, name := range names {
		if !looksLikeName(name) {
			return false
		}
	}
	found := 0 // 2 are enough
	for _, name := range names {
		words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) })
		switch {
		case strings.Contains(name, "_"), containsAny(words, nameWords), len(words) > 1 && containsAny(words, valueWords):
			found += 2
		case containsAny(words, valueWords):
			found++
		}
	}
	return found >= 2
}

func containsAny(words, known []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return slices.Contains(known, word) })
}

// looksLikeName tells whether a header cell can be a name and may be shown: it starts with a letter or an underscore,
// has at most four digits, is not what stands for a missing value, and is short and printable.
func looksLikeName(name string) bool {
	if len(name) > 100 || !utf8.ValidString(name) {
		return false
	}
	if _, status := nhsnumber.Parse([]byte(name)); status == nhsnumber.Missing {
		return false
	}
	digits := 0
	for i, r := range name {
		if i == 0 && !unicode.IsLetter(r) && r != '_' {
			return false
		}
		if unicode.IsDigit(r) {
			digits++
		}
		if !unicode.IsPrint(r) && r != '\t' {
			return false
		}
	}
	return digits <= 4
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
