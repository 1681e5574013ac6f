package parquet

// The schema, as far as filtering needs it: which leaf columns there are, how deep their values nest, how values are
// ordered, and whether a column can hold NHS numbers. Everything else in a schema passes through as the bytes it is
// (see footer.go), so that an annotation that this program has never heard of survives.

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"noo/formats/parquet/internal/compact"
)

// physical is a physical type (parquet.thrift, Type).
type physical int32

const (
	boolean physical = iota
	int32Type
	int64Type
	int96
	float
	double
	byteArray
	fixedLenByteArray
)

var physicalNames = [...]string{"BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"}

// annotation is what a logical or converted type says about a column, as far as it matters here.
type annotation uint8

const (
	unannotated annotation = iota
	textual                // STRING, ENUM
	signedInt
	unsignedInt
	decimal
	temporal // DATE, TIME, TIMESTAMP
	jsonText
	bsonDocument
	uuid
	float16
	interval
	strange // anything else: such values have no order that this program knows
)

var annotationNames = [...]string{"", "STRING", "INTEGER", "UNSIGNED INTEGER", "DECIMAL", "DATE or TIME", "JSON", "BSON", "UUID", "FLOAT16",
	"INTERVAL", "an annotation that this program does not know"}

// convertedAnnotations maps a ConvertedType (parquet.thrift) to the annotation that replaced it.
var convertedAnnotations = map[int32]annotation{
	0: textual, 4: textual, 5: decimal, 6: temporal, 7: temporal, 8: temporal, 9: temporal, 10: temporal,
	11: unsignedInt, 12: unsignedInt, 13: unsignedInt, 14: unsignedInt, 15: signedInt, 16: signedInt, 17: signedInt, 18: signedInt,
	19: jsonText, 20: bsonDocument, 21: interval,
}

// logicalAnnotations maps the field that is set in a LogicalType (parquet.thrift).
var logicalAnnotations = map[int16]annotation{
	1: textual, 4: textual, 5: decimal, 6: temporal, 7: temporal, 8: temporal, 10: signedInt,
	12: jsonText, 13: bsonDocument, 14: uuid, 15: float16,
}

// Bounds on a schema. Levels are held in a byte each, and no schema in use nests a tenth as deep.
const (
	maxNesting = 255
	maxLeaves  = 1 << 20
	maxWidth   = 1 << 24  // of a FIXED_LEN_BYTE_ARRAY, in bytes
	maxNames   = 64 << 20 // bytes that the paths of all leaves take in memory, each of which names the groups above it again
)

// leaf is a column that holds values.
type leaf struct {
	path           []string
	name           string // the path, dotted
	kind           physical
	width          int // bytes of a value in PLAIN encoding; 0 for BYTE_ARRAY and BOOLEAN
	note           annotation
	scale          int32 // of a decimal
	precision      int32 // of a decimal
	maxDef, maxRep uint8
	// listDef is the definition level from which the innermost repeated group around the value has an element. Below
	// it there is no occurrence of a value at all, not even a null.
	listDef uint8
	order   ordering
	// disputed tells that annotations say different things about the values, of which readers go by the one or the other.
	disputed bool
}

// typeText names the type in the words of the Parquet specification.
func (l *leaf) typeText() string {
	text := physicalNames[l.kind]
	if l.kind == fixedLenByteArray {
		text += fmt.Sprintf("(%d)", l.width)
	}
	switch l.note {
	case unannotated:
	case decimal:
		text += fmt.Sprintf(" DECIMAL(%d,%d)", l.precision, l.scale)
	case strange:
		text += " with " + annotationNames[l.note]
	default:
		text += " " + annotationNames[l.note]
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
	logical                       annotation
	hasLogical                    bool
	logicalScale, logicalPrecison int32
	hasScale                      bool
	members                       int // of the union that the logical type is
}

var errSchema = errors.New("its schema is malformed")

// readSchema reads the list of schema elements, a tree in depth-first order, and returns its leaves.
func readSchema(r *compact.Reader, t compact.Type) ([]leaf, error) {
	kind, n := r.List(t)
	if r.Err() == nil && (kind != compact.Struct || n == 0) {
		return nil, errSchema
	}
	w := schemaWalk{r: r, left: n}
	root := w.next()
	if w.err != nil {
		return nil, w.err
	}
	if root.hasType {
		return nil, fmt.Errorf("%w: its root is not a group", errSchema)
	}
	for i := int32(0); i < root.children && w.err == nil; i++ {
		w.node(nil, leaf{})
	}
	if w.err == nil && w.left != 0 {
		w.err = fmt.Errorf("%w: it has elements outside its tree", errSchema)
	}
	return w.leaves, w.err
}

// schemaWalk walks the tree of schema elements.
type schemaWalk struct {
	r      *compact.Reader
	left   int // elements not yet read
	names  int // bytes of paths so far
	leaves []leaf
	err    error
}

func (w *schemaWalk) fail(reason string) {
	if w.err == nil {
		w.err = fmt.Errorf("%w: %s", errSchema, reason)
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

// node reads the element that comes next, below a group with the given path and levels, and everything under it.
func (w *schemaWalk) node(path []string, levels leaf) {
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
		levels.maxDef++
	case 2:
		levels.maxDef++
		levels.maxRep++
		levels.listDef = levels.maxDef
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

func (w *schemaWalk) leaf(e element, path []string, l leaf) {
	if e.children != 0 || e.kind < 0 || int(e.kind) >= len(physicalNames) || len(w.leaves) >= maxLeaves {
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
	l.path, l.name, l.kind = slices.Clone(path), strings.Join(path, "."), physical(e.kind)
	switch l.kind {
	case int32Type, float:
		l.width = 4
	case int64Type, double:
		l.width = 8
	case int96:
		l.width = 12
	case fixedLenByteArray:
		if e.width < 0 || e.width > maxWidth {
			w.fail("a column of fixed length has a length out of range")
			return
		}
		l.width = int(e.width)
	}
	switch {
	case e.hasLogical:
		l.note, l.scale, l.precision = e.logical, e.logicalScale, e.logicalPrecison
	case e.hasConverted:
		var known bool
		if l.note, known = convertedAnnotations[e.converted]; !known {
			l.note = strange
		}
		l.scale, l.precision = e.scale, e.precision
	}
	l.disputed = e.disputed()
	l.order = orderingOf(l.kind, l.note)
	w.leaves = append(w.leaves, l)
}

// disputed tells whether the annotations of an element contradict one another.
func (e *element) disputed() bool {
	if !e.hasLogical {
		return false
	}
	converted, known := convertedAnnotations[e.converted]
	return e.members > 1 ||
		e.hasConverted && known && e.logical != strange && converted != e.logical ||
		e.logical == decimal && e.hasScale && e.scale != e.logicalScale
}

// readElement reads a SchemaElement (parquet.thrift).
func readElement(r *compact.Reader) (e element) {
	for f := (compact.Field{}); r.Next(&f); {
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
func readLogical(r *compact.Reader, t compact.Type, e *element) {
	e.logical = strange
	for f := r.Enter(t); r.Next(&f); {
		e.members++
		if known, ok := logicalAnnotations[f.ID]; ok {
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
					e.logical = unsignedInt
				} else if d.ID != 2 {
					r.Skip(d.Type)
				}
			}
		default:
			r.Skip(f.Type)
		}
	}
}
