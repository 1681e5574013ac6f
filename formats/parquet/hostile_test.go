package parquet

// Damaged and hostile files: refused with an *formats.InputError, without a panic, a hang or memory
// beyond the limit.

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"noo/formats"
	"noo/formats/parquet/internal/page"
	"noo/formats/parquet/internal/spec"
	"noo/formats/parquet/internal/thrift"
)

// wantRefusedOrRead filters data, and fails the test if that ends otherwise than in an
// *formats.InputError or in outputs that can be read.
func wantRefusedOrRead(t *testing.T, f Format, data []byte) error {
	t.Helper()
	// Most pages keep so much that they stay pages, and what is withheld of them goes together.
	fates := []formats.Fate{formats.Keep, formats.Drop, formats.Keep, formats.Withhold, formats.Keep}
	kept, withheld, err := split(f, "hostile.parquet", data, func(i int) formats.Fate { return fates[i%len(fates)] })
	wantSampled(t, f, data)
	var input *formats.InputError
	switch {
	case err == nil:
		for _, out := range [][]byte{kept, withheld} {
			if _, _, err := split(f, "output.parquet", out, keepAll); err != nil && !errors.Is(err, spec.ErrLimit) {
				t.Errorf("the output cannot be read: %v", err)
			}
		}
	case !errors.As(err, &input):
		t.Errorf("refused with %T %v, want an InputError", err, err)
	case bytes.Contains([]byte(err.Error()), []byte("please report it")):
		t.Errorf("a panic was recovered: %v", err)
	}
	return err
}

// wantSampled samples data, which must end in an *formats.InputError too where it fails, and may
// fail only where a scan that keeps everything does.
func wantSampled(t *testing.T, f Format, data []byte) {
	t.Helper()
	d, err := openBytes(f, "hostile.parquet", data)
	if err != nil {
		return
	}
	if err = d.Sample(context.Background(), 1000, func(int, *formats.Values) {}); err == nil {
		return
	}
	var input *formats.InputError
	switch {
	case !errors.As(err, &input):
		t.Errorf("sampling gives %T %v, want an InputError", err, err)
	case bytes.Contains([]byte(err.Error()), []byte("please report it")):
		t.Errorf("a panic was recovered: %v", err)
	}
	if _, _, scanErr := split(f, "hostile.parquet", data, keepAll); scanErr == nil {
		t.Errorf("a file that can be read is refused: %v", err)
	}
}

func TestDamagedSamples(t *testing.T) {
	f := Format{MaxPage: 1 << 22, Workers: 2}
	for name, data := range samples(t) {
		random := rand.New(rand.NewPCG(9, uint64(crc32.ChecksumIEEE([]byte(name)))))
		for range 60 {
			damaged := slices.Clone(data)
			for range 1 + random.IntN(3) {
				// Headers and the footer are where damage does most: half of it goes to the ends.
				at := random.IntN(len(damaged))
				switch random.IntN(4) {
				case 0:
					at = len(damaged) - 1 - random.IntN(min(len(damaged), 2000))
				case 1:
					at = random.IntN(min(len(damaged), 200))
				}
				damaged[at] ^= 1 << random.IntN(8)
			}
			if random.IntN(10) == 0 {
				damaged = damaged[:random.IntN(len(damaged))]
			}
			t.Run(name, func(t *testing.T) { wantRefusedOrRead(t, f, damaged) })
		}
	}
}

// forged is a file of one required INT32 column "n" with the given pages and numbers, for what no
// writer would write.
type forged struct {
	pages                 []byte
	rows, values          int64
	start, compressedSize int64
	codec                 int64
	optional, repeated    bool
	name                  string                 // if not "n"
	footer                func(w *thrift.Writer) // more fields of the footer
}

func (f forged) bytes() []byte {
	data := append([]byte(spec.Magic), f.pages...)
	start := len(data)
	w := thrift.NewWriter(data)
	w.I32(1, 1)
	w.List(2, thrift.Struct, 2)
	w.Open()
	w.Bytes(4, []byte("schema"))
	w.I32(5, 1)
	w.Close()
	w.Open()
	w.I32(1, int32(spec.Int32Type))
	switch {
	case f.optional:
		w.I32(3, 1)
	case f.repeated:
		w.I32(3, 2)
	default:
		w.I32(3, 0)
	}
	name := "n"
	if f.name != "" {
		name = f.name
	}
	w.Bytes(4, []byte(name))
	w.Close()
	w.I64(3, f.rows)
	w.List(4, thrift.Struct, 1)
	w.Open()
	w.List(1, thrift.Struct, 1)
	w.Open()
	w.I64(2, 0)
	w.Struct(3)
	w.I32(1, int32(spec.Int32Type))
	w.List(3, thrift.Binary, 1)
	w.Element([]byte(name))
	w.I32(4, int32(f.codec))
	w.I64(5, f.values)
	w.I64(6, int64(len(f.pages)))
	size := f.compressedSize
	if size == 0 {
		size = int64(len(f.pages))
	}
	w.I64(7, size)
	at := f.start
	if at == 0 {
		at = int64(len(spec.Magic))
	}
	w.I64(9, at)
	w.Close()
	w.Close()
	w.I64(2, int64(len(f.pages)))
	w.I64(3, f.rows)
	w.Close()
	if f.footer != nil {
		f.footer(w)
	}
	data = w.Done()
	data = binary.LittleEndian.AppendUint32(data, uint32(len(data)-start))
	return append(data, spec.Magic...)
}

func forgedPage(h page.Header, body []byte) []byte {
	return append(page.AppendHeader(&thrift.Writer{}, nil, h), body...)
}

func dataHeader(values, size, compressed int32) page.Header {
	return page.Header{Kind: spec.DataPage, Values: values, Size: size, Compressed: compressed, Encoding: spec.Plain}
}

func TestHostileFiles(t *testing.T) {
	four := []byte{1, 0, 0, 0}
	good := forged{pages: forgedPage(dataHeader(1, 4, 4), four), rows: 1, values: 1}
	if err := wantRefusedOrRead(t, Format{}, good.bytes()); err != nil {
		t.Fatalf("the forger's sound file is refused: %v", err)
	}
	manyNulls := append([]byte{5, 0, 0, 0}, append(binary.AppendUvarint(nil, 1<<30<<1), 0)...)
	manyNulls[0] = byte(len(manyNulls) - 4)
	cases := map[string]struct {
		data []byte
		want error
	}{
		"empty":             {nil, spec.ErrCorrupt},
		"magic only":        {[]byte("PAR1PAR1PAR1"), spec.ErrCorrupt},
		"footer too long":   {append([]byte("PAR1"), "\xff\xff\xff\xffPAR1"...), spec.ErrCorrupt},
		"cut off":           {good.bytes()[:40], spec.ErrCorrupt},
		"encrypted":         {append(good.bytes()[:len(good.bytes())-4], "PARE"...), spec.ErrEncrypted},
		"encrypted columns": {forged{pages: good.pages, rows: 1, values: 1, footer: func(w *thrift.Writer) { w.Struct(8); w.Close() }}.bytes(), spec.ErrEncrypted},
		"LZO":               {forged{pages: good.pages, rows: 1, values: 1, codec: 3}.bytes(), spec.ErrUnsupported},
		"unknown codec":     {forged{pages: good.pages, rows: 1, values: 1, codec: 99}.bytes(), spec.ErrUnsupported},
		"negative rows":     {forged{pages: good.pages, rows: -1, values: -1}.bytes(), spec.ErrCorrupt},
		"many rows":         {forged{pages: good.pages, rows: 1 << 40, values: 1 << 40}.bytes(), spec.ErrUnsupported},
		"rows not there":    {forged{pages: good.pages, rows: 1 << 30, values: 1 << 30}.bytes(), spec.ErrCorrupt},
		"other number":      {forged{pages: good.pages, rows: 1, values: 2}.bytes(), spec.ErrCorrupt},
		"outside":           {forged{pages: good.pages, rows: 1, values: 1, start: 1 << 40}.bytes(), spec.ErrCorrupt},
		"before":            {forged{pages: good.pages, rows: 1, values: 1, start: -8}.bytes(), spec.ErrCorrupt},
		"too long":          {forged{pages: good.pages, rows: 1, values: 1, compressedSize: 1<<63 - 1}.bytes(), spec.ErrCorrupt},
		"page too long":     {forged{pages: forgedPage(dataHeader(1, 400, 400), four), rows: 1, values: 1}.bytes(), spec.ErrCorrupt},
		"negative page":     {forged{pages: forgedPage(dataHeader(1, -4, -4), four), rows: 1, values: 1}.bytes(), spec.ErrCorrupt},
		"two sizes":         {forged{pages: forgedPage(dataHeader(1, 8, 4), four), rows: 1, values: 1}.bytes(), spec.ErrCorrupt},
		"bomb":              {forged{pages: forgedPage(dataHeader(1, 1<<31-1, 4), four), rows: 1, values: 1, codec: 6}.bytes(), spec.ErrLimit},
		"snappy bomb":       {forged{pages: forgedPage(dataHeader(1, 1<<27, 4), four), rows: 1, values: 1, codec: 1}.bytes(), spec.ErrCorrupt},
		"more values":       {forged{pages: forgedPage(dataHeader(2, 4, 4), four), rows: 1, values: 1}.bytes(), spec.ErrCorrupt},
		"fewer bytes":       {forged{pages: forgedPage(dataHeader(2, 4, 4), four), rows: 2, values: 2}.bytes(), spec.ErrCorrupt},
		"a billion nulls": {forged{pages: forgedPage(dataHeader(1<<30, int32(len(manyNulls)), int32(len(manyNulls))), manyNulls), rows: 1 << 30, values: 1 << 30,
			optional: true}.bytes(), spec.ErrLimit},
		"index without dictionary": {forged{pages: forgedPage(page.Header{Kind: spec.DataPage, Values: 1, Size: 4, Compressed: 4, Encoding: spec.RLEDictionary}, []byte{1, 2, 0, 0}), rows: 1,
			values: 1}.bytes(), spec.ErrCorrupt},
		"index out of range": {forged{pages: append(forgedPage(page.Header{Kind: spec.DictionaryPage, Values: 1, Size: 4, Compressed: 4}, four),
			forgedPage(page.Header{Kind: spec.DataPage, Values: 1, Size: 3, Compressed: 3, Encoding: spec.RLEDictionary}, []byte{1, 2, 1})...), rows: 1, values: 1}.bytes(), spec.ErrCorrupt},
		"late dictionary": {forged{pages: append(forgedPage(dataHeader(1, 4, 4), four), append(forgedPage(page.Header{Kind: spec.DictionaryPage, Values: 1, Size: 4, Compressed: 4}, four),
			forgedPage(dataHeader(1, 4, 4), four)...)...), rows: 2, values: 2}.bytes(), spec.ErrCorrupt},
		"LZ4 into nothing": {forged{pages: forgedPage(dataHeader(1, 0, 4), []byte{0x40, 1, 2, 3}), rows: 1, values: 1, codec: 7}.bytes(), spec.ErrCorrupt},
		"bytes behind the streams": {forged{pages: forgedPage(page.Header{Kind: spec.DataPage, Values: 1, Size: 5, Compressed: 5, Encoding: spec.ByteStreamSplit}, []byte{1, 0, 0, 0, 9}), rows: 1,
			values: 1}.bytes(), spec.ErrCorrupt},
		"unknown encoding": {forged{pages: forgedPage(page.Header{Kind: spec.DataPage, Values: 1, Size: 4, Compressed: 4, Encoding: 77}, four), rows: 1, values: 1}.bytes(), spec.ErrUnsupported},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := wantRefusedOrRead(t, Format{}, c.data)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, c.want) {
				t.Errorf("refused with %v, want %v", err, c.want)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 32<<20 {
				t.Errorf("it took %d bytes of memory", took)
			}
		})
	}
}

func (panickingDecider) Decide(*formats.Batch, []formats.Fate) error { panic("9000000009") }
