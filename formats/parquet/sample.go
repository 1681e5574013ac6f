package parquet

// A sample looks into every column, also those that nobody named: the first pages of each are decoded as those of an
// identifying column are, and what it takes is bounded, however large the values are and however long the lists.

import (
	"context"
	"math/big"
	"slices"
	"sync"
	"sync/atomic"

	"noo/formats"
)

const (
	// sampleBytes is how many bytes of decoded pages a sample of a column holds at most, and a page more.
	sampleBytes = 4 << 20
	// sampleOccurrences is how many values of lists a sample of a column holds at most, and those of one list in a page more.
	sampleOccurrences = 1 << 14
	// sampleStride is how many bytes of a column a sample asks the file for at a time.
	sampleStride = 64 << 10
	// mostScale is the largest scale of a decimal that any writer knows: of DECIMAL(76,76).
	mostScale = 76
)

// Sample implements formats.Dataset. Decimals of another scale than 0, whole ones as the numbers that they are, and bytes of any kind
// are sampled too: they may hold NHS numbers, though Scan refuses to tell people by them.
func (d *dataset) Sample(ctx context.Context, records int, show func(column int, values *formats.Values)) error {
	leaves := len(d.footer.leaves)
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
					next.Store(int64(leaves)) // columns before this one go on: the error of the first is the one to tell
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
	zip        compressor
	identifier identifier
}

func (d *dataset) newSampler() *sampler {
	s := &sampler{dataset: d}
	limit := int(d.format.MaxPage)
	s.identifier = identifier{
		limit: limit, quirks: d.footer.quirks, sparing: true,
		pages: pageReader{in: d.in.ReaderAt, limit: limit, zip: &s.zip, stride: sampleStride},
	}
	return s
}

// column shows the values of the first records of a column, over as many row groups as it takes.
func (s *sampler) column(ctx context.Context, c, records int, show func(values *formats.Values)) error {
	mean, ok := sampledAs(&s.footer.leaves[c])
	if !ok {
		return nil
	}
	for g := range s.footer.rowGroups {
		want := min(records, s.footer.rowGroups[g].rows)
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

// chunk shows the values of the first records of a column chunk, and returns how many they are: those wanted, or fewer where
// the sample has grown too large.
func (s *sampler) chunk(ctx context.Context, g, c int, mean meaning, want int, show func(values *formats.Values)) (got int, err error) {
	leaf, place := &s.footer.leaves[c], part(g, s.footer.leaves[c].name)
	defer recoverAs(&err, s.in.Name, place)
	d := &s.identifier
	d.start(leaf, mean, &s.footer.rowGroups[g].chunks[c])
	values, got, err := d.take(ctx, want)
	switch {
	case err != nil && ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case err == nil && got < want && !d.sated():
		err = errRows
	}
	if err != nil {
		return 0, inputError(s.in.Name, &placedError{place, err})
	}
	if leaf.note == decimal && leaf.scale != 0 {
		values = unscaled(&values, leaf.scale)
	}
	show(&values)
	if d.sated() {
		return 0, nil
	}
	return got, nil
}

// sampledAs tells how the values of a column are read for a sample, and whether they can be NHS numbers at all.
func sampledAs(l *leaf) (meaning, bool) {
	if mean, err := meaningOf(l); err == nil {
		return mean, true
	}
	bytes := l.kind == byteArray || l.kind == fixedLenByteArray
	if l.note != decimal {
		return asText, bytes // whatever they are said to be
	}
	if l.scale < 1 || l.scale > mostScale {
		return 0, false
	}
	if bytes {
		return asText, true // for unscaled
	}
	return asInt, l.kind == int32Type || l.kind == int64Type
}

// unscaled gives the whole ones of decimals as integers, and the others as -1, which no NHS number is.
func unscaled(v *formats.Values, scale int32) formats.Values {
	one := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
	whole := func(place int) int64 {
		var digits *big.Int
		if v.Text != nil {
			if len(v.Text[place]) > mostScale {
				return -1
			}
			digits = bigEndian(v.Text[place])
		} else {
			digits = big.NewInt(v.Ints[place])
		}
		quotient, rest := new(big.Int).QuoRem(digits, one, new(big.Int))
		if rest.Sign() != 0 || !quotient.IsInt64() {
			return -1
		}
		return quotient.Int64()
	}
	out := formats.Values{Index: v.Index, Ends: v.Ends}
	for place := range max(len(v.Text), len(v.Ints)) {
		out.Ints = append(out.Ints, whole(place))
	}
	return out
}

// bigEndian reads a two's complement integer of any length.
func bigEndian(b []byte) *big.Int {
	n := new(big.Int)
	if len(b) == 0 || b[0] < 0x80 {
		return n.SetBytes(b)
	}
	inverted := slices.Clone(b)
	for i := range inverted {
		inverted[i] = ^inverted[i]
	}
	return n.Not(n.SetBytes(inverted))
}
