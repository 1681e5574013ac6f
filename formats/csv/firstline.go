package csv

// What the first line gives away of a text that other programs read in another way, though each of
// its lines is well-formed.

import (
	"bytes"
	"strings"
	"unicode/utf8"
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
	s := newScanner(d.format)
	s.start(d.first.Chunk)
	if err := s.record(); err != nil {
		return err // not met: the record has been read before
	}
	end := s.pos
	for _, field := range s.spans {
		if s.isQuoted(field) {
			continue
		}
		at := lineEndIn(s.data[field.start:field.end])
		if at < 0 {
			continue
		}
		only, err := d.blankBehind(end)
		if err != nil || !only {
			return err
		}
		return d.refuseAt(
			s.at(field.start+at, ErrOnlyRecord),
			d.linesIn(d.prefix),
		)
	}
	return nil
}

// isQuoted reports whether a field of the record that was read last is in quotes.
func (s *scanner) isQuoted(field span) bool {
	return s.quoting && field.start > 0 && s.data[field.start-1] == s.quote
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
	s := newScanner(d.format)
	s.start(d.first.Chunk)
	s.moveTo(end)
	for i := 0; ; i++ {
		for s.skipBlank() {
		}
		if s.pos < len(s.data) {
			return false, nil
		}
		c, err := d.chunkAhead(i)
		if c == nil || err != nil {
			return true, err
		}
		s.start(c.Chunk)
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
