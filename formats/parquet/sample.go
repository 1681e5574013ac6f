package parquet

// A sample looks into every column, also those that nobody named: the first pages of each are
// decoded as those of an identifying column are, and what it takes is bounded, however large the
// values are and however long the lists.

import (
	"context"
	"sync"
	"sync/atomic"

	"noo/formats"
	"noo/formats/parquet/internal/codec"
	"noo/formats/parquet/internal/identify"
	"noo/formats/parquet/internal/page"
	"noo/formats/parquet/internal/spec"
)

// sampleStride is how many bytes of a column a sample asks the file for at a time.
const sampleStride = 64 << 10

// Sample implements formats.Dataset, for every column that Scan can be given. Those whose
// annotations contradict one another are sampled too: they may hold NHS numbers, though Scan
// refuses to tell people by them.
func (d *dataset) Sample(
	ctx context.Context,
	records int,
	show func(column int, values *formats.Values),
) error {
	leaves := len(d.footer.Leaves)
	errs := make([]error, leaves)
	var next atomic.Int64
	var showing sync.Mutex
	var workers sync.WaitGroup
	for range min(d.format.Workers, leaves) {
		workers.Go(func() {
			s := d.newSampler()
			for c := int(next.Add(1)) - 1; c < leaves; c = int(next.Add(1)) - 1 {
				errs[c] = s.column(ctx, c, records, func(values *formats.Values) {
					showing.Lock()
					defer showing.Unlock()
					show(c, values)
				})
				if errs[c] != nil {
					// Columns before this one go on: the error of the first is the one to tell.
					next.Store(int64(leaves))
				}
			}
		})
	}
	workers.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// sampler samples one column after another. It keeps its memory, and is for one goroutine.
type sampler struct {
	*dataset
	zip        codec.Compressor
	identifier identify.Reader
}

func (d *dataset) newSampler() *sampler {
	s := &sampler{dataset: d}
	limit := int(d.format.MaxPage)
	s.identifier = identify.Reader{
		Limit: limit, Quirks: d.footer.Quirks, Sparing: true,
		Pages: page.Reader{In: d.in.ReaderAt, Limit: limit, Zip: &s.zip, Stride: sampleStride},
	}
	return s
}

// column shows the values of the first records of a column, over as many row groups as it takes.
func (s *sampler) column(
	ctx context.Context,
	c, records int,
	show func(values *formats.Values),
) error {
	mean, err := identify.TypeOf(&s.footer.Leaves[c])
	if err != nil {
		return nil // it cannot hold NHS numbers
	}
	for g := range s.footer.RowGroups {
		want := min(records, s.footer.RowGroups[g].Rows)
		if want == 0 {
			continue
		}
		got, err := s.chunk(ctx, g, c, mean, want, show)
		if err != nil || got < want {
			return err
		}
		if records -= got; records == 0 {
			break
		}
	}
	return nil
}

// Chunk shows the values of the first records of a column chunk, and returns how many they are:
// those wanted, or fewer where the sample has grown too large.
func (s *sampler) chunk(
	ctx context.Context,
	g, c int,
	mean identify.ValueType,
	want int,
	show func(values *formats.Values),
) (got int, err error) {
	leaf, place := &s.footer.Leaves[c], spec.Part(g, s.footer.Leaves[c].Name)
	defer recoverAs(&err, s.in.Name, place)
	d := &s.identifier
	d.Start(leaf, mean, &s.footer.RowGroups[g].Chunks[c])
	values, got, err := d.Take(ctx, want)
	switch {
	case err != nil && ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case err == nil && got < want && !d.Sated():
		err = spec.ErrRows
	}
	if err != nil {
		return 0, spec.InputError(s.in.Name, spec.At(place, err))
	}
	show(&values)
	if d.Sated() {
		return 0, nil
	}
	return got, nil
}
