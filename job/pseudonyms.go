package job

// Runs over pseudonyms. With a snapshot that covers everybody, a wrong secret matches nobody, and
// so would keep everybody. A run in which nobody matches therefore ends without an output.

import (
	"errors"
	"fmt"

	"noo/filter"
	"noo/internal/kind"
)

// ErrNoMatch is a dataset whose pseudonyms are nobody's whom the snapshot knows.
var ErrNoMatch = errors.New("no pseudonym is of anybody who opted out; nothing was written")

// mostUnmatched is how many different pseudonyms a column of a file may have of which none is
// anybody's. About 1 in 18 people have opted out (NHS England, national data opt-out, 2024). Even
// if it were 1 in 36, none of 750 would match with a probability of 7e-10.
const mostUnmatched = 750

// newJudge returns the judge of a table with so many identifying columns.
func (r *Rules) newJudge(columns int) *filter.Judge {
	judge := filter.NewJudge(r.Register, r.Policy)
	judge.CountMissing(r.Columns.Missing)
	if r.Columns.Pseudonyms != nil {
		judge.ReadPseudonyms(r.Columns.Pseudonyms, columns)
	}
	return judge
}

// checkMatches returns an error with ErrNoMatch for a file in which no pseudonym matches, or none of
// a column that has many. One of several files need not match if it is small.
func (r *Rules) checkMatches(name string, tallies []filter.PseudonymTally) error {
	if !r.guardsMatches() {
		return nil
	}
	for _, tally := range tallies {
		if !tally.Matched && tally.Distinct >= mostUnmatched {
			return noMatch(name)
		}
	}
	if !r.Columns.Batch && unmatched(tallies) {
		return noMatch(name)
	}
	return nil
}

// CheckMatches returns an error with ErrNoMatch where no pseudonym in any of the files matches.
func (r *Rules) CheckMatches(files []FileReport) error {
	var all []filter.PseudonymTally
	for i := range files {
		all = append(all, files[i].Pseudonyms...)
	}
	if !r.guardsMatches() || !unmatched(all) {
		return nil
	}
	return noMatch("all files together")
}

// unmatched reports whether there are pseudonyms, and none matches.
func unmatched(tallies []filter.PseudonymTally) bool {
	some := false
	for _, tally := range tallies {
		if tally.Matched {
			return false
		}
		some = some || tally.Distinct > 0
	}
	return some
}

// noMatch is the error for the place with a name.
func noMatch(name string) error {
	return kind.Wrap(kind.Usage, fmt.Errorf("%s: %w", name, ErrNoMatch))
}

// guardsMatches reports whether a run must match somebody: whether it would keep people of whom
// the snapshot says nothing.
func (r *Rules) guardsMatches() bool {
	return r.Columns.Pseudonyms != nil && !r.AllowNoMatch && filter.KeepsUnknown(r.Register)
}
