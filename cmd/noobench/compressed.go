package main

// The compressed part of the benchmark, beside pipelines of the tools that people would use: only
// where these are installed. A pipeline filters nothing; it shows what decompressing and
// compressing alone take.

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// pipelines are the tools by suffix: how they compress and decompress.
var pipelines = []struct{ suffix, tool, compress, decompress string }{
	{".gz", "pigz", "pigz -c", "pigz -dc"},
	{".zst", "zstd", "zstd -q -T0 -c", "zstd -q -dc"},
}

// measureCompressed measures noo beside the pipelines.
func measureCompressed(o options, _ string) error {
	all, err := compressedContenders(o.dir, o.noo)
	if err != nil || len(all) == 0 {
		return err
	}
	return measure(o.dir, all, o.runs)
}

// compressedContenders makes the compressed extracts, and returns what is measured on them.
func compressedContenders(dir, noo string) (all []*contender, err error) {
	for _, p := range pipelines {
		if _, err := exec.LookPath(p.tool); err != nil {
			fmt.Fprintf(os.Stderr, "%s is left out: %s is not installed\n", p.suffix, p.tool)
			continue
		}
		in, out := "extract.csv"+p.suffix, "out.csv"+p.suffix
		if _, err := os.Stat(filepath.Join(dir, in)); err != nil {
			if err := inDir(dir, "sh", "-c", p.compress+" extract.csv > new"+p.suffix+" && mv new"+p.suffix+" "+in); err != nil {
				return nil, fmt.Errorf("making %s: %w", in, err)
			}
		}
		both := p.decompress + " to " + p.compress
		all = append(
			all,
			&contender{
				name: both,
				line: p.decompress + " " + in + " | " + p.compress + " > " + out,
				file: out,
			},
			&contender{
				name: "noo filter " + in,
				line: "exec " + noo + " filter " + in + " -o " + out + " --quiet",
				base: both,
				file: out,
			},
			&contender{
				name: "noo check " + in,
				line: "exec " + noo + " check " + in + " --quiet > /dev/null; true",
				base: both,
			},
		)
	}
	return all, nil
}
