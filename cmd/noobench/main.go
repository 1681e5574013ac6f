// Command noobench measures noo against the simplest thing that could be done with the same bytes,
// and prints a table for the README. It makes its data itself, from a seed, the first time: an
// extract with NHS numbers drawn from the issued ranges, which must never be committed, and a
// snapshot of those who opted out.
//
//	go run ./cmd/noobench [-dir bench] [-records 10000000] [-runs 5] [-only arrow]
//
// Where pigz and zstd are installed, they decompress and compress the same extract in the same run;
// where make interop has made its Python environment, DuckDB, Polars and pyarrow do the same to
// Parquet and Arrow.
//
// Every row is the median of its runs. All commands of a table take turns, forwards and then
// backwards, so that a machine whose speed drifts treats them alike. Peak memory is what the
// operating system counted for the process.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	var o options
	flag.StringVar(&o.dir, "dir", "bench", "folder for the data, which is kept")
	flag.StringVar(&o.noo, "noo", "bin/noo", "the binary to measure")
	flag.IntVar(&o.records, "records", 10_000_000, "records in the extract")
	flag.IntVar(&o.runs, "runs", 5, "runs of each command")
	flag.BoolVar(&o.long, "long", false, "also measure peak memory on an extract ten times as long")
	flag.StringVar(&o.only, "only", "", "measure one part: "+strings.Join(partNames(), ", "))
	flag.Parse()
	if err := bench(o); err != nil {
		fmt.Fprintln(os.Stderr, "noobench:", err)
		os.Exit(1)
	}
}

// options is what the command line says.
type options struct {
	dir, noo, only string
	records, runs  int
	long           bool
}

// part is one part of the benchmark. Those with engines are left out where these are not installed.
type part struct {
	name    string
	engines bool
	measure func(o options, python string) error
}

// parts are all of them, in the order of their tables.
var parts = []part{
	{"csv", false, measureCSV},
	{"compressed", false, measureCompressed},
	{"parquet", true, measureParquet},
	{"arrow", true, measureArrow},
	{"verdicts", true, measureVerdicts},
	{"shares", false, measureShares},
}

func partNames() (names []string) {
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

// contender is one command that is measured.
type contender struct {
	name string
	line string // for sh -c, in the folder of the data
	base string // the contender it is compared with, "" for none
	file string // its output, whose size is shown, or ""

	wall, cpu []time.Duration
	memory    int64 // largest peak, bytes
	size      int64 // of file, bytes
}

func bench(o options) error {
	if o.runs < 1 {
		return fmt.Errorf("%d runs measure nothing: say 1 or more", o.runs)
	}
	if o.only != "" && !slices.Contains(partNames(), o.only) {
		return fmt.Errorf("no part is named so: say one of %s", strings.Join(partNames(), ", "))
	}
	var err error
	if o.noo, err = filepath.Abs(o.noo); err != nil {
		return err
	}
	state, err := filepath.Abs(filepath.Join(o.dir, "state"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	os.Setenv("NOO_STATE_DIR", state)
	os.Setenv("NOO_SNAPSHOT", "optouts.noo")
	os.Setenv("NOO_TRUSTED_KEYS", "bench.pub")
	os.Unsetenv("NOO_KEY_PASSWORD")
	if err := prepare(o.dir, o.noo, o.records); err != nil {
		return err
	}
	python, err := preparePython(o.dir)
	if err != nil {
		return err
	}
	describe(o.dir)
	for _, p := range parts {
		if o.only != "" && o.only != p.name {
			continue
		}
		if p.engines && python == "" {
			fmt.Fprintf(
				os.Stderr,
				"%s is left out: run make interop once, which installs the engines\n",
				p.name,
			)
			continue
		}
		if err := p.measure(o, python); err != nil {
			return err
		}
	}
	return nil
}

// measureCSV measures noo beside cat, which only copies.
func measureCSV(o options, _ string) error {
	err := measure(o.dir, []*contender{
		{name: "cat in > out", line: "exec cat extract.csv > out.csv"},
		{
			name: "noo filter",
			line: "exec " + o.noo + " filter extract.csv -o out.csv --quiet",
			base: "cat in > out",
		},
		{
			name: "noo filter --report",
			line: "exec " + o.noo + " filter extract.csv -o out.csv --report report.json --quiet",
			base: "cat in > out",
		},
		{
			name: "noo check",
			line: "exec " + o.noo + " check extract.csv --quiet > /dev/null; true",
			base: "cat in > out",
		},
		{
			name: "noo filter, 1,000 records",
			line: "exec " + o.noo + " filter small.csv -o out.csv --quiet",
		},
		{
			name: "noo snapshot build, 3.6 M",
			line: "exec " + o.noo + " snapshot build optouts.txt -o out.noo --key bench.key 2> /dev/null",
		},
	}, o.runs)
	if err != nil || !o.long {
		return err
	}
	return longFile(o.dir, o.noo)
}

// measure has the contenders take turns, and prints what came out.
func measure(dir string, contenders []*contender, runs int) error {
	turn := slices.Clone(contenders)
	for round := range runs + 1 {
		slices.Reverse(turn)
		for _, c := range turn {
			if err := c.run(dir, round > 0); err != nil {
				return err
			}
		}
	}
	report(contenders)
	return nil
}

// outputs are the files that contenders write.
var outputs = []string{
	"out.csv", "out.csv.gz", "out.csv.zst", "report.json", "out.noo", "out.parquet", "out.arrow",
	"out.arrows",
}

// run carries a contender out once. The first run fills the page cache and is not counted.
func (c *contender) run(dir string, counted bool) error {
	cmd := exec.Command("sh", "-c", c.line)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	for _, output := range outputs {
		if err := os.RemoveAll(filepath.Join(dir, output)); err != nil {
			return err
		}
	}
	if err := settle(dir); err != nil {
		return err
	}
	start := time.Now()
	if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() != 1 {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	if !counted {
		return nil
	}
	c.wall = append(c.wall, time.Since(start))
	c.cpu = append(c.cpu, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	c.memory = max(c.memory, peakMemory(cmd.ProcessState))
	if c.file != "" {
		info, err := os.Stat(filepath.Join(dir, c.file))
		if err != nil {
			return err
		}
		c.size = info.Size()
	}
	return nil
}

// settle gives every command the same start: nothing of the command before is still on its way to
// the disk, and the memory that is free is memory that was just used. On a virtual machine the
// first use of memory may cost many times the second.
func settle(dir string) error {
	spare := filepath.Join(dir, "spare")
	for range 2 {
		if err := exec.Command("sh", "-c", "cat "+filepath.Join(dir, "extract.csv")+" > "+spare).Run(); err != nil {
			return err
		}
		if err := os.Remove(spare); err != nil {
			return err
		}
	}
	_ = exec.Command("sync").Run() // where there is none, the commands take what comes
	return nil
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}

// describe says on what machine and with which data the measurements were taken.
func describe(dir string) {
	fmt.Printf(
		"%s, %d processors (%s), %s\n",
		runtime.GOOS+"/"+runtime.GOARCH,
		runtime.NumCPU(),
		processor(),
		runtime.Version(),
	)
	for _, name := range []string{
		"extract.csv", "extract.csv.gz", "extract.csv.zst", "small.csv", "optouts.noo",
		"snappy.parquet", "zstd.parquet", "plain.arrow", "lz4.arrow", "zstd.arrow", "numbers.arrows",
	} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			fmt.Printf("%s: %.1f MB\n", name, float64(info.Size())/1e6)
		}
	}
}

// report prints a table.
func report(contenders []*contender) {
	fmt.Println(
		"\n| command | wall, s | min–max | processor, s | compared | peak memory, MiB | output, MB |",
	)
	fmt.Println("|---|---|---|---|---|---|---|")
	for _, c := range contenders {
		ratio := ""
		for _, b := range contenders {
			if b.name == c.base {
				ratio = fmt.Sprintf(
					"%.2f × %s",
					median(c.wall).Seconds()/median(b.wall).Seconds(),
					b.name,
				)
			}
		}
		size := ""
		if c.size > 0 {
			size = fmt.Sprintf("%.1f", float64(c.size)/1e6)
		}
		fmt.Printf(
			"| `%s` | %.3f | %.3f–%.3f | %.2f | %s | %d | %s |\n",
			c.name,
			median(c.wall).Seconds(),
			slices.Min(c.wall).
				Seconds(),
			slices.Max(c.wall).Seconds(),
			median(c.cpu).Seconds(),
			ratio,
			c.memory>>20,
			size,
		)
	}
}

// longFile says how much memory an extract ten times as long takes. It comes through a pipe, so
// that it need not fit on the disk.
func longFile(dir, noo string) error {
	c := &contender{
		name: "noo check, ten times as long",
		line: "(for i in 1 2 3 4 5 6 7 8 9 10; do cat extract.csv; done) | " + noo + " check - --quiet > /dev/null; true",
	}
	if err := c.run(dir, true); err != nil {
		return err
	}
	fmt.Printf(
		"| `%s` | %.3f | | %.2f | | %d | |\n",
		c.name,
		median(c.wall).Seconds(),
		median(c.cpu).Seconds(),
		c.memory>>20,
	)
	return nil
}

// processor names the processor, where Linux says it.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok &&
			strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
