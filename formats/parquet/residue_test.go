package parquet

// No residue: nothing that only removed records held is anywhere in an output, and nothing in it is
// stale.

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"noo/formats"
	"noo/formats/parquet/internal/codec"
	"noo/formats/parquet/internal/meta"
	"noo/formats/parquet/internal/page"
	"noo/formats/parquet/internal/spec"
)

// surfaces gives every stretch of bytes that a reader can come upon in a file: the file itself, and
// each page decompressed. It also checks that the file is made of nothing else than magic, pages in
// the order of the footer, and footer.
func surfaces(t *testing.T, data []byte) [][]byte {
	t.Helper()
	f, err := meta.ReadFooter(bytes.NewReader(data), int64(len(data)), DefaultMaxPage)
	if err != nil {
		t.Fatal(err)
	}
	all := [][]byte{data}
	at := int64(len(spec.Magic))
	for g := range f.RowGroups {
		for c := range f.RowGroups[g].Chunks {
			ch := &f.RowGroups[g].Chunks[c]
			if ch.Start != at {
				t.Errorf("row group %d, column %d starts at %d, want %d", g, c, ch.Start, at)
			}
			at = ch.End
			p := page.Reader{In: bytes.NewReader(data), Limit: DefaultMaxPage, Zip: &codec.Compressor{}}
			for p.Open(&f.Leaves[c], ch); ; {
				pg, err := p.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, bytes.Clone(pg.Body))
			}
			if left := ch.End - p.Ahead + int64(len(p.Have)); left != 0 {
				t.Errorf("row group %d, column %d has %d bytes behind its pages", g, c, left)
			}
		}
	}
	footer := int64(binary.LittleEndian.Uint32(data[len(data)-spec.TailSize:]))
	if at != int64(len(data))-spec.TailSize-footer {
		t.Errorf("pages end at %d, the footer starts at %d", at, int64(len(data))-spec.TailSize-footer)
	}
	return all
}

// onlyGone gives the values of a column that removed records have and no record that stays
// contains, in any column. Values of few different bytes are left out: small numbers turn up by
// chance.
func onlyGone(all *table, column int, gone func(int) bool) (texts []string) {
	var stays strings.Builder
	for _, records := range all.columns {
		for i, record := range records {
			for _, e := range record {
				if !gone(i) {
					stays.WriteString(e.value + "\n")
				}
			}
		}
	}
	for i, record := range all.columns[column] {
		for _, e := range record {
			if gone(i) && telling(e.value) && !strings.Contains(stays.String(), e.value) {
				texts = append(texts, e.value)
			}
		}
	}
	return texts
}

// telling reports whether a value is unlikely to turn up by chance.
func telling(value string) bool {
	different := map[byte]bool{}
	for i := range len(value) {
		different[value[i]] = true
	}
	return len(different) >= 5
}

func wantNoResidue(t *testing.T, out []byte, secrets []string) {
	t.Helper()
	for i, surface := range surfaces(t, out) {
		for n, secret := range secrets {
			if bytes.Contains(surface, []byte(secret)) {
				t.Fatalf("value %d of removed records is in stretch %d", n, i)
			}
		}
	}
}

func TestSamplesLeaveNoResidue(t *testing.T) {
	checked := 0
	for name, data := range samples(t) {
		if refused[name] != "" || sameAs[name] != "" {
			continue
		}
		want, err := readTable(data)
		if err != nil {
			t.Fatal(err)
		}
		gone := func(i int) bool { return i%2 == 0 }
		out, _, err := split(Format{}, name, data, func(i int) formats.Fate {
			if gone(i) {
				return formats.Drop
			}
			return formats.Keep
		})
		if err != nil {
			t.Fatal(err)
		}
		for c := range want.columns {
			secrets := onlyGone(want, c, gone)
			secrets = secrets[:min(len(secrets), 100)]
			checked += len(secrets)
			t.Run(name+"/"+want.names[c], func(t *testing.T) { wantNoResidue(t, out, secrets) })
		}
	}
	if checked < 1000 {
		t.Errorf("only %d values were looked for", checked)
	}
}

// written makes a file with Arrow that has everything that summarises values: dictionaries,
// statistics, page indexes and bloom filters. Column 0 has a number for each record, column 1 words
// of which many are rare, column 2 a sum, column 3 a text of its own.
func written(t testing.TB, records int, codec compress.Compression, version parquet.DataPageVersion, random *rand.Rand) []byte {
	t.Helper()
	text := func(name string) schema.Node {
		return schema.MustPrimitive(schema.NewPrimitiveNodeLogical(name, parquet.Repetitions.Optional, schema.StringLogicalType{}, parquet.Types.ByteArray, 0, -1))
	}
	root := schema.MustGroup(schema.NewGroupNode("schema", parquet.Repetitions.Required, schema.FieldList{
		text("nhs_number"), text("word"), schema.NewFloat64Node("sum", parquet.Repetitions.Required, -1), text("own"),
		schema.NewInt64Node("id", parquet.Repetitions.Required, -1),
	}, -1))
	var out bytes.Buffer
	w := file.NewParquetWriter(&out, root, file.WithWriterProps(parquet.NewWriterProperties(parquet.WithCompression(codec), parquet.WithDataPageVersion(version),
		parquet.WithStats(true), parquet.WithDataPageSize(2000), parquet.WithPageIndexEnabled(true), parquet.WithBloomFilterEnabled(true),
		parquet.WithDictionaryFor("own", false), parquet.WithDictionaryFor("id", false), parquet.WithCreatedBy("parquet-mr version 1.7.0"))))
	for start := 0; start < records; start += 1000 {
		group, err := w.AppendBufferedRowGroupChecked()
		if err != nil {
			t.Fatal(err)
		}
		n := min(1000, records-start)
		texts := [3][]parquet.ByteArray{}
		sums, ids, defs := []float64{}, []int64{}, []int16{}
		for i := start; i < start+n; i++ {
			texts[0] = append(texts[0], []byte(testNumber(i)))
			texts[1] = append(texts[1], fmt.Appendf(nil, "word-%d", random.IntN(1+random.IntN(1000))))
			texts[2] = append(texts[2], fmt.Appendf(nil, "own-%d-text", i))
			sums, ids, defs = append(sums, float64(i)*math.Pi-100), append(ids, int64(i+1)*1_000_003_000_007_019), append(defs, 1)
		}
		for c, values := range map[int]any{0: texts[0], 1: texts[1], 2: sums, 3: texts[2], 4: ids} {
			column, err := group.Column(c)
			if err != nil {
				t.Fatal(err)
			}
			switch column := column.(type) {
			case *file.ByteArrayColumnChunkWriter:
				_, err = column.WriteBatch(values.([]parquet.ByteArray), defs, nil)
			case *file.Float64ColumnChunkWriter:
				_, err = column.WriteBatch(values.([]float64), nil, nil)
			case *file.Int64ColumnChunkWriter:
				_, err = column.WriteBatch(values.([]int64), nil, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := group.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// testNumber gives a text like an NHS number of the range that is never issued.
func testNumber(i int) string { return fmt.Sprintf("9%09d", i*7919%1_000_000_000) }

func TestNoResidue(t *testing.T) {
	for _, version := range []parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2} {
		for _, codec := range []compress.Compression{compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Zstd} {
			t.Run(fmt.Sprint(version, codec), func(t *testing.T) {
				random := rand.New(rand.NewPCG(3, uint64(version)))
				data := written(t, 3500, codec, version, random)
				gone := make([]bool, 3500)
				for i := range gone {
					// The first row group goes, and the largest values.
					gone[i] = random.IntN(4) == 0 || i < 1200 || i == 3499
				}
				fate := func(i int) formats.Fate {
					if gone[i] {
						return formats.Drop
					}
					return formats.Keep
				}
				out, _, err := split(Format{}, "residue.parquet", data, fate)
				if err != nil {
					t.Fatal(err)
				}
				want, err := readTable(data)
				if err != nil {
					t.Fatal(err)
				}
				for c := range want.columns {
					secrets := onlyGone(want, c, func(i int) bool { return gone[i] })
					if len(secrets) == 0 {
						t.Fatalf("column %d has no value that only removed records have", c)
					}
					wantNoResidue(t, out, secrets)
				}
				wantFreshMetadata(t, out)
			})
		}
	}
}

// wantFreshMetadata checks that statistics are those of the values, and that there is neither index
// nor bloom filter.
func wantFreshMetadata(t *testing.T, out []byte) {
	t.Helper()
	r, err := file.NewParquetReader(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	got, err := readTable(out)
	if err != nil {
		t.Fatal(err)
	}
	at := int64(0)
	for g := range r.NumRowGroups() {
		meta := r.MetaData().RowGroup(g)
		for c := range meta.NumColumns() {
			chunk, err := meta.ColumnChunk(c)
			if err != nil {
				t.Fatal(err)
			}
			if chunk.HasIndexPage() || chunk.BloomFilterOffset() != 0 || chunk.GetColumnIndexLocation() != nil || chunk.GetOffsetIndexLocation() != nil {
				t.Errorf("row group %d, column %d has an index or a bloom filter", g, c)
			}
			stats, err := chunk.Statistics()
			if err != nil || stats == nil || !stats.HasMinMax() {
				t.Errorf("row group %d, column %d has no bounds: %v", g, c, err)
				continue
			}
			low, high := extremes(got.columns[c][at:at+meta.NumRows()], r.MetaData().Schema.Column(c).PhysicalType())
			if string(stats.EncodeMin()) != low || string(stats.EncodeMax()) != high {
				t.Errorf("row group %d, column %d has bounds %q and %q, want %q and %q", g, c, stats.EncodeMin(), stats.EncodeMax(), low, high)
			}
		}
		at += meta.NumRows()
	}
}

// extremes gives the least and largest value of a column.
func extremes(records [][]triple, kind parquet.Type) (low, high string) {
	order := func(v string) string { return v }
	if kind != parquet.Types.ByteArray {
		// As written here these are all ordered by the sign and then the bytes from the last.
		order = func(v string) string {
			b := binary.BigEndian.AppendUint64(nil, binary.LittleEndian.Uint64([]byte(v)))
			if b[0] >= 0x80 {
				for i := range b {
					b[i] = ^b[i]
				}
			} else {
				b[0] |= 0x80
			}
			return string(b)
		}
	}
	for i, record := range records {
		v := record[0].value
		if i == 0 || order(v) < order(low) {
			low = v
		}
		if i == 0 || order(v) > order(high) {
			high = v
		}
	}
	return low, high
}

// TestSameBytes holds the output to be the same whatever the number of workers.
func TestSameBytes(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	data := written(t, 5000, compress.Codecs.Zstd, parquet.DataPageV1, random)
	fate := func(i int) formats.Fate { return formats.Fate(uint32(i) * 2654435761 >> 16 % 3) }
	kept, withheld, err := split(Format{Workers: 1}, "same.parquet", data, fate)
	if err != nil {
		t.Fatal(err)
	}
	for _, workers := range []int{2, 3, 16} {
		k, w, err := split(Format{Workers: workers}, "same.parquet", data, fate)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(k, kept) || !bytes.Equal(w, withheld) {
			t.Errorf("%d workers write other bytes than one", workers)
		}
	}
}
