package columns

// What is wrong with a choice of columns, in a line for a person.

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"noo/formats"
	"noo/internal/kind"
)

// Errors that choosing the columns can give; each is wrapped in a *ChoiceError.
var (
	ErrNoColumn     = errors.New("no such column")
	ErrManyColumns  = errors.New("more than one column of that name")
	ErrNotDetected  = errors.New("no column is named like an NHS number: name it with --column")
	ErrManyDetected = errors.New("more than one column is named like an NHS number: name each that holds one with --column, and allow the others with --allow-column")
	ErrNoNames      = errors.New("the columns have no names: give --column a number, from 1")
	ErrAmbiguous    = errors.New("a column has this number for a name: two columns could be meant")
	ErrNamedTwice   = errors.New("named twice")
	ErrAllowedToo   = errors.New("it identifies people, so that there is nothing to allow")
	// ErrSaidUnnamed is a column that is named like an NHS number, and neither identifies people nor is allowed.
	ErrSaidUnnamed = errors.New("named like an NHS number")
	// ErrNoHeaderSaid is a first line of which nobody can tell whether it is a header.
	ErrNoHeaderSaid = errors.New("no cell of the first line is like the name of a column: pass --no-header if the line is data, or --header if it has the names")
	ErrNotAName     = errors.New("what stands in the first line for this column is no name but may be data: pass --no-header if the file has no header")
)

// ColumnError says why the identifying columns of an input could not be told.
type ChoiceError struct {
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
	// Said are the columns of ErrSaidUnnamed, and Named those that identify people.
	Said, Named []string
}

// mostNames is how many names of columns an error lists.
const mostNames = 60

// Error gives one line with the names to choose from.
func (e *ChoiceError) Error() string {
	var text strings.Builder
	text.WriteString(e.Name + ": ")
	if e.Err == ErrSaidUnnamed {
		return text.String() + e.said()
	}
	switch {
	case looksLikeName(e.Wanted) || isPlace(e.Wanted, e.Count) || e.byNumber():
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
	case e.byNumber():
		fmt.Fprintf(&text, "; the first record has %s", plural(e.Count, "field"))
	case e.Count == 1:
		text.WriteString("; there is 1 column, whose name is not shown since the first line may be data")
	default:
		fmt.Fprintf(&text, "; there are %d columns, whose names are not shown since the first line may be data", e.Count)
	}
	return text.String()
}

// byNumber tells whether a column that is not there was asked for by its number, where there are no names to choose from. The number may be
// shown: it is no larger than that of a column could be.
func (e *ChoiceError) byNumber() bool {
	number, err := strconv.Atoi(e.Wanted)
	return e.Err == ErrNoColumn && len(e.Columns) == 0 && err == nil && number > 0 && number < 100_000
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// said is the message of ErrSaidUnnamed.
func (e *ChoiceError) said() string {
	columns, are := "column", "is"
	if len(e.Said) > 1 {
		columns, are = "columns", "are"
	}
	names := make([]string, 0, mostTold)
	for _, name := range e.Said[:min(len(e.Said), mostTold)] {
		names = append(names, quoted(name))
	}
	if e.Hint != "" { // no flag filters by it
		return fmt.Sprintf("%s %s %s named like an NHS number: %s", columns, strings.Join(names, ", "), are, e.Hint)
	}
	return fmt.Sprintf("%s %s %s named like an NHS number and not by --column: filter by all with%s, or, where there is no number in it, pass%s",
		columns, strings.Join(names, ", "), are, flags("--column", slices.Concat(e.Named, e.Said)), flags("--allow-column", e.Said))
}

// Kind returns kind.Usage.
func (*ChoiceError) Kind() kind.Kind { return kind.Usage }

// Unwrap gives the reason.
func (e *ChoiceError) Unwrap() error { return e.Err }

func columnError(name string, columns []formats.Column, wanted string, reason error) *ChoiceError {
	e := &ChoiceError{Name: name, Wanted: wanted, Err: reason, Count: len(columns)}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	if !LooksLikeHeader(names) {
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

// delimiterHint is for a file of one column whose name holds another delimiter.
func delimiterHint(name string) string {
	for _, d := range []struct{ delimiter, word string }{{"\t", "tab"}, {";", "semicolon"}, {"|", "pipe"}} {
		if strings.Contains(name, d.delimiter) {
			return "is the delimiter another one, --delimiter " + d.word + "?"
		}
	}
	return ""
}

// Errors that the preflight can give; each is wrapped in a *PreflightError.
var (
	ErrUnnamedNumbers = errors.New("NHS numbers in a column that was not named")
	ErrFewNumbers     = errors.New("few NHS numbers in a column that was named")
	ErrLateNames      = errors.New("the names of the columns among the records")
	// ErrOptedOutElsewhere is a column that was not named and holds numbers of people who opted out.
	ErrOptedOutElsewhere = errors.New("numbers of people who opted out in a column that was not named")
)

// PreflightError is an input whose first records say that the wrong columns were named.
type PreflightError struct {
	// Name is the input's name as the user gave it.
	Name string
	// Err is ErrUnnamedNumbers, ErrFewNumbers or ErrLateNames.
	Err error
	// Columns are those that it speaks of, at least one.
	Columns []Sampled
	// Named are the columns that were named, or told by their names.
	Named []string
	// Unnamed are columns that were not, and hold NHS numbers.
	Unnamed []string
	// Watched are the columns of ErrOptedOutElsewhere, which has no Columns.
	Watched []Watched
	// Refused, where not "", says why the format does not filter by Columns and what to do: there
	// is no use in naming them.
	Refused string
}

// mostTold is how many columns an error tells of.
const mostTold = 10

// Error gives one line: which columns, what share of their values are NHS numbers, and what to do.
func (e *PreflightError) Error() string {
	if errors.Is(e.Err, ErrOptedOutElsewhere) {
		return e.elsewhere()
	}
	told := make([]string, 0, mostTold)
	for _, c := range e.Columns[:min(len(e.Columns), mostTold)] {
		told = append(told, fmt.Sprintf("%s (%d of %d values)", quoted(c.Label), c.Valid, c.Filled))
	}
	if more := len(e.Columns) - len(told); more > 0 {
		told = append(told, fmt.Sprintf("%d more", more))
	}
	columns := "column " + told[0]
	one := len(e.Columns) == 1
	if !one {
		columns = "columns " + strings.Join(told, ", ")
	}
	if errors.Is(e.Err, ErrLateNames) {
		return e.lateNames()
	}
	if errors.Is(e.Err, ErrFewNumbers) {
		hint := "name another one with --column"
		if len(e.Unnamed) > 0 {
			hint = fmt.Sprintf("name another one, perhaps with%s", flags("--column", e.Unnamed))
		}
		return fmt.Sprintf("%s: in the first records of %s less than half are NHS numbers: %s, or pass --force-column if there is no mistake",
			e.Name, columns, hint)
	}
	hold, was, let := "hold", "were", "them"
	if one {
		hold, was, let = "holds", "was", "it"
	}
	if e.Refused != "" {
		return fmt.Sprintf("%s: %s %s NHS numbers: %s", e.Name, columns, hold, e.Refused)
	}
	return fmt.Sprintf("%s: %s %s NHS numbers and %s not named: filter by all with%s, or let %s pass with%s",
		e.Name, columns, hold, was, flags("--column", slices.Concat(e.Named, e.Unnamed)), let, flags("--allow-column", e.Unnamed))
}

// lateNames is the message of ErrLateNames.
func (e *PreflightError) lateNames() string {
	label := quoted(e.Columns[0].Label)
	if slices.Contains(e.Named, e.Columns[0].Label) {
		which := "first records"
		if e.Columns[0].Values == 0 { // it was met behind them
			which = "records"
		}
		return fmt.Sprintf("%s: among the %s of column %s stands the name of a column of NHS numbers: take away the lines above the names, or pass --force-column if there is no mistake",
			e.Name, which, label)
	}
	return fmt.Sprintf("%s: a value of column %s is the name of a column of NHS numbers: if another table begins there, split the file, else pass --allow-column %s",
		e.Name, label, label)
}

// elsewhere is the message of ErrOptedOutElsewhere.
func (e *PreflightError) elsewhere() string {
	told := make([]string, 0, mostTold)
	for _, c := range e.Watched[:min(len(e.Watched), mostTold)] {
		told = append(told, fmt.Sprintf("column %s of %s", quoted(c.Label), recordsWritten(c.Records)))
	}
	if e.Refused != "" {
		return fmt.Sprintf("%s: numbers of people who opted out are in %s: %s", e.Name, strings.Join(told, ", "), e.Refused)
	}
	return fmt.Sprintf("%s: numbers of people who opted out are in %s: filter by all with%s, or let them pass with%s",
		e.Name, strings.Join(told, ", "), flags("--column", slices.Concat(e.Named, e.Unnamed)), flags("--allow-column", e.Unnamed))
}

func recordsWritten(n int64) string {
	if n == 1 {
		return "1 record that would be kept"
	}
	return fmt.Sprintf("%d records that would be kept", n)
}

// Kind returns kind.Usage.
func (*PreflightError) Kind() kind.Kind { return kind.Usage }

// Unwrap gives the reason.
func (e *PreflightError) Unwrap() error { return e.Err }

// flags writes a flag for each of the first labels.
func flags(flag string, labels []string) string {
	var text strings.Builder
	for i, label := range labels {
		if i == mostTold {
			text.WriteString(" and so on")
			break
		}
		fmt.Fprintf(&text, " %s %s", flag, quoted(label))
	}
	return text.String()
}

// quoted puts quotes around a label that a shell would take for more than one word.
func quoted(label string) string {
	plain := func(r rune) bool {
		return r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_.-", r))
	}
	if strings.IndexFunc(label, func(r rune) bool { return !plain(r) }) < 0 {
		return label
	}
	return strconv.Quote(label)
}
