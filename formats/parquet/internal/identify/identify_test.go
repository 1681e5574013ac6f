package identify

import (
	"errors"
	"math"
	"testing"

	"noo/formats/parquet/internal/meta"
	"noo/formats/parquet/internal/spec"
)

// TestMeaningOf lists how columns are read. There is no other list: what a sample looks at can be
// named.
func TestMeaningOf(t *testing.T) {
	for _, c := range []struct {
		leaf meta.Leaf
		want string
	}{
		{meta.Leaf{Kind: spec.ByteArray, Note: spec.Textual}, "text"}, {meta.Leaf{Kind: spec.ByteArray, Note: spec.JSONText}, "text"}, {meta.Leaf{Kind: spec.ByteArray, Note: spec.Strange}, "text"},
		{meta.Leaf{Kind: spec.ByteArray, Note: spec.BSONDocument}, "text"}, {meta.Leaf{Kind: spec.FixedLenByteArray, Width: 10}, "text"}, {meta.Leaf{Kind: spec.FixedLenByteArray}, "text"},
		{meta.Leaf{Kind: spec.FixedLenByteArray, Width: 16}, "wide"}, {meta.Leaf{Kind: spec.FixedLenByteArray, Width: 16, Note: spec.Strange}, "wide"},
		{meta.Leaf{Kind: spec.FixedLenByteArray, Width: 16, Note: spec.UUID}, "text"},
		{meta.Leaf{Kind: spec.Int64Type, Note: spec.Decimal, Scale: 2}, "decimal"}, {meta.Leaf{Kind: spec.Int32Type, Note: spec.Decimal, Scale: 76}, "decimal"},
		{meta.Leaf{Kind: spec.Int64Type, Note: spec.Decimal, Scale: -2}, ""}, {meta.Leaf{Kind: spec.Int64Type, Note: spec.Decimal}, "int"}, {meta.Leaf{Kind: spec.Int32Type, Note: spec.Decimal}, "int"},
		{meta.Leaf{Kind: spec.FixedLenByteArray, Note: spec.Decimal, Width: 5}, "bytes"}, {meta.Leaf{Kind: spec.FixedLenByteArray, Note: spec.Decimal, Width: 8}, "bytes"},
		{meta.Leaf{Kind: spec.FixedLenByteArray, Note: spec.Decimal, Width: 5, Scale: 1}, "decimal"}, {meta.Leaf{Kind: spec.FixedLenByteArray, Note: spec.Decimal, Width: 9}, "decimal"},
		{meta.Leaf{Kind: spec.FixedLenByteArray, Note: spec.Decimal}, "decimal"}, {meta.Leaf{Kind: spec.ByteArray, Note: spec.Decimal}, "decimal"},
		{meta.Leaf{Kind: spec.FixedLenByteArray, Note: spec.Decimal, Width: 1 << 20, Scale: 38}, "decimal"}, {meta.Leaf{Kind: spec.FixedLenByteArray, Note: spec.Decimal, Scale: 77}, ""},
		{meta.Leaf{Kind: spec.Int64Type}, "int"}, {meta.Leaf{Kind: spec.Int64Type, Note: spec.UnsignedInt}, "decimal"}, {meta.Leaf{Kind: spec.Int32Type, Note: spec.UnsignedInt}, "uint"},
		{meta.Leaf{Kind: spec.Int64Type, Note: spec.Strange}, "int"}, {meta.Leaf{Kind: spec.Int64Type, Note: spec.Temporal}, ""},
		{meta.Leaf{Kind: spec.Double}, "float"}, {meta.Leaf{Kind: spec.Float}, ""}, {meta.Leaf{Kind: spec.Boolean}, ""}, {meta.Leaf{Kind: spec.Int96}, ""},
	} {
		got := ""
		mean, err := TypeOf(&c.leaf)
		if err == nil {
			got = map[ValueType]string{AsText: "text", asInt: "int", AsUint: "uint", asFloat: "float", AsBytes: "bytes", AsDecimal: "decimal", AsWide: "wide"}[mean]
		} else if !errors.Is(err, ErrNotIdentifying) {
			t.Error(err)
		}
		if got != c.want {
			t.Errorf("%s is read as %q, want %q", c.leaf.TypeText(), got, c.want)
		}
	}
}

// TestDisputedColumnsAreSampled: a column whose annotations contradict one another does not
// identify people, and is sampled.
func TestDisputedColumnsAreSampled(t *testing.T) {
	leaves := []meta.Leaf{{Kind: spec.Int64Type, Disputed: true}}
	if _, err := ValueTypes(leaves, []int{0}); !errors.Is(err, ErrNotIdentifying) {
		t.Errorf("a disputed column identifies: %v", err)
	}
	if _, err := TypeOf(&leaves[0]); err != nil {
		t.Errorf("nobody would look at a disputed column that was not named: %v", err)
	}
}

func TestBigEndianInt(t *testing.T) {
	for _, c := range []struct {
		bytes []byte
		want  int64
	}{
		{[]byte{5}, 5}, {[]byte{0xff}, -1}, {[]byte{0xff, 0x85}, -123}, {[]byte{2, 0x32, 0x5b, 0x1d, 0x4f}, 0x02325b1d4f},
		{[]byte{0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, math.MaxInt64}, {[]byte{0x80, 0, 0, 0, 0, 0, 0, 0}, math.MinInt64},
	} {
		if got := BigEndianInt(c.bytes); got != c.want {
			t.Errorf("%x is %d, want %d", c.bytes, got, c.want)
		}
	}
}
