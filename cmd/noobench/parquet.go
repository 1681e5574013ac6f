package main

// The Parquet part of the benchmark, beside DuckDB and Polars.

import (
	"fmt"
	"os"
	"path/filepath"
)

// codecs are the compressions of the Parquet extracts.
var codecs = []string{"snappy", "zstd"}

// measureParquet measures noo beside DuckDB and Polars.
func measureParquet(o options, python string) error {
	err := measure(o.dir, parquetContenders(o.noo, python), o.runs)
	if err != nil || !o.long {
		return err
	}
	return longParquet(o.dir, o.noo, python)
}

func parquetContenders(noo, python string) (all []*contender) {
	for _, codec := range codecs {
		in := codec + ".parquet"
		duckdb := "DuckDB, " + codec
		all = append(
			all,
			&contender{
				name: duckdb,
				line: fmt.Sprintf("exec %s duckdb %s out.parquet %s", python, in, codec),
				file: "out.parquet",
			},
			&contender{
				name: "Polars, " + codec,
				line: fmt.Sprintf("exec %s polars %s out.parquet %s", python, in, codec),
				base: duckdb,
				file: "out.parquet",
			},
			&contender{
				name: "noo filter, " + codec,
				line: "exec " + noo + " filter " + in + " -o out.parquet --quiet",
				base: duckdb,
				file: "out.parquet",
			},
			&contender{
				name: "noo check, " + codec,
				line: "exec " + noo + " check " + in + " --quiet > /dev/null; true",
				base: duckdb,
			},
		)
	}
	return all
}

// longParquet says how much memory an extract ten times as long takes. It is made for this and
// taken away again.
func longParquet(dir, noo, python string) error {
	in := codecs[0] + ".parquet"
	long := filepath.Join(dir, "long.parquet")
	defer os.Remove(long)
	defer os.Remove(filepath.Join(dir, "out.parquet"))
	if err := inDir(dir, "sh", "-c", fmt.Sprintf("exec %s repeat %s long.parquet %s", python, in, codecs[0])); err != nil {
		return fmt.Errorf("making %s: %w", long, err)
	}
	c := &contender{
		name: "noo filter, " + codecs[0] + ", ten times as long",
		line: "exec " + noo + " filter long.parquet -o out.parquet --quiet",
		file: "out.parquet",
	}
	if err := c.run(dir, true); err != nil {
		return err
	}
	report([]*contender{c})
	return nil
}
