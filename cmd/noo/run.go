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
	"strings"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/jobs"
	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/settings"
	"noo/cmd/noo/internal/suggest"
	"noo/cmd/noo/internal/ui"
	"noo/internal/atomicfile"
)

// jobCommands are the commands that a job may run. A job that names none runs the first.
var jobCommands = []string{"filter", "check", "mesh request", "mesh send", "mesh collect"}

// forwarded are those whose flags noo run has too.
var forwarded = jobCommands[:2]

const configUsage = "read the jobs from `FILE`; without it, from noo/config.yaml in your config folder"

// addSettings adds the commands that use the flags of others to a tree that has all others.
func addSettings(t *ui.Terminal, root *cobra.Command) {
	root.AddCommand(newRun(t, root), newConfig(t, root))
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return suggest.FlagError(cmd.Flags(), err)
	})
	root.SetUsageTemplate(
		root.UsageTemplate() + `{{if and .Runnable .HasAvailableLocalFlags (not .HasAvailableSubCommands)}}
noo also reads every flag from the environment: --some-flag from NOO_SOME_FLAG.
{{end}}`,
	)
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

The command of a job is filter, check, mesh request, mesh send or mesh collect.
The keys are command, input and the names of the command's flags. Paths are
relative to the folder of the config file. Precedence: command line, then
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
				return jobs.List(t, c)
			}
			jobs, err := jobs.Find(c, names)
			if err != nil {
				return err
			}
			if err := rehearse(t, jobs, settings.Forwarded(cmd.Flags())); err != nil {
				return err
			}
			for _, j := range jobs {
				if err := runJob(cmd.Context(), t, j, settings.Forwarded(cmd.Flags())); err != nil {
					return outcome.InJob(j.Name, err)
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
		return nil, outcome.Usage(
			errors.New(
				"no config file: name one with --config FILE or in " + runflags.Environment.Variable(
					"config",
				),
			),
		)
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
		if _, err := runflags.Resolve(cmd.Flags(), j.Values); err != nil {
			return nil, err
		}
		if err := cmd.ValidateArgs(j.Inputs); err != nil {
			err = fmt.Errorf("%s: job %s: %w", j.Place, j.Name, err)
			return nil, &settings.Error{
				Source: settings.Source{Kind: settings.FromConfig, Place: j.Place},
				Err:    err,
			}
		}
	}
	return c, jobs.CheckMetrics(c.Jobs)
}

// freshCommand returns a command of a tree of its own, in which no flag is set.
func freshCommand(t *ui.Terminal, name string) (*cobra.Command, error) {
	root, _ := newTree(t)
	cmd, _, err := root.Find(strings.Fields(name))
	if err != nil {
		return nil, err
	}
	return cmd, cmd.ParseFlags(nil) // adds the flags of the commands above
}

// silenced returns a terminal for a command that is only tried: nobody sees what it prints.
func silenced(t *ui.Terminal) *ui.Terminal {
	return &ui.Terminal{In: t.In, Out: io.Discard, Err: io.Discard}
}

// runJob runs a job, with the flags on the command line of noo run.
func runJob(ctx context.Context, t *ui.Terminal, j *settings.Job, flags settings.Values) error {
	t.Log.SetJob(j.Name, j.Command)
	cmd, _, err := prepareJob(t, j, flags)
	if err != nil {
		return err
	}
	runflags.StartLog(t, cmd)
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
			return outcome.Usage(err)
		}
	}
	return cmd.PreRunE(cmd, j.Inputs)
}

// rehearse finds what is wrong with any job before the first job has run for hours.
func rehearse(t *ui.Terminal, named []*settings.Job, flags settings.Values) error {
	prepared := make([]*cobra.Command, len(named))
	for i, j := range named {
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
	return jobs.CheckOutputs(named, prepared)
}

// prepareJob returns the command of a job with its flags set, and where their values come from.
func prepareJob(
	t *ui.Terminal,
	j *settings.Job,
	flags settings.Values,
) (*cobra.Command, settings.Values, error) {
	cmd, err := freshCommand(t, j.Command)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range flags.Names() {
		if cmd.Flags().Lookup(name) == nil {
			return nil, nil, outcome.Usage(
				fmt.Errorf(
					"noo %s, which the job %s runs, has no flag --%s",
					j.Command,
					j.Name,
					name,
				),
			)
		}
	}
	variables, err := runflags.Environment.Read(cmd.Flags())
	if err != nil {
		return nil, nil, err
	}
	values, err := runflags.Resolve(cmd.Flags(), flags, variables, j.Values)
	return cmd, values, err
}

// forwardFlags gives a command the flags of filter and check.
func forwardFlags(cmd, root *cobra.Command) {
	for _, name := range forwarded {
		if from, _, err := root.Find([]string{name}); err == nil {
			settings.Forward(cmd.Flags(), from.Flags())
		}
	}
}
