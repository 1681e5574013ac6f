// Package parquet filters records out of Parquet files. It implements formats.Format.
//
// A file is read page by page and written page by page. Only the columns that identify people are
// decoded; in every other column the values of removed records are dropped in their encoded form,
// and what is left is compressed again. Values, their order, the schema, row groups, codecs and
// encodings stay as they are. What summarises values (statistics, dictionaries, indexes, bloom
// filters) is made anew from the values that are left, or left out: nothing of it is copied.
//
// The way of a file through the package: footer.go and schema.go read what it says of itself;
// identify.go hands the identifying values of a batch of records to a formats.Decider; rewrite.go
// cuts a column chunk down to the records that stay, and merge.go puts together what is left of
// pages that lose most; scan.go runs both over row groups and columns in parallel; output.go puts
// the new file together.
//
// Names and numbers are those of the Parquet format specification 2.12 (apache/parquet-format):
// parquet.thrift, Encodings.md, Compression.md.
package parquet

import (
	"context"
	"fmt"
	"runtime"

	"noo/formats"
	"noo/formats/parquet/internal/identify"
	"noo/formats/parquet/internal/meta"
	"noo/formats/parquet/internal/spec"
)

// Errors that an *formats.InputError wraps.
var (
	ErrEncrypted   = spec.ErrEncrypted
	ErrCorrupt     = spec.ErrCorrupt
	ErrUnsupported = spec.ErrUnsupported
	ErrLimit       = spec.ErrLimit
)

var _ formats.ReadBacker = Format{}

// DefaultMaxPage is the limit on a page where Format.MaxPage is 0. Common writers make pages of 1
// MiB, some put a column chunk into one page.
const DefaultMaxPage = 256 << 20

// ReadBackFormat is a format that reads back what Format has written.
type ReadBackFormat interface {
	formats.Format
	// CheckReadable returns an error where outputs of a file could not be read back by the given
	// columns, before anything is written.
	CheckReadable(input *meta.Footer, columns []int) error
}

// Format is the Parquet format. Its zero value is ready to use.
type Format struct {
	// MaxPage is how many bytes a page, a dictionary, or the footer may take in memory: it bounds
	// what a damaged or hostile file can make this package allocate, to a small multiple of it for
	// each worker. 0 stands for DefaultMaxPage. A file that needs more is refused with ErrLimit.
	MaxPage int64
	// Workers is how many goroutines work on a file, 0 for one for each processor. The output does
	// not depend on it.
	Workers int
	// Version is the version of this program, for created_by in the files written: "noo version "
	// and this.
	Version string
	// ReadBackWith is the format that reads outputs back; where nil, it is this one.
	ReadBackWith ReadBackFormat

	// ValuesOnly sends all pages down the value path, for tests.
	valuesOnly bool
}

// Name returns "parquet".
func (Format) Name() string { return spec.FormatName }

// Matches reports whether head is that of a Parquet file, encrypted or not.
func (Format) Matches(head []byte, name string) bool { return spec.IsParquet(head, name) }

// ReadBack returns the format to read an output with before it gets its name: a Parquet file is put
// together anew, and a mistake in doing that must not leak a record.
func (f Format) ReadBack() formats.Format {
	if f.ReadBackWith != nil {
		return f.ReadBackWith
	}
	return f
}

// RandomAccess returns true: a Parquet file is read from its end.
func (Format) RandomAccess() bool { return true }

// Open reads and checks the footer. A file that is damaged, encrypted or of an unsupported kind
// gives an *formats.InputError.
func (f Format) Open(ctx context.Context, in formats.Input) (_ formats.Dataset, err error) {
	defer recoverAs(&err, in.Name, "the footer")
	if f.MaxPage <= 0 {
		f.MaxPage = DefaultMaxPage
	}
	f.MaxPage = min(f.MaxPage, 1<<31-1)
	if in.Workers > 0 {
		f.Workers = in.Workers
	}
	if f.Workers <= 0 {
		f.Workers = runtime.GOMAXPROCS(0)
	}
	if f.Version == "" {
		f.Version = "0.0.0"
	}
	footer, err := meta.ReadFooter(in.ReaderAt, in.Size, f.MaxPage)
	if err == nil {
		err = footer.TellsOfPeople()
	}
	if err != nil {
		return nil, spec.InputError(in.Name, err)
	}
	return &dataset{format: f, in: in, footer: footer}, nil
}

// dataset is an opened file. It does not change, so that it may be scanned more than once.
type dataset struct {
	format Format
	in     formats.Input
	footer *meta.Footer
}

// Columns lists all leaf columns with their dotted paths and types; Scan refuses those that cannot
// hold NHS numbers, and says why.
func (d *dataset) Columns() []formats.Column {
	columns := make([]formats.Column, len(d.footer.Leaves))
	for i := range d.footer.Leaves {
		leaf := &d.footer.Leaves[i]
		columns[i] = formats.Column{
			Name: leaf.Name, Type: leaf.TypeText(), Declared: true, Refused: identify.Refusal(leaf), Numberless: identify.Numberless(leaf),
		}
	}
	return columns
}

// Close has nothing to release.
func (d *dataset) Close() error { return nil }

// recoverAs turns a panic, which only a damaged file should be able to cause, into an
// *formats.InputError. What the panic says is given only where it comes from the Go runtime: it
// then holds numbers of the program, not values of the file.
func recoverAs(err *error, name, part string) {
	p := recover()
	if p == nil {
		return
	}
	reason := formats.PanicReason("the reader failed in a way that it should not; please report it", p)
	*err = &formats.InputError{
		Name: name,
		Part: part,
		Err:  fmt.Errorf("%w: %s", spec.ErrCorrupt, reason),
	}
}
