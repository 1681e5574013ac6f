// Package meta reads what a Parquet file says of itself: the footer and the schema. What a reader
// of the output needs and noo does not understand (annotations, key-value metadata, column orders,
// sorting columns) stays as the bytes it is. Statistics, indexes and bloom filters are not even
// looked at: they speak of removed records.
package meta

// The footer: FileMetaData of parquet.thrift.

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"noo/formats/parquet/internal/spec"
	"noo/formats/parquet/internal/stats"
	"noo/formats/parquet/internal/thrift"
)

// Footer is the part of FileMetaData that is used, and the rest as raw Thrift values. It is not
// changed after Open.
type Footer struct {
	Version      int32
	rows         int64
	Schema       []byte // a list
	Leaves       []Leaf
	KeyValues    []byte // a list, or nil
	ColumnOrders []byte // a list, or nil
	RowGroups    []RowGroup
	Quirks       Quirks
}

// RowGroup is a RowGroup. Its records fit an int32, so that their places in it do.
type RowGroup struct {
	Rows       int
	Sorting    []byte // a list, or nil
	HasOrdinal bool
	Chunks     []Chunk
}

// Chunk is the ColumnMetaData of a column chunk.
type Chunk struct {
	Codec        spec.Codec
	Values       int64 // with nulls
	Start, End   int64 // the bytes of its pages in the file
	Uncompressed int64 // as the footer says, a hint only
	KeyValues    []byte
}

// ReadFooter reads and checks the footer of a file of the given size. An error of reading is
// returned as it is, any other is the input's fault.
func ReadFooter(in io.ReaderAt, size, limit int64) (*Footer, error) {
	if size < int64(len(spec.Magic))+spec.TailSize {
		return nil, spec.Corrupt("it is too short to be a Parquet file")
	}
	var head [len(spec.Magic)]byte
	var tail [spec.TailSize]byte
	if err := spec.ReadFull(in, head[:], 0); err != nil {
		return nil, err
	}
	if err := spec.ReadFull(in, tail[:], size-spec.TailSize); err != nil {
		return nil, err
	}
	if string(tail[4:]) == spec.MagicEncrypted || string(head[:]) == spec.MagicEncrypted {
		return nil, spec.ErrEncrypted
	}
	if string(tail[4:]) != spec.Magic || string(head[:]) != spec.Magic {
		return nil, spec.Corrupt(
			"it does not start and end as a Parquet file does; was it copied whole?",
		)
	}
	length := int64(binary.LittleEndian.Uint32(tail[:]))
	start := size - spec.TailSize - length
	if start < int64(len(spec.Magic)) {
		return nil, spec.Corrupt("its footer is longer than the file")
	}
	if length > limit {
		return nil, fmt.Errorf(
			"its footer of %d bytes is over the limit of %d: %w",
			length,
			limit,
			spec.ErrLimit,
		)
	}
	data := make([]byte, length)
	if err := spec.ReadFull(in, data, start); err != nil {
		return nil, err
	}
	f, err := ParseFooter(data, start)
	if errors.Is(err, thrift.ErrShort) || errors.Is(err, thrift.ErrMalformed) {
		err = spec.Corrupt("its footer cannot be read: %v", err)
	}
	return f, err
}

// ParseFooter reads a FileMetaData. dataEnd is where in the file pages must end.
func ParseFooter(data []byte, dataEnd int64) (*Footer, error) {
	var (
		f      Footer
		r      = thrift.NewReader(data)
		orders []bool
		err    error
		maker  []byte
	)
	for field := (thrift.Field{}); r.Next(&field); {
		start := r.Pos()
		switch field.ID {
		case 1:
			f.Version = r.I32(field.Type)
		case 2:
			if f.Schema != nil {
				return nil, spec.Corrupt("it has two schemas")
			}
			if f.Leaves, err = readSchema(r, field.Type); err != nil {
				return nil, err
			}
			f.Schema = r.Since(start)
		case 3:
			f.rows = r.I64(field.Type)
		case 4:
			if f.Schema == nil || f.RowGroups != nil {
				return nil, spec.Corrupt("its footer has row groups before the schema, or twice")
			}
			if f.RowGroups, err = readRowGroups(r, field.Type, f.Leaves); err != nil {
				return nil, err
			}
		case 5:
			r.Skip(field.Type)
			f.KeyValues = rawList(r, field.Type, start)
		case 6:
			maker = r.Bytes(field.Type)
		case 7:
			orders = readColumnOrders(r, field.Type)
			f.ColumnOrders = rawList(r, field.Type, start)
		case 8, 9:
			return nil, spec.ErrEncrypted
		default:
			r.Skip(field.Type)
		}
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	if f.Schema == nil {
		return nil, spec.Corrupt("it has no schema")
	}
	f.Quirks = quirksOf(maker)
	f.applyOrders(orders)
	return &f, f.check(dataEnd)
}

func rawList(r *thrift.Reader, t thrift.Type, start int) []byte {
	if t != thrift.List {
		r.Fail(thrift.ErrMalformed)
	}
	return r.Since(start)
}

// readColumnOrders tells for each leaf whether its order is the one that its type defines
// (ColumnOrder, parquet.thrift).
func readColumnOrders(r *thrift.Reader, t thrift.Type) []bool {
	kind, n := r.List(t)
	if kind != thrift.Struct && n > 0 {
		r.Fail(thrift.ErrMalformed)
	}
	var defined []bool
	for i := 0; i < n && r.Err() == nil; i++ {
		typeOrder := false
		for f := (thrift.Field{}); r.Next(&f); r.Skip(f.Type) {
			typeOrder = f.ID == 1
		}
		defined = append(defined, typeOrder)
	}
	return defined
}

// applyOrders gives up on the order of leaves whose bounds a reader would compare in another way
// than by their type.
func (f *Footer) applyOrders(defined []bool) {
	if defined == nil {
		return
	}
	for i := range f.Leaves {
		if i >= len(defined) || !defined[i] {
			f.Leaves[i].Order = stats.Unordered
		}
	}
}

// check holds what the footer says against itself and against the file.
func (f *Footer) check(dataEnd int64) error {
	var rows int64
	type extent struct {
		start, end int64
		group, col int
	}
	var extents []extent
	for g := range f.RowGroups {
		group := &f.RowGroups[g]
		rows += int64(group.Rows)
		for c := range group.Chunks {
			ch := &group.Chunks[c]
			place := spec.Part(g, f.Leaves[c].Name)
			if ch.Values == 0 && group.Rows == 0 {
				// There are no pages, and where they would be may be anything.
				ch.Start, ch.End = 0, 0
				continue
			}
			if ch.Start < int64(len(spec.Magic)) || ch.End < ch.Start || ch.End > dataEnd {
				return spec.At(place, spec.Corrupt("its pages lie outside the file"))
			}
			if f.Leaves[c].MaxRep == 0 && ch.Values != int64(group.Rows) {
				return spec.At(
					place,
					spec.Corrupt("it has another number of values than the row group has rows"),
				)
			}
			if ch.End > ch.Start {
				extents = append(extents, extent{ch.Start, ch.End, g, c})
			}
			ch.End = min(ch.End+f.Quirks.hiddenBytes, dataEnd)
		}
	}
	// A writer that left the number of all rows unset is in use; any other difference is damage.
	if rows != f.rows && f.rows != 0 {
		return spec.Corrupt(
			"its row groups have %d rows together, its footer says %d",
			rows,
			f.rows,
		)
	}
	slices.SortFunc(extents, func(a, b extent) int { return cmp.Compare(a.start, b.start) })
	for i := 1; i < len(extents); i++ {
		if e := extents[i]; e.start < extents[i-1].end {
			return spec.At(
				spec.Part(e.group, f.Leaves[e.col].Name),
				spec.Corrupt("its pages overlap those of another column"),
			)
		}
	}
	return nil
}

// readRowGroups reads the list of row groups.
func readRowGroups(r *thrift.Reader, t thrift.Type, leaves []Leaf) ([]RowGroup, error) {
	kind, n := r.List(t)
	if kind != thrift.Struct && n > 0 {
		return nil, thrift.ErrMalformed
	}
	groups := []RowGroup{}
	for g := 0; g < n && r.Err() == nil; g++ {
		group, err := readRowGroup(r, g, leaves)
		if err != nil {
			return nil, err
		}
		groups = append(groups, group)
	}
	return groups, r.Err()
}

// readRowGroup reads a RowGroup (parquet.thrift).
func readRowGroup(r *thrift.Reader, g int, leaves []Leaf) (group RowGroup, err error) {
	rows := int64(-1)
	for f := (thrift.Field{}); r.Next(&f); {
		start := r.Pos()
		switch f.ID {
		case 1:
			kind, n := r.List(f.Type)
			if r.Err() != nil {
				return group, r.Err()
			}
			if n != len(leaves) || (kind != thrift.Struct && n > 0) {
				return group, spec.At(
					fmt.Sprintf("row group %d", g),
					spec.Corrupt("it has %d columns, the schema has %d", n, len(leaves)),
				)
			}
			group.Chunks = make([]Chunk, 0, n)
			for c := range n {
				ch, err := readChunk(r, &leaves[c])
				if err != nil && r.Err() == nil {
					return group, spec.At(spec.Part(g, leaves[c].Name), err)
				}
				group.Chunks = append(group.Chunks, ch)
			}
		case 3:
			rows = r.I64(f.Type)
		case 4:
			r.Skip(f.Type)
			group.Sorting = rawList(r, f.Type, start)
		case 7:
			group.HasOrdinal = true
			r.Skip(f.Type)
		default:
			r.Skip(f.Type)
		}
	}
	if err := r.Err(); err != nil {
		return group, err
	}
	if rows < 0 || len(group.Chunks) != len(leaves) {
		return group, spec.At(
			fmt.Sprintf("row group %d", g),
			spec.Corrupt("its number of rows or its columns are missing"),
		)
	}
	if rows > math.MaxInt32 {
		return group, spec.At(
			fmt.Sprintf("row group %d", g),
			spec.Unsupported("a row group of more than %d rows", math.MaxInt32),
		)
	}
	group.Rows = int(rows)
	return group, nil
}

// readChunk reads a ColumnChunk (parquet.thrift).
func readChunk(r *thrift.Reader, l *Leaf) (ch Chunk, err error) {
	found := false
	for f := (thrift.Field{}); r.Next(&f); {
		switch f.ID {
		case 1:
			if len(r.Bytes(f.Type)) > 0 {
				return ch, spec.Unsupported("its pages are in another file")
			}
		case 3:
			if ch, err = readColumnMetaData(r, f.Type, l); err != nil {
				return ch, err
			}
			found = true
		case 8, 9:
			return ch, spec.ErrEncrypted
		default:
			r.Skip(f.Type)
		}
	}
	if !found && r.Err() == nil {
		return ch, spec.Corrupt("it has no metadata")
	}
	return ch, r.Err()
}

// readPath reads a column's path, and reports whether it is the one that the schema has in its
// place: were columns mixed up, the wrong one might be looked at.
func readPath(r *thrift.Reader, t thrift.Type, want []string) bool {
	kind, n := r.List(t)
	same := kind == thrift.Binary && n == len(want)
	for i := 0; i < n && r.Err() == nil; i++ {
		name := r.Bytes(kind)
		same = same && string(name) == want[i]
	}
	return same
}

// readColumnMetaData reads a ColumnMetaData (parquet.thrift).
func readColumnMetaData(r *thrift.Reader, t thrift.Type, l *Leaf) (ch Chunk, err error) {
	var (
		kind, codecID                = int32(-1), int32(-1)
		samePath                     = false
		data, dictionary, compressed = int64(-1), int64(-1), int64(-1)
	)
	ch.Values = -1
	for f := r.Enter(t); r.Next(&f); {
		start := r.Pos()
		switch f.ID {
		case 1:
			kind = r.I32(f.Type)
		case 3:
			samePath = readPath(r, f.Type, l.Path)
		case 4:
			codecID = r.I32(f.Type)
		case 5:
			ch.Values = r.I64(f.Type)
		case 6:
			ch.Uncompressed = r.I64(f.Type)
		case 7:
			compressed = r.I64(f.Type)
		case 8:
			r.Skip(f.Type)
			ch.KeyValues = rawList(r, f.Type, start)
		case 9:
			data = r.I64(f.Type)
		case 11:
			dictionary = r.I64(f.Type)
		default:
			r.Skip(f.Type)
		}
	}
	if err := r.Err(); err != nil {
		return ch, err
	}
	switch {
	case kind != int32(l.Kind):
		return ch, spec.Corrupt("its type is not that of the schema")
	case !samePath:
		return ch, spec.Corrupt("its path is not that of the schema")
	case ch.Values < 0 || data < 0 || compressed < 0:
		return ch, spec.Corrupt("a count, a size or a place is missing or negative")
	}
	if ch.Codec, err = spec.CodecOf(codecID); err != nil {
		return ch, err
	}
	ch.Start = data
	// Some writers set the place of a dictionary that is not there to 0.
	if dictionary > 0 && dictionary < data {
		ch.Start = dictionary
	}
	if compressed > math.MaxInt64-ch.Start-hiddenHeader {
		return ch, spec.Corrupt("its pages lie outside the file")
	}
	ch.End = ch.Start + compressed
	return ch, nil
}
