package parquet

// The middle of the interoperability test, of which testdata/interop/interop.py is the beginning
// and the end: it filters the files that other programs wrote for it.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"noo/formats"
	"noo/formats/parquet/internal/spec"
	"noo/formats/parquet/readback"
	"noo/internal/nhsnumber"
)

// personDecider decides as the filter does by default: any number that opted out drops a record,
// anything that is no number withholds it, and so does having none.
type personDecider struct{ optedOut map[nhsnumber.Key]bool }

func (d *personDecider) Decide(batch *formats.Batch, fates []formats.Fate) error {
	for i := range batch.Columns {
		batch.Columns[i].Text = textsOf(batch.Columns[i])
	}
	for i := range fates {
		fates[i] = d.fate(batch, i)
	}
	return nil
}

func (d *personDecider) fate(batch *formats.Batch, record int) formats.Fate {
	valid, invalid := 0, 0
	for _, values := range batch.Columns {
		from, to := int32(record), int32(record+1)
		if values.Ends != nil {
			from, to = 0, values.Ends[record]
			if record > 0 {
				from = values.Ends[record-1]
			}
		}
		for at := from; at < to; at++ {
			switch key, status := parseAt(values, at); {
			case status == nhsnumber.Valid && d.optedOut[key]:
				return formats.Drop
			case status == nhsnumber.Valid:
				valid++
			case status == nhsnumber.Invalid:
				invalid++
			}
		}
	}
	if invalid > 0 || valid == 0 {
		return formats.Withhold
	}
	return formats.Keep
}

func parseAt(values formats.Values, at int32) (nhsnumber.Key, nhsnumber.Status) {
	if values.Index != nil {
		if at = values.Index[at]; at < 0 {
			return 0, nhsnumber.Missing
		}
	}
	switch {
	case values.Text != nil:
		return nhsnumber.Parse(values.Text[at])
	case values.Ints != nil:
		return nhsnumber.ParseInt(values.Ints[at])
	}
	return nhsnumber.ParseFloat(values.Floats[at])
}

func TestInterop(t *testing.T) {
	folder := os.Getenv("NOO_INTEROP")
	if folder == "" {
		t.Skip("run testdata/interop/run.sh")
	}
	data, err := os.ReadFile(filepath.Join(folder, "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Input, Column string
		OptedOut      []string `json:"opted_out"`
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		decide := &personDecider{map[nhsnumber.Key]bool{}}
		for _, text := range c.OptedOut {
			key, status := nhsnumber.Parse([]byte(text))
			if status != nhsnumber.Valid {
				t.Fatal("the cases hold something that is no number")
			}
			decide.optedOut[key] = true
		}
		filterFile(t, Format{Version: "1.2.3"}, c.Input, c.Column, decide, c.Input+".kept", c.Input+".withheld")
		filterFile(t, Format{Workers: 1, valuesOnly: true}, c.Input, c.Column, decide, c.Input+".values", "")
		readAgain(t, c.Input, c.Input+".kept", c.Column, decide)
	}
}

// readAgain has both implementations read the column of what was kept, and a sample show the start
// of the input as a scan gives it: what a preflight finds can then be filtered by.
func readAgain(t *testing.T, input, kept, column string, decide formats.Decider) {
	t.Helper()
	data, err := os.ReadFile(input)
	if err != nil {
		t.Fatal(err)
	}
	d, err := openBytes(Format{Workers: 1}, filepath.Base(input), data)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(d.Columns(), func(c formats.Column) bool { return strings.EqualFold(c.Name, column) })
	if reason := d.Columns()[at].Refused; reason != nil {
		t.Errorf("%s: %v", input, reason)
	}
	var all allRecords
	if err := d.Scan(context.Background(), []int{at}, &all, formats.Sinks{}); err != nil {
		t.Errorf("%s: %v", input, err)
	}
	sample, err := sampleOf(d, 1000)
	if err != nil {
		t.Errorf("%s: %v", input, err)
	} else if want := all.records[:min(1000, len(all.records))]; !slices.EqualFunc(sample[at], want, slices.Equal) {
		t.Errorf("%s: a sample shows other values than a scan", input)
	}
	if data, err = os.ReadFile(kept); err != nil {
		t.Fatal(err)
	}
	again, err := readback.Format{}.Open(context.Background(), formats.Input{
		Name: filepath.Base(kept), ReaderAt: bytes.NewReader(data), Size: int64(len(data)),
	})
	if err != nil {
		t.Errorf("%s: %v", kept, err)
		return
	}
	check := deciderFunc(func(batch *formats.Batch, fates []formats.Fate) error {
		if err := decide.Decide(batch, fates); err != nil {
			return err
		}
		for i, fate := range fates {
			if fate != formats.Keep {
				return fmt.Errorf("record %d of a batch should not be there", i)
			}
		}
		return nil
	})
	err = again.Scan(context.Background(), []int{at}, check, formats.Sinks{})
	if err != nil && !errors.Is(err, spec.ErrUnsupported) {
		t.Errorf("%s: %v", kept, err)
	}
}

// filterFile filters a file into others.
func filterFile(t *testing.T, f Format, input, column string, decide formats.Decider, kept, withheld string) {
	t.Helper()
	data, err := os.ReadFile(input)
	if err != nil {
		t.Fatal(err)
	}
	d, err := openBytes(f, filepath.Base(input), data)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	at := -1
	for i, c := range d.Columns() {
		if strings.EqualFold(c.Name, column) {
			at = i
		}
	}
	if at < 0 {
		t.Errorf("%s has no column %s: %v", input, column, d.Columns())
		return
	}
	var sinks formats.Sinks
	sinks.Kept = create(t, kept)
	if withheld != "" {
		sinks.Withheld = create(t, withheld)
	}
	if err := d.Scan(context.Background(), []int{at}, decide, sinks); err != nil {
		t.Errorf("%v", err)
	}
}

// create creates a file that is closed when the test ends.
func create(t *testing.T, path string) *os.File {
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}
