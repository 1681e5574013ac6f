package parquet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"noo/formats"
	"noo/internal/nhsnumber"
)

// oddWatcher takes every second person for one who opted out, and "nhs_number" for a name.
type oddWatcher struct {
	mutex   sync.Mutex
	records map[int]int
}

func isOdd(text string) bool {
	key, status, _ := nhsnumber.Whole([]byte(text))
	return status == nhsnumber.Valid && key%2 == 1
}

func (w *oddWatcher) Watch(_ int, values *formats.Values, hits []int32) ([]int32, int) {
	name := -1
	for i, text := range values.Text {
		if isOdd(string(text)) {
			hits = append(hits, int32(i))
		}
		if name < 0 && string(text) == "nhs_number" {
			name = i
		}
	}
	for i, v := range values.Ints {
		if isOdd(strconv.FormatInt(v, 10)) {
			hits = append(hits, int32(i))
		}
	}
	return hits, name
}

func (w *oddWatcher) WatchTens(int, []byte, []int32, []int32) []int32 { panic("not for Parquet") }

func (w *oddWatcher) Count(slot, _, records int) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.records[slot] += records
}

// watchedTypes are the types that a watched column may have, besides lists of texts.
var watchedTypes = []arrow.DataType{
	arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Uint64, arrow.PrimitiveTypes.Float64,
	&arrow.Decimal128Type{Precision: 38, Scale: 10}, &arrow.Decimal128Type{Precision: 12, Scale: 0}, arrow.ListOf(arrow.BinaryTypes.String),
}

// TestWatchSeesEveryValue compares the records that are counted, of those that are written, with
// the values that were put into a file.
func TestWatchSeesEveryValue(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 3))
	numbers := []string{"9434765919", "9995609649", "9434765072", "9434765145", "9434765218", "1000000007", "12"}
	met, counted := 0, 0
	for round := range 400 {
		kind := watchedTypes[r.IntN(len(watchedTypes))]
		rows := 1 + r.IntN(300)
		values := make([][]string, rows) // of each record
		name := false
		for i := range values {
			n := r.IntN(2)
			if kind.ID() == arrow.LIST {
				n = r.IntN(4)
			}
			for range n {
				value := numbers[r.IntN(len(numbers))]
				if kind.ID() == arrow.STRING || kind.ID() == arrow.LIST {
					switch r.IntN(6) {
					case 0:
						value = value[:1] + "." + value[1:]
					case 1:
						value = strings.Repeat("long text ", r.IntN(4)) + "2026-01-02"
					}
					if r.IntN(3000) == 0 {
						value, name = "nhs_number", true
					}
				}
				values[i] = append(values[i], value)
			}
		}
		data := watchedFile(t, r, kind, values)
		fates := make([]formats.Fate, rows)
		for i := range fates {
			fates[i] = formats.Fate(r.IntN(3))
		}
		d, err := openBytes(Format{Workers: 1 + r.IntN(3), valuesOnly: r.IntN(4) == 0}, "x.parquet", data)
		if err != nil {
			t.Fatal(err)
		}
		watcher := &oddWatcher{records: map[int]int{}}
		sinks := formats.Sinks{Watch: &formats.Watch{Columns: []int{1}, First: [10]bool{9: true}, Watcher: watcher}}
		written := map[formats.Fate]bool{formats.Keep: true}
		if r.IntN(3) > 0 { // else it is a check
			sinks.Kept = &bytes.Buffer{}
			if r.IntN(2) == 0 {
				sinks.Withheld, written[formats.Withhold] = &bytes.Buffer{}, true
			}
		}
		decided := []int{0}
		if r.IntN(3) == 0 { // as the local ids of linked tables
			decided = append(decided, 1)
		}
		err = d.(*dataset).Scan(context.Background(), decided, decideBy(d, func(i int) formats.Fate { return fates[i] }), sinks)
		if _, ok := errors.AsType[*formats.NameMet](err); ok && name {
			met++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		for i, record := range values {
			odd := false
			for _, value := range record {
				odd = odd || isOdd(value)
			}
			if odd && written[fates[i]] {
				want++
			}
		}
		// Of a record of a list that goes on behind the end of a page the parts count by
		// themselves.
		if got := watcher.records[0]; got != want && (kind.ID() != arrow.LIST || got < want) {
			t.Fatalf("round %d, %s: %d records counted, want %d", round, kind, got, want)
		}
		counted += want
	}
	if met == 0 || counted < 5000 {
		t.Errorf("%d names met, %d records counted", met, counted)
	}
}

// watchedFile writes a file with a column of identifiers and one of the values.
func watchedFile(t *testing.T, r *rand.Rand, kind arrow.DataType, values [][]string) []byte {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.BinaryTypes.String}, {Name: "other", Type: kind, Nullable: true}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i, record := range values {
		b.Field(0).(*array.StringBuilder).Append(fmt.Sprint(i))
		list, isList := b.Field(1).(*array.ListBuilder)
		switch {
		case isList:
			list.Append(true)
			for _, value := range record {
				list.ValueBuilder().(*array.StringBuilder).Append(value)
			}
		case len(record) == 0:
			b.Field(1).AppendNull()
		default:
			appendWatched(t, b.Field(1), record[0])
		}
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	table := array.NewTableFromRecords(schema, []arrow.RecordBatch{batch})
	defer table.Release()
	var out bytes.Buffer
	properties := parquet.NewWriterProperties(
		parquet.WithDictionaryDefault(r.IntN(2) == 0), parquet.WithDataPageSize(int64(32<<r.IntN(8))), parquet.WithMaxRowGroupLength(int64(20+r.IntN(300))),
		parquet.WithCompression(compress.Codecs.Snappy), parquet.WithBatchSize(int64(1+r.IntN(50))),
		parquet.WithDataPageVersion([]parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2}[r.IntN(2)]),
	)
	if err := pqarrow.WriteTable(table, &out, 1<<20, properties, pqarrow.DefaultWriterProps()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func appendWatched(t *testing.T, b array.Builder, value string) {
	t.Helper()
	n, err := strconv.ParseInt(value, 10, 64)
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(value)
		return
	case *array.Int64Builder:
		b.Append(n)
	case *array.Uint64Builder:
		b.Append(uint64(n))
	case *array.Float64Builder:
		b.Append(float64(n))
	case *array.Decimal128Builder:
		kind := b.Type().(*arrow.Decimal128Type)
		v, decimalErr := decimal128.FromString(value, kind.Precision, kind.Scale)
		if decimalErr != nil {
			t.Fatal(decimalErr)
		}
		b.Append(v)
	}
	if err != nil {
		t.Fatal(err)
	}
}
