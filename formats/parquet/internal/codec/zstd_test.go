package codec

// The encoders of this package against decoders that know nothing of them.

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// checkTexts has the encoder for texts encode src if it is made for it, and another decode it.
func checkTexts(t *testing.T, z *Compressor, d *zstd.Decoder, src []byte, levels, n int) {
	t.Helper()
	e, ok := evenTextsIn(src, levels, n)
	if !ok {
		return
	}
	prefix := []byte("before")
	packed := z.appendEvenTexts(bytes.Clone(prefix), src, e)
	if !bytes.HasPrefix(packed, prefix) {
		t.Fatal("what stood before is gone")
	}
	if got, err := d.DecodeAll(packed[len(prefix):], nil); err != nil || !bytes.Equal(got, src) {
		t.Fatalf("%+v in %d bytes: %v", e, len(src), err)
	}
}

// appendText appends a PLAIN text.
func appendText(dst []byte, text string) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(text))), text...)
}

func TestTextEncoder(t *testing.T) {
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	z := &Compressor{}
	r := rand.New(rand.NewPCG(5, 6))
	kinds := map[string]func() string{
		"numbers":       func() string { return fmt.Sprintf("9%09d", r.IntN(1e9)) },
		"codes":         func() string { return fmt.Sprintf("C%07d", r.IntN(1e7)) },
		"four":          func() string { return fmt.Sprintf("%04d", r.IntN(1e4)) },
		"one character": func() string { return string(rune('a' + r.IntN(3))) },
		"the same":      func() string { return "always" },
		"empty":         func() string { return "" },
		"any length":    func() string { return fmt.Sprint(r.Uint64() >> r.IntN(64)) },
		"often empty":   func() string { return []string{"", "", "some text"}[r.IntN(3)] },
		"long":          func() string { return fmt.Sprintf("%040d", r.Uint64()) },
		"noise":         func() string { return string(binary.LittleEndian.AppendUint64(nil, r.Uint64())) },
	}
	even := 0
	for name, text := range kinds {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{0, 1, 2, 3, 63, 64, 65, 1000, 9361, 9362, 9363, 50_000} {
				src := make([]byte, []int{0, 7, 300}[r.IntN(3)])
				levels := len(src)
				for range n {
					src = appendText(src, text())
				}
				checkTexts(t, z, d, src, levels, n)
				if _, ok := evenTextsIn(src, levels, n); ok {
					even++
				}
			}
			if t.Failed() {
				t.Fatal(name)
			}
		})
	}
	if even < 20 {
		t.Errorf("only %d pages were even", even)
	}
}

// checkValues has the encoder for values encode src, and another decode it. It returns the size.
func checkValues(t *testing.T, z *Compressor, d *zstd.Decoder, src []byte, levels int) int {
	t.Helper()
	prefix := []byte("before")
	packed := z.appendValues(bytes.Clone(prefix), src, levels)
	if !bytes.HasPrefix(packed, prefix) {
		t.Fatal("what stood before is gone")
	}
	if got, err := d.DecodeAll(packed[len(prefix):], nil); err != nil || !bytes.Equal(got, src) {
		t.Fatalf("%d bytes after %d of levels: %v", len(src), levels, err)
	}
	return len(packed) - len(prefix)
}

func TestValueEncoder(t *testing.T) {
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	z := &Compressor{}
	r := rand.New(rand.NewPCG(7, 8))
	kinds := []struct {
		name  string
		ratio float64 // what 50,000 values take at most
		value func(i int) uint64
	}{
		{"in a row", 0.15, func(i int) uint64 { return 1_000_000_000 + uint64(i) }},
		{"with gaps", 0.2, func(i int) uint64 { return uint64(i)*17 + r.Uint64N(3) }},
		{"prices", 0.55, func(int) uint64 { return math.Float64bits(float64(r.IntN(1e6)) / 100) }},
		{"the same", 0.001, func(int) uint64 { return 42 }},
		{"two", 0.08, func(int) uint64 { return r.Uint64N(2) * 0x1234567890abcdef }},
		{"few", 0.2, func(int) uint64 { return uint64(r.IntN(30)) * 0x9e3779b97f4a7c15 }},
		{"far back", 1.001, func(i int) uint64 { return uint64(i%16384) * 0x9e3779b97f4a7c15 }},
		{"of any length", 1, func(int) uint64 { return r.Uint64() >> r.IntN(64) }},
		{"noise", 1.001, func(int) uint64 { return r.Uint64() }},
		{"noise, then the same", 0.6, func(i int) uint64 { return r.Uint64() * uint64(i/25_000^1) }},
	}
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			for _, n := range []int{0, 1, 2, 64, 300, 16383, 16384, 16385, 50_000} {
				levels := []int{0, 5, 3000}[r.IntN(3)]
				src := make([]byte, levels)
				for i := range n {
					src = binary.LittleEndian.AppendUint64(src, kind.value(i))
				}
				size := checkValues(t, z, d, src, levels)
				if most := kind.ratio*float64(len(src)) + 400; n == 50_000 && float64(size) > most {
					t.Errorf("%s: %d bytes of %d, want %.0f", kind.name, size, len(src), most)
				}
			}
		})
	}
}

// FuzzValueEncoder makes values of pieces: what is repeated, and how often, is up to the fuzzer.
func FuzzValueEncoder(f *testing.F) {
	f.Add([]byte("\x00\x01\x02\x03\x04\x05\x06\x07\x08"), uint16(300), uint8(3))
	f.Add([]byte("price and price and price"), uint16(20_000), uint8(0))
	d, err := zstd.NewReader(nil)
	if err != nil {
		f.Fatal(err)
	}
	z := &Compressor{}
	f.Fuzz(func(t *testing.T, data []byte, n uint16, levels uint8) {
		if len(data) < 8 {
			return
		}
		src := bytes.Repeat([]byte{1}, int(levels))
		value, at := uint64(0), 0
		for range n {
			// Each byte of the data puts in one byte, or adds a step, or goes back to a value of
			// before.
			switch op := data[at]; op % 4 {
			case 0:
				value += uint64(op)
			case 1:
				value = value&^(255<<(op>>2%8*8)) | uint64(data[(at+1)%len(data)])<<(op>>2%8*8)
			case 2:
				value *= 0x9e3779b97f4a7c15
			default:
				if back := 8 * (1 + int(op)*int(op)); len(src)-int(levels) >= back {
					value = binary.LittleEndian.Uint64(src[len(src)-back:])
				}
			}
			at = (at + 1) % len(data)
			src = binary.LittleEndian.AppendUint64(src, value)
		}
		checkValues(t, z, d, src, int(levels))
	})
}

func FuzzTextEncoder(f *testing.F) {
	f.Add([]byte("943476591999956096499926702066"), uint8(10), uint8(3), uint16(100))
	f.Add([]byte("C1234567C7654321"), uint8(8), uint8(0), uint16(20_000))
	f.Add([]byte("abcabcabcabc"), uint8(255), uint8(9), uint16(70))
	d, err := zstd.NewReader(nil)
	if err != nil {
		f.Fatal(err)
	}
	z := &Compressor{}
	f.Fuzz(func(t *testing.T, data []byte, size, levels uint8, n uint16) {
		if len(data) == 0 {
			return
		}
		src := bytes.Repeat([]byte{2}, int(levels))
		at, texts := 0, 0
		for range n {
			length := int(size)
			if size == 255 { // of lengths that the data gives
				length = int(data[at]) % 40
			}
			text := make([]byte, length)
			for i := range text {
				text[i] = data[at]
				// Every round through the data is another one.
				if at++; at == len(data) {
					at = texts % len(data)
				}
			}
			src = appendText(src, string(text))
			texts++
		}
		checkTexts(t, z, d, src, int(levels), texts)
	})
}
