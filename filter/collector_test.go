package filter

import (
	"slices"
	"testing"

	"noo/filter/filtertest"
	"noo/formats"
	"noo/internal/nhsnumber"
)

// TestCollector: a Collector gives the valid numbers of the records, in each form in which a format
// shows values, and no value that no record has.
func TestCollector(t *testing.T) {
	texts := func(all ...string) (values [][]byte) {
		for _, text := range all {
			values = append(values, []byte(text))
		}
		return values
	}
	fixed := func(size int, all string) []formats.FixedWidth {
		return []formats.FixedWidth{{Data: []byte(all), Stride: size, Size: size, Count: len(all) / size}}
	}
	one, two := nhsnumber.Key(943_476_591), nhsnumber.Key(983_604_450)
	for _, c := range []struct {
		name    string
		values  formats.Values
		records int
		want    []nhsnumber.Key
	}{
		{"texts", formats.Values{Text: texts("9434765919", "983 604 4507", "x", "")}, 4, []nhsnumber.Key{one, two}},
		{"an unused value", formats.Values{Text: texts("9434765919", "9836044507"), Index: []int32{1, -1, 1}}, 3, []nhsnumber.Key{two, two}},
		{"lists", formats.Values{Text: texts("9434765919", "9836044507", "9995609649"), Index: []int32{0, 1}, Ends: []int32{0, 2}}, 2, []nhsnumber.Key{one, two}},
		{"tens", formats.Values{Fixed: fixed(10, "9434765919"+"9434765918"+"9836044507")}, 3, []nhsnumber.Key{one, two}},
		{"twelves", formats.Values{Fixed: fixed(12, "943 476 5919"+"983-604-4507")}, 2, []nhsnumber.Key{one, two}},
		{"tens, one unused", formats.Values{Fixed: fixed(10, "9434765919"+"9836044507"), Index: []int32{1}}, 1, []nhsnumber.Key{two}},
		{"integers", formats.Values{Ints: []int64{9434765919, 7, 9836044507}}, 3, []nhsnumber.Key{one, two}},
		{"floats", formats.Values{Floats: []float64{9434765919, 0.5, 9836044507}}, 3, []nhsnumber.Key{one, two}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []nhsnumber.Key
			collector := &Collector{
				Judge: NewJudge(filtertest.Register{}, Policy{}),
				Take:  func(keys []nhsnumber.Key) { got = append(got, keys...) },
			}
			batch := &formats.Batch{Records: c.records, Columns: []formats.Values{c.values}}
			if err := collector.Decide(batch, make([]formats.Fate, c.records)); err != nil {
				t.Fatal(err)
			}
			slices.Sort(got)
			slices.Sort(c.want)
			got, want := slices.Compact(got), slices.Compact(c.want)
			if !slices.Equal(got, want) {
				t.Errorf("%d keys, want %d, or other ones", len(got), len(want))
			}
		})
	}
}
