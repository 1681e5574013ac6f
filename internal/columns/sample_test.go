package columns

import (
	"math/rand/v2"
	"testing"

	"noo/filter/filtertest"
	"noo/formats"
	"noo/internal/nhsnumber"
)

// TestSample counts values of every shape, and compares with counting them spelt out.
func TestSample(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	texts, _ := filtertest.People(r, 50)
	texts = append(texts, "", "NULL", "x", "12345", "9434765910", "9999999999", "943 476 5919")
	for range 3000 {
		var got, want Sample
		for range 1 + r.IntN(3) {
			values, spelt := filtertest.Values(r, texts, r.IntN(30))
			got.add(&values, nil, nil)
			for _, record := range spelt {
				for _, text := range record {
					_, status := nhsnumber.Parse([]byte(text))
					want.Values++
					if status != nhsnumber.Missing {
						want.Filled++
					}
					if status == nhsnumber.Valid {
						want.Valid++
					}
					if key, status, ten := nhsnumber.Whole([]byte(text)); ten {
						want.Tens++
						if status == nhsnumber.Valid && key > 0 {
							want.Whole++
						}
					}
				}
			}
		}
		if got != want {
			t.Fatalf("%+v, want %+v", got, want)
		}
	}
	var nulls Sample
	nulls.add(&formats.Values{Text: [][]byte{nil, nil}}, nil, nil)
	nulls.add(&formats.Values{Index: []int32{-1, -1, -1}}, nil, nil)
	nulls.add(&formats.Values{}, nil, nil)
	if want := (Sample{Values: 5}); nulls != want {
		t.Errorf("%+v, want %+v", nulls, want)
	}
}

// TestSampleRules holds the two rules at their edges.
func TestSampleRules(t *testing.T) {
	for _, c := range []struct {
		name         string
		sample       Sample
		holds, lacks bool
	}{
		{"four of four", Sample{Values: 1000, Filled: 4, Valid: 4, Tens: 4, Whole: 4}, true, false},
		{"three of three", Sample{Values: 1000, Filled: 3, Valid: 3, Tens: 3, Whole: 3}, false, false},
		{"among other text", Sample{Values: 1000, Filled: 1000, Valid: 15, Tens: 15, Whole: 15}, true, true},
		{"chance", Sample{Values: 1000, Filled: 1000, Valid: 91, Tens: 1000, Whole: 91}, false, true},
		{"at the edge of chance", Sample{Values: 1000, Filled: 1000, Valid: 120, Tens: 1000, Whole: 120}, false, true},
		{"more than chance", Sample{Values: 1000, Filled: 1000, Valid: 130, Tens: 1000, Whole: 130}, true, true},
		{"in another dress", Sample{Values: 20, Filled: 20, Tens: 20, Whole: 20}, true, true},
		{"half", Sample{Values: 1000, Filled: 1000, Valid: 500, Tens: 500, Whole: 500}, true, false},
		{"one other value", Sample{Values: 1, Filled: 1}, false, true},
		{"blank", Sample{Values: 1000}, false, false},
		{"nothing", Sample{}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.sample.HoldsNumbers() != c.holds || c.sample.LacksNumbers() != c.lacks {
				t.Errorf("%t and %t, want %t and %t", c.sample.HoldsNumbers(), c.sample.LacksNumbers(), c.holds, c.lacks)
			}
		})
	}
}
