package filter

import (
	"math/rand/v2"
	"testing"

	"noo/filter/filtertest"
	"noo/formats"
)

// withIDs adds a column of local ids, in any shape, to a batch of numbers in any shape, and spells
// both out.
func withIDs(r *rand.Rand, numbers, ids []string, records int, hasNumbers bool) (batch formats.Batch, said, named [][]string) {
	batch = formats.Batch{Records: records}
	said = make([][]string, records)
	if hasNumbers {
		var values formats.Values
		values, said = filtertest.Values(r, numbers, records)
		batch.Columns = append(batch.Columns, values)
	}
	values, named := filtertest.Values(r, ids, records)
	batch.Columns = append(batch.Columns, values)
	return batch, said, named
}

// strictest joins the verdicts on one record by the plain rule.
func strictest(p Policy, verdicts ...Verdict) Verdict {
	strictest := Missing
	for _, v := range verdicts {
		if p.ranks()[v] > p.ranks()[strictest] {
			strictest = v
		}
	}
	return strictest
}

// TestLinkedVerdicts gathers batches of every shape, in several tables, and compares what is decided
// in tables with and without numbers with what a map says.
func TestLinkedVerdicts(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 19))
	numbers, register := filtertest.People(r, 30)
	numbers = append(numbers, "", "x", "NULL")
	ids := []string{"", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "-1"}
	seen := map[Verdict]int{}
	for range 3000 {
		policy := Policy{Missing: Action(r.IntN(2)), Invalid: Action(r.IntN(2))}
		people, want := NewLocalIDs(policy), map[string]Verdict{}
		gatherer := NewGatherer(NewJudge(register, policy), people)
		var tables []formats.Batch
		var spelt [][2][][]string
		for range 1 + r.IntN(3) {
			batch, said, named := withIDs(r, numbers, ids[:2+r.IntN(8)], r.IntN(12), true)
			if err := gatherer.Decide(&batch, make([]formats.Fate, batch.Records)); err != nil {
				t.Fatal(err)
			}
			tables, spelt = append(tables, batch), append(spelt, [2][][]string{said, named})
			for i := range said {
				own := plainVerdict(said[i], register, policy)
				for _, id := range named[i] {
					if before, known := want[id]; known {
						want[id] = strictest(policy, before, own)
					} else if id != "" {
						want[id] = own
					}
				}
			}
		}
		delete(want, "")
		if people.Len() != len(want) {
			t.Fatalf("%d local ids, want %d", people.Len(), len(want))
		}
		batch, said, named := withIDs(r, numbers, ids, r.IntN(12), false)
		tables, spelt = append(tables, batch), append(spelt, [2][][]string{said, named})
		for i, table := range tables {
			judge := NewJudge(register, policy)
			judge.Follow(people, len(table.Columns) > 1)
			fates := make([]formats.Fate, table.Records)
			if err := judge.Decide(&table, fates); err != nil {
				t.Fatal(err)
			}
			for j, fate := range fates {
				verdict := plainVerdict(spelt[i][0][j], register, policy)
				for _, id := range spelt[i][1][j] {
					if known, ok := want[id]; ok {
						verdict = strictest(policy, verdict, known)
					} else if id != "" {
						verdict = strictest(policy, verdict, Unlinked)
					}
				}
				seen[verdict]++
				if expected := policy.fate(verdict); fate != expected {
					t.Fatalf("%q of %q under %+v: fate %d, want %d", spelt[i][1][j], spelt[i][0][j], policy, fate, expected)
				}
			}
		}
	}
	for _, verdict := range []Verdict{Kept, OptedOut, Missing, Invalid, Unchecked, Unlinked} {
		if seen[verdict] < 100 {
			t.Errorf("%v: %d records, too few to mean anything", verdict, seen[verdict])
		}
	}
}

// TestNothingHides: whatever the policy, neither an unlinked nor an unchecked record is kept because
// of another value in it, and an opted-out number in another form is in no output.
func TestNothingHides(t *testing.T) {
	for _, invalid := range []Action{Withhold, Keep, Fail} {
		for _, unlinked := range []Action{Withhold, Fail} {
			ranks := Policy{Invalid: invalid, Unlinked: unlinked}.ranks()
			if invalid == Keep && (ranks[Invalid] > ranks[Unlinked] || ranks[Invalid] > ranks[Unchecked]) {
				t.Error("an invalid value hides another one")
			}
			if ranks[disguised] < max(ranks[Unlinked], ranks[Unchecked], ranks[Invalid]) || ranks[OptedOut] < ranks[disguised] {
				t.Error("somebody who opted out is hidden")
			}
		}
	}
	if (Policy{Unlinked: Keep}).Validate() == nil {
		t.Error("unlinked records may be kept")
	}
}
