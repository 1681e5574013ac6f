package page

import (
	"bytes"
	"slices"
	"testing"

	"noo/formats/parquet/internal/encoding"
	"noo/formats/parquet/internal/meta"
	"noo/formats/parquet/internal/spec"
	"noo/formats/parquet/internal/stats"
	"noo/formats/parquet/internal/thrift"
)

func FuzzPageHeader(f *testing.F) {
	w := &thrift.Writer{}
	f.Add(AppendHeader(w, nil, Header{Kind: spec.DataPage, Values: 3, Size: 12, Compressed: 10, Encoding: spec.Plain}))
	f.Add(AppendHeader(w, nil, Header{Kind: spec.DictionaryPage, Size: 9, Compressed: 9, Values: 2, HasCRC: true, CRC: 1 << 31, sorted: true}))
	f.Add(AppendHeader(w, nil, Header{Kind: spec.DataPageV2, Size: 90, Compressed: 80, Values: 20, Nulls: 3, Rows: 20, DefBytes: 4, IsCompressed: true}))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := readHeader(thrift.NewReader(data))
		if err != nil || h.Kind == spec.IndexPage {
			return
		}
		h.defEncoding, h.repEncoding = spec.RLE, spec.RLE // which is what is written
		if h.Kind != spec.DataPage {
			h.defEncoding, h.repEncoding = 0, 0
		}
		again, err := readHeader(thrift.NewReader(AppendHeader(w, nil, h)))
		if err != nil || again != h {
			t.Errorf("%+v became %+v, %v", h, again, err)
		}
	})
}

func FuzzLevels(f *testing.F) {
	f.Add([]byte{3, 0x55, 8, 1}, uint8(1), uint16(12))
	f.Add([]byte{200, 1, 7}, uint8(200), uint16(100))
	f.Fuzz(func(t *testing.T, data []byte, most uint8, n uint16) {
		width := encoding.WidthOf(uint32(most))
		levels := make([]uint8, n)
		if encoding.DecodeHybrid(levels, data, width) == nil && checkLevels(levels, most) == nil {
			again := make([]uint8, n)
			if err := encoding.DecodeHybrid(again, encoding.AppendHybrid(nil, levels, width), width); err != nil || !slices.Equal(again, levels) {
				t.Errorf("levels do not survive: %v", err)
			}
		}
		if size, err := encoding.DecodeBitPacked(levels, data, width); err == nil && size > len(data) {
			t.Errorf("%d bytes were read of %d", size, len(data))
		}
		if v, ok := encoding.Constant(data, int(n), max(1, width)); ok {
			if err := encoding.DecodeHybrid(levels, data, max(1, width)); err == nil && slices.ContainsFunc(levels, func(l uint8) bool { return uint32(l) != v }) {
				t.Errorf("a run of %d was announced", v)
			}
		}
	})
}

func FuzzDictionary(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00a\x02\x00\x00\x00bc"), int32(2), []byte{1, 3, 2}, uint16(8))
	f.Fuzz(func(t *testing.T, values []byte, size int32, indices []byte, n uint16) {
		if size < 0 || size > 1<<16 {
			return
		}
		for _, l := range []meta.Leaf{{Kind: spec.ByteArray, Order: stats.Bytewise}, {Kind: spec.Int64Type, Width: 8, Order: stats.SignedInts}, {Kind: spec.FixedLenByteArray}} {
			var d Dictionary
			if d.Load(Page{Header: Header{Values: size}, Body: values}, &l) != nil {
				continue
			}
			got, err := d.Indices(nil, Page{Body: indices, Defined: int(n)})
			if err != nil {
				continue
			}
			used, renumber := make([]bool, d.Size), make([]uint32, d.Size)
			for _, index := range got {
				used[index] = true
			}
			var seen stats.Bounds
			seen.Reset(l.Order, l.Width)
			pruned, left := d.Pruned(nil, used, renumber, &seen)
			var again Dictionary
			if err := again.Load(Page{Header: Header{Values: int32(left)}, Body: pruned}, &l); err != nil {
				t.Fatal(err)
			}
			for _, index := range got {
				if !bytes.Equal(again.Encoded(renumber[index]), d.Encoded(index)) {
					t.Fatal("a value changed")
				}
			}
		}
	})
}
