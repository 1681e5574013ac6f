package verdicts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	arrowgo "github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"noo/filter"
	"noo/filter/filtertest"
	"noo/formats"
	"noo/formats/arrow"
	"noo/internal/nhsnumber"
	"noo/snapshot"
)

var schema = arrowgo.NewSchema([]arrowgo.Field{
	{Name: "nhs_number", Type: arrowgo.BinaryTypes.String, Nullable: true},
	{Name: "mother", Type: arrowgo.PrimitiveTypes.Int64, Nullable: true},
}, nil)

// batchOf makes a batch of numbers; "" is a null. Mothers have none.
func batchOf(numbers []string) arrowgo.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for _, number := range numbers {
		if number == "" {
			b.Field(0).AppendNull()
		} else {
			b.Field(0).(*array.StringBuilder).Append(number)
		}
		b.Field(1).AppendNull()
	}
	return b.NewRecordBatch()
}

// wordOf is the verdict on a text, as the documentation says it.
func wordOf(text string, register filtertest.Register) string {
	key, status := nhsnumber.Parse([]byte(text))
	switch {
	case status == nhsnumber.Missing:
		return "missing"
	case status == nhsnumber.Invalid:
		return "invalid"
	}
	return map[snapshot.Standing]string{snapshot.OptedOut: "opted_out", snapshot.Clear: "kept", snapshot.Unchecked: "unchecked"}[register[key]]
}

// drawBatches draws batches of numbers, some of them empty.
func drawBatches(r *rand.Rand, people []string) (batches [][]string) {
	for range r.IntN(20) {
		var batch []string
		for range []int{0, 1, r.IntN(1000)}[r.IntN(3)] {
			batch = append(batch, []string{"", "nobody", people[r.IntN(len(people))], people[r.IntN(len(people))]}[r.IntN(4)])
		}
		batches = append(batches, batch)
	}
	return batches
}

// TestEngine talks to a Run as an engine does: it sends a batch only when the one before is answered.
func TestEngine(t *testing.T) {
	for round := range uint64(30) {
		r := rand.New(rand.NewPCG(3, round))
		people, register := filtertest.People(r, 200)
		input, send := io.Pipe()
		receive, output := io.Pipe()
		done, workers := make(chan error, 1), 1+r.IntN(4)
		go func() {
			run := Run{
				Name: "in", In: input, Out: output, Register: register,
				Format: arrow.Format{Stream: true, Workers: workers},
			}
			report, err := run.Do(context.Background())
			if err == nil {
				err = report.End()
			}
			done <- errors.Join(err, output.Close())
		}()
		w := ipc.NewWriter(send, ipc.WithSchema(schema))
		var answers *ipc.Reader
		for _, batch := range drawBatches(r, people) {
			sent := make(chan error, 1)
			go func() { sent <- w.Write(batchOf(batch)) }()
			if answers == nil {
				var err error
				if answers, err = ipc.NewReader(receive); err != nil {
					t.Fatal(err)
				}
			}
			if !answers.Next() {
				t.Fatalf("round %d: no answer: %v", round, answers.Err())
			}
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
			found := answers.RecordBatch().Column(0).(*array.Dictionary)
			if found.Len() != len(batch) {
				t.Fatalf("round %d: %d verdicts on %d records", round, found.Len(), len(batch))
			}
			for i, number := range batch {
				if got, want := found.ValueStr(i), wordOf(number, register); got != want {
					t.Fatalf("round %d: a record is %s, want %s", round, got, want)
				}
			}
		}
		go w.Close()
		if answers == nil { // a stream without batches
			go io.Copy(io.Discard, receive)
		} else if answers.Next() || answers.Err() != nil {
			t.Fatalf("round %d: more answers than batches, or %v", round, answers.Err())
		}
		select {
		case err := <-done:
			if err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		case <-time.After(time.Minute):
			t.Fatal("it does not end")
		}
	}
}

// TestCutShort cuts a stream at every place: that is an error, and the answers have no mark at
// their end.
func TestCutShort(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	people, register := filtertest.People(r, 20)
	var stream bytes.Buffer
	w := ipc.NewWriter(&stream, ipc.WithSchema(schema))
	for range 3 {
		if err := w.Write(batchOf(people[:5])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	mark := []byte{0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0}
	for cut := range stream.Len() {
		var out bytes.Buffer
		run := Run{Name: "in", In: bytes.NewReader(stream.Bytes()[:cut]), Out: &out, Register: register, Format: arrow.Format{Stream: true}}
		_, err := run.Do(context.Background())
		if _, ok := errors.AsType[*formats.InputError](err); !ok {
			t.Fatalf("cut at %d of %d: %v", cut, stream.Len(), err)
		}
		if bytes.HasSuffix(out.Bytes(), mark) {
			t.Fatalf("cut at %d of %d: the answers look complete", cut, stream.Len())
		}
	}
}

// TestSnapshots reads what the schema says of the snapshots, of a stream without batches too.
func TestSnapshots(t *testing.T) {
	for _, said := range []string{"", `[{"sha256":"00"}]`} {
		var stream, out bytes.Buffer
		if err := ipc.NewWriter(&stream, ipc.WithSchema(schema)).Close(); err != nil {
			t.Fatal(err)
		}
		run := Run{
			Name: "in", In: &stream, Out: &out, Register: filtertest.Register{},
			Format: arrow.Format{Stream: true}, Snapshots: []byte(said),
		}
		report, err := run.Do(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if err := report.End(); err != nil {
			t.Fatal(err)
		}
		answers, err := ipc.NewReader(&out)
		if err != nil {
			t.Fatal(err)
		}
		metadata := answers.Schema().Metadata()
		if got, _ := metadata.GetValue(SnapshotsKey); got != said || answers.Next() {
			t.Errorf("the schema says %q, want %q", got, said)
		}
	}
}

// TestFailPolicy ends before the batch of the record, and names it.
func TestFailPolicy(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	number, key := filtertest.Number(r)
	register := filtertest.Register{key: snapshot.Clear}
	var stream bytes.Buffer
	w := ipc.NewWriter(&stream, ipc.WithSchema(schema))
	for i := range 40 {
		batch := []string{number, number, number}
		if i == 20 {
			batch[1] = ""
		}
		if err := w.Write(batchOf(batch)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	run := Run{
		Name: "in", In: &stream, Out: &out, Register: register, Format: arrow.Format{Stream: true, Workers: 4},
		Policy: filter.Policy{Missing: filter.Fail},
	}
	_, err := run.Do(context.Background())
	e, ok := errors.AsType[*PolicyError](err)
	if !ok || e.Record != 62 || e.Verdict != filter.Missing {
		t.Fatalf("%v", err)
	}
	answers, err := ipc.NewReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for answers.Next() {
		n++
	}
	if n != 20 {
		t.Errorf("%d batches are answered, want 20", n)
	}
}

func BenchmarkRun(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	people, register := filtertest.People(r, 100_000)
	var stream bytes.Buffer
	w := ipc.NewWriter(&stream, ipc.WithSchema(schema))
	for range 16 {
		batch := make([]string, 65536)
		for i := range batch {
			batch[i] = people[r.IntN(len(people))]
		}
		if err := w.Write(batchOf(batch)); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(stream.Len()))
	for b.Loop() {
		run := Run{Name: "in", In: bytes.NewReader(stream.Bytes()), Out: io.Discard, Register: register, Format: arrow.Format{Stream: true}}
		if _, err := run.Do(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*16*65536/b.Elapsed().Seconds(), "records/s")
}

func Example_words() {
	fmt.Println(Column, words)
	// Output: verdict [kept opted_out missing invalid unchecked]
}
