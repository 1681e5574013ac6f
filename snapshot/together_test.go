// Several snapshots against a plain map, who may be beside whom, and what it costs.

package snapshot

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"noo/internal/nhsnumber"
)

// drawn is a snapshot made at random, with what it says in plain maps.
type drawn struct {
	snapshot *Snapshot
	scope    Scope
	optedOut map[nhsnumber.Key]bool
	checked  map[nhsnumber.Key]bool
}

// drawSnapshot makes a snapshot of some of the keys, signed by a key of its own.
func drawSnapshot(t *testing.T, r *rand.Rand, scope Scope, seed byte, keys []nhsnumber.Key) drawn {
	t.Helper()
	d := drawn{scope: scope, optedOut: map[nhsnumber.Key]bool{}, checked: map[nhsnumber.Key]bool{}}
	sets := Sets{OptedOut: new(Set)}
	if scope == Checked {
		sets.Checked = new(Set)
	}
	out := 1 + r.IntN(3)
	for i, key := range keys {
		hasOut := r.IntN(8) < out || i == 0
		if hasOut {
			d.optedOut[key] = true
			sets.OptedOut.Add(key)
		}
		if scope == Checked && (hasOut || r.IntN(3) == 0) {
			d.checked[key] = true
			sets.Checked.Add(key)
		}
	}
	signer := fixedKey(t, seed)
	m := Manifest{Scope: scope, Created: created, ValidUntil: validUntil}
	s, err := Parse(write(t, m, sets, signer), public(signer))
	if err != nil {
		t.Fatal(err)
	}
	d.snapshot = s
	return d
}

// plainStanding is the rule for several snapshots in plain words.
func plainStanding(all []drawn, key nhsnumber.Key) Standing {
	standing := Unchecked
	for _, d := range all {
		if d.optedOut[key] {
			return OptedOut
		}
		if d.scope == National || d.checked[key] {
			standing = Clear
		}
	}
	return standing
}

// TestTogetherAgainstMap compares combinations of one to four snapshots of random scopes and
// densities with plain maps.
func TestTogetherAgainstMap(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for round := range 150 {
		width := []uint32{200, 5_000, 2_000_000, 500_000_000}[round%4]
		wanted := 1 + r.IntN(3000)
		if width == 200 {
			wanted = 1 + r.IntN(100)
		}
		keys := make([]nhsnumber.Key, 0, wanted)
		for len(keys) < wanted {
			key := 499_999_900 + r.Uint32N(width)
			if _, ok := nhsnumber.CheckDigit(key); ok && key%111_111_111 != 0 {
				keys = append(keys, key)
			}
		}
		var all []drawn
		var members []*Snapshot
		covers := false
		for seed := range byte(1 + r.IntN(4)) {
			scope := []Scope{National, Checked, Local}[r.IntN(3)]
			covers = covers || scope != Local
			all = append(all, drawSnapshot(t, r, scope, seed+1, keys))
			members = append(members, all[seed].snapshot)
		}
		together, err := Combine(members...)
		if err != nil {
			t.Fatal(err)
		}
		if together.CoversNobody() == covers {
			t.Errorf("CoversNobody is %v", together.CoversNobody())
		}
		asked := append([]nhsnumber.Key{0, nhsnumber.MaxKey, 499_999_899}, keys...)
		for _, key := range keys {
			asked = append(asked, key+1, key^16, key^1024)
		}
		standings := make([]Standing, len(asked)+1)
		standings[len(asked)] = 77
		together.LookUp(asked, standings)
		if standings[len(asked)] != 77 {
			t.Error("LookUp writes beyond the keys")
		}
		for i, key := range asked {
			if want := plainStanding(all, key); standings[i] != want {
				t.Fatalf("%d snapshots: %v, want %v", len(all), standings[i], want)
			}
		}
		if n := testing.AllocsPerRun(2, func() { together.LookUp(asked, standings) }); n != 0 {
			t.Errorf("LookUp allocates %v times", n)
		}
		var people [10]uint64
		counted := map[nhsnumber.Key]bool{}
		for _, d := range all {
			for key := range d.optedOut {
				if !counted[key] {
					counted[key] = true
					people[key/100_000_000]++
				}
			}
		}
		if got := together.PerFirstDigit(); got != people {
			t.Errorf("people %v, want %v", got, people)
		}
	}
}

// TestTogetherOfOne: a single snapshot says what it says by itself.
func TestTogetherOfOne(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	keys := testKeys(0, 37, 2000)
	for _, scope := range []Scope{National, Checked, Local} {
		d := drawSnapshot(t, r, scope, 1, keys)
		together, err := Combine(d.snapshot)
		if err != nil {
			t.Fatal(err)
		}
		if together.PerFirstDigit() != d.snapshot.PerFirstDigit() || together.Members()[0] != d.snapshot {
			t.Errorf("%s: another count or member", scope)
		}
		var standing [1]Standing
		for key := nhsnumber.Key(900_000_000); key < 900_100_000; key++ {
			together.LookUp([]nhsnumber.Key{key}, standing[:])
			if standing[0] != d.snapshot.Standing(key) {
				t.Fatalf("%s: %v, want %v", scope, standing[0], d.snapshot.Standing(key))
			}
		}
	}
}

// TestCombineRefusesTwo: a run takes one snapshot of each series.
func TestCombineRefusesTwo(t *testing.T) {
	someone := NewSet(testKeys(0, 1, 3)...)
	made := func(scope Scope, seed byte, sequence uint64) *Snapshot {
		key := fixedKey(t, seed)
		m := Manifest{ID: "a", Scope: scope, Sequence: sequence, Created: created, ValidUntil: validUntil}
		sets := Sets{OptedOut: someone}
		if scope == Checked {
			sets.Checked = someone
		}
		s, err := Parse(write(t, m, sets, key), public(key))
		if err != nil {
			t.Fatal(err)
		}
		s.path = string(scope) + ".noo"
		return s
	}
	for _, c := range []struct {
		name    string
		members []*Snapshot
		detail  string // "" where they are accepted
	}{
		{"national and local of one key", []*Snapshot{made(National, 1, 7), made(Local, 1, 7)}, ""},
		{"checked and local of one key", []*Snapshot{made(Checked, 1, 7), made(Local, 1, 7)}, ""},
		{"two keys", []*Snapshot{made(National, 1, 7), made(National, 2, 7)}, ""},
		{"the same", []*Snapshot{made(National, 1, 7), made(National, 1, 7)}, "national.noo, which is the same"},
		{"the same, apart", []*Snapshot{made(Local, 1, 7), made(Local, 2, 7), made(Local, 1, 7)}, "which is the same"},
		{"a newer one", []*Snapshot{made(Local, 1, 7), made(Local, 1, 8)}, "local.noo; use one"},
		{"an older one", []*Snapshot{made(Checked, 1, 7), made(Checked, 1, 6)}, "checked.noo; use one"},
		{"national and checked of one key", []*Snapshot{made(National, 1, 7), made(Checked, 1, 7)}, "national.noo; use one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Combine(c.members...)
			if c.detail == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, ErrTwice) || !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), c.detail) {
				t.Errorf("%v, want %v with %q", err, ErrTwice, c.detail)
			}
			if last := c.members[len(c.members)-1].path; !strings.HasPrefix(err.Error(), "snapshot "+last+" refused: ") {
				t.Errorf("it does not name %s: %v", last, err)
			}
		})
	}
}

// BenchmarkTogether measures one snapshot by itself and in a Together, and the national one with
// others beside it: 20,000 local opt-outs, and a second list of the same size.
func BenchmarkTogether(b *testing.B) {
	keys := randomKeys()
	open := func(scope Scope, seed byte, set *Set) *Snapshot {
		key := fixedKey(b, seed)
		m := Manifest{Scope: scope, Created: created, ValidUntil: validUntil}
		s, err := Parse(write(b, m, Sets{OptedOut: set}, key), public(key))
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
	first := open(National, 1, drawSet(benchmarkCount))
	local := open(Local, 1, drawSet(20_000))
	second := open(National, 2, drawSet(benchmarkCount-1))
	b.Run("alone", func(b *testing.B) { overKeys(b, keys, first.LookUp) })
	for _, c := range []struct {
		name    string
		members []*Snapshot
	}{
		{"one", []*Snapshot{first}},
		{"with local", []*Snapshot{first, local}},
		{"with local and another national", []*Snapshot{first, local, second}},
	} {
		together, err := Combine(c.members...)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) { overKeys(b, keys, together.LookUp) })
		b.Run(c.name+", count", func(b *testing.B) {
			for b.Loop() {
				together.countPeople()
			}
		})
	}
}
