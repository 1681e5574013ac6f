package main

// What parts of a run cost that no flag leaves out: reading the output back, and the watch over the
// columns that nobody named. The run is carried out in this process, as the command does it and
// without that part, in turn.

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"noo/filter"
	"noo/formats"
	"noo/formats/csv"
	"noo/formats/parquet"
	"noo/job"
	"noo/snapshot"
)

// unchecked is a format whose outputs are not read back: it hides that it could be asked to.
type unchecked struct{ formats.Format }

// unwatched is a format that looks at no column that does not identify people.
type unwatched struct{ formats.Format }

// ReadBack implements formats.ReadBacker for formats that do.
func (u unwatched) ReadBack() formats.Format { return u.Format.(formats.ReadBacker).ReadBack() }

func (u unwatched) Open(ctx context.Context, in formats.Input) (formats.Dataset, error) {
	dataset, err := u.Format.Open(ctx, in)
	return unwatchedDataset{dataset}, err
}

type unwatchedDataset struct{ formats.Dataset }

func (u unwatchedDataset) Scan(
	ctx context.Context,
	columns []int,
	decide formats.Decider,
	to formats.Sinks,
) error {
	to.Watch = nil
	return u.Dataset.Scan(ctx, columns, decide, to)
}

// costlyPart is a part of filtering an input: a format with which it is done, and one with which it
// is left out.
type costlyPart struct {
	part, input   string
	with, without formats.Format
}

// measureShares prints what reading back and the watch cost; Parquet only where its extracts were
// made.
func measureShares(o options, python string) error {
	dir, runs, withParquet := o.dir, 3*o.runs, python != "" // small differences of large figures
	keys, err := snapshot.LoadKeys([]string{filepath.Join(dir, "bench.pub")})
	if err != nil {
		return err
	}
	register, err := snapshot.Open(filepath.Join(dir, "optouts.noo"), keys)
	if err != nil {
		return err
	}
	parts := []costlyPart{
		{"The watch", "extract.csv", csv.Format{}, unchecked{unwatched{csv.Format{}}}},
	}
	if withParquet {
		for _, codec := range codecs {
			parts = append(
				parts,
				costlyPart{
					"The watch",
					codec + ".parquet",
					parquet.Format{},
					unwatched{parquet.Format{}},
				},
				costlyPart{
					"Reading back",
					codec + ".parquet",
					parquet.Format{},
					unchecked{parquet.Format{}},
				},
			)
		}
	}
	fmt.Println()
	for _, p := range parts {
		var with, without []time.Duration
		for round := range runs + 1 {
			ways := []struct {
				format formats.Format
				took   *[]time.Duration
			}{{p.with, &with}, {p.without, &without}}
			// Memory that every second run gets for less would favour the one or the other.
			if round%2 == 1 {
				ways[0], ways[1] = ways[1], ways[0]
			}
			for _, way := range ways {
				took, err := filterOnce(dir, p.input, way.format, register)
				if err != nil {
					return err
				}
				if round > 0 {
					*way.took = append(*way.took, took)
				}
			}
		}
		a, b := median(with).Seconds(), median(without).Seconds()
		fmt.Printf(
			"%s, %s: %.3f s with it, %.3f s without: %.2f times as long.\n",
			p.part,
			p.input,
			a,
			b,
			a/b,
		)
	}
	return nil
}

// filterOnce filters an extract, and returns how long that took.
func filterOnce(
	dir, input string,
	format formats.Format,
	register filter.Register,
) (time.Duration, error) {
	output := filepath.Join(dir, "out"+filepath.Ext(input))
	if err := os.RemoveAll(output); err != nil {
		return 0, err
	}
	if err := settle(dir); err != nil {
		return 0, err
	}
	run := job.Run{
		Input: filepath.Join(dir, input), Outputs: job.Outputs{Output: output},
		Rules: job.Rules{Register: register, Formats: []formats.Format{format}},
	}
	start := time.Now()
	_, err := run.Do(context.Background())
	return time.Since(start), err
}
