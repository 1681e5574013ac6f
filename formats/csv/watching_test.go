package csv

import (
	"context"
	stdcsv "encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"noo/formats"
	"noo/internal/nhsnumber"
)

// oddWatcher takes every second person for one who opted out, and "nhs_number" for a name.
type oddWatcher struct {
	mutex   sync.Mutex
	records map[int]int
}

func isOdd(text []byte) bool {
	key, status, _ := nhsnumber.Whole(text)
	return status == nhsnumber.Valid && key%2 == 1
}

func (w *oddWatcher) Watch(_ int, values *formats.Values, hits []int32) ([]int32, int) {
	name := -1
	for i, text := range values.Text {
		if isOdd(text) {
			hits = append(hits, int32(i))
		}
		if name < 0 && strings.EqualFold(string(text), "nhs_number") {
			name = i
		}
	}
	return hits, name
}

func (w *oddWatcher) WatchTens(_ int, data []byte, starts []int32, hits []int32) []int32 {
	for i, start := range starts {
		if isOdd(data[start : start+10]) {
			hits = append(hits, int32(i))
		}
	}
	return hits
}

func (w *oddWatcher) Count(slot, values, records int) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.records[slot] += records
}

// TestWatchSeesEveryField compares what is counted of watched columns with a reading by
// encoding/csv of the records that were written.
func TestWatchSeesEveryField(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 12))
	numbers := []string{
		"9434765919", "9995609649", "9434765072", "9434765145", "9434765218", "943 476 5919", "9434765072.0", "\u200b9434765145", "943.476.5072",
		"９４３４７６５０７２", "(9434765145)", " 9434765072" + strings.Repeat(" ", 80), "9434765919 9995609649", "94347650721", "943476507",
	}
	others := []string{"", "x", "2026-01-02", "did not attend", "1000000007", "1234567890123", "café au lait", "NHS", strings.Repeat("long ", 40), "nhs trust", "2026-01-02 10:11:12"}
	met, counted := 0, 0
	for round := range 4000 {
		fields, watched := 2+r.IntN(5), []int{}
		for i := 1; i < fields; i++ {
			if r.IntN(4) > 0 {
				watched = append(watched, i)
			}
		}
		ending := []string{"\n", "\r\n"}[r.IntN(2)]
		text := header(fields) + ending
		name := false
		for range r.IntN(60) {
			for i := range fields {
				if i > 0 {
					text += ","
				}
				value := others[r.IntN(len(others))]
				switch {
				case i == 0 || r.IntN(3) == 0:
					value = numbers[r.IntN(len(numbers))]
				case r.IntN(4000) == 0:
					value = []string{"NHS_Number", "nhs_number"}[r.IntN(2)]
				}
				isName := strings.EqualFold(value, "nhs_number") && slices.Contains(watched, i)
				if r.IntN(6) == 0 {
					value = `"` + value + `"`
				} else if r.IntN(40) == 0 {
					value, isName = `"say ""`+value+`"""`, false
				}
				name = name || isName
				text += value
			}
			text += ending
		}
		f := Format{Workers: 1 + r.IntN(3), chunkSize: 16 << r.IntN(8)}
		watcher := &oddWatcher{records: map[int]int{}}
		var kept, withheld strings.Builder
		sinks := formats.Sinks{Kept: &kept, Watch: &formats.Watch{Columns: watched, First: [10]bool{9: true}, Watcher: watcher}}
		if r.IntN(2) == 0 {
			sinks.Withheld = &withheld
		}
		d, err := f.Open(context.Background(), formats.Input{Name: "in.csv", Reader: strings.NewReader(text)})
		if err != nil {
			t.Fatal(err)
		}
		decided := []int{0}
		if len(watched) > 0 && r.IntN(3) == 0 { // as the local ids of linked tables
			decided = append(decided, watched[r.IntN(len(watched))])
		}
		err = d.Scan(context.Background(), decided, byHash{}, sinks)
		if name {
			if err == nil || !strings.Contains(err.Error(), "name of a column") || !strings.HasPrefix(err.Error(), "in.csv:") {
				t.Fatalf("round %d: the name was not met: %v", round, err)
			}
			met++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		want := map[int]int{}
		for _, part := range []string{kept.String(), withheld.String()} {
			countOdd(t, part, watched, want)
		}
		if fmt.Sprint(watcher.records) != fmt.Sprint(want) {
			t.Fatalf("round %d, %q: counted %v, want %v", round, text, watcher.records, want)
		}
		counted += len(want)
	}
	if met < 20 || counted < 1000 {
		t.Errorf("only %d names met, %d columns counted", met, counted)
	}
}

func header(fields int) string {
	names := make([]string, fields)
	for i := range names {
		names[i] = fmt.Sprintf("c%d", i)
	}
	return strings.Join(names, ",")
}

// countOdd counts the records of a text, less its header, with an odd number in each of the
// columns.
func countOdd(t *testing.T, text string, columns []int, counts map[int]int) {
	t.Helper()
	r := stdcsv.NewReader(strings.NewReader(text))
	for first := true; ; first = false {
		record, err := r.Read()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for slot, column := range columns {
			if !first && isOdd([]byte(record[column])) {
				counts[slot]++
			}
		}
	}
}
