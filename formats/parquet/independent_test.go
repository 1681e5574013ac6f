package parquet

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"

	"noo/formats"
	"noo/formats/parquet/internal/identify"
	"noo/formats/parquet/internal/meta"
	"noo/formats/parquet/internal/spec"
	"noo/formats/parquet/readback"
)

// texts keeps what it is shown of one column, occurrence by occurrence, for each record.
type texts struct {
	mutex   sync.Mutex
	batches map[int][][]string // by Seq
}

// records are those of all batches, in the order of the file.
func (c *texts) records() (all [][]string) {
	for _, seq := range slices.Sorted(maps.Keys(c.batches)) {
		all = append(all, c.batches[seq]...)
	}
	return all
}

func (c *texts) Decide(batch *formats.Batch, fates []formats.Fate) error {
	v := batch.Columns[0]
	all := spelt(v)
	var records [][]string
	for i := range fates {
		from, to := i, i+1
		if v.Ends != nil {
			from, to = 0, int(v.Ends[i])
			if i > 0 {
				from = int(v.Ends[i-1])
			}
		}
		record := slices.DeleteFunc(slices.Clone(all[from:to]), func(s string) bool { return s == "null" })
		records = append(records, record)
		fates[i] = formats.Keep
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.batches == nil {
		c.batches = map[int][][]string{}
	}
	c.batches[batch.Seq] = records
	return nil
}

// withoutCodec are samples in a codec that parquet-go does not have.
var withoutCodec = []string{"hadoop_lz4_compressed.parquet", "lz4_raw_compressed.parquet"}

// TestIndependentAgrees reads every column of every sample that could identify someone with both
// implementations.
func TestIndependentAgrees(t *testing.T) {
	for name, data := range samples(t) {
		if refused[name] != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			kept, _, err := split(Format{}, name, data, func(i int) formats.Fate {
				if i%3 == 0 {
					return formats.Drop
				}
				return formats.Keep
			})
			if err != nil {
				t.Fatal(err)
			}
			in := formats.Input{Name: name, ReaderAt: bytes.NewReader(kept), Size: int64(len(kept))}
			own, err := Format{}.Open(context.Background(), in)
			if err != nil {
				t.Fatal(err)
			}
			other, err := readback.Format{}.Open(context.Background(), in)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.EqualFunc(own.Columns(), other.Columns(), func(a, b formats.Column) bool { return a.Name == b.Name }) {
				t.Fatalf("columns are %v, want %v", other.Columns(), own.Columns())
			}
			for i, column := range own.Columns() {
				var want, got texts
				if err := own.Scan(context.Background(), []int{i}, &want, formats.Sinks{}); errors.Is(err, identify.ErrNotIdentifying) {
					continue
				} else if err != nil {
					t.Fatal(err)
				}
				err := other.Scan(context.Background(), []int{i}, &got, formats.Sinks{})
				if slices.Contains(withoutCodec, name) {
					if !errors.Is(err, spec.ErrUnsupported) {
						t.Errorf("column %s: %v, want %v", column.Name, err, spec.ErrUnsupported)
					}
					continue
				}
				if err != nil {
					t.Errorf("column %s: %v", column.Name, err)
					continue
				}
				if !slices.EqualFunc(got.records(), want.records(), slices.Equal) {
					t.Errorf("column %s: %d records differ from %d", column.Name, len(got.records()), len(want.records()))
				}
			}
		})
	}
}

func TestIndependentDoesNotWrite(t *testing.T) {
	data := samples(t)["alltypes_plain.parquet"]
	d, err := readback.Format{}.Open(context.Background(), formats.Input{Name: "a", ReaderAt: bytes.NewReader(data), Size: int64(len(data))})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Scan(context.Background(), []int{0}, &texts{}, formats.Sinks{Kept: &bytes.Buffer{}}); !errors.Is(err, readback.ErrReadOnly) {
		t.Errorf("scanning into a sink gives %v, want %v", err, readback.ErrReadOnly)
	}
}

// TestIndependentCodecs: a file in a codec that parquet-go does not have is refused before anything
// is written. parquet-go would read it as one without records.
func TestIndependentCodecs(t *testing.T) {
	for _, c := range []compress.Compression{
		compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Gzip,
		compress.Codecs.Zstd, compress.Codecs.Brotli,
	} {
		data := written(t, 100, c, parquet.DataPageV1, rand.New(rand.NewPCG(5, 5)))
		d, err := openBytes(Format{ReadBackWith: readback.Format{}}, "a.parquet", data)
		if err != nil {
			t.Fatal(err)
		}
		var kept bytes.Buffer
		err = d.Scan(context.Background(), []int{0}, keepEverything{}, formats.Sinks{Kept: &kept})
		if c == compress.Codecs.Brotli {
			if !errors.Is(err, spec.ErrUnsupported) || kept.Len() > 0 {
				t.Errorf("%v: %v after %d bytes", c, err, kept.Len())
			}
			continue
		}
		if err != nil {
			t.Errorf("%v: %v", c, err)
			continue
		}
		again, err := readback.Format{}.Open(context.Background(), formats.Input{
			Name: "a.parquet", ReaderAt: bytes.NewReader(kept.Bytes()), Size: int64(kept.Len()),
		})
		if err != nil {
			t.Fatal(err)
		}
		var all allRecords
		err = again.Scan(context.Background(), []int{0}, &all, formats.Sinks{})
		if err != nil || len(all.records) != 100 {
			t.Errorf("%v: %d records, %v", c, len(all.records), err)
		}
	}
}

// TestIndependentNames: columns that parquet-go does not tell apart are refused before anything is
// written.
func TestIndependentNames(t *testing.T) {
	for _, c := range []struct {
		paths [][]string
		fit   bool
	}{
		{[][]string{{"nhs_number"}, {"nhs_number2"}, {"person", "nhs_number"}, {"person", "id"}}, true},
		{[][]string{{"nhs_number"}, {"Nhs_number"}}, false},
		{[][]string{{"a b"}, {"a32b"}}, false},
		{[][]string{{"person", "id"}, {"Person", "name"}}, false},
		{[][]string{{"id"}, {"id"}}, false},
		{[][]string{{"person", "id"}, {"patient", "Id"}}, true},
	} {
		var leaves []meta.Leaf
		for _, path := range c.paths {
			leaves = append(leaves, meta.Leaf{Path: path, Name: strings.Join(path, ".")})
		}
		d := &dataset{footer: &meta.Footer{Leaves: leaves}}
		if err := (readback.Format{}).CheckReadable(d.footer, nil); (err == nil) != c.fit || err != nil && !errors.Is(err, spec.ErrUnsupported) {
			t.Errorf("%q: %v", c.paths, err)
		}
	}
}
