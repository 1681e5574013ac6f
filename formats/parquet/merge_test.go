package parquet

// Pages of which little is left: there are as many as their size warrants, and they read the same.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
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

// pagedColumn is a column of the files here.
type pagedColumn struct {
	kind       parquet.Type
	encoding   parquet.Encoding
	dictionary bool
	nullable   bool
	list       bool
	few        bool // different values
}

// pagedColumns has every way in which the values of a page can lie.
var pagedColumns = map[string]pagedColumn{
	"a_ints":             {kind: parquet.Types.Int64},
	"b_doubles":          {kind: parquet.Types.Double, nullable: true},
	"c_texts":            {kind: parquet.Types.ByteArray, nullable: true},
	"d_booleans":         {kind: parquet.Types.Boolean},
	"e_rle_booleans":     {kind: parquet.Types.Boolean, encoding: parquet.Encodings.RLE, nullable: true},
	"f_dictionary":       {kind: parquet.Types.ByteArray, dictionary: true, nullable: true, few: true},
	"g_dictionary_ints":  {kind: parquet.Types.Int64, dictionary: true, few: true},
	"h_falls_back":       {kind: parquet.Types.ByteArray, dictionary: true},
	"i_delta":            {kind: parquet.Types.Int64, encoding: parquet.Encodings.DeltaBinaryPacked},
	"j_delta_lengths":    {kind: parquet.Types.ByteArray, encoding: parquet.Encodings.DeltaLengthByteArray, nullable: true},
	"k_delta_texts":      {kind: parquet.Types.ByteArray, encoding: parquet.Encodings.DeltaByteArray},
	"l_split":            {kind: parquet.Types.Double, encoding: parquet.Encodings.ByteStreamSplit},
	"m_lists":            {kind: parquet.Types.Int64, list: true},
	"n_dictionary_lists": {kind: parquet.Types.ByteArray, dictionary: true, list: true, few: true},
	"o_delta_lists":      {kind: parquet.Types.Int64, encoding: parquet.Encodings.DeltaBinaryPacked, list: true},
	"p_boolean_lists":    {kind: parquet.Types.Boolean, list: true},
}

func pagedNames() (names []string) {
	for name := range pagedColumns {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// paged writes a file with Arrow of many small pages, of which those of version 1 may begin within
// a record. Each column has one row group.
func paged(t testing.TB, records int, codec compress.Compression, version parquet.DataPageVersion, random *rand.Rand) []byte {
	t.Helper()
	var fields schema.FieldList
	properties := []parquet.WriterProperty{parquet.WithCompression(codec), parquet.WithDataPageVersion(version), parquet.WithDataPageSize(400),
		parquet.WithBatchSize(16), parquet.WithDictionaryPageSizeLimit(3000), parquet.WithDictionaryDefault(false)}
	for _, name := range pagedNames() {
		c := pagedColumns[name]
		repetition := parquet.Repetitions.Required
		if c.nullable || c.list {
			repetition = parquet.Repetitions.Optional
		}
		path := name
		var node schema.Node = schema.MustPrimitive(schema.NewPrimitiveNode(name, repetition, c.kind, -1, -1))
		if c.list {
			list, err := schema.ListOf(node, parquet.Repetitions.Optional, -1)
			if err != nil {
				t.Fatal(err)
			}
			node, path = list, name+".list.element"
		}
		fields = append(fields, node)
		properties = append(properties, parquet.WithDictionaryFor(path, c.dictionary), parquet.WithEncodingFor(path, c.encoding))
	}
	var out bytes.Buffer
	root := schema.MustGroup(schema.NewGroupNode("schema", parquet.Repetitions.Required, fields, -1))
	w := file.NewParquetWriter(&out, root, file.WithWriterProps(parquet.NewWriterProperties(properties...)))
	group, err := w.AppendBufferedRowGroupChecked()
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range pagedNames() {
		writer, err := group.Column(i)
		if err != nil {
			t.Fatal(err)
		}
		if err := writePaged(writer, pagedColumns[name], records, random); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(group.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// writePaged writes random values of a column.
func writePaged(writer file.ColumnChunkWriter, c pagedColumn, records int, random *rand.Rand) (err error) {
	var defs, reps []int16
	n := 0
	most := writer.Descr().MaxDefinitionLevel()
	entry := func(def, rep int16) {
		defs, reps = append(defs, def), append(reps, rep)
		if def == most {
			n++
		}
	}
	for i := range records {
		if !c.list {
			entry(most-int16(random.IntN(4)/3)*min(most, 1), 0)
			continue
		}
		// Arrow's writer (v18.8.0) slices the length of a page of DELTA_BINARY_PACKED out of the
		// next one where that has no value, and panics if memory there is short: here every batch
		// of 16 levels has a value, and so has the last, shorter one.
		last := i == records-1
		if c.encoding == parquet.Encodings.DeltaBinaryPacked && (last || i%2 == 0) {
			entry(most, 0)
		} else {
			entry(int16(random.IntN(int(most)+1)), 0)
		}
		if last {
			break
		}
		for range random.IntN(5) {
			if defs[len(defs)-1] < most-1 { // the list is empty or not there
				break
			}
			entry(most-int16(random.IntN(2)), 1)
		}
	}
	if most == 0 {
		defs = nil
	}
	if !c.list {
		reps = nil
	}
	number := func() int {
		if c.few {
			return random.IntN(20)
		}
		return random.IntN(1_000_000_000)
	}
	switch w := writer.(type) {
	case *file.Int64ColumnChunkWriter:
		_, err = w.WriteBatch(made(n, func() int64 { return int64(number()) }), defs, reps)
	case *file.Float64ColumnChunkWriter:
		_, err = w.WriteBatch(made(n, func() float64 { return float64(number()) / 100 }), defs, reps)
	case *file.BooleanColumnChunkWriter:
		_, err = w.WriteBatch(made(n, func() bool { return random.IntN(3) == 0 }), defs, reps)
	case *file.ByteArrayColumnChunkWriter:
		_, err = w.WriteBatch(made(n, func() parquet.ByteArray { return fmt.Appendf(nil, "text-%d", number()) }), defs, reps)
	default:
		err = fmt.Errorf("no values for %T", w)
	}
	return err
}

func made[T any](n int, value func() T) (all []T) {
	for range n {
		all = append(all, value())
	}
	return all
}

// pageSeen is what a test wants to know of a data page.
type pageSeen struct {
	page.Header
	continues bool // it begins within a record
}

// dataPages lists the data pages of each column of a file, which are all well-formed.
func dataPages(t *testing.T, data []byte) [][]pageSeen {
	t.Helper()
	f, err := meta.ReadFooter(bytes.NewReader(data), int64(len(data)), DefaultMaxPage)
	if err != nil {
		t.Fatal(err)
	}
	all := make([][]pageSeen, len(f.Leaves))
	for g := range f.RowGroups {
		for c := range f.Leaves {
			p := page.Reader{In: bytes.NewReader(data), Limit: DefaultMaxPage, Zip: &codec.Compressor{}}
			for p.Open(&f.Leaves[c], &f.RowGroups[g].Chunks[c]); ; {
				pg, err := p.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if pg.Kind != spec.DictionaryPage {
					all[c] = append(all[c], pageSeen{pg.Header, len(pg.Reps) > 0 && pg.Reps[0] != 0})
				}
			}
		}
	}
	return all
}

func mostValues(pages []pageSeen) (most int32) {
	for _, p := range pages {
		most = max(most, p.Values)
	}
	return most
}

func continued(pages []pageSeen) (n int) {
	for _, p := range pages {
		if p.continues {
			n++
		}
	}
	return n
}

// wantPages checks that pages hold about as much as those of the input, of which a share of the
// records is gone.
func wantPages(t *testing.T, name string, in, out []pageSeen, gone float64) {
	t.Helper()
	encodings := map[spec.Encoding]bool{}
	for _, p := range out {
		encodings[p.Encoding] = true
	}
	most := float64(len(in))
	if gone >= 0.9 {
		// At least half a page each, with room for chance, and one for what is left over of each
		// encoding.
		most = 2.5*(1-gone)*float64(len(in)) + 2*float64(len(encodings)) + 1
	}
	if float64(len(out)) > most {
		t.Errorf("column %s has %d pages where the input had %d, want %.0f", name, len(out), len(in), most)
	}
	if mostValues(out) > mostValues(in) {
		t.Errorf("column %s has a page of %d values, and of %d in the input", name, mostValues(out), mostValues(in))
	}
	if continued(out) > continued(in) {
		t.Errorf("column %s has %d pages that begin within a record, and %d in the input", name, continued(out), continued(in))
	}
	if gone == 0 && len(in) != len(out) {
		t.Errorf("column %s has %d pages where nothing is gone, want %d", name, len(out), len(in))
	}
}

// paths are both ways through the package.
var paths = map[string]Format{"pages": {Workers: 2}, "values": {Workers: 1, valuesOnly: true}}

func TestFewRecordsLeft(t *testing.T) {
	const records = 3000
	codecs := []compress.Compression{compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Gzip, compress.Codecs.Brotli,
		compress.Codecs.Zstd, compress.Codecs.Lz4Raw}
	if testing.Short() {
		codecs = codecs[:2] // the pages are joined before they are compressed
	}
	for _, codec := range codecs {
		for _, version := range []parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2} {
			random := rand.New(rand.NewPCG(uint64(codec), uint64(version)))
			data := paged(t, records, codec, version, random)
			all, err := readTable(data)
			if err != nil {
				t.Fatal(err)
			}
			in := dataPages(t, data)
			for _, gone := range []float64{0, 0.05, 0.5, 0.9, 0.99, 1} {
				keep := make([]bool, records)
				for i := range keep {
					keep[i] = random.Float64() >= gone
				}
				for path, f := range paths {
					t.Run(fmt.Sprintf("%v/v%d/%v/%s", codec, version+1, gone, path), func(t *testing.T) {
						kept, _ := wantSplit(t, f, data, all, keep)
						for c, pages := range dataPages(t, kept) {
							wantPages(t, all.names[c], in[c], pages, gone)
						}
					})
				}
			}
		}
	}
}

// wantSplit splits a file into what is kept and what is not, and compares both with Arrow's
// reading.
func wantSplit(t *testing.T, f Format, data []byte, all *table, keep []bool) (kept, withheld []byte) {
	t.Helper()
	kept, withheld, err := split(f, "paged.parquet", data, func(i int) formats.Fate {
		if keep[i] {
			return formats.Keep
		}
		return formats.Withhold
	})
	if err != nil {
		t.Fatal(err)
	}
	others := slices.Clone(keep)
	for i := range others {
		others[i] = !keep[i]
	}
	for _, c := range []struct {
		data []byte
		keep []bool
	}{{kept, keep}, {withheld, others}} {
		got, err := readTable(c.data)
		if err != nil {
			t.Fatal(err)
		}
		wantTable(t, got, all.only(c.keep))
	}
	return kept, withheld
}

// TestPagesOfMixedFates has stretches of records that stay, go, or go for the most part, so that
// pages go together and alone in turn. The output hangs neither on the workers nor on what else is
// written.
func TestPagesOfMixedFates(t *testing.T) {
	const records = 3000
	seeds := uint64(12)
	if testing.Short() {
		seeds = 4
	}
	for seed := range seeds {
		random := rand.New(rand.NewPCG(seed, 11))
		version := parquet.DataPageVersion(seed % 2)
		data := paged(t, records, compress.Codecs.Zstd, version, random)
		all, err := readTable(data)
		if err != nil {
			t.Fatal(err)
		}
		keep := make([]bool, records)
		for i := 0; i < records; {
			gone := []float64{0, 0.5, 0.9, 0.99, 1}[random.IntN(5)]
			for range 1 + random.IntN(300) {
				if i < records {
					keep[i] = random.Float64() >= gone
					i++
				}
			}
		}
		in := dataPages(t, data)
		for path, f := range paths {
			t.Run(fmt.Sprint(seed, path), func(t *testing.T) {
				kept, withheld := wantSplit(t, f, data, all, keep)
				for _, out := range [][]byte{kept, withheld} {
					for c, pages := range dataPages(t, out) {
						wantPages(t, all.names[c], in[c], pages, 0.5)
					}
				}
				f.Workers = 4
				again, _, err := split(f, "paged.parquet", data, func(i int) formats.Fate {
					if keep[i] {
						return formats.Keep
					}
					return formats.Drop
				})
				if err != nil || !bytes.Equal(again, kept) {
					t.Errorf("with other workers and one output the file is another: %v", err)
				}
			})
		}
	}
}

// TestMergedPagesWithinLimit writes under the smallest limit on a page that the input can be read
// with: the output can be, too. The few values that stay hold nearly all the bytes of a page.
func TestMergedPagesWithinLimit(t *testing.T) {
	const values = 16 // of a page
	root := schema.MustGroup(schema.NewGroupNode("s", parquet.Repetitions.Required,
		schema.FieldList{schema.NewByteArrayNode("x", parquet.Repetitions.Required, -1)}, -1))
	var data bytes.Buffer
	w := file.NewParquetWriter(&data, root, file.WithWriterProps(parquet.NewWriterProperties(parquet.WithDictionaryDefault(false),
		parquet.WithDataPageSize(100), parquet.WithBatchSize(values), parquet.WithStats(false))))
	group, err := w.AppendRowGroupChecked()
	if err != nil {
		t.Fatal(err)
	}
	column, err := group.NextColumn()
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	if _, err := column.(*file.ByteArrayColumnChunkWriter).WriteBatch(made(20*values, func() parquet.ByteArray {
		if i++; (i-1)%values < 5 {
			return bytes.Repeat([]byte{byte(i)}, 200)
		}
		return nil
	}), nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(column.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	fate := func(i int) formats.Fate {
		if large := i%values < 5; i%values == 0 || large && i/values%2 == 1 {
			return formats.Keep
		}
		return formats.Drop
	}
	for path, f := range paths {
		err := spec.ErrLimit
		var kept []byte
		for f.MaxPage = 500; errors.Is(err, spec.ErrLimit); f.MaxPage += 4 {
			if kept, _, err = split(f, "limit.parquet", data.Bytes(), fate); err == nil {
				if _, _, err := split(f, "limit.parquet", kept, keepAll); err != nil {
					t.Errorf("%s: an output written under a limit of %d bytes: %v", path, f.MaxPage, err)
				}
			}
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		f.MaxPage = 0
		kept, _, err = split(f, "limit.parquet", data.Bytes(), fate)
		if in, out := len(dataPages(t, data.Bytes())[0]), len(dataPages(t, kept)[0]); err != nil || in != 20 || out >= in {
			t.Errorf("%s: without a limit %d pages became %d: %v", path, in, out, err)
		}
	}
}

func TestMergedPagesHaveChecksums(t *testing.T) {
	all := samples(t)
	for _, name := range []string{"plain-dict-uncompressed-checksum.parquet", "datapage_v1-uncompressed-checksum.parquet",
		"datapage_v1-snappy-compressed-checksum.parquet", "int32_with_null_pages.parquet", "fixed_length_byte_array.parquet"} {
		data := all[name]
		kept, _, err := split(Format{}, name, data, func(i int) formats.Fate {
			if i%100 == 7 {
				return formats.Keep
			}
			return formats.Drop
		})
		if err != nil {
			t.Fatal(err)
		}
		for c, pages := range dataPages(t, kept) {
			if len(pages) != 1 {
				t.Errorf("%s, column %d: %d pages, want one", name, c, len(pages))
			}
			for _, p := range pages {
				if !p.HasCRC {
					t.Errorf("%s, column %d: a page has no checksum", name, c)
				}
			}
		}
	}
}

func TestMergedPagesLeaveNoResidue(t *testing.T) {
	for _, version := range []parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2} {
		random := rand.New(rand.NewPCG(9, uint64(version)))
		data := written(t, 3000, compress.Codecs.Zstd, version, random)
		all, err := readTable(data)
		if err != nil {
			t.Fatal(err)
		}
		stays := made(3000, func() bool { return random.IntN(50) == 0 })
		gone := func(i int) bool { return !stays[i] }
		for path, f := range paths {
			t.Run(fmt.Sprint(path, version), func(t *testing.T) {
				out, _, err := split(f, "residue.parquet", data, func(i int) formats.Fate {
					if gone(i) {
						return formats.Drop
					}
					return formats.Keep
				})
				if err != nil {
					t.Fatal(err)
				}
				for c := range all.columns {
					secrets := onlyGone(all, c, gone)
					if len(secrets) < 100 {
						t.Fatalf("column %d has %d values that only removed records have", c, len(secrets))
					}
					wantNoResidue(t, out, secrets)
				}
				wantFreshMetadata(t, out)
			})
		}
	}
}
