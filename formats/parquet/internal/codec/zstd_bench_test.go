package codec

// The encoders of this package against klauspost's, on columns like those of the benchmark's
// extract (cmd/noobench). A page holds 100,000 values; the metrics are for one value.

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"noo/formats/parquet/internal/spec"
)

// benchValues is how many values a page of a benchmark holds.
const benchValues = 100_000

// benchTexts returns pages of PLAIN texts by the name of their column.
func benchTexts() map[string][]byte {
	r := rand.New(rand.NewPCG(20180525, 1))
	pages := map[string][]byte{}
	for range benchValues {
		for name, text := range map[string]string{
			"nhs_number": fmt.Sprint(4_000_000_000 + r.Int64N(3_000_000_000)),
			"consultant": fmt.Sprintf("C%07d", 1_000_000+r.IntN(9_000_000)),
		} {
			pages[name] = appendText(pages[name], text)
		}
	}
	return pages
}

// benchEights returns pages of PLAIN values of eight bytes by the name of their column.
func benchEights() map[string][]byte {
	r := rand.New(rand.NewPCG(20180525, 2))
	pages := map[string][]byte{}
	for i := range uint64(benchValues) {
		cost := float64(r.IntN(900_000)) / 100
		for name, value := range map[string]uint64{
			"record_id": 1_000_000_000 + i*18/17, // one record in 18 was removed
			"cost":      math.Float64bits(cost),
		} {
			pages[name] = binary.LittleEndian.AppendUint64(pages[name], value)
		}
	}
	return pages
}

// benchPage compresses a page over and over, and reports the time and the size of one value.
func benchPage(b *testing.B, name string, page []byte, compress func(dst, src []byte) []byte) {
	b.Run(name, func(b *testing.B) {
		var out []byte
		for b.Loop() {
			out = compress(out[:0], page)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchValues, "ns/value")
		b.ReportMetric(float64(len(out))/benchValues, "B/value")
	})
}

// klauspost returns the encoder that a codec has in klauspost's library.
func klauspost(b *testing.B, z *Compressor, c spec.Codec) func(dst, src []byte) []byte {
	return func(dst, src []byte) []byte {
		dst, err := z.Compress(c, dst, src)
		if err != nil {
			b.Fatal(err)
		}
		return dst
	}
}

func BenchmarkZstdTexts(b *testing.B) {
	z := &Compressor{}
	for name, page := range benchTexts() {
		benchPage(b, name+"/noo", page, func(dst, src []byte) []byte {
			e, ok := evenTextsIn(src, 0, benchValues)
			if !ok {
				b.Fatal("the texts are not of one length")
			}
			return z.appendEvenTexts(dst, src, e)
		})
		benchPage(b, name+"/klauspost", page, klauspost(b, z, spec.ZstdCodec))
	}
}

func BenchmarkZstdValues(b *testing.B) {
	z := &Compressor{}
	for name, page := range benchEights() {
		benchPage(b, name+"/noo", page, func(dst, src []byte) []byte {
			return z.appendValues(dst, src, 0)
		})
		benchPage(b, name+"/klauspost", page, klauspost(b, z, spec.ZstdCodec))
	}
}
