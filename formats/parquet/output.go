package parquet

// Putting the new file together: column chunks in the order in which they come, and a footer written anew.

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"noo/formats/parquet/internal/compact"
)

// output is one file in the making. It is written from start to end.
type output struct {
	to        io.Writer
	footer    *footer // of the input
	createdBy string
	at        int64 // bytes written
	rows      int64
	groups    [][]byte // RowGroup structs, encoded
	group     groupOut
}

// groupOut is the row group in the making.
type groupOut struct {
	in                       *rowGroup
	records                  int
	start                    int64
	compressed, uncompressed int64
	chunks                   [][]byte // ColumnChunk structs, encoded
}

func newOutput(to io.Writer, f *footer, version string) (*output, error) {
	o := &output{to: to, footer: f, createdBy: "noo version " + version}
	return o, o.write([]byte(magic))
}

func (o *output) write(p []byte) error {
	n, err := o.to.Write(p)
	o.at += int64(n)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return err
}

// startGroup begins a row group.
func (o *output) startGroup(in *rowGroup, records int) {
	o.group = groupOut{in: in, records: records, start: o.at, chunks: o.group.chunks[:0]}
}

// writeChunk writes the pages of the next column chunk, and with the last one ends the row group.
func (o *output) writeChunk(column int, in *chunk, out *chunkOut) error {
	o.group.chunks = append(o.group.chunks, o.chunkMetaData(&o.footer.leaves[column], in, out))
	o.group.compressed += int64(len(out.pages))
	o.group.uncompressed += out.uncompressed
	if err := o.write(out.pages); err != nil {
		return err
	}
	if len(o.group.chunks) == len(o.footer.leaves) {
		o.groups = append(o.groups, o.rowGroup())
		o.rows += int64(o.group.records)
	}
	return nil
}

// chunkMetaData encodes a ColumnChunk (parquet.thrift) for pages that are about to be written.
func (o *output) chunkMetaData(l *leaf, in *chunk, out *chunkOut) []byte {
	w := compact.NewWriter(nil)
	w.I64(2, 0) // file_offset is deprecated, and 0 where the metadata is only in the footer
	w.Struct(3)
	w.I32(1, int32(l.kind))
	encodings := out.encodings()
	w.List(2, compact.I32, len(encodings))
	for _, e := range encodings {
		w.Int(int64(e))
	}
	w.List(3, compact.Binary, len(l.path))
	for _, name := range l.path {
		w.Element([]byte(name))
	}
	w.I32(4, int32(in.codec))
	w.I64(5, out.values)
	w.I64(6, out.uncompressed)
	w.I64(7, int64(len(out.pages)))
	w.Raw(8, compact.List, in.keyValues)
	w.I64(9, o.at+int64(out.dataAt))
	if out.dictionaryAt >= 0 {
		w.I64(11, o.at+int64(out.dictionaryAt))
	}
	out.seen.write(w, 12, out.nulls)
	w.List(13, compact.Struct, len(out.tally))
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
func (o *chunkOut) encodings() []encoding {
	all := []encoding{rle}
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

// rowGroup encodes a RowGroup (parquet.thrift).
func (o *output) rowGroup() []byte {
	g := &o.group
	w := compact.NewWriter(nil)
	w.List(1, compact.Struct, len(g.chunks))
	for _, chunk := range g.chunks {
		w.Encoded(chunk)
	}
	w.I64(2, g.uncompressed)
	w.I64(3, int64(g.records))
	w.Raw(4, compact.List, g.in.sorting)
	w.I64(5, g.start)
	w.I64(6, g.compressed)
	if g.in.hasOrdinal && len(o.groups) <= math.MaxInt16 {
		w.I16(7, int16(len(o.groups)))
	}
	return w.Done()
}

// finish writes the footer (FileMetaData, parquet.thrift).
func (o *output) finish() error {
	f := o.footer
	w := compact.NewWriter(nil)
	w.I32(1, f.version)
	w.Raw(2, compact.List, f.schema)
	w.I64(3, o.rows)
	w.List(4, compact.Struct, len(o.groups))
	for _, group := range o.groups {
		w.Encoded(group)
	}
	w.Raw(5, compact.List, f.keyValues)
	w.Bytes(6, []byte(o.createdBy))
	w.Raw(7, compact.List, f.columnOrders)
	data := w.Done()
	if int64(len(data)) > math.MaxUint32 {
		return fmt.Errorf("the footer would be larger than a Parquet file can have")
	}
	data = binary.LittleEndian.AppendUint32(data, uint32(len(data)))
	return o.write(append(data, magic...))
}
