package formats

import (
	"bytes"
	"fmt"
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
}

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
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return nil, &InputError{
				Name: name,
				Err:  fmt.Errorf("%w: %s", ErrUnknownFormat, f.advice),
			}
		}
	}
	for _, format := range known {
		if format.Matches(head, withoutSuffix(name)) {
			return format, nil
		}
	}
	return nil, &InputError{Name: name, Err: ErrUnknownFormat}
}
