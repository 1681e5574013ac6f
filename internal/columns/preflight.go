package columns

// The preflight: before anything is written, the first records of every column are looked at. A
// column of NHS numbers that nobody named would let people who opted out through unseen, and a
// named column of something else would withhold everyone, or with --invalid keep no one.

import (
	"cmp"
	"context"
	"slices"

	"noo/formats"
	"noo/internal/nhsnumber"
)

// Preflight looks at the first records of an input, and returns a *PreflightError where the columns
// chosen to identify people are not those that hold NHS numbers, or the *formats.InputError that
// Scan would return for them. A check is not stopped by values that are no NHS numbers unless they
// would pass: it reports them. It returns the samples of all columns that neither identify people
// nor are allowed to hold NHS numbers.
func Preflight(
	ctx context.Context,
	name string,
	dataset formats.Dataset,
	chosen Chosen,
	passesStrange bool,
) (otherColumns []Sampled, err error) {
	columns := dataset.Columns()
	labels := columnLabels(columns)
	for _, place := range chosen.Scanned() {
		if reason := columns[place].Refused; reason != nil {
			part := "column " + Quote(labels[place])
			return nil, &formats.InputError{Name: name, Part: part, Err: reason}
		}
	}
	samples, err := sampleAll(ctx, dataset, chosen.missing, chosen.pseudonyms)
	if err != nil {
		return nil, err
	}
	var few, late []Sampled
	for i, sample := range samples {
		column := Sampled{Label: labels[i], Sample: sample}
		if reason := columns[i].Refused; reason != nil {
			column.Refused = reason.Error()
		}
		switch {
		case slices.Contains(chosen.Identifying, i):
			switch {
			case sample.Names > 0 && Titled(columns, i):
				late = append(late, column)
			case sample.lacks(chosen.pseudonyms != nil):
				few = append(few, column)
			}
		case sample.Filled > 0 && !slices.Contains(chosen.allowed, i):
			otherColumns = append(otherColumns, column)
		}
	}
	named := Labels(columns, chosen.Identifying)
	unnamed := cmp.Or(
		holdingNumbers(name, otherColumns, named),
		holdingPseudonyms(name, otherColumns, named),
	)
	switch {
	case len(late) > 0 && !passesStrange:
		return nil, &PreflightError{Name: name, Err: ErrLateNames, Columns: late, Named: named}
	case chosen.doubtful && len(late) == 0:
		return nil, columnError(name, columns, "", ErrNoHeaderSaid)
	case len(few) > 0 && !passesStrange:
		e := &PreflightError{Name: name, Err: ErrFewNumbers, Columns: few, Named: named}
		if chosen.pseudonyms != nil {
			e.Err = ErrFewPseudonyms
		}
		if unnamed != nil && unnamed.Refused == "" {
			e.Unnamed = unnamed.Unnamed
		}
		return nil, e
	case unnamed != nil:
		return nil, unnamed
	}
	return otherColumns, nil
}

// Titled reports whether the name of a column of NHS numbers among the values of an identifying
// column means that the first line was a title, and what is below it would be filtered as if the
// names were somebody's record.
func Titled(columns []formats.Column, place int) bool {
	return !nameless(columns) && !nhsnumber.MentionsNumber(columns[place].Name)
}

// holdingNumbers returns the error for columns that hold NHS numbers and do not identify people, or
// nil. Where some can be named and others are refused, it is for the others: no flag helps there.
func holdingNumbers(name string, otherColumns []Sampled, named []string) *PreflightError {
	refused := ""
	for _, column := range otherColumns {
		if column.HoldsNumbers() {
			refused = cmp.Or(refused, column.Refused)
		}
	}
	e := &PreflightError{Name: name, Err: ErrUnnamedNumbers, Named: named, Refused: refused}
	for _, column := range otherColumns {
		if column.HoldsNumbers() && (column.Refused == "") == (refused == "") {
			e.Columns, e.Unnamed = append(e.Columns, column), append(e.Unnamed, column.Label)
		}
	}
	if len(e.Columns) == 0 {
		return nil
	}
	return e
}

// holdingPseudonyms returns the error for columns that hold pseudonyms of people whom the snapshot
// knows and do not identify people, or nil. No such value is there by chance.
func holdingPseudonyms(name string, otherColumns []Sampled, named []string) *PreflightError {
	e := &PreflightError{Name: name, Err: ErrUnnamedPseudonyms, Named: named}
	for _, column := range otherColumns {
		if column.Matches > 0 {
			e.Columns, e.Unnamed = append(e.Columns, column), append(e.Unnamed, column.Label)
			e.Refused = cmp.Or(e.Refused, column.Refused)
		}
	}
	if len(e.Columns) == 0 {
		return nil
	}
	return e
}
