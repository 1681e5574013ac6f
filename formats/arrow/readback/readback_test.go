package readback

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/ipc"

	"noo/formats"
	ours "noo/formats/arrow"
	"noo/formats/arrow/arrowtest"
)

var (
	rounds = flag.Int("rounds", 300, "how many datasets are drawn")
	seed   = flag.Uint64("seed", 1, "the seed from which they are drawn")
)

// noter notes the values of every record.
type noter struct {
	mutex   sync.Mutex
	batches map[int][]string
}

func (n *noter) Decide(batch *formats.Batch, _ []formats.Fate) error {
	records := make([]string, batch.Records)
	for c := range batch.Columns {
		v := &batch.Columns[c]
		texts := v.Text
		for i := range v.Fixed {
			texts = v.Fixed[i].AppendTo(texts)
		}
		at := int32(0)
		for i := range records {
			end := int32(i + 1)
			if v.Ends != nil {
				end = v.Ends[i]
			}
			for ; at < end; at++ {
				records[i] += occurrence(v, texts, at) + ","
			}
			records[i] += ";"
		}
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.batches[batch.Seq] = records
	return nil
}

// occurrence writes an occurrence of a value; a null like a text that is empty.
func occurrence(v *formats.Values, texts [][]byte, at int32) string {
	if v.Index != nil {
		if at = v.Index[at]; at < 0 {
			return ""
		}
	}
	switch {
	case len(v.Ints) > 0:
		return strconv.FormatInt(v.Ints[at], 10)
	case len(v.Floats) > 0:
		return strconv.FormatFloat(v.Floats[at], 'g', -1, 64)
	}
	return string(texts[at])
}

// scanned returns the values of a column of every record, one batch after the other.
func scanned(f formats.Format, data []byte, column int) (records []string, err error) {
	in := formats.Input{Name: "in", ReaderAt: bytes.NewReader(data), Size: int64(len(data))}
	if !f.RandomAccess() {
		in = formats.Input{Name: "in", Reader: bytes.NewReader(data)}
	}
	d, err := f.Open(context.Background(), in)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	n := &noter{batches: map[int][]string{}}
	if err := d.Scan(context.Background(), []int{column}, n, formats.Sinks{}); err != nil {
		return nil, err
	}
	for i := range len(n.batches) {
		records = append(records, n.batches[i]...)
	}
	return records, nil
}

// TestSameValues reads every column that noo filters by in datasets drawn at random, with noo and
// with arrow-go.
func TestSameValues(t *testing.T) {
	compared := 0
	for round := range *rounds {
		r := rand.New(rand.NewPCG(*seed, uint64(round)))
		stream := r.IntN(2) == 0
		d := arrowtest.Draw(r, stream)
		data := d.Write(stream, ipc.WithDictionaryDeltas(true))
		if data == nil {
			continue
		}
		first, second := ours.Format{Stream: stream}, Format{Stream: stream}
		columns := columnsOf(t, first, data)
		others := columnsOf(t, second, data)
		if len(columns) != len(others) {
			t.Fatalf("round %d: %d columns, and %d\n%v", round, len(columns), len(others), d.Schema)
		}
		for c := range columns {
			if columns[c].Name != others[c].Name {
				t.Fatalf("round %d: column %q, and %q", round, columns[c].Name, others[c].Name)
			}
			if columns[c].Refused != nil {
				continue
			}
			got, err := scanned(first, data, c)
			if err != nil {
				t.Fatalf("round %d: %v\n%v", round, err, d.Schema)
			}
			want, err := scanned(second, data, c)
			if err != nil {
				t.Fatalf("round %d: arrow-go: %v\n%v", round, err, d.Schema)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("round %d (-seed %d), column %s:\n%.300q\n%.300q\n%v", round, *seed, columns[c].Name, fmt.Sprint(got), fmt.Sprint(want), d.Schema)
			}
			compared++
		}
	}
	if compared < *rounds {
		t.Errorf("only %d columns compared in %d rounds", compared, *rounds)
	}
}

func columnsOf(t *testing.T, f formats.Format, data []byte) []formats.Column {
	t.Helper()
	in := formats.Input{Name: "in", ReaderAt: bytes.NewReader(data), Size: int64(len(data))}
	if !f.RandomAccess() {
		in = formats.Input{Name: "in", Reader: bytes.NewReader(data)}
	}
	d, err := f.Open(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	return d.Columns()
}
