package job

// The first of the two readings of a table with NHS numbers to which others are linked.

import (
	"context"
	"fmt"

	"noo/filter"
	"noo/formats"
	"noo/internal/steadyfile"
)

// Gather reads the input, which must have NHS numbers, and notes in LocalIDs what is found out
// about the people in it. It writes nothing. The report says what was read. The errors are those
// of Do.
func (r *Run) Gather(ctx context.Context) (*InputReport, error) {
	ctx, interrupt := context.WithCancel(ctx)
	defer interrupt()
	in, err := openInput(ctx, r.Input, r.Entry, r.Stdin)
	if err != nil {
		return nil, err
	}
	defer in.close()
	in.interrupt = interrupt
	r.watch(in)
	if r.Digests {
		in.digest()
	}
	format, err := in.detect(ctx, r.Formats)
	if err != nil {
		return nil, err
	}
	table, err := r.openTable(ctx, in, format)
	if err != nil {
		return nil, err
	}
	defer table.dataset.Close()
	if len(table.chosen.Identifying) == 0 {
		return nil, fmt.Errorf("%s: %w", in.name, steadyfile.ErrChanged)
	}
	judge := r.judge(table)
	gatherer := filter.NewGatherer(judge, r.LocalIDs)
	err = table.dataset.Scan(ctx, table.chosen.Scanned(), gatherer, formats.Sinks{})
	if err != nil {
		all := table.dataset.Columns()
		return nil, r.stoppedBy(err, in.name, judge, all, table.chosen, nil)
	}
	if err := in.finish(); err != nil {
		return nil, err
	}
	report := in.report(format.Name())
	return &report, nil
}
