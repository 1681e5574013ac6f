package parquet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"noo/formats"
	"noo/formats/parquet/internal/spec"
)

// textFile makes a file of text columns a, b … with the same values in each, in Snappy without
// dictionaries, a write for each of the batches.
func textFile(t *testing.T, columns, groups int, batches ...[]parquet.ByteArray) []byte {
	t.Helper()
	var fields schema.FieldList
	for i := range columns {
		fields = append(fields, schema.NewByteArrayNode(string(rune('a'+i)), parquet.Repetitions.Required, -1))
	}
	var out bytes.Buffer
	w := file.NewParquetWriter(&out, schema.MustGroup(schema.NewGroupNode("schema", parquet.Repetitions.Required, fields, -1)),
		file.WithWriterProps(parquet.NewWriterProperties(parquet.WithDictionaryDefault(false), parquet.WithDataPageSize(64<<10), parquet.WithCompression(compress.Codecs.Snappy))))
	for range groups {
		group, err := w.AppendRowGroupChecked()
		if err != nil {
			t.Fatal(err)
		}
		for range columns {
			column, err := group.NextColumn()
			if err != nil {
				t.Fatal(err)
			}
			for _, batch := range batches {
				if _, err := column.(*file.ByteArrayColumnChunkWriter).WriteBatch(batch, nil, nil); err != nil {
					t.Fatal(err)
				}
			}
			if err := column.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := group.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// keepEverything is a Decider.
type keepEverything struct{}

func (keepEverything) Decide(_ *formats.Batch, fates []formats.Fate) error {
	for i := range fates {
		fates[i] = formats.Keep
	}
	return nil
}

// TestBatchOfLargePages: a batch of records whose pages are each within the limit, but take much
// memory together, is refused.
func TestBatchOfLargePages(t *testing.T) {
	batches := make([][]parquet.ByteArray, 80)
	for i := range batches {
		batches[i] = []parquet.ByteArray{make([]byte, 1<<20)}
	}
	for count, want := range map[int]error{10: nil, 80: spec.ErrLimit} {
		d, err := openBytes(Format{MaxPage: 2 << 20}, "large.parquet", textFile(t, 1, 1, batches[:count]...))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Scan(context.Background(), []int{0}, keepEverything{}, formats.Sinks{}); !errors.Is(err, want) {
			t.Errorf("%d pages of 1 MiB: %v, want %v", count, err, want)
		}
	}
}

// TestMemoryOfSeveralColumns: each identifying column uses the memory of its pages again, so that
// what a scan allocates does not grow with the number of row groups.
func TestMemoryOfSeveralColumns(t *testing.T) {
	batch := make([]parquet.ByteArray, 20_000)
	for i := range batch {
		batch[i] = fmt.Appendf(nil, "%010d", i*7919)
	}
	pages := uint64(len(batch) * 14) // bytes of a column in a row group
	allocated := func(groups int) uint64 {
		d, err := openBytes(Format{Workers: 1}, "columns.parquet", textFile(t, 3, groups, batch))
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := d.Scan(context.Background(), []int{0, 1, 2}, keepEverything{}, formats.Sinks{Kept: io.Discard}); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	few, many := allocated(10), allocated(50)
	// The memory of one column that is not used again is 40*pages. The Snappy library keeps its
	// tables in a sync.Pool, which forgets some of them under the race detector.
	if grown := many - min(few, many); grown > 40*pages*9/10 {
		t.Errorf("40 row groups more, with pages of %d bytes a column, took %d bytes more", pages, grown)
	}
}
