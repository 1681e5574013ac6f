// Package readback is a second opinion on Arrow files and streams that noo wrote: arrow-go, which
// shares no code with the writer, reads them back. A bug that the reader and the writer of noo have
// in common would not show in a reading by the former.
package readback

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/big"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"noo/formats"
	ours "noo/formats/arrow"
)

// Format reads Arrow through arrow-go. It is for reading back what the format of noo has written: a
// Scan with a sink fails, and it trusts an input that it is given.
type Format struct {
	// Stream tells that it is the format of streams.
	Stream bool
}

// ErrReadOnly is a Scan that was to write.
var ErrReadOnly = errors.New("the independent reader does not write")

// Name returns the name of the format of noo.
func (f Format) Name() string { return ours.Format{Stream: f.Stream}.Name() }

// Matches reports whether head is that of a file, or of a stream.
func (f Format) Matches(head []byte, name string) bool {
	return ours.Format{Stream: f.Stream}.Matches(head, name)
}

// RandomAccess reports whether it is the format of files.
func (f Format) RandomAccess() bool { return !f.Stream }

// Open reads the schema. What cannot be read gives an *formats.InputError.
func (f Format) Open(_ context.Context, in formats.Input) (_ formats.Dataset, err error) {
	defer recoverAs(&err, in.Name)
	d := &dataset{name: in.Name}
	if f.Stream {
		d.stream, err = ipc.NewReader(in.Reader)
		if err == nil {
			d.list(d.stream.Schema())
		}
	} else {
		d.file, err = ipc.NewFileReader(io.NewSectionReader(in.ReaderAt, 0, in.Size))
		if err == nil {
			d.list(d.file.Schema())
		}
	}
	if err != nil {
		return nil, refuse(in.Name)
	}
	return d, nil
}

// refuse says that an input cannot be read. What arrow-go says of it is not shown: it might hold a
// value.
func refuse(name string) error {
	return &formats.InputError{Name: name, Err: errors.New("the independent reader cannot read it")}
}

// recoverAs turns a panic of arrow-go into an *formats.InputError.
func recoverAs(err *error, name string) {
	p := recover()
	if p == nil {
		return
	}
	reason := formats.PanicReason("the independent reader failed", p)
	*err = &formats.InputError{Name: name, Err: errors.New(reason)}
}

// dataset is an input opened by Format.
type dataset struct {
	name    string
	file    *ipc.FileReader
	stream  *ipc.Reader
	columns []formats.Column
	paths   [][]int // of columns: the field of the schema, and which child to take below it
}

// list lists the columns that hold values, in the order of the format of noo.
func (d *dataset) list(schema *arrow.Schema) {
	for i, f := range schema.Fields() {
		d.walk(f.Type, f.Name, []int{i})
	}
}

func (d *dataset) walk(t arrow.DataType, name string, path []int) {
	switch t := t.(type) {
	case arrow.ExtensionType:
		d.walk(t.StorageType(), name, path)
	case *arrow.DictionaryType:
		d.walk(t.ValueType, name, path)
	case *arrow.RunEndEncodedType:
		d.walk(t.Encoded(), name, path)
	case arrow.NestedType:
		for i, f := range t.Fields() {
			d.walk(f.Type, name+"."+f.Name, append(slices.Clone(path), i))
		}
	default:
		d.columns = append(d.columns, formats.Column{Name: name, Type: t.String(), Declared: true})
		d.paths = append(d.paths, path)
	}
}

// Columns lists the columns that hold values.
func (d *dataset) Columns() []formats.Column { return d.columns }

// Sample shows nothing: outputs are only scanned.
func (d *dataset) Sample(context.Context, int, func(int, *formats.Values)) error { return nil }

// Close releases what arrow-go holds.
func (d *dataset) Close() error {
	if d.file != nil {
		return d.file.Close()
	}
	d.stream.Release()
	return nil
}

// Scan implements formats.Dataset for reading alone.
func (d *dataset) Scan(
	ctx context.Context,
	columns []int,
	decide formats.Decider,
	to formats.Sinks,
) (err error) {
	defer recoverAs(&err, d.name)
	if to.Kept != nil || to.Withheld != nil {
		return ErrReadOnly
	}
	batch := formats.Batch{Columns: make([]formats.Values, len(columns))}
	for ; ; batch.Seq++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		records, err := d.next(batch.Seq)
		if err != nil || records == nil {
			return err
		}
		batch.Records = int(records.NumRows())
		for i, c := range columns {
			path := d.paths[c]
			var v collector
			v.all(records.Column(path[0]), path[1:])
			batch.Columns[i] = v.Values
		}
		if err := decide.Decide(&batch, make([]formats.Fate, batch.Records)); err != nil {
			return err
		}
		records.Release()
	}
}

// next returns a record batch, or nil after the last.
func (d *dataset) next(i int) (arrow.RecordBatch, error) {
	if d.file != nil {
		if i == d.file.NumRecords() {
			return nil, nil
		}
		records, err := d.file.RecordBatchAt(i)
		if err != nil {
			return nil, refuse(d.name)
		}
		return records, nil
	}
	if !d.stream.Next() {
		if err := d.stream.Err(); err != nil {
			return nil, refuse(d.name)
		}
		return nil, nil
	}
	records := d.stream.RecordBatch()
	records.Retain()
	return records, nil
}

// collector collects the values of a column.
type collector struct{ formats.Values }

// all collects the values of every record.
func (c *collector) all(a arrow.Array, path []int) {
	c.Index, c.Ends = []int32{}, []int32{}
	for i := range a.Len() {
		c.value(a, i, path)
		c.Ends = append(c.Ends, int32(len(c.Index)))
	}
}

// place notes an occurrence of the value that was collected last.
func (c *collector) place() {
	c.Index = append(c.Index, int32(len(c.Text)+len(c.Ints)+len(c.Floats)-1))
}

// value collects what value i of an array has at the end of a path.
func (c *collector) value(a arrow.Array, i int, path []int) {
	switch a := a.(type) {
	case array.ExtensionArray:
		c.value(a.Storage(), i, path)
		return
	case *array.RunEndEncoded:
		c.value(a.Values(), a.GetPhysicalIndex(i), path)
		return
	}
	if a.IsNull(i) {
		if !hasList(a.DataType(), path) { // where no list is, there is no value of it
			c.Index = append(c.Index, -1)
		}
		return
	}
	switch a := a.(type) {
	case *array.Dictionary:
		c.value(a.Dictionary(), a.GetValueIndex(i), path)
	case *array.Struct:
		c.value(a.Field(path[0]), i, path[1:])
	case array.ListLike:
		start, end := a.ValueOffsets(i)
		for ; start < end; start++ {
			c.value(a.ListValues(), int(start), path[1:])
		}
	default:
		c.leaf(a, i)
		c.place()
	}
}

// hasList reports whether a type is a list, or has one on the way to the end of a path.
func hasList(t arrow.DataType, path []int) bool {
	switch t := t.(type) {
	case arrow.ExtensionType:
		return hasList(t.StorageType(), path)
	case *arrow.DictionaryType:
		return hasList(t.ValueType, path)
	case *arrow.RunEndEncodedType:
		return hasList(t.Encoded(), path)
	case *arrow.StructType:
		return hasList(t.Field(path[0]).Type, path[1:])
	case arrow.ListLikeType:
		return true
	}
	return false
}

// leaf collects a value that is not null.
func (c *collector) leaf(a arrow.Array, i int) {
	text := func(t string) { c.Text = append(c.Text, []byte(t)) }
	whole := func(n int64) { c.Ints = append(c.Ints, n) }
	switch a := a.(type) {
	case *array.Int32:
		whole(int64(a.Value(i)))
	case *array.Uint32:
		whole(int64(a.Value(i)))
	case *array.Int64:
		whole(a.Value(i))
	case *array.Uint64:
		text(strconv.FormatUint(a.Value(i), 10))
	case *array.Float64:
		c.Floats = append(c.Floats, a.Value(i))
	case *array.FixedSizeBinary:
		c.Text = append(c.Text, wide(a.Value(i)))
	case interface{ Value(int) string }:
		text(a.Value(i))
	case interface{ Value(int) []byte }:
		c.Text = append(c.Text, append([]byte{}, a.Value(i)...))
	case *array.Decimal32:
		c.decimal(a.Value(i), int64(a.Value(i)), a.DataType())
	case *array.Decimal64:
		c.decimal(a.Value(i), int64(a.Value(i)), a.DataType())
	case *array.Decimal128:
		c.decimal(a.Value(i), 0, a.DataType())
	case *array.Decimal256:
		c.decimal(a.Value(i), 0, a.DataType())
	default:
		panic("a column that identifies nobody")
	}
}

// decimal collects a decimal, a short one without digits behind its point as an integer.
func (c *collector) decimal(
	value interface{ ToString(int32) string },
	whole int64,
	t arrow.DataType,
) {
	decimal := t.(arrow.DecimalType)
	if decimal.BitWidth() <= 64 && decimal.GetScale() == 0 {
		c.Ints = append(c.Ints, whole)
		return
	}
	c.Text = append(c.Text, []byte(value.ToString(decimal.GetScale())))
}

// wide returns an integer of 128 bits as text: one that leaves ten bytes at either end to its sign.
// It returns everything else as it is.
func wide(value []byte) []byte {
	if len(value) != 16 {
		return slices.Clone(value)
	}
	for _, sign := range []byte{0, 0xFF} {
		unused := bytes.Repeat([]byte{sign}, 10)
		turned := slices.Clone(value)
		slices.Reverse(turned)
		for _, bigEndian := range [][]byte{value, turned} {
			if !bytes.HasPrefix(bigEndian, unused) {
				continue
			}
			n := new(big.Int).SetBytes(bigEndian)
			if sign != 0 {
				n.Sub(n, new(big.Int).Lsh(big.NewInt(1), 128))
			}
			return []byte(n.String())
		}
	}
	return slices.Clone(value)
}
