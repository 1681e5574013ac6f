package page

// Writing page headers. They carry no statistics: those of the column chunk, in the footer, say the
// same.

import (
	"encoding/binary"

	"noo/formats/parquet/internal/encoding"
	"noo/formats/parquet/internal/spec"
	"noo/formats/parquet/internal/thrift"
)

// AppendHeader appends a PageHeader (parquet.thrift).
func AppendHeader(w *thrift.Writer, dst []byte, h Header) []byte {
	w.Reset(dst)
	w.I32(1, h.Kind)
	w.I32(2, h.Size)
	w.I32(3, h.Compressed)
	if h.HasCRC {
		w.I32(4, int32(h.CRC))
	}
	switch h.Kind {
	case spec.DataPage:
		w.Struct(5)
		w.I32(1, h.Values)
		w.I32(2, int32(h.Encoding))
		w.I32(3, int32(spec.RLE))
		w.I32(4, int32(spec.RLE))
		w.Close()
	case spec.DictionaryPage:
		w.Struct(7)
		w.I32(1, h.Values)
		w.I32(2, int32(h.Encoding))
		if h.sorted {
			w.Bool(3, true)
		}
		w.Close()
	case spec.DataPageV2:
		w.Struct(8)
		w.I32(1, h.Values)
		w.I32(2, h.Nulls)
		w.I32(3, h.Rows)
		w.I32(4, int32(h.Encoding))
		w.I32(5, h.DefBytes)
		w.I32(6, h.RepBytes)
		w.Bool(7, h.IsCompressed)
		w.Close()
	}
	return w.Done()
}

// setLevelsSize fills in the size before the levels of a page v1, which start at start.
func setLevelsSize(dst []byte, start int, v1 bool) []byte {
	if v1 {
		binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	}
	return dst
}

// AppendLevels appends levels, after their size in a page v1.
func AppendLevels(dst []byte, levels []uint8, most uint8, v1 bool) []byte {
	start := len(dst)
	if v1 {
		dst = append(dst, 0, 0, 0, 0)
	}
	dst = encoding.AppendHybrid(dst, levels, encoding.WidthOf(uint32(most)))
	return setLevelsSize(dst, start, v1)
}

// AppendConstantLevels appends n times the largest level.
func AppendConstantLevels(dst []byte, n int, most uint8, v1 bool) []byte {
	start := len(dst)
	if v1 {
		dst = append(dst, 0, 0, 0, 0)
	}
	dst = encoding.AppendRun(dst, n, most, encoding.WidthOf(uint32(most)))
	return setLevelsSize(dst, start, v1)
}
