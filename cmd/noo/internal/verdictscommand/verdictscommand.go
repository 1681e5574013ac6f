// Package verdictscommand has the command noo verdicts, which answers an engine that does its own
// filtering.
package verdictscommand

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/ui"
	"noo/internal/atomicfile"
	"noo/internal/contextio"
	"noo/internal/nhsnumber"
	"noo/job"
	"noo/snapshot"
	"noo/verdicts"
)

// New returns noo verdicts.
func New(t *ui.Terminal) *cobra.Command {
	var c command
	cmd := &cobra.Command{
		Use:   "verdicts INPUT -o OUTPUT",
		Short: "Answer an Arrow stream of NHS numbers with a stream of verdicts",
		Long: `verdicts is for engines that filter by themselves, such as Spark. INPUT is an
Arrow IPC stream of the columns with NHS numbers. For each batch of records,
verdicts writes a batch of verdicts at once, before it needs the next one. The
output is an Arrow IPC stream with one column, verdict: kept, opted_out,
missing, invalid or unchecked. No value of the input is in it. INPUT and OUTPUT
may be - for standard input and output.

All columns count, unless --column names them: one number of a person who opted
out decides for the record. Keep only records whose verdict is kept. The
policies --missing, --invalid and --unchecked change no verdict. With fail,
verdicts ends before the batch of such a record.

The output ends with an end-of-stream mark only if the input had one and nothing
went wrong. An output without it is incomplete: use none of it.`,
		Example: `  noo verdicts - -o - --snapshot optouts.noo < numbers.arrows > verdicts.arrows
  noo verdicts numbers.arrows -o verdicts.arrows --column nhs_number \
    --report report.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("want one input: name a file, or - for standard input")
			}
			return runflags.AllNamed(args)
		},
		PreRunE: func(*cobra.Command, []string) error { return c.ready() },
		RunE:    func(cmd *cobra.Command, args []string) error { return c.do(t, cmd, args[0]) },
	}
	c.AddForVerdicts(cmd)
	c.Run.Add(cmd)
	flags := cmd.Flags()
	flags.StringVarP(
		&c.output,
		"output",
		"o",
		"",
		"write the verdicts to `FILE`; - is standard output",
	)
	flags.StringVar(&c.report, "report", "", "write a report with counts, in JSON, to `FILE`")
	flags.BoolVar(&c.force, "force", false, "overwrite outputs that exist")
	return cmd
}

// command is the command with its flags.
type command struct {
	runflags.Data
	runflags.Run
	output, report string
	force          bool
}

// ready refuses flags with which no run can start, whatever the input holds.
func (c *command) ready() error {
	switch {
	case c.output == "":
		return outcome.Usage(errors.New("no output: name one with -o OUTPUT"))
	case c.report == "-":
		return outcome.Usage(errors.New("the report needs a file: standard output is for verdicts"))
	}
	return c.Run.Ready(&c.Data)
}

// do answers the input.
func (c *command) do(t *ui.Terminal, cmd *cobra.Command, path string) error {
	named := runflags.Files{
		Read: []string{path}, Written: []string{c.output, c.report}, Output: c.output,
	}
	return c.Run.Do(t, cmd, &c.Data, named,
		func(ctx context.Context, s *snapshot.Together, report *job.Report) error {
			return c.answer(ctx, t, path, s, report)
		})
}

// answer answers the input, and writes the report.
func (c *command) answer(
	ctx context.Context,
	t *ui.Terminal,
	path string,
	s *snapshot.Together,
	report *job.Report,
) error {
	ctx, interrupt := context.WithCancel(ctx)
	defer interrupt()
	name, file := "stdin", t.In
	if path != "-" {
		var err error
		if file, err = os.Open(path); err != nil {
			return fmt.Errorf("cannot read %s: %w", path, atomicfile.Cause(err))
		}
		defer file.Close()
		name = path
	}
	in := &counted{name: name, from: contextio.NewStream(ctx, file)}
	out, err := c.create(t)
	if err != nil {
		return err
	}
	defer out.discard()
	runflags.AddDigests(&report.Heading, s)
	used, err := json.Marshal(report.Used())
	if err != nil {
		return err
	}
	run := verdicts.Run{
		Name: name, In: in, Interrupt: interrupt, Out: out, Format: c.StreamFormat(),
		Columns: c.ColumnRules(), Register: s, Policy: c.Policy,
		Snapshots: used,
	}
	done, err := run.Do(ctx)
	if err != nil {
		return err
	}
	report.Schema = job.ReportSchema
	report.Append(&job.FileReport{
		Input: job.InputReport{
			Name: nhsnumber.Mask(filepath.Base(name)), Format: run.Format.Name(), Bytes: in.bytes,
		},
		Columns: done.Columns, Records: done.Records,
	})
	return out.commit(ctx, report, done.End)
}

// counted counts what is read.
type counted struct {
	name  string
	from  io.Reader
	bytes int64
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.bytes += int64(n)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("reading %s: %w", c.name, atomicfile.Cause(err))
	}
	return n, err
}

// outputs are where verdicts and the report go.
type outputs struct {
	stream         io.Writer
	name           string
	file, reported *atomicfile.File // or nil
}

// create starts the outputs.
func (c *command) create(t *ui.Terminal) (*outputs, error) {
	o := &outputs{stream: t.Out, name: "stdout"}
	var err error
	if c.output != "-" {
		if o.file, err = atomicfile.Create(c.output, c.force); err != nil {
			return nil, err
		}
		o.stream, o.name = o.file, c.output
	}
	if c.report != "" {
		if o.reported, err = atomicfile.Create(c.report, c.force); err != nil {
			o.discard()
			return nil, err
		}
	}
	return o, nil
}

// Write implements io.Writer, for the verdicts.
func (o *outputs) Write(p []byte) (int, error) {
	n, err := o.stream.Write(p)
	if err != nil && o.file == nil {
		err = fmt.Errorf("writing %s: %w", o.name, atomicfile.Cause(err))
	}
	return n, err
}

// commit writes the report, ends the verdicts and gives the files their names.
func (o *outputs) commit(ctx context.Context, report *job.Report, end func() error) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	report.Finished = time.Now().UTC()
	if o.reported != nil {
		if err := report.WriteJSON(o.reported); err != nil {
			return err
		}
	}
	if o.file == nil {
		return atomicfile.CommitAfter(end, o.reported)
	}
	if err := end(); err != nil {
		return err
	}
	return atomicfile.Commit(o.reported, o.file)
}

// discard drops what was not committed.
func (o *outputs) discard() {
	for _, file := range []*atomicfile.File{o.file, o.reported} {
		if file != nil {
			file.Discard()
		}
	}
}
