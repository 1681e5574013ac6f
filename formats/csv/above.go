package csv

// Lines above and below the records, which are none: titles and footers. They belong to nobody, so
// that no policy says what becomes of them. They are passed on only if they hold no NHS number.

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"noo/formats"
	"noo/formats/csv/internal/margins"
	"noo/formats/csv/internal/records"
	"noo/formats/csv/internal/utf16"
	"noo/internal/nhsnumber"
)

// Reasons for which lines above or below the records are refused.
var (
	ErrNumberAbove = errors.New("an NHS number in a line above the header")
	ErrNumberBelow = errors.New("an NHS number in a footer line, which may be a record")
	// ErrLastLine is an ErrFieldCount of what may be a footer.
	ErrLastLine = errors.New("it is the last line")
	// ErrFewLines is a text with no more lines than are said to be no records.
	ErrFewLines = margins.ErrFewLines
)

// textMargins are the lines above and below the records.
type textMargins struct {
	head, footer []byte
	tail         *margins.Tail // nil where no footer is looked for
}

// openMargins takes the lines above the header, and starts to read what follows them.
func (d *dataset) openMargins(r io.Reader) error {
	if n := d.format.HeaderLines; n > 0 {
		var err error
		if d.margins.head, r, err = margins.Head(r, n, d.format.feed()); err != nil {
			return d.refuseMargins(err)
		}
		if err := d.checkHead(holdsNumber); err != nil {
			return err
		}
		d.prefix = bytes.Clone(d.margins.head)
	}
	if n := d.format.FooterLines; n > 0 {
		d.margins.tail = margins.NewTail(r, n, d.format.feed())
		r = d.margins.tail
	}
	if d.format.DelimiterOfHeader {
		text := bufio.NewReaderSize(r, firstLineSize)
		first, _ := text.Peek(firstLineSize) // an error comes again when it is read
		delimiter, err := d.delimiterOf(first)
		if err != nil {
			return err
		}
		d.format.Delimiter, r = delimiter, text
	}
	d.source = newSource(r, d.format)
	return nil
}

// nextChunk returns the next chunk, or nil after the last.
func (d *dataset) nextChunk() (*chunk, error) {
	c, err := d.source.Next()
	if c == nil || err != nil {
		return nil, d.refuseMargins(err)
	}
	return &chunk{Chunk: c, done: make(chan struct{})}, nil
}

// refuseMargins gives an error of the text around or below the records the name of the input.
func (d *dataset) refuseMargins(err error) error {
	if errors.Is(err, margins.ErrFewLines) || errors.Is(err, margins.ErrTooLong) {
		return d.refuse(err)
	}
	if at, ok := errors.AsType[*utf16.Error](err); ok {
		return &formats.InputError{Name: d.name, Line: at.Line, Err: at.Err}
	}
	return err
}

// holdsNumber reports whether a line holds a number that a person can have, with no other digit
// beside it.
func holdsNumber(line []byte) bool {
	for start := range nhsnumber.In(line) {
		if nhsnumber.MayBeIssued(line[start]) {
			return true
		}
	}
	return false
}

// lineThat returns the first of some lines, from 1, of which holds is true, or 0.
func (d *dataset) lineThat(lines []byte, holds func(line []byte) bool) (number int64) {
	for line := range bytes.SplitSeq(lines, []byte{d.format.feed()}) {
		if number++; d.anyReading(line, holds) {
			return number
		}
	}
	return 0
}

// anyReading reports whether holds is true of a text, or of what some programs read in its codes.
func (d *dataset) anyReading(text []byte, holds func(text []byte) bool) bool {
	if holds(text) {
		return true
	}
	return d.format.Escape != 0 &&
		slices.ContainsFunc(records.Decode(text, d.format.Escape), holds)
}

// checkHead refuses lines above the header of which one holds a number.
func (d *dataset) checkHead(holds func(line []byte) bool) error {
	if line := d.lineThat(d.margins.head, holds); line > 0 {
		return &formats.InputError{Name: d.name, Line: line, Err: ErrNumberAbove}
	}
	return nil
}

// writeFooter looks at the lines below the records, and writes them if they are wanted, and the
// Ctrl-Z that ends the text.
func (d *dataset) writeFooter(to formats.Sinks) error {
	end := d.source.CtrlZ()
	if d.margins.tail != nil {
		d.margins.footer, end = d.margins.tail.Footer()
	}
	footer := d.margins.footer
	// One that is left out may be a record that nobody counts.
	if d.lineThat(footer, holdsNumber) > 0 {
		return d.refuse(ErrNumberBelow)
	}
	if !d.format.KeepFooter {
		footer = nil
	}
	if to.Holds != nil && d.lineThat(footer, to.Holds) > 0 {
		return d.refuse(ErrNumberBelow)
	}
	for _, text := range [][]byte{footer, end} {
		if to.Kept == nil || len(text) == 0 {
			continue
		}
		if _, err := to.Kept.Write(text); err != nil {
			return err
		}
	}
	return nil
}

// Remarks implements formats.Remarker.
func (d *dataset) Remarks() []formats.Remark {
	var remarks []formats.Remark
	note := func(what string, count int64) {
		if count > 0 {
			remarks = append(remarks, formats.Remark{What: what, Count: count})
		}
	}
	note(formats.HeaderLines, int64(d.format.HeaderLines))
	footer := formats.FooterDropped
	if d.format.KeepFooter {
		footer = formats.FooterKept
	}
	if d.format.DelimiterOfHeader {
		note(formats.DelimiterIs+delimiterWords[d.format.Delimiter], 1)
	}
	note(footer, int64(d.format.FooterLines))
	if d.footer {
		note(formats.FooterRecord, 1)
	}
	note(map[RepeatedHeader]string{
		RepeatedIsRecord: formats.DashesRecord,
		DropRepeated:     formats.DashesDropped,
		KeepRepeated:     formats.DashesKept,
	}[d.format.RepeatedHeader], d.ruled)
	note(map[RepeatedHeader]string{
		RepeatedIsRecord: formats.RepeatedHeaderRecords,
		DropRepeated:     formats.RepeatedHeadersDropped,
		KeepRepeated:     formats.RepeatedHeadersKept,
	}[d.format.RepeatedHeader], d.repeated)
	return remarks
}

// fieldCountOf is fieldCount, which says where the record is the last line.
func (w *worker) fieldCountOf(start, got, end int) error {
	if w.isLastLine(end) {
		return w.At(start, fmt.Errorf(
			"%w: %d where the first record has %d; %w",
			ErrFieldCount,
			got,
			w.dataset.fields,
			ErrLastLine,
		))
	}
	return w.FieldCount(start, got, w.dataset.fields)
}

// footerWords are what a footer starts with that has as many fields as the header.
var footerWords = []string{"end", "eof", "footer", "tlr", "total", "totals", "trailer", "trl"}

// last is a last record that is not kept.
type last struct {
	named  bool    // its first field is one of footerWords
	counts []int64 // the whole numbers behind a first field that is none
}

// isFooter reports whether the record may be a footer: it says so, or how many records are above it.
func (l *last) isFooter(above int64) bool {
	return l != nil && (l.named || slices.Contains(l.counts, above))
}

// noteLast returns what the last record of the text may be, or nil: nobody looks for a footer in a
// record with an NHS number.
func (w *worker) noteLast() *last {
	n := len(w.starts) - 1
	if !w.Last || n < 0 || w.fates[n] != formats.Withhold || w.dataset.margins.tail != nil {
		return nil
	}
	w.Start(w.Data, w.TooLong, w.Last)
	w.MoveTo(w.starts[n])
	if w.Record() != nil {
		return nil // not met: it was read before
	}
	l := &last{}
	for i, field := range w.Spans {
		text := strings.TrimSpace(string(w.Value(field)))
		l.named = l.named || i == 0 && slices.Contains(footerWords, strings.ToLower(text))
		count, err := strconv.ParseInt(text, 10, 64)
		if i == 0 && (err == nil || text == "") {
			return nil // a record with an id
		}
		if err == nil {
			l.counts = append(l.counts, count)
		}
	}
	return l
}

// isLastLine reports whether nothing but blank lines follows a record that ends at end.
func (w *worker) isLastLine(end int) bool {
	return w.Last && len(bytes.TrimRight(w.Data[end:], "\r\n")) == 0
}
