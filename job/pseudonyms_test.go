package job

import (
	"errors"
	"testing"

	"noo/filter"
	"noo/filter/filtertest"
	"noo/internal/columns"
	"noo/internal/kind"
	"noo/internal/nhsnumber"
	"noo/snapshot"
)

// everybody is a register that covers everybody.
type everybody struct{ filtertest.Register }

func (everybody) LookUp(keys []nhsnumber.Key, standings []snapshot.Standing) {
	for i := range keys {
		standings[i] = snapshot.Clear
	}
}

// noReader reads nothing as a pseudonym.
type noReader struct{}

func (noReader) Read([]byte) (nhsnumber.Key, nhsnumber.Status) { return 0, nhsnumber.Invalid }
func (noReader) Held([]byte, func(nhsnumber.Key) bool) bool    { return false }

func TestCheckMatches(t *testing.T) {
	type tallies = []filter.PseudonymTally
	for _, test := range []struct {
		name    string
		tallies tallies
		batch   bool
		allowed bool
		local   bool
		stops   bool
	}{
		{name: "matches", tallies: tallies{{Distinct: 1000, Matched: true}}},
		{name: "one that does not", tallies: tallies{{Distinct: 1, Matched: false}}, stops: true},
		{name: "none at all", tallies: tallies{{Distinct: 0, Matched: false}}},
		{name: "said to be right", tallies: tallies{{Distinct: 1000, Matched: false}}, allowed: true},
		{name: "unknown people are unchecked", tallies: tallies{{Distinct: 1000, Matched: false}}, local: true},
		{name: "a small file of many", tallies: tallies{{Distinct: 749, Matched: false}}, batch: true},
		{name: "a large file of many", tallies: tallies{{Distinct: 750, Matched: false}}, batch: true, stops: true},
		{name: "a small second column", tallies: tallies{{Distinct: 1000, Matched: true}, {Distinct: 749, Matched: false}}},
		{name: "a large second column", tallies: tallies{{Distinct: 1000, Matched: true}, {Distinct: 750, Matched: false}}, stops: true},
		{name: "of many files too", tallies: tallies{{Distinct: 9, Matched: true}, {Distinct: 750, Matched: false}}, batch: true, stops: true},
	} {
		rules := Rules{
			Columns:      columns.Rules{Pseudonyms: noReader{}, Batch: test.batch},
			Register:     everybody{},
			AllowNoMatch: test.allowed,
		}
		if test.local {
			rules.Register = filtertest.Register{}
		}
		err := rules.checkMatches("x.csv", test.tallies)
		if errors.Is(err, ErrNoMatch) != test.stops || err != nil && kind.Of(err) != kind.Usage {
			t.Errorf("%s: error %v", test.name, err)
		}
	}
	rules := Rules{Columns: columns.Rules{Pseudonyms: noReader{}}, Register: everybody{}}
	small := FileReport{Pseudonyms: tallies{{Distinct: 5, Matched: false}}}
	if err := rules.CheckMatches([]FileReport{small, small}); !errors.Is(err, ErrNoMatch) {
		t.Errorf("two files without a match: error %v", err)
	}
	if err := rules.CheckMatches([]FileReport{small, {Pseudonyms: tallies{{Distinct: 5, Matched: true}}}}); err != nil {
		t.Errorf("one of two files matches: error %v", err)
	}
}
