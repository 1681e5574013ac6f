package csv

// The encoding: UTF-16 is read as UTF-8 and written as UTF-16, around all that knows of records.
// Any other encoding must have ASCII characters as bytes of their own, and is not looked at.

import (
	"bytes"
	"errors"
	"io"

	"noo/formats"
	"noo/formats/csv/internal/utf16"
)

// openEncoding returns a reader of a text in which ASCII characters are bytes of their own.
func (d *dataset) openEncoding(r io.Reader) (io.Reader, error) {
	head := make([]byte, 2)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	whole := io.MultiReader(bytes.NewReader(head[:n]), r)
	if d.order = utf16.Order(head[:n]); d.order == nil {
		return whole, nil
	}
	return utf16.NewReader(whole, d.order), nil
}

// encode has what is written encoded as the text is.
func (d *dataset) encode(to formats.Sinks) formats.Sinks {
	if d.order == nil {
		return to
	}
	for _, sink := range []*io.Writer{&to.Kept, &to.Withheld} {
		if *sink != nil {
			*sink = utf16.NewWriter(*sink, d.order)
		}
	}
	return to
}

// looksUTF16 reports whether nearly every other byte of a text is NUL, as it is in UTF-16 of ASCII
// characters with few others among them.
func looksUTF16(text []byte) bool {
	text = text[:min(len(text), 256)]
	var nuls [2]int
	for i, b := range text {
		if b == 0 {
			nuls[i%2]++
		}
	}
	return min(nuls[0], nuls[1]) <= len(text)/16 && max(nuls[0], nuls[1]) > len(text)/4
}
