package formats

import (
	"bytes"
	"fmt"
	"regexp"
)

// HeadSize is how many bytes of a file Detect and DetectCompression want to see.
const HeadSize = 4096

// foreign are formats that look like an extract to the person who has one, with what to do instead.
var foreign = []struct{ magic, advice string }{
	{"PK\x03\x04", "it is a ZIP file or an Excel workbook: save the sheet as CSV"},
	{"\xd0\xcf\x11\xe0", "it is an old Excel workbook: save the sheet as CSV"},
	{"\xfd7zXZ\x00", "it is compressed with xz: decompress it first"},
	{"FEA1", "it is a Feather file of version 1: save it as version 2"},
	{"Obj\x01", "it is an Avro file: export it as CSV or Parquet"},
	{"SQLite format 3\x00", "it is a SQLite database: export the table as CSV or Parquet"},
	{"\x89HDF\r\n\x1a\n", "it is an HDF5 file: export the table as CSV or Parquet"},
}

// foreignTo returns what to do about a file in a format that looks like an extract and is none, or
// "".
func foreignTo(head []byte) string {
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return f.advice
		}
	}
	switch {
	case bytes.HasPrefix(head, []byte("ORC")) && bytes.IndexByte(head, 0) >= 0: // no text
		return "it is an ORC file: export it as CSV or Parquet"
	case jsonStart.Match(head):
		return "it is JSON: export it as CSV or Parquet"
	}
	return ""
}

// jsonStart matches the start of an object or of an array of JSON, which no CSV has: a quote in its
// first field would stand alone.
var jsonStart = regexp.MustCompile(`^(\x{FEFF})?\s*(\[\s*)?\{\s*"`)

// snapshotMagic is what a snapshot of people who opted out begins with.
const snapshotMagic = "NOOSNAP1"

// Detect returns the first of the known formats that matches an input's first bytes, decompressed
// if they were compressed, and its name, less the suffix of a Compression. Otherwise it returns an
// *InputError that wraps ErrEmpty or ErrUnknownFormat.
func Detect(known []Format, head []byte, name string) (Format, error) {
	if len(head) == 0 {
		return nil, &InputError{Name: name, Err: ErrEmpty}
	}
	if c := DetectCompression(head); c != Uncompressed {
		return nil, &InputError{
			Name: name,
			Err: fmt.Errorf(
				"%w: it is compressed twice, the second time with %v: decompress it once first",
				ErrUnknownFormat,
				c,
			),
		}
	}
	if bytes.HasPrefix(head, []byte(snapshotMagic)) {
		return nil, &InputError{Name: name, Err: ErrSnapshot}
	}
	if advice := foreignTo(head); advice != "" {
		return nil, &InputError{Name: name, Err: fmt.Errorf("%w: %s", ErrUnknownFormat, advice)}
	}
	for _, format := range known {
		if format.Matches(head, withoutSuffix(name)) {
			return format, nil
		}
	}
	return nil, &InputError{Name: name, Err: ErrUnknownFormat}
}
