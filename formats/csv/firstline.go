package csv

// What the first line gives away of a text that other programs read in another way, though each of
// its lines is well-formed.

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"noo/formats"
	"noo/formats/csv/internal/records"
	"noo/internal/nhsnumber"
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
// Python's splitlines, for one, or those that read what comes from a mainframe. A carriage return
// is met where somebody said that a line feed ends a record.
const lineEnds = "\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029"

// doubtOnlyRecord refuses a text without a header that is one record, with something outside its
// quotes that may end a line: for whom it does there are several records, of which the numbers in
// all but the first would go unseen. Below a header the number of fields tells.
func (d *dataset) doubtOnlyRecord() error {
	s := d.newScanner()
	s.Start(d.first.Data, d.first.TooLong, d.first.Last)
	if err := s.Record(); err != nil {
		return d.refuseAt(err, d.linesIn(d.prefix)) // lenient quotes, now that there is a number of fields
	}
	end := s.Pos
	for _, field := range s.Spans {
		if s.IsQuoted(field) {
			continue
		}
		at := lineEndIn(s.Data[field.Start:field.End], s.Ending == records.OneByte)
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
// is in Latin-1, or -1. Carriage returns may be text.
func lineEndIn(text []byte, returns bool) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if strings.ContainsRune(lineEnds, r) && !(returns && r == '\r') ||
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

// checkFeeds refuses a first record of a text in which line endings may be text that shows that they
// are none: it has the names of the columns, or is the whole of a text with other line endings. Its
// other records would go unseen.
func (d *dataset) checkFeeds(s *records.Scanner, start int) error {
	end := ""
	switch s.Ending {
	case records.CRLFAlone:
		end = "\r\n"
	case records.AnyLF:
		end = "\n"
	case records.OneByte:
		end = string(rune(s.Feed))
	default:
		return nil
	}
	for _, span := range s.Spans {
		at := bytes.IndexAny(s.Data[span.Start:span.End], "\r\n")
		switch {
		case at < 0 || s.IsQuoted(span):
		case !d.format.NoHeader && s.Data[span.Start+at] == '\r':
			return s.At(span.Start+at, ErrReturnInNames)
		case !d.format.NoHeader:
			return s.At(span.Start+at, ErrFeedInNames)
		case s.Pos == len(s.Data) && !bytes.HasSuffix(s.Data[start:], []byte(end)):
			return s.At(span.Start+at, ErrNoRecordEnd)
		}
	}
	return nil
}

// blanksBetween says of the refusal of the first line whether blanks are between its quoted fields,
// as R writes them.
func (d *dataset) blanksBetween(err error, text []byte) error {
	line, _, _ := bytes.Cut(text[:min(len(text), firstLineSize)], []byte{'\n'})
	between := []byte{d.format.Quote, ' ', d.format.Quote}
	at, ok := errors.AsType[*records.Malformed](err)
	if ok && errors.Is(err, ErrAfterQuote) && bytes.Contains(line, between) &&
		!bytes.Contains(line, []byte(d.format.Delimiter)) {
		at.Reason = ErrBlanksBetween
	}
	return err
}

// firstLineSize is how many bytes are looked at for the delimiter.
const firstLineSize = 64 << 10

// ErrNoDelimiter is a first line with several characters that may be the delimiter.
var ErrNoDelimiter = errors.New("the first line does not give its delimiter away")

// delimiterWords are the delimiters that a first line may give away.
var delimiterWords = map[string]string{",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}

// delimiterOf returns the only one of delimiterWords that is in the first line outside quotes, or a
// comma where there is none: then there is one column.
func (d *dataset) delimiterOf(text []byte) (string, error) {
	text = bytes.TrimLeft(bytes.TrimPrefix(text, byteOrderMark), "\r\n")
	found, inside := "", false
	for _, b := range text {
		_, known := delimiterWords[string(b)]
		switch {
		case b == d.format.Quote && !d.format.NoQuote:
			inside = !inside
		case inside:
		case b == d.format.feed():
			return cmp.Or(found, ","), nil
		case known && found != "" && found != string(b):
			return "", d.refuse(ErrNoDelimiter)
		case known:
			found = string(b)
		}
	}
	return cmp.Or(found, ","), nil
}

// mostTitles is how many records are searched for the names of columns.
const mostTitles = 50

// NamesLine implements formats.Titled. It is known for texts with a header that has no name of a
// column of NHS numbers.
func (d *dataset) NamesLine() int64 {
	if d.format.NoHeader || slices.ContainsFunc(d.columns, func(c formats.Column) bool {
		return nhsnumber.MentionsNumber(c.Name)
	}) {
		return 0
	}
	s := d.newScanner()
	s.Start(d.first.Data, d.first.TooLong, d.first.Last)
	for range mostTitles {
		for s.SkipBlank() {
		}
		start := s.Pos
		if start == len(s.Data) || s.Record() != nil {
			return 0
		}
		for _, field := range s.Spans {
			if nhsnumber.IsHeading(s.Value(field)) {
				return d.linesIn(d.prefix) + d.linesIn(s.Data[:start]) + 1
			}
		}
	}
	return 0
}
