package main

// What the scripts need to make and read compressed files: a script cannot hold a binary file.

import (
	"compress/gzip"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"
)

// compressFile compresses a file with a writer that is not noo's: compress gzip|zstd FROM TO.
func compressFile(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: compress gzip|zstd FROM TO")
	}
	content, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	out, err := os.Create(ts.MkAbs(args[2]))
	ts.Check(err)
	defer out.Close()
	switch args[0] {
	case "gzip":
		w := gzip.NewWriter(out)
		_, err := w.Write(content)
		ts.Check(err)
		ts.Check(w.Close())
	case "zstd":
		w, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1))
		ts.Check(err)
		_, err = w.Write(content)
		ts.Check(err)
		ts.Check(w.Close())
	default:
		ts.Fatalf("cannot compress with %s", args[0])
	}
	ts.Check(out.Close())
}

// decompressFile decompresses a file: decompress gzip|zstd FROM TO.
func decompressFile(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: decompress gzip|zstd FROM TO")
	}
	stream, err := os.Open(ts.MkAbs(args[1]))
	ts.Check(err)
	defer stream.Close()
	var content []byte
	switch args[0] {
	case "gzip":
		r, err := gzip.NewReader(stream)
		ts.Check(err)
		content, err = io.ReadAll(r)
		ts.Check(err)
	case "zstd":
		r, err := zstd.NewReader(stream)
		ts.Check(err)
		defer r.Close()
		content, err = io.ReadAll(r)
		ts.Check(err)
	default:
		ts.Fatalf("cannot decompress %s", args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), content, 0o600))
}

// appendFile appends a file to another: append FILE MORE.
func appendFile(ts *testscript.TestScript, _ bool, args []string) {
	content, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	more, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), append(content, more...), 0o600))
}

// cutFile copies the start of a file: cut FROM TO BYTES; a negative number is that many bytes less
// than all.
func cutFile(ts *testscript.TestScript, _ bool, args []string) {
	content, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	size, err := strconv.Atoi(args[2])
	ts.Check(err)
	if size < 0 {
		size += len(content)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), content[:size], 0o600))
}

// gzipped and zstandard compress with other writers than noo's.
func gzipped(t *testing.T, text []byte) []byte {
	t.Helper()
	var out strings.Builder
	w := gzip.NewWriter(&out)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return []byte(out.String())
}

func zstandard(t *testing.T, text []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(text, nil)
}
