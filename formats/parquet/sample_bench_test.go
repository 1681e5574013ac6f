package parquet

import (
	"context"
	"os"
	"testing"

	"noo/formats"
)

// BenchmarkSample looks at the first 1,000 records of every column of a large file.
func BenchmarkSample(b *testing.B) {
	path := os.Getenv("NOO_BENCH_PARQUET")
	if path == "" {
		b.Skip("NOO_BENCH_PARQUET names no file")
	}
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		data, err := Format{}.Open(context.Background(), formats.Input{Name: "bench.parquet", ReaderAt: file, Size: info.Size()})
		if err != nil {
			b.Fatal(err)
		}
		if err := data.Sample(context.Background(), 1000, func(int, *formats.Values) {}); err != nil {
			b.Fatal(err)
		}
	}
}
