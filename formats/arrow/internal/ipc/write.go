package ipc

// Writing: messages are made anew, but for the schema, which is copied as it is. What pads them is
// zero.

import (
	"encoding/binary"
	"io"

	"noo/formats/arrow/internal/flat"
)

// alignment is that of buffers: what the specification recommends.
const alignment = 64

// Writer writes a stream, or a file. It is for one goroutine.
type Writer struct {
	to      io.Writer
	file    bool
	at      int64
	schema  *Message
	builder flat.Builder
	dicts   []Block
	batches []Block
}

// NewWriter writes what precedes the batches: of a file or a stream whose schema is that of a
// message of another one.
func NewWriter(to io.Writer, file bool, schema *Message) (*Writer, error) {
	w := &Writer{to: to, file: file, schema: schema}
	if file {
		if err := w.write(append([]byte(Magic), 0, 0)); err != nil {
			return nil, err
		}
	}
	_, err := w.header(schema.Header)
	return w, err
}

func (w *Writer) write(p []byte) error {
	n, err := w.to.Write(p)
	w.at += int64(n)
	return err
}

var zeros [alignment]byte

// pad writes zeros until what was written is divisible by the alignment.
func (w *Writer) pad(written int64) error {
	if over := written % alignment; over > 0 {
		return w.write(zeros[over:])
	}
	return nil
}

// header writes the header of a message, and returns its length with what precedes and pads it.
func (w *Writer) header(bytes []byte) (int64, error) {
	// A body starts where its buffers are aligned, as far as the reader maps it from there.
	size := len(bytes)
	for (int(w.at)+prefixBytes+size)%alignment != 0 {
		size++
	}
	var prefix [prefixBytes]byte
	binary.LittleEndian.PutUint32(prefix[:], continuation)
	binary.LittleEndian.PutUint32(prefix[4:], uint32(size))
	if err := w.write(prefix[:]); err != nil {
		return 0, err
	}
	if err := w.write(bytes); err != nil {
		return 0, err
	}
	return int64(prefixBytes + size), w.write(zeros[:size-len(bytes)])
}

// Part are arrays of a batch to be written: nodes and buffers in the order of the schema.
type Part struct {
	Nodes    []Node
	Buffers  [][]byte
	Variadic []int64
}

// Dictionary writes a dictionary batch that replaces what was the dictionary.
func (w *Writer) Dictionary(id int64, rows int64, codec Codec, values Part) error {
	return w.batch(&w.dicts, DictionaryMessage, id, rows, codec, nil, []Part{values})
}

// Batch writes a record batch.
func (w *Writer) Batch(rows int64, codec Codec, metadata []KeyValue, columns []Part) error {
	return w.batch(&w.batches, BatchMessage, 0, rows, codec, metadata, columns)
}

// batch writes a message with a table RecordBatch.
func (w *Writer) batch(
	blocks *[]Block, kind Kind, id, rows int64, codec Codec, metadata []KeyValue, parts []Part,
) error {
	var nodes, buffers, variadic int
	body := int64(0)
	for i := range parts {
		nodes, buffers, variadic = nodes+len(
			parts[i].Nodes,
		), buffers+len(
			parts[i].Buffers,
		), variadic+len(
			parts[i].Variadic,
		)
		for _, buffer := range parts[i].Buffers {
			body += padded(int64(len(buffer)))
		}
	}
	b := &w.builder
	b.Start()
	message := b.Table(
		0,
		flat.Field{Number: 3, Size: 8, Value: uint64(body)},
		flat.Offset(2),
		flat.Offset(4),
		flat.Field{
			Number: 0,
			Size:   2,
			Value:  uint64(w.schema.Version),
		},
		flat.Field{Number: 1, Size: 1, Value: uint64(kind)},
	)
	header := message[1]
	if kind == DictionaryMessage {
		header = b.Table(header, flat.Field{Number: 0, Size: 8, Value: uint64(id)}, flat.Offset(1))[1]
	}
	writeBatch(b, header, rows, codec, nodes, buffers, variadic, parts)
	writeMetadata(b, message[2], metadata)
	b.Align(8)
	block := Block{Offset: w.at, Body: body}
	var err error
	if block.Header, err = w.header(b.Bytes); err != nil {
		return err
	}
	for i := range parts {
		for _, buffer := range parts[i].Buffers {
			if err := w.write(buffer); err != nil {
				return err
			}
			if err := w.pad(int64(len(buffer))); err != nil {
				return err
			}
		}
	}
	if w.file {
		*blocks = append(*blocks, block)
	}
	return nil
}

func padded(n int64) int64 { return (n + alignment - 1) / alignment * alignment }

// writeBatch writes a table RecordBatch.
func writeBatch(
	b *flat.Builder,
	from int,
	rows int64,
	codec Codec,
	nodes, buffers, variadic int,
	parts []Part,
) {
	fields := []flat.Field{
		{Number: 0, Size: 8, Value: uint64(rows)},
		flat.Offset(1),
		flat.Offset(2),
	}
	if codec != Uncompressed {
		fields = append(fields, flat.Offset(3))
	}
	if variadic > 0 {
		fields = append(fields, flat.Offset(4))
	}
	places := b.Table(from, fields...)
	b.Vector(places[1], nodes, 8)
	for i := range parts {
		for _, n := range parts[i].Nodes {
			b.Words(n.Length, n.Nulls)
		}
	}
	b.Vector(places[2], buffers, 8)
	at := int64(0)
	for i := range parts {
		for _, buffer := range parts[i].Buffers {
			b.Words(at, int64(len(buffer)))
			at += padded(int64(len(buffer)))
		}
	}
	if codec != Uncompressed {
		b.Table(
			places[3],
			flat.Field{Number: 0, Size: 1, Value: uint64(codec)},
			flat.Field{Number: 1, Size: 1},
		)
	}
	if variadic > 0 {
		b.Vector(places[len(places)-1], variadic, 8)
		for i := range parts {
			b.Words(parts[i].Variadic...)
		}
	}
}

// writeMetadata writes a vector of KeyValue.
func writeMetadata(b *flat.Builder, from int, pairs []KeyValue) {
	b.Vector(from, len(pairs), 4)
	first := len(b.Bytes)
	b.Bytes = append(b.Bytes, make([]byte, 4*len(pairs))...)
	for i, pair := range pairs {
		places := b.Table(first+4*i, flat.Offset(0), flat.Offset(1))
		b.Text(places[0], []byte(pair.Key))
		b.Text(places[1], []byte(pair.Value))
	}
}

// End writes the mark at the end of a stream, and behind it the footer of a file.
func (w *Writer) End(metadata []KeyValue) error {
	if err := w.write(endMark); err != nil || !w.file {
		return err
	}
	b := &w.builder
	b.Start()
	places := b.Table(0, flat.Offset(1), flat.Offset(2), flat.Offset(3), flat.Offset(4),
		flat.Field{Number: 0, Size: 2, Value: uint64(w.schema.Version)})
	// The header of the schema message has the schema in it, with places that count from
	// themselves:
	// so it can be copied.
	b.Align(8)
	schema := len(b.Bytes)
	b.PointTo(places[0], schema+w.schema.SchemaAt)
	b.Bytes = append(b.Bytes, w.schema.Header...)
	for i, blocks := range [][]Block{w.dicts, w.batches} {
		b.Vector(places[1+i], len(blocks), 8)
		for _, block := range blocks {
			b.Words(block.Offset, block.Header, block.Body)
		}
	}
	writeMetadata(b, places[3], metadata)
	b.Align(8)
	trailer := binary.LittleEndian.AppendUint32(nil, uint32(len(b.Bytes)))
	if err := w.write(b.Bytes); err != nil {
		return err
	}
	return w.write(append(trailer, Magic...))
}
