package main

// noo filter: datasets in, the same without the records that must not be disclosed out.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"noo/batch"
	"noo/formats"
	"noo/internal/inputs"
	"noo/job"
	"noo/snapshot"
)

func newFilter(t terminal) *cobra.Command {
	var flags filterFlags
	cmd := &cobra.Command{
		Use:   "filter INPUT... -o OUTPUT",
		Short: "Write datasets without the records that must not be disclosed",
		Long: `filter reads a dataset and writes the records of people who have not opted out,
each byte for byte as it was and in the same order. Records of people who opted
out are removed. Records without an NHS number (missing), with something that is
no NHS number (invalid), or of people who were not looked up (unchecked) are
withheld unless you say otherwise.

A second column with NHS numbers must be named with --column or allowed with
--allow-column. filter finds it by its name, by the first records, and by
watching every column in the whole file for numbers of people who opted out. It
stops if a named column holds something else. noo columns shows what is there.

The output appears complete or not at all. INPUT and OUTPUT may be - for
standard input and output; what goes to standard output is held back until the
whole input was found good.

CSV may be compressed with gzip, zstd or bzip2, which is told by its content.
The output is compressed as the input is, or as --compress says, and its name
must say so: .gz, .zst, or neither.

Several files, folders and patterns ("in/*.csv", "in/**/*.parquet") go into a
folder, -o FOLDER/, under the paths that they have below the folder or the fixed
part of the pattern. Below folders, names that start with . or _ are passed
over. Tables of Delta Lake, Iceberg, Hudi, Paimon and DuckLake are refused:
write their rows to a Parquet file first. The folder appears when all files are
done and verified, with a file _SUCCESS in it. With --resume from the start, a
run that was cut short can be taken up by running it again.`,
		Example: `  noo filter extract.csv -o clean.csv --snapshot optouts.noo
  noo filter extract.csv -o clean.csv --column mother_nhs --column baby_nhs \
    --report report.json
  noo filter extract.txt -o clean.txt --delimiter pipe --quote none \
    --withheld followup.txt
  noo filter extract.csv.gz -o clean.csv.zst --compress zstd
  cat extract.csv | noo filter - -o - --compress gzip > clean.csv.gz
  noo filter extracts/ -o clean/ --resume --report report.json
  noo filter "extracts/*/*.parquet" -o clean/`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("no input: name a file, a folder, or - for standard input")
			}
			return allNamed(args)
		},
		PreRunE: func(*cobra.Command, []string) error { return flags.ready() },
		RunE:    func(cmd *cobra.Command, args []string) error { return flags.run(t, cmd, args) },
	}
	flags.add(cmd, t)
	return cmd
}

// filterFlags are the flags of noo filter.
type filterFlags struct {
	dataFlags
	unattended
	output, withheld, report string
	force, resume            bool
	compress                 *formats.Compression
}

func (f *filterFlags) add(cmd *cobra.Command, t terminal) {
	f.dataFlags.add(cmd)
	f.unattended.add(cmd, t)
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "write the records that may be disclosed to `FILE`, or those of several files to FOLDER/; - is standard output")
	cmd.Flags().StringVar(&f.withheld, "withheld", "", "write the records that were withheld to `FILE` or FOLDER/, for follow-up inside the organisation")
	cmd.Flags().StringVar(&f.report, "report", "", "write a report with counts and digests, in JSON, to `FILE`; - is standard output")
	cmd.Flags().Var(readBack{&f.independentReadBack}, "read-back", "read a Parquet output again before it gets its name: plain, or independent with code that did not write it")
	cmd.Flags().Var(compression{&f.compress}, "compress", "what to compress CSV outputs with, if not as the input is: gzip, zstd or none")
	cmd.Flags().BoolVar(&f.force, "force", false, "replace outputs that exist; a folder only if noo wrote all that is in it")
	cmd.Flags().BoolVar(&f.resume, "resume", false, "take over the files that an earlier run with --resume finished, if input, snapshot and rules are the same")
}

// ready refuses flags with which no run can begin, whatever the inputs hold.
func (f *filterFlags) ready() error {
	streams := 0
	for _, path := range []string{f.output, f.withheld, f.report} {
		if path == "-" {
			streams++
		}
	}
	switch {
	case f.output == "":
		return usageError{errors.New("no output: name one with -o OUTPUT")}
	case f.resume && !isFolder(f.output):
		return usageError{errors.New("--resume is for runs into a folder, -o FOLDER/")}
	case streams > 1:
		return usageError{errors.New("only one of the outputs can be - for standard output: name a file for the others")}
	}
	return f.unattended.ready(&f.dataFlags)
}

// run filters the inputs.
func (f *filterFlags) run(t terminal, cmd *cobra.Command, args []string) error {
	named := files{read: args, written: []string{f.output, f.withheld, f.report}, output: f.output}
	return f.unattended.do(t, cmd, &f.dataFlags, named, func(ctx context.Context, s *snapshot.Snapshot, said *job.Report) error {
		sources, err := inputs.Expand(args)
		if err != nil {
			return err
		}
		into, err := f.intoFolder(sources)
		if err != nil {
			return err
		}
		bar := newProgress(t, f.quiet, sources.Describe())
		run := f.prepare(t, cmd, s, args[0])
		run.Progress = bar.update
		var done *job.Report
		if into {
			done, err = f.folderRun(ctx, t, cmd, s, run, sources)
		} else {
			done, err = run.Do(ctx)
		}
		bar.finish()
		if err != nil {
			return err
		}
		*said = *done
		f.tellFiles(t, describe(args, sources), sources, done)
		return nil
	})
}

// prepare prepares a run with all outputs.
func (f *filterFlags) prepare(t terminal, cmd *cobra.Command, s *snapshot.Snapshot, input string) *job.Run {
	run := f.dataFlags.prepare(t, cmd, s, input)
	run.Protected = append(run.Protected, f.unattended.own()...)
	run.Output, run.Withheld, run.Outputs.Report, run.Replace = f.output, f.withheld, f.report, f.force
	run.Compress, run.OnFirstWrite = f.compress, t.settle
	if f.report != "" {
		run.Heading.Snapshot.SHA256 = fmt.Sprintf("%x", s.SHA256())
	}
	return run
}

// tellFiles says what was done, as events or as a summary.
func (f *filterFlags) tellFiles(t terminal, inputs string, sources *inputs.Sources, done *job.Report) {
	if t.log.on() {
		for i := range done.Files {
			t.log.file(done.Command, &done.Files[i], outcomeDone, exitDone)
		}
		t.tellPassedOver(sources, f.quiet)
	} else if !f.quiet {
		printSummary(t.err, done, inputs, f.output)
		if sources.PassedOver > 0 {
			fmt.Fprintf(t.err, "  not read   %s: names that start with . or _\n", counted(sources.PassedOver, "file or folder", "files or folders"))
		}
	}
}

// intoFolder tells whether the outputs are folders: where there may be more than one input, or the output's name says so.
func (f *filterFlags) intoFolder(sources *inputs.Sources) (bool, error) {
	into := sources.Many || isFolder(f.output)
	switch {
	case !into:
		switch {
		case leadsToFolder(f.output):
			return false, usageError{fmt.Errorf("%s is a folder: name a file in it, or put a slash at its end for a run into the folder itself, -o FOLDER/", f.output)}
		case isFolder(f.withheld) || leadsToFolder(f.withheld):
			return false, usageError{fmt.Errorf("%s is a folder: name a file in it, or put a slash at the end of both outputs for a run into folders, -o FOLDER/ --withheld FOLDER/", f.withheld)}
		}
		return false, nil
	case !isFolder(f.output):
		return false, usageError{errors.New("several inputs go into a folder: name it with a slash at its end, -o FOLDER/")}
	case f.withheld != "" && !isFolder(f.withheld):
		return false, usageError{errors.New("the withheld records of several inputs go into a folder: name it with a slash at its end, --withheld FOLDER/")}
	}
	return true, nil
}

// leadsToFolder tells whether there is a folder at a path.
func leadsToFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// isFolder tells whether a path names a folder: whether a slash ends it.
func isFolder(path string) bool {
	return path != "" && os.IsPathSeparator(path[len(path)-1])
}

// folderRun filters many inputs into a folder.
func (f *filterFlags) folderRun(ctx context.Context, t terminal, cmd *cobra.Command, s *snapshot.Snapshot, each *job.Run, sources *inputs.Sources) (*job.Report, error) {
	state, err := snapshot.DefaultStateDir()
	if err != nil {
		return nil, err
	}
	run := batch.Run{
		Outputs: each.Outputs, Rules: each.Rules, Host: each.Host, Heading: each.Heading,
		Sources: sources, Resume: f.resume, StateDir: state,
	}
	run.Warn = func(err error) { t.warn(message(ctx, err)) }
	if f.resume {
		run.Fingerprint = f.rules(cmd, s)
	}
	return run.Do(ctx)
}

// withoutEffect are flags on which what a run writes into its output folder does not depend.
var withoutEffect = []string{"output", "report", "force", "resume", "quiet", "snapshot", "trusted-key", "max-age", "min-sequence",
	"lock", "lock-wait", "log-format", "metrics"}

// rules writes down all that the outputs of a run depend on beside the inputs: the program, the snapshot, the formats and the flags.
func (f *filterFlags) rules(cmd *cobra.Command, s *snapshot.Snapshot) string {
	text := fmt.Sprintf("%s\n%x\n%+v\n%+v\n%+v\n", buildVersion(), s.SHA256(), f.csv, f.parquet, f.policy)
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if !slices.Contains(withoutEffect, flag.Name) {
			text += fmt.Sprintf("%s=%q\n", flag.Name, flag.Value)
		}
	})
	return text
}

// describe names the inputs of a run for its summary.
func describe(args []string, sources *inputs.Sources) string {
	if len(args) == 1 && len(sources.Files) > 1 {
		return fmt.Sprintf("%s (%s)", args[0], sources.Describe())
	}
	return sources.Describe()
}

// compression is a formats.Compression as a flag; nil where it is not given.
type compression struct{ wanted **formats.Compression }

func (c compression) Set(text string) error {
	var wanted formats.Compression
	if err := wanted.UnmarshalText([]byte(text)); err != nil {
		return err
	}
	*c.wanted = &wanted
	return nil
}

func (c compression) String() string {
	if c.wanted == nil || *c.wanted == nil {
		return ""
	}
	return (*c.wanted).String()
}

func (compression) Type() string { return "HOW" }
