package formats

import (
	"bytes"
	stdgzip "compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/klauspost/compress/zstd"
)

func TestCompressionNames(t *testing.T) {
	for _, c := range []struct {
		name     string
		promised Compression
		to       Compression
		renamed  string
	}{
		{"a.csv.gz", Gzip, Zstd, "a.csv.zst"},
		{"a.csv.gz", Gzip, Uncompressed, "a.csv"},
		{"a.csv.gz", Gzip, Gzip, "a.csv.gz"},
		{"a.csv.GZ", Gzip, Gzip, "a.csv.GZ"},
		{"a.CSV.Bz2", Bzip2, Gzip, "a.CSV.gz"},
		{"a.csv", Uncompressed, Zstd, "a.csv.zst"},
		{"a.zst/b", Uncompressed, Uncompressed, "a.zst/b"},
		{"a.zst/b.zst", Zstd, Uncompressed, "a.zst/b"},
		{"gz", Uncompressed, Gzip, "gz.gz"},
		{"", Uncompressed, Gzip, ".gz"},
	} {
		if got := CompressionNamed(c.name); got != c.promised {
			t.Errorf("%q promises %v, want %v", c.name, got, c.promised)
		}
		if got := Rename(c.name, c.to); got != c.renamed {
			t.Errorf("%q for %v: %q, want %q", c.name, c.to, got, c.renamed)
		}
	}
	for text, want := range map[string]Compression{"none": Uncompressed, "gzip": Gzip, "zstd": Zstd} {
		var got Compression
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want || got.String() != text {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "bzip2", "gz", "GZIP", "xz"} {
		if err := new(Compression).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q can be written", text)
		}
	}
}

func TestDetectCompression(t *testing.T) {
	for head, want := range map[string]Compression{
		"":                               Uncompressed,
		"id,nhs\n":                       Uncompressed,
		"\x1f":                           Uncompressed,
		"\x1f\x8b":                       Gzip,
		"\x1f\x8b\x08\x00":               Gzip,
		"\x28\xb5\x2f\xfd":               Zstd,
		"\x50\x2a\x4d\x18\x04\x00":       Zstd,
		"\x5f\x2a\x4d\x18":               Zstd,
		"\x60\x2a\x4d\x18":               Uncompressed,
		"BZh91AY&SY":                     Bzip2,
		"BZh1\x17\x72\x45\x38\x50\x90..": Bzip2,
		"BZh,is,a,header\n":              Uncompressed,
		"BZh9,is,a,header\n":             Uncompressed,
		"BZh01AY&SY":                     Uncompressed,
	} {
		if got := DetectCompression([]byte(head)); got != want {
			t.Errorf("%q: %v, want %v", head, got, want)
		}
	}
}

// text makes n bytes that compress as an extract does.
func text(r *rand.Rand, n int) []byte {
	b := make([]byte, 0, n+64)
	for len(b) < n {
		b = fmt.Appendf(b, "%d,9%09d,routine,%c\r\n", len(b), r.IntN(1e9), 'A'+rune(r.IntN(26)))
	}
	return b[:n]
}

// compressed is content as a Compressor of so many workers makes it, written in pieces of up to
// size bytes.
func compressed(t testing.TB, c Compression, content []byte, workers, size int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewCompressor(c, &out, workers)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abandon()
	for rest := content; len(rest) > 0; {
		n, err := w.Write(rest[:min(size, len(rest))])
		if err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// decompressed reads a stream to its end.
func decompressed(c Compression, stream io.Reader) ([]byte, error) {
	d := NewDecompressor(c, "in", stream)
	defer d.Close()
	return io.ReadAll(d)
}

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

// independently reads one member or frame, and no more, with code that shares nothing with what is
// tested.
func independently(t *testing.T, c Compression, stream []byte) ([]byte, error) {
	t.Helper()
	if c == Zstd {
		if n := frames(t, stream); n != 1 {
			return nil, fmt.Errorf("%d frames", n)
		}
		tool, err := exec.LookPath("zstd")
		if err != nil {
			t.Log("zstd is not installed: its frames are only counted")
			return decompressed(c, bytes.NewReader(stream))
		}
		cmd := exec.Command(tool, "-dc")
		cmd.Stdin = bytes.NewReader(stream)
		return cmd.Output()
	}
	rest := bytes.NewReader(stream)
	reader, err := stdgzip.NewReader(rest)
	if err != nil {
		return nil, err
	}
	reader.Multistream(false)
	content, err := io.ReadAll(reader)
	if err == nil && rest.Len() > 0 {
		err = fmt.Errorf("%d bytes follow the first member", rest.Len())
	}
	return content, err
}

// frames counts the frames of a zstd stream (RFC 8878, 3.1.1), and makes sure that each but an
// empty one has a checksum.
func frames(t *testing.T, stream []byte) (n int) {
	t.Helper()
	for ; len(stream) > 0; n++ {
		var header zstd.Header
		if err := header.Decode(stream); err != nil {
			t.Fatal(err)
		}
		if !header.HasCheckSum && header.FrameContentSize > 0 {
			t.Error("a frame without a checksum")
		}
		at := header.HeaderSize
		for last := false; !last; {
			block := int(stream[at]) | int(stream[at+1])<<8 | int(stream[at+2])<<16
			last = block&1 != 0
			size := block >> 3
			if block>>1&3 == 1 {
				size = 1 // run-length
			}
			at += 3 + size
		}
		if header.HasCheckSum {
			at += 4
		}
		stream = stream[at:]
	}
	return n
}

// sample is a compressed stream and its content.
type sample struct {
	name        string
	compression Compression
	stream      []byte
	content     string
	ends        []int // places at which it could end as well
}

// samples are small streams that others wrote: the standard library, the tools where they are
// installed, and bzip2 at another time.
func samples(t testing.TB) (all []sample) {
	t.Helper()
	content := string(text(rand.New(rand.NewPCG(31, 37)), 300))
	one, other := content[:200], content[200:]

	var out bytes.Buffer
	member := func(content string, header stdgzip.Header) {
		w := stdgzip.NewWriter(&out)
		w.Header = header
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	named := stdgzip.Header{Name: "extract.csv", Comment: "from a trust", Extra: []byte("extra"), ModTime: time.Unix(1e9, 0)}
	member(content, stdgzip.Header{})
	all = append(all, sample{"gzip", Gzip, bytes.Clone(out.Bytes()), content, nil})
	out.Reset()
	member(one, named)
	end := out.Len()
	member("", stdgzip.Header{})
	end2 := out.Len()
	member(other, named)
	all = append(all, sample{"gzip members", Gzip, bytes.Clone(out.Bytes()), content, []int{end, end2}})

	skippable := binary.LittleEndian.AppendUint32([]byte("\x53\x2a\x4d\x18"), 5)
	skippable = append(skippable, "index"...)
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderCRC(true), zstd.WithSingleSegment(false))
	if err != nil {
		t.Fatal(err)
	}
	defer encoder.Close()
	frame, first, second := encoder.EncodeAll([]byte(content), nil), encoder.EncodeAll([]byte(one), nil), encoder.EncodeAll([]byte(other), nil)
	all = append(all,
		sample{"zstd", Zstd, frame, content, nil},
		sample{"zstd frames", Zstd, bytes.Join([][]byte{skippable, first, skippable, second}, nil), content,
			[]int{len(skippable), len(skippable) + len(first), 2*len(skippable) + len(first)}})

	golden, err := os.ReadFile("../testdata/compressed.csv.bz2")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := os.ReadFile("../testdata/compressed.csv")
	if err != nil {
		t.Fatal(err)
	}
	all = append(all,
		sample{"bzip2", Bzip2, golden, string(plain), nil},
		sample{"bzip2 streams", Bzip2, append(bytes.Clone(golden), golden...), string(plain) + string(plain), []int{len(golden)}})

	for _, tool := range []struct {
		compression Compression
		command     string
		ends        []int
	}{
		{Gzip, "gzip -c", nil}, {Gzip, "pigz -c -b 128 -p 4", nil}, {Zstd, "zstd -c -q -19", nil}, {Zstd, "zstd -c -q -T4", nil},
		{Zstd, "pzstd -c -q", []int{12}}, // behind the skippable frame
		{Bzip2, "bzip2 -c -1", nil}, {Bzip2, "lbzip2 -c -1 -n 4", nil},
	} {
		words := strings.Fields(tool.command)
		if _, err := exec.LookPath(words[0]); err != nil {
			continue
		}
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Stdin = strings.NewReader(content)
		stream, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", tool.command, err)
		}
		all = append(all, sample{tool.command, tool.compression, stream, content, tool.ends})
	}
	return all
}

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

type failing struct{}

func (failing) Read([]byte) (int, error) { panic("9434765919") }

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

// full takes so many bytes.
type full struct{ room int }

var errFull = errors.New("no space left")

func (f *full) Write(p []byte) (int, error) {
	n := min(len(p), f.room)
	f.room -= n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

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
