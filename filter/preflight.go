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
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"noo/formats"
	"noo/internal/nhsnumber"
)

// sampleRecords is how many records are looked at.
const sampleRecords = 1000

// Errors that the preflight can give; each is wrapped in a *PreflightError.
var (
	ErrUnnamedNumbers = errors.New("NHS numbers in a column that was not named")
	ErrFewNumbers     = errors.New("few NHS numbers in a column that was named")
	ErrLateNames      = errors.New("the names of the columns among the records")
	// ErrOptedOutElsewhere is a column that was not named and holds numbers of people who opted out.
	ErrOptedOutElsewhere = errors.New("numbers of people who opted out in a column that was not named")
)

// ColumnSample counts the values of a column in the first records of an input.
type ColumnSample struct {
	// Values are all that were looked at, blanks among them.
	Values int `json:"values"`
	// Filled are those that are not blank.
	Filled int `json:"filled"`
	// Valid are those that are NHS numbers.
	Valid int `json:"valid"`

	// Tens are those that have ten digits, in any dress, and Whole those of them that are numbers by their check digit.
	Tens  int `json:"-"`
	Whole int `json:"-"`
	// Names are those that are no number but the name of a column of NHS numbers.
	Names int `json:"-"`
}

// HoldsNumbers tells whether a column holds NHS numbers: more of its values of ten digits have the right check digit than chance
// gives, which is 1 in 11, so many that chance would do it less than once in 10,000 times. Five of five are enough.
func (s ColumnSample) HoldsNumbers() bool {
	return s.Whole > 0 && atLeastOf(int64(s.Whole), int64(s.Tens), validByChance) < unlikely
}

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
		s.count(v, place)
	}
}

// count counts the value in a place; -1 is the place of a null.
func (s *ColumnSample) count(v *formats.Values, place int) {
	status := statusAt(v, place)
	if status == nhsnumber.Missing {
		return
	}
	s.Filled++
	if status == nhsnumber.Valid {
		s.Valid++
		s.Tens++
		s.Whole++
		return
	}
	switch {
	case v.Text != nil:
		_, status, ten := nhsnumber.Whole(v.Text[place])
		if ten {
			s.Tens++
		}
		if status == nhsnumber.Valid {
			s.Whole++
		}
		if isName(v.Text[place]) {
			s.Names++
		}
	case v.Ints != nil:
		if v := v.Ints[place]; v >= leastNumber && v <= mostNumber {
			s.Tens++
		}
	default:
		if v := v.Floats[place]; v >= leastNumber && v <= mostNumber && v == math.Trunc(v) {
			s.Tens++
		}
	}
}

// join adds the counts of the same column of another file.
func (s *ColumnSample) join(other *ColumnSample) {
	s.Values, s.Filled, s.Valid = s.Values+other.Values, s.Filled+other.Filled, s.Valid+other.Valid
	s.Tens, s.Whole = s.Tens+other.Tens, s.Whole+other.Whole
}

// isName tells whether a value is what a column of NHS numbers is called. Few values get as far as a look at the names.
func isName(value []byte) bool {
	const longest = 40
	if len(value) > longest {
		return false
	}
	for i := 0; i+len("nhs") <= len(value); i++ {
		if value[i]|0x20 == 'n' && bytes.EqualFold(value[i:i+len("nhs")], []byte("nhs")) {
			return isColumnName(string(value))
		}
	}
	return false
}

// isColumnName tells whether a value is the name of a column of NHS numbers, and no sentence about one.
func isColumnName(value string) bool {
	if isIdentifying(value) {
		return true
	}
	words := strings.Fields(value)
	return saysNumber(value) && (len(words) == 1 || len(words) <= 3 && strings.EqualFold(words[0], "nhs"))
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
	// Watched are the columns of ErrOptedOutElsewhere, which has no Columns.
	Watched []WatchedColumn
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

// preflight looks at the first records of an input, and returns a *PreflightError where the columns chosen to identify people are
// not those that hold NHS numbers, or the *formats.InputError that Scan would return for them. A check is not stopped by values that are no
// NHS numbers unless they would pass: it reports them. It returns the samples of all columns that neither identify people
// nor are allowed to hold NHS numbers.
func preflight(ctx context.Context, name string, dataset formats.Dataset, chosen chosen, passesStrange bool) (bystanders []SampledColumn, err error) {
	columns := dataset.Columns()
	labels := columnLabels(columns)
	for _, place := range chosen.identifying {
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
		case slices.Contains(chosen.identifying, i):
			switch {
			case sample.Names > 0 && titled(columns, i):
				late = append(late, column)
			case sample.LacksNumbers():
				few = append(few, column)
			}
		case sample.Filled > 0 && !slices.Contains(chosen.allowed, i):
			bystanders = append(bystanders, column)
		}
	}
	named := labelsOf(columns, chosen.identifying)
	unnamed := holdingNumbers(name, bystanders, named)
	switch {
	case len(late) > 0 && !passesStrange:
		return nil, &PreflightError{Name: name, Err: ErrLateNames, Columns: late, Named: named}
	case chosen.doubtful && len(late) == 0:
		return nil, columnError(name, columns, "", ErrNoHeaderSaid)
	case len(few) > 0 && !passesStrange:
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

// titled tells whether the name of a column of NHS numbers among the values of an identifying column means that the first line was a title,
// and what is below it would be filtered as if the names were somebody's record.
func titled(columns []formats.Column, place int) bool {
	return !nameless(columns) && !saysNumber(columns[place].Name)
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

// TogetherPreflight looks at the first records of all files of a dataset at once, and at what was seen while the files passed: a column
// may be one of NHS numbers, or hold numbers of people who opted out, though no file by itself has enough records to tell.
// Columns whose names differ in case or blanks around them are one. The error is a *PreflightError.
func TogetherPreflight(files []Seen, people [10]uint64) error {
	if len(files) < 2 {
		return nil
	}
	samples, watched := columnsByName[SampledColumn]{}, columnsByName[WatchedColumn]{}
	var named []string
	for _, file := range files {
		for _, column := range file.Sampled {
			sum := samples.of(column.Label, SampledColumn{Label: column.Label})
			sum.join(&column.ColumnSample)
			sum.Refused = cmp.Or(sum.Refused, column.Refused)
		}
		for i := range file.Watched {
			column := &file.Watched[i]
			watched.of(column.Label, WatchedColumn{Label: column.Label}).add(column)
		}
		for _, name := range file.Named {
			if !slices.Contains(named, name) {
				named = append(named, name)
			}
		}
	}
	together := fmt.Sprintf("the %d files together", len(files))
	if e := holdingNumbers(together, samples.columns, named); e != nil {
		return e
	}
	return optedOutElsewhere(together, watched.columns, people, named)
}

// Seen is what was seen in the columns of one file, for TogetherPreflight. It has no value of a field.
type Seen struct {
	// Named are the columns that identify people.
	Named []string
	// Sampled are the samples of the columns that neither identify people nor may hold NHS numbers.
	Sampled []SampledColumn
	// Watched counts what the watch saw in all columns that do not identify people.
	Watched []WatchedColumn
}

// columnsByName puts what was found out about the columns of several files together by their names.
type columnsByName[T any] struct {
	columns []T
	places  map[string]int
}

// of returns the column of that name, fresh if there is none yet.
func (c *columnsByName[T]) of(label string, fresh T) *T {
	name := strings.ToLower(strings.TrimSpace(label))
	place, known := c.places[name]
	if !known {
		if c.places == nil {
			c.places = map[string]int{}
		}
		place = len(c.columns)
		c.places[name] = place
		c.columns = append(c.columns, fresh)
	}
	return &c.columns[place]
}

// allowedColumns returns the places of the columns that may hold NHS numbers without identifying anybody. Of many inputs not each need
// have them all.
func allowedColumns(name string, columns []formats.Column, identifying []int, wanted []string, many bool) ([]int, error) {
	allowed := make([]int, 0, len(wanted))
	for _, w := range wanted {
		place, err := findColumn(columns, w)
		if errors.Is(err, ErrNoColumn) && many {
			continue // it is in others
		}
		if err == nil && slices.Contains(identifying, place) {
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
		if !header && !(looksLikeName(name) && isColumnName(name)) {
			names[i] = ""
		}
	}
	return names
}
