package main

// noo run: jobs from a config file, one after the other.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"noo/internal/iopaths"
	"noo/internal/nhsnumber"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const configUsage = "read the jobs from `FILE`; without it from noo/config.yaml in the folder for your settings"

// addSettings adds the commands that know of settings to a tree that has all others.
func addSettings(t terminal, root *cobra.Command) {
	root.AddCommand(newRun(t, root), newConfig(t, root))
	root.SetFlagErrorFunc(wrongFlag)
	root.SetUsageTemplate(root.UsageTemplate() + `{{if and .Runnable .HasAvailableLocalFlags (not .HasAvailableSubCommands)}}
Every flag is also read from the environment: --some-flag from NOO_SOME_FLAG.
{{end}}`)
}

func newRun(t terminal, root *cobra.Command) *cobra.Command {
	var named string
	cmd := &cobra.Command{
		Use:   "run [JOB...]",
		Short: "Run jobs from a config file",
		Long: `run carries out jobs of a config file, in the order in which they are named, and
stops at the first that does not end with exit code 0, with that job's code.
Without JOB it lists the jobs. A config file is YAML:

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
      command: check       # filter, where nothing is said
      input: births_clean.csv

The keys of a job are command, input and the names of the command's flags. Paths
are meant from the folder of the config file. A flag given here goes before the
environment, and that before the config file.`,
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
				return c.list(t)
			}
			jobs, err := c.find(names)
			if err != nil {
				return err
			}
			if err := rehearse(t, jobs, overrides(cmd.Flags())); err != nil {
				return err
			}
			for _, j := range jobs {
				if err := j.run(cmd.Context(), t, overrides(cmd.Flags())); err != nil {
					return jobError{j.name, err}
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&named, "config", "", configUsage)
	addOverrides(cmd, root)
	return cmd
}

// openConfig reads the config file to use.
func openConfig(t terminal, named string) (*config, error) {
	path, err := configPath(named)
	if err != nil {
		return nil, err
	}
	if path == "" {
		return nil, usageError{errors.New("no config file: name one with --config FILE or in " + variable("config"))}
	}
	return readConfig(t, path)
}

// list prints the jobs.
func (c *config) list(t terminal) error {
	longest := 0
	for _, j := range c.jobs {
		longest = max(longest, len(j.name))
	}
	for _, j := range c.jobs {
		line := fmt.Sprintf("%-*s  %s %s", longest, j.name, j.command, strings.Join(j.inputs, " "))
		if output := j.given["output"]; len(output.texts) > 0 {
			line += " -> " + output.texts[0]
		}
		if err := printed(fmt.Fprintln(t.out, nhsnumber.Mask(line))); err != nil {
			return err
		}
	}
	return nil
}

// find returns the jobs of the names.
func (c *config) find(names []string) ([]*configJob, error) {
	var jobs []*configJob
	for at, name := range names {
		i := slices.IndexFunc(c.jobs, func(j *configJob) bool { return j.name == name })
		if i < 0 {
			return nil, c.unknown(name)
		}
		if slices.Contains(names[:at], name) {
			return nil, usageError{fmt.Errorf("the job %s is named twice: name it once", name)}
		}
		jobs = append(jobs, c.jobs[i])
	}
	return jobs, nil
}

// mostJobs is how many names of jobs an error lists.
const mostJobs = 20

// unknown is the error for a job that there is not.
func (c *config) unknown(name string) error {
	all := make([]string, len(c.jobs))
	for i, j := range c.jobs {
		all[i] = j.name
	}
	text := fmt.Sprintf("%s has no such job", c.path)
	if strings.IndexFunc(name, unicode.IsDigit) < 0 { // what has digits may be a number that nobody should see
		text = fmt.Sprintf("%s has no job %q", c.path, name)
	}
	switch near := nearest(name, all); {
	case near != "":
		text += fmt.Sprintf("; did you mean %q?", near)
	case len(all) <= mostJobs:
		text += "; the jobs are: " + strings.Join(all, ", ")
	default:
		text += "; noo run lists the jobs"
	}
	return usageError{errors.New(text)}
}

// run carries a job out.
func (j *configJob) run(ctx context.Context, t terminal, over layer) error {
	t.log.of(j)
	cmd, _, err := j.settled(t, over)
	if err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil { // at which the job before it was too far to stop
		return err
	}
	cmd.SetContext(ctx)
	t.settled.Store(false) // what the job before has done is done
	if err := j.valid(cmd); err != nil {
		return err
	}
	return cmd.RunE(cmd, j.inputs)
}

// valid is what cobra makes sure of before it runs a command.
func (j *configJob) valid(cmd *cobra.Command) error {
	for _, valid := range []error{cmd.ValidateArgs(j.inputs), cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups()} {
		if valid != nil {
			return usageError{valid}
		}
	}
	return cmd.PreRunE(cmd, j.inputs)
}

// rehearse finds what is wrong with any of the jobs of a run before the first of them has been at work for hours.
func rehearse(t terminal, jobs []*configJob, over layer) error {
	commands := make([]*cobra.Command, len(jobs))
	for i, j := range jobs {
		cmd, _, err := j.settled(rehearsal(t), over)
		if err == nil {
			err = j.valid(cmd)
		}
		if err != nil {
			t.log.of(j)
			return fmt.Errorf("job %s: %w", j.name, err)
		}
		commands[i] = cmd
	}
	return keepJobsApart(jobs, commands)
}

// written are the flags that name what a job writes, and the next job must not replace.
var written = []string{"output", "withheld", "report", "junit", "sarif", metricsFlag}

// keepJobsApart refuses jobs of one run that write the same file, as a variable in the environment may make them do: the last would be
// all that is left.
func keepJobsApart(jobs []*configJob, commands []*cobra.Command) error {
	type place struct {
		job *configJob
		at  iopaths.Place
	}
	var places []place
	for i, j := range jobs {
		for _, name := range written {
			flag := commands[i].Flags().Lookup(name)
			if flag == nil || flag.Value.String() == "" || flag.Value.String() == "-" {
				continue
			}
			at := iopaths.PlaceOf(flag.Value.String())
			for _, other := range places {
				if other.job != j && other.at.Same(at) {
					return usageError{fmt.Errorf("the jobs %s and %s would both write %s: run one of them, or give each its own --%s", other.job.name, j.name, flag.Value, name)}
				}
			}
			places = append(places, place{j, at})
		}
	}
	return nil
}

// settled returns the command of a job as it is to be run.
func (j *configJob) settled(t terminal, over layer) (*cobra.Command, layer, error) {
	cmd, err := freshCommand(t, j.command)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range over.inOrder() {
		if cmd.Flags().Lookup(name) == nil {
			return nil, nil, usageError{fmt.Errorf("noo %s, which the job %s runs, has no flag --%s", j.command, j.name, name)}
		}
	}
	env, err := environment(cmd.Flags())
	if err != nil {
		return nil, nil, err
	}
	return j.prepare(t, over, env, j.given)
}

// override is a flag on the command line of noo run, kept until it is known which command it is for.
type override struct {
	kind  string
	texts []string
}

func (o *override) String() string { return strings.Join(o.texts, ",") }
func (o *override) Type() string   { return o.kind }
func (o *override) Set(text string) error {
	o.texts = append(o.texts, text)
	return nil
}

// addOverrides gives a command the flags of all commands that a job may run.
func addOverrides(cmd, root *cobra.Command) {
	for _, name := range jobCommands {
		from, _, err := root.Find([]string{name})
		if err != nil {
			continue // and its jobs say so
		}
		for _, flag := range settable(from.Flags()) {
			if cmd.Flags().Lookup(flag.Name) != nil {
				continue
			}
			kept := *flag
			kept.Value = &override{kind: flag.Value.Type()}
			if repeatable(flag) {
				kept.DefValue = ""
			}
			if kept.Shorthand != "" && cmd.Flags().ShorthandLookup(kept.Shorthand) != nil {
				kept.Shorthand = "" // of another flag of another command
			}
			cmd.Flags().AddFlag(&kept)
		}
	}
}

// overrides is the layer of the flags that are kept for the command of a job.
func overrides(flags *pflag.FlagSet) layer {
	l := layer{}
	flags.Visit(func(flag *pflag.Flag) {
		if o, ok := flag.Value.(*override); ok {
			l[flag.Name] = given{o.texts, origin{fromFlag, "--" + flag.Name}}
		}
	})
	return l
}
