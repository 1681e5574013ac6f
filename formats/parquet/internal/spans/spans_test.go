package spans

import (
	"math/rand/v2"
	"slices"
	"testing"

	"noo/formats"
)

// places spells spans out.
func places(spans []Span) (all []int32) {
	for _, s := range spans {
		for i := s.Start; i < s.End; i++ {
			all = append(all, i)
		}
	}
	return all
}

// areTight holds what every list of spans is: in order, none empty, and no two that touch.
func areTight(t *testing.T, spans []Span) {
	t.Helper()
	for i, s := range spans {
		if s.Start >= s.End || i > 0 && spans[i-1].End >= s.Start {
			t.Fatalf("%v", spans)
		}
	}
}

// draw makes spans within so many places.
func draw(r *rand.Rand, n int) (spans []Span) {
	keep := 1 + r.IntN(9) // of ten
	for i := range n {
		if r.IntN(10) < keep {
			spans = appendRange(spans, int32(i), int32(i+1))
		}
	}
	return spans
}

// TestAdd compares a selection of records with a loop over them, batch by batch.
func TestAdd(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var got Selection
		var want []int32
		start := 0
		for range r.IntN(4) {
			fates := make([]formats.Fate, r.IntN(20))
			for i := range fates {
				if fates[i] = formats.Fate(r.IntN(3)); fates[i] == formats.Keep {
					want = append(want, int32(start+i))
				}
			}
			got.Add(fates, formats.Keep, start)
			start += len(fates)
		}
		areTight(t, got.Runs)
		if !slices.Equal(places(got.Runs), want) || got.Records != len(want) || Count(got.Runs) != len(want) {
			t.Fatalf("%+v, want %v", got, want)
		}
	}
}

// TestWindow compares the windows of a cursor, which walk through the records as pages do and may
// leave some out or overlap, with a loop over the places.
func TestWindow(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		n := r.IntN(60)
		spans := draw(r, n)
		cursor := Cursor{Runs: slices.Clone(spans)}
		all := places(spans)
		for start := int32(0); int(start) < n; start += r.Int32N(10) {
			end := start + 1 + r.Int32N(14)
			var want []int32
			for _, place := range all {
				if place >= start && place < end {
					want = append(want, place-start)
				}
			}
			before := []Span{{100, 101}}
			got := cursor.Window(before, start, end)
			if got[0] != before[0] {
				t.Fatalf("what was there before is %v", got[0])
			}
			areTight(t, got[1:])
			if !slices.Equal(places(got[1:]), want) {
				t.Fatalf("%v from %d to %d: %v, want %v", spans, start, end, got[1:], want)
			}
		}
	}
}

// TestOfLevels compares with a loop over the levels. A page may start in the middle of a record.
func TestOfLevels(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 3000 {
		reps := make([]uint8, r.IntN(40))
		record := int32(0)
		of := make([]int32, len(reps)) // the record of each level
		for i := range reps {
			if r.IntN(3) > 0 {
				reps[i] = uint8(r.IntN(3))
			}
			if i > 0 && reps[i] == 0 {
				record++
			}
			of[i] = record
		}
		records := draw(r, int(record)+1+r.IntN(3)) // some may be on the next page
		var want []int32
		for i, record := range of {
			if slices.Contains(places(records), record) {
				want = append(want, int32(i))
			}
		}
		got := OfLevels(nil, records, reps)
		areTight(t, got)
		if !slices.Equal(places(got), want) {
			t.Fatalf("levels %v, records %v: %v, want %v", reps, records, got, want)
		}
	}
}

// TestOfValues compares with a loop over the levels.
func TestOfValues(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 3000 {
		defs := make([]uint8, r.IntN(60))
		for i := range defs {
			defs[i] = uint8(r.IntN(3))
		}
		levels := draw(r, len(defs))
		kept := places(levels)
		var want []int32
		value := int32(0)
		for i, def := range defs {
			if def != 2 {
				continue
			}
			if slices.Contains(kept, int32(i)) {
				want = append(want, value)
			}
			value++
		}
		got := OfValues(nil, levels, defs, 2)
		areTight(t, got)
		if !slices.Equal(places(got), want) {
			t.Fatalf("levels %v, spans %v: %v, want %v", defs, levels, got, want)
		}
	}
}

// TestCountEqual: eight levels at a time count as one by one, whatever their bytes.
func TestCountEqual(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 5000 {
		levels := make([]uint8, r.IntN(40))
		most := []int{2, 4, 256}[r.IntN(3)]
		for i := range levels {
			levels[i] = uint8(r.IntN(most))
		}
		wanted := uint8(r.IntN(most))
		want := int32(0)
		for _, level := range levels {
			if level == wanted {
				want++
			}
		}
		if got := CountEqual(levels, wanted); got != want {
			t.Fatalf("%d in %v: %d, want %d", wanted, levels, got, want)
		}
	}
}
