// Package filter decides which records may be disclosed. It knows no file and no format: of every
// record it sees the values that identify people, and says what becomes of it.
package filter

import (
	"errors"
	"fmt"
	"slices"

	"noo/formats"
)

// Verdict is what is found out about a record.
type Verdict uint8

// The verdicts. The zero Verdict is Invalid, so that a verdict nobody set withholds.
const (
	// Invalid is a record with something that is no NHS number where one is expected.
	Invalid Verdict = iota
	// Unchecked is a record with a valid number that the snapshot's publisher did not look up.
	Unchecked
	// Missing is a record without any number.
	Missing
	// Kept is a record of people of whom none opted out.
	Kept
	// OptedOut is a record of someone who opted out.
	OptedOut
	// Unlinked is a record of a linked table whose local id is in no table that has NHS numbers.
	Unlinked
	// disguised is an Invalid record all the same, but one in which a person would read the number
	// of someone who opted out, or of someone who was not looked up. It is written nowhere, whatever the policy.
	disguised

	verdicts = 7
)

// String gives the verdict's name in a report.
func (v Verdict) String() string {
	return [verdicts]string{
		"invalid", "unchecked", "missing", "kept", "opted_out", "unlinked", "invalid",
	}[v]
}

// MarshalText gives the verdict's name in a report.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Action is what a policy does with a class of records.
type Action uint8

const (
	// Withhold leaves the records out of the output; they may be collected for follow-up.
	Withhold Action = iota
	// Keep lets the records through.
	Keep
	// Fail ends the run without an output at the first such record.
	Fail
)

// actionNames are the names of the actions in flags and reports.
var actionNames = [...]string{Withhold: "withhold", Keep: "keep", Fail: "fail"}

// String gives the action's name.
func (a Action) String() string { return actionNames[a] }

// MarshalText gives the action's name.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads an action by its name.
func (a *Action) UnmarshalText(text []byte) error {
	for action, name := range actionNames {
		if name == string(text) {
			*a = Action(action)
			return nil
		}
	}
	return fmt.Errorf("want withhold, keep or fail")
}

// Policy says what becomes of records that are neither kept nor opted out. The zero Policy
// withholds them all. There is nothing to choose for records of people who opted out: they are
// dropped.
type Policy struct {
	Missing, Invalid, Unchecked Action
	// Unlinked is for tables that are linked by a local id.
	Unlinked Action
}

// ErrUnlinkedKept is a policy that would let through people of whom nobody knows who they are.
var ErrUnlinkedKept = errors.New("records that no NHS number is known for cannot be kept: " +
	"use withhold or fail")

// Validate refuses a policy that would let unchecked or unlinked people through.
func (p Policy) Validate() error {
	if p.Unlinked == Keep {
		return ErrUnlinkedKept
	}
	if p.Unchecked == Keep {
		return fmt.Errorf(
			"records of people who were not looked up cannot be kept: use withhold or fail",
		)
	}
	return nil
}

// fate says where a record of verdict v goes.
func (p Policy) fate(v Verdict) formats.Fate {
	switch {
	case v == OptedOut || v == disguised:
		return formats.Drop
	case p.action(v) == Keep:
		return formats.Keep
	}
	return formats.Withhold
}

// action says what p does with a record of verdict v, which must not be OptedOut; of a disguised
// one, whether it fails.
func (p Policy) action(v Verdict) Action {
	switch v {
	case Kept:
		return Keep
	case Missing:
		return p.Missing
	case Unchecked:
		return p.Unchecked
	case Unlinked:
		return p.Unlinked
	}
	return p.Invalid
}

// ranks orders the verdicts on the numbers and local ids of one record: the highest is the
// record's. Opted out is above all, and a record is missing only when it has nothing at all. Of
// invalid, unlinked and unchecked the one counts that the policy is strictest with, so that none
// can hide behind another.
func (p Policy) ranks() (ranks [verdicts]uint8) {
	strictness := [...]int{Keep: 0, Withhold: 1, Fail: 2}
	between := []Verdict{Unchecked, Unlinked, Invalid}
	slices.SortStableFunc(between, func(a, b Verdict) int {
		return strictness[p.action(a)] - strictness[p.action(b)]
	})
	order := slices.Concat([]Verdict{Missing, Kept}, between, []Verdict{disguised, OptedOut})
	for rank, v := range order {
		ranks[v] = uint8(rank)
	}
	return ranks
}

// Tally counts records by verdict.
type Tally struct {
	Read      int64 `json:"read"`
	Kept      int64 `json:"kept"`
	OptedOut  int64 `json:"opted_out"`
	Missing   int64 `json:"missing"`
	Invalid   int64 `json:"invalid"`
	Unchecked int64 `json:"unchecked"`
	Written   int64 `json:"written"`
	// Disguised are those of Invalid that hold the number of someone who opted out, or was not looked
	// up, in a form that is no NHS number. They are written nowhere, whatever the policy.
	Disguised int64 `json:"disguised,omitempty"`
	// Unlinked are those of a linked table whose local id is in no table that has NHS numbers.
	Unlinked int64 `json:"unlinked,omitempty"`
}

// Add adds the counts of another tally.
func (t *Tally) Add(o Tally) {
	t.Read += o.Read
	t.Kept += o.Kept
	t.OptedOut += o.OptedOut
	t.Missing += o.Missing
	t.Invalid += o.Invalid
	t.Unchecked += o.Unchecked
	t.Written += o.Written
	t.Disguised += o.Disguised
	t.Unlinked += o.Unlinked
}

// Withheld is the number of records that were not written but may be collected for follow-up.
func (t Tally) Withheld() int64 { return t.Read - t.OptedOut - t.Disguised - t.Written }

// MustNotBeDisclosed is the number of records that a filter run would leave out.
func (t Tally) MustNotBeDisclosed() int64 { return t.Read - t.Written }

// OnlyWritten is the tally of the records that were written under a policy.
func (t Tally) OnlyWritten(p Policy) Tally {
	counts := [verdicts]int64{Kept: t.Kept}
	for v, n := range map[Verdict]int64{Missing: t.Missing, Invalid: t.Invalid - t.Disguised, Unchecked: t.Unchecked} {
		if p.action(v) == Keep {
			counts[v] = n
		}
	}
	return newTally(counts, p)
}

// newTally makes a tally from counts by verdict, and what the policy does with each.
func newTally(counts [verdicts]int64, p Policy) Tally {
	t := Tally{
		Kept: counts[Kept], OptedOut: counts[OptedOut], Missing: counts[Missing],
		Invalid: counts[Invalid] + counts[disguised], Unchecked: counts[Unchecked], Disguised: counts[disguised],
		Unlinked: counts[Unlinked],
	}
	for v, n := range counts {
		t.Read += n
		if p.fate(Verdict(v)) == formats.Keep {
			t.Written += n
		}
	}
	return t
}
