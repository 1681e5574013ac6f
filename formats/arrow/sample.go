package arrow

// A sample looks into every column, also those that nobody named: at the first records of the first
// batches. Those of a stream are kept for the scan.

import (
	"context"

	"noo/formats"
	"noo/formats/arrow/internal/column"
	"noo/formats/arrow/internal/identify"
	"noo/formats/arrow/internal/ipc"
)

// sampleBytes is how many bytes of batches a sample reads at most, and a batch more.
const sampleBytes = 64 << 20

// Sample implements formats.Dataset, for every column that can hold NHS numbers.
func (d *dataset) Sample(
	ctx context.Context,
	records int,
	show func(column int, values *formats.Values),
) error {
	s, err := d.newSource()
	if err != nil {
		return d.refuse("", err)
	}
	s.keep = true
	var batches []*column.Batch
	var sizes []int
	taken := int64(0)
	for records > 0 && taken < sampleBytes {
		part := batchPart(len(batches))
		m, body, err := s.next(ctx, nil)
		if err != nil || m == nil {
			if err != nil {
				return d.unlessEnded(ctx, part, err)
			}
			break
		}
		b, err := s.decoder.Open(m, body, s.decoder.Snapshot())
		if err != nil {
			return d.refuse(part, err)
		}
		n := min(records, int(m.Batch.Rows))
		batches, sizes = append(batches, b), append(sizes, n)
		records -= n
		taken += b.Size
	}
	for i := range d.leaves {
		if d.leaves[i].Numberless {
			continue
		}
		for k, b := range batches {
			if err := d.show(b, k, i, sizes[k], show); err != nil {
				return err
			}
		}
	}
	return nil
}

// unlessEnded is refuse for an error that may be that of a context.
func (d *dataset) unlessEnded(ctx context.Context, part string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err == ErrNoEnd || err == ipc.ErrTrailing {
		part = "" // it is the matter of no batch
	}
	return d.refuse(part, err)
}

// show shows the first n values of a leaf in a batch.
func (d *dataset) show(
	b *column.Batch, batch, i, n int, show func(column int, values *formats.Values),
) (err error) {
	leaf := &d.leaves[i]
	part := columnPart(batch, leaf.Name)
	defer recoverAs(&err, d.in.Name, part)
	var zip ipc.Compressor
	a, err := b.Column(leaf.Column, &column.Memory{}, &zip)
	if err != nil {
		return d.refuse(part, err)
	}
	values, err := identify.NewReader(int(d.format.MaxBuffer)).Values(leaf, a, n)
	if err != nil {
		return d.refuse(part, err)
	}
	show(i, &values)
	return nil
}
