package encoding

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"noo/formats/parquet/internal/meta"
	"noo/formats/parquet/internal/spec"
)

// coders are the value coders, with the leaf that each is for.
func coders() map[spec.Encoding][]meta.Leaf {
	texts, fixed := meta.Leaf{Kind: spec.ByteArray}, meta.Leaf{Kind: spec.FixedLenByteArray, Width: 3}
	four, eight := meta.Leaf{Kind: spec.Int32Type, Width: 4}, meta.Leaf{Kind: spec.Int64Type, Width: 8}
	return map[spec.Encoding][]meta.Leaf{
		spec.DeltaBinaryPacked: {four, eight}, spec.DeltaLengthByteArray: {texts}, spec.DeltaByteArray: {texts, fixed}, spec.ByteStreamSplit: {four, eight, fixed},
		spec.RLE: {{Kind: spec.Boolean}},
	}
}

func FuzzValues(f *testing.F) {
	random := rand.New(rand.NewPCG(4, 4))
	for range 20 {
		var numbers []int64
		for range random.IntN(300) {
			numbers = append(numbers, random.Int64()>>random.IntN(64))
		}
		f.Add(appendDelta(nil, numbers, false), uint16(len(numbers)))
	}
	f.Fuzz(func(t *testing.T, data []byte, n uint16) {
		const limit = 1 << 20
		for e, leaves := range coders() {
			for _, l := range leaves {
				coder, err := CoderFor(l.Kind, l.Width, e, false)
				if err != nil {
					t.Fatal(err)
				}
				values, err := coder.ToPlain(nil, data, int(n), limit)
				if err != nil {
					continue
				}
				if len(values) > limit {
					t.Errorf("encoding %d: %d bytes, over the limit", e, len(values))
				}
				encoded, err := coder.FromPlain(nil, values, int(n))
				if err != nil {
					t.Fatal(err)
				}
				again, err := coder.ToPlain(nil, encoded, int(n), limit)
				if err != nil || !bytes.Equal(again, values) {
					t.Errorf("encoding %d: values do not survive: %v", e, err)
				}
			}
		}
	})
}
