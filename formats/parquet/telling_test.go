package parquet

// What a footer may say beside the data, and bounds on what small files can make of themselves.

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"

	"noo/formats"
	"noo/formats/parquet/internal/meta"
	"noo/formats/parquet/internal/page"
	"noo/formats/parquet/internal/spec"
	"noo/formats/parquet/internal/thrift"
)

// keyValue adds one entry of key-value metadata to a forged footer.
func keyValue(key, value string) func(*thrift.Writer) {
	return func(w *thrift.Writer) {
		w.List(5, thrift.Struct, 1)
		w.Open()
		w.Bytes(1, []byte(key))
		w.Bytes(2, []byte(value))
		w.Close()
	}
}

func TestFooterThatTells(t *testing.T) {
	page := forgedPage(dataHeader(1, 4, 4), []byte{1, 0, 0, 0})
	encoded := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	for name, c := range map[string]struct {
		file   forged
		telled bool
	}{
		"a number":                  {forged{footer: keyValue("made for", `{"ids": ["9434765919"]}`)}, true},
		"a grouped number":          {forged{footer: keyValue("made for", "943 476 5919")}, true},
		"a key":                     {forged{footer: keyValue("9434765919", "x")}, true},
		"in base64":                 {forged{footer: keyValue("ARROW:schema", encoded("\x00\x01categories\x009434765919\x00"))}, true},
		"an Enum of Polars":         {forged{footer: keyValue("ARROW:schema", encoded("\x10_PL_ENUM_VALUES2\x00\x055;SMITH"))}, true},
		"a column":                  {forged{name: "9434765919"}, true},
		"a column, grouped oddly":   {forged{name: "x\u00a0943\x01476–5919"}, true},
		"nothing":                   {forged{footer: keyValue("pandas", `{"columns": [{"name": "nhs_number"}]}`)}, false},
		"decimals":                  {forged{footer: keyValue("geo", `{"bbox": [-1.9434765919, 53.5]}`)}, false},
		"after a full stop":         {forged{footer: keyValue("note", "made for no.9434765919")}, true},
		"a time in seconds":         {forged{footer: keyValue("created", "1700000005")}, false},
		"what has no check digit":   {forged{footer: keyValue("x", "9434765918")}, false},
		"a column named by an hour": {forged{name: "h2026112500"}, false},
	} {
		c.file.pages, c.file.rows, c.file.values = page, 1, 1
		_, err := openBytes(Format{}, "a.parquet", c.file.bytes())
		var input *formats.InputError
		switch {
		case !c.telled && err != nil:
			t.Errorf("%s: refused: %v", name, err)
		case c.telled && (!errors.As(err, &input) || !errors.Is(err, spec.ErrUnsupported)):
			t.Errorf("%s: %v", name, err)
		case err != nil && strings.Contains(err.Error(), "5919"):
			t.Errorf("%s: the number is printed: %v", name, err)
		}
	}
}

// TestNumberInAnError: a column may be called by what is no number to noo, but one to a person.
func TestNumberInAnError(t *testing.T) {
	for _, name := range []string{"9434765919", "\u00a0943\u00a0476\u00a05919", "\x019434765919"} {
		if text := spec.Part(0, name); strings.Contains(text, "5919") {
			t.Errorf("%q: %s", name, text)
		}
	}
}

// TestEmptyPageWithinARecord: the record goes on behind it.
func TestEmptyPageWithinARecord(t *testing.T) {
	page := func(reps []uint8, values ...uint32) []byte {
		body := page.AppendConstantLevels(page.AppendLevels(nil, reps, 1, true), len(reps), 1, true)
		for _, v := range values {
			body = binary.LittleEndian.AppendUint32(body, v)
		}
		return forgedPage(dataHeader(int32(len(reps)), int32(len(body)), int32(len(body))), body)
	}
	pages := slices.Concat(page([]uint8{0}, 1), page(nil), page([]uint8{1, 1}, 2, 3), page([]uint8{0, 1}, 4, 5))
	data := forged{pages: pages, rows: 2, values: 5, repeated: true}.bytes()
	for path, f := range paths {
		for gone, want := range map[int][]uint32{0: {4, 5}, 1: {1, 2, 3}} {
			kept, _, err := split(f, "a.parquet", data, func(i int) formats.Fate {
				if i == gone {
					return formats.Drop
				}
				return formats.Keep
			})
			if err != nil {
				t.Fatal(err)
			}
			left, err := readTable(kept)
			if err != nil {
				t.Fatal(err)
			}
			var got []uint32
			for _, e := range slices.Concat(left.columns[0]...) {
				got = append(got, binary.LittleEndian.Uint32([]byte(e.value)))
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: without record %d the output holds %v, want %v", path, gone, got, want)
			}
		}
	}
}

// TestSmallFilesOfMuch: files of little content that would take much memory.
func TestSmallFilesOfMuch(t *testing.T) {
	const entries = 900_000
	dictionary := s2.EncodeSnappy(nil, make([]byte, 4*entries))
	index := s2.EncodeSnappy(nil, []byte{1, 2, 0})
	manyEntries := forged{codec: 1, rows: 1, values: 1, pages: append(
		forgedPage(page.Header{Kind: spec.DictionaryPage, Values: entries, Size: 4 * entries, Compressed: int32(len(dictionary))}, dictionary),
		forgedPage(page.Header{Kind: spec.DataPage, Values: 1, Size: 3, Compressed: int32(len(index)), Encoding: spec.RLEDictionary}, index)...)}

	const nulls = 150_000
	levels := append([]byte{0, 0, 0, 0}, binary.AppendUvarint(nil, nulls<<1)...)
	levels = append(levels, 0)
	levels[0] = byte(len(levels) - 4)
	page := forgedPage(dataHeader(nulls, int32(len(levels)), int32(len(levels))), levels)
	manyRuns := forged{optional: true, rows: 2 * nulls, values: 2 * nulls, pages: slices.Concat(page, page)}

	alternate := func(i int) formats.Fate { return []formats.Fate{formats.Keep, formats.Drop}[i%2] }
	if _, _, err := split(Format{MaxPage: 4 << 20}, "a.parquet", manyEntries.bytes(), keepAll); !errors.Is(err, spec.ErrLimit) {
		t.Errorf("a dictionary of %d values: %v", entries, err)
	}
	if _, _, err := split(Format{MaxPage: 1 << 20}, "a.parquet", manyRuns.bytes(), alternate); !errors.Is(err, spec.ErrLimit) {
		t.Errorf("%d runs of records: %v", nulls, err)
	}
	for name, f := range map[string]Format{"entries": {}, "runs": {}} {
		data := map[string]forged{"entries": manyEntries, "runs": manyRuns}[name].bytes()
		if _, _, err := split(f, "a.parquet", data, alternate); err != nil {
			t.Errorf("%s, within the limit: %v", name, err)
		}
	}
}

// TestLongNames: every column is named with all groups above it, so that a long name there counts
// for each.
func TestLongNames(t *testing.T) {
	schema := func(columns int32, group string) []byte {
		w := thrift.NewWriter(nil)
		w.List(2, thrift.Struct, int(columns)+2)
		w.Open()
		w.Bytes(4, []byte("schema"))
		w.I32(5, 1)
		w.Close()
		w.Open()
		w.I32(3, 0)
		w.Bytes(4, []byte(group))
		w.I32(5, columns)
		w.Close()
		for range columns {
			w.Open()
			w.I32(1, int32(spec.Int32Type))
			w.I32(3, 0)
			w.Bytes(4, []byte("n"))
			w.Close()
		}
		return w.Done()
	}
	if _, err := meta.ParseFooter(schema(5000, strings.Repeat("x", 100)), 0); err != nil {
		t.Errorf("a wide table: %v", err)
	}
	if _, err := meta.ParseFooter(schema(5000, strings.Repeat("x", 100_000)), 0); !errors.Is(err, meta.ErrSchema) {
		t.Errorf("half a gigabyte of names: %v", err)
	}
	// More children than there are elements end at the first that is missing.
	w := thrift.NewWriter(nil)
	w.List(2, thrift.Struct, 1)
	w.Open()
	w.Bytes(4, []byte("schema"))
	w.I32(5, 1<<31-1)
	w.Close()
	if _, err := meta.ParseFooter(w.Done(), 0); !errors.Is(err, meta.ErrSchema) {
		t.Errorf("two thousand million children: %v", err)
	}
}
