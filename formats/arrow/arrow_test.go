package arrow

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/ipc"

	"noo/formats"
	"noo/formats/arrow/arrowtest"
)

var (
	rounds = flag.Int("rounds", 150, "how many datasets are drawn")
	seed   = flag.Uint64("seed", 1, "the seed from which they are drawn")
)

// byNumber decides by the number of a record, which is in its first column.
type byNumber struct{ fates []formats.Fate }

func (d *byNumber) Decide(batch *formats.Batch, fates []formats.Fate) error {
	for i, text := range textsOf(&batch.Columns[0], batch.Records) {
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		fates[i] = d.fates[n]
	}
	return nil
}

// textsOf returns the text of each record of a column of texts that does not nest.
func textsOf(v *formats.Values, records int) []string {
	all := v.Text
	for i := range v.Fixed {
		all = v.Fixed[i].AppendTo(all)
	}
	texts := make([]string, records)
	for i := range texts {
		place := int32(i)
		if v.Index != nil {
			place = v.Index[i]
		}
		if place >= 0 {
			texts[i] = string(all[place])
		}
	}
	return texts
}

// open opens data with a format.
func open(f Format, data []byte) (formats.Dataset, error) {
	in := formats.Input{Name: "in", ReaderAt: bytes.NewReader(data), Size: int64(len(data))}
	if f.Stream {
		in = formats.Input{Name: "in", Reader: bytes.NewReader(data)}
	}
	return f.Open(context.Background(), in)
}

// filtered filters data by the first column.
func filtered(f Format, data []byte, decide formats.Decider) (kept, withheld []byte, err error) {
	dataset, err := open(f, data)
	if err != nil {
		return nil, nil, err
	}
	defer dataset.Close()
	var out, apart bytes.Buffer
	err = dataset.Scan(context.Background(), []int{0}, decide, formats.Sinks{Kept: &out, Withheld: &apart})
	return out.Bytes(), apart.Bytes(), err
}

// TestDrawnDatasets filters datasets drawn at random. Records that stay are bit for bit what they
// were, and of those that go no mark is anywhere in the output.
func TestDrawnDatasets(t *testing.T) {
	hidden, unwritten := 0, 0
	for round := range *rounds {
		r := rand.New(rand.NewPCG(*seed, uint64(round)))
		stream := r.IntN(2) == 0
		d := arrowtest.Draw(r, stream)
		options := []ipc.Option{ipc.WithDictionaryDeltas(true)}
		compressed := r.IntN(3) == 0
		if compressed {
			options = append(options, []ipc.Option{ipc.WithLZ4(), ipc.WithZstd()}[r.IntN(2)])
		}
		name := fmt.Sprintf("round %d (-seed %d, stream %v)", round, *seed, stream)
		data := d.Write(stream, options...)
		if data == nil {
			unwritten++
			continue
		}
		decide := &byNumber{make([]formats.Fate, d.Records)}
		share := []int{1, 2, 10, 1000}[r.IntN(4)]
		for i := range decide.fates {
			decide.fates[i] = formats.Keep
			if r.IntN(share) == 0 {
				decide.fates[i] = []formats.Fate{formats.Drop, formats.Withhold}[r.IntN(2)]
			}
		}
		format := Format{Stream: stream, Workers: 1 + r.IntN(4)}
		kept, withheld, err := filtered(format, data, decide)
		if err != nil {
			t.Fatalf("%s: %v\n%v", name, err, d.Schema)
		}
		all, schema, _, err := arrowtest.Rows(data, stream)
		if err != nil {
			t.Fatal(err)
		}
		d.Schema = schema // as arrow-go has written it
		for _, c := range []struct {
			fate formats.Fate
			out  []byte
		}{{formats.Keep, kept}, {formats.Withhold, withheld}} {
			verify(t, d, name, all, decide.fates, c.fate, c.out, stream, compressed)
		}
		for id := range d.Marks.In(data) {
			if d.Marks.Has(id) && len(d.Marks.Owners(id)) == 0 {
				hidden++
			}
		}
		again, _, err := filtered(Format{Stream: stream, Workers: 1}, data, decide)
		if err != nil || !bytes.Equal(again, kept) {
			t.Fatalf("%s: with another number of workers: %v, or other bytes", name, err)
		}
	}
	if unwritten > *rounds/5 {
		t.Errorf("%d of %d datasets could not be written", unwritten, *rounds)
	}
	if hidden < *rounds {
		t.Errorf("only %d marks that belong to nobody in %d inputs", hidden, *rounds)
	}
}

// verify compares an output with the records of the input that have a fate.
func verify(
	t *testing.T, d *arrowtest.Dataset, name string, all []string, fates []formats.Fate, fate formats.Fate, out []byte, stream, compressed bool,
) {
	t.Helper()
	var want []string
	for i, record := range all {
		if fates[i] == fate {
			want = append(want, record)
		}
	}
	got, schema, metadata, err := arrowtest.Rows(out, stream)
	if err != nil {
		t.Fatalf("%s: %v\n%v", name, err, d.Schema)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s: %d records with the fate %d, want %d\n%v", name, len(got), fate, len(want), d.Schema)
	}
	if !schema.Equal(d.Schema) || !schema.Metadata().Equal(d.Schema.Metadata()) {
		t.Fatalf("%s: the schema is\n%v\nand not\n%v", name, schema, d.Schema)
	}
	for _, m := range metadata {
		if !m.Equal(d.Schema.Metadata()) {
			t.Fatalf("%s: metadata of a batch is %v", name, m)
		}
	}
	if compressed {
		return
	}
	for id := range d.Marks.In(out) {
		if !d.Marks.Has(id) {
			continue // bytes that look like a mark
		}
		stays := slices.ContainsFunc(d.Marks.Owners(id), func(owner int) bool { return fates[owner] == fate })
		if !stays {
			t.Fatalf("%s: the output has mark %d, whose records are %v\n%v", name, id, d.Marks.Owners(id), d.Schema)
		}
	}
}
