package ipc

// Messages: how they follow one another, and what their headers say.

import (
	"encoding/binary"
	"errors"
	"io"

	"noo/formats/arrow/internal/flat"
)

// Kind is what a message is.
type Kind uint8

// The kinds of messages. The numbers are those of the union MessageHeader (Message.fbs).
const (
	// End is the mark at the end of a stream.
	End Kind = iota
	SchemaMessage
	DictionaryMessage
	BatchMessage
)

const (
	continuation = 0xFFFFFFFF
	prefixBytes  = 8
	// maxMetadata is how many bytes the header of a message may have.
	maxMetadata = 64 << 20
	// firstRead is how many bytes of a body are read before more memory is taken: a header can
	// promise any length.
	firstRead = 16 << 20
)

// Message is a message without its body.
type Message struct {
	Kind Kind
	// Start is where the message starts in what is read, Prefixed how many bytes its header has
	// with what precedes it.
	Start, Prefixed int64
	// Header are the bytes of the header.
	Header []byte
	// Metadata is the message's own.
	Metadata []KeyValue
	// BodyLength is the length of the body in bytes.
	BodyLength int64

	// Schema is set in a message of that kind, and SchemaAt is where its table is in Header.
	Schema   *Schema
	SchemaAt int
	Version  int16

	// Batch is set in messages of the other kinds.
	Batch Batch
	// ID and Delta are of a dictionary.
	ID    int64
	Delta bool
}

// Batch describes the body of a message.
type Batch struct {
	Rows int64
	// Nodes and Buffers are in the order of the schema, depth first.
	Nodes   []Node
	Buffers []Range
	Codec   Codec
	// Variadic has the number of data buffers of every view array.
	Variadic []int64
}

// Node describes an array.
type Node struct{ Length, Nulls int64 }

// Range is where a buffer is in a body.
type Range struct{ Offset, Length int64 }

// Reader reads the messages of a stream.
type Reader struct {
	in  io.Reader
	at  int64
	end int64 // where the stream must end, -1 where nobody knows
}

// NewReader reads a stream whose first byte is number start of what it is part of. end is the
// number of the byte behind it, or -1.
func NewReader(in io.Reader, start, end int64) *Reader {
	return &Reader{in: in, at: start, end: end}
}

// At returns the number of the next byte.
func (r *Reader) At() int64 { return r.at }

func (r *Reader) read(p []byte) error {
	n, err := io.ReadFull(r.in, p)
	r.at += int64(n)
	if err != nil {
		return medium(err)
	}
	return nil
}

// Next reads the header of the next message.
func (r *Reader) Next() (*Message, error) {
	m := &Message{Start: r.at}
	var prefix [prefixBytes]byte
	if err := r.read(prefix[:]); err != nil {
		return nil, err
	}
	if binary.LittleEndian.Uint32(prefix[:]) != continuation {
		return nil, Unsupported("a message as Arrow had them before 0.15 (write the file anew)")
	}
	size := int64(int32(binary.LittleEndian.Uint32(prefix[4:])))
	switch {
	case size == 0:
		return m, nil
	case size < 0 || size%8 != 0 || r.end >= 0 && size > r.end-r.at:
		return nil, Corrupt("the header of a message has a length that cannot be")
	case size > maxMetadata:
		return nil, OverLimit("the header of a message", size, maxMetadata)
	}
	var err error
	if m.Header, err = r.Body(nil, size); err != nil {
		return nil, err
	}
	m.Prefixed = r.at - m.Start
	return m, r.parse(m)
}

// Body reads the n bytes that follow a header into memory, that of dst where it is enough.
func (r *Reader) Body(dst []byte, n int64) ([]byte, error) {
	for at := int64(0); at < n; {
		step := min(n-at, max(int64(cap(dst))-at, firstRead, at))
		if at+step > int64(cap(dst)) {
			dst = append(make([]byte, 0, at+step), dst[:at]...)
		}
		dst = dst[:at+step]
		if err := r.read(dst[at:]); err != nil {
			return nil, err
		}
		at += step
	}
	return dst[:n], nil
}

// ExpectEnd returns an error if anything follows.
func (r *Reader) ExpectEnd() error {
	var p [1]byte
	switch _, err := io.ReadFull(r.in, p[:]); {
	case err == nil:
		return ErrTrailing
	case errors.Is(err, io.EOF):
		return nil
	default:
		return &MediumError{err}
	}
}

// parse reads a table Message.
func (r *Reader) parse(m *Message) error {
	t, buffer := flat.Root(m.Header)
	version, kind, header := t.Int16(0, 0), Kind(t.Uint8(1)), t.Table(2)
	m.BodyLength, m.Metadata, m.Version = t.Int64(3), readMetadata(t, 4), version
	m.Kind = kind
	var err error
	switch {
	case buffer.Err() != nil:
	case version != version4 && version != version5:
		return Unsupported("metadata of version V%d (write the file anew)", version+1)
	case m.BodyLength < 0 || m.BodyLength%8 != 0 || r.end >= 0 && m.BodyLength > r.end-r.at:
		return Corrupt("the body of a message has a length that cannot be")
	case kind == SchemaMessage:
		m.SchemaAt = header.At()
		m.Schema, err = readSchema(header, version)
	case kind == DictionaryMessage:
		m.ID, m.Delta = header.Int64(0), header.Bool(2)
		m.Batch, err = readBatch(header.Table(1), m.BodyLength)
	case kind == BatchMessage:
		m.Batch, err = readBatch(header, m.BodyLength)
	default:
		return Unsupported("a message that is no table (number %d)", kind)
	}
	if err := buffer.Err(); err != nil {
		return Corrupt("%v", err)
	}
	return err
}

// readBatch reads a table RecordBatch.
func readBatch(t flat.Table, body int64) (b Batch, err error) {
	b.Rows, b.Codec = t.Int64(0), Uncompressed
	if t.Has(3) {
		compression := t.Table(3)
		if b.Codec = Codec(compression.Uint8(0)); b.Codec > Zstd || compression.Uint8(1) != 0 {
			return b, Unsupported("a batch in a codec other than LZ4 and zstd")
		}
	}
	nodes, buffers, variadic := t.Vector(1, 16), t.Vector(2, 16), t.Vector(4, 8)
	b.Nodes = make([]Node, nodes.Len)
	for i := range b.Nodes {
		b.Nodes[i] = Node{nodes.Int64(i, 16, 0), nodes.Int64(i, 16, 8)}
		if n := b.Nodes[i]; n.Length < 0 || n.Nulls < 0 || n.Nulls > n.Length {
			return b, Corrupt("an array has a number of values or of nulls that cannot be")
		}
	}
	b.Buffers = make([]Range, buffers.Len)
	for i := range b.Buffers {
		b.Buffers[i] = Range{buffers.Int64(i, 16, 0), buffers.Int64(i, 16, 8)}
		if r := b.Buffers[i]; r.Offset < 0 || r.Length < 0 || r.Length > body ||
			r.Offset > body-r.Length {
			return b, Corrupt("a buffer lies outside its message")
		}
	}
	b.Variadic = make([]int64, variadic.Len)
	for i := range b.Variadic {
		b.Variadic[i] = variadic.Int64(i, 8, 0)
	}
	if b.Rows < 0 {
		return b, Corrupt("a batch has a negative number of records")
	}
	return b, nil
}
