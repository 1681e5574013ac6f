// Several snapshots asked as one: that of the nation beside an organisation's own opt-outs, or the
// answers to several requests.

package snapshot

import (
	"bytes"
	"sync"

	"noo/internal/nhsnumber"
)

// Together is one or several snapshots that answer as one. Who has opted out in any of them has
// opted out. Of the others, those are clear who are covered by one of them: a national one covers
// everybody, a checked one those who were looked up, a local one nobody. It is safe for concurrent
// use.
type Together struct {
	members []*Snapshot
	// absent is the standing of a number that is in no set.
	absent Standing
	// checked are the sets that are worth asking, and optedOut all of them.
	checked, optedOut []*index
	people            func() [10]uint64
}

// Combine returns the snapshots as one. There must be at least one. Two of the same series are a
// *Refusal with ErrTwice: two national or checked ones of one key, or two local ones. They would be
// a step back for each other in the next run, and where one was to be another register, its people
// are missing.
//
// The snapshots are verified, but each of them still has to be held against a Policy.
func Combine(members ...*Snapshot) (*Together, error) {
	t := &Together{members: members}
	for i, s := range members {
		for _, other := range members[:i] {
			if s.series() == other.series() {
				return nil, twice(s, other)
			}
		}
		t.optedOut = append(t.optedOut, &s.optedOut)
		switch s.manifest.Scope {
		case National:
			t.absent = Clear
		case Checked:
			t.checked = append(t.checked, &s.checked)
		}
	}
	if t.absent == Clear {
		t.checked = nil // whom they cover is covered
	}
	t.people = sync.OnceValue(t.countPeople)
	return t, nil
}

// twice is the refusal of a snapshot beside another one of its series.
func twice(s, other *Snapshot) error {
	name := other.path
	if name == "" {
		name = "another"
	}
	refusal := &Refusal{Path: s.path, Reason: ErrTwice}
	refusal.Detail = name + "; use one of them, or build one of both"
	if bytes.Equal(s.data, other.data) {
		refusal.Detail = name + ", which is the same; name each snapshot once"
	}
	return refusal
}

// Members returns the snapshots, in the order in which they were given. The caller must not change
// the slice.
func (t *Together) Members() []*Snapshot { return t.members }

// CoversNobody reports whether the snapshots say of nobody that they have not opted out: all are
// local.
func (t *Together) CoversNobody() bool { return t.absent == Unchecked && len(t.checked) == 0 }

// LookUp sets standings[i] to the standing of keys[i], as Snapshot.LookUp does: for one snapshot in
// the same time. Each further set costs another pass over the keys.
func (t *Together) LookUp(keys []nhsnumber.Key, standings []Standing) {
	standings = standings[:len(keys)]
	absent := t.absent
	for i := range standings {
		standings[i] = absent
	}
	for _, x := range t.checked {
		x.mark(keys, standings, Clear)
	}
	for _, x := range t.optedOut {
		x.mark(keys, standings, OptedOut)
	}
}

// PerFirstDigit returns how many people who opted out have a number that starts with each digit,
// from 0 to 9. Somebody who is in several snapshots counts once. It is counted at the first call.
func (t *Together) PerFirstDigit() [10]uint64 { return t.people() }

func (t *Together) countPeople() (people [10]uint64) {
	for i, x := range t.optedOut {
		x.countPerFirstDigit(&people, t.optedOut[:i])
	}
	return people
}
