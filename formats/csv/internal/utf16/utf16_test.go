package utf16

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"
	"unicode/utf8"
)

func encoded(text string, order binary.ByteOrder) (units []byte) {
	for _, unit := range utf16.Encode([]rune(text)) {
		units = order.(binary.AppendByteOrder).AppendUint16(units, unit)
	}
	return units
}

func TestThereAndBack(t *testing.T) {
	text := "\ufeffid,note\r\n1,é漢😀\n" + strings.Repeat("x😀", blockSize)
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for name, through := range map[string]func(io.Reader) io.Reader{
			"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader,
		} {
			t.Run(order.String()+" "+name, func(t *testing.T) {
				units := encoded(text, order)
				if Order(units) != order {
					t.Fatal("another order")
				}
				got, err := io.ReadAll(NewReader(through(bytes.NewReader(units)), order))
				if err != nil || string(got) != text {
					t.Fatalf("%d bytes, %v", len(got), err)
				}
				var back bytes.Buffer
				if _, err := NewWriter(&back, order).Write(got); err != nil || !bytes.Equal(back.Bytes(), units) {
					t.Error("other bytes come back", err)
				}
			})
		}
	}
}

func TestRefused(t *testing.T) {
	for _, test := range []struct {
		name  string
		units []byte
		err   error
		line  int64
	}{
		{"a high surrogate at the end", []byte{'a', 0, '\n', 0, 0x3D, 0xD8}, ErrSurrogate, 2},
		{"a high surrogate before a letter", []byte{0x3D, 0xD8, 'a', 0}, ErrSurrogate, 1},
		{"a low surrogate alone", []byte{0x00, 0xDE, 'a', 0}, ErrSurrogate, 1},
		{"two high surrogates", []byte{0x3D, 0xD8, 0x3D, 0xD8, 0x00, 0xDE}, ErrSurrogate, 1},
		{"an odd byte", []byte{'a', 0, '\n', 0, 'b'}, ErrOddByte, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := io.ReadAll(NewReader(iotest.OneByteReader(bytes.NewReader(test.units)), binary.LittleEndian))
			at, ok := errors.AsType[*Error](err)
			if !errors.Is(err, test.err) || !ok || at.Line != test.line {
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := NewWriter(io.Discard, binary.LittleEndian).Write([]byte("a\xff")); err == nil {
		t.Error("text that is no UTF-8 is written")
	}
}

// FuzzUTF16: what is read is UTF-8, and gives the same bytes again; only what the standard library
// finds damaged is refused.
func FuzzUTF16(f *testing.F) {
	f.Add([]byte{'a', 0, 0x3D, 0xD8, 0x00, 0xDE})
	f.Add([]byte{0xFD, 0xFF, 0xFF, 0xFF, 0, 0})
	f.Fuzz(func(t *testing.T, units []byte) {
		text, err := io.ReadAll(NewReader(bytes.NewReader(units), binary.LittleEndian))
		var all []uint16
		for i := 0; i+2 <= len(units); i += 2 {
			all = append(all, binary.LittleEndian.Uint16(units[i:]))
		}
		damaged := len(units)%2 == 1 || !bytes.Equal(encoded(string(utf16.Decode(all)), binary.LittleEndian), units)
		if (err != nil) != damaged {
			t.Fatalf("%x: %v", units, err)
		}
		var back bytes.Buffer
		if err != nil {
			return
		}
		if _, err := NewWriter(&back, binary.LittleEndian).Write(text); err != nil || !utf8.Valid(text) || !bytes.Equal(back.Bytes(), units) {
			t.Fatalf("%x: %q, %x, %v", units, text, back.Bytes(), err)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	units := encoded(strings.Repeat("1,9434765919,a note, é\r\n", 50_000), binary.LittleEndian)
	b.SetBytes(int64(len(units)))
	for b.Loop() {
		text, err := io.ReadAll(NewReader(bytes.NewReader(units), binary.LittleEndian))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := NewWriter(io.Discard, binary.LittleEndian).Write(text); err != nil {
			b.Fatal(err)
		}
	}
}
