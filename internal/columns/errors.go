package columns

// What is wrong with a choice of columns, in a line for a person.

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"noo/formats"
	"noo/internal/kind"
	"noo/internal/nearest"
)

// Errors that choosing the columns can give; each is wrapped in a *ChoiceError.
var (
	ErrNoColumn     = errors.New("no such column")
	ErrManyColumns  = errors.New("more than one column of that name")
	ErrNotDetected  = errors.New("no column is named like an NHS number")
	ErrManyDetected = errors.New("more than one column is named like an NHS number")
	ErrNoNames      = errors.New("the columns have no names")
	ErrAmbiguous    = errors.New("a column has this number for a name: two columns could be meant")
	ErrNamedTwice   = errors.New("named twice")
	ErrAllowedToo   = errors.New("it identifies people, so that there is nothing to allow")
	// ErrSaidUnnamed is a column that is named like an NHS number, and neither identifies people
	// nor is allowed.
	ErrSaidUnnamed = errors.New("named like an NHS number")
	// ErrNoHeaderSaid is a first line of which nobody can tell whether it is a header.
	ErrNoHeaderSaid = errors.New("no cell of the first line is like the name of a column")
	ErrNotAName     = errors.New(
		"the first line has no name for this column, but something that may be data",
	)
)

// ChoiceError says why the identifying columns of an input could not be told.
type ChoiceError struct {
	// Name is the input's name as the user gave it.
	Name string
	// Wanted is what the user asked for, "" where the header was to decide.
	Wanted string
	// Allowed says that Wanted was to be allowed, not to identify people.
	Allowed bool
	// Err is one of the errors above.
	Err error
	// Columns lists the names of the columns, for the message; it is empty where the header might
	// be data.
	Columns []string
	// Count is the number of columns.
	Count int
	// Nearest is the name that the user may have meant, or "".
	Nearest string
	// Delimiter is the word for the delimiter that the only name holds, such as "tab", or "".
	Delimiter string
	// Refused says why the format does not filter by a column of Said, or is "".
	Refused string
	// NamesLine is the line in which the names of the columns seem to be, 0 where there is none.
	NamesLine int64
	// Said are the columns of ErrSaidUnnamed, and Named those that identify people.
	Said, Named []string
}

// mostNames is how many names of columns an error lists.
const mostNames = 60

// Error returns one line with the names to choose from.
func (e *ChoiceError) Error() string { return e.Problem() + e.Choices() }

// Problem returns what is wrong, in one line.
func (e *ChoiceError) Problem() string {
	var text strings.Builder
	text.WriteString(e.Name + ": ")
	switch {
	case e.Err == ErrSaidUnnamed:
		return text.String() + e.said()
	case looksLikeName(e.Wanted) || isPlace(e.Wanted, e.Count) || e.byNumber():
		fmt.Fprintf(&text, "column %s: ", e.Wanted)
	case e.Allowed:
		text.WriteString("a column to be allowed: ")
	}
	text.WriteString(e.Err.Error())
	if e.Nearest != "" {
		fmt.Fprintf(&text, "; did you mean %s?", e.Nearest)
	}
	return text.String()
}

// Choices returns what there is to choose from, to follow Problem, or "".
func (e *ChoiceError) Choices() string {
	next := "; the"
	if e.Nearest != "" {
		next = " The"
	}
	switch {
	case e.Err == ErrSaidUnnamed:
		return ""
	case len(e.Columns) > mostNames:
		return fmt.Sprintf(
			"%s first columns of %d are: %s",
			next,
			len(e.Columns),
			strings.Join(e.Columns[:mostNames], ", "),
		)
	case len(e.Columns) > 0:
		return fmt.Sprintf("%s columns are: %s", next, strings.Join(e.Columns, ", "))
	case e.Err == ErrNoNames || e.Err == ErrNotAName:
		return ""
	case e.byNumber():
		return "; the first record has " + plural(e.Count, "field")
	case e.Count == 1:
		return "; there is 1 column, whose name is not shown since the first line may be data"
	}
	return fmt.Sprintf(
		"; there are %d columns, whose names are not shown since the first line may be data",
		e.Count,
	)
}

// byNumber reports whether a column that is not there was asked for by its number, where there are
// no names to choose from. The number may be shown: it is no larger than that of a column could be.
func (e *ChoiceError) byNumber() bool {
	number, err := strconv.Atoi(e.Wanted)
	return e.Err == ErrNoColumn && len(e.Columns) == 0 && err == nil && number > 0 &&
		number < 100_000
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
		names = append(names, Quote(name))
	}
	text := fmt.Sprintf(
		"%s %s %s named like an NHS number",
		columns,
		strings.Join(names, ", "),
		are,
	)
	if e.Refused != "" {
		return text + ": " + e.Refused
	}
	return text + ", and the records are not filtered by " + theThem(len(e.Said))
}

// theThem is the pronoun for so many columns.
func theThem(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
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
	switch {
	case len(columns) > 0 && columns[0].Declared:
		e.Columns = columnLabels(columns)
	case !LooksLikeHeader(names):
		return e
	default:
		e.Columns = names
		if len(names) == 1 && reason != ErrNamedTwice {
			e.Delimiter = otherDelimiter(names[0])
		}
	}
	if reason == ErrNoColumn {
		e.Nearest = nearest.Name(wanted, e.Columns)
	}
	return e
}

// otherDelimiter returns the word for another delimiter in a name, or "".
func otherDelimiter(name string) string {
	for _, d := range []struct{ delimiter, word string }{{"\t", "tab"}, {";", "semicolon"}, {"|", "pipe"}} {
		if strings.Contains(name, d.delimiter) {
			return d.word
		}
	}
	return ""
}

// Errors that the preflight can give; each is wrapped in a *PreflightError.
var (
	ErrUnnamedNumbers = errors.New("NHS numbers in a column that was not named")
	ErrFewNumbers     = errors.New("few NHS numbers in a column that was named")
	// ErrUnnamedPseudonyms and ErrFewPseudonyms are the same for pseudonyms.
	ErrUnnamedPseudonyms = errors.New("pseudonyms in a column that was not named")
	ErrFewPseudonyms     = errors.New("few pseudonyms in a column that was named")
	ErrLateNames         = errors.New("the names of the columns among the records")
	// ErrOptedOutElsewhere is a column that was not named and holds numbers of people who opted
	// out.
	ErrOptedOutElsewhere = errors.New(
		"numbers of people who opted out in a column that was not named",
	)
)

// PreflightError is an input whose first records say that the wrong columns were named.
type PreflightError struct {
	// Name is the input's name as the user gave it.
	Name string
	// Err is ErrUnnamedNumbers, ErrFewNumbers, their like for pseudonyms, or ErrLateNames.
	Err error
	// Columns are those that it speaks of, at least one.
	Columns []Sampled
	// Named are the columns that were named, or told by their names.
	Named []string
	// Unnamed are columns that were not, and hold NHS numbers.
	Unnamed []string
	// Watched are the columns of ErrOptedOutElsewhere, which has no Columns.
	Watched []Watched
	// NamesLine is the line in which the names of the columns seem to be, 0 where there is none.
	NamesLine int64
	// Refused, where not "", says why the format does not filter by Columns and what to do: there
	// is no use in naming them.
	Refused string
}

// mostTold is how many columns an error tells of.
const mostTold = 10

// Error returns one line: which columns, and what share of their values are NHS numbers.
func (e *PreflightError) Error() string {
	if errors.Is(e.Err, ErrOptedOutElsewhere) {
		return e.elsewhere()
	}
	told := make([]string, 0, mostTold)
	for _, c := range e.Columns[:min(len(e.Columns), mostTold)] {
		holding := c.Valid
		if errors.Is(e.Err, ErrUnnamedPseudonyms) {
			holding = c.Hashes
		}
		told = append(told, fmt.Sprintf("%s (%d of %d values)", Quote(c.Label), holding, c.Filled))
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
	if errors.Is(e.Err, ErrFewPseudonyms) {
		return e.fewPseudonyms()
	}
	if errors.Is(e.Err, ErrFewNumbers) {
		return fmt.Sprintf(
			"%s: in the first records of %s less than half are NHS numbers",
			e.Name,
			columns,
		)
	}
	what := "NHS numbers"
	if errors.Is(e.Err, ErrUnnamedPseudonyms) {
		what = "pseudonyms"
	}
	hold, was := "hold", "were"
	if one {
		hold, was = "holds", "was"
	}
	if e.Refused != "" {
		return fmt.Sprintf("%s: %s %s %s: %s", e.Name, columns, hold, what, e.Refused)
	}
	return fmt.Sprintf("%s: %s %s %s and %s not named", e.Name, columns, hold, what, was)
}

// fewPseudonyms is the message of ErrFewPseudonyms, whose columns count pseudonyms.
func (e *PreflightError) fewPseudonyms() string {
	c := &e.Columns[0]
	return fmt.Sprintf(
		"%s: in the first records of column %s less than half are pseudonyms (%d of %d values)",
		e.Name,
		Quote(c.Label),
		c.Hashes,
		c.Filled,
	)
}

// Hashed reports whether an ErrFewNumbers is about a column that seems to hold pseudonyms.
func (e *PreflightError) Hashed() bool {
	return errors.Is(e.Err, ErrFewNumbers) && e.Columns[0].LooksHashed()
}

// BetweenApostrophes reports whether an ErrFewNumbers is about values of which most are between
// apostrophes.
func (e *PreflightError) BetweenApostrophes() bool {
	return errors.Is(e.Err, ErrFewNumbers) && 2*e.Columns[0].Apostrophes > e.Columns[0].Filled
}

// Late reports whether an ErrLateNames is about an identifying column: then there may be a title
// above the names.
func (e *PreflightError) Late() bool {
	return errors.Is(e.Err, ErrLateNames) && slices.Contains(e.Named, e.Columns[0].Label)
}

// lateNames is the message of ErrLateNames.
func (e *PreflightError) lateNames() string {
	label := Quote(e.Columns[0].Label)
	if !e.Late() {
		return fmt.Sprintf(
			"%s: a value of column %s is the name of a column of NHS numbers",
			e.Name,
			label,
		)
	}
	which := "first records"
	if e.Columns[0].Values == 0 { // it was met behind them
		which = "records"
	}
	return fmt.Sprintf(
		"%s: among the %s of column %s is the name of a column of NHS numbers",
		e.Name,
		which,
		label,
	)
}

// elsewhere is the message of ErrOptedOutElsewhere.
func (e *PreflightError) elsewhere() string {
	told := make([]string, 0, mostTold)
	for _, c := range e.Watched[:min(len(e.Watched), mostTold)] {
		told = append(
			told,
			fmt.Sprintf("column %s of %s", Quote(c.Label), recordsWritten(c.Records)),
		)
	}
	text := fmt.Sprintf(
		"%s: numbers of people who opted out are in %s",
		e.Name,
		strings.Join(told, ", "),
	)
	if e.Refused != "" {
		text += ": " + e.Refused
	}
	return text
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

// Quote returns a label, in quotes if a shell would take it for more than one word.
func Quote(label string) string {
	plain := func(r rune) bool {
		return r < unicode.MaxASCII &&
			(unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_.-", r))
	}
	if strings.IndexFunc(label, func(r rune) bool { return !plain(r) }) < 0 {
		return label
	}
	return strconv.Quote(label)
}
