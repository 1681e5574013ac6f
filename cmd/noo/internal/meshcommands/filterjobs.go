package meshcommands

// The jobs of noo mesh filter: what is done with the messages of a workflow.

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"noo/cmd/noo/internal/jobs"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/settings"
	"noo/cmd/noo/internal/ui"
	"noo/formats"
	"noo/mesh/control"
	"noo/mesh/relay"
)

// workflowKey is the key of a job that names the workflows of its messages. It is no flag and no
// variable: set for all jobs, it would send messages to the wrong mailbox.
const workflowKey = "workflow"

// maxPrefix is the most characters that may begin a local id: letters that tell messages apart
// follow.
const maxPrefix = 200

// filterJob is one job.
type filterJob struct {
	name string
	cmd  *cobra.Command // that its flags are on
	runflags.Data
	runflags.Run
	compress  *formats.Compression
	workflows []string
	// envelope is what new messages say. An empty From or WorkflowID is that of what arrived.
	envelope relay.Envelope
}

// newFilterJob returns a job without settings. Its command has the path of noo mesh filter, which
// logs and reports show.
func newFilterJob() *filterJob {
	j := &filterJob{cmd: &cobra.Command{Use: "filter"}}
	root, mesh := &cobra.Command{Use: "noo"}, &cobra.Command{Use: "mesh"}
	root.AddCommand(mesh)
	mesh.AddCommand(j.cmd)
	j.Data.Add(j.cmd)
	j.Run.Add(j.cmd)
	flags := j.cmd.Flags()
	runflags.AddWriting(flags, &j.Data, &j.compress)
	flags.StringArrayVar(&j.workflows, workflowKey, nil, "filter messages with the workflow id `NAME`")
	e := &j.envelope
	flags.StringVar(&e.To, "send-to", "", "send results to the mailbox `NAME`")
	flags.StringVar(&e.From, "send-from", "",
		"send results from the mailbox `NAME`; without it, from the one that got the message")
	flags.StringVar(&e.WorkflowID, "send-workflow", "",
		"send results with the workflow id `NAME`; without it, with that of the message")
	flags.StringVar(&e.Subject, "send-subject", "",
		"send results with the subject `TEXT`; without it, with the name of the job")
	flags.StringVar(&e.LocalID, "send-local-id", "",
		"begin local ids of results with `TEXT`; without it, with the name of the job")
	return j
}

// forwardJobFlags gives noo mesh filter the flags of its jobs.
func forwardJobFlags(cmd *cobra.Command) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	newFilterJob().cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if flag.Name != workflowKey {
			flags.AddFlag(flag)
		}
	})
	settings.Forward(cmd.Flags(), flags)
}

// openJobs reads the jobs from a file, and sets their flags. It finds what is wrong with any of
// them before the first message is touched.
func openJobs(t *ui.Terminal, cmd *cobra.Command, path string) ([]*filterJob, error) {
	text, err := settings.ReadFile(path)
	if err != nil {
		return nil, err
	}
	file, err := settings.Parse(path, text, []settings.Command{
		{Name: "mesh filter", Flags: newFilterJob().cmd.Flags()},
	})
	if err != nil {
		return nil, err
	}
	if err := jobs.CheckMetrics(file.Jobs); err != nil {
		return nil, err
	}
	var all []*filterJob
	var commands []*cobra.Command
	for _, entry := range file.Jobs {
		t.Log.SetJob(entry.Name, entry.Command)
		j, err := newJob(entry, settings.Forwarded(cmd.Flags()), all)
		if err != nil {
			return nil, err
		}
		all, commands = append(all, j), append(commands, j.cmd)
	}
	t.Log.LeaveJob()
	return all, jobs.CheckOutputs(file.Jobs, commands)
}

// newJob sets the flags of a job, first from those given on the command line. It refuses one that
// does not go with others.
func newJob(
	entry *settings.Job,
	given settings.Values,
	others []*filterJob,
) (*filterJob, error) {
	j := newFilterJob()
	j.name = entry.Name
	wrong := func(err error) error {
		return &settings.Error{
			Source: settings.Source{Kind: settings.FromConfig, Place: entry.Place},
			Err:    fmt.Errorf("%s: job %s: %w", entry.Place, entry.Name, err),
		}
	}
	variables, err := runflags.Environment.Read(j.cmd.Flags())
	if err != nil {
		return nil, err
	}
	delete(variables, workflowKey)
	if _, err := runflags.Resolve(j.cmd.Flags(), given, variables, entry.Values); err != nil {
		return nil, err
	}
	if len(entry.Inputs) > 0 {
		return nil, wrong(errors.New("its inputs are the messages: leave input out"))
	}
	j.envelope.Subject = cmp.Or(j.envelope.Subject, j.name)
	j.envelope.LocalID = cmp.Or(j.envelope.LocalID, j.name)
	for _, err := range []error{j.check(), j.apart(others), j.Ready(&j.Data)} {
		if err != nil {
			return nil, wrong(err)
		}
	}
	return j, nil
}

// check refuses a job with which no message could be sent.
func (j *filterJob) check() error {
	e := j.envelope
	for _, w := range j.workflows {
		switch {
		case !control.IsWorkflow(w):
			return errors.New("workflow: want letters, digits, and . _ -")
		case w == relay.NationalCheck:
			return fmt.Errorf("workflow: %s is that of the national check's answers", w)
		}
	}
	switch {
	case len(j.workflows) == 0:
		return errors.New("workflow is missing: want the workflow id of its messages")
	case e.To == "":
		return errors.New("send-to is missing: want the mailbox that gets the results")
	case !control.IsMailbox(e.To):
		return errors.New("send-to: want a mailbox: letters and digits")
	case e.From != "" && !control.IsMailbox(e.From):
		return errors.New("send-from: want a mailbox: letters and digits")
	case e.WorkflowID != "" && !control.IsWorkflow(e.WorkflowID):
		return errors.New("send-workflow: want letters, digits, and . _ -")
	case !control.IsWord(e.Subject):
		return errors.New("send-subject: want letters, digits, - and _; it is the job's name if unset")
	case !control.IsWord(e.LocalID) || len(e.LocalID) > maxPrefix:
		return errors.New("send-local-id: want letters, digits, - and _; it is the job's name if unset")
	}
	return nil
}

// apart refuses a job with a workflow that another job has.
func (j *filterJob) apart(others []*filterJob) error {
	for _, other := range others {
		for _, w := range j.workflows {
			if other.takes(w) {
				return fmt.Errorf(
					"the job %s has the workflow %s too: give each job its own", other.name, w)
			}
		}
	}
	return nil
}

// takes reports whether the job is for messages of a workflow.
func (j *filterJob) takes(workflow string) bool { return slices.Contains(j.workflows, workflow) }
