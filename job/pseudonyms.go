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

// mostUnmatched is how many different pseudonyms one of several files may have of which none is
// anybody's. About 1 in 18 people have opted out (NHS England, national data opt-out, 2024). Even
// if it were 1 in 36, none of 750 would match with a probability of 7e-10.
const mostUnmatched = 750

// newJudge returns the judge of a file.
func (r *Rules) newJudge() *filter.Judge {
	judge := filter.NewJudge(r.Register, r.Policy)
	if r.Columns.Pseudonyms != nil {
		judge.ReadPseudonyms(r.Columns.Pseudonyms)
	}
	return judge
}

// checkMatches returns an error with ErrNoMatch for a file in which no pseudonym matches: for one
// of several only where it has many.
func (r *Rules) checkMatches(name string, tally *filter.PseudonymTally) error {
	least := 1
	if r.Columns.Batch {
		least = mostUnmatched
	}
	if tally == nil || tally.Matched || tally.Distinct < least || !r.guardsMatches() {
		return nil
	}
	return kind.Wrap(kind.Usage, fmt.Errorf("%s: %w", name, ErrNoMatch))
}

// CheckMatches returns an error with ErrNoMatch where no pseudonym in any of the files matches.
func (r *Rules) CheckMatches(files []FileReport) error {
	some := false
	for i := range files {
		switch tally := files[i].Pseudonyms; {
		case tally == nil:
		case tally.Matched:
			return nil
		default:
			some = some || tally.Distinct > 0
		}
	}
	if !some || !r.guardsMatches() {
		return nil
	}
	return kind.Wrap(kind.Usage, fmt.Errorf("all files together: %w", ErrNoMatch))
}

// guardsMatches reports whether a run must match somebody: whether it would keep people of whom
// the snapshot says nothing.
func (r *Rules) guardsMatches() bool {
	return r.Columns.Pseudonyms != nil && !r.AllowNoMatch && filter.KeepsUnknown(r.Register)
}
