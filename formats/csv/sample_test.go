package csv

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"noo/formats"
)

// gathered keeps the values of all columns, by batch.
type gathered struct {
	mutex   sync.Mutex
	batches map[int][][]string // by Seq and column
}

func (g *gathered) Decide(batch *formats.Batch, fates []formats.Fate) error {
	columns := make([][]string, len(batch.Columns))
	for i, c := range batch.Columns {
		columns[i] = texts(&c)
	}
	for i := range fates {
		fates[i] = formats.Keep
	}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.batches[batch.Seq] = columns
	return nil
}

func texts(v *formats.Values) (all []string) {
	for _, text := range v.Text {
		all = append(all, string(text))
	}
	return all
}

// column gives the values of a column in the order of the input.
func (g *gathered) column(i int) (all []string) {
	for seq := range len(g.batches) {
		all = append(all, g.batches[seq][i]...)
	}
	return all
}

// readings are what a sample and a scan after it gave.
type readings struct {
	sample             [][]string
	scan               *gathered
	kept               string
	sampleErr, scanErr error
}

func sampleAndScan(f Format, in io.Reader, records int) (r readings, err error) {
	d, err := f.Open(context.Background(), formats.Input{Name: "in.csv", Reader: in})
	if err != nil {
		return r, err
	}
	r.sample = make([][]string, len(d.Columns()))
	if records > 0 {
		r.sampleErr = d.Sample(context.Background(), records, func(column int, values *formats.Values) {
			r.sample[column] = append(r.sample[column], texts(values)...)
		})
	}
	all := make([]int, len(d.Columns()))
	for i := range all {
		all[i] = i
	}
	r.scan = &gathered{batches: map[int][][]string{}}
	var kept bytes.Buffer
	r.scanErr = d.Scan(context.Background(), all, r.scan, formats.Sinks{Kept: &kept})
	r.kept = kept.String()
	return r, nil
}

// TestSampleIsTheStart: a sample is the first values of every column, and the scan after it gives
// what it gives without one; a text that is refused is refused with the same words.
func TestSampleIsTheStart(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 8))
	sampled, refused := 0, 0
	for i := range 20_000 {
		text := randomText(r, i%3 == 0)
		f := Format{NoHeader: r.IntN(3) == 0, RecordEnd: RecordEnd(r.IntN(2)), Workers: 1 + r.IntN(3), chunkSize: 1 << r.IntN(11)}
		if r.IntN(4) == 0 {
			f.Delimiter, text = "|", strings.ReplaceAll(text, ",", "|")
		}
		var in io.Reader = strings.NewReader(text)
		if r.IntN(4) == 0 {
			in = iotest.OneByteReader(in)
		}
		n := 1 + r.IntN(50)
		got, err := sampleAndScan(f, in, n)
		want, wantErr := sampleAndScan(f, strings.NewReader(text), 0)
		if err != nil || wantErr != nil {
			if fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Fatalf("%q: opening gives %v and %v", text, err, wantErr)
			}
			continue
		}
		if fmt.Sprint(got.scanErr) != fmt.Sprint(want.scanErr) || got.scanErr == nil && got.kept != want.kept {
			t.Fatalf("%q: after a sample, scanning gives %v %q, without %v %q", text, got.scanErr, got.kept, want.scanErr, want.kept)
		}
		if got.sampleErr != nil {
			refused++
			if reasonOf(got.sampleErr) != reasonOf(want.scanErr) {
				t.Fatalf("%q: sampling gives %v, scanning %v", text, got.sampleErr, want.scanErr)
			}
			continue
		}
		if want.scanErr != nil {
			continue // behind the sample
		}
		for c := range got.sample {
			all := want.scan.column(c)
			if first := all[:min(n, len(all))]; !slices.Equal(got.sample[c], first) {
				t.Fatalf("%q: the first %d values of column %d are %q, want %q", text, n, c, got.sample[c], first)
			}
			sampled += len(got.sample[c])
		}
	}
	if sampled < 100_000 || refused < 500 {
		t.Errorf("only %d values were sampled, and %d texts refused", sampled, refused)
	}
}

// TestSampleOfLongRecords: a sample ends where it would take much memory, and not with the first
// chunk.
func TestSampleOfLongRecords(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	var text strings.Builder
	text.WriteString("id,note\n")
	const records = 300
	for i := range records {
		fmt.Fprintf(&text, "%d,%s\n", i, long)
	}
	got, err := sampleAndScan(Format{}, strings.NewReader(text.String()), 1000)
	if err != nil || got.sampleErr != nil || got.scanErr != nil {
		t.Fatal(err, got.sampleErr, got.scanErr)
	}
	if n := len(got.sample[0]); n < sampleBytes/100_100 || n > sampleBytes/100_000+5 {
		t.Errorf("%d records were sampled", n)
	}
	if got.kept != text.String() {
		t.Error("the scan after the sample lost something")
	}
}

// TestSampleFails: what the medium says while a sample reads ahead is said.
func TestSampleFails(t *testing.T) {
	in := io.MultiReader(strings.NewReader("id,note\n1,aaaaaaaaa\n2,b\n"), iotest.ErrReader(io.ErrClosedPipe))
	d, err := Format{chunkSize: 12}.Open(context.Background(), formats.Input{Name: "in.csv", Reader: in})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Sample(context.Background(), 1000, func(int, *formats.Values) {}); err != io.ErrClosedPipe {
		t.Errorf("%v, want %v", err, io.ErrClosedPipe)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if d, err = (Format{}).Open(ctx, formats.Input{Name: "in.csv", Reader: strings.NewReader("id\n1\n")}); err != nil {
		t.Fatal(err)
	}
	if err := d.Sample(ctx, 1000, func(int, *formats.Values) {}); err != context.Canceled {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
}

// reasonOf is the place and the reason of an error, without what a sample says of further records.
func reasonOf(err error) string {
	text, _, _ := strings.Cut(fmt.Sprint(err), ", ")
	text, _, _ = strings.Cut(text, "; ")
	return text
}
