package runflags

// Values of the flags that say how CSV is written.

import (
	"errors"
	"fmt"

	"noo/cmd/noo/internal/flagvalue"
	"noo/formats/csv"
)

// recordEnd is a flag that is one of two line endings, or a byte in hexadecimal.
type recordEnd struct {
	*flagvalue.Choice[csv.RecordEnd]
	to *csv.RecordEnd
}

func newRecordEnd(to *csv.RecordEnd) recordEnd {
	words := flagvalue.NewChoice("END", to,
		flagvalue.Word[csv.RecordEnd]{Text: "lf", Value: csv.EndLF},
		flagvalue.Word[csv.RecordEnd]{Text: "crlf", Value: csv.EndCRLF},
	)
	return recordEnd{words.Default("as the first line ends"), to}
}

// Set reads a word or a byte.
func (r recordEnd) Set(text string) error {
	if bytes, ok := flagvalue.Hex(text); ok && len(bytes) == 1 {
		*r.to = csv.EndsWith(bytes[0])
		return nil
	}
	if r.Choice.Set(text) != nil {
		return errors.New("want lf or crlf, or a byte such as 0x1e")
	}
	return nil
}

// String returns the word or the byte.
func (r recordEnd) String() string {
	if r.Choice == nil {
		return ""
	}
	if b, ok := r.to.Byte(); ok {
		return fmt.Sprintf("0x%02x", b)
	}
	return r.Choice.String()
}
