package main

// noo check: find records that must not be disclosed. It writes no dataset.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"noo/batch"
	"noo/cmd/noo/internal/eventlog"
	"noo/cmd/noo/internal/findings"
	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/ui"
	"noo/filter"
	"noo/internal/atomicfile"
	"noo/internal/columns"
	"noo/internal/inputs"
	"noo/job"
	"noo/snapshot"
)

// mostOffenders is how many records of a file check names.
const mostOffenders = 20

func newCheck(t *ui.Terminal) *cobra.Command {
	c := check{terminal: t}
	cmd := &cobra.Command{
		Use:   "check INPUT...",
		Short: "Check whether datasets hold records that must not be disclosed",
		Long: `check reads datasets as filter does, and writes none. For each, it prints a line
to standard output, and lists the first 20 records that must not be disclosed:
those of people who opted out, and those that filter would withhold under the
same flags. It counts records from 1, without the header. Inputs may be files,
folders, patterns and ZIP files, as for filter.

check exits with 1 if it finds such a record. It exits with 2 if a column of NHS
numbers is neither named nor allowed. If it cannot read an input, it still
checks the others, and exits with the code of the first such error. It always
writes the JUnit and SARIF files. It overwrites a file of an earlier check, and
no other file.

With --link it reads the tables with NHS numbers first, and checks all tables by
the local ids. If it cannot read one of those tables, it checks none.`,
		Example: `  noo check clean.csv --snapshot optouts.noo
  noo check january.csv february.csv --missing keep
  cat clean.csv | noo check -
  noo check clean.csv clean.parquet --junit noo.xml --sarif noo.sarif
  noo check patients.csv events.csv --link person_id`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("no input: name a file, or - for standard input")
			}
			return runflags.AllNamed(args)
		},
		PreRunE: func(_ *cobra.Command, args []string) error { return c.ready(args) },
		RunE: func(cmd *cobra.Command, args []string) error {
			named := runflags.Files{Read: args, Written: []string{c.junit, c.sarif}}
			return c.Run.Do(
				t,
				cmd,
				&c.Data,
				named,
				func(ctx context.Context, s *snapshot.Together, report *job.Report) error {
					sources, err := inputs.ExpandEach(args)
					if err != nil {
						return err
					}
					err = c.run(ctx, cmd, s, sources, report)
					if err == nil || errors.Is(err, outcome.ErrDisclosure) {
						warnNotRead(t, sources, c.Quiet)
					}
					return err
				},
			)
		},
	}
	c.Data.Add(cmd)
	c.Link.Add(cmd, &c.Data)
	c.Run.Add(cmd)
	cmd.Flags().
		BoolVar(&c.json, "json", false, "print the report as JSON, with digests, instead of lines")
	cmd.Flags().
		StringVar(&c.junit, "junit", "", "write the findings to `FILE` as JUnit XML, with a test case for each input")
	cmd.Flags().
		StringVar(&c.sarif, "sarif", "", "write the findings to `FILE` as SARIF, with a result for each listed record")
	return cmd
}

// check is the command with its flags.
type check struct {
	terminal *ui.Terminal
	runflags.Data
	runflags.Run
	runflags.Link
	json         bool
	junit, sarif string
}

// Ready refuses flags with which no check can begin, whatever the inputs hold.
func (c *check) ready(args []string) error {
	for _, o := range c.outputs() {
		if o.path == "-" {
			return runflags.ErrStream
		}
	}
	if err := c.Link.Ready(&c.Data, args); err != nil {
		return err
	}
	return c.Run.Ready(&c.Data)
}

// run checks every input, writes what was found, and returns the error that decides on the exit
// code.
func (c *check) run(
	ctx context.Context,
	cmd *cobra.Command,
	s *snapshot.Together,
	sources *inputs.Sources,
	report *job.Report,
) error {
	if err := c.tryOutputs(); err != nil {
		return err
	}
	report.Schema = job.ReportSchema
	if c.json {
		runflags.AddDigests(&report.Heading, s)
	}
	linked, err := c.link(ctx, cmd, s, sources, report)
	if err != nil {
		return err
	}
	checked, err := c.inputs(ctx, cmd, s, sources, report, linked)
	if err != nil {
		return err
	}
	result := &findings.Check{Report: report}
	var failures []error
	for _, one := range checked {
		if one.err != nil {
			failures = append(failures, one.err)
		}
		result.Files = append(result.Files, *one.file)
		report.Files = append(report.Files, one.file.Report)
		report.Totals.Add(one.file.Report.Records)
	}
	err = verdict(result.Files, failures)
	together := columns.Together(report.Seen(), s.PerFirstDigit())
	if together == nil && sources.Many {
		rules := c.Data.Prepare(c.terminal, cmd, s, "").Rules
		together = rules.CheckMatches(report.Files)
	}
	if linked != nil {
		together = cmp.Or(together, linked.CheckSteady())
		if !c.Quiet {
			runflags.WarnOfUnlinked(c.terminal, report)
		}
	}
	if together != nil {
		report.Error = outcome.Message(ctx, together)
		result.Files = append(
			result.Files,
			findings.File{
				Name:    "all files together",
				Finding: "could not be checked: " + report.Error,
				Report:  job.FileReport{Error: report.Error},
			},
		)
		if len(failures) == 0 {
			err = together
		}
	}
	report.Finished, result.ExitCode = time.Now().UTC(), outcome.ExitCode(ctx, err)
	if err := c.writeOutputs(ctx, result); err != nil {
		return err
	}
	return err
}

// link reads the tables with NHS numbers, if tables are linked. Where that cannot be, no table can
// be checked, and each has the error.
func (c *check) link(
	ctx context.Context,
	cmd *cobra.Command,
	s *snapshot.Together,
	sources *inputs.Sources,
	report *job.Report,
) (*batch.Linked, error) {
	if !c.Link.On() {
		return nil, nil
	}
	rules := c.Data.Prepare(c.terminal, cmd, s, "")
	c.Link.Apply(rules)
	report.Heading.Policy = rules.Heading.Policy
	bar := ui.NewProgress(c.terminal, c.Quiet, sources.Describe())
	defer bar.Clear()
	var err error
	for _, source := range sources.Files {
		err = cmp.Or(err, source.Err)
	}
	var linked *batch.Linked
	if err == nil {
		linked, err = batch.Link(ctx, sources.Files, rules.Rules, bar.Update)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	for i := range sources.Files {
		sources.Files[i].Err = err
	}
	return linked, nil
}

// checked is what was found in one input. The error is of one that could not be checked.
type checked struct {
	file *findings.File
	err  error
}

// inputs checks all inputs, several at a time, and says what was found in each in their order, as
// soon as that of those before it is known. The error is one that ends the check.
func (c *check) inputs(
	ctx context.Context,
	cmd *cobra.Command,
	s *snapshot.Together,
	sources *inputs.Sources,
	report *job.Report,
	linked *batch.Linked,
) ([]checked, error) {
	bar := ui.NewProgress(c.terminal, c.Quiet, sources.Describe())
	defer bar.Clear()
	progress := batch.Progress(sources.Files, bar.Update)
	all := make([]checked, len(sources.Files))
	var mutex sync.Mutex
	said := 0
	err := batch.Each(
		ctx,
		batch.Loads(sources.Files),
		func(ctx context.Context, i, workers int) error {
			run := c.Data.Prepare(c.terminal, cmd, s, sources.Files[i].Path)
			run.Offenders, run.Digests, run.Workers, run.Columns.Batch = mostOffenders, c.json, workers, sources.Many
			run.Entry = sources.Files[i].Entry
			run.Progress = func(done, _ int64) { progress(i, done) }
			if c.Link.Apply(run); linked != nil {
				run.LocalIDs = linked.People
			}
			file, err := c.input(ctx, run, sources.Files[i].Err)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			mutex.Lock()
			defer mutex.Unlock()
			for all[i] = (checked{file, err}); said < len(all) && all[said].file != nil; said++ {
				bar.Clear() // it comes again
				if err := c.say(ctx, report, all[said].file, all[said].err); err != nil {
					return err
				}
			}
			return nil
		},
	)
	return all, err
}

// input checks one input, unless it is known already why it cannot be read. The error is of one
// that could not be checked.
func (c *check) input(ctx context.Context, run *job.Run, err error) (*findings.File, error) {
	start := time.Now()
	var done *job.Report
	if err == nil {
		done, err = run.Do(ctx)
	}
	file := &findings.File{Name: ui.DisplayName(run.Input, "stdin")}
	if stop, ok := errors.AsType[*job.PolicyError](err); ok {
		file.Outcome = findings.Found
		file.Finding = fmt.Sprintf(
			"must not be disclosed: record %d is %v, at which --%v fail ended the check",
			stop.Record,
			stop.Verdict,
			stop.Verdict,
		)
		file.Report.Offenders = []filter.Offender{{Record: stop.Record, Verdict: stop.Verdict}}
		file.Report.Error = fmt.Sprintf("not read to its end: --%v fail", stop.Verdict)
		err = nil
	} else if err != nil {
		file.Report.Error = outcome.Message(ctx, err)
		file.Finding = "could not be checked: " + file.Report.Error
	} else {
		file.Report = done.Files[0]
		file.Finding = findings.Describe(done.Totals, c.Policy)
		file.Outcome = findings.Passed
		if done.Totals.MustNotBeDisclosed() > 0 {
			file.Outcome = findings.Found
		}
	}
	file.Report.Input.Name, file.Report.Took = file.Name, time.Since(start)
	if file.Report.Columns == nil {
		file.Report.Columns = []string{}
	}
	return file, err
}

// verdict is the error that the check ends with. An input that could not be checked weighs more
// than what was found in others: nobody knows what is in it.
func verdict(checked []findings.File, failures []error) error {
	switch {
	case len(failures) == 1 && len(checked) == 1:
		return failures[0]
	case len(failures) > 0:
		return fmt.Errorf(
			"%d of %d inputs could not be checked; the first: %w",
			len(failures),
			len(checked),
			failures[0],
		)
	}
	for _, file := range checked {
		if file.Outcome == findings.Found {
			return outcome.ErrDisclosure
		}
	}
	return nil
}

// say says what was found in one input, on standard output and in the event log.
func (c *check) say(
	ctx context.Context,
	report *job.Report,
	file *findings.File,
	failure error,
) error {
	if c.terminal.Log.On() {
		end := eventlog.End{
			Outcome:  eventlog.Done,
			ExitCode: outcome.ExitDone,
			Error:    file.Report.Error,
		}
		switch file.Outcome {
		case findings.Found:
			end.Outcome, end.ExitCode = eventlog.Found, outcome.ExitDisclosure
		case findings.Failed:
			end.Outcome, end.ExitCode = eventlog.Failed, outcome.ExitCode(ctx, failure)
		}
		c.terminal.Log.File(report.Command, &file.Report, end)
	}
	if c.json {
		return nil
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s\n", file.Name, file.Finding)
	for _, o := range file.Report.Offenders {
		fmt.Fprintf(&text, "  record %d: %v\n", o.Record, o.Verdict)
	}
	if n := file.Unnamed(); n > 0 {
		fmt.Fprintf(&text, "  and %s more\n", ui.Grouped(n))
	}
	if _, err := io.WriteString(c.terminal.Out, text.String()); err != nil {
		return fmt.Errorf("writing stdout: %w", atomicfile.Cause(err))
	}
	return nil
}

// outputs are the files that check writes, and what tells those that an earlier check wrote.
func (c *check) outputs() []checkOutput {
	var outputs []checkOutput
	if c.junit != "" {
		outputs = append(
			outputs,
			checkOutput{c.junit, findings.IsJUnit, (*findings.Check).WriteJUnit},
		)
	}
	if c.sarif != "" {
		outputs = append(
			outputs,
			checkOutput{c.sarif, findings.IsSARIF, (*findings.Check).WriteSARIF},
		)
	}
	return outputs
}

type checkOutput struct {
	path   string
	isKind func(head []byte) bool
	write  func(*findings.Check, io.Writer) error
}

// tryOutputs makes sure that the outputs can be written before anything is read for hours.
func (c *check) tryOutputs() error {
	for _, o := range c.outputs() {
		file, err := atomicfile.CreateReplacing(o.path, o.isKind)
		if err != nil {
			return err
		}
		file.Discard()
	}
	return nil
}

// writeOutputs writes all outputs, or none.
func (c *check) writeOutputs(ctx context.Context, result *findings.Check) error {
	var written []*atomicfile.File
	for _, o := range c.outputs() {
		file, err := atomicfile.CreateReplacing(o.path, o.isKind)
		if err != nil {
			return err
		}
		defer file.Discard()
		if err := o.write(result, file); err != nil {
			return fmt.Errorf("writing %s: %w", o.path, atomicfile.Cause(err))
		}
		written = append(written, file)
	}
	if c.json { // before any file gets its name: a reader may let it wait
		if err := result.Report.WriteJSON(c.terminal.Out); err != nil {
			return fmt.Errorf("writing stdout: %w", atomicfile.Cause(err))
		}
	}
	c.terminal.Finish()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return atomicfile.Commit(written...)
}
