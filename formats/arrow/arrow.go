// Package arrow filters records out of Arrow IPC files, which are also called Feather version 2,
// and
// out of Arrow IPC streams. It implements formats.Format.
//
// A record batch is read into memory, its identifying values are decided on, and every column is
// cut
// down to the records that stay. Values, their order, batches, the schema with its metadata, types
// and compression stay as they are. Dictionaries hold only values in use: those of a file are
// written once, so that a file with dictionaries is read twice; those of a stream are written again
// when a batch uses another value. Batches without a record are left out.
//
// The way of an input through the package: source.go gives its messages one by one; scan.go decides
// on batches and cuts them down, several at a time; internal/ipc has the messages, internal/column
// the arrays in them, internal/identify the values that identify people.
package arrow

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"

	"noo/formats"
	"noo/formats/arrow/internal/column"
	"noo/formats/arrow/internal/identify"
	"noo/formats/arrow/internal/ipc"
	"noo/internal/nhsnumber"
)

// Errors that an *formats.InputError wraps.
var (
	ErrCorrupt     = ipc.ErrCorrupt
	ErrTruncated   = ipc.ErrTruncated
	ErrUnsupported = ipc.ErrUnsupported
	ErrLimit       = ipc.ErrLimit
	// ErrFooter is a file that a reader of files and a reader of streams read differently.
	ErrFooter = fmt.Errorf("%w: its footer and its messages disagree", ErrCorrupt)
	// ErrNoEnd is a stream that ends without the mark that it is complete.
	ErrNoEnd = fmt.Errorf("%w: it ends without its end-of-stream mark; get it again", ErrCorrupt)
)

// DefaultMaxBuffer is the limit on a compressed buffer where Format.MaxBuffer is 0.
const DefaultMaxBuffer = 256 << 20

// buffersInBatch is how many buffers of the largest size a record batch, or all dictionaries, may
// take in memory.
const buffersInBatch = 16

// Format is the format of Arrow IPC files or, with Stream, of streams. Its zero value is ready to
// use.
type Format struct {
	// Stream tells that it is the format of streams.
	Stream bool
	// StaysOpen tells that nothing may be read behind the mark at the end of a stream: who sent it
	// may wait for an answer before they close it. Otherwise nothing may follow the mark.
	StaysOpen bool
	// MaxBuffer is how many bytes a buffer may take that a compressed one becomes, and a 16th of
	// what
	// a record batch may take: it bounds what a damaged or hostile input can make this package
	// allocate. 0 stands for DefaultMaxBuffer. An input that needs more is refused with ErrLimit.
	MaxBuffer int64
	// Workers is how many goroutines work on an input, 0 for one for each processor. The output
	// does
	// not depend on it.
	Workers int
	// ReadBackWith is the format to read outputs back with; where nil, it is this one.
	ReadBackWith formats.Format
}

var _ formats.ReadBacker = Format{}

// Name returns "arrow" or, for streams, "arrows": how the names of such files end.
func (f Format) Name() string {
	if f.Stream {
		return "arrows"
	}
	return "arrow"
}

// RandomAccess reports whether it is the format of files: they are read from their end.
func (f Format) RandomAccess() bool { return !f.Stream }

// ReadBack returns the format to read an output with before it gets its name. An output may take
// more memory than the input did, by what pads its buffers.
func (f Format) ReadBack() formats.Format {
	if f.ReadBackWith != nil {
		return f.ReadBackWith
	}
	f.MaxBuffer = mostBuffer
	return f
}

// mostBuffer is the largest limit on a buffer.
const mostBuffer = 1<<31 - 1

// Matches reports whether head is that of a file, or of a stream.
func (f Format) Matches(head []byte, name string) bool {
	if !f.Stream {
		return bytes.HasPrefix(head, []byte(ipc.Magic+"\x00\x00"))
	}
	started := len(head) >= 8 && binary.LittleEndian.Uint32(head) == 0xFFFFFFFF
	return started || strings.EqualFold(filepath.Ext(name), ".arrows")
}

// Open reads the schema and checks it: of a file the footer, too. An input that is no good gives an
// *formats.InputError.
func (f Format) Open(ctx context.Context, in formats.Input) (_ formats.Dataset, err error) {
	defer recoverAs(&err, in.Name, "its schema")
	f = f.withDefaults(in)
	d := &dataset{format: f, in: in}
	if err := d.open(); err != nil {
		return nil, d.refuse("", err)
	}
	return d, nil
}

func (f Format) withDefaults(in formats.Input) Format {
	if f.MaxBuffer <= 0 {
		f.MaxBuffer = DefaultMaxBuffer
	}
	f.MaxBuffer = min(f.MaxBuffer, mostBuffer)
	if in.Workers > 0 {
		f.Workers = in.Workers
	}
	if f.Workers <= 0 {
		f.Workers = runtime.GOMAXPROCS(0)
	}
	return f
}

// batchLimit is how many bytes a batch may take.
func (f *Format) batchLimit() int64 { return buffersInBatch * f.MaxBuffer }

// dataset is an opened input.
type dataset struct {
	format Format
	in     formats.Input
	footer *ipc.Footer  // of a file
	stream *ipc.Reader  // of a stream, behind the schema
	schema *ipc.Message // whose bytes go to the output
	leaves []identify.Leaf
	ahead  []held // of a stream, messages that a sample has read
	// dictionaries has those of a file, once they are read.
	dictionaries *column.Decoder
}

// open reads the schema.
func (d *dataset) open() (err error) {
	if d.format.Stream {
		d.stream = ipc.NewReader(bufio.NewReaderSize(d.in.Reader, 64<<10), 0, -1)
		d.schema, err = d.stream.Next()
	} else {
		if d.footer, err = ipc.ReadFooter(d.in.ReaderAt, d.in.Size); err != nil {
			return err
		}
		d.schema, err = d.footer.ReadSchema(d.in.ReaderAt)
	}
	if err != nil {
		return err
	}
	if d.schema.Kind != ipc.SchemaMessage || d.schema.BodyLength != 0 {
		return ipc.Corrupt("it does not start with a schema")
	}
	if d.footer != nil && !reflect.DeepEqual(d.schema.Schema, d.footer.Schema) {
		return ErrFooter
	}
	if d.footer != nil {
		if err := d.checkBlocks(); err != nil {
			return err
		}
	}
	if err := d.tellsOfPeople(); err != nil {
		return err
	}
	if err := identify.CheckNames(d.schema.Schema); err != nil {
		return err
	}
	if _, err := d.newDecoder(); err != nil {
		return err
	}
	d.leaves = identify.Leaves(d.schema.Schema)
	return nil
}

// fileReader returns a reader of the messages of a file from some byte on.
func (d *dataset) fileReader(start int64) *ipc.Reader {
	section := io.NewSectionReader(d.in.ReaderAt, start, d.footer.Start-start)
	return ipc.NewReader(section, start, d.footer.Start)
}

func (d *dataset) newDecoder() (*column.Decoder, error) {
	return column.NewDecoder(d.schema.Schema, d.format.MaxBuffer, d.format.batchLimit())
}

// Columns lists all columns that hold values, with their dotted paths and types.
func (d *dataset) Columns() []formats.Column {
	columns := make([]formats.Column, len(d.leaves))
	for i := range d.leaves {
		leaf := &d.leaves[i]
		columns[i] = formats.Column{
			Name: leaf.Name, Type: leaf.Type, Declared: true,
			Refused: leaf.Refused, Numberless: leaf.Numberless,
		}
	}
	return columns
}

// Close has nothing to release.
func (d *dataset) Close() error { return nil }

// refuse makes an *formats.InputError of what went wrong in a part of the input, unless it was the
// medium.
func (d *dataset) refuse(part string, err error) error {
	if err == nil {
		return nil
	}
	if medium, ok := errors.AsType[*ipc.MediumError](err); ok {
		if d.format.Stream {
			return medium.Err // whoever reads the stream has said where
		}
		return fmt.Errorf("%s: reading failed: %w", d.in.Name, medium.Err)
	}
	if placed, ok := errors.AsType[*formats.InputError](err); ok {
		return placed
	}
	return &formats.InputError{Name: d.in.Name, Part: part, Err: err}
}

// batchPart names a record batch. They count from 0, as in other tools.
func batchPart(batch int) string { return fmt.Sprintf("record batch %d", batch) }

// columnPart names a column of a batch, without the digits of an NHS number that somebody may have
// called it by.
func columnPart(batch int, name string) string {
	return fmt.Sprintf("record batch %d, column %q", batch, nhsnumber.Mask(name))
}

// recoverAs turns a panic, which only a damaged input should be able to cause, into an
// *formats.InputError. What the panic says is given only where it comes from the Go runtime: it
// then holds numbers of the program, not values of the input.
func recoverAs(err *error, name, part string) {
	p := recover()
	if p == nil {
		return
	}
	reason := formats.PanicReason("the reader failed in a way that it should not; please report it", p)
	*err = &formats.InputError{Name: name, Part: part, Err: ipc.Corrupt("%s", reason)}
}
