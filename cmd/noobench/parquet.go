package main

// The Parquet part of the benchmark, beside DuckDB and Polars: only where their Python environment
// is.

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// engines is the script that runs DuckDB and Polars, from the root of the checkout.
const engines = "cmd/noobench/engines.py"

var codecs = []string{"snappy", "zstd"}

// preparePython returns the Python interpreter with DuckDB and Polars, having made the Parquet
// extracts with it, or "" where there is none.
func preparePython(dir string) (string, error) {
	python, err := filepath.Abs(filepath.Join("bench", "interop-venv", "bin", "python"))
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(python); err != nil {
		fmt.Fprintln(
			os.Stderr,
			"Parquet is left out: run make interop once, which installs DuckDB and Polars",
		)
		return "", nil
	}
	script, err := filepath.Abs(engines)
	if err != nil {
		return "", err
	}
	for _, codec := range codecs {
		if _, err := os.Stat(filepath.Join(dir, codec+".parquet")); err == nil {
			continue
		}
		cmd := exec.Command(python, script, "make", "extract.csv", codec+".parquet", codec)
		cmd.Dir, cmd.Stderr = dir, os.Stderr
		if err := cmd.Run(); err != nil {
			return "", fmt.Errorf("making %s.parquet: %w", codec, err)
		}
	}
	return python + " " + script, nil
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
