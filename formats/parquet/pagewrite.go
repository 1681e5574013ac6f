package parquet

// Writing page headers. They carry no statistics: those of the column chunk, in the footer, say the same.

import (
	"encoding/binary"

	"noo/formats/parquet/internal/compact"
)

// appendPageHeader appends a PageHeader (parquet.thrift).
func appendPageHeader(w *compact.Writer, dst []byte, h pageHeader) []byte {
	w.Reset(dst)
	w.I32(1, h.kind)
	w.I32(2, h.size)
	w.I32(3, h.compressed)
	if h.hasCRC {
		w.I32(4, int32(h.crc))
	}
	switch h.kind {
	case dataPage:
		w.Struct(5)
		w.I32(1, h.values)
		w.I32(2, int32(h.encoding))
		w.I32(3, int32(rle))
		w.I32(4, int32(rle))
		w.Close()
	case dictionaryPage:
		w.Struct(7)
		w.I32(1, h.values)
		w.I32(2, int32(h.encoding))
		if h.sorted {
			w.Bool(3, true)
		}
		w.Close()
	case dataPageV2:
		w.Struct(8)
		w.I32(1, h.values)
		w.I32(2, h.nulls)
		w.I32(3, h.rows)
		w.I32(4, int32(h.encoding))
		w.I32(5, h.defBytes)
		w.I32(6, h.repBytes)
		w.Bool(7, h.isCompressed)
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
