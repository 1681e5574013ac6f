package formats

import (
	"bytes"
	stdgzip "compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
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

func (failing) Read([]byte) (int, error) { panic("9434765919") }
