package main

// noo config show: the value of each setting, and where it comes from.

import (
	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/commandtree"
	"noo/cmd/noo/internal/jobs"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/settings"
	"noo/cmd/noo/internal/ui"
	"noo/internal/nhsnumber"
	"noo/snapshot"
)

func newConfig(t *ui.Terminal, root *cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "config",
		Short:   "Show the settings",
		Example: "  noo config show\n  noo config show births --json",
	}
	cmd.AddCommand(newConfigShow(t, root))
	commandtree.Group(cmd)
	return cmd
}

func newConfigShow(t *ui.Terminal, root *cobra.Command) *cobra.Command {
	var named string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show [JOB]",
		Short: "Show each setting and where it comes from",
		Long: `show prints every flag of the command that a job runs, its value, and where the
value comes from: the command line, the environment, a line of the config file,
or the default. Without JOB it shows the flags of noo filter, without the config
file: that is for jobs only.

If a value holds an NHS number, show prints x for each of its digits.`,
		Example: `  noo config show
  noo config show births
  noo config show births --missing keep --json`,
		Args: commandtree.AtMostOne("jobs"),
		RunE: func(cmd *cobra.Command, args []string) error {
			j := &settings.Job{Command: jobCommands[0]}
			shown := jobs.InForce{}
			if len(args) == 1 {
				c, err := openConfig(t, named)
				if err != nil {
					return err
				}
				found, err := jobs.Find(c, args)
				if err != nil {
					return err
				}
				j, shown.Config = found[0], c.Path
			}
			of, values, err := prepareJob(silenced(t), j, settings.Forwarded(cmd.Flags()))
			if err != nil {
				return err
			}
			shown.Job, shown.Command, shown.Inputs = j.Name, j.Command, jobs.Masked(j.Inputs)
			for _, flag := range settings.Flags(of.Flags()) {
				s, err := jobs.SettingOf(flag, values)
				if err != nil {
					return err
				}
				shown.Settings = append(shown.Settings, s)
			}
			state, err := snapshot.DefaultStateDir()
			if err != nil {
				return err
			}
			shown.StateDir, shown.Config = nhsnumber.Mask(state), nhsnumber.Mask(shown.Config)
			if shown.Unknown, err = runflags.UnknownVariables(root); err != nil {
				return err
			}
			return shown.Print(t, asJSON)
		},
	}
	cmd.Flags().StringVar(&named, "config", "", configUsage)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	forwardFlags(cmd, root)
	return cmd
}
