package rewrite

// Putting the new file together: column chunks in the order in which they come, and a footer
// written anew.

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"noo/formats/parquet/internal/meta"
	"noo/formats/parquet/internal/spec"
	"noo/formats/parquet/internal/thrift"
)

// Output is one file in the making. It is written from start to end.
type Output struct {
	to        io.Writer
	footer    *meta.Footer // of the input
	createdBy string
	at        int64 // bytes written
	rows      int64
	groups    [][]byte // RowGroup structs, encoded
	group     groupOut
}

// groupOut is the row group in the making.
type groupOut struct {
	in                       *meta.RowGroup
	records                  int
	start                    int64
	compressed, uncompressed int64
	chunks                   [][]byte // ColumnChunk structs, encoded
}

// NewOutput starts a file with the footer of an input. version is that of this program, for
// created_by.
func NewOutput(to io.Writer, f *meta.Footer, version string) (*Output, error) {
	o := &Output{to: to, footer: f, createdBy: "noo version " + version}
	return o, o.write([]byte(spec.Magic))
}

func (o *Output) write(p []byte) error {
	n, err := o.to.Write(p)
	o.at += int64(n)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return err
}

// StartGroup begins a row group.
func (o *Output) StartGroup(in *meta.RowGroup, records int) {
	o.group = groupOut{in: in, records: records, start: o.at, chunks: o.group.chunks[:0]}
}

// WriteChunk writes the pages of the next column chunk, and with the last one ends the row group.
func (o *Output) WriteChunk(column int, in *meta.Chunk, out *ChunkOut) error {
	o.group.chunks = append(o.group.chunks, o.chunkMetaData(&o.footer.Leaves[column], in, out))
	o.group.compressed += int64(len(out.pages))
	o.group.uncompressed += out.uncompressed
	if err := o.write(out.pages); err != nil {
		return err
	}
	if len(o.group.chunks) == len(o.footer.Leaves) {
		o.groups = append(o.groups, o.rowGroup())
		o.rows += int64(o.group.records)
	}
	return nil
}

// chunkMetaData encodes a ColumnChunk (parquet.thrift) for pages that are about to be written.
func (o *Output) chunkMetaData(l *meta.Leaf, in *meta.Chunk, out *ChunkOut) []byte {
	w := thrift.NewWriter(nil)
	w.I64(2, 0) // file_offset is deprecated, and 0 where the metadata is only in the footer
	w.Struct(3)
	w.I32(1, int32(l.Kind))
	encodings := out.encodings()
	w.List(2, thrift.I32, len(encodings))
	for _, e := range encodings {
		w.Int(int64(e))
	}
	w.List(3, thrift.Binary, len(l.Path))
	for _, name := range l.Path {
		w.Element([]byte(name))
	}
	w.I32(4, int32(in.Codec))
	w.I64(5, out.values)
	w.I64(6, out.uncompressed)
	w.I64(7, int64(len(out.pages)))
	w.Raw(8, thrift.List, in.KeyValues)
	w.I64(9, o.at+int64(out.dataAt))
	if out.dictionaryAt >= 0 {
		w.I64(11, o.at+int64(out.dictionaryAt))
	}
	out.seen.Write(w, 12, out.nulls)
	w.List(13, thrift.Struct, len(out.tally))
	for _, t := range out.tally {
		w.Open()
		w.I32(1, t.kind)
		w.I32(2, int32(t.encoding))
		w.I32(3, t.pages)
		w.Close()
	}
	w.Close()
	return w.Done()
}

// encodings lists the encodings in use, that of levels first.
func (o *ChunkOut) encodings() []spec.Encoding {
	all := []spec.Encoding{spec.RLE}
	for _, t := range o.tally {
		known := false
		for _, e := range all {
			known = known || e == t.encoding
		}
		if !known {
			all = append(all, t.encoding)
		}
	}
	return all
}

// RowGroup encodes a RowGroup (parquet.thrift).
func (o *Output) rowGroup() []byte {
	g := &o.group
	w := thrift.NewWriter(nil)
	w.List(1, thrift.Struct, len(g.chunks))
	for _, chunk := range g.chunks {
		w.Encoded(chunk)
	}
	w.I64(2, g.uncompressed)
	w.I64(3, int64(g.records))
	w.Raw(4, thrift.List, g.in.Sorting)
	w.I64(5, g.start)
	w.I64(6, g.compressed)
	if g.in.HasOrdinal && len(o.groups) <= math.MaxInt16 {
		w.I16(7, int16(len(o.groups)))
	}
	return w.Done()
}

// Finish writes the footer (FileMetaData, parquet.thrift).
func (o *Output) Finish() error {
	f := o.footer
	w := thrift.NewWriter(nil)
	w.I32(1, f.Version)
	w.Raw(2, thrift.List, f.Schema)
	w.I64(3, o.rows)
	w.List(4, thrift.Struct, len(o.groups))
	for _, group := range o.groups {
		w.Encoded(group)
	}
	w.Raw(5, thrift.List, f.KeyValues)
	w.Bytes(6, []byte(o.createdBy))
	w.Raw(7, thrift.List, f.ColumnOrders)
	data := w.Done()
	if int64(len(data)) > math.MaxUint32 {
		return fmt.Errorf("the footer would be larger than a Parquet file can have")
	}
	data = binary.LittleEndian.AppendUint32(data, uint32(len(data)))
	return o.write(append(data, spec.Magic...))
}
