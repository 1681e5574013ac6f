package parquet

// What tests compare with: Apache Arrow's reader, which shares no code with this package. It reads
// a file into plain triples of repetition level, definition level and value, so that nothing of
// nesting or bits is lost in the comparison.

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
)

// triple is one entry of a column: its levels, and its value where one is there.
type triple struct {
	rep, def int16
	value    string
}

// table is the content of a file: for each leaf column the triples of each record.
type table struct {
	names   []string
	columns [][][]triple
	groups  []int64 // records of each row group
}

// readTable reads a whole file with Arrow.
func readTable(data []byte) (_ *table, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("arrow panicked: %v", p)
		}
	}()
	r, err := file.NewParquetReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	schema := r.MetaData().Schema
	t := &table{columns: make([][][]triple, schema.NumColumns())}
	for c := range schema.NumColumns() {
		t.names = append(t.names, schema.Column(c).Path())
	}
	for g := range r.NumRowGroups() {
		group := r.RowGroup(g)
		t.groups = append(t.groups, group.NumRows())
		for c := range schema.NumColumns() {
			column, err := group.Column(c)
			if err != nil {
				return nil, err
			}
			triples, err := readColumn(column)
			if err != nil {
				return nil, fmt.Errorf("column %s: %w", t.names[c], err)
			}
			for _, e := range triples {
				if e.rep == 0 {
					t.columns[c] = append(t.columns[c], nil)
				}
				last := len(t.columns[c]) - 1
				t.columns[c][last] = append(t.columns[c][last], e)
			}
		}
	}
	return t, nil
}

func readColumn(column file.ColumnChunkReader) ([]triple, error) {
	switch r := column.(type) {
	case *file.BooleanColumnChunkReader:
		return readBatches(r, r.ReadBatch, func(v bool) string { return fmt.Sprint(v) })
	case *file.Int32ColumnChunkReader:
		return readBatches(r, r.ReadBatch, func(v int32) string {
			return string(binary.LittleEndian.AppendUint32(nil, uint32(v)))
		})
	case *file.Int64ColumnChunkReader:
		return readBatches(r, r.ReadBatch, func(v int64) string {
			return string(binary.LittleEndian.AppendUint64(nil, uint64(v)))
		})
	case *file.Int96ColumnChunkReader:
		return readBatches(r, r.ReadBatch, func(v parquet.Int96) string { return string(v[:]) })
	case *file.Float32ColumnChunkReader:
		return readBatches(r, r.ReadBatch, func(v float32) string {
			return string(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
		})
	case *file.Float64ColumnChunkReader:
		return readBatches(r, r.ReadBatch, func(v float64) string {
			return string(binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)))
		})
	case *file.ByteArrayColumnChunkReader:
		return readBatches(r, r.ReadBatch, func(v parquet.ByteArray) string { return string(v) })
	case *file.FixedLenByteArrayColumnChunkReader:
		return readBatches(r, r.ReadBatch, func(v parquet.FixedLenByteArray) string { return string(v) })
	}
	return nil, fmt.Errorf("no reader for %T", column)
}

func readBatches[T any](r file.ColumnChunkReader, read func(int64, []T, []int16, []int16) (int64, int, error), text func(T) string) ([]triple, error) {
	var all []triple
	maxDef, maxRep := r.Descriptor().MaxDefinitionLevel(), r.Descriptor().MaxRepetitionLevel()
	const n = 1000
	values, defs, reps := make([]T, n), make([]int16, n), make([]int16, n)
	for r.HasNext() {
		got, _, err := read(n, values, defs, reps)
		if err != nil {
			return nil, err
		}
		at := 0
		for i := range int(got) {
			e := triple{def: maxDef}
			if maxDef > 0 {
				e.def = defs[i]
			}
			if maxRep > 0 {
				e.rep = reps[i]
			}
			if e.def == maxDef {
				e.value = text(values[at])
				at++
			}
			all = append(all, e)
		}
		if got == 0 {
			break
		}
	}
	return all, r.Err()
}

// only returns the table without the records that keep does not name.
func (t *table) only(keep []bool) *table {
	cut := &table{names: t.names, columns: make([][][]triple, len(t.columns))}
	for c, records := range t.columns {
		for i, record := range records {
			if keep[i] {
				cut.columns[c] = append(cut.columns[c], record)
			}
		}
	}
	at := int64(0)
	for _, n := range t.groups {
		left := int64(0)
		for _, k := range keep[at : at+n] {
			if k {
				left++
			}
		}
		at += n
		if left > 0 {
			cut.groups = append(cut.groups, left)
		}
	}
	return cut
}

func (t *table) records() (n int) {
	for _, g := range t.groups {
		n += int(g)
	}
	return n
}

// wantTable compares tables record by record.
func wantTable(t *testing.T, got, want *table) {
	t.Helper()
	if !slices.Equal(got.names, want.names) {
		t.Fatalf("columns are %q, want %q", got.names, want.names)
	}
	if !slices.Equal(got.groups, want.groups) {
		t.Errorf("row groups have %v records, want %v", got.groups, want.groups)
	}
	for c := range want.columns {
		if len(got.columns[c]) != len(want.columns[c]) {
			t.Errorf("column %s has %d records, want %d", want.names[c], len(got.columns[c]), len(want.columns[c]))
			continue
		}
		for i := range want.columns[c] {
			if !slices.Equal(got.columns[c][i], want.columns[c][i]) {
				t.Errorf("column %s, record %d: %v, want %v", want.names[c], i, got.columns[c][i], want.columns[c][i])
				break
			}
		}
	}
}
