// Package identify finds the values that may identify people in arrays of Arrow: those of
// identifying columns for a formats.Decider, those of watched columns for a formats.Watcher.
package identify

import (
	"errors"
	"fmt"
	"math"

	"noo/formats/arrow/internal/column"
	"noo/formats/arrow/internal/ipc"
	"noo/formats/internal/decimal"
)

// valueType is how the values of a column are read.
type valueType uint8

const (
	asText    valueType = iota
	asInt               // of up to 8 bytes; of unsigned ones up to 4
	asUint              // of 8 bytes, as text
	asFloat             // of 8 bytes
	asDecimal           // as text
	asWide              // an integer of 128 bits as text, and everything else as it is
)

// ErrNotIdentifying is a column that nobody can be told by.
var ErrNotIdentifying = errors.New("noo cannot filter by a column")

// Leaf is a column that holds values: a field of the schema, or one below it.
type Leaf struct {
	// Column is the place in the schema of the field that it is, or that it is below.
	Column int
	// Name is the path of names to it, dotted. A dictionary, and runs, are no part of the path.
	Name string
	// Type is its type in the words of Arrow.
	Type string
	// Refused is why noo does not filter by it, Numberless that no value has room for an NHS
	// number.
	Refused    error
	Numberless bool

	field *ipc.Field // of the values
	as    valueType
	path  []int // which child to take, at each field with children that is no run
}

// Leaves returns the columns of a schema, depth first.
func Leaves(schema *ipc.Schema) []Leaf {
	var l lister
	for i, f := range schema.Fields {
		l.field(f, Leaf{Column: i, Name: f.Name})
	}
	return l.leaves
}

// maxNames is how many bytes the names of all columns may take: each names those above it again.
const maxNames = 64 << 20

// ErrNames is a schema whose names take too much memory.
var ErrNames = ipc.Corrupt("the names of its columns are too long to be those of a table")

type lister struct{ leaves []Leaf }

// CheckNames returns ErrNames if Leaves would take too much memory.
func CheckNames(schema *ipc.Schema) error {
	total := 0
	var add func(f *ipc.Field, above int)
	add = func(f *ipc.Field, above int) {
		if f.Dictionary != nil {
			f = f.Dictionary.Values
		}
		above += len(f.Name) + 1
		total += above
		for _, child := range f.Children {
			add(child, above)
		}
	}
	for _, f := range schema.Fields {
		add(f, 0)
	}
	if total > maxNames {
		return ErrNames
	}
	return nil
}

// field lists the columns at and below a field, which has been given its name.
func (l *lister) field(f *ipc.Field, leaf Leaf) {
	if leaf.Type == "" {
		leaf.Type = f.TypeText()
	}
	switch {
	case f.Dictionary != nil:
		l.field(f.Dictionary.Values, leaf)
	case f.Layout == ipc.RunEnds:
		l.field(f.Children[1], leaf)
	case f.Layout == ipc.Null,
		f.Layout == ipc.Fixed,
		f.Layout == ipc.Bits,
		f.Layout == ipc.Binary,
		f.Layout == ipc.View:
		leaf.field = f
		var err error
		leaf.as, err = typeOf(f)
		leaf.Numberless = err != nil
		if leaf.Refused == nil {
			leaf.Refused = err
		}
		l.leaves = append(l.leaves, leaf)
	default:
		for i, child := range f.Children {
			below := leaf
			below.Name, below.Type = leaf.Name+"."+child.Name, ""
			below.path = append(leaf.path[:len(leaf.path):len(leaf.path)], i)
			if f.Type == ipc.TypeUnion {
				below.Refused = fmt.Errorf(
					"%w in a union, whose records have values of other types too",
					ErrNotIdentifying,
				)
			}
			l.field(child, below)
		}
	}
}

// typeOf tells how values hold NHS numbers, or why they cannot.
func typeOf(f *ipc.Field) (valueType, error) {
	refuse := func(reason string) (valueType, error) {
		return 0, fmt.Errorf("%w of type %s, %s", ErrNotIdentifying, f.TypeText(), reason)
	}
	switch f.Type {
	case ipc.TypeUtf8,
		ipc.TypeLargeUtf8,
		ipc.TypeUtf8View,
		ipc.TypeBinary,
		ipc.TypeLargeBinary,
		ipc.TypeBinaryView:
		return asText, nil
	case ipc.TypeFixedSizeBinary:
		if f.Width == decimal.WideBytes {
			return asWide, nil
		}
		return asText, nil
	case ipc.TypeInt:
		switch {
		case f.Width < 4:
			return refuse("which is too short for an NHS number")
		case f.Width == 8 && !f.Signed:
			return asUint, nil
		}
		return asInt, nil
	case ipc.TypeDecimal:
		switch {
		case f.Scale < 0 || f.Scale > decimal.MostScale:
			return refuse("whose scale is not from 0 to 76")
		case f.Scale == 0 && f.Width <= 8:
			return asInt, nil
		}
		return asDecimal, nil
	case ipc.TypeFloat:
		if f.Width == 8 {
			return asFloat, nil
		}
		return refuse("which holds only seven of the ten digits")
	}
	return refuse("which is not text, an integer, float64 or a decimal")
}

// places says for every record which values of a leaf it has.
type places struct {
	// index has one entry an occurrence: the number of a value, -1 for a null. Where it is not
	// spelt,
	// occurrence i has value i.
	index []int32
	spelt bool
	// ends has one entry a record: the end of its occurrences. Where nil, record i has occurrence i
	// alone.
	ends []int32
	// values hold the values, numbered through.
	values []*column.Array
}

// finder finds the values of leaves. It keeps its memory.
type finder struct {
	limit   int
	index   [2][]int32
	ends    [2][]int32
	current int // of index
	listed  int // of ends
}

// find says which values each of n records has, in the array of the leaf's column.
func (f *finder) find(l *Leaf, a *column.Array, n int) (places, error) {
	p := places{}
	path := l.path
	for {
		switch {
		case a.Field.Dictionary != nil:
			f.pass(&p, n, a.Index)
			if holdsValues(a.Dictionary) {
				p.values = a.Dictionary.Chunks
				return p, nil
			}
			a = a.Dictionary.Joined()
		case a.Field.Layout == ipc.RunEnds:
			f.passRuns(&p, a, n)
			a = a.Children[1]
		case len(path) == 0:
			p.values = []*column.Array{a}
			return p, nil
		default:
			if err := f.descend(&p, a, n, path[0]); err != nil {
				return p, err
			}
			a, path = a.Children[path[0]], path[1:]
		}
	}
}

// holdsValues reports whether the arrays of a dictionary have the values of a leaf, and none below
// them has.
func holdsValues(d *column.Dictionary) bool {
	return len(d.Chunks) == 0 ||
		d.Field.Dictionary == nil && d.Field.Layout != ipc.RunEnds && len(d.Field.Children) == 0
}

// valuesOf returns the arrays that find would return.
func (l *Leaf) valuesOf(a *column.Array) []*column.Array {
	path := l.path
	for {
		switch {
		case a.Field.Dictionary != nil:
			if holdsValues(a.Dictionary) {
				return a.Dictionary.Chunks
			}
			a = a.Dictionary.Joined()
		case a.Field.Layout == ipc.RunEnds:
			a = a.Children[1]
		case len(path) == 0:
			return []*column.Array{a}
		default:
			a, path = a.Children[path[0]], path[1:]
		}
	}
}

// descend goes on to a child.
func (f *finder) descend(p *places, a *column.Array, n, child int) error {
	switch a.Field.Layout {
	case ipc.Struct:
		if a.Nulls > 0 {
			f.pass(p, n, func(i int) int {
				if a.IsNull(i) {
					return -1
				}
				return i
			})
		}
	case ipc.SparseUnion, ipc.DenseUnion:
		f.pass(p, n, func(i int) int {
			if c, at := a.Child(i); c == child {
				return at
			}
			return -1
		})
	default:
		return f.passLists(p, a, n)
	}
	return nil
}

// pass replaces places in an array by what they are further down.
func (f *finder) pass(p *places, n int, to func(i int) int) {
	from, spelt := p.index, p.spelt
	f.current = 1 - f.current
	index := f.index[f.current][:0]
	if !spelt {
		for i := range n {
			index = append(index, int32(to(i)))
		}
	} else {
		for _, i := range from {
			if i >= 0 {
				i = int32(to(int(i)))
			}
			index = append(index, i)
		}
	}
	f.index[f.current], p.index, p.spelt = index, index, true
}

// passRuns replaces places in run-end encoded values by those of the runs.
func (f *finder) passRuns(p *places, a *column.Array, n int) {
	run, end, before := 0, 0, -1
	f.pass(p, n, func(i int) int {
		switch {
		case i == before+1 && i < end:
		case i == before+1 && before >= 0:
			run++
			end = a.RunEnd(run)
		default:
			run = a.Run(i)
			end = a.RunEnd(run)
		}
		before = i
		return run
	})
}

// passLists replaces lists by their values.
func (f *finder) passLists(p *places, a *column.Array, n int) error {
	from, spelt, ends := p.index, p.spelt, p.ends
	f.current, f.listed = 1-f.current, 1-f.listed
	index, newEnds := f.index[f.current][:0], f.ends[f.listed][:0]
	occurrence := 0
	for record := range n {
		end := record + 1
		if ends != nil {
			end = int(ends[record])
		}
		for ; occurrence < end; occurrence++ {
			i := occurrence
			if spelt {
				i = int(from[occurrence])
			}
			if i < 0 {
				continue
			}
			first, last := a.List(i)
			if size := 8 * int64(len(index)+last-first); size > int64(f.limit) ||
				last > math.MaxInt32 {
				return ipc.OverLimit("the lists of a batch", size, int64(f.limit))
			}
			for ; first < last; first++ {
				index = append(index, int32(first))
			}
		}
		newEnds = append(newEnds, int32(len(index)))
	}
	f.index[f.current], f.ends[f.listed] = index, newEnds
	p.index, p.ends, p.spelt = index, newEnds, true
	return nil
}
