package formats

// Compression around a whole file: how it is told, and how names tell it. It wraps formats that do
// not compress by themselves; decompressor.go reads it and compressor.go writes it.

import (
	"bytes"
	"errors"
	"strings"
)

// Compression is what a whole file is compressed with. The zero Compression is none.
type Compression uint8

const (
	// Uncompressed is a file as its format writes it.
	Uncompressed Compression = iota
	// Gzip is RFC 1952.
	Gzip
	// Zstd is RFC 8878.
	Zstd
	// Bzip2 is the format of the bzip2 tool. It is only read.
	Bzip2
)

// compressions says of each Compression how it is called, and how the names of its files end.
var compressions = [...]struct{ name, suffix string }{
	Uncompressed: {"none", ""},
	Gzip:         {"gzip", ".gz"},
	Zstd:         {"zstd", ".zst"},
	Bzip2:        {"bzip2", ".bz2"},
}

// String gives the name: none, gzip, zstd or bzip2.
func (c Compression) String() string { return compressions[c].name }

// MarshalText gives the name.
func (c Compression) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the name of a Compression that can be written: none, gzip or zstd.
func (c *Compression) UnmarshalText(text []byte) error {
	for found := range Compression(len(compressions)) {
		if found.Writable() && found.String() == string(text) {
			*c = found
			return nil
		}
	}
	return errors.New("want none, gzip or zstd")
}

// Writable reports whether files can be written so.
func (c Compression) Writable() bool { return c != Bzip2 }

// Suffix ends the names of files that are compressed so: ".gz", ".zst", ".bz2", or "".
func (c Compression) Suffix() string { return compressions[c].suffix }

// CompressionNamed is the Compression that the end of a file's name promises, in any case.
func CompressionNamed(name string) Compression {
	for c := range Compression(len(compressions)) {
		if suffix := c.Suffix(); suffix != "" && len(name) >= len(suffix) &&
			strings.EqualFold(name[len(name)-len(suffix):], suffix) {
			return c
		}
	}
	return Uncompressed
}

// Rename gives the name that a file has when it is compressed with to instead: a.csv.gz becomes
// a.csv.zst, or a.csv. A name that promises to already stays as it is.
func Rename(name string, to Compression) string {
	if CompressionNamed(name) == to {
		return name
	}
	return withoutSuffix(name) + to.Suffix()
}

// withoutSuffix takes the suffix of a Compression off a name.
func withoutSuffix(name string) string {
	return name[:len(name)-len(CompressionNamed(name).Suffix())]
}

// DetectCompression tells from the first bytes of a file what it is compressed with.
func DetectCompression(head []byte) Compression {
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return Gzip
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")) || isSkippable(head):
		return Zstd
	case isBzip2(head):
		return Bzip2
	}
	return Uncompressed
}

// isSkippable reports whether a zstd stream starts with a skippable frame (RFC 8878, 3.1.2), as
// those of pzstd do.
func isSkippable(head []byte) bool {
	return len(head) >= 4 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18"
}

// isBzip2 reports whether a bzip2 stream starts here: its header, and then a block or, in a stream
// without any, the end. The header alone could be text.
func isBzip2(head []byte) bool {
	if len(head) < 10 || string(head[:3]) != "BZh" || head[3] < '1' || head[3] > '9' {
		return false
	}
	next := string(head[4:10])
	return next == "1AY&SY" || next == "\x17\x72\x45\x38\x50\x90"
}
