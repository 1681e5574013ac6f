package arrow

// Fuzz targets. Run one for some minutes with: go test -run '^$' -fuzz '^FuzzStream$' -fuzztime 10m
// ./formats/arrow

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/ipc"

	"noo/formats"
	"noo/formats/arrow/arrowtest"
)

// everySecond keeps every second record, whatever it holds, and looks at every value.
type everySecond struct {
	mutex   sync.Mutex
	records int
	bytes   int
}

func (d *everySecond) Decide(batch *formats.Batch, fates []formats.Fate) error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	for c := range batch.Columns {
		v := &batch.Columns[c]
		total := len(v.Text) + len(v.Ints) + len(v.Floats)
		for _, text := range v.Text {
			d.bytes += len(text)
		}
		for i := range v.Fixed {
			total += v.Fixed[i].Count
			for k := range v.Fixed[i].Count {
				d.bytes += len(v.Fixed[i].At(k))
			}
		}
		for _, place := range v.Index {
			if int(place) >= total {
				panic("a place outside the values")
			}
		}
		if n := len(v.Ends); n > 0 && n != batch.Records {
			panic("other records than the batch")
		}
	}
	for i := range fates {
		if i%2 == 0 {
			fates[i] = formats.Keep
		}
		d.records++
	}
	return nil
}

// Watch, WatchTens and Count look at every value that they are shown.
func (d *everySecond) Watch(_ int, v *formats.Values, hits []int32) ([]int32, int) {
	for i := range len(v.Text) + len(v.Ints) + len(v.Floats) {
		hits = append(hits, int32(i))
	}
	return hits, -1
}

func (d *everySecond) WatchTens(_ int, _ []byte, _ []int32, hits []int32) []int32 { return hits }
func (d *everySecond) Count(int, int, int)                                        {}

// filterAll filters data by every column that it can be filtered by. It returns the output, and how
// many records were read.
func filterAll(f Format, data []byte) (out []byte, records int, err error) {
	dataset, err := open(f, data)
	if err != nil {
		return nil, 0, err
	}
	defer dataset.Close()
	if err := dataset.Sample(context.Background(), 100, func(int, *formats.Values) {}); err != nil {
		return nil, 0, err
	}
	decide := &everySecond{}
	watch := &formats.Watch{Watcher: decide}
	for i := range watch.First {
		watch.First[i] = true
	}
	var columns []int
	for i, c := range dataset.Columns() {
		if c.Refused == nil && len(columns) < 3 {
			columns = append(columns, i)
		} else {
			watch.Columns = append(watch.Columns, i)
		}
	}
	var kept bytes.Buffer
	err = dataset.Scan(context.Background(), columns, decide, formats.Sinks{Kept: &kept, Watch: watch})
	return kept.Bytes(), decide.records, err
}

// checkHostile makes sure that data is refused as an input, or filtered into something that can be
// read again.
func checkHostile(t *testing.T, f Format, data []byte) {
	t.Helper()
	f.MaxBuffer, f.Workers = 1<<16, 2
	out, records, err := filterAll(f, data)
	if err != nil {
		if _, ok := errors.AsType[*formats.InputError](err); !ok {
			t.Fatalf("%v", err)
		}
		if strings.Contains(err.Error(), "please report it") {
			t.Fatal(err)
		}
		return
	}
	_, again, err := filterAll(f, out)
	if err != nil {
		t.Fatalf("the output: %v", err)
	}
	if again > records {
		t.Fatalf("%d records of %d", again, records)
	}
}

func addDrawn(f *testing.F, stream bool) {
	for round := range uint64(60) {
		r := rand.New(rand.NewPCG(7, round))
		options := []ipc.Option{ipc.WithDictionaryDeltas(true)}
		switch r.IntN(6) {
		case 0:
			options = append(options, ipc.WithLZ4())
		case 1:
			options = append(options, ipc.WithZstd())
		}
		if data := arrowtest.Draw(r, stream).Write(stream, options...); data != nil && len(data) < 20_000 {
			f.Add(data)
		}
	}
}

func FuzzStream(f *testing.F) {
	addDrawn(f, true)
	f.Fuzz(func(t *testing.T, data []byte) { checkHostile(t, Format{Stream: true}, data) })
}

func FuzzFile(f *testing.F) {
	addDrawn(f, false)
	f.Fuzz(func(t *testing.T, data []byte) { checkHostile(t, Format{}, data) })
}
