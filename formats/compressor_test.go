package formats

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

// TestCompressors holds what is written against readers that others made: the same content, in one
// member or frame, and the same bytes whatever the number of workers and the sizes of the writes.
func TestCompressors(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 29))
	sizes := []int{0, 1, 1000, 70_000, gzipPiece - 1, gzipPiece, gzipPiece + 1, 4*zstdWindow - 1, 4 * zstdWindow, 4*zstdWindow + 1, 9 << 20}
	if testing.Short() {
		sizes = []int{0, 1000, 5 << 20}
	}
	for _, size := range sizes {
		content := text(r, size)
		if size == 9<<20 { // what cannot be compressed
			for i := range content {
				content[i] = byte(r.Uint32())
			}
		}
		for _, c := range []Compression{Gzip, Zstd} {
			stream := compressed(t, c, content, 1, 256<<10)
			for _, workers := range []int{2, 40} {
				if !bytes.Equal(stream, compressed(t, c, content, workers, 1+r.IntN(1<<20))) {
					t.Errorf("%v, %d bytes: %d workers give other bytes than one", c, size, workers)
				}
			}
			if got, err := independently(t, c, stream); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%v, %d bytes: another reader gives %d bytes, %v", c, size, len(got), err)
			}
			if got, err := decompressed(c, bytes.NewReader(stream)); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%v, %d bytes: read back %d bytes, %v", c, size, len(got), err)
			}
		}
	}
	header := compressed(t, Gzip, []byte("x"), 1, 1)[:10]
	if !bytes.Equal(header, []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}) {
		t.Errorf("the gzip header tells something of the machine or the time: %x", header)
	}
	if _, err := NewCompressor(Bzip2, io.Discard, 1); !errors.Is(err, ErrNotWritable) {
		t.Errorf("bzip2: %v", err)
	}
}

// full takes so many bytes.
type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	n := min(len(p), f.room)
	f.room -= n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

var errFull = errors.New("no space left")

// TestCompressorThatFails fills the disk at several places, or abandons the compressor: an error
// comes out, and no goroutine stays.
func TestCompressorThatFails(t *testing.T) {
	content := text(rand.New(rand.NewPCG(47, 53)), 5<<20)
	before := runtime.NumGoroutine()
	for _, c := range []Compression{Gzip, Zstd} {
		size := len(compressed(t, c, content, 2, 1<<20))
		for _, room := range []int{0, 1, 10, 12, 100_000, size / 2, size - 9, size - 8, size - 4, size - 1} {
			if testing.Short() && room%2 == 0 {
				continue
			}
			w, err := NewCompressor(c, &full{room}, 3)
			if err != nil {
				t.Fatal(err)
			}
			for rest := content; len(rest) > 0 && err == nil; rest = rest[min(100_000, len(rest)):] {
				_, err = w.Write(rest[:min(100_000, len(rest))])
			}
			if err == nil {
				err = w.Close()
			}
			w.Abandon()
			if !errors.Is(err, errFull) {
				t.Errorf("%v with room for %d of %d bytes: %v", c, room, size, err)
			}
		}
		for _, n := range []int{0, 1, 5 << 20} {
			w, err := NewCompressor(c, io.Discard, 3)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(content[:n]); err != nil {
				t.Error(err)
			}
			w.Abandon()
			w.Abandon()
		}
	}
	for range 6000 { // a minute
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines where there were %d", runtime.NumGoroutine(), before)
}

// mistaken is an encoder that writes a stream of its own, whatever it is given.
type mistaken struct {
	to     io.Writer
	stream []byte
}

func (m mistaken) Write(p []byte) (int, error) { return len(p), nil }

func (m mistaken) Close() error {
	_, err := m.to.Write(m.stream)
	return err
}

// TestMiscompressed: an encoder that makes a mistake is found out before the output is used.
func TestMiscompressed(t *testing.T) {
	content := text(rand.New(rand.NewPCG(59, 61)), 5000)
	for _, c := range []Compression{Gzip, Zstd} {
		good, shorter := compressed(t, c, content, 1, 100), compressed(t, c, content[1:], 1, 100)
		flipped := bytes.Clone(good)
		flipped[len(good)/2] ^= 1
		for name, stream := range map[string][]byte{
			"a good one": good, "a record less": shorter, "a bit flipped": flipped, "cut off": good[:len(good)-1],
			"something behind": append(bytes.Clone(good), "x"...), "nothing": nil,
		} {
			z, err := NewCompressor(c, io.Discard, 2)
			if err != nil {
				t.Fatal(err)
			}
			z.encoder = mistaken{z.proof, stream}
			if _, err := z.Write(content); err != nil {
				t.Fatal(err)
			}
			err = z.Close()
			if _, refused := errors.AsType[*InputError](err); refused || errors.Is(err, ErrMiscompressed) == (name == "a good one") {
				t.Errorf("%v, %s: %v", c, name, err)
			}
		}
	}
}
