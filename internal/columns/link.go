package columns

// The columns of tables that are linked by a local id. Each has just one column of local ids; those
// that have NHS numbers as well decide on the people in the others.

import (
	"errors"
	"slices"

	"noo/formats"
)

// Errors of tables that are to be linked; each is wrapped in a *ChoiceError.
var (
	ErrNoLink    = errors.New("no column has the name of the link")
	ErrManyLinks = errors.New("more than one column has the name of a link")
	// ErrLinkIdentifies is a column of NHS numbers that is to be the link too.
	ErrLinkIdentifies = errors.New("the link must be another column than the NHS numbers")
)

// chooseLinked is Choose for a table that is linked: it need not have NHS numbers.
func chooseLinked(name string, columns []formats.Column, rules Rules) (c Chosen, err error) {
	if c.link, err = linkColumn(name, columns, rules.Link); err != nil {
		return c, err
	}
	c.linked, c.missing, c.pseudonyms = true, rules.Missing, rules.Pseudonyms
	// A column of numbers is told by its name: a place would be another one in each table.
	if rules.Identifying = Having(columns, rules.Identifying); len(rules.Identifying) == 0 {
		c.Identifying, c.allowed, err = detectedColumns(name, columns, rules)
		if errors.Is(err, ErrNotDetected) {
			c.Identifying = nil
			c.allowed, err = allowedColumns(name, columns, nil, rules.Allowed, true)
		}
	} else {
		c.Identifying, c.doubtful, err = wantedColumns(name, columns, rules.Identifying)
		if err == nil {
			c.allowed, err = allowedColumns(name, columns, c.Identifying, rules.Allowed, true)
		}
	}
	switch {
	case err != nil:
		return c, err
	case slices.Contains(c.Identifying, c.link):
		return c, columnError(name, columns, columns[c.link].Name, ErrLinkIdentifies)
	}
	return c, refuseUnnamed(name, columns, c)
}

// linkColumn returns the place of the only column that has one of the names.
func linkColumn(name string, columns []formats.Column, names []string) (int, error) {
	place := -1
	for i, column := range columns {
		if column.Name == "" || !slices.Contains(names, column.Name) {
			continue
		}
		if place >= 0 {
			return 0, columnError(name, columns, "", ErrManyLinks)
		}
		place = i
	}
	switch {
	case nameless(columns):
		return 0, columnError(name, columns, "", ErrNoNames)
	case place < 0:
		return 0, columnError(name, columns, "", ErrNoLink)
	}
	return place, nil
}

// Having returns those of the names that a column has.
func Having(columns []formats.Column, names []string) (found []string) {
	for _, name := range names {
		has := func(c formats.Column) bool { return c.Name == name && name != "" }
		if slices.ContainsFunc(columns, has) {
			found = append(found, name)
		}
	}
	return found
}

// Scanned are the columns whose values a Scan hands to a decider: those that identify people, and
// of a linked table, as the last one, that of the local ids.
func (c *Chosen) Scanned() []int {
	if !c.linked {
		return c.Identifying
	}
	return append(slices.Clone(c.Identifying), c.link)
}

// LinkLabel is how a report calls the column of local ids, "" for a table by itself.
func (c *Chosen) LinkLabel(columns []formats.Column) string {
	if !c.linked {
		return ""
	}
	return ReportNames(columns, []int{c.link})[0]
}
