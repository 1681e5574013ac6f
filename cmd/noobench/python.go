package main

// The Python environment of the engines that noo is measured beside, and the extracts that are made
// with it.

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// engines is the script that runs the engines, from the root of the checkout.
const engines = "cmd/noobench/engines.py"

// preparePython returns the command that runs the engines, having made the Parquet and the Arrow
// extracts with it, or "" where they are not installed.
func preparePython(dir string) (string, error) {
	python, err := filepath.Abs(filepath.Join("bench", "interop-venv", "bin", "python"))
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(python); err != nil {
		return "", nil
	}
	script, err := filepath.Abs(engines)
	if err != nil {
		return "", err
	}
	for _, extract := range [][]string{
		{"snappy.parquet", "parquet", "extract.csv", "snappy"},
		{"zstd.parquet", "parquet", "extract.csv", "zstd"},
		{"plain.arrow", "arrow", "snappy.parquet", "uncompressed"},
		{"lz4.arrow", "arrow", "snappy.parquet", "lz4"},
		{"zstd.arrow", "arrow", "snappy.parquet", "zstd"},
		{"numbers.arrows", "numbers", "snappy.parquet", "uncompressed"},
	} {
		name, what, from, codec := extract[0], extract[1], extract[2], extract[3]
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			continue
		}
		// A run that is killed leaves no part of an extract that the next takes for the whole.
		if err := inDir(dir, python, script, "make-"+what, from, name+".new", codec); err != nil {
			return "", fmt.Errorf("making %s: %w", name, err)
		}
		if err := os.Rename(filepath.Join(dir, name+".new"), filepath.Join(dir, name)); err != nil {
			return "", err
		}
	}
	return strings.Join([]string{python, script}, " "), nil
}
