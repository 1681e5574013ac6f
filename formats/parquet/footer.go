package parquet

// Reading the footer: FileMetaData of parquet.thrift. What a reader of the output needs and this program does not
// understand (the schema's annotations, key-value metadata, column orders, sorting columns) is kept as the bytes it is.
// Statistics, indexes and bloom filters are not even looked at: they speak of removed records.

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"noo/formats"
	"noo/formats/parquet/internal/compact"
	"noo/internal/nhsnumber"
)

const (
	magic          = "PAR1"
	magicEncrypted = "PARE"
	tailSize       = 8 // footer length and magic
)

// formatName is what reports call the format.
const formatName = "parquet"

// isParquet tells whether head is that of a Parquet file, encrypted or not. The four letters of the magic could start a text
// too, but in a Parquet file a Thrift field header follows them, which is no character of a text.
func isParquet(head []byte, name string) bool {
	if bytes.HasPrefix(head, []byte(magic)) || bytes.HasPrefix(head, []byte(magicEncrypted)) {
		if len(head) > len(magic) {
			next := head[len(magic)]
			return next < ' ' && next != '\t' && next != '\r' && next != '\n'
		}
		return named(name)
	}
	return named(name) && bytes.IndexByte(head, 0) >= 0
}

// named tells whether a file's name says that it is a Parquet file.
func named(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".parquet", ".parq", ".pq":
		return true
	}
	return false
}

// footer is the part of FileMetaData that is used, and the rest as raw Thrift values. It is not changed after Open.
type footer struct {
	version      int32
	rows         int64
	schema       []byte // a list
	leaves       []leaf
	keyValues    []byte // a list, or nil
	columnOrders []byte // a list, or nil
	rowGroups    []rowGroup
	quirks       quirks
}

// rowGroup is a RowGroup. Its records fit an int32, so that their places in it do.
type rowGroup struct {
	rows       int
	sorting    []byte // a list, or nil
	hasOrdinal bool
	chunks     []chunk
}

// chunk is the ColumnMetaData of a column chunk.
type chunk struct {
	codec        codec
	values       int64 // with nulls
	start, end   int64 // the bytes of its pages in the file
	uncompressed int64 // as the footer says, a hint only
	keyValues    []byte
}

// Errors that an *formats.InputError wraps.
var (
	// ErrEncrypted is a file with encrypted columns or an encrypted footer.
	ErrEncrypted = errors.New("it is encrypted, which is not supported: decrypt it first")
	// ErrCorrupt is a file that contradicts itself or the Parquet specification.
	ErrCorrupt = errors.New("the file is damaged")
	// ErrUnsupported is a file that is sound but uses what this program does not support.
	ErrUnsupported = errors.New("not supported")
	// ErrLimit is a file whose pages are larger than Format.MaxPage allows.
	ErrLimit = errors.New("raise the limit with --max-page if the file is to be trusted")
)

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrUnsupported)
}

// readFooter reads and checks the footer of a file of the given size. An error of reading is returned as it is, any other
// is the input's fault.
func readFooter(in io.ReaderAt, size, limit int64) (*footer, error) {
	if size < int64(len(magic))+tailSize {
		return nil, corrupt("it is too short to be a Parquet file")
	}
	var head [len(magic)]byte
	var tail [tailSize]byte
	if err := readFull(in, head[:], 0); err != nil {
		return nil, err
	}
	if err := readFull(in, tail[:], size-tailSize); err != nil {
		return nil, err
	}
	if string(tail[4:]) == magicEncrypted || string(head[:]) == magicEncrypted {
		return nil, ErrEncrypted
	}
	if string(tail[4:]) != magic || string(head[:]) != magic {
		return nil, corrupt("it does not start and end as a Parquet file does; was it copied whole?")
	}
	length := int64(binary.LittleEndian.Uint32(tail[:]))
	start := size - tailSize - length
	if start < int64(len(magic)) {
		return nil, corrupt("its footer is longer than the file")
	}
	if length > limit {
		return nil, fmt.Errorf("its footer of %d bytes is over the limit of %d: %w", length, limit, ErrLimit)
	}
	data := make([]byte, length)
	if err := readFull(in, data, start); err != nil {
		return nil, err
	}
	f, err := parseFooter(data, start)
	if errors.Is(err, compact.ErrShort) || errors.Is(err, compact.ErrMalformed) {
		err = corrupt("its footer cannot be read: %v", err)
	}
	return f, err
}

// readFull reads at one place, and takes a file that ends before its size as an error of reading.
func readFull(in io.ReaderAt, p []byte, at int64) error {
	n, err := in.ReadAt(p, at)
	switch {
	case n == len(p):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return &readError{io.ErrUnexpectedEOF}
	}
	return &readError{err}
}

// readError marks an error of the input's medium, which says nothing about the input's content.
type readError struct{ err error }

func (e *readError) Error() string { return "reading failed: " + e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

// parseFooter reads a FileMetaData. dataEnd is where in the file pages must end.
func parseFooter(data []byte, dataEnd int64) (*footer, error) {
	var (
		f      footer
		r      = compact.NewReader(data)
		orders []bool
		err    error
		maker  []byte
	)
	for field := (compact.Field{}); r.Next(&field); {
		start := r.Pos()
		switch field.ID {
		case 1:
			f.version = r.I32(field.Type)
		case 2:
			if f.schema != nil {
				return nil, corrupt("it has two schemas")
			}
			if f.leaves, err = readSchema(r, field.Type); err != nil {
				return nil, err
			}
			f.schema = r.Since(start)
		case 3:
			f.rows = r.I64(field.Type)
		case 4:
			if f.schema == nil || f.rowGroups != nil {
				return nil, corrupt("its footer has row groups before the schema, or twice")
			}
			if f.rowGroups, err = readRowGroups(r, field.Type, f.leaves); err != nil {
				return nil, err
			}
		case 5:
			r.Skip(field.Type)
			f.keyValues = rawList(r, field.Type, start)
		case 6:
			maker = r.Bytes(field.Type)
		case 7:
			orders = readColumnOrders(r, field.Type)
			f.columnOrders = rawList(r, field.Type, start)
		case 8, 9:
			return nil, ErrEncrypted
		default:
			r.Skip(field.Type)
		}
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	if f.schema == nil {
		return nil, corrupt("it has no schema")
	}
	f.quirks = quirksOf(maker)
	f.applyOrders(orders)
	return &f, f.check(dataEnd)
}

func rawList(r *compact.Reader, t compact.Type, start int) []byte {
	if t != compact.List {
		r.Fail(compact.ErrMalformed)
	}
	return r.Since(start)
}

// readColumnOrders tells for each leaf whether its order is the one that its type defines (ColumnOrder, parquet.thrift).
func readColumnOrders(r *compact.Reader, t compact.Type) []bool {
	kind, n := r.List(t)
	if kind != compact.Struct && n > 0 {
		r.Fail(compact.ErrMalformed)
	}
	var defined []bool
	for i := 0; i < n && r.Err() == nil; i++ {
		typeOrder := false
		for f := (compact.Field{}); r.Next(&f); r.Skip(f.Type) {
			typeOrder = f.ID == 1
		}
		defined = append(defined, typeOrder)
	}
	return defined
}

// applyOrders gives up on the order of leaves whose bounds a reader would compare in another way than by their type.
func (f *footer) applyOrders(defined []bool) {
	if defined == nil {
		return
	}
	for i := range f.leaves {
		if i >= len(defined) || !defined[i] {
			f.leaves[i].order = unordered
		}
	}
}

// check holds what the footer says against itself and against the file.
func (f *footer) check(dataEnd int64) error {
	var rows int64
	type extent struct {
		start, end int64
		group, col int
	}
	var extents []extent
	for g := range f.rowGroups {
		group := &f.rowGroups[g]
		rows += int64(group.rows)
		for c := range group.chunks {
			ch := &group.chunks[c]
			place := part(g, f.leaves[c].name)
			if ch.values == 0 && group.rows == 0 {
				ch.start, ch.end = 0, 0 // there are no pages, and where they would be may be anything
				continue
			}
			if ch.start < int64(len(magic)) || ch.end < ch.start || ch.end > dataEnd {
				return &placedError{place, corrupt("its pages lie outside the file")}
			}
			if f.leaves[c].maxRep == 0 && ch.values != int64(group.rows) {
				return &placedError{place, corrupt("it has another number of values than the row group has rows")}
			}
			if ch.end > ch.start {
				extents = append(extents, extent{ch.start, ch.end, g, c})
			}
			ch.end = min(ch.end+f.quirks.hiddenBytes, dataEnd)
		}
	}
	// A writer that left the number of all rows unset is in use; any other difference is damage.
	if rows != f.rows && f.rows != 0 {
		return corrupt("its row groups have %d rows together, its footer says %d", rows, f.rows)
	}
	slices.SortFunc(extents, func(a, b extent) int { return cmp.Compare(a.start, b.start) })
	for i := 1; i < len(extents); i++ {
		if e := extents[i]; e.start < extents[i-1].end {
			return &placedError{part(e.group, f.leaves[e.col].name), corrupt("its pages overlap those of another column")}
		}
	}
	return nil
}

// part names a place in a file for *formats.InputError. Row groups count from 0, as in other Parquet tools.
func part(group int, column string) string {
	return fmt.Sprintf("row group %d, %s", group, columnPart(column))
}

// columnPart names a column, without the digits of an NHS number that somebody may have called it by.
func columnPart(column string) string { return fmt.Sprintf("column %q", nhsnumber.Mask(column)) }

// placedError is an error with the place that it happened in, on its way to becoming a *formats.InputError.
type placedError struct {
	part string
	err  error
}

func (e *placedError) Error() string { return e.part + ": " + e.err.Error() }
func (e *placedError) Unwrap() error { return e.err }

// inputError makes an *formats.InputError of an error that is the input's fault, and leaves others as they are.
func inputError(name string, err error) error {
	if err == nil {
		return nil
	}
	var medium *readError
	if errors.As(err, &medium) {
		return fmt.Errorf("%s: %w", name, err)
	}
	var placed *placedError
	if errors.As(err, &placed) {
		return &formats.InputError{Name: name, Part: placed.part, Err: placed.err}
	}
	return &formats.InputError{Name: name, Err: err}
}

// readRowGroups reads the list of row groups.
func readRowGroups(r *compact.Reader, t compact.Type, leaves []leaf) ([]rowGroup, error) {
	kind, n := r.List(t)
	if kind != compact.Struct && n > 0 {
		return nil, compact.ErrMalformed
	}
	groups := []rowGroup{}
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
func readRowGroup(r *compact.Reader, g int, leaves []leaf) (group rowGroup, err error) {
	rows := int64(-1)
	for f := (compact.Field{}); r.Next(&f); {
		start := r.Pos()
		switch f.ID {
		case 1:
			kind, n := r.List(f.Type)
			if r.Err() != nil {
				return group, r.Err()
			}
			if n != len(leaves) || (kind != compact.Struct && n > 0) {
				return group, &placedError{fmt.Sprintf("row group %d", g), corrupt("it has %d columns, the schema has %d", n, len(leaves))}
			}
			group.chunks = make([]chunk, 0, n)
			for c := range n {
				ch, err := readChunk(r, &leaves[c])
				if err != nil && r.Err() == nil {
					return group, &placedError{part(g, leaves[c].name), err}
				}
				group.chunks = append(group.chunks, ch)
			}
		case 3:
			rows = r.I64(f.Type)
		case 4:
			r.Skip(f.Type)
			group.sorting = rawList(r, f.Type, start)
		case 7:
			group.hasOrdinal = true
			r.Skip(f.Type)
		default:
			r.Skip(f.Type)
		}
	}
	if err := r.Err(); err != nil {
		return group, err
	}
	if rows < 0 || len(group.chunks) != len(leaves) {
		return group, &placedError{fmt.Sprintf("row group %d", g), corrupt("its number of rows or its columns are missing")}
	}
	if rows > math.MaxInt32 {
		return group, &placedError{fmt.Sprintf("row group %d", g), unsupported("a row group of more than %d rows", math.MaxInt32)}
	}
	group.rows = int(rows)
	return group, nil
}

// readChunk reads a ColumnChunk (parquet.thrift).
func readChunk(r *compact.Reader, l *leaf) (ch chunk, err error) {
	found := false
	for f := (compact.Field{}); r.Next(&f); {
		switch f.ID {
		case 1:
			if len(r.Bytes(f.Type)) > 0 {
				return ch, unsupported("its pages are in another file")
			}
		case 3:
			if ch, err = readColumnMetaData(r, f.Type, l); err != nil {
				return ch, err
			}
			found = true
		case 8, 9:
			return ch, ErrEncrypted
		default:
			r.Skip(f.Type)
		}
	}
	if !found && r.Err() == nil {
		return ch, corrupt("it has no metadata")
	}
	return ch, r.Err()
}

// readPath reads a column's path, and tells whether it is the one that the schema has in its place: were columns mixed up, the
// wrong one might be looked at.
func readPath(r *compact.Reader, t compact.Type, want []string) bool {
	kind, n := r.List(t)
	same := kind == compact.Binary && n == len(want)
	for i := 0; i < n && r.Err() == nil; i++ {
		name := r.Bytes(kind)
		same = same && string(name) == want[i]
	}
	return same
}

// readColumnMetaData reads a ColumnMetaData (parquet.thrift).
func readColumnMetaData(r *compact.Reader, t compact.Type, l *leaf) (ch chunk, err error) {
	var (
		kind, codecID                = int32(-1), int32(-1)
		samePath                     = false
		data, dictionary, compressed = int64(-1), int64(-1), int64(-1)
	)
	ch.values = -1
	for f := r.Enter(t); r.Next(&f); {
		start := r.Pos()
		switch f.ID {
		case 1:
			kind = r.I32(f.Type)
		case 3:
			samePath = readPath(r, f.Type, l.path)
		case 4:
			codecID = r.I32(f.Type)
		case 5:
			ch.values = r.I64(f.Type)
		case 6:
			ch.uncompressed = r.I64(f.Type)
		case 7:
			compressed = r.I64(f.Type)
		case 8:
			r.Skip(f.Type)
			ch.keyValues = rawList(r, f.Type, start)
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
	case kind != int32(l.kind):
		return ch, corrupt("its type is not that of the schema")
	case !samePath:
		return ch, corrupt("its path is not that of the schema")
	case ch.values < 0 || data < 0 || compressed < 0:
		return ch, corrupt("a count, a size or a place is missing or negative")
	}
	if ch.codec, err = codecOf(codecID); err != nil {
		return ch, err
	}
	ch.start = data
	// Some writers set the place of a dictionary that is not there to 0.
	if dictionary > 0 && dictionary < data {
		ch.start = dictionary
	}
	if compressed > math.MaxInt64-ch.start-hiddenHeader {
		return ch, corrupt("its pages lie outside the file")
	}
	ch.end = ch.start + compressed
	return ch, nil
}
