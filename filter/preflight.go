package filter

// The preflight: before anything is written, the first records of every column are looked at. A column of NHS numbers that
// nobody named would let people who opted out through unseen, and a named column of something else would withhold everyone,
// or with --invalid keep no one.

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"noo/formats"
	"noo/internal/nhsnumber"
)

const (
	// sampleRecords is how many records are looked at.
	sampleRecords = 1000
	// tellingNumbers is how many NHS numbers a column must have at least to be told by them: fewer may be chance.
	tellingNumbers = 20
)

// Errors that the preflight can give; each is wrapped in a *PreflightError.
var (
	ErrUnnamedNumbers = errors.New("NHS numbers in a column that was not named")
	ErrFewNumbers     = errors.New("few NHS numbers in a column that was named")
	ErrLateNames      = errors.New("the names of the columns among the records")
)

// ColumnSample counts the values of a column in the first records of an input.
type ColumnSample struct {
	// Values are all that were looked at, blanks among them.
	Values int `json:"values"`
	// Filled are those that are not blank.
	Filled int `json:"filled"`
	// Valid are those that are NHS numbers.
	Valid int `json:"valid"`

	names int // those that are no number but what a column of them is called
}

// HoldsNumbers tells whether a column is one of NHS numbers, by what is in it: at least half of what is not blank, and at
// least 20.
func (s ColumnSample) HoldsNumbers() bool { return 2*s.Valid >= s.Filled && s.Valid >= tellingNumbers }

// LacksNumbers tells whether a column is not one of NHS numbers: less than half of what is not blank is. A blank column tells
// nothing.
func (s ColumnSample) LacksNumbers() bool { return 2*s.Valid < s.Filled }

// add counts further values.
func (s *ColumnSample) add(v *formats.Values) {
	if len(v.Even) > 0 {
		spelt := *v
		for i := range v.Even {
			spelt.Text = v.Even[i].AppendTo(spelt.Text)
		}
		spelt.Even = nil
		v = &spelt
	}
	occurrences := len(v.Text) + len(v.Ints) + len(v.Floats)
	if v.Index != nil {
		occurrences = len(v.Index)
	}
	for i := range occurrences {
		place := i
		if v.Index != nil {
			place = int(v.Index[i])
		}
		s.Values++
		switch statusAt(v, place) {
		case nhsnumber.Valid:
			s.Valid++
			s.Filled++
		case nhsnumber.Invalid:
			s.Filled++
			if v.Text != nil && isName(v.Text[place]) {
				s.names++
			}
		}
	}
}

// isName tells whether a value is what a column of NHS numbers is called. Few values get as far as a look at the names.
func isName(value []byte) bool {
	const longest = 40
	if len(value) > longest {
		return false
	}
	for i := 0; i+len("nhs") <= len(value); i++ {
		if value[i]|0x20 == 'n' && bytes.EqualFold(value[i:i+len("nhs")], []byte("nhs")) {
			return isIdentifying(string(value))
		}
	}
	return false
}

// statusAt says what the value in a place is; -1 is the place of a null.
func statusAt(v *formats.Values, place int) nhsnumber.Status {
	var status nhsnumber.Status
	switch {
	case place < 0:
		return nhsnumber.Missing
	case v.Text != nil:
		_, status = nhsnumber.Parse(v.Text[place])
	case v.Ints != nil:
		_, status = nhsnumber.ParseInt(v.Ints[place])
	default:
		_, status = nhsnumber.ParseFloat(v.Floats[place])
	}
	return status
}

// sampleColumns looks at the first records of every column.
func sampleColumns(ctx context.Context, dataset formats.Dataset) ([]ColumnSample, error) {
	samples := make([]ColumnSample, len(dataset.Columns()))
	err := dataset.Sample(ctx, sampleRecords, func(column int, values *formats.Values) { samples[column].add(values) })
	return samples, err
}

// SampledColumn is a column as a message shows it.
type SampledColumn struct {
	// Label is its name, or its number from 1 where the name might be data.
	Label string `json:"label"`
	ColumnSample
	// Refused says why the format does not filter by it, "" where it does.
	Refused string `json:"refused,omitempty"`
}

// PreflightError is an input whose first records say that the wrong columns were named.
type PreflightError struct {
	// Name is the input's name as the user gave it.
	Name string
	// Err is ErrUnnamedNumbers, ErrFewNumbers or ErrLateNames.
	Err error
	// Columns are those that it speaks of, at least one.
	Columns []SampledColumn
	// Named are the columns that were named, or told by their names.
	Named []string
	// Unnamed are columns that were not, and hold NHS numbers.
	Unnamed []string
	// Refused, where not "", says why the format does not filter by Columns and what to do: there
	// is no use in naming them.
	Refused string
}

// mostTold is how many columns an error tells of.
const mostTold = 10

// Error gives one line: which columns, what share of their values are NHS numbers, and what to do.
func (e *PreflightError) Error() string {
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
		return fmt.Sprintf("%s: among the first records of column %s stands the name of a column of NHS numbers: take away the lines above the names, or pass --force-column if there is no mistake",
			e.Name, quoted(e.Columns[0].Label))
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

// preflight looks at the first records of an input, and returns a *PreflightError where the columns
// chosen to identify people are not those that hold NHS numbers, or the *formats.InputError that
// Scan would return for them. A check is not stopped by values that are no NHS numbers unless they
// would pass: it reports them. It returns the samples of all columns that neither identify people
// nor are allowed to hold NHS numbers.
func (r *Run) preflight(ctx context.Context, name string, dataset formats.Dataset, chosen []int) (bystanders []SampledColumn, err error) {
	columns := dataset.Columns()
	allowed, err := r.allowedColumns(name, columns, chosen)
	if err != nil {
		return nil, err
	}
	labels := columnLabels(columns)
	for _, place := range chosen {
		if reason := columns[place].Refused; reason != nil {
			part := "column " + quoted(labels[place])
			return nil, &formats.InputError{Name: name, Part: part, Err: reason}
		}
	}
	samples, err := sampleColumns(ctx, dataset)
	if err != nil {
		return nil, err
	}
	var few, late []SampledColumn
	for i, sample := range samples {
		column := SampledColumn{Label: labels[i], ColumnSample: sample}
		if reason := columns[i].Refused; reason != nil {
			column.Refused = reason.Error()
		}
		switch {
		case slices.Contains(chosen, i):
			switch {
			// The first line was a title, and what is below it would be filtered as if the names were somebody's record.
			case sample.names > 0 && !nameless(columns) && !isIdentifying(columns[i].Name):
				late = append(late, column)
			case sample.LacksNumbers():
				few = append(few, column)
			}
		case sample.Filled > 0 && !slices.Contains(allowed, i):
			bystanders = append(bystanders, column)
		}
	}
	named := make([]string, len(chosen))
	for i, place := range chosen {
		named[i] = labels[place]
	}
	unnamed := holdingNumbers(name, bystanders, named)
	reports := r.Output == "" && r.Policy.Invalid != Keep
	switch {
	case len(late) > 0 && !r.ForceColumns && !reports:
		return nil, &PreflightError{Name: name, Err: ErrLateNames, Columns: late, Named: named}
	case len(few) > 0 && !r.ForceColumns && !reports:
		e := &PreflightError{Name: name, Err: ErrFewNumbers, Columns: few, Named: named}
		if unnamed != nil && unnamed.Refused == "" {
			e.Unnamed = unnamed.Unnamed
		}
		return nil, e
	case unnamed != nil:
		return nil, unnamed
	}
	return bystanders, nil
}

// holdingNumbers returns the error for columns that hold NHS numbers and do not identify people, or
// nil. Where some can be named and others are refused, it is for the others: no flag helps there.
func holdingNumbers(name string, bystanders []SampledColumn, named []string) *PreflightError {
	refused := ""
	for _, column := range bystanders {
		if column.HoldsNumbers() {
			refused = cmp.Or(refused, column.Refused)
		}
	}
	e := &PreflightError{Name: name, Err: ErrUnnamedNumbers, Named: named, Refused: refused}
	for _, column := range bystanders {
		if column.HoldsNumbers() && (column.Refused == "") == (refused == "") {
			e.Columns, e.Unnamed = append(e.Columns, column), append(e.Unnamed, column.Label)
		}
	}
	if len(e.Columns) == 0 {
		return nil
	}
	return e
}

// TogetherPreflight looks at the first records of all files of a dataset at once: a column may be one of NHS numbers though no
// file by itself has enough records to tell. Columns whose names differ in case or blanks around them are one. The error is a *PreflightError.
func TogetherPreflight(files []FileReport) error {
	if len(files) < 2 {
		return nil
	}
	var columns []SampledColumn
	var named []string
	places := map[string]int{}
	for _, file := range files {
		for _, column := range file.bystanders {
			name := strings.ToLower(strings.TrimSpace(column.Label))
			place, known := places[name]
			if !known {
				place = len(columns)
				places[name] = place
				columns = append(columns, SampledColumn{Label: column.Label})
			}
			sum := &columns[place].ColumnSample
			sum.Values, sum.Filled, sum.Valid = sum.Values+column.Values, sum.Filled+column.Filled, sum.Valid+column.Valid
			columns[place].Refused = cmp.Or(columns[place].Refused, column.Refused)
		}
		for _, name := range file.Columns {
			if !slices.Contains(named, name) {
				named = append(named, name)
			}
		}
	}
	if e := holdingNumbers(fmt.Sprintf("the %d files together", len(files)), columns, named); e != nil {
		return e
	}
	return nil
}

// allowedColumns returns the places of the columns that may hold NHS numbers without identifying anybody.
func (r *Run) allowedColumns(name string, columns []formats.Column, chosen []int) ([]int, error) {
	allowed := make([]int, 0, len(r.Allowed))
	for _, w := range r.Allowed {
		place, err := findColumn(columns, w)
		if errors.Is(err, ErrNoColumn) && r.Many {
			continue // it is in others
		}
		if err == nil && slices.Contains(chosen, place) {
			err = ErrAllowedToo
		}
		if err != nil {
			e := columnError(name, columns, w, err)
			e.Flag = "--allow-column"
			return nil, e
		}
		allowed = append(allowed, place)
	}
	return allowed, nil
}

// columnLabels gives each column its name, or its number from 1 where the name might be data or is not its own.
func columnLabels(columns []formats.Column) []string {
	labels := shownNames(columns)
	times := map[string]int{}
	for _, name := range labels {
		times[name]++
	}
	for i, name := range labels {
		if name == "" || times[name] > 1 {
			labels[i] = strconv.Itoa(i + 1)
		}
	}
	return labels
}

// shownNames gives each column its name, or "" where that might be data.
func shownNames(columns []formats.Column) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	header := looksLikeHeader(names)
	for i, name := range names {
		if !header && !(looksLikeName(name) && isIdentifying(name)) {
			names[i] = ""
		}
	}
	return names
}
