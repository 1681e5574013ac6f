package parquet

// The files of apache/parquet-testing, which other implementations wrote: each goes through and
// reads the same, or is refused for the reason in the table.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"noo/formats"
	"noo/formats/parquet/internal/identify"
)

// sharedFolder finds the folder that holds parquet-testing: NOO_SHARED, or "shared" beside the
// repository.
func sharedFolder(t testing.TB) string {
	if folder := os.Getenv("NOO_SHARED"); folder != "" {
		return folder
	}
	at, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		shared := filepath.Join(filepath.Dir(at), "shared")
		if _, err := os.Stat(filepath.Join(shared, "parquet-testing")); err == nil {
			return shared
		}
		if at == filepath.Dir(at) {
			break
		}
		at = filepath.Dir(at)
	}
	if _, err := os.Stat("/work/shared/parquet-testing"); err == nil {
		return "/work/shared"
	}
	t.Skip("parquet-testing is not here: set NOO_SHARED to the folder that holds it")
	return ""
}

// samples reads the files of parquet-testing by name.
func samples(t testing.TB) map[string][]byte {
	all := map[string][]byte{}
	for _, pattern := range []string{"data/*", "bad_data/*"} {
		paths, err := filepath.Glob(filepath.Join(sharedFolder(t), "parquet-testing", pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no files match %s: %v", pattern, err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all[filepath.Base(path)] = data
		}
	}
	return all
}

// refused are the samples that are refused, with words from the reason.
var refused = map[string]string{
	"uniform_encryption.parquet.encrypted":           "it is encrypted",
	"datapage_v1-corrupt-checksum.parquet":           "does not match its checksum",
	"rle-dict-uncompressed-corrupt-checksum.parquet": "does not match its checksum",
	"PARQUET-1481.parquet":                           "a type that does not exist",
	"ARROW-RS-GH-6229-DICTHEADER.parquet":            "its pages lie outside the file",
	"ARROW-GH-41317.parquet":                         "its path is not that of the schema",
}

// sameAs are samples in a codec that Arrow's reader for Go does not have, with one that holds the
// same records.
var sameAs = map[string]string{"hadoop_lz4_compressed.parquet": "lz4_raw_compressed.parquet"}

// fatesBy decides by the number of a record in the file.
type fatesBy struct {
	starts map[int]int // Seq to the number of the first record
	fate   func(record int) formats.Fate
}

func (f *fatesBy) Decide(batch *formats.Batch, fates []formats.Fate) error {
	for i := range fates {
		fates[i] = f.fate(f.starts[batch.Seq] + i)
	}
	return nil
}

// decideBy makes a decider for a dataset that decides by the number of a record.
func decideBy(d formats.Dataset, fate func(int) formats.Fate) *fatesBy {
	f := &fatesBy{starts: map[int]int{}, fate: fate}
	record, seq := 0, 0
	for _, group := range d.(*dataset).footer.RowGroups {
		for row := 0; row < group.Rows; row += batchRecords {
			f.starts[seq] = record + row
			seq++
		}
		record += group.Rows
	}
	return f
}

func openBytes(f Format, name string, data []byte) (formats.Dataset, error) {
	return f.Open(context.Background(), formats.Input{Name: name, ReaderAt: bytes.NewReader(data), Size: int64(len(data))})
}

// split filters data with a fate for each record and returns both outputs.
func split(f Format, name string, data []byte, fate func(int) formats.Fate) (kept, withheld []byte, err error) {
	d, err := openBytes(f, name, data)
	if err != nil {
		return nil, nil, err
	}
	defer d.Close()
	var k, w bytes.Buffer
	// The values decide nothing here, so any column will do, read as if it were text.
	last := len(d.Columns()) - 1
	err = d.(*dataset).scan(context.Background(), []int{last}, []identify.ValueType{identify.AsText}, decideBy(d, fate), formats.Sinks{Kept: &k, Withheld: &w})
	return k.Bytes(), w.Bytes(), err
}

func keepAll(int) formats.Fate { return formats.Keep }

func TestSamplesKept(t *testing.T) {
	for name, data := range samples(t) {
		for path, f := range map[string]Format{"pages": {Workers: 2}, "values": {Workers: 1, valuesOnly: true}} {
			t.Run(name+"/"+path, func(t *testing.T) {
				kept, withheld, err := split(f, name, data, keepAll)
				if reason := refused[name]; reason != "" {
					var input *formats.InputError
					if !errors.As(err, &input) || !strings.Contains(err.Error(), reason) {
						t.Fatalf("refused with %v, want an InputError about %q", err, reason)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if sameAs[name] != "" {
					return // TestHadoopLZ4
				}
				want, err := readTable(data)
				if err != nil {
					t.Fatalf("Arrow cannot read the sample: %v", err)
				}
				want.groups = withoutEmpty(want.groups)
				got, err := readTable(kept)
				if err != nil {
					t.Fatalf("Arrow cannot read the output: %v", err)
				}
				wantTable(t, got, want)
				none, err := readTable(withheld)
				if err != nil || none.records() != 0 {
					t.Errorf("the output of withheld records has %v, %v, want none", none, err)
				}
			})
		}
	}
}

func withoutEmpty(groups []int64) (left []int64) {
	for _, n := range groups {
		if n > 0 {
			left = append(left, n)
		}
	}
	return left
}

// TestSamplesSplit removes records at random and expects what is left of Arrow's reading of the
// sample.
func TestSamplesSplit(t *testing.T) {
	for name, data := range samples(t) {
		if refused[name] != "" || sameAs[name] != "" {
			continue
		}
		want, err := readTable(data)
		if err != nil {
			t.Errorf("Arrow cannot read %s: %v", name, err)
			continue
		}
		for _, share := range []float64{0.05, 0.5, 0.95} {
			random := rand.New(rand.NewPCG(1, uint64(share*100)))
			fates := make([]formats.Fate, want.records())
			kept, withheld := make([]bool, len(fates)), make([]bool, len(fates))
			for i := range fates {
				if random.Float64() >= share {
					fates[i], kept[i] = formats.Keep, true
				} else if random.IntN(2) == 0 {
					fates[i], withheld[i] = formats.Withhold, true
				}
			}
			for path, f := range map[string]Format{"pages": {Workers: 2}, "values": {Workers: 1, valuesOnly: true}} {
				k, w, err := split(f, name, data, func(i int) formats.Fate { return fates[i] })
				if err != nil {
					t.Errorf("%s, %s: %v", name, path, err)
					continue
				}
				for which, c := range map[string]struct {
					data []byte
					keep []bool
				}{"kept": {k, kept}, "withheld": {w, withheld}} {
					got, err := readTable(c.data)
					if err != nil {
						t.Errorf("%s, %s: Arrow cannot read the %s records: %v", name, path, which, err)
						continue
					}
					t.Run(name+"/"+path+"/"+which, func(t *testing.T) { wantTable(t, got, want.only(c.keep)) })
				}
			}
		}
	}
}

// collector keeps copies of the values of the first column of every batch.
type collector struct{ values []string }

func (c *collector) Decide(batch *formats.Batch, fates []formats.Fate) error {
	for i, text := range spelt(batch.Columns[0]) {
		c.values = append(c.values, text)
		fates[i] = formats.Keep
	}
	return nil
}

// textsOf gives each text of a batch, even ones too.
func textsOf(v formats.Values) [][]byte {
	for i := range v.Fixed {
		v.Text = v.Fixed[i].AppendTo(v.Text)
	}
	return v.Text
}

// spelt gives one text an occurrence, "null" for a null.
func spelt(v formats.Values) (all []string) {
	v.Text = textsOf(v)
	value := func(i int) string {
		switch {
		case v.Text != nil:
			return fmt.Sprintf("%q", v.Text[i])
		case v.Ints != nil:
			return fmt.Sprint(v.Ints[i])
		}
		return fmt.Sprint(v.Floats[i])
	}
	if v.Index == nil {
		for i := range len(v.Text) + len(v.Ints) + len(v.Floats) {
			all = append(all, value(i))
		}
		return all
	}
	for _, at := range v.Index {
		if at < 0 {
			all = append(all, "null")
			continue
		}
		all = append(all, value(int(at)))
	}
	return all
}

// columnOf reads one column of a file with this package.
func columnOf(t *testing.T, data []byte, column int) []string {
	t.Helper()
	d, err := openBytes(Format{}, "column.parquet", data)
	if err != nil {
		t.Fatal(err)
	}
	var c collector
	if err := d.(*dataset).scan(context.Background(), []int{column}, []identify.ValueType{identify.AsText}, &c, formats.Sinks{}); err != nil {
		t.Fatal(err)
	}
	return c.values
}

func TestHadoopLZ4(t *testing.T) {
	all := samples(t)
	for name, other := range sameAs {
		kept, _, err := split(Format{}, name, all[name], keepAll)
		if err != nil {
			t.Fatal(err)
		}
		for column := range 3 {
			want := columnOf(t, all[other], column)
			if len(want) == 0 {
				t.Fatalf("%s has no values in column %d", other, column)
			}
			for which, data := range map[string][]byte{"input": all[name], "output": kept} {
				if got := columnOf(t, data, column); !slices.Equal(got, want) {
					t.Errorf("%s of %s, column %d: %v, want %v", which, name, column, got, want)
				}
			}
		}
	}
}
