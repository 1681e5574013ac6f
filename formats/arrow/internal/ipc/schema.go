package ipc

// The schema, as far as filtering needs it: which fields there are, and in which buffers their
// values are. It goes to the output as the bytes it is, so that what this program has never heard
// of survives.

import (
	"fmt"
	"strings"

	"noo/formats/arrow/internal/flat"
)

// Layout says in which buffers an array has its values.
type Layout uint8

// The layouts of the Arrow Columnar Format.
const (
	Null        Layout = iota // no buffers
	Fixed                     // validity, values of Width bytes
	Bits                      // validity, a bit for each value
	Binary                    // validity, offsets of Width bytes, data
	View                      // validity, views, any number of data buffers
	List                      // validity, offsets of Width bytes; one child
	ListView                  // validity, offsets and sizes of Width bytes; one child
	FixedList                 // validity; one child with Size values for each
	Struct                    // validity; children
	SparseUnion               // types; children
	DenseUnion                // types, offsets; children
	RunEnds                   // two children: ends of runs, and their values
)

// Type is a number of the union Type (Schema.fbs).
type Type uint8

// The types, as Schema.fbs numbers them.
const (
	TypeNull Type = iota + 1
	TypeInt
	TypeFloat
	TypeBinary
	TypeUtf8
	TypeBool
	TypeDecimal
	TypeDate
	TypeTime
	TypeTimestamp
	TypeInterval
	TypeList
	TypeStruct
	TypeUnion
	TypeFixedSizeBinary
	TypeFixedSizeList
	TypeMap
	TypeDuration
	TypeLargeBinary
	TypeLargeUtf8
	TypeLargeList
	TypeRunEndEncoded
	TypeBinaryView
	TypeUtf8View
	TypeListView
	TypeLargeListView
)

// Field is a field of a schema, and describes the arrays that hold its values.
type Field struct {
	Name     string
	Nullable bool
	Type     Type
	// Layout is how an array of the field looks: of a dictionary-encoded one, that of its indices.
	Layout Layout
	// Width is the bytes of a value, an offset or an index; Size the values in a list of fixed
	// size.
	Width, Size int
	// Signed is of integers, and of indices.
	Signed           bool
	Precision, Scale int32
	// Unit is the unit or the precision of a type that has one; Zone a time zone.
	Unit int16
	Zone string
	// Types are the type ids of the children of a union.
	Types    []int8
	Children []*Field
	// Dictionary is set where the field is dictionary-encoded.
	Dictionary *Encoding
	Metadata   []KeyValue
}

// Encoding is the dictionary of a field.
type Encoding struct {
	ID      int64
	Ordered bool
	// Values is the field of the values.
	Values *Field
}

// KeyValue is an entry of custom metadata.
type KeyValue struct{ Key, Value string }

// Schema is a schema.
type Schema struct {
	Fields   []*Field
	Metadata []KeyValue
}

const (
	// maxNesting is how deep fields may nest: as deep as other implementations allow.
	maxNesting = 64
	// maxFields is how many fields a schema may have.
	maxFields = 1 << 20
	// maxWidth is how many bytes a value of fixed width may have.
	maxWidth = 1 << 24
)

// The versions of the metadata (Schema.fbs).
const (
	version4 = 3
	version5 = 4
)

type schemaReader struct {
	version int16
	fields  int
	err     error
}

// readSchema reads a table Schema.
func readSchema(t flat.Table, version int16) (*Schema, error) {
	if t.Int16(0, 0) != 0 {
		return nil, Unsupported("big-endian values (write the file on a little-endian machine)")
	}
	r := &schemaReader{version: version}
	s := &Schema{Metadata: readMetadata(t, 2)}
	fields := t.Vector(1, 4)
	for i := 0; i < fields.Len && r.err == nil; i++ {
		s.Fields = append(s.Fields, r.field(fields.Table(i), 0))
	}
	return s, r.err
}

// readMetadata reads a field of type [KeyValue].
func readMetadata(t flat.Table, field int) (pairs []KeyValue) {
	list := t.Vector(field, 4)
	for i := range list.Len {
		pair := list.Table(i)
		pairs = append(pairs, KeyValue{string(pair.Text(0)), string(pair.Text(1))})
	}
	return pairs
}

func (r *schemaReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// field reads a table Field.
func (r *schemaReader) field(t flat.Table, depth int) *Field {
	r.fields++
	if depth > maxNesting || r.fields > maxFields {
		r.fail(Corrupt("its schema nests too deep or has too many fields"))
	}
	f := &Field{
		Name: string(
			t.Text(0),
		), Nullable: t.Bool(1), Type: Type(t.Uint8(2)), Metadata: readMetadata(t, 6),
	}
	children := t.Vector(5, 4)
	for i := 0; i < children.Len && r.err == nil; i++ {
		f.Children = append(f.Children, r.field(children.Table(i), depth+1))
	}
	r.typed(f, t.Table(3))
	if t.Has(4) && r.err == nil {
		return r.encoded(f, t.Table(4))
	}
	return f
}

// encoded returns the field of the indices of a dictionary whose values are those of f.
func (r *schemaReader) encoded(f *Field, t flat.Table) *Field {
	indices := &Field{
		Name: f.Name, Nullable: f.Nullable, Type: TypeInt, Layout: Fixed, Width: 4, Signed: true,
		Dictionary: &Encoding{ID: t.Int64(0), Ordered: t.Bool(2), Values: f}, Metadata: f.Metadata,
	}
	if t.Has(1) {
		r.integer(indices, t.Table(1))
	}
	if t.Int16(3, 0) != 0 {
		r.fail(Unsupported("a dictionary that is no dense array"))
	}
	return indices
}

// typed reads the type of a field, a table of the union Type.
func (r *schemaReader) typed(f *Field, t flat.Table) {
	children := 0
	switch f.Type {
	case TypeNull:
		f.Layout = Null
	case TypeInt:
		r.integer(f, t)
	case TypeFloat:
		f.Unit = t.Int16(0, 0)
		r.fixed(f, f.Unit, 2, 4, 8)
	case TypeBinary, TypeUtf8:
		f.Layout, f.Width = Binary, 4
	case TypeLargeBinary, TypeLargeUtf8:
		f.Layout, f.Width = Binary, 8
	case TypeBinaryView, TypeUtf8View:
		f.Layout, f.Width = View, 16
	case TypeBool:
		f.Layout = Bits
	case TypeDecimal:
		f.Precision, f.Scale = t.Int32(0, 0), t.Int32(1, 0)
		r.bits(f, t.Int32(2, 128), 32, 64, 128, 256)
	case TypeDate:
		f.Unit = t.Int16(0, 1)
		r.fixed(f, f.Unit, 4, 8)
	case TypeTime:
		f.Unit = t.Int16(0, 1)
		r.bits(f, t.Int32(1, 32), 32, 64)
	case TypeTimestamp:
		f.Unit, f.Zone = t.Int16(0, 0), string(t.Text(1))
		f.Layout, f.Width = Fixed, 8
	case TypeDuration:
		f.Unit = t.Int16(0, 1)
		f.Layout, f.Width = Fixed, 8
	case TypeInterval:
		f.Unit = t.Int16(0, 0)
		r.fixed(f, f.Unit, 4, 8, 16)
	case TypeFixedSizeBinary:
		f.Layout, f.Width = Fixed, r.size(t.Int32(0, 0))
	case TypeList, TypeMap:
		f.Layout, f.Width, children = List, 4, 1
	case TypeLargeList:
		f.Layout, f.Width, children = List, 8, 1
	case TypeListView:
		f.Layout, f.Width, children = ListView, 4, 1
	case TypeLargeListView:
		f.Layout, f.Width, children = ListView, 8, 1
	case TypeFixedSizeList:
		f.Layout, f.Size, children = FixedList, r.size(t.Int32(0, 0)), 1
	case TypeStruct:
		f.Layout, children = Struct, len(f.Children)
	case TypeUnion:
		children = len(f.Children)
		r.union(f, t)
	case TypeRunEndEncoded:
		f.Layout, children = RunEnds, 2
		r.runEnds(f)
	default:
		r.fail(Unsupported("a type of Arrow that noo does not know (number %d)", f.Type))
	}
	if f.Type == TypeMap &&
		(len(f.Children) != 1 || f.Children[0].Layout != Struct || len(f.Children[0].Children) != 2) {
		r.fail(Corrupt("a map of its schema has no keys and values"))
	}
	if f.Type == TypeMap {
		f.Signed = t.Bool(0) // whether the keys are sorted
	}
	if len(f.Children) != children {
		r.fail(Corrupt("a field of its schema has the wrong number of children"))
	}
}

// integer reads a table Int.
func (r *schemaReader) integer(f *Field, t flat.Table) {
	f.Signed = t.Bool(1)
	r.bits(f, t.Int32(0, 0), 8, 16, 32, 64)
}

// bits sets the width of a field to a number of bits, which must be one of some.
func (r *schemaReader) bits(f *Field, n int32, some ...int32) {
	f.Layout, f.Width = Fixed, 0
	for _, bits := range some {
		if n == bits {
			f.Width = int(n / 8)
		}
	}
	if f.Width == 0 {
		r.fail(Corrupt("a field of its schema has %d bits", n))
	}
}

// fixed sets the width of a field to one of some.
func (r *schemaReader) fixed(f *Field, choice int16, widths ...int) {
	if choice < 0 || int(choice) >= len(widths) {
		r.fail(Corrupt("a field of its schema has a unit that does not exist"))
		return
	}
	f.Layout, f.Width = Fixed, widths[choice]
}

func (r *schemaReader) size(n int32) int {
	if n < 0 || n > maxWidth {
		r.fail(Corrupt("a field of its schema has a size out of range"))
		return 0
	}
	return int(n)
}

func (r *schemaReader) union(f *Field, t flat.Table) {
	if r.version < version5 {
		r.fail(Unsupported("a union as Arrow had it before 1.0 (write the file anew)"))
	}
	f.Layout = SparseUnion
	if t.Int16(0, 0) != 0 {
		f.Layout = DenseUnion
	}
	seen := map[int32]bool{}
	ids := t.Vector(1, 4)
	for i := range len(f.Children) {
		id := int32(i)
		if t.Has(1) && i < ids.Len {
			id = ids.Int32(i, 4, 0)
		}
		if id < 0 || id > 127 || seen[id] {
			r.fail(Corrupt("a union of its schema has type ids out of range, or twice"))
			return
		}
		seen[id] = true
		f.Types = append(f.Types, int8(id))
	}
	if t.Has(1) && ids.Len != len(f.Children) {
		r.fail(Corrupt("a union of its schema has more or fewer type ids than children"))
	}
}

// runEnds checks the first child of a run-end encoded field.
func (r *schemaReader) runEnds(f *Field) {
	if len(f.Children) != 2 {
		return // the number of children is checked for all
	}
	ends := f.Children[0]
	if ends.Type != TypeInt || !ends.Signed || ends.Width < 2 || ends.Dictionary != nil {
		r.fail(Corrupt("a run-end encoded field of its schema has run ends of another type"))
	}
}

var typeNames = map[Type]string{
	TypeNull:          "null",
	TypeBinary:        "binary",
	TypeUtf8:          "utf8",
	TypeBool:          "bool",
	TypeList:          "list",
	TypeStruct:        "struct",
	TypeMap:           "map",
	TypeLargeBinary:   "large_binary",
	TypeLargeUtf8:     "large_utf8",
	TypeLargeList:     "large_list",
	TypeRunEndEncoded: "run_end_encoded",
	TypeBinaryView:    "binary_view",
	TypeUtf8View:      "utf8_view",
	TypeListView:      "list_view",
	TypeLargeListView: "large_list_view",
	TypeTimestamp:     "timestamp",
	TypeDuration:      "duration",
	TypeInterval:      "interval",
	TypeUnion:         "union",
	TypeFixedSizeList: "fixed_size_list",
}

// TypeText names the type of a field in the words of Arrow.
func (f *Field) TypeText() string {
	if f.Dictionary != nil {
		indices := Field{Type: TypeInt, Width: f.Width, Signed: f.Signed}
		return fmt.Sprintf("dictionary<%s, %s>", indices.TypeText(), f.Dictionary.Values.TypeText())
	}
	switch f.Type {
	case TypeInt:
		return fmt.Sprintf("%sint%d", strings.Repeat("u", 1-btoi(f.Signed)), 8*f.Width)
	case TypeFloat:
		return fmt.Sprintf("float%d", 8*f.Width)
	case TypeDecimal:
		return fmt.Sprintf("decimal%d(%d, %d)", 8*f.Width, f.Precision, f.Scale)
	case TypeDate:
		return fmt.Sprintf("date%d", 8*f.Width)
	case TypeTime:
		return fmt.Sprintf("time%d", 8*f.Width)
	case TypeFixedSizeBinary:
		return fmt.Sprintf("fixed_size_binary(%d)", f.Width)
	case TypeRunEndEncoded:
		return fmt.Sprintf(
			"run_end_encoded<%s, %s>",
			f.Children[0].TypeText(),
			f.Children[1].TypeText(),
		)
	}
	return typeNames[f.Type]
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
