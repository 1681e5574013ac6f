package page

import (
	"slices"
	"testing"

	"noo/formats/parquet/internal/encoding"
	"noo/formats/parquet/internal/spec"
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
