package csv

// Repeated headers, and records that are longer than the header: what joining files and careless
// programs leave. A repeated header has the names of columns, and is nobody's record.

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"noo/formats"
	"noo/formats/csv/internal/records"
)

// RepeatedHeader says what becomes of a record that is the header again, byte for byte.
type RepeatedHeader uint8

const (
	// RepeatedIsRecord takes it for a record, which has no NHS number where one is expected.
	RepeatedIsRecord RepeatedHeader = iota
	// DropRepeated writes it nowhere.
	DropRepeated
	// KeepRepeated passes it on where it is.
	KeepRepeated
)

// Reasons for an ErrFieldCount that the first records give away.
var (
	// ErrEmptyBehind is records that all end in more delimiters than the header.
	ErrEmptyBehind = errors.New("and those behind are empty")
	// ErrOneMore is records that all have one field more than the header, as R writes row names.
	ErrOneMore = errors.New("one more")
	// ErrApostrophes is fields that seem to be between apostrophes.
	ErrApostrophes = errors.New("fields may be between apostrophes")
	// ErrBelowTitle is records that agree with one another, and not with the first, which has fewer
	// fields.
	ErrBelowTitle = errors.New("as those below it")
)

// noteHeading remembers the header, which is raw with its line ending.
func (d *dataset) noteHeading(raw []byte) {
	d.heading = bytes.Clone(bytes.TrimRight(raw, "\r\n"))
	if end, ok := d.format.RecordEnd.Byte(); ok {
		d.heading = bytes.Clone(bytes.TrimSuffix(raw, []byte{end}))
	}
	d.headingNHS = holdsNHS(d.heading)
}

// skipHeading moves over a repeated header that is no record, and says whether there was one.
func (d *dataset) skipHeading(s *records.Scanner) bool {
	if d.format.RepeatedHeader == RepeatedIsRecord || d.heading == nil {
		return false
	}
	rest := bytes.TrimPrefix(s.Data[s.Pos:], byteOrderMark)
	size := len(d.heading)
	if !bytes.HasPrefix(rest, d.heading) {
		if size = d.dashes(rest); size == 0 {
			return false
		}
	}
	end := len(s.Data) - len(rest) + size
	ending := s.LineEnding(end)
	if end < len(s.Data) && ending == 0 || s.IsMixed(end) {
		return false
	}
	s.MoveTo(end + ending)
	return true
}

// dashes returns the length of the line that text starts with, less its ending, if it is dashes
// alone in as many fields as the header has: sqlcmd and SQL*Plus write one below the header. It
// returns 0 for any other.
func (d *dataset) dashes(text []byte) int {
	size := 0
	for size < len(text) && (text[size] == '-' || strings.IndexByte(d.format.Delimiter, text[size]) >= 0) {
		size++
	}
	if size == 0 || d.format.NoHeader {
		return 0
	}
	fields := bytes.Split(text[:size], []byte(d.format.Delimiter))
	two := false
	for _, field := range fields {
		if len(field) == 0 || len(bytes.Trim(field, "-")) > 0 {
			return 0
		}
		two = two || len(field) > 1
	}
	if !two || len(fields) != d.fields {
		return 0
	}
	return size
}

// isDashes reports whether a record is a line of dashes.
func (d *dataset) isDashes(record []byte) bool {
	size := d.dashes(record)
	return size > 0 && len(bytes.TrimRight(record[size:], string(d.format.feed())+"\r")) == 0
}

// passUnusual moves over what is no record, and plainLine does not know as such.
func (w *worker) passUnusual(c *chunk) bool {
	start := w.Pos
	if !w.dataset.skipHeading(&w.Scanner) {
		if !w.IsWide() || !w.SkipBlank() {
			return false
		}
		w.lines++
		return true
	}
	w.lines += int64(bytes.Count(w.Data[start:w.Pos], []byte{w.Feed}))
	if w.dataset.isDashes(w.Data[start:w.Pos]) {
		c.dashes++
	} else {
		c.repeated++
	}
	if w.dataset.format.RepeatedHeader == DropRepeated {
		w.dropped = append(w.dropped, run{start, w.Pos})
	}
	return true
}

// countRepeated counts the records of a chunk that are the header again, and a line of dashes at once
// below the header. Only few records are looked at: those of chunks in which there is "nhs", if that
// is in the header, or else those that are not kept.
func (w *worker) countRepeated(c *chunk) {
	d := w.dataset
	if c == d.first && len(w.starts) > 0 && d.format.RepeatedHeader == RepeatedIsRecord &&
		d.isDashes(w.Data[w.starts[0]:w.ends[0]]) {
		c.dashes++
	}
	if d.heading == nil || d.format.RepeatedHeader != RepeatedIsRecord || d.headingNHS && !w.nhs {
		return
	}
	for i, start := range w.starts {
		if !d.headingNHS && w.fates[i] == formats.Keep {
			continue
		}
		raw := bytes.TrimPrefix(w.Data[start:w.ends[i]], byteOrderMark)
		if rest, same := bytes.CutPrefix(raw, d.heading); same && len(rest) <= 2 &&
			len(bytes.TrimRight(rest, string(w.Feed)+"\r")) == 0 {
			c.repeated++
		}
	}
}

// without cuts parts out of runs, both in order.
func without(runs, parts []run) (left []run) {
	for _, r := range runs {
		for len(parts) > 0 && parts[0].start < r.end {
			if parts[0].start > r.start {
				left = append(left, run{r.start, parts[0].start})
			}
			r.start = max(r.start, parts[0].end)
			parts = parts[1:]
		}
		if r.start < r.end {
			left = append(left, r)
		}
	}
	return left
}

// trimRagged leaves empty fields behind the last of the header out of the record that was read
// last, if that is wanted. A record with a carriage return outside of quotes stays too long: with
// the fields behind, it would be two whole records for a reader whose records end there.
func (d *dataset) trimRagged(s *records.Scanner) {
	n := len(s.Spans)
	for d.format.RaggedTrailing && n > d.fields && s.IsEmpty(s.Spans[n-1]) {
		n--
	}
	if n != d.fields || n == len(s.Spans) {
		return
	}
	for _, field := range s.Spans {
		if !s.IsQuoted(field) && bytes.IndexByte(s.Data[field.Start:field.End], '\r') >= 0 {
			return
		}
	}
	s.Spans = s.Spans[:n]
}

// isEmptyBehind reports whether the record that was read last has fields behind the last of the
// header, all of them empty.
func (d *dataset) isEmptyBehind(s *records.Scanner) bool {
	return len(s.Spans) > d.fields &&
		!slices.ContainsFunc(s.Spans[d.fields:], func(field records.Span) bool { return !s.IsEmpty(field) })
}

// fieldCountSeen is the refusal of the record at start, which has another number of fields than
// the first record. It looks at the records that follow, at most so many, for the cause.
func (d *dataset) fieldCountSeen(s *records.Scanner, start, most int) error {
	got, alike, empty, all := len(s.Spans), 0, 0, 0
	behind := d.isEmptyBehind(s)
	for refused := s.At(start, nil).(*records.Malformed); ; {
		if len(s.Spans) == got {
			alike++
		}
		if d.isEmptyBehind(s) {
			empty++
		}
		all++
		for s.SkipBlank() {
		}
		if s.Pos < len(s.Data) && all < most && s.Record() == nil {
			continue
		}
		var cause error
		switch {
		case s.Data[start] == '\'':
			cause = fmt.Errorf(
				"%w: %d where the first record has %d; %w",
				ErrFieldCount,
				got,
				d.fields,
				ErrApostrophes,
			)
		case all > 1 && alike == all && empty == all && got == d.fields+1:
			cause = fmt.Errorf(
				"%w: %d where the first record has %d, %w, in %d records",
				ErrFieldCount,
				got,
				d.fields,
				ErrEmptyBehind,
				all,
			)
		case behind:
			cause = fmt.Errorf(
				"%w: %d where the first record has %d, %w, in %d of %d records from there",
				ErrFieldCount,
				got,
				d.fields,
				ErrEmptyBehind,
				empty,
				all,
			)
		case all > 1 && alike == all && got == d.fields+1:
			cause = fmt.Errorf(
				"%w: %d where the first record has %d, %w, in %d records",
				ErrFieldCount,
				got,
				d.fields,
				ErrOneMore,
				all,
			)
		case alike == all && all > 1 && got > d.fields+1 && !d.format.NoHeader && d.linesIn(s.Data[:start]) == 0:
			cause = fmt.Errorf(
				"%w: %d where the first record has %d, %w",
				ErrFieldCount,
				got,
				d.fields,
				ErrBelowTitle,
			)
		case alike > 1:
			cause = fmt.Errorf(
				"%w: %d where the first record has %d, in %d of %d records from there",
				ErrFieldCount,
				got,
				d.fields,
				alike,
				all,
			)
		default:
			cause = fmt.Errorf("%w: %d where the first record has %d", ErrFieldCount, got, d.fields)
		}
		refused.Reason = cause
		return refused
	}
}
