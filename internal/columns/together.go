package columns

// All files of a dataset together: many may have too few records each to tell what a column holds.

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Together looks at the first records of all files of a dataset at once, and at what was seen while
// the files passed: a column may be one of NHS numbers, or hold numbers of people who opted out,
// though no file by itself has enough records to tell. Columns whose names differ in case or blanks
// around them are one. The error is a *PreflightError.
func Together(files []Seen, people [10]uint64) error {
	if len(files) < 2 {
		return nil
	}
	samples, watched := columnsByName[Sampled]{}, columnsByName[Watched]{}
	var named []string
	for _, file := range files {
		for _, column := range file.Sampled {
			sum := samples.of(column.Label, Sampled{Label: column.Label})
			sum.join(&column.Sample)
			sum.Refused = cmp.Or(sum.Refused, column.Refused)
		}
		for i := range file.Watched {
			column := &file.Watched[i]
			watched.of(column.Label, Watched{Label: column.Label}).add(column)
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
	return OptedOutElsewhere(together, watched.columns, people, named)
}

// Seen is what was seen in the columns of one file, for Together. It has no value of a field.
type Seen struct {
	// Named are the columns that identify people.
	Named []string
	// Sampled are the samples of the columns that neither identify people nor may hold NHS numbers.
	Sampled []Sampled
	// Watched counts what the watch saw in all columns that do not identify people.
	Watched []Watched
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
