package formats

import (
	"bytes"
	"fmt"
)

// HeadSize is how many bytes of a file Detect and DetectCompression want to see.
const HeadSize = 4096

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
	if err := foreignError(head); err != nil {
		return nil, &InputError{Name: name, Err: err}
	}
	for _, format := range known {
		if format.Matches(head, withoutSuffix(name)) {
			return format, nil
		}
	}
	return nil, &InputError{Name: name, Err: ErrUnknownFormat}
}
