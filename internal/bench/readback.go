package main

// What reading the output back costs: the command has no flag that leaves it out, so here the run is carried out in this process,
// as the command does it and as if Parquet needed no reading back.

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"noo/filter"
	"noo/formats"
	"noo/formats/parquet"
	"noo/snapshot"
)

// unchecked is a format whose outputs are not read back: it hides that it could be asked to.
type unchecked struct{ formats.Format }

// readBackShare prints which part of filtering the Parquet extracts is reading back.
func readBackShare(dir string, runs int) error {
	keys, err := snapshot.LoadKeys([]string{filepath.Join(dir, "bench.pub")})
	if err != nil {
		return err
	}
	register, err := snapshot.Open(filepath.Join(dir, "optouts.noo"), keys)
	if err != nil {
		return err
	}
	fmt.Println()
	for _, codec := range codecs {
		var with, without []time.Duration
		for round := range runs + 1 {
			for _, way := range []struct {
				format formats.Format
				took   *[]time.Duration
			}{{parquet.Format{}, &with}, {unchecked{parquet.Format{}}, &without}} {
				took, err := filterOnce(dir, codec+".parquet", way.format, register)
				if err != nil {
					return err
				}
				if round > 0 {
					*way.took = append(*way.took, took)
				}
			}
		}
		a, b := median(with).Seconds(), median(without).Seconds()
		fmt.Printf("Reading back, %s: %.3f s with it, %.3f s without, so %.0f %% of the run.\n", codec, a, b, 100*(a-b)/a)
	}
	return nil
}

// filterOnce filters an extract, and returns how long that took.
func filterOnce(dir, input string, format formats.Format, register filter.Register) (time.Duration, error) {
	output := filepath.Join(dir, "out.parquet")
	if err := os.RemoveAll(output); err != nil {
		return 0, err
	}
	if err := settle(dir); err != nil {
		return 0, err
	}
	run := filter.Run{Input: filepath.Join(dir, input), Output: output, Register: register, Formats: []formats.Format{format}}
	start := time.Now()
	_, err := run.Do(context.Background())
	return time.Since(start), err
}
