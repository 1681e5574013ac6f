package job

// Reading back: where a format builds its outputs anew, the identifying columns of what was written
// are read and looked up once more before the output gets its name. A mistake in this program then
// ends the run instead of leaking a record.

import (
	"context"
	"errors"
	"fmt"

	"noo/filter"
	"noo/formats"
	"noo/internal/columns"
	"noo/internal/contextio"
)

// ErrReadBack is an output that, read again, does not hold what it should. It is a bug of this
// program.
var ErrReadBack = errors.New(
	"read back, the output does not hold what it should; this is a bug in noo: nothing was written, please report it",
)

// readBack reads the outputs of a run again, and compares what is in them with what was decided.
func (r *Run) readBack(
	ctx context.Context,
	format formats.Format,
	chosen columns.Chosen,
	decided filter.Tally,
	out *outputs,
) error {
	if out.dataset != nil {
		found, err := r.tallyOutput(ctx, format, chosen, out.dataset)
		if err != nil {
			return err
		}
		want := decided.OnlyWritten(r.Policy)
		if found != want {
			return fmt.Errorf("%s: %w", out.dataset.name, ErrReadBack)
		}
	}
	if out.withheld != nil {
		found, err := r.tallyOutput(ctx, format, chosen, out.withheld)
		if err != nil {
			return err
		}
		if found.OptedOut != 0 || found.Read != decided.Withheld() {
			return fmt.Errorf("%s: %w", out.withheld.name, ErrReadBack)
		}
	}
	return nil
}

// tallyOutput decides on the records of an output as if it were an input.
func (r *Run) tallyOutput(
	ctx context.Context,
	format formats.Format,
	chosen columns.Chosen,
	o *output,
) (filter.Tally, error) {
	if err := o.flush(); err != nil {
		return filter.Tally{}, err
	}
	in := formats.Input{Name: o.name, ReaderAt: o, Size: o.bytes, Workers: r.Workers}
	if !format.RandomAccess() {
		content, done := o.content()
		defer done()
		in = formats.Input{Name: o.name, Reader: contextio.NewReader(ctx, content), Workers: r.Workers}
	}
	dataset, err := format.Open(ctx, in)
	if err != nil {
		if ctx.Err() != nil {
			return filter.Tally{}, err
		}
		// It is no input that is refused.
		return filter.Tally{}, fmt.Errorf("%w (%v)", ErrReadBack, err)
	}
	defer dataset.Close()
	judge := r.newJudge(len(chosen.Identifying))
	if r.LocalIDs != nil {
		judge.Follow(r.LocalIDs, len(chosen.Identifying) > 0)
	}
	if err := dataset.Scan(ctx, chosen.Scanned(), judge, formats.Sinks{}); err != nil {
		if ctx.Err() != nil {
			return filter.Tally{}, err
		}
		// It is no input that is refused.
		return filter.Tally{}, fmt.Errorf("%w (%v)", ErrReadBack, err)
	}
	return judge.Tally(), nil
}
