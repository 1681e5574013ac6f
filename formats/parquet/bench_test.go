package parquet

// Benchmarks on a large file, which is named by NOO_BENCH_PARQUET since it is made outside (see the
// Makefile). NOO_BENCH_OPTOUTS names a text of opted-out numbers, one a line; without it one in
// fifteen is taken to have opted out.

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"noo/formats"
	"noo/internal/nhsnumber"
)

// bitmapDecider is a stand-in for the filter: it looks keys up in a plain bitmap.
type bitmapDecider struct{ optedOut []uint64 }

func newBitmapDecider(b *testing.B) *bitmapDecider {
	d := &bitmapDecider{make([]uint64, (nhsnumber.MaxKey+64)/64)}
	path := os.Getenv("NOO_BENCH_OPTOUTS")
	if path == "" {
		for key := uint32(0); key <= nhsnumber.MaxKey; key++ {
			if key*2654435761>>8%15 == 0 {
				d.optedOut[key/64] |= 1 << (key % 64)
			}
		}
		return d
	}
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if key, status := nhsnumber.Parse(lines.Bytes()); status == nhsnumber.Valid {
			d.optedOut[key/64] |= 1 << (key % 64)
		}
	}
	return d
}

func (d *bitmapDecider) fate(key uint32, status nhsnumber.Status) formats.Fate {
	if status == nhsnumber.Valid && d.optedOut[key/64]>>(key%64)&1 == 1 {
		return formats.Drop
	}
	return formats.Keep
}

func (d *bitmapDecider) Decide(batch *formats.Batch, fates []formats.Fate) error {
	values := batch.Columns[0]
	values.Text = textsOf(values)
	for i := range fates {
		at := int32(i)
		if values.Index != nil {
			at = values.Index[i]
		}
		fates[i] = formats.Keep
		if at >= 0 && values.Text != nil {
			fates[i] = d.fate(nhsnumber.Parse(values.Text[at]))
		} else if at >= 0 {
			fates[i] = d.fate(nhsnumber.ParseInt(values.Ints[at]))
		}
	}
	return nil
}

func BenchmarkFilter(b *testing.B) {
	benchmarkScan(b, func(name string) (io.WriteCloser, error) { return os.Create(name) })
}

// BenchmarkCheck reads the identifying column alone.
func BenchmarkCheck(b *testing.B) { benchmarkScan(b, nil) }

func benchmarkScan(b *testing.B, create func(string) (io.WriteCloser, error)) {
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
	decide := newBitmapDecider(b)
	out := os.Getenv("NOO_BENCH_OUTPUT")
	if out == "" {
		out = filepath.Join(b.TempDir(), "out.parquet")
	}
	b.SetBytes(info.Size())
	runtime.GC()
	for b.Loop() {
		data, err := Format{}.Open(context.Background(), formats.Input{Name: "bench.parquet", ReaderAt: file, Size: info.Size()})
		if err != nil {
			b.Fatal(err)
		}
		column := 0
		for i, c := range data.Columns() {
			if strings.Contains(c.Name, "nhs") {
				column = i
			}
		}
		var sinks formats.Sinks
		if create != nil {
			w, err := create(out)
			if err != nil {
				b.Fatal(err)
			}
			defer w.Close()
			sinks.Kept = w
		}
		if err := data.Scan(context.Background(), []int{column}, decide, sinks); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(peakMemory())/(1<<20), "MiB-peak")
}

// peakMemory is the largest resident size of the process in bytes, with the bitmap of the stand-in
// (120 MiB), where the system tells it.
func peakMemory() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			var kib int64
			for _, c := range strings.TrimSpace(rest) {
				if c < '0' || c > '9' {
					break
				}
				kib = 10*kib + int64(c-'0')
			}
			return kib << 10
		}
	}
	return 0
}
