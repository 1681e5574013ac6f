package main

// noo filter: write datasets without the records that must not be disclosed.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"noo/batch"
	"noo/cmd/noo/internal/buildinfo"
	"noo/cmd/noo/internal/eventlog"
	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/ui"
	"noo/formats"
	"noo/internal/inputs"
	"noo/job"
	"noo/snapshot"
)

func newFilter(t *ui.Terminal) *cobra.Command {
	var flags filterFlags
	cmd := &cobra.Command{
		Use:   "filter INPUT... -o OUTPUT",
		Short: "Write datasets without the records that must not be disclosed",
		Long: `filter reads a dataset and writes the records of people who have not opted out.
Each record stays byte for byte as it was, in the same order. filter removes the
records of people who opted out. Unless you say otherwise, it also withholds
records without an NHS number (missing), with something that is not an NHS
number (invalid), or of people whom the publisher did not look up (unchecked).

If a second column has NHS numbers, name it with --column or allow it with
--allow-column: otherwise filter stops. It looks at the names of the columns and
at the first records. In the whole file, it watches every column for numbers of
people who opted out. It also stops if a named column holds something else.
noo columns shows what a dataset holds.

filter writes a complete output or none. INPUT and OUTPUT may be - for standard
input and output. filter writes nothing to standard output until it has read the
whole input and found no mistake.

CSV may be compressed with gzip, zstd or bzip2: filter sees that in the content.
It compresses the output as the input is, or as --compress says. The name of the
output must agree: .gz, .zst, or neither.

Several files, folders and patterns ("in/*.csv", "in/**/*.parquet") go into a
folder, -o FOLDER/. Each output has the path that its input has below the folder
or the fixed part of the pattern. In folders, filter does not read names that
start with . or _. It refuses tables of Delta Lake, Iceberg, Hudi, Paimon and
DuckLake: write their rows to a Parquet file first. The folder appears when all
files are complete and verified, with a file _SUCCESS in it. If you use --resume
from the start, you can continue an interrupted run: run the command again.

filter reads a ZIP file as a folder. INPUT may also be one file in it, or a
pattern: x.zip/a.csv, "x.zip/*.csv". It writes no ZIP file.

If only some tables hold the NHS number, name the column of local ids with
--link. The tables with NHS numbers decide, and all tables lose the same people.
filter withholds a record whose local id is in no table with NHS numbers
(unlinked).`,
		Example: `  noo filter extract.csv -o clean.csv --snapshot optouts.noo
  noo filter extract.csv -o clean.csv --column mother_nhs --column baby_nhs \
    --report report.json
  noo filter extract.txt -o clean.txt --delimiter pipe --quote none \
    --withheld followup.txt
  noo filter extract.csv.gz -o clean.csv.zst --compress zstd
  cat extract.csv | noo filter - -o - --compress gzip > clean.csv.gz
  noo filter extracts/ -o clean/ --resume --report report.json
  noo filter "extracts/*/*.parquet" -o clean/
  noo filter extracts.zip -o clean/
  noo filter patients.csv events.csv -o clean/ --link person_id`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("no input: name a file, a folder, or - for standard input")
			}
			return runflags.AllNamed(args)
		},
		PreRunE: func(_ *cobra.Command, args []string) error { return flags.ready(args) },
		RunE:    func(cmd *cobra.Command, args []string) error { return flags.run(t, cmd, args) },
	}
	flags.add(cmd)
	return cmd
}

// filterFlags are the flags of noo filter.
type filterFlags struct {
	runflags.Data
	runflags.Run
	runflags.Link
	output, withheld, report string
	force, resume            bool
	compress                 *formats.Compression
}

func (f *filterFlags) add(cmd *cobra.Command) {
	f.Data.Add(cmd)
	f.Link.Add(cmd, &f.Data)
	f.Run.Add(cmd)
	cmd.Flags().
		StringVarP(&f.output, "output", "o", "", "write the records that may be disclosed to `FILE`, or to FOLDER/ for several inputs; - is standard output")
	cmd.Flags().
		StringVar(&f.withheld, "withheld", "", "write the withheld records to `FILE` or FOLDER/, for follow-up inside the organisation")
	cmd.Flags().
		StringVar(&f.report, "report", "", "write a report with counts and digests, in JSON, to `FILE`; - is standard output")
	runflags.AddWriting(cmd.Flags(), &f.Data, &f.compress)
	cmd.Flags().
		BoolVar(&f.force, "force", false, "overwrite outputs that exist; a folder only if noo wrote everything in it")
	cmd.Flags().
		BoolVar(&f.resume, "resume", false, "keep the files that an earlier run with --resume finished, if input, snapshot and flags are the same")
}

// Ready refuses flags with which no run can start, whatever the inputs hold.
func (f *filterFlags) ready(args []string) error {
	streams := 0
	for _, path := range []string{f.output, f.withheld, f.report} {
		if path == "-" {
			streams++
		}
	}
	switch {
	case f.output == "":
		return outcome.Usage(errors.New("no output: name one with -o OUTPUT"))
	case f.resume && !runflags.IsFolder(f.output):
		return outcome.Usage(errors.New("--resume is for runs into a folder, -o FOLDER/"))
	case f.Link.On() && !runflags.IsFolder(f.output):
		return outcome.Usage(errors.New("linked tables go into a folder, -o FOLDER/"))
	case streams > 1:
		return outcome.Usage(
			errors.New(
				"only one of the outputs can be - for standard output: name a file for the others",
			),
		)
	}
	if err := f.Link.Ready(&f.Data, args); err != nil {
		return err
	}
	return f.Run.Ready(&f.Data)
}

// run filters the inputs.
func (f *filterFlags) run(t *ui.Terminal, cmd *cobra.Command, args []string) error {
	named := runflags.Files{
		Read:    args,
		Written: []string{f.output, f.withheld, f.report},
		Output:  f.output,
	}
	return f.Run.Do(
		t,
		cmd,
		&f.Data,
		named,
		func(ctx context.Context, s *snapshot.Together, said *job.Report) error {
			sources, err := inputs.Expand(args)
			if err != nil {
				return err
			}
			into, err := f.intoFolder(sources)
			if err != nil {
				return err
			}
			bar := ui.NewProgress(t, f.Quiet, sources.Describe())
			run := f.prepare(t, cmd, s, sources.Files[0].Path)
			run.Entry = sources.Files[0].Entry
			run.Progress = bar.Update
			var done *job.Report
			if into {
				done, err = f.folderRun(ctx, t, cmd, s, run, sources)
			} else {
				done, err = run.Do(ctx)
			}
			bar.Clear()
			if err != nil {
				return err
			}
			*said = *done
			f.tellFiles(t, describe(args, sources), sources, done)
			if f.Link.On() && !f.Quiet {
				runflags.WarnOfUnlinked(t, done)
			}
			return nil
		},
	)
}

// Prepare prepares a run with all outputs.
func (f *filterFlags) prepare(
	t *ui.Terminal,
	cmd *cobra.Command,
	s *snapshot.Together,
	input string,
) *job.Run {
	run := f.Data.Prepare(t, cmd, s, input)
	run.Protected = append(run.Protected, f.Run.Own()...)
	run.Output, run.Withheld, run.Outputs.Report, run.Replace = f.output, f.withheld, f.report, f.force
	run.Compress, run.OnFirstWrite = f.compress, t.Finish
	f.Link.Apply(run)
	if f.report != "" {
		runflags.AddDigests(&run.Heading, s)
	}
	return run
}

// tellFiles writes an event for each file, or the summary.
func (f *filterFlags) tellFiles(
	t *ui.Terminal,
	inputs string,
	sources *inputs.Sources,
	done *job.Report,
) {
	if t.Log.On() {
		for i := range done.Files {
			t.Log.File(done.Command, &done.Files[i], eventlog.End{Outcome: eventlog.Done})
		}
		warnNotRead(t, sources, f.Quiet)
	} else if !f.Quiet {
		ui.Summary(t.Err, done, inputs, f.output)
		if sources.PassedOver > 0 {
			fmt.Fprintf(t.Err, "  not read   %s: names that start with . or _\n", ui.Counted(int64(sources.PassedOver), "file or folder", "files or folders"))
		}
	}
}

// intoFolder reports whether the outputs are folders: there may be more than one input, or the name
// of the output says so.
func (f *filterFlags) intoFolder(sources *inputs.Sources) (bool, error) {
	into := sources.Many || runflags.IsFolder(f.output)
	switch {
	case !into:
		switch {
		case leadsToFolder(f.output):
			return false, outcome.Usage(
				fmt.Errorf(
					"%s is a folder: name a file in it, or put a slash at its end for a run into the folder itself, -o FOLDER/",
					f.output,
				),
			)
		case runflags.IsFolder(f.withheld) || leadsToFolder(f.withheld):
			return false, outcome.Usage(
				fmt.Errorf(
					"%s is a folder: name a file in it, or put a slash at the end of both outputs for a run into folders, -o FOLDER/ --withheld FOLDER/",
					f.withheld,
				),
			)
		}
		return false, nil
	case !runflags.IsFolder(f.output):
		return false, outcome.Usage(errors.New(needsFolder(sources)))
	case f.withheld != "" && !runflags.IsFolder(f.withheld):
		return false, outcome.Usage(
			errors.New(
				"the withheld records of several inputs go into a folder: name it with a slash at its end, --withheld FOLDER/",
			),
		)
	}
	return true, nil
}

// needsFolder says that several inputs go into a folder. Of a ZIP file, nobody sees from outside
// that it is several.
func needsFolder(sources *inputs.Sources) string {
	first := &sources.Files[0]
	if len(sources.Arguments) == 1 && first.Entry != nil && first.File() == sources.Arguments[0] {
		return fmt.Sprintf("%s holds %d files: name a folder, -o FOLDER/, or one file, such as %s",
			first.File(), len(sources.Files), first.Path)
	}
	return "several inputs go into a folder: name it with a slash at its end, -o FOLDER/"
}

// leadsToFolder reports whether a folder exists at a path.
func leadsToFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// folderRun filters many inputs into a folder.
func (f *filterFlags) folderRun(
	ctx context.Context,
	t *ui.Terminal,
	cmd *cobra.Command,
	s *snapshot.Together,
	each *job.Run,
	sources *inputs.Sources,
) (*job.Report, error) {
	state, err := snapshot.DefaultStateDir()
	if err != nil {
		return nil, err
	}
	run := batch.Run{
		Outputs: each.Outputs, Rules: each.Rules, Host: each.Host, Heading: each.Heading,
		Sources: sources, Resume: f.resume, StateDir: state,
	}
	run.Warn = func(err error) { t.Warn(outcome.Message(ctx, err)) }
	if f.resume {
		run.Fingerprint = f.rules(cmd, s) + f.Pseudonyms.Fingerprint()
	}
	return run.Do(ctx)
}

// withoutEffect are flags that change nothing in the output folder of a run.
var withoutEffect = []string{
	"output",
	"report",
	"force",
	"resume",
	"quiet",
	"snapshot",
	"trusted-key",
	"identity",
	"max-age",
	"min-sequence",
	"lock",
	"lock-wait",
	"log-format",
	"metrics",
}

// rules returns all that the outputs of a run depend on beside the inputs: the program, all
// snapshots in whatever order, the formats and the flags.
func (f *filterFlags) rules(cmd *cobra.Command, s *snapshot.Together) string {
	var digests []string
	for _, member := range s.Members() {
		digests = append(digests, fmt.Sprintf("%x", member.SHA256()))
	}
	slices.Sort(digests)
	text := fmt.Sprintf(
		"%s\n%s\n%+v\n%+v\n%+v\n",
		buildinfo.Version(),
		strings.Join(digests, "\n"),
		f.CSV,
		f.Parquet,
		f.Policy,
	)
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

// warnNotRead says that there are files which the run did not read.
func warnNotRead(t *ui.Terminal, sources *inputs.Sources, quiet bool) {
	if sources.PassedOver == 0 || quiet {
		return
	}
	n := ui.Counted(int64(sources.PassedOver), "file or folder", "files or folders")
	t.Warn("not read, since the names start with . or _: " + n)
}
