package thrift

import (
	"bytes"
	"errors"
	"math"
	"testing"
)

// TestRoundTrip writes a struct of every kind of field and reads it again.
func TestRoundTrip(t *testing.T) {
	inner := NewWriter(nil)
	inner.I64(1, math.MinInt64)
	w := NewWriter(nil)
	w.Bool(1, true)
	w.Bool(2, false)
	w.I16(3, math.MinInt16)
	w.I32(4, math.MaxInt32)
	w.I64(40, math.MinInt64) // too far from 4 for the short form
	w.Bytes(41, []byte("text"))
	w.List(42, I32, 20)
	for i := range 20 {
		w.Int(int64(i) - 10)
	}
	w.Struct(43)
	w.I32(1, -1)
	w.Close()
	w.List(44, Struct, 1)
	w.Encoded(inner.Done())
	data := w.Done()

	r := NewReader(data)
	var f Field
	next := func(id int16) Field {
		t.Helper()
		if !r.Next(&f) || f.ID != id {
			t.Fatalf("field %d, want %d: %v", f.ID, id, r.Err())
		}
		return f
	}
	if !r.Bool(next(1)) || r.Bool(next(2)) || r.I16(next(3).Type) != math.MinInt16 || r.I32(next(4).Type) != math.MaxInt32 ||
		r.I64(next(40).Type) != math.MinInt64 || string(r.Bytes(next(41).Type)) != "text" {
		t.Error("a value changed")
	}
	kind, n := r.List(next(42).Type)
	if kind != I32 || n != 20 {
		t.Fatalf("a list of %d of type %d", n, kind)
	}
	for i := range n {
		if got := r.I32(kind); got != int32(i)-10 {
			t.Errorf("element %d is %d", i, got)
		}
	}
	start := r.Pos()
	r.Skip(next(43).Type)
	if want := []byte{0x1c, 0x15, 1, 0}; !bytes.Equal(r.Since(start), want) {
		t.Errorf("the struct is % x, want % x", r.Since(start), want)
	}
	r.Skip(next(44).Type)
	if r.Next(&f) || r.Err() != nil || r.Pos() != len(data) {
		t.Errorf("%d of %d bytes were read: %v", r.Pos(), len(data), r.Err())
	}
	for n := range data {
		short := NewReader(data[:n])
		for f := (Field{}); short.Next(&f); short.Skip(f.Type) {
		}
		if !errors.Is(short.Err(), ErrShort) {
			t.Errorf("%d of %d bytes give %v, want %v", n, len(data), short.Err(), ErrShort)
		}
	}
}

func TestMalformed(t *testing.T) {
	deep := bytes.Repeat([]byte{0x1c}, 1000)
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"a type that does not exist":       {[]byte{0x1e}, ErrMalformed},
		"a number of more than 64 bits":    {[]byte{0x16, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, ErrMalformed},
		"a text longer than the data":      {[]byte{0x18, 0xff, 0xff, 0xff, 0xff, 0x0f, 'a'}, ErrShort},
		"a list longer than the data":      {[]byte{0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x0f, 1}, ErrShort},
		"a map longer than the data":       {[]byte{0x1b, 0xff, 0xff, 0xff, 0x0f, 0x55, 1}, ErrShort},
		"structs in structs without end":   {deep, ErrMalformed},
		"a field whose number is too high": {[]byte{0x05, 0xff, 0xff, 0xff, 0x0f, 2}, ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(c.data)
			for f := (Field{}); r.Next(&f); r.Skip(f.Type) {
			}
			if !errors.Is(r.Err(), c.want) {
				t.Errorf("%s gives %v, want %v", name, r.Err(), c.want)
			}
		})
	}
	if r := NewReader([]byte{0x15, 2}); func() bool { f := Field{}; return r.Next(&f) && r.I64(f.Type) == 0 && errors.Is(r.Err(), ErrMalformed) }() == false {
		t.Error("an I32 was read as an I64")
	}
}
