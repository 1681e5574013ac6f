//go:build unix

package main

// Runs over Arrow that are killed: what is there afterwards is whole, or not there.

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// writeArrow writes 600,000 records as an Arrow file, and their numbers as a stream.
func writeArrow(t *testing.T, file, stream string) {
	t.Helper()
	number := arrow.Field{Name: "nhs_number", Type: arrow.BinaryTypes.String}
	note := arrow.Field{Name: "note", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}}
	both, alone := arrow.NewSchema([]arrow.Field{number, note}, nil), arrow.NewSchema([]arrow.Field{number}, nil)
	var out, numbers bytes.Buffer
	w, err := ipc.NewFileWriter(&out, ipc.WithSchema(both), ipc.WithZstd())
	if err != nil {
		t.Fatal(err)
	}
	s := ipc.NewWriter(&numbers, ipc.WithSchema(alone))
	b := array.NewRecordBuilder(memory.DefaultAllocator, both)
	for i := range 20_000 {
		b.Field(0).(*array.StringBuilder).Append([]string{"9995609649", "9434765919", "9926702066", "x"}[i%4])
		if err := b.Field(1).(*array.BinaryDictionaryBuilder).AppendString("note " + string(rune('a'+i%20))); err != nil {
			t.Fatal(err)
		}
	}
	batch := b.NewRecordBatch()
	for range 30 {
		err := errors.Join(w.Write(batch), s.Write(array.NewRecordBatch(alone, batch.Columns()[:1], batch.NumRows())))
		if err != nil {
			t.Fatal(err)
		}
	}
	err = errors.Join(w.Close(), s.Close(), os.WriteFile(file, out.Bytes(), 0o600), os.WriteFile(stream, numbers.Bytes(), 0o600))
	if err != nil {
		t.Fatal(err)
	}
}

func TestKilledArrowRun(t *testing.T) {
	dir := t.TempDir()
	if err := give(filepath.Join(dir, ".given")); err != nil {
		t.Fatal(err)
	}
	writeArrow(t, filepath.Join(dir, "in.arrow"), filepath.Join(dir, "in.arrows"))
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for _, c := range []struct {
		output string
		args   []string
	}{
		{"out.arrow", []string{"filter", "in.arrow", "-o", "out.arrow", "--quiet"}},
		{"out.arrows", []string{"verdicts", "in.arrows", "-o", "out.arrows"}},
	} {
		path := filepath.Join(dir, c.output)
		start := time.Now()
		if said, err := noo(dir, c.args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		long := time.Since(start)
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for range 15 {
			if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			cmd := noo(dir, c.args...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(r.Int64N(int64(long))))
			_ = cmd.Process.Kill() // it may be done
			_ = cmd.Wait()
			out, err := os.ReadFile(path)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			if err == nil && !bytes.Equal(out, want) {
				t.Fatalf("%s has %d bytes of %d", c.output, len(out), len(want))
			}
		}
	}
}
