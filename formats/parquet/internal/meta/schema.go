package meta

// The schema, as far as filtering needs it: which leaf columns there are, how deep their values
// nest, how values are ordered, and whether a column can hold NHS numbers. Everything else in a
// schema passes through as the bytes it is (see footer.go), so that an annotation that this program
// has never heard of survives.

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"noo/formats/parquet/internal/spec"
	"noo/formats/parquet/internal/stats"
	"noo/formats/parquet/internal/thrift"
)

// Bounds on a schema. Levels are held in a byte each, and no schema in use nests a tenth as deep.
const (
	maxNesting = 255
	maxLeaves  = 1 << 20
	maxWidth   = 1 << 24 // of a FIXED_LEN_BYTE_ARRAY, in bytes
	// Bytes that the paths of all leaves take in memory, each of which names the groups above it
	// again.
	maxNames = 64 << 20
)

// Leaf is a column that holds values.
type Leaf struct {
	Path           []string
	Name           string // the path, dotted
	Kind           spec.Physical
	Width          int // bytes of a value in PLAIN encoding; 0 for BYTE_ARRAY and BOOLEAN
	Note           spec.Annotation
	Scale          int32 // of a decimal
	Precision      int32 // of a decimal
	MaxDef, MaxRep uint8
	// ListDef is the definition level from which the innermost repeated group around the value has
	// an element. Below it there is no occurrence of a value at all, not even a null.
	ListDef uint8
	Order   stats.Ordering
	// Disputed tells that annotations say different things about the values, of which readers go by
	// the one or the other.
	Disputed bool
}

// TypeText names the type in the words of the Parquet specification.
func (l *Leaf) TypeText() string {
	text := spec.PhysicalNames[l.Kind]
	if l.Kind == spec.FixedLenByteArray {
		text += fmt.Sprintf("(%d)", l.Width)
	}
	switch l.Note {
	case spec.Unannotated:
	case spec.Decimal:
		text += fmt.Sprintf(" DECIMAL(%d,%d)", l.Precision, l.Scale)
	case spec.Strange:
		text += " with " + spec.AnnotationNames[l.Note]
	default:
		text += " " + spec.AnnotationNames[l.Note]
	}
	return text
}

const stringBytes = 16 // of a string, without its text

// element is one SchemaElement.
type element struct {
	hasType                       bool
	kind, width, repetition       int32
	name                          []byte
	children                      int32
	converted                     int32
	hasConverted                  bool
	scale, precision              int32
	logical                       spec.Annotation
	hasLogical                    bool
	logicalScale, logicalPrecison int32
	hasScale                      bool
	members                       int // of the union that the logical type is
}

// ErrSchema is a schema that is no tree of columns.
var ErrSchema = errors.New("its schema is malformed")

// readSchema reads the list of schema elements, a tree in depth-first order, and returns its
// leaves.
func readSchema(r *thrift.Reader, t thrift.Type) ([]Leaf, error) {
	kind, n := r.List(t)
	if r.Err() == nil && (kind != thrift.Struct || n == 0) {
		return nil, ErrSchema
	}
	w := schemaWalk{r: r, left: n}
	root := w.next()
	if w.err != nil {
		return nil, w.err
	}
	if root.hasType {
		return nil, fmt.Errorf("%w: its root is not a group", ErrSchema)
	}
	for i := int32(0); i < root.children && w.err == nil; i++ {
		w.node(nil, Leaf{})
	}
	if w.err == nil && w.left != 0 {
		w.err = fmt.Errorf("%w: it has elements outside its tree", ErrSchema)
	}
	return w.leaves, w.err
}

// schemaWalk walks the tree of schema elements.
type schemaWalk struct {
	r      *thrift.Reader
	left   int // elements not yet read
	names  int // bytes of paths so far
	leaves []Leaf
	err    error
}

func (w *schemaWalk) fail(reason string) {
	if w.err == nil {
		w.err = fmt.Errorf("%w: %s", ErrSchema, reason)
	}
}

func (w *schemaWalk) next() (e element) {
	if w.err != nil {
		return e
	}
	if w.left == 0 {
		w.fail("a group has fewer children than it says")
		return e
	}
	w.left--
	e = readElement(w.r)
	if err := w.r.Err(); err != nil {
		w.err = err
	}
	if e.children < 0 {
		w.fail("a group has a negative number of children")
	}
	return e
}

// node reads the element that comes next, below a group with the given path and levels, and
// everything under it.
func (w *schemaWalk) node(path []string, levels Leaf) {
	e := w.next()
	if w.err != nil {
		return
	}
	if len(path) >= maxNesting {
		w.fail("it nests too deep")
		return
	}
	path = append(path, string(e.name))
	switch e.repetition {
	case 0:
	case 1:
		levels.MaxDef++
	case 2:
		levels.MaxDef++
		levels.MaxRep++
		levels.ListDef = levels.MaxDef
	default:
		w.fail("a column is neither required, optional nor repeated")
		return
	}
	if e.hasType {
		w.leaf(e, path, levels)
		return
	}
	for i := int32(0); i < e.children && w.err == nil; i++ {
		w.node(path, levels)
	}
}

func (w *schemaWalk) leaf(e element, path []string, l Leaf) {
	if e.children != 0 || e.kind < 0 || int(e.kind) >= len(spec.PhysicalNames) ||
		len(w.leaves) >= maxLeaves {
		w.fail("a column has a type that does not exist, or children")
		return
	}
	w.names += len(path) * (stringBytes + 1)
	for _, name := range path {
		w.names += len(name)
	}
	if w.names > maxNames {
		w.fail("the names of its columns are too long to be those of a table")
		return
	}
	l.Path, l.Name, l.Kind = slices.Clone(path), strings.Join(path, "."), spec.Physical(e.kind)
	switch l.Kind {
	case spec.Int32Type, spec.Float:
		l.Width = 4
	case spec.Int64Type, spec.Double:
		l.Width = 8
	case spec.Int96:
		l.Width = 12
	case spec.FixedLenByteArray:
		if e.width < 0 || e.width > maxWidth {
			w.fail("a column of fixed length has a length out of range")
			return
		}
		l.Width = int(e.width)
	}
	switch {
	case e.hasLogical:
		l.Note, l.Scale, l.Precision = e.logical, e.logicalScale, e.logicalPrecison
	case e.hasConverted:
		var known bool
		if l.Note, known = spec.ConvertedAnnotations[e.converted]; !known {
			l.Note = spec.Strange
		}
		l.Scale, l.Precision = e.scale, e.precision
	}
	l.Disputed = e.disputed()
	l.Order = stats.OrderingOf(l.Kind, l.Note)
	w.leaves = append(w.leaves, l)
}

// Disputed reports whether the annotations of an element contradict one another.
func (e *element) disputed() bool {
	if !e.hasLogical {
		return false
	}
	converted, known := spec.ConvertedAnnotations[e.converted]
	return e.members > 1 ||
		e.hasConverted && known && e.logical != spec.Strange && converted != e.logical ||
		e.logical == spec.Decimal && e.hasScale && e.scale != e.logicalScale
}

// readElement reads a SchemaElement (parquet.thrift).
func readElement(r *thrift.Reader) (e element) {
	for f := (thrift.Field{}); r.Next(&f); {
		switch f.ID {
		case 1:
			e.hasType, e.kind = true, r.I32(f.Type)
		case 2:
			e.width = r.I32(f.Type)
		case 3:
			e.repetition = r.I32(f.Type)
		case 4:
			e.name = r.Bytes(f.Type)
		case 5:
			e.children = r.I32(f.Type)
		case 6:
			e.hasConverted, e.converted = true, r.I32(f.Type)
		case 7:
			e.hasScale, e.scale = true, r.I32(f.Type)
		case 8:
			e.precision = r.I32(f.Type)
		case 10:
			e.hasLogical = true
			readLogical(r, f.Type, &e)
		default:
			r.Skip(f.Type)
		}
	}
	return e
}

// readLogical reads a LogicalType (parquet.thrift), a union of structs.
func readLogical(r *thrift.Reader, t thrift.Type, e *element) {
	e.logical = spec.Strange
	for f := r.Enter(t); r.Next(&f); {
		e.members++
		if known, ok := spec.LogicalAnnotations[f.ID]; ok {
			e.logical = known
		}
		switch f.ID {
		case 5:
			for d := r.Enter(f.Type); r.Next(&d); {
				switch d.ID {
				case 1:
					e.logicalScale = r.I32(d.Type)
				case 2:
					e.logicalPrecison = r.I32(d.Type)
				default:
					r.Skip(d.Type)
				}
			}
		case 10:
			for d := r.Enter(f.Type); r.Next(&d); {
				if d.ID == 2 && !r.Bool(d) {
					e.logical = spec.UnsignedInt
				} else if d.ID != 2 {
					r.Skip(d.Type)
				}
			}
		default:
			r.Skip(f.Type)
		}
	}
}
