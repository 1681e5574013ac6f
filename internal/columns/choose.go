// Package columns finds out which columns of a dataset identify people, and whether others hold NHS
// numbers as well: by their names, by the first records, and by a watch over the whole file. It
// opens no file.
package columns

// Which columns identify people: those that the user names, or the one whose header says so.

import (
	"errors"
	"slices"
	"strconv"

	"noo/filter"
	"noo/formats"
	"noo/internal/nhsnumber"
)

// Rules are the rules by which the columns of an input are chosen.
type Rules struct {
	// Identifying are the names or numbers, from 1, of the columns that identify people; with none
	// the header decides.
	Identifying []string
	// Allowed are the names or numbers of columns that may hold NHS numbers though they do not
	// identify people.
	Allowed []string
	// Missing are texts that mean that there is no number, beside those of nhsnumber.Parse.
	Missing []string
	// Batch says that the input is one of several for which the rules were given: it need not have
	// every column of Allowed.
	Batch bool
	// Link are the names of columns of local ids, of which a linked table has one. Tables with
	// numbers among them decide on the others; with none, a table is by itself.
	Link []string
	// Forced lets columns identify people though less than half of their first values are NHS
	// numbers.
	Forced bool
	// Pseudonyms, where not nil, reads the identifying columns: they hold pseudonyms of NHS numbers
	// in the place of the numbers.
	Pseudonyms filter.Pseudonyms
}

// Chosen are the columns of an input by what a run does with them, as places.
type Chosen struct {
	// Identifying columns tell whose record it is.
	Identifying []int
	// allowed columns may hold NHS numbers without identifying anybody.
	allowed []int
	// link is the column of local ids, if the table is linked.
	link   int
	linked bool
	// missing are the texts of Rules.Missing.
	missing []string
	// doubtful tells that the first line may be data, and was taken for names that nobody used.
	doubtful bool
	// pseudonyms reads the identifying columns, where they do not hold NHS numbers.
	pseudonyms filter.Pseudonyms
}

// Choose returns the identifying columns: those wanted, by name or by number from 1, or where none
// is wanted the only one whose name is identifying; and those that are allowed. It refuses an input
// in which a further column is named like an NHS number. name is the input's, for messages; of many
// inputs not each need have the columns that are allowed.
func Choose(name string, columns []formats.Column, rules Rules) (c Chosen, err error) {
	c.missing, c.pseudonyms = rules.Missing, rules.Pseudonyms
	if len(rules.Link) > 0 {
		return chooseLinked(name, columns, rules)
	}
	if len(rules.Identifying) == 0 {
		c.Identifying, c.allowed, err = detectedColumns(name, columns, rules)
		if err != nil {
			return c, err
		}
		return c, refuseUnnamed(name, columns, c)
	}
	c.Identifying, c.doubtful, err = wantedColumns(name, columns, rules.Identifying)
	if err != nil {
		return c, err
	}
	c.allowed, err = allowedColumns(name, columns, c.Identifying, rules.Allowed, rules.Batch)
	if err != nil {
		return c, err
	}
	return c, refuseUnnamed(name, columns, c)
}

// detectedColumns returns the identifying column that the header gives away, and those that are
// allowed.
func detectedColumns(
	name string,
	columns []formats.Column,
	rules Rules,
) (identifying, allowed []int, err error) {
	many := rules.Batch || len(rules.Link) > 0
	others, err := allowedColumns(name, columns, nil, rules.Allowed, many)
	if err != nil {
		return nil, nil, err
	}
	identifying, err = detectColumn(name, columns, others)
	if errors.Is(err, ErrNotDetected) {
		only, e := detectColumn(name, columns, nil) // which then is allowed
		if e == nil && len(rules.Link) == 0 {
			_, err = allowedColumns(name, columns, only, rules.Allowed, many)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	allowed, err = allowedColumns(name, columns, identifying, rules.Allowed, many)
	return identifying, allowed, err
}

// refuseUnnamed refuses a column named like an NHS number that is neither identifying nor allowed.
func refuseUnnamed(name string, columns []formats.Column, c Chosen) error {
	unnamed := saidColumns(columns, slices.Concat(c.Identifying, c.allowed))
	if len(unnamed) == 0 {
		return nil
	}
	e := columnError(name, columns, "", ErrSaidUnnamed)
	e.Said, e.Named = Labels(columns, unnamed), Labels(columns, c.Identifying)
	for _, place := range unnamed {
		if reason := columns[place].Refused; reason != nil {
			e.Refused = reason.Error()
		}
	}
	return e
}

// saidColumns returns the columns named like an NHS number that can hold one and are not among
// some.
func saidColumns(columns []formats.Column, some []int) (said []int) {
	if nameless(columns) {
		return nil
	}
	for i, c := range columns {
		if nhsnumber.MentionsNumber(c.Name) && !c.Numberless && !slices.Contains(some, i) {
			said = append(said, i)
		}
	}
	return said
}

// wantedColumns returns the places of the columns wanted. It is doubtful whether they have names
// where they are told by their numbers and no cell of the first line is like a name.
func wantedColumns(
	name string,
	columns []formats.Column,
	wanted []string,
) (places []int, doubtful bool, err error) {
	byNumber := true
	for _, w := range wanted {
		place, err := findColumn(columns, w)
		if err == nil && !columns[place].Declared && !nameless(columns) &&
			!looksLikeName(columns[place].Name) {
			err = ErrNotAName
		}
		if err == nil && slices.Contains(places, place) {
			err = ErrNamedTwice
		}
		if err != nil {
			return nil, false, columnError(name, columns, w, err)
		}
		byNumber = byNumber && columns[place].Name != w
		places = append(places, place)
	}
	doubtful = byNumber && columns[places[0]].Doubtful &&
		!slices.ContainsFunc(columns, isLikeColumnName)
	return places, doubtful, nil
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
	case nameless(columns) && number == 0:
		return 0, ErrNoNames
	}
	return 0, ErrNoColumn
}

// isPlace reports whether wanted counts one of so many columns, from 1.
func isPlace(wanted string, columns int) bool {
	number, err := strconv.Atoi(wanted)
	return err == nil && number >= 1 && number <= columns
}

// detectColumn returns the only column whose name is identifying, those allowed left out.
func detectColumn(name string, columns []formats.Column, allowed []int) ([]int, error) {
	var found []int
	another := false
	for i, c := range columns {
		switch {
		case slices.Contains(allowed, i) || c.Numberless:
		case nhsnumber.NamesColumn(c.Name) || nhsnumber.NamesColumn(nhsnumber.LastPart(c.Name)):
			found = append(found, i)
		case nhsnumber.MentionsNumber(c.Name):
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

// allowedColumns returns the places of the columns that may hold NHS numbers without identifying
// anybody. Of many inputs not each need have them all.
func allowedColumns(
	name string,
	columns []formats.Column,
	identifying []int,
	wanted []string,
	many bool,
) ([]int, error) {
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
			e.Allowed = true
			return nil, e
		}
		allowed = append(allowed, place)
	}
	return allowed, nil
}
