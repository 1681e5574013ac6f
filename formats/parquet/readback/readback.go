// Package readback is a second opinion on Parquet files that noo wrote: an implementation that
// shares no code with the writer reads them back. A bug that the reader and the writer of noo have
// in common would not show in a reading by the former.
package readback

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/xitongsys/parquet-go/common"
	thrift "github.com/xitongsys/parquet-go/parquet"
	"github.com/xitongsys/parquet-go/reader"
	"github.com/xitongsys/parquet-go/source"

	"noo/formats"
	"noo/formats/internal/decimal"
	"noo/formats/parquet/internal/identify"
	"noo/formats/parquet/internal/meta"
	"noo/formats/parquet/internal/spec"
)

// Format reads Parquet through github.com/xitongsys/parquet-go. It is for reading back what Format
// has written: it only reads identifying columns, so a Scan with a sink fails, and it trusts a file
// that it is given.
type Format struct{}

// Name returns "parquet".
func (Format) Name() string { return spec.FormatName }

// Matches reports whether head is that of a Parquet file.
func (Format) Matches(head []byte, name string) bool { return spec.IsParquet(head, name) }

// RandomAccess returns true.
func (Format) RandomAccess() bool { return true }

// batchRecords is the number of records in a batch.
const batchRecords = 1 << 16

// pathSeparator is what parquet-go puts between the names of a path.
const pathSeparator = "\x01"

// ErrReadOnly is a Scan that was to write.
var ErrReadOnly = errors.New("the independent reader does not write")

// Open reads the footer. What cannot be read gives an *formats.InputError.
func (Format) Open(_ context.Context, in formats.Input) (_ formats.Dataset, err error) {
	defer recoverAs(&err, in.Name)
	r, err := reader.NewParquetColumnReader(
		&sectionFile{io.NewSectionReader(in.ReaderAt, 0, in.Size), in},
		1,
	)
	if err != nil {
		return nil, &formats.InputError{
			Name: in.Name,
			Err:  fmt.Errorf("the independent reader cannot open it: %w", err),
		}
	}
	d := &dataset{name: in.Name, in: in, rows: r.GetNumRows()}
	for _, path := range r.SchemaHandler.ValueColumns {
		element := r.SchemaHandler.SchemaElements[r.SchemaHandler.MapIndex[path]]
		maxRep, err := r.SchemaHandler.MaxRepetitionLevel(strings.Split(path, pathSeparator))
		if err != nil {
			return nil, &formats.InputError{Name: in.Name, Err: err}
		}
		names := strings.Split(r.SchemaHandler.InPathToExPath[path], pathSeparator)
		d.leaves = append(d.leaves, leafOf(element, strings.Join(names[1:], "."), maxRep))
	}
	return d, nil
}

// leafOf describes a column as Format does, from what parquet-go read of the schema.
func leafOf(e *thrift.SchemaElement, name string, maxRep int32) meta.Leaf {
	l := meta.Leaf{
		Name:      name,
		Kind:      spec.Physical(e.GetType()),
		Width:     int(e.GetTypeLength()),
		Scale:     e.GetScale(),
		Precision: e.GetPrecision(),
		MaxRep:    uint8(maxRep),
	}
	if logical := e.LogicalType; logical != nil {
		l.Note = spec.Strange
		switch {
		case logical.IsSetSTRING() || logical.IsSetENUM():
			l.Note = spec.Textual
		case logical.IsSetDECIMAL():
			l.Note, l.Scale, l.Precision = spec.Decimal, logical.DECIMAL.Scale, logical.DECIMAL.Precision
		case logical.IsSetINTEGER() && logical.INTEGER.IsSigned:
			l.Note = spec.SignedInt
		case logical.IsSetINTEGER():
			l.Note = spec.UnsignedInt
		case logical.IsSetDATE() || logical.IsSetTIME() || logical.IsSetTIMESTAMP():
			l.Note = spec.Temporal
		case logical.IsSetUUID():
			l.Note = spec.UUID
		}
	} else if e.IsSetConvertedType() {
		note, known := spec.ConvertedAnnotations[int32(e.GetConvertedType())]
		if !known {
			note = spec.Strange
		}
		l.Note = note
	}
	return l
}

// dataset is a file opened by Format.
type dataset struct {
	name   string
	in     formats.Input
	rows   int64
	leaves []meta.Leaf
}

// Columns lists the leaf columns, in the order and by the names of Format.
func (d *dataset) Columns() []formats.Column {
	columns := make([]formats.Column, len(d.leaves))
	for i := range d.leaves {
		leaf := &d.leaves[i]
		columns[i] = formats.Column{
			Name: leaf.Name, Type: leaf.TypeText(), Declared: true, Refused: identify.Refusal(leaf),
		}
	}
	return columns
}

// Close has nothing to release.
func (d *dataset) Close() error { return nil }

// Sample implements formats.Dataset, for the columns that Scan can read.
func (d *dataset) Sample(
	ctx context.Context,
	records int,
	show func(column int, values *formats.Values),
) error {
	r, err := d.open()
	if err != nil {
		return err
	}
	n := int(min(int64(records), d.rows))
	for c := range d.leaves {
		mean, err := identify.TypeOf(&d.leaves[c])
		if err != nil || n == 0 {
			continue
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if err := d.checkCodecs(r.Footer, []int{c}); err != nil {
			return err
		}
		values, err := d.read(r, c, mean, n)
		if err != nil {
			return err
		}
		show(c, &values)
	}
	return nil
}

// Scan implements formats.Dataset for reading alone. parquet-go passes over errors within a column,
// so the number of records is checked against the footer.
func (d *dataset) Scan(
	ctx context.Context,
	columns []int,
	decide formats.Decider,
	to formats.Sinks,
) (err error) {
	if to.Kept != nil || to.Withheld != nil {
		return ErrReadOnly
	}
	means, err := identify.ValueTypes(d.leaves, columns)
	if err != nil {
		return spec.InputError(d.name, err)
	}
	r, err := d.open()
	if err != nil {
		return err
	}
	if err := d.checkCodecs(r.Footer, columns); err != nil {
		return err
	}
	batch := formats.Batch{Columns: make([]formats.Values, len(columns))}
	for done := int64(0); done < d.rows; batch.Seq++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch.Records = int(min(batchRecords, d.rows-done))
		for i, c := range columns {
			if batch.Columns[i], err = d.read(r, c, means[i], batch.Records); err != nil {
				return err
			}
		}
		if err := decide.Decide(&batch, make([]formats.Fate, batch.Records)); err != nil {
			return err
		}
		done += int64(batch.Records)
	}
	return nil
}

// errNotIndependent is a column in a codec that parquet-go does not have.
var errNotIndependent = spec.Unsupported(
	"LZ4 and Brotli in the independent reader (read back without it)",
)

// hasCodec reports whether parquet-go has a codec.
func hasCodec(id spec.Codec) bool {
	switch id {
	case spec.Uncompressed, spec.SnappyCodec, spec.GzipCodec, spec.ZstdCodec:
		return true
	}
	return false
}

// errSharedName is a column that parquet-go mistakes for another.
var errSharedName = spec.Unsupported(
	"names that are one name to the independent reader (read back without it)",
)

// CheckReadable returns an error, before anything is written, where outputs of a file could not be
// read back by the given columns: they have the names and codecs of the input.
func (Format) CheckReadable(f *meta.Footer, columns []int) error {
	if err := checkNames(f.Leaves); err != nil {
		return err
	}
	for g := range f.RowGroups {
		for _, c := range columns {
			if id := f.RowGroups[g].Chunks[c].Codec; !hasCodec(id) {
				return spec.At(spec.Part(g, f.Leaves[c].Name), errNotIndependent)
			}
		}
	}
	return nil
}

// checkNames refuses columns that parquet-go does not tell apart. It makes an identifier of every
// name, so that "nhs" and "Nhs" are the same to it, and so are "a b" and "a32b".
func checkNames(leaves []meta.Leaf) error {
	paths := map[string]string{} // by what parquet-go makes of them
	for i := range leaves {
		var path, identifiers string
		for depth, name := range leaves[i].Path {
			path += pathSeparator + name
			identifiers += pathSeparator + common.StringToVariableName(name)
			column := depth == len(leaves[i].Path)-1
			if other, ok := paths[identifiers]; ok && (column || other != path) {
				return spec.At(spec.ColumnPart(leaves[i].Name), errSharedName)
			}
			paths[identifiers] = path
		}
	}
	return nil
}

// checkCodecs refuses columns in a codec that parquet-go does not have, which it would take for
// columns without values.
func (d *dataset) checkCodecs(f *thrift.FileMetaData, columns []int) error {
	for g, group := range f.RowGroups {
		for _, c := range columns {
			if !hasCodec(spec.Codec(group.Columns[c].MetaData.Codec)) {
				return spec.InputError(
					d.name,
					spec.At(spec.Part(g, d.leaves[c].Name), errNotIndependent),
				)
			}
		}
	}
	return nil
}

// Open starts to read the file's columns.
func (d *dataset) open() (r *reader.ParquetReader, err error) {
	defer recoverAs(&err, d.name)
	return reader.NewParquetColumnReader(
		&sectionFile{io.NewSectionReader(d.in.ReaderAt, 0, d.in.Size), d.in},
		1,
	)
}

// read reads the next n records of a column.
func (d *dataset) read(
	r *reader.ParquetReader,
	column int,
	mean identify.ValueType,
	n int,
) (v formats.Values, err error) {
	defer recoverAs(&err, d.name)
	values, reps, _, err := r.ReadColumnByIndex(int64(column), int64(n))
	if err != nil {
		return v, &formats.InputError{
			Name: d.name,
			Part: spec.ColumnPart(d.leaves[column].Name),
			Err:  err,
		}
	}
	records := 0
	repeats := d.leaves[column].MaxRep > 0
	v.Index = make([]int32, 0, len(values))
	for i, value := range values {
		if !repeats || reps[i] == 0 {
			if records++; repeats && records > 1 {
				v.Ends = append(v.Ends, int32(i))
			}
		}
		if value == nil {
			v.Index = append(v.Index, -1)
			continue
		}
		v.Index = append(v.Index, int32(len(v.Text)+len(v.Ints)+len(v.Floats)))
		if err := appendValue(&v, value, &d.leaves[column], mean); err != nil {
			return v, &formats.InputError{
				Name: d.name,
				Part: spec.ColumnPart(d.leaves[column].Name),
				Err:  err,
			}
		}
	}
	if repeats && records > 0 {
		v.Ends = append(v.Ends, int32(len(values)))
	}
	if records != n {
		return v, &formats.InputError{
			Name: d.name,
			Part: spec.ColumnPart(d.leaves[column].Name),
			Err:  spec.ErrRows,
		}
	}
	return v, nil
}

// appendValue appends a value of a column as parquet-go gives it.
func appendValue(v *formats.Values, value any, l *meta.Leaf, mean identify.ValueType) error {
	switch value := value.(type) {
	case string:
		switch mean {
		case identify.AsBytes:
			v.Ints = append(v.Ints, identify.BigEndianInt([]byte(value)))
		case identify.AsDecimal:
			v.Text = append(v.Text, decimalText([]byte(value), int(l.Scale)))
		case identify.AsWide:
			v.Text = append(v.Text, wideText([]byte(value)))
		default:
			v.Text = append(v.Text, []byte(value))
		}
	case int32:
		switch mean {
		case identify.AsDecimal:
			bytes := binary.BigEndian.AppendUint32(nil, uint32(value))
			v.Text = append(v.Text, decimalText(bytes, int(l.Scale)))
		case identify.AsUint:
			v.Ints = append(v.Ints, int64(uint32(value)))
		default:
			v.Ints = append(v.Ints, int64(value))
		}
	case int64:
		switch {
		case mean == identify.AsDecimal && l.Note == spec.UnsignedInt:
			v.Text = append(v.Text, strconv.AppendUint(nil, uint64(value), 10))
		case mean == identify.AsDecimal:
			bytes := binary.BigEndian.AppendUint64(nil, uint64(value))
			v.Text = append(v.Text, decimalText(bytes, int(l.Scale)))
		default:
			v.Ints = append(v.Ints, value)
		}
	case float64:
		v.Floats = append(v.Floats, value)
	default:
		return fmt.Errorf("the independent reader gives a %T: %w", value, spec.ErrUnsupported)
	}
	return nil
}

// mostDigits is how many bytes a decimal of 97 digits takes; those of more are none.
const mostDigits = 40

// decimalText writes a big-endian two's complement integer with a point before the last
// digits, as people do it on paper.
func decimalText(value []byte, scale int) []byte {
	negative := len(value) > 0 && value[0]&0x80 != 0
	value = slices.Clone(value)
	if negative { // its size is that of its bits inverted, and one
		for i := range value {
			value[i] = ^value[i]
		}
	}
	value = bytes.TrimLeft(value, "\x00")
	if len(value) > mostDigits || len(value) == mostDigits && value[0]&0x80 != 0 {
		return []byte(decimal.TooLarge)
	}
	digits := make([]byte, scale+1) // the lowest first
	add := func(factor, summand int) {
		for i := range digits {
			sum := int(digits[i])*factor + summand
			digits[i], summand = byte(sum%10), sum/10
		}
		for ; summand > 0; summand /= 10 {
			digits = append(digits, byte(summand%10))
		}
	}
	for _, c := range value {
		add(256, int(c))
	}
	if negative {
		add(1, 1)
	}
	var text []byte
	if negative {
		text = append(text, '-')
	}
	for i := len(digits) - 1; i >= 0; i-- {
		text = append(text, '0'+digits[i])
		if i == scale && i > 0 {
			text = append(text, '.')
		}
	}
	return text
}

// wideText writes an integer of 128 bits as a number: one that leaves ten bytes at either
// end to its sign. It returns everything else as it is.
func wideText(value []byte) []byte {
	for _, sign := range []string{"\x00", "\xff"} {
		unused := strings.Repeat(sign, 10)
		if strings.HasPrefix(string(value), unused) {
			return decimalText(value, 0)
		}
		if strings.HasSuffix(string(value), unused) {
			turned := slices.Clone(value)
			slices.Reverse(turned)
			return decimalText(turned, 0)
		}
	}
	return value
}

// recoverAs turns a panic of parquet-go, which is how it reports some errors, into an
// *formats.InputError. What it panicked with is not shown: it might hold a value.
func recoverAs(err *error, name string) {
	p := recover()
	if p == nil {
		return
	}
	reason := formats.PanicReason("the independent reader failed", p)
	*err = &formats.InputError{Name: name, Err: errors.New(reason)}
}

// sectionFile is a file as parquet-go wants it. It opens the file anew for each column.
type sectionFile struct {
	*io.SectionReader
	in formats.Input
}

// Open gives the same file, from its start.
func (f *sectionFile) Open(string) (source.ParquetFile, error) {
	return &sectionFile{io.NewSectionReader(f.in.ReaderAt, 0, f.in.Size), f.in}, nil
}

// Create fails: the file is only read.
func (f *sectionFile) Create(string) (source.ParquetFile, error) { return nil, ErrReadOnly }

// Write fails: the file is only read.
func (f *sectionFile) Write([]byte) (int, error) { return 0, ErrReadOnly }

// Close has nothing to close: its caller opened the file, and closes it.
func (f *sectionFile) Close() error { return nil }
