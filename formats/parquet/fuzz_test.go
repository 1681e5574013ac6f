package parquet

// Fuzz targets. Run one for some minutes with: go test -run '^$' -fuzz '^FuzzFile$' -fuzztime 10m ./formats/parquet

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"

	"noo/formats/parquet/internal/compact"
)

func FuzzFooter(f *testing.F) {
	for _, data := range samples(f) {
		if len(data) > 20 {
			if n := int(binary.LittleEndian.Uint32(data[len(data)-8:])); n < len(data)-12 {
				f.Add(data[len(data)-8-n : len(data)-8])
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		parsed, err := parseFooter(data, 1<<20)
		if err != nil {
			return
		}
		for g := range parsed.rowGroups {
			for c, ch := range parsed.rowGroups[g].chunks {
				if ch.start < 0 || ch.end < ch.start || ch.end > 1<<20 || ch.values < 0 {
					t.Errorf("row group %d, column %d: %d values at %d to %d", g, c, ch.values, ch.start, ch.end)
				}
			}
		}
		// What was read must be fit to be written and read again.
		var out bytes.Buffer
		o, err := newOutput(&out, parsed, "0")
		if err != nil {
			t.Fatal(err)
		}
		if err := o.finish(); err != nil {
			t.Fatal(err)
		}
		again, err := readFooter(bytes.NewReader(out.Bytes()), int64(out.Len()), 1<<30)
		if err != nil {
			t.Fatalf("the footer written cannot be read: %v", err)
		}
		if !bytes.Equal(again.schema, parsed.schema) || !bytes.Equal(again.keyValues, parsed.keyValues) {
			t.Error("the schema or the metadata changed")
		}
	})
}

func FuzzPageHeader(f *testing.F) {
	w := &compact.Writer{}
	f.Add(appendPageHeader(w, nil, dataHeader(3, 12, 10)))
	f.Add(appendPageHeader(w, nil, pageHeader{kind: dictionaryPage, size: 9, compressed: 9, values: 2, hasCRC: true, crc: 1 << 31, sorted: true}))
	f.Add(appendPageHeader(w, nil, pageHeader{kind: dataPageV2, size: 90, compressed: 80, values: 20, nulls: 3, rows: 20, defBytes: 4, isCompressed: true}))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := readPageHeader(compact.NewReader(data))
		if err != nil || h.kind == indexPage {
			return
		}
		h.defEncoding, h.repEncoding = rle, rle // which is what is written
		if h.kind != dataPage {
			h.defEncoding, h.repEncoding = 0, 0
		}
		again, err := readPageHeader(compact.NewReader(appendPageHeader(w, nil, h)))
		if err != nil || again != h {
			t.Errorf("%+v became %+v, %v", h, again, err)
		}
	})
}

func FuzzLevels(f *testing.F) {
	f.Add([]byte{3, 0x55, 8, 1}, uint8(1), uint16(12))
	f.Add([]byte{200, 1, 7}, uint8(200), uint16(100))
	f.Fuzz(func(t *testing.T, data []byte, most uint8, n uint16) {
		width := widthOf(uint32(most))
		levels := make([]uint8, n)
		if decodeHybrid(levels, data, width) == nil && checkLevels(levels, most) == nil {
			again := make([]uint8, n)
			if err := decodeHybrid(again, appendHybrid(nil, levels, width), width); err != nil || !slices.Equal(again, levels) {
				t.Errorf("levels do not survive: %v", err)
			}
		}
		if size, err := decodeBitPacked(levels, data, width); err == nil && size > len(data) {
			t.Errorf("%d bytes were read of %d", size, len(data))
		}
		if v, ok := constant(data, int(n), max(1, width)); ok {
			if err := decodeHybrid(levels, data, max(1, width)); err == nil && slices.ContainsFunc(levels, func(l uint8) bool { return uint32(l) != v }) {
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
		for _, l := range []leaf{{kind: byteArray, order: bytewise}, {kind: int64Type, width: 8, order: signedInts}, {kind: fixedLenByteArray}} {
			var d dictionary
			if d.load(page{pageHeader: pageHeader{values: size}, body: values}, &l) != nil {
				continue
			}
			got, err := d.indices(nil, page{body: indices, defined: int(n)})
			if err != nil {
				continue
			}
			used, renumber := make([]bool, d.size), make([]uint32, d.size)
			for _, index := range got {
				used[index] = true
			}
			var seen bounds
			seen.reset(l.order, l.width)
			pruned, left := d.pruned(nil, used, renumber, &seen)
			var again dictionary
			if err := again.load(page{pageHeader: pageHeader{values: int32(left)}, body: pruned}, &l); err != nil {
				t.Fatal(err)
			}
			for _, index := range got {
				if !bytes.Equal(again.encoded(renumber[index]), d.encoded(index)) {
					t.Fatal("a value changed")
				}
			}
		}
	})
}

// coders are the value coders, with the leaf that each is for.
func coders() map[encoding][]leaf {
	texts, fixed := leaf{kind: byteArray}, leaf{kind: fixedLenByteArray, width: 3}
	four, eight := leaf{kind: int32Type, width: 4}, leaf{kind: int64Type, width: 8}
	return map[encoding][]leaf{
		deltaBinaryPacked: {four, eight}, deltaLengthByteArray: {texts}, deltaByteArray: {texts, fixed}, byteStreamSplit: {four, eight, fixed},
		rle: {{kind: boolean}},
	}
}

func FuzzValues(f *testing.F) {
	random := rand.New(rand.NewPCG(4, 4))
	for range 20 {
		var numbers []int64
		for range random.IntN(300) {
			numbers = append(numbers, random.Int64()>>random.IntN(64))
		}
		f.Add(appendDelta(nil, numbers, false), uint16(len(numbers)))
	}
	f.Fuzz(func(t *testing.T, data []byte, n uint16) {
		const limit = 1 << 20
		for e, leaves := range coders() {
			for _, l := range leaves {
				coder, err := coderFor(l.kind, l.width, e, false)
				if err != nil {
					t.Fatal(err)
				}
				values, err := coder.toPlain(nil, data, int(n), limit)
				if err != nil {
					continue
				}
				if len(values) > limit {
					t.Errorf("encoding %d: %d bytes, over the limit", e, len(values))
				}
				encoded, err := coder.fromPlain(nil, values, int(n))
				if err != nil {
					t.Fatal(err)
				}
				again, err := coder.toPlain(nil, encoded, int(n), limit)
				if err != nil || !bytes.Equal(again, values) {
					t.Errorf("encoding %d: values do not survive: %v", e, err)
				}
			}
		}
	})
}

func FuzzFile(f *testing.F) {
	for _, data := range samples(f) {
		if len(data) < 20_000 {
			f.Add(data)
		}
	}
	for _, version := range []parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2} {
		f.Add(paged(f, 80, compress.Codecs.Snappy, version, rand.New(rand.NewPCG(12, 12))))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		wantRefusedOrRead(t, Format{MaxPage: 1 << 20, Workers: 1}, data)
	})
}
