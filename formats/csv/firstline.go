package csv

// What the first line gives away of a text that other programs read in another way, though each of
// its lines is well-formed.

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"noo/formats/csv/internal/records"
)

// isSepLine reports whether data starts with the line by which Excel and LibreOffice are told the
// delimiter, sep=; for one, quoted or not. They take the second line for the names of the columns;
// a program that takes the first for it would lose them with the records.
func isSepLine(data []byte) bool {
	line, _, _ := bytes.Cut(data[:min(len(data), len("\"sep=;\"\r\n"))], []byte{'\n'})
	line = bytes.Trim(bytes.TrimSuffix(line, []byte{'\r'}), `"`)
	return len(line) == len("sep=;") && bytes.EqualFold(line[:4], []byte("sep="))
}

// lineEnds are the characters that end a line for programs which go by more than LF and CRLF:
// Python's splitlines, for one, or those that read what comes from a mainframe.
const lineEnds = "\v\f\x1c\x1d\x1e\u0085\u2028\u2029"

// doubtOnlyRecord refuses a text without a header that is one record, with something outside its
// quotes that may end a line: for whom it does there are several records, of which the numbers in
// all but the first would go unseen. Below a header the number of fields tells.
func (d *dataset) doubtOnlyRecord() error {
	s := d.newScanner()
	s.Start(d.first.Data, d.first.TooLong, d.first.Last)
	if err := s.Record(); err != nil {
		return err // not met: the record has been read before
	}
	end := s.Pos
	for _, field := range s.Spans {
		if s.IsQuoted(field) {
			continue
		}
		at := lineEndIn(s.Data[field.Start:field.End])
		if at < 0 {
			continue
		}
		only, err := d.blankBehind(end)
		if err != nil || !only {
			return err
		}
		return d.refuseAt(
			s.At(field.Start+at, ErrOnlyRecord),
			d.linesIn(d.prefix),
		)
	}
	return nil
}

// lineEndIn returns where the first of lineEnds is in text, in UTF-8 or as the byte that U+0085
// is in Latin-1, or -1.
func lineEndIn(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if strings.ContainsRune(lineEnds, r) ||
			r == utf8.RuneError && size == 1 && text[i] == 0x85 {
			return i
		}
		i += size
	}
	return -1
}

// blankBehind reports whether nothing but blank lines follows the place end in the first chunk. The
// chunks that it has to read stay for the sample and the scan.
func (d *dataset) blankBehind(end int) (bool, error) {
	s := d.newScanner()
	s.Start(d.first.Data, d.first.TooLong, d.first.Last)
	s.MoveTo(end)
	for i := 0; ; i++ {
		for s.SkipBlank() {
		}
		if s.Pos < len(s.Data) {
			return false, nil
		}
		c, err := d.chunkAhead(i)
		if c == nil || err != nil {
			return true, err
		}
		s.Start(c.Data, c.TooLong, c.Last)
	}
}

// chunkAhead returns chunk i behind the first, or nil where there are not so many; it reads it if
// nobody has, and keeps it.
func (d *dataset) chunkAhead(i int) (*chunk, error) {
	if i < len(d.ahead) {
		return d.ahead[i], nil
	}
	c, err := d.nextChunk()
	if c != nil {
		d.ahead = append(d.ahead, c)
	}
	return c, err
}

// checkCRLF refuses a first record of a text in which a line feed alone is text that shows it to be
// none: it has the names of the columns, or is the whole of a text with other line endings.
func (d *dataset) checkCRLF(s *records.Scanner, start int) error {
	if s.Ending != records.CrlfAlone {
		return nil
	}
	for _, span := range s.Spans {
		at := bytes.IndexByte(s.Data[span.Start:span.End], '\n')
		switch {
		case at < 0 || s.IsQuoted(span):
		case !d.format.NoHeader:
			return s.At(span.Start+at, ErrFeedInNames)
		case s.Pos == len(s.Data) && !bytes.HasSuffix(s.Data[start:], []byte("\r\n")):
			return s.At(span.Start+at, ErrNoCRLF)
		}
	}
	return nil
}
