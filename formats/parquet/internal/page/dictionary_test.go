package page

import (
	"bytes"
	"testing"

	"noo/formats/parquet/internal/meta"
	"noo/formats/parquet/internal/spec"
	"noo/formats/parquet/internal/stats"
)

func FuzzDictionary(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00a\x02\x00\x00\x00bc"), int32(2), []byte{1, 3, 2}, uint16(8))
	f.Fuzz(func(t *testing.T, values []byte, size int32, indices []byte, n uint16) {
		if size < 0 || size > 1<<16 {
			return
		}
		for _, l := range []meta.Leaf{{Kind: spec.ByteArray, Order: stats.Bytewise}, {Kind: spec.Int64Type, Width: 8, Order: stats.SignedInts}, {Kind: spec.FixedLenByteArray}} {
			var d Dictionary
			if d.Load(Page{Header: Header{Values: size}, Body: values}, &l) != nil {
				continue
			}
			got, err := d.Indices(nil, Page{Body: indices, Defined: int(n)})
			if err != nil {
				continue
			}
			used, renumber := make([]bool, d.Size), make([]uint32, d.Size)
			for _, index := range got {
				used[index] = true
			}
			var seen stats.Bounds
			seen.Reset(l.Order, l.Width)
			pruned, left := d.Pruned(nil, used, renumber, &seen)
			var again Dictionary
			if err := again.Load(Page{Header: Header{Values: int32(left)}, Body: pruned}, &l); err != nil {
				t.Fatal(err)
			}
			for _, index := range got {
				if !bytes.Equal(again.Encoded(renumber[index]), d.Encoded(index)) {
					t.Fatal("a value changed")
				}
			}
		}
	})
}
