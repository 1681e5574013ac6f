package ipc

// The file format: a stream between the magic and a footer that says again what is in it.

import (
	"encoding/binary"
	"errors"
	"io"

	"noo/formats/arrow/internal/flat"
)

const (
	// Magic begins a file, padded to FirstMessage bytes, and ends it.
	Magic        = "ARROW1"
	FirstMessage = 8
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
	bytes := make([]byte, n)
	if err := readAt(in, bytes, f.Start); err != nil {
		return nil, err
	}
	return f, f.parse(bytes)
}

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
func (f *Footer) parse(bytes []byte) (err error) {
	t, buffer := flat.Root(bytes)
	version := t.Int16(0, 0)
	if buffer.Err() == nil && version != version4 && version != version5 {
		return Unsupported("metadata of version V%d (write the file anew)", version+1)
	}
	f.Schema, err = readSchema(t.Table(1), version)
	f.Dictionaries, f.Batches = readBlocks(t.Vector(2, blockBytes)), readBlocks(t.Vector(3, blockBytes))
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
		blocks[i] = Block{v.Int64(i, blockBytes, 0), int64(v.Int32(i, blockBytes, 8)), v.Int64(i, blockBytes, 16)}
	}
	return blocks
}
