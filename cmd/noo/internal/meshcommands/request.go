package meshcommands

// noo mesh request: the numbers of datasets, as the national check wants them.

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"noo/batch"
	"noo/cmd/noo/internal/flagvalue"
	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/ui"
	"noo/filter"
	"noo/internal/atomicdir"
	"noo/internal/inputs"
	"noo/internal/iopaths"
	"noo/internal/lockfile"
	"noo/internal/nhsnumber"
	"noo/job"
	"noo/mesh"
	"noo/mesh/control"
	"noo/snapshot"
)

// mostSuspects is how many records with a suspect number are named, of each input.
const mostSuspects = 20

// requestFlags say which numbers are asked about, and how.
type requestFlags struct {
	runflags.Reading
	runflags.Columns
	output, mailbox, to, workflow string
	maxBytes                      flagvalue.Size
	leaveOut                      bool
	force, quiet                  bool
}

func newRequest(t *ui.Terminal) *cobra.Command {
	flags := requestFlags{maxBytes: mesh.DefaultMaxBytes}
	cmd := &cobra.Command{
		Use:   "request INPUT... -o FOLDER --mailbox MAILBOX",
		Short: "Make the list of NHS numbers to send to the national check",
		Long: `request collects the distinct valid NHS numbers of datasets, and writes them as
the national check wants them: a .dat file with a number and a comma on each
line. It sorts them, and makes several files if one would be too large. Send
each file as one message, with the subject and the local id that request prints.
The file request.json in the folder lists them. It holds no NHS number.

Keep the folder until the answer is there: noo mesh collect needs it. A record
without a readable number cannot be looked up: noo filter will withhold it.

The check refuses a whole list for one number that it does not know. request
names the records with numbers that are not issued in England, Wales, the Isle
of Man or Scotland. With --suspects leave-out it does not ask about them, and
noo filter will withhold their records.`,
		Example: `  noo mesh request extract.csv -o request --mailbox X26ABC1
  noo mesh request births/ -o request --mailbox X26ABC1 --column mother_nhs \
    --column baby_nhs`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("no input: name a file, or - for standard input")
			}
			return runflags.AllNamed(args)
		},
		PreRunE: func(*cobra.Command, []string) error { return flags.validate() },
		RunE: func(cmd *cobra.Command, args []string) error {
			return flags.run(cmd.Context(), t, args)
		},
	}
	set := cmd.Flags()
	set.StringVarP(&flags.output, "output", "o", "", "write the request into the new folder `DIR`")
	set.StringVar(&flags.mailbox, "mailbox", "", "your own MESH mailbox is `NAME`, such as X26HC001")
	set.StringVar(&flags.to, "to", "", "the MESH mailbox of the national check is `NAME`")
	set.StringVar(&flags.workflow, "workflow", mesh.Workflow, "the workflow of the check is `NAME`")
	flagvalue.Add(set, &flags.maxBytes, "max-bytes", "make several files if one would be larger")
	runflags.AddChoice(set, flagvalue.NewChoice(
		"ACTION",
		&flags.leaveOut,
		flagvalue.Word[bool]{Text: "send", Value: false},
		flagvalue.Word[bool]{Text: "leave-out", Value: true},
	), "suspects", "numbers that the check may not know")
	set.BoolVar(&flags.force, "force", false, "overwrite a request that exists")
	set.BoolVar(&flags.quiet, "quiet", false, "print nothing on stderr but errors")
	flags.Columns.Add(cmd, &flags.Reading)
	flags.Reading.Add(cmd)
	return cmd
}

func (f *requestFlags) validate() error {
	f.mailbox, f.to = strings.ToUpper(f.mailbox), strings.ToUpper(f.to) // as the service has them
	switch {
	case f.output == "":
		return outcome.Usage(errors.New("no output: name a folder with -o DIR"))
	case f.mailbox == "":
		return outcome.Usage(errors.New("no mailbox: name your own with --mailbox NAME"))
	}
	for _, name := range []string{f.mailbox, f.to} {
		if name != "" && !control.IsMailbox(name) {
			return outcome.Usage(errors.New("a mailbox has letters and digits only"))
		}
	}
	if !control.IsWorkflow(f.workflow) {
		return outcome.Usage(errors.New("--workflow has letters, digits, and . _ - only"))
	}
	return f.Reading.Validate()
}

func (f *requestFlags) run(ctx context.Context, t *ui.Terminal, args []string) error {
	sources, err := inputs.Expand(args)
	if err != nil {
		return err
	}
	if err := f.checkPaths(t, sources); err != nil {
		return err
	}
	unlock, err := lockFolder(f.output)
	if err != nil {
		return err
	}
	defer unlock()
	folder, err := atomicdir.Create(f.output, f.force, false)
	if err != nil {
		return err
	}
	defer discard(t, folder)
	t.Finish() // the folder is discarded even if the user interrupts

	request := &mesh.Request{
		Created: time.Now().UTC().Truncate(time.Second),
		Mailbox: f.mailbox, To: f.to, Workflow: f.workflow,
	}
	numbers := new(mesh.Numbers)
	files, err := f.collect(ctx, t, sources, numbers)
	if err != nil {
		return err
	}
	for _, file := range files {
		request.Inputs = append(request.Inputs, describe(file))
	}
	if err := f.write(ctx, t, request, numbers, folder); err != nil {
		return err
	}
	if !f.quiet {
		f.say(t, request, files)
	}
	return nil
}

// checkPaths refuses a folder that is one of the inputs, or that the next run would read.
func (f *requestFlags) checkPaths(t *ui.Terminal, sources *inputs.Sources) error {
	var paths iopaths.Paths
	for _, path := range sources.OnDisk() {
		if path != "-" {
			paths.Read(path)
		}
	}
	paths.ReadOpen("stdin", t.In)
	paths.ReadFolders(sources.Roots...)
	paths.ReadMatching(sources.Read)
	paths.WriteFolder(f.output)
	return paths.Check()
}

// collect reads all inputs, several at a time, and puts their numbers into a set.
func (f *requestFlags) collect(
	ctx context.Context,
	t *ui.Terminal,
	sources *inputs.Sources,
	numbers *mesh.Numbers,
) ([]job.FileReport, error) {
	bar := ui.NewProgress(t, f.quiet, sources.Describe())
	defer bar.Clear()
	progress := batch.Progress(sources.Files, bar.Update)
	reports := make([]job.FileReport, len(sources.Files))
	err := batch.Each(
		ctx,
		batch.Loads(sources.Files),
		func(ctx context.Context, i, workers int) error {
			run := f.prepare(t, sources, i, numbers)
			run.Workers = workers
			run.Progress = func(done, _ int64) { progress(i, done) }
			report, err := run.Do(ctx)
			if err != nil {
				return err
			}
			reports[i] = report.Files[0]
			return nil
		},
	)
	return reports, err
}

// prepare is a run that reads one input and writes nothing.
func (f *requestFlags) prepare(
	t *ui.Terminal,
	sources *inputs.Sources,
	i int,
	numbers *mesh.Numbers,
) *job.Run {
	rules := f.Columns.Rules()
	rules.Batch, rules.Missing = sources.Many, f.Missing
	return &job.Run{
		Input: sources.Files[i].Path,
		Entry: sources.Files[i].Entry,
		Stdin: t.In,
		Rules: job.Rules{
			Columns:   rules,
			Policy:    filter.Policy{Missing: filter.Keep, Invalid: filter.Keep},
			Register:  mesh.Ranges{},
			Formats:   f.Formats(),
			Offenders: mostSuspects,
			Collect: func(keys []nhsnumber.Key) {
				if f.leaveOut {
					keys = withoutSuspects(keys)
				}
				numbers.Add(keys...)
			},
		},
	}
}

// withoutSuspects takes the keys of suspect numbers out of keys, which it overwrites.
func withoutSuspects(keys []nhsnumber.Key) []nhsnumber.Key {
	known := keys[:0]
	for _, key := range keys {
		if !mesh.Suspect(key) {
			known = append(known, key)
		}
	}
	return known
}

// describe says what was found in an input. Of its records, those that are unchecked in mesh.Ranges
// have a suspect number.
func describe(file job.FileReport) mesh.Input {
	return mesh.Input{
		Name:    file.Input.Name,
		Columns: file.Columns,
		Records: mesh.Records{
			Read:     file.Records.Read,
			Missing:  file.Records.Missing,
			Invalid:  file.Records.Invalid,
			Suspects: file.Records.Unchecked,
		},
	}
}

// write writes the request and gives the folder its name.
func (f *requestFlags) write(
	ctx context.Context,
	t *ui.Terminal,
	request *mesh.Request,
	numbers *mesh.Numbers,
	folder *atomicdir.Folder,
) error {
	state, err := snapshot.DefaultStateDir()
	if err != nil {
		return err
	}
	sizes, err := request.Write(ctx, numbers, mesh.Plan{
		MaxBytes: int64(f.maxBytes),
		Take: func(count int) (int, error) {
			return mesh.TakeNumbers(state, request.Mailbox, request.Created, count)
		},
		Path: folder.Path,
	})
	if err != nil {
		return err
	}
	if err := folder.Seal(ctx, sizes); err != nil {
		return err
	}
	t.Finish()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := atomicdir.PublishAll([]*atomicdir.Folder{folder}); err != nil {
		return err
	}
	return folder.RemoveReplaced()
}

// say tells the person what is in the request, and what to do with it.
func (f *requestFlags) say(t *ui.Terminal, request *mesh.Request, files []job.FileReport) {
	var all mesh.Records
	for _, input := range request.Inputs {
		all.Read += input.Records.Read
		all.Missing += input.Records.Missing
		all.Invalid += input.Records.Invalid
		all.Suspects += input.Records.Suspects
	}
	t.Say("%s read, %s", ui.Records(all.Read),
		ui.Counted(int64(request.Numbers), "distinct NHS number", "distinct NHS numbers"))
	if n := all.Missing + all.Invalid; n > 0 {
		t.Say("%s without a readable number: noo filter will withhold them", ui.Records(n))
	}
	if all.Suspects > 0 {
		f.saySuspects(t, all.Suspects, files)
	}
	for _, part := range request.Parts {
		t.Say("send %s/%s to the workflow %s", strings.TrimRight(f.output, "/"), part.File,
			request.Workflow)
		t.Say("  subject  %s", part.Subject)
		t.Say("  local id %s", part.LocalID)
	}
}

// saySuspects names the records with numbers that the check may refuse.
func (f *requestFlags) saySuspects(t *ui.Terminal, count int64, files []job.FileReport) {
	what := "the check may refuse the list for them"
	if f.leaveOut {
		what = "left out: noo filter will withhold them"
	}
	t.Say("%s with a number that the check may not know: %s", ui.Records(count), what)
	for _, file := range files {
		if len(file.Offenders) == 0 {
			continue
		}
		var records []string
		for _, o := range file.Offenders {
			records = append(records, fmt.Sprint(o.Record))
		}
		more := ""
		if n := file.Records.Unchecked - int64(len(records)); n > 0 {
			more = fmt.Sprintf(" and %s more", ui.Grouped(n))
		}
		t.Say("  %s: record %s%s", ui.Showable(file.Input.Name), strings.Join(records, ", "), more)
	}
}

// lockFolder keeps other runs away from a folder that is being made.
func lockFolder(folder string) (unlock func(), err error) {
	path, err := atomicdir.LockPath(folder)
	if err != nil {
		return nil, err
	}
	lock, err := lockfile.AcquireTemporary(path)
	if errors.Is(err, lockfile.ErrHeld) {
		err = batch.ErrBusy
	}
	if err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", folder, err)
	}
	return func() { _ = lock.Release() }, nil // what cannot be released goes with the process
}

// discard drops a folder that was not published.
func discard(t *ui.Terminal, folder *atomicdir.Folder) {
	if err := folder.Discard(); err != nil {
		t.Warn(err.Error())
	}
}
