package formats

import (
	"bytes"
	stdgzip "compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

func TestDecompressors(t *testing.T) {
	for _, s := range samples(t) {
		if got := DetectCompression(s.stream); got != s.compression {
			t.Errorf("%s: taken for %v", s.name, got)
		}
		for name, stream := range map[string]io.Reader{
			"at once": bytes.NewReader(s.stream), "byte by byte": iotest.OneByteReader(bytes.NewReader(s.stream)),
			"with the end": iotest.DataErrReader(bytes.NewReader(s.stream)),
		} {
			d := NewDecompressor(s.compression, "in", stream)
			if err := iotest.TestReader(d, []byte(s.content)); err != nil {
				t.Errorf("%s, %s: %v", s.name, name, err)
			}
			d.Close()
		}
	}
	for _, c := range []Compression{Gzip, Zstd} {
		if got, err := decompressed(c, bytes.NewReader(compressed(t, c, nil, 1, 1))); err != nil || len(got) > 0 {
			t.Errorf("%v of nothing: %d bytes, %v", c, len(got), err)
		}
	}
}

// TestLongStreams reads what takes many blocks from the tools where they are installed.
func TestLongStreams(t *testing.T) {
	if testing.Short() {
		t.Skip("takes time only")
	}
	content := text(rand.New(rand.NewPCG(41, 43)), 3<<20)
	for _, tool := range []struct {
		compression Compression
		command     string
	}{
		{Gzip, "gzip -1 -c"}, {Gzip, "pigz -c -p 4"}, {Gzip, "pigz -c -i -p 4"}, {Zstd, "zstd -c -q -1"}, {Zstd, "zstd -c -q --long=27 -T4"},
		{Zstd, "pzstd -c -q"}, {Bzip2, "bzip2 -c -1"}, {Bzip2, "lbzip2 -c -1 -n 4"},
	} {
		words := strings.Fields(tool.command)
		if _, err := exec.LookPath(words[0]); err != nil {
			continue
		}
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Stdin = bytes.NewReader(content)
		stream, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", tool.command, err)
		}
		if got, err := decompressed(tool.compression, bytes.NewReader(stream)); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes of %d, %v", tool.command, len(got), len(content), err)
		}
		for range 8 {
			cut := rand.IntN(len(stream))
			got, err := decompressed(tool.compression, bytes.NewReader(stream[:cut]))
			// These may be cut between frames or streams.
			if err == nil && tool.command != "pzstd -c -q" && tool.command != "lbzip2 -c -1 -n 4" {
				t.Errorf("%s: good although cut at %d of %d", tool.command, cut, len(stream))
			}
			if !bytes.HasPrefix(content, got) {
				t.Errorf("%s cut at %d: other content", tool.command, cut)
			}
		}
	}
}

// refused makes sure that an error refuses the input for a reason.
func refused(err error, reasons ...error) error {
	in, ok := errors.AsType[*InputError](err)
	if !ok || in.Name != "in" {
		return fmt.Errorf("not an InputError with the name: %v", err)
	}
	for _, reason := range reasons {
		if errors.Is(err, reason) {
			return nil
		}
	}
	return fmt.Errorf("refused for another reason: %w", err)
}

// TestDamaged cuts off, flips and lengthens every sample at every place: that is found, or the
// content is the same.
func TestDamaged(t *testing.T) {
	for _, s := range samples(t) {
		cut := map[int]bool{}
		for _, end := range s.ends {
			cut[end] = true
		}
		for at := 1; at < len(s.stream); at++ {
			got, err := decompressed(s.compression, bytes.NewReader(s.stream[:at]))
			if cut[at] && err == nil && strings.HasPrefix(s.content, string(got)) {
				continue // nobody can tell
			}
			if err := refused(err, ErrTruncated); err != nil {
				t.Errorf("%s cut at %d of %d: %v", s.name, at, len(s.stream), err)
			}
		}
		for at := range s.stream {
			for bit := range 8 {
				if testing.Short() && bit != at%8 {
					continue
				}
				stream := bytes.Clone(s.stream)
				stream[at] ^= 1 << bit
				got, err := decompressed(s.compression, bytes.NewReader(stream))
				if err == nil && string(got) != s.content {
					t.Errorf("%s with bit %d of byte %d flipped: other content", s.name, bit, at)
				}
				if err != nil {
					if err := refused(err, ErrDamaged, ErrTruncated, ErrTrailing, ErrZstdWindow, ErrZstdDictionary); err != nil {
						t.Errorf("%s with bit %d of byte %d flipped: %v", s.name, bit, at, err)
					}
				}
			}
		}
		for _, garbage := range []string{"garbage", "\n", "id,nhs\n1,2\n", "\x00\x00\x00\x00\x00\x00"} {
			_, err := decompressed(s.compression, strings.NewReader(string(s.stream)+garbage))
			if err := refused(err, ErrTrailing, ErrTruncated); err != nil {
				t.Errorf("%s followed by %q: %v", s.name, garbage, err)
			}
		}
	}
}

// TestHostileStreams: what asks for much memory, or for something that is not there, is refused
// with what to do.
func TestHostileStreams(t *testing.T) {
	frame := func(descriptor byte, rest ...byte) []byte {
		return append([]byte{0x28, 0xb5, 0x2f, 0xfd, descriptor}, rest...)
	}
	for _, c := range []struct {
		name   string
		stream []byte
		reason error
	}{
		{"a window of 256 MiB", frame(0, 18<<3, 1, 0, 0), ErrZstdWindow},
		{"a window of 3.75 TiB", frame(0, 31<<3|7, 1, 0, 0), ErrZstdWindow},
		{"a frame of 1 TiB in a single segment", frame(0xe0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0), ErrZstdWindow},
		{"a dictionary", frame(0x21, 7, 1, 8, 0, 0), ErrZstdDictionary},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := decompressed(Zstd, bytes.NewReader(c.stream))
		runtime.ReadMemStats(&after)
		if err := refused(err, c.reason); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
			t.Errorf("%s: took %d MiB", c.name, used>>20)
		}
	}
	// The largest window that is allowed.
	got, err := decompressed(Zstd, bytes.NewReader(frame(0, 17<<3, 1, 0, 0)))
	if err != nil || len(got) > 0 {
		t.Errorf("a window of 128 MiB: %d bytes, %v", len(got), err)
	}
}

type failing struct{}

// TestErrorsOfTheReader: what is wrong with the disk is not taken for something wrong with the
// file.
func TestErrorsOfTheReader(t *testing.T) {
	errDisk := errors.New("input/output error")
	for _, s := range samples(t) {
		for at := range s.stream {
			stream := io.MultiReader(bytes.NewReader(s.stream[:at]), iotest.ErrReader(errDisk))
			if _, err := decompressed(s.compression, stream); err != errDisk {
				t.Fatalf("%s, an error at %d of %d: %v", s.name, at, len(s.stream), err)
			}
		}
	}
}

func TestDecoderThatPanics(t *testing.T) {
	d := NewDecompressor(Gzip, "in", strings.NewReader(""))
	d.stream = failing{}
	for range 2 {
		_, err := d.Read(make([]byte, 10))
		if refused(err, ErrDamaged) != nil || strings.Contains(err.Error(), "943") {
			t.Errorf("%v", err)
		}
	}
}

// FuzzDecompressor holds every decoder against its promise that what is wrong is an error of the
// input. What gzip accepts, the standard library must read the same way; it does accept reserved
// flags, which RFC 1952 forbids.
func FuzzDecompressor(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(uint8(s.compression), s.stream)
	}
	f.Fuzz(func(t *testing.T, choice uint8, stream []byte) {
		const most = 1 << 20
		c := Compression(1 + choice%3)
		read := func(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, most)) }
		d := NewDecompressor(c, "in", bytes.NewReader(stream))
		defer d.Close()
		got, err := read(d)
		if err != nil {
			if err := refused(err, ErrDamaged, ErrTruncated, ErrTrailing, ErrZstdWindow, ErrZstdDictionary); err != nil {
				t.Fatal(err)
			}
		}
		if c != Gzip || err != nil || len(got) == most {
			return
		}
		reader, err := stdgzip.NewReader(bytes.NewReader(stream))
		if err != nil {
			t.Fatalf("%d bytes; the standard library: %v", len(got), err)
		}
		if want, err := read(reader); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes; the standard library: %d bytes, %v", len(got), len(want), err)
		}
	})
}
