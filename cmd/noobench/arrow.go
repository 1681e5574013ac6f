package main

// Arrow: files beside Polars and pyarrow, and the rate of noo verdicts.

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// arrowExtracts are the Arrow files by name, and how they are compressed.
var arrowExtracts = []struct{ name, codec string }{
	{"plain", "uncompressed"},
	{"lz4", "lz4"},
	{"zstd", "zstd"},
}

// measureArrow measures noo beside Polars and pyarrow.
func measureArrow(o options, python string) error {
	return measure(o.dir, arrowContenders(o.noo, python), o.runs)
}

// measureVerdicts measures noo verdicts on a stream, and as an engine asks that waits for each
// answer.
func measureVerdicts(o options, python string) error {
	stream := &contender{
		name: "noo verdicts, a stream",
		line: "exec " + o.noo + " verdicts numbers.arrows -o out.arrows --quiet",
		file: "out.arrows",
	}
	waiting := &contender{
		name: "noo verdicts, 10,000 numbers in a batch",
		line: fmt.Sprintf("exec %s ask numbers.arrows %s 10000", python, o.noo),
	}
	if err := measure(o.dir, []*contender{stream, waiting}, o.runs); err != nil {
		return err
	}
	return printRate(o, stream)
}

func arrowContenders(noo, python string) (all []*contender) {
	for _, e := range arrowExtracts {
		polars := "Polars, " + e.codec
		for _, engine := range []struct{ name, command, base string }{
			{polars, "polars-arrow", ""},
			{"pyarrow join, " + e.codec, "pyarrow-join", polars},
			{"pyarrow is_in, " + e.codec, "pyarrow-isin", polars},
		} {
			all = append(all, &contender{
				name: engine.name,
				line: fmt.Sprintf("exec %s %s %s.arrow out.arrow %s", python, engine.command, e.name, e.codec),
				base: engine.base,
				file: "out.arrow",
			})
		}
		all = append(all, &contender{
			name: "noo filter, " + e.codec,
			line: "exec " + noo + " filter " + e.name + ".arrow -o out.arrow --quiet",
			base: polars,
			file: "out.arrow",
		})
	}
	return all
}

// printRate says how many numbers noo verdicts answered in a second. The report says how many there
// were.
func printRate(o options, verdicts *contender) error {
	report := filepath.Join(o.dir, "report.json")
	for _, name := range []string{"out.arrows", "report.json"} {
		if err := os.RemoveAll(filepath.Join(o.dir, name)); err != nil {
			return err
		}
	}
	command := []string{"verdicts", "numbers.arrows", "-o", "out.arrows", "--report", "report.json"}
	if err := inDir(o.dir, o.noo, command...); err != nil {
		return err
	}
	text, err := os.ReadFile(report)
	if err != nil {
		return err
	}
	var counts struct {
		Totals struct{ Read float64 }
	}
	if err := json.Unmarshal(text, &counts); err != nil {
		return err
	}
	million := counts.Totals.Read / 1e6
	fmt.Printf(
		"\n%.0f million numbers: %.1f million a second, and %.1f million in a processor second.\n",
		million,
		million/median(verdicts.wall).Seconds(),
		million/median(verdicts.cpu).Seconds(),
	)
	return nil
}
