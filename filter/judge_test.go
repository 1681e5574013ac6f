package filter

import (
	"math/rand/v2"
	"testing"

	"noo/filter/filtertest"
	"noo/formats"
	"noo/internal/nhsnumber"
	"noo/snapshot"
)

// plainVerdict decides on the values of one record as the design words it.
func plainVerdict(values []string, register filtertest.Register, p Policy) Verdict {
	found := map[Verdict]bool{}
	for _, value := range values {
		key, status := nhsnumber.Parse([]byte(value))
		switch status {
		case nhsnumber.Missing:
			found[Missing] = true
		case nhsnumber.Invalid:
			found[Invalid] = true
		case nhsnumber.Valid:
			found[map[snapshot.Standing]Verdict{snapshot.Clear: Kept, snapshot.OptedOut: OptedOut, snapshot.Unchecked: Unchecked}[register[key]]] = true
		}
	}
	switch {
	case found[OptedOut]:
		return OptedOut
	case found[Invalid] && found[Unchecked]:
		if p.Invalid == Keep || p.Invalid == Withhold && p.Unchecked == Fail {
			return Unchecked
		}
		return Invalid
	case found[Invalid]:
		return Invalid
	case found[Unchecked]:
		return Unchecked
	case found[Kept]:
		return Kept
	}
	return Missing
}

// TestDecide holds batches of every shape (one column or several, nulls, dictionaries, repeated
// values, integers and floats) against the plain rule.
func TestDecide(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 13))
	texts, register := filtertest.People(r, 50)
	texts = append(texts, "", "NULL", "x", "12345", "9434765910", "9999999999")
	for range 3000 {
		policy := Policy{Missing: Action(r.IntN(2)), Invalid: Action(r.IntN(2)), Unchecked: Withhold}
		judge := NewJudge(register, policy)
		records, columns := r.IntN(30), 1+r.IntN(3)
		want := make([][]string, records)
		batch := formats.Batch{Records: records}
		for range columns {
			values, spelt := filtertest.Values(r, texts, records)
			batch.Columns = append(batch.Columns, values)
			for i := range spelt {
				want[i] = append(want[i], spelt[i]...)
			}
		}
		fates := make([]formats.Fate, records)
		if err := judge.Decide(&batch, fates); err != nil {
			t.Fatal(err)
		}
		var counts [verdicts]int64
		for i, fate := range fates {
			verdict := plainVerdict(want[i], register, policy)
			counts[verdict]++
			expected := formats.Withhold
			switch {
			case verdict == OptedOut:
				expected = formats.Drop
			case policy.action(verdict) == Keep:
				expected = formats.Keep
			}
			if fate != expected {
				t.Fatalf("values %q under %+v: fate %d, want %d", want[i], policy, fate, expected)
			}
		}
		if tally := judge.Tally(); tally != newTally(counts, policy) {
			t.Fatalf("tally %+v, want %+v", tally, newTally(counts, policy))
		}
	}
}

// TestUncheckedNeverHides: whatever the policy, a record with an opted-out or unchecked number is
// not written.
func TestUncheckedNeverHides(t *testing.T) {
	register := filtertest.Register{943476591: snapshot.Clear, 999560964: snapshot.Unchecked, 992670206: snapshot.OptedOut}
	for _, invalid := range []Action{Withhold, Keep, Fail} {
		for _, values := range [][]string{{"9995609649", "x"}, {"x", "9995609649"}, {"9926702066", "x"}, {"", "9926702066"}, {"9434765919", "9995609649"}} {
			judge := NewJudge(register, Policy{Missing: Keep, Invalid: invalid})
			batch := formats.Batch{Records: 1}
			for _, value := range values {
				batch.Columns = append(batch.Columns, formats.Values{Text: [][]byte{[]byte(value)}})
			}
			fates := make([]formats.Fate, 1)
			if err := judge.Decide(&batch, fates); err == nil && fates[0] == formats.Keep {
				t.Errorf("%q is kept with --invalid %v", values, invalid)
			}
		}
	}
}
