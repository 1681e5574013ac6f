package parquet

// A second opinion on files that this package wrote: an implementation that shares no code with the writer reads them back. A bug
// that the reader and the writer here have in common would not show in a reading by the former.

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/xitongsys/parquet-go/common"
	thrift "github.com/xitongsys/parquet-go/parquet"
	"github.com/xitongsys/parquet-go/reader"
	"github.com/xitongsys/parquet-go/source"

	"noo/formats"
)

// Independent reads Parquet through github.com/xitongsys/parquet-go. It is for reading back what Format has written: it
// only reads identifying columns, so a Scan with a sink fails, and it trusts a file that it is given.
type Independent struct{}

// Name returns "parquet".
func (Independent) Name() string { return formatName }

// Matches reports whether head is that of a Parquet file.
func (Independent) Matches(head []byte, name string) bool { return isParquet(head, name) }

// RandomAccess returns true.
func (Independent) RandomAccess() bool { return true }

// independentBatch is the number of records in a batch.
const independentBatch = 1 << 16

// pathSeparator is what parquet-go puts between the names of a path.
const pathSeparator = "\x01"

// errReadOnly is a Scan that was to write.
var errReadOnly = errors.New("the independent reader does not write")

// Open reads the footer. What cannot be read gives an *formats.InputError.
func (Independent) Open(_ context.Context, in formats.Input) (_ formats.Dataset, err error) {
	defer independentRecover(&err, in.Name)
	r, err := reader.NewParquetColumnReader(&sectionFile{io.NewSectionReader(in.ReaderAt, 0, in.Size), in}, 1)
	if err != nil {
		return nil, &formats.InputError{Name: in.Name, Err: fmt.Errorf("the independent reader cannot open it: %w", err)}
	}
	d := &independentDataset{name: in.Name, in: in, rows: r.GetNumRows()}
	for _, path := range r.SchemaHandler.ValueColumns {
		element := r.SchemaHandler.SchemaElements[r.SchemaHandler.MapIndex[path]]
		maxRep, err := r.SchemaHandler.MaxRepetitionLevel(strings.Split(path, pathSeparator))
		if err != nil {
			return nil, &formats.InputError{Name: in.Name, Err: err}
		}
		names := strings.Split(r.SchemaHandler.InPathToExPath[path], pathSeparator)
		d.leaves = append(d.leaves, independentLeaf(element, strings.Join(names[1:], "."), maxRep))
	}
	return d, nil
}

// independentLeaf describes a column as Format does, from what parquet-go read of the schema.
func independentLeaf(e *thrift.SchemaElement, name string, maxRep int32) leaf {
	l := leaf{name: name, kind: physical(e.GetType()), width: int(e.GetTypeLength()), scale: e.GetScale(), precision: e.GetPrecision(), maxRep: uint8(maxRep)}
	if logical := e.LogicalType; logical != nil {
		l.note = strange
		switch {
		case logical.IsSetSTRING() || logical.IsSetENUM():
			l.note = textual
		case logical.IsSetDECIMAL():
			l.note, l.scale, l.precision = decimal, logical.DECIMAL.Scale, logical.DECIMAL.Precision
		case logical.IsSetINTEGER() && logical.INTEGER.IsSigned:
			l.note = signedInt
		case logical.IsSetINTEGER():
			l.note = unsignedInt
		case logical.IsSetDATE() || logical.IsSetTIME() || logical.IsSetTIMESTAMP():
			l.note = temporal
		case logical.IsSetUUID():
			l.note = uuid
		}
	} else if e.IsSetConvertedType() {
		note, known := convertedAnnotations[int32(e.GetConvertedType())]
		if !known {
			note = strange
		}
		l.note = note
	}
	return l
}

// independentDataset is a file opened by Independent.
type independentDataset struct {
	name   string
	in     formats.Input
	rows   int64
	leaves []leaf
}

// Columns lists the leaf columns, in the order and by the names of Format.
func (d *independentDataset) Columns() []formats.Column {
	columns := make([]formats.Column, len(d.leaves))
	for i := range d.leaves {
		leaf := &d.leaves[i]
		columns[i] = formats.Column{
			Name: leaf.name, Type: leaf.typeText(), Refused: refusal(leaf),
		}
	}
	return columns
}

// Close has nothing to release.
func (d *independentDataset) Close() error { return nil }

// Sample implements formats.Dataset, for the columns that Scan can read.
func (d *independentDataset) Sample(ctx context.Context, records int, show func(column int, values *formats.Values)) error {
	r, err := d.open()
	if err != nil {
		return err
	}
	n := int(min(int64(records), d.rows))
	for c := range d.leaves {
		mean, err := meaningOf(&d.leaves[c])
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

// Scan implements formats.Dataset for reading alone. parquet-go passes over errors within a column, so the number of records is
// checked against the footer.
func (d *independentDataset) Scan(ctx context.Context, columns []int, decide formats.Decider, to formats.Sinks) (err error) {
	if to.Kept != nil || to.Withheld != nil {
		return errReadOnly
	}
	means, err := valueTypes(d.leaves, columns)
	if err != nil {
		return inputError(d.name, err)
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
		batch.Records = int(min(independentBatch, d.rows-done))
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
var errNotIndependent = unsupported("LZ4 and Brotli in the independent reader (read back without it)")

// independentCodec tells whether parquet-go has a codec.
func independentCodec(id codec) bool {
	switch id {
	case uncompressed, snappyCodec, gzipCodec, zstdCodec:
		return true
	}
	return false
}

// errSharedName is a column that parquet-go mistakes for another.
var errSharedName = unsupported("names that are one name to the independent reader (read back without it)")

// CheckReadable returns an error, before anything is written, where outputs of a file could not be read back by the given columns: they have the names and
// codecs of the input.
func (Independent) CheckReadable(f *footer, columns []int) error {
	if err := independentNames(f.leaves); err != nil {
		return err
	}
	for g := range f.rowGroups {
		for _, c := range columns {
			if id := f.rowGroups[g].chunks[c].codec; !independentCodec(id) {
				return &placedError{part(g, f.leaves[c].name), errNotIndependent}
			}
		}
	}
	return nil
}

// independentNames refuses columns that parquet-go does not tell apart. It makes an identifier of every name, so that "nhs" and "Nhs"
// are the same to it, and so are "a b" and "a32b".
func independentNames(leaves []leaf) error {
	paths := map[string]string{} // by what parquet-go makes of them
	for i := range leaves {
		var path, identifiers string
		for depth, name := range leaves[i].path {
			path += pathSeparator + name
			identifiers += pathSeparator + common.StringToVariableName(name)
			column := depth == len(leaves[i].path)-1
			if other, ok := paths[identifiers]; ok && (column || other != path) {
				return &placedError{columnPart(leaves[i].name), errSharedName}
			}
			paths[identifiers] = path
		}
	}
	return nil
}

// checkCodecs refuses columns in a codec that parquet-go does not have, which it would take for columns without values.
func (d *independentDataset) checkCodecs(f *thrift.FileMetaData, columns []int) error {
	for g, group := range f.RowGroups {
		for _, c := range columns {
			if !independentCodec(codec(group.Columns[c].MetaData.Codec)) {
				return inputError(d.name, &placedError{part(g, d.leaves[c].name), errNotIndependent})
			}
		}
	}
	return nil
}

// open starts to read the file's columns.
func (d *independentDataset) open() (r *reader.ParquetReader, err error) {
	defer independentRecover(&err, d.name)
	return reader.NewParquetColumnReader(&sectionFile{io.NewSectionReader(d.in.ReaderAt, 0, d.in.Size), d.in}, 1)
}

// read reads the next n records of a column.
func (d *independentDataset) read(r *reader.ParquetReader, column int, mean meaning, n int) (v formats.Values, err error) {
	defer independentRecover(&err, d.name)
	values, reps, _, err := r.ReadColumnByIndex(int64(column), int64(n))
	if err != nil {
		return v, &formats.InputError{Name: d.name, Part: columnPart(d.leaves[column].name), Err: err}
	}
	records := 0
	repeats := d.leaves[column].maxRep > 0
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
		if err := appendIndependent(&v, value, &d.leaves[column], mean); err != nil {
			return v, &formats.InputError{Name: d.name, Part: columnPart(d.leaves[column].name), Err: err}
		}
	}
	if repeats && records > 0 {
		v.Ends = append(v.Ends, int32(len(values)))
	}
	if records != n {
		return v, &formats.InputError{Name: d.name, Part: columnPart(d.leaves[column].name), Err: errRows}
	}
	return v, nil
}

// appendIndependent appends a value of a column as parquet-go gives it.
func appendIndependent(v *formats.Values, value any, l *leaf, mean meaning) error {
	switch value := value.(type) {
	case string:
		switch mean {
		case asBytes:
			v.Ints = append(v.Ints, bigEndianInt([]byte(value)))
		case asDecimal:
			v.Text = append(v.Text, independentDecimal([]byte(value), int(l.scale)))
		case asWide:
			v.Text = append(v.Text, independentWide([]byte(value)))
		default:
			v.Text = append(v.Text, []byte(value))
		}
	case int32:
		switch mean {
		case asDecimal:
			bytes := binary.BigEndian.AppendUint32(nil, uint32(value))
			v.Text = append(v.Text, independentDecimal(bytes, int(l.scale)))
		case asUint:
			v.Ints = append(v.Ints, int64(uint32(value)))
		default:
			v.Ints = append(v.Ints, int64(value))
		}
	case int64:
		switch {
		case mean == asDecimal && l.note == unsignedInt:
			v.Text = append(v.Text, strconv.AppendUint(nil, uint64(value), 10))
		case mean == asDecimal:
			bytes := binary.BigEndian.AppendUint64(nil, uint64(value))
			v.Text = append(v.Text, independentDecimal(bytes, int(l.scale)))
		default:
			v.Ints = append(v.Ints, value)
		}
	case float64:
		v.Floats = append(v.Floats, value)
	default:
		return fmt.Errorf("the independent reader gives a %T: %w", value, ErrUnsupported)
	}
	return nil
}

// independentMost is how many bytes a decimal of 97 digits takes; those of more are none.
const independentMost = 40

// independentDecimal writes a big-endian two's complement integer with a point before the last
// digits, as people do it on paper.
func independentDecimal(value []byte, scale int) []byte {
	negative := len(value) > 0 && value[0]&0x80 != 0
	value = slices.Clone(value)
	if negative { // its size is that of its bits inverted, and one
		for i := range value {
			value[i] = ^value[i]
		}
	}
	value = bytes.TrimLeft(value, "\x00")
	if len(value) > independentMost || len(value) == independentMost && value[0]&0x80 != 0 {
		return []byte(tooLarge)
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

// independentWide writes an integer of 128 bits as a number: one that leaves ten bytes at either
// end to its sign. It returns everything else as it is.
func independentWide(value []byte) []byte {
	for _, sign := range []string{"\x00", "\xff"} {
		unused := strings.Repeat(sign, 10)
		if strings.HasPrefix(string(value), unused) {
			return independentDecimal(value, 0)
		}
		if strings.HasSuffix(string(value), unused) {
			turned := slices.Clone(value)
			slices.Reverse(turned)
			return independentDecimal(turned, 0)
		}
	}
	return value
}

// independentRecover turns a panic of parquet-go, which is how it reports some errors, into an *formats.InputError. What it panicked
// with is not shown: it might hold a value.
func independentRecover(err *error, name string) {
	p := recover()
	if p == nil {
		return
	}
	reason := "the independent reader failed"
	if cause, ok := p.(runtime.Error); ok {
		reason += ": " + cause.Error()
	}
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
func (f *sectionFile) Create(string) (source.ParquetFile, error) { return nil, errReadOnly }

// Write fails: the file is only read.
func (f *sectionFile) Write([]byte) (int, error) { return 0, errReadOnly }

// Close has nothing to close: whoever opened the file closes it.
func (f *sectionFile) Close() error { return nil }
