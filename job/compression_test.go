package job

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"noo/filter"
	"noo/filter/filtertest"
	"noo/formats"
	"noo/snapshot"
)

// gzipped compresses a text with the standard library.
func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// inCompressedFolder is inFolder for a text that is compressed, with an output named like it.
func inCompressedFolder(t *testing.T, text string, register filter.Register) *Run {
	t.Helper()
	run := inFolder(t, string(gzipped(t, text)), register)
	run.Output += ".gz"
	return run
}

// rows are so many records of one person who may be disclosed and one who opted out.
func rows(n int) (text string, register filtertest.Register) {
	const kept, optedOut = "9995609649", "9434765919"
	var b strings.Builder
	b.WriteString("nhs_number,row\n")
	for i := range n {
		fmt.Fprintf(&b, "%s,%d\n%s,%d\n", kept, i, optedOut, i)
	}
	return b.String(), filtertest.Register{999560964: snapshot.Clear, 943476591: snapshot.OptedOut}
}

// TestCompressionOf is the decision of what an output is compressed with.
func TestCompressionOf(t *testing.T) {
	none, gz, zst := formats.Uncompressed, formats.Gzip, formats.Zstd
	for _, c := range []struct {
		wanted *formats.Compression
		found  formats.Compression
		want   formats.Compression
		err    error
	}{
		{nil, none, none, nil},
		{nil, gz, gz, nil},
		{nil, zst, zst, nil},
		{nil, formats.Bzip2, none, ErrReadOnly},
		{&zst, formats.Bzip2, zst, nil},
		{&none, gz, none, nil},
		{&gz, none, gz, nil},
	} {
		got, err := CompressionOf(c.wanted, c.found)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
}

// TestAnyName: where every file has the same kind of name, the name promises nothing.
func TestAnyName(t *testing.T) {
	text, register := rows(1)
	run := inFolder(t, string(gzipped(t, text)), register)
	if _, err := run.Do(t.Context()); !errors.Is(err, ErrNameLies) {
		t.Fatalf("got %v, want ErrNameLies", err)
	}
	run.AnyName = true
	if _, err := run.Do(t.Context()); err != nil {
		t.Error(err)
	}
}
