package ipc

// The file format: a stream between the magic and a footer that says again what is in it.

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"noo/formats/arrow/internal/flat"
)

const (
	// Magic begins a file, padded to FirstMessage bytes, and ends it.
	Magic        = "ARROW1"
	FirstMessage = 8
	// EndBytes is the length of the mark at the end of a stream.
	EndBytes = prefixBytes
	// trailerBytes are the length of the footer and the magic.
	trailerBytes = 4 + len(Magic)
)

// Footer is what the footer of a file says.
type Footer struct {
	// Start is the number of its first byte in the file.
	Start                 int64
	Schema                *Schema
	Dictionaries, Batches []Block
	Metadata              []KeyValue
}

// Block is where a message is in a file: the bytes of its header, with what precedes it, and of its
// body.
type Block struct{ Offset, Header, Body int64 }

// ReadFooter reads the footer of a file of size bytes.
func ReadFooter(in io.ReaderAt, size int64) (*Footer, error) {
	if size < FirstMessage+int64(trailerBytes) {
		return nil, ErrTruncated
	}
	trailer := make([]byte, trailerBytes)
	if err := readAt(in, trailer, size-int64(trailerBytes)); err != nil {
		return nil, err
	}
	if string(trailer[4:]) != Magic {
		return nil, ErrTruncated
	}
	n := int64(int32(binary.LittleEndian.Uint32(trailer)))
	f := &Footer{Start: size - int64(trailerBytes) - n}
	switch {
	case n <= 0 || f.Start < FirstMessage:
		return nil, Corrupt("its footer has a length that cannot be")
	case n > maxMetadata:
		return nil, OverLimit("the footer", n, maxMetadata)
	}
	table := make([]byte, n)
	if err := readAt(in, table, f.Start); err != nil {
		return nil, err
	}
	return f, f.parse(table)
}

// ReadSchema reads the schema before the messages of a file. Polars writes it without what precedes
// the header of every other message.
func (f *Footer) ReadSchema(in io.ReaderAt) (*Message, error) {
	r := NewReader(
		io.NewSectionReader(in, FirstMessage, f.Start-FirstMessage),
		FirstMessage,
		f.Start,
	)
	var start [4]byte
	if err := readAt(in, start[:], FirstMessage); err != nil {
		return nil, err
	}
	if binary.LittleEndian.Uint32(start[:]) == continuation {
		return r.Next()
	}
	end := f.Start
	for _, block := range slices.Concat(f.Dictionaries, f.Batches) {
		end = min(end, block.Offset)
	}
	if end < FirstMessage || end-FirstMessage > maxMetadata {
		return nil, Corrupt("its footer names a message where none can be")
	}
	header, err := r.Body(nil, end-FirstMessage)
	if err != nil {
		return nil, err
	}
	header = bytes.TrimSuffix(header, endMark)
	m := &Message{Start: FirstMessage, Prefixed: int64(len(header)), Header: header}
	return m, r.parse(m)
}

// endMark is the mark at the end of a stream.
var endMark = []byte{0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0}

// readAt reads at one place, and takes a file that ends before its size as an error of reading.
func readAt(in io.ReaderAt, p []byte, at int64) error {
	n, err := in.ReadAt(p, at)
	switch {
	case n == len(p):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return &MediumError{io.ErrUnexpectedEOF}
	}
	return &MediumError{err}
}

// parse reads a table Footer.
func (f *Footer) parse(table []byte) (err error) {
	t, buffer := flat.Root(table)
	version := t.Int16(0, 0)
	if buffer.Err() == nil && version != version4 && version != version5 {
		return Unsupported("metadata of version V%d (write the file anew)", version+1)
	}
	f.Schema, err = readSchema(t.Table(1), version)
	f.Dictionaries, f.Batches = readBlocks(
		t.Vector(2, blockBytes),
	), readBlocks(
		t.Vector(3, blockBytes),
	)
	f.Metadata = readMetadata(t, 4)
	if err := buffer.Err(); err != nil {
		return Corrupt("%v", err)
	}
	return err
}

// blockBytes is the size of a struct Block (File.fbs).
const blockBytes = 24

func readBlocks(v flat.Vector) []Block {
	blocks := make([]Block, v.Len)
	for i := range blocks {
		blocks[i] = Block{
			v.Int64(i, blockBytes, 0),
			int64(v.Int32(i, blockBytes, 8)),
			v.Int64(i, blockBytes, 16),
		}
	}
	return blocks
}
