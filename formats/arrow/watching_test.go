package arrow

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"noo/formats"
)

// hidden is the number that is looked for.
const hidden = "9434765919"

// lookout counts where it sees the hidden number.
type lookout struct {
	mutex           sync.Mutex
	values, records map[int]int
	names           bool // what is called like a column of numbers ends the scan
}

func (l *lookout) Watch(_ int, v *formats.Values, hits []int32) ([]int32, int) {
	name := -1
	for i, text := range v.Text {
		if strings.HasPrefix(string(text), hidden) {
			hits = append(hits, int32(i))
		}
		if l.names && string(text) == "nhs_number" {
			name = i
		}
	}
	for i, n := range v.Ints {
		if fmt.Sprint(n) == hidden {
			hits = append(hits, int32(i))
		}
	}
	return hits, name
}

func (l *lookout) WatchTens(_ int, _ []byte, _ []int32, hits []int32) []int32 { return hits }

func (l *lookout) Count(slot, values, records int) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.values[slot] += values
	l.records[slot] += records
}

// numbersEverywhere makes four records twice over, with the hidden number in the second and the
// fourth of each column.
func numbersEverywhere(t *testing.T, stream bool, other string) []byte {
	t.Helper()
	text := arrow.BinaryTypes.String
	dictionary := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: text}
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: text},
		{Name: "text", Type: text},
		{Name: "view", Type: arrow.BinaryTypes.StringView},
		{Name: "whole", Type: arrow.PrimitiveTypes.Int64},
		{Name: "decimal", Type: &arrow.Decimal128Type{Precision: 20, Scale: 2}},
		{Name: "coded", Type: dictionary},
		{Name: "list", Type: arrow.ListOf(text)},
		{Name: "struct", Type: arrow.StructOf(arrow.Field{Name: "in", Type: text})},
		{Name: "runs", Type: arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, text)},
	}, nil)
	var out bytes.Buffer
	var w interface {
		Write(arrow.RecordBatch) error
		Close() error
	} = ipc.NewWriter(&out, ipc.WithSchema(schema))
	if !stream {
		out.Reset()
		var err error
		if w, err = ipc.NewFileWriter(&out, ipc.WithSchema(schema)); err != nil {
			t.Fatal(err)
		}
	}
	for batch := range 2 {
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		for i := range 4 {
			value, n := other, int64(7)
			if i%2 == 1 {
				value, n = hidden, 9434765919
			}
			b.Field(0).(*array.StringBuilder).Append(fmt.Sprint(4*batch + i))
			b.Field(1).(*array.StringBuilder).Append(value)
			b.Field(2).(*array.StringViewBuilder).Append(value)
			b.Field(3).(*array.Int64Builder).Append(n)
			b.Field(4).(*array.Decimal128Builder).Append(decimal128.FromI64(100 * n))
			if err := b.Field(5).(*array.BinaryDictionaryBuilder).AppendString(value); err != nil {
				t.Fatal(err)
			}
			list := b.Field(6).(*array.ListBuilder)
			list.Append(true)
			list.ValueBuilder().(*array.StringBuilder).Append("x")
			list.ValueBuilder().(*array.StringBuilder).Append(value)
			b.Field(7).(*array.StructBuilder).Append(true)
			b.Field(7).(*array.StructBuilder).FieldBuilder(0).(*array.StringBuilder).Append(value)
			runs := b.Field(8).(*array.RunEndEncodedBuilder)
			runs.Append(1)
			runs.ValueBuilder().(*array.StringBuilder).Append(value)
		}
		if err := w.Write(b.NewRecordBatch()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestWatch counts numbers in columns that do not identify people, in the records that are written:
// of the four with a number, one is not.
func TestWatch(t *testing.T) {
	for _, stream := range []bool{false, true} {
		data := numbersEverywhere(t, stream, "other")
		for _, sinks := range []formats.Sinks{{Kept: new(bytes.Buffer)}, {}} {
			dataset, err := open(Format{Stream: stream, Workers: 2}, data)
			if err != nil {
				t.Fatal(err)
			}
			seen := &lookout{values: map[int]int{}, records: map[int]int{}}
			sinks.Watch = &formats.Watch{Watcher: seen, Columns: []int{1, 2, 3, 4, 5, 6, 7, 8}}
			sinks.Watch.First[9] = true
			decide := &byNumber{make([]formats.Fate, 8)}
			for i := range decide.fates {
				decide.fates[i] = formats.Keep
			}
			decide.fates[3] = formats.Drop
			if err := dataset.Scan(context.Background(), []int{0}, decide, sinks); err != nil {
				t.Fatal(err)
			}
			for slot := range 8 {
				values := 3
				if slot == 4 && !stream {
					values = 1 // a dictionary of a file has it once
				}
				got := seen.values[slot]
				if slot == 4 && stream {
					got, values = 0, 0 // as often as the stream sends its dictionary
				}
				if got != values || seen.records[slot] != 3 {
					t.Errorf("stream %v, column %d: %d values in %d records, want %d in 3",
						stream, slot+1, seen.values[slot], seen.records[slot], values)
				}
			}
		}
	}
}

// TestWatchMeetsName ends at the name of a column of numbers among the records.
func TestWatchMeetsName(t *testing.T) {
	data := numbersEverywhere(t, false, "nhs_number")
	dataset, err := open(Format{}, data)
	if err != nil {
		t.Fatal(err)
	}
	seen := &lookout{values: map[int]int{}, records: map[int]int{}, names: true}
	watch := &formats.Watch{Watcher: seen, Columns: []int{6}}
	decide := &byNumber{make([]formats.Fate, 8)}
	err = dataset.Scan(context.Background(), []int{0}, decide, formats.Sinks{Watch: watch})
	if err == nil || !strings.Contains(err.Error(), `record batch 0, column "list": the name of a column`) {
		t.Errorf("%v", err)
	}
}
