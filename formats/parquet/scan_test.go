package parquet

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"noo/formats"
	"noo/formats/parquet/internal/identify"
	"noo/formats/parquet/internal/meta"
	"noo/formats/parquet/internal/page"
	"noo/formats/parquet/internal/spec"
	"noo/formats/parquet/internal/thrift"

	"github.com/klauspost/compress/s2"
)

// TestNotIdentifying names columns that cannot hold NHS numbers.
func TestNotIdentifying(t *testing.T) {
	for name, data := range samples(t) {
		if refused[name] != "" {
			continue
		}
		d, err := openBytes(Format{}, name, data)
		if err != nil {
			t.Fatal(err)
		}
		for i, l := range d.(*dataset).footer.Leaves {
			err := d.Scan(context.Background(), []int{i}, &texts{}, formats.Sinks{})
			var input *formats.InputError
			switch l.Kind {
			case spec.Boolean, spec.Float, spec.Int96:
				if !errors.As(err, &input) || !errors.Is(err, identify.ErrNotIdentifying) {
					t.Errorf("%s, column %s of type %s: %v, want a refusal", name, l.Name, l.TypeText(), err)
				}
			}
		}
	}
}

// failingDecider fails at a batch, and notes which it was asked about.
type failingDecider struct {
	at   int
	seen chan int
}

func (d *failingDecider) Decide(batch *formats.Batch, fates []formats.Fate) error {
	d.seen <- batch.Seq
	if batch.Seq >= d.at {
		return errDecider
	}
	return nil
}

var errDecider = errors.New("decided against")

// TestDeciderFails holds Scan to what the seam promises: the error as it is, and every batch before
// it decided.
func TestDeciderFails(t *testing.T) {
	data := written(t, 20_000, 0, 0, rand.New(rand.NewPCG(1, 1)))
	for range 20 {
		d, err := openBytes(Format{Workers: 4}, "fails.parquet", data)
		if err != nil {
			t.Fatal(err)
		}
		decide := &failingDecider{at: 7, seen: make(chan int, 100)}
		if err := d.Scan(context.Background(), []int{0}, decide, formats.Sinks{Kept: io.Discard}); err != errDecider {
			t.Fatalf("Scan gives %v, want %v", err, errDecider)
		}
		close(decide.seen)
		asked := map[int]bool{}
		for seq := range decide.seen {
			asked[seq] = true
		}
		for seq := range 8 {
			if !asked[seq] {
				t.Errorf("batch %d was not decided on", seq)
			}
		}
	}
}

type brokenWriter struct{ left int }

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errBroken
	}
	return len(p), nil
}

var errBroken = errors.New("the disk is full")

func TestSinkFails(t *testing.T) {
	data := written(t, 5000, 0, 0, rand.New(rand.NewPCG(1, 1)))
	for _, left := range []int{0, 4, 50_000} {
		d, err := openBytes(Format{}, "sink.parquet", data)
		if err != nil {
			t.Fatal(err)
		}
		err = d.Scan(context.Background(), []int{0}, decideBy(d, keepAll), formats.Sinks{Kept: &brokenWriter{left}})
		if !errors.Is(err, errBroken) {
			t.Errorf("Scan gives %v, want %v", err, errBroken)
		}
	}
}

func TestCancelled(t *testing.T) {
	data := written(t, 5000, 0, 0, rand.New(rand.NewPCG(1, 1)))
	d, err := openBytes(Format{}, "cancelled.parquet", data)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	fate := decideBy(d, func(i int) formats.Fate {
		if i == 2500 {
			cancel()
		}
		return formats.Keep
	})
	if err := d.Scan(ctx, []int{0}, fate, formats.Sinks{Kept: io.Discard}); !errors.Is(err, context.Canceled) {
		t.Errorf("Scan gives %v, want %v", err, context.Canceled)
	}
}

type panickingDecider struct{}

func TestDeciderPanics(t *testing.T) {
	data := written(t, 100, 0, 0, rand.New(rand.NewPCG(1, 1)))
	d, err := openBytes(Format{}, "panics.parquet", data)
	if err != nil {
		t.Fatal(err)
	}
	err = d.Scan(context.Background(), []int{0}, panickingDecider{}, formats.Sinks{})
	var input *formats.InputError
	if err == nil || errors.As(err, &input) || bytes.Contains([]byte(err.Error()), []byte("9000000009")) {
		t.Errorf("Scan gives %v, want an error that is not the input's and does not show the value", err)
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
