package csv

// A sample is taken from the chunks at the start of the text, which stay in memory for the scan:
// nothing is read twice, so that it works on streams.

import (
	"context"

	"noo/formats"
	"noo/formats/csv/internal/records"
)

// sampleBytes is how many bytes of text a sample reads at most, and a chunk more: 1,000 records of
// 8 KiB.
const sampleBytes = 8 << 20

// Sample implements formats.Dataset.
func (d *dataset) Sample(
	ctx context.Context,
	records int,
	show func(column int, values *formats.Values),
) error {
	return guard(func() error { return d.sample(ctx, records, show) })
}

func (d *dataset) sample(
	ctx context.Context,
	records int,
	show func(column int, values *formats.Values),
) error {
	lines, size := d.linesIn(d.prefix), 0
	s := d.newScanner()
	c := d.first
	for ahead := 0; c != nil; ahead++ {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		s.Start(c.Data, c.TooLong, c.Last)
		columns, n, err := d.firstRecords(&s, records)
		if err != nil {
			return d.refuseAt(err, lines)
		}
		for i := range columns {
			show(i, &columns[i])
		}
		records -= n
		size += len(c.Data)
		if records == 0 || size >= sampleBytes {
			return nil
		}
		lines += d.linesIn(c.Data)
		if c, err = d.chunkAhead(ahead); err != nil {
			return err
		}
	}
	return nil
}

// firstRecords reads the first records of a chunk, at most so many, and returns the values of their
// fields by column.
func (d *dataset) firstRecords(
	s *records.Scanner,
	most int,
) (columns []formats.Values, n int, err error) {
	columns = make([]formats.Values, d.fields)
	for n < most && s.Pos < len(s.Data) {
		if s.SkipBlank() || d.skipHeading(s) {
			continue
		}
		start := s.Pos
		if err := s.Record(); err != nil {
			return nil, 0, s.CountQuotes(err)
		}
		if d.trimRagged(s); len(s.Spans) != d.fields {
			if w := (&worker{Scanner: *s, dataset: d}); w.isLastLine(s.Pos) {
				return nil, 0, w.fieldCountOf(start, len(s.Spans), s.Pos)
			}
			return nil, 0, d.fieldCountSeen(s, start, most)
		}
		for i, span := range s.Spans {
			columns[i].Text = append(columns[i].Text, identity(s, span))
		}
		n++
	}
	return columns, n, nil
}
