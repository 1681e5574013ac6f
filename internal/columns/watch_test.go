package columns

import (
	"strings"
	"testing"

	"noo/filter/filtertest"
	"noo/formats"
	"noo/internal/nhsnumber"
	"noo/snapshot"
)

// national are 3.6 million people who opted out, over the issued ranges.
var national = [10]uint64{4: 1_200_000, 6: 1_200_000, 7: 1_200_000}

// TestLeaks holds the rule by which numbers of people who opted out are told from chance.
func TestLeaks(t *testing.T) {
	numbers := func(n int64) [10]int64 { return [10]int64{4: n} }
	for _, c := range []struct {
		name   string
		column Watched
		people [10]uint64
		want   bool
	}{
		{"nobody", Watched{Numbers: numbers(1_000_000), Valid: 90_909}, national, false},
		{"one of few", Watched{Numbers: numbers(8), Valid: 1, Values: 1, Records: 1}, national, true},
		{"one of a hundred other numbers", Watched{Numbers: numbers(100), Valid: 9, Values: 1, Records: 1}, national, false},
		{"one in a column of NHS numbers", Watched{Numbers: numbers(100), Valid: 100, Values: 1, Records: 1}, national, true},
		{"as many as chance gives", Watched{Numbers: numbers(1_000_000), Valid: 90_909, Values: 1250, Records: 1250}, national, false},
		{"more than chance gives", Watched{Numbers: numbers(1_000_000), Valid: 90_909, Values: 1350, Records: 1350}, national, true},
		{"a small register", Watched{Numbers: numbers(1_000_000), Valid: 90_909, Values: 1, Records: 1}, [10]uint64{4: 3}, true},
		{"another first digit", Watched{Numbers: [10]int64{6: 1_000_000}, Valid: 90_909, Values: 1, Records: 1}, [10]uint64{4: 1_000_000}, true},
		{"allowed", Watched{Numbers: numbers(8), Valid: 8, Values: 8, Records: 8, Allowed: true}, national, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.column.leaks(c.people); got != c.want {
				t.Errorf("%t, want %t", got, c.want)
			}
		})
	}
}

// TestRefusedColumnThatLeaks: where no flag lets a column be filtered by, none is advised.
func TestRefusedColumnThatLeaks(t *testing.T) {
	column := Watched{Label: "coded", Refused: "write the file anew", Numbers: [10]int64{4: 1}, Valid: 1, Values: 1, Records: 1}
	err := OptedOutElsewhere("a.parquet", []Watched{column}, national, []string{"nhs"})
	if err == nil || strings.Contains(err.Error(), "--") || !strings.HasSuffix(err.Error(), "of 1 record that would be kept: write the file anew") {
		t.Error(err)
	}
}

// TestWatchValues: values of every kind are looked at, and the places of those that are numbers of
// people who opted out returned.
func TestWatchValues(t *testing.T) {
	out, other := nhsnumber.Key(943476591), nhsnumber.Key(999560964)
	w := watchOver(filtertest.Register{out: snapshot.OptedOut, other: snapshot.Clear}, make([]Watched, 2), []string{"note", "NHS_Number"})
	text := func(texts ...string) (values [][]byte) {
		for _, one := range texts {
			values = append(values, []byte(one))
		}
		return values
	}
	for _, c := range []struct {
		name   string
		values formats.Values
		hits   string
		at     int
	}{
		{"text", formats.Values{Text: text("x", "9434765919", "9995609649", "943.476.5919", "", "94347659190")}, "13", -1},
		{"even", formats.Values{Fixed: []formats.FixedWidth{{Data: []byte("99956096499434765919"), Stride: 10, Size: 10, Count: 2}}}, "1", -1},
		{"integers", formats.Values{Ints: []int64{9434765919, -9434765919, 943476591, 9995609649, 9434765919}}, "04", -1},
		{"floating point", formats.Values{Floats: []float64{9434765919.5, 9434765919}}, "1", -1},
		{"a name", formats.Values{Text: text("x", "NHS_Number", "9434765919")}, "2", 1},
		{"a sentence about one", formats.Values{Text: text("no NHS number was given", "the nhs number is missing")}, "", -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			hits, name := w.Watch(0, &c.values, nil)
			got := ""
			for _, place := range hits {
				got += string(rune('0' + place))
			}
			if got != c.hits || name != c.at {
				t.Errorf("hits %q and name %d, want %q and %d", got, name, c.hits, c.at)
			}
		})
	}
	if _, name := w.Watch(1, &formats.Values{Text: text("NHS_Number")}, nil); name >= 0 {
		t.Error("a column met its own name")
	}
	if hits := w.WatchTens(1, []byte("9434765919,9995609649,1000000007,9434765918"), []int32{0, 11, 22, 33}, nil); len(hits) != 1 || hits[0] != 0 {
		t.Errorf("of Tens: %v", hits)
	}
	if c := w.columns[1]; c.Numbers != [10]int64{9: 3} || c.Valid != 2 {
		t.Errorf("counted %+v", c)
	}
}
