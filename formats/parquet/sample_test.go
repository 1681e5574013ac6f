package parquet

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"noo/formats"
	"noo/formats/parquet/internal/identify"
	"noo/formats/parquet/internal/spec"
	"noo/formats/parquet/readback"
)

// recordsOf gives the occurrences of each record, spelt out.
func recordsOf(v *formats.Values) (records [][]string) {
	all := spelt(*v)
	if v.Ends == nil {
		for i := range all {
			records = append(records, all[i:i+1])
		}
		return records
	}
	from := int32(0)
	for _, end := range v.Ends {
		records = append(records, all[from:end])
		from = end
	}
	return records
}

// allRecords keeps every record of the first column that it is shown, by one worker.
type allRecords struct{ records [][]string }

func (a *allRecords) Decide(batch *formats.Batch, fates []formats.Fate) error {
	a.records = append(a.records, recordsOf(&batch.Columns[0])...)
	return nil
}

func sampleOf(d formats.Dataset, records int) ([][][]string, error) {
	columns := make([][][]string, len(d.Columns()))
	err := d.Sample(context.Background(), records, func(column int, values *formats.Values) {
		columns[column] = append(columns[column], recordsOf(values)...)
	})
	return columns, err
}

// sampleFiles are those of parquet-testing, one with many row groups and small pages in every
// version, and nested ones.
func sampleFiles(t *testing.T) map[string][]byte {
	files := samples(t)
	for version, name := range []string{"v1", "v2"} {
		files["written "+name] = written(t, 3500, compress.Codecs.Snappy, parquet.DataPageVersion(version), rand.New(rand.NewPCG(5, 5)))
	}
	for _, name := range []string{"nested.parquet", "second.parquet"} {
		data, err := os.ReadFile("../../testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
	}
	return files
}

// TestSampleIsTheStart: a sample is the first values that a scan gives of each column.
func TestSampleIsTheStart(t *testing.T) {
	for name, data := range sampleFiles(t) {
		if refused[name] != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			d, err := openBytes(Format{Workers: 2}, name, data)
			if err != nil {
				t.Fatal(err)
			}
			inOrder, err := openBytes(Format{Workers: 1}, name, data)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range []int{1, 7, 1000, 1001, 3499} {
				got, err := sampleOf(d, n)
				if err != nil {
					t.Fatal(err)
				}
				for c, column := range d.Columns() {
					var all allRecords
					if err := inOrder.Scan(context.Background(), []int{c}, &all, formats.Sinks{}); err != nil {
						if !errors.Is(err, identify.ErrNotIdentifying) {
							t.Fatal(err)
						}
						continue
					}
					want := all.records[:min(n, len(all.records))]
					if !slices.EqualFunc(got[c], want, slices.Equal) {
						t.Errorf("the first %d records of %s differ: there are %d, want %d", n, column.Name, len(got[c]), len(want))
					}
				}
			}
		})
	}
}

// TestIndependentSampleAgrees compares the samples of both implementations.
func TestIndependentSampleAgrees(t *testing.T) {
	for _, name := range []string{"nested.parquet", "second.parquet", "alltypes_plain.parquet", "nulls.snappy.parquet"} {
		data := sampleFiles(t)[name]
		own, err := openBytes(Format{}, name, data)
		if err != nil {
			t.Fatal(err)
		}
		other, err := readback.Format{}.Open(context.Background(), formats.Input{Name: name, ReaderAt: bytes.NewReader(data), Size: int64(len(data))})
		if err != nil {
			t.Fatal(err)
		}
		got, err := sampleOf(other, 5)
		if err != nil {
			t.Fatal(err)
		}
		want, err := sampleOf(own, 5)
		if err != nil {
			t.Fatal(err)
		}
		filled := func(record []string) []string {
			return slices.DeleteFunc(slices.Clone(record), func(text string) bool { return text == "null" })
		}
		same := func(a, b []string) bool { return slices.Equal(filled(a), filled(b)) }
		for c := range want {
			if _, err := identify.TypeOf(&own.(*dataset).footer.Leaves[c]); err == nil && !slices.EqualFunc(got[c], want[c], same) {
				t.Errorf("%s, column %s: %q, want %q", name, own.Columns()[c].Name, got[c], want[c])
			}
		}
	}
}

// TestSampleOfMuch: values that are large and lists that are long do not make a sample large, nor
// refuse the file.
func TestSampleOfMuch(t *testing.T) {
	root := schema.MustGroup(schema.NewGroupNode("schema", parquet.Repetitions.Required, schema.FieldList{
		schema.NewByteArrayNode("image", parquet.Repetitions.Required, -1),
		schema.NewFloat64Node("wave", parquet.Repetitions.Repeated, -1),
	}, -1))
	var out bytes.Buffer
	w := file.NewParquetWriter(&out, root, file.WithWriterProps(parquet.NewWriterProperties(parquet.WithDictionaryDefault(false), parquet.WithDataPageSize(100_000))))
	const records, pixels, points = 200, 100_000, 5000
	for range 2 {
		group, err := w.AppendRowGroupChecked()
		if err != nil {
			t.Fatal(err)
		}
		column, err := group.NextColumn()
		if err != nil {
			t.Fatal(err)
		}
		for range records {
			if _, err := column.(*file.ByteArrayColumnChunkWriter).WriteBatch([]parquet.ByteArray{make([]byte, pixels)}, nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := column.Close(); err != nil {
			t.Fatal(err)
		}
		if column, err = group.NextColumn(); err != nil {
			t.Fatal(err)
		}
		wave, defs, reps := make([]float64, points), slices.Repeat([]int16{1}, points), slices.Repeat([]int16{1}, points)
		reps[0] = 0
		for range records {
			if _, err := column.(*file.Float64ColumnChunkWriter).WriteBatch(wave, defs, reps); err != nil {
				t.Fatal(err)
			}
		}
		if err := column.Close(); err != nil {
			t.Fatal(err)
		}
		if err := group.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := openBytes(Format{MaxPage: 1 << 20}, "much.parquet", out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	got, err := sampleOf(d, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got[0]); n < identify.SampleBytes/pixels || n > identify.SampleBytes/pixels+10 {
		t.Errorf("%d images were sampled", n)
	}
	n := 0
	for _, record := range got[1] {
		n += len(record)
	}
	if n < identify.SampleOccurrences || n > identify.SampleOccurrences+2*points {
		t.Errorf("%d points were sampled", n)
	}
}

// TestSampleRefusesAsScan: a column that is damaged at its start is refused, whichever it is, as a
// scan that writes would do; and of many the first is named.
func TestSampleRefusesAsScan(t *testing.T) {
	whole := written(t, 3500, compress.Codecs.Snappy, parquet.DataPageV1, rand.New(rand.NewPCG(5, 5)))
	sound, err := openBytes(Format{}, "damaged.parquet", whole)
	if err != nil {
		t.Fatal(err)
	}
	chunks := sound.(*dataset).footer.RowGroups[0].Chunks
	for c := range chunks {
		damaged := slices.Clone(whole)
		for _, ch := range chunks[c:] {
			damaged[ch.Start] = 0xff
		}
		d, err := openBytes(Format{Workers: 3}, "damaged.parquet", damaged)
		if err != nil {
			t.Fatal(err)
		}
		got, err := sampleOf(d, 1000)
		var input *formats.InputError
		if want := spec.Part(0, d.Columns()[c].Name); !errors.As(err, &input) || input.Part != want {
			t.Errorf("%v, want an InputError about %s", err, want)
		}
		for before := range c {
			if len(got[before]) != 1000 {
				t.Errorf("%d records were sampled of column %d", len(got[before]), before)
			}
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := sound.Sample(ctx, 1000, func(int, *formats.Values) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
}

// BenchmarkSample looks at the first 1,000 records of every column of a large file.
func BenchmarkSample(b *testing.B) {
	path := os.Getenv("NOO_BENCH_PARQUET")
	if path == "" {
		b.Skip("NOO_BENCH_PARQUET names no file")
	}
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		data, err := Format{}.Open(context.Background(), formats.Input{Name: "bench.parquet", ReaderAt: file, Size: info.Size()})
		if err != nil {
			b.Fatal(err)
		}
		if err := data.Sample(context.Background(), 1000, func(int, *formats.Values) {}); err != nil {
			b.Fatal(err)
		}
	}
}
