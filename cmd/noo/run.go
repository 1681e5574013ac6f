package main

// noo run: jobs from a config file, one after the other.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/settings"
	"noo/cmd/noo/internal/suggest"
	"noo/cmd/noo/internal/ui"
	"noo/internal/atomicfile"
	"noo/internal/iopaths"
	"noo/internal/nearest"
	"noo/internal/nhsnumber"
)

// jobCommands are the commands that a job may run. A job that names none runs the first.
var jobCommands = []string{"filter", "check"}

const configUsage = "read the jobs from `FILE`; without it, from noo/config.yaml in your config folder"

// addSettings adds the commands that use the flags of others to a tree that has all others.
func addSettings(t *ui.Terminal, root *cobra.Command) {
	root.AddCommand(newRun(t, root), newConfig(t, root))
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return suggest.FlagError(cmd.Flags(), err)
	})
	root.SetUsageTemplate(root.UsageTemplate() + `{{if and .Runnable .HasAvailableLocalFlags (not .HasAvailableSubCommands)}}
noo also reads every flag from the environment: --some-flag from NOO_SOME_FLAG.
{{end}}`)
}

func newRun(t *ui.Terminal, root *cobra.Command) *cobra.Command {
	var named string
	cmd := &cobra.Command{
		Use:   "run [JOB...]",
		Short: "Run jobs from a config file",
		Long: `run runs jobs of a config file in the order in which you name them. It stops at
the first job that fails, and exits with the code of that job. Without JOB it
lists the jobs. A config file is YAML:

  defaults:                # for every job
    snapshot: optouts.noo
    trusted-key: publisher.pub
  jobs:
    births:
      input: births.csv
      output: births_clean.csv
      column: [mother_nhs, baby_nhs]
      missing: keep
    births-check:
      command: check       # filter is the default
      input: births_clean.csv

The keys of a job are command, input and the names of the command's flags. Paths
are relative to the folder of the config file. Precedence: command line, then
environment, then config file.`,
		Example: `  noo run
  noo run births births-check --config nightly.yaml
  noo run births --force`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, names []string) error {
			c, err := openConfig(t, named)
			if err != nil {
				return err
			}
			if len(names) == 0 {
				return listJobs(t, c)
			}
			jobs, err := findJobs(c, names)
			if err != nil {
				return err
			}
			if err := rehearse(t, jobs, settings.Forwarded(cmd.Flags())); err != nil {
				return err
			}
			for _, j := range jobs {
				if err := runJob(cmd.Context(), t, j, settings.Forwarded(cmd.Flags())); err != nil {
					return inJob(j.Name, err)
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&named, "config", "", configUsage)
	forwardFlags(cmd, root)
	return cmd
}

// openConfig reads the config file to use, and checks all its jobs.
func openConfig(t *ui.Terminal, named string) (*settings.File, error) {
	path, err := configPath(named)
	if err != nil {
		return nil, err
	}
	if path == "" {
		return nil, usage(errors.New("no config file: name one with --config FILE or in " + environment.Variable("config")))
	}
	text, err := settings.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseConfig(t, path, text)
}

// configPath returns the config file to use: the one named, else the user's if it exists, else "".
func configPath(named string) (string, error) {
	if named != "" {
		return named, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil || !filepath.IsAbs(dir) {
		return "", nil
	}
	path := filepath.Join(dir, "noo", "config.yaml")
	switch _, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("cannot read the config file %s: %w", path, atomicfile.Cause(err))
	}
	return path, nil
}

// parseConfig reads the text of a config file. It tries all jobs, so that it finds a mistake before
// the night in which the job runs. A mistake is a settings.Error with its place.
func parseConfig(t *ui.Terminal, path string, text []byte) (*settings.File, error) {
	var available []settings.Command
	for _, name := range jobCommands {
		cmd, err := freshCommand(silenced(t), name)
		if err != nil {
			return nil, err
		}
		available = append(available, settings.Command{Name: name, Flags: cmd.Flags()})
	}
	c, err := settings.Parse(path, text, available)
	if err != nil {
		return nil, err
	}
	for _, j := range c.Jobs {
		cmd, err := freshCommand(silenced(t), j.Command)
		if err != nil {
			return nil, err
		}
		if _, err := resolve(cmd.Flags(), j.Values); err != nil {
			return nil, err
		}
		if err := cmd.ValidateArgs(j.Inputs); err != nil {
			err = fmt.Errorf("%s: job %s: %w", j.Place, j.Name, err)
			return nil, &settings.Error{Source: settings.Source{Kind: settings.FromConfig, Place: j.Place}, Err: err}
		}
	}
	return c, keepMetricsApart(c.Jobs)
}

// keepMetricsApart refuses jobs that write their metrics to the same file, even if they never run
// together: monitoring would see those of the last job only.
func keepMetricsApart(jobs []*settings.Job) error {
	var written []iopaths.Place
	var writers []*settings.Job
	for _, j := range jobs {
		value, ok := j.Values[metricsFlag]
		if !ok {
			continue
		}
		place := iopaths.PlaceOf(value.Texts[0])
		for i, other := range writers {
			if written[i].Same(place) {
				return &settings.Error{Source: value.Source, Err: fmt.Errorf(
					"%s: %s: the jobs %s and %s would write their metrics to the same file: give each job its own",
					value.Source.Place, metricsFlag, other.Name, j.Name)}
			}
		}
		written, writers = append(written, place), append(writers, j)
	}
	return nil
}

// freshCommand returns a command of a tree of its own, in which no flag is set.
func freshCommand(t *ui.Terminal, name string) (*cobra.Command, error) {
	root, _ := newTree(t)
	cmd, _, err := root.Find([]string{name})
	if err != nil {
		return nil, err
	}
	return cmd, cmd.ParseFlags(nil) // adds the flags of the commands above
}

// silenced returns a terminal for a command that is only tried: nobody sees what it prints.
func silenced(t *ui.Terminal) *ui.Terminal {
	return &ui.Terminal{In: t.In, Out: io.Discard, Err: io.Discard}
}

// listJobs prints the jobs.
func listJobs(t *ui.Terminal, c *settings.File) error {
	longest := 0
	for _, j := range c.Jobs {
		longest = max(longest, len(j.Name))
	}
	for _, j := range c.Jobs {
		line := fmt.Sprintf("%-*s  %s %s", longest, j.Name, j.Command, strings.Join(j.Inputs, " "))
		if output := j.Values["output"]; len(output.Texts) > 0 {
			line += " -> " + output.Texts[0]
		}
		if err := printed(fmt.Fprintln(t.Out, nhsnumber.Mask(line))); err != nil {
			return err
		}
	}
	return nil
}

// findJobs returns the jobs of the names, in their order.
func findJobs(c *settings.File, names []string) ([]*settings.Job, error) {
	var jobs []*settings.Job
	for at, name := range names {
		i := slices.IndexFunc(c.Jobs, func(j *settings.Job) bool { return j.Name == name })
		if i < 0 {
			return nil, unknownJob(c, name)
		}
		if slices.Contains(names[:at], name) {
			return nil, usage(fmt.Errorf("the job %s is named twice: name it once", name))
		}
		jobs = append(jobs, c.Jobs[i])
	}
	return jobs, nil
}

// mostJobs is how many names of jobs an error lists.
const mostJobs = 20

// unknownJob is the error for a job that does not exist.
func unknownJob(c *settings.File, name string) error {
	all := make([]string, len(c.Jobs))
	for i, j := range c.Jobs {
		all[i] = j.Name
	}
	text := fmt.Sprintf("%s has no such job", c.Path)
	if !suggest.HasDigit(name) {
		text = fmt.Sprintf("%s has no job %q", c.Path, name)
	}
	switch near := nearest.Name(name, all); {
	case near != "":
		text += fmt.Sprintf("; did you mean %q?", near)
	case len(all) <= mostJobs:
		text += "; the jobs are: " + strings.Join(all, ", ")
	default:
		text += "; noo run lists the jobs"
	}
	return usage(errors.New(text))
}

// runJob runs a job, with the flags on the command line of noo run.
func runJob(ctx context.Context, t *ui.Terminal, j *settings.Job, flags settings.Values) error {
	t.Log.SetJob(j.Name, j.Command)
	cmd, _, err := prepareJob(t, j, flags)
	if err != nil {
		return err
	}
	startLog(t, cmd)
	if err := context.Cause(ctx); err != nil { // it came when the last job was too far to stop
		return err
	}
	cmd.SetContext(ctx)
	t.SetFinishing(false) // the last job has finished
	if err := validateJob(cmd, j); err != nil {
		return err
	}
	return cmd.RunE(cmd, j.Inputs)
}

// validateJob makes the checks that cobra makes before it runs a command.
func validateJob(cmd *cobra.Command, j *settings.Job) error {
	for _, err := range []error{cmd.ValidateArgs(j.Inputs), cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups()} {
		if err != nil {
			return usage(err)
		}
	}
	return cmd.PreRunE(cmd, j.Inputs)
}

// rehearse finds what is wrong with any job before the first job has run for hours.
func rehearse(t *ui.Terminal, jobs []*settings.Job, flags settings.Values) error {
	prepared := make([]*cobra.Command, len(jobs))
	for i, j := range jobs {
		cmd, _, err := prepareJob(silenced(t), j, flags)
		if err == nil {
			err = validateJob(cmd, j)
		}
		if err != nil {
			t.Log.SetJob(j.Name, j.Command)
			return fmt.Errorf("job %s: %w", j.Name, err)
		}
		prepared[i] = cmd
	}
	return keepJobsApart(jobs, prepared)
}

// written are the flags for files that a job writes and no other job may replace.
var written = []string{"output", "withheld", "report", "junit", "sarif", metricsFlag}

// keepJobsApart refuses jobs of one run that write the same file: only the last would be left. A
// variable in the environment can cause that.
func keepJobsApart(jobs []*settings.Job, prepared []*cobra.Command) error {
	type place struct {
		job *settings.Job
		at  iopaths.Place
	}
	var places []place
	for i, j := range jobs {
		for _, name := range written {
			flag := prepared[i].Flags().Lookup(name)
			if flag == nil || flag.Value.String() == "" || flag.Value.String() == "-" {
				continue
			}
			at := iopaths.PlaceOf(flag.Value.String())
			for _, other := range places {
				if other.job != j && other.at.Same(at) {
					return usage(fmt.Errorf("the jobs %s and %s would both write %s: run one of them, or give each its own --%s",
						other.job.Name, j.Name, flag.Value, name))

				}
			}
			places = append(places, place{j, at})
		}
	}
	return nil
}

// prepareJob returns the command of a job with its flags set, and where their values come from.
func prepareJob(t *ui.Terminal, j *settings.Job, flags settings.Values) (*cobra.Command, settings.Values, error) {
	cmd, err := freshCommand(t, j.Command)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range flags.Names() {
		if cmd.Flags().Lookup(name) == nil {
			return nil, nil, usage(fmt.Errorf("noo %s, which the job %s runs, has no flag --%s", j.Command, j.Name, name))
		}
	}
	variables, err := environment.Read(cmd.Flags())
	if err != nil {
		return nil, nil, err
	}
	values, err := resolve(cmd.Flags(), flags, variables, j.Values)
	return cmd, values, err
}

// forwardFlags gives a command the flags of all commands that a job may run.
func forwardFlags(cmd, root *cobra.Command) {
	for _, name := range jobCommands {
		if from, _, err := root.Find([]string{name}); err == nil {
			settings.Forward(cmd.Flags(), from.Flags())
		}
	}
}
