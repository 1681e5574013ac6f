package parquet

// Fuzz targets. Run one for some minutes with: go test -run '^$' -fuzz '^FuzzFile$' -fuzztime 10m
// ./formats/parquet

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"

	"noo/formats/parquet/internal/meta"
	"noo/formats/parquet/internal/rewrite"
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
		parsed, err := meta.ParseFooter(data, 1<<20)
		if err != nil {
			return
		}
		for g := range parsed.RowGroups {
			for c, ch := range parsed.RowGroups[g].Chunks {
				if ch.Start < 0 || ch.End < ch.Start || ch.End > 1<<20 || ch.Values < 0 {
					t.Errorf("row group %d, column %d: %d values at %d to %d", g, c, ch.Values, ch.Start, ch.End)
				}
			}
		}
		// What was read must be fit to be written and read again.
		var out bytes.Buffer
		o, err := rewrite.NewOutput(&out, parsed, "0")
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Finish(); err != nil {
			t.Fatal(err)
		}
		again, err := meta.ReadFooter(bytes.NewReader(out.Bytes()), int64(out.Len()), 1<<30)
		if err != nil {
			t.Fatalf("the footer written cannot be read: %v", err)
		}
		if !bytes.Equal(again.Schema, parsed.Schema) || !bytes.Equal(again.KeyValues, parsed.KeyValues) {
			t.Error("the schema or the metadata changed")
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
