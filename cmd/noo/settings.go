package main

// How flags that are not on the command line get their values, and how the event log starts.

import (
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/ui"
)

// resolveFromEnvironment sets the flags of a command that is about to run.
func resolveFromEnvironment(t *ui.Terminal, cmd *cobra.Command) error {
	if withoutSettings(cmd) {
		return nil
	}
	values, err := runflags.Environment.Read(cmd.Flags())
	if err != nil {
		return err
	}
	if _, err := runflags.Resolve(cmd.Flags(), values); err != nil {
		return err
	}
	if cmd.Name() == "version" {
		return nil // people run it when something is wrong
	}
	unknown, err := unknownVariables(cmd.Root())
	if err != nil {
		return err
	}
	if len(unknown) > 0 && !isQuiet(cmd) {
		t.Warn("in the environment, but no setting of noo: " + strings.Join(unknown, ", "))
	}
	return nil
}

// unknownVariables lists the variables that start as those of noo do and set nothing.
func unknownVariables(root *cobra.Command) ([]string, error) {
	return runflags.Environment.Unknown(func(yield func(*pflag.FlagSet) bool) {
		for cmd := range commands(root) {
			cmd.LocalFlags() // adds the flags of the commands above to Flags
			if !yield(cmd.Flags()) {
				return
			}
		}
	})
}

// isQuiet reports whether a command, or the jobs that it runs, print errors only.
func isQuiet(cmd *cobra.Command) bool {
	quiet := cmd.Flags().Lookup("quiet")
	if quiet == nil {
		return false
	}
	text := strings.ToLower(os.Getenv(runflags.Environment.Variable(quiet.Name)))
	return slices.Contains([]string{"true", "1"}, text) || quiet.Value.String() == "true"
}

// withoutSettings reports whether a command must work whatever the environment holds: people and
// shells use it to find out what there is.
func withoutSettings(cmd *cobra.Command) bool {
	exploring := []string{
		cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd, "help", "completion",
	}
	return cmd == cmd.Root() || slices.Contains(exploring, cmd.Name())
}

// startLog starts the event log, if the command has one and the environment or the command line
// asks for it. It leaves a wrong format to the flag, which refuses it.
func startLog(t *ui.Terminal, cmd *cobra.Command) {
	flag := cmd.Flags().Lookup(runflags.LogFormatFlag)
	if flag == nil || t.Log == nil {
		return
	}
	t.Log.SetCommand(runflags.CommandName(cmd.CommandPath()))
	for _, format := range []string{os.Getenv(runflags.Environment.Variable(flag.Name)), flag.Value.String()} {
		_ = t.Log.Start(format)
	}
}

// startLogAfterMistake does what startLog does for a command line with a mistake, at which pflag
// stopped: it has pflag read on, and look for the format alone.
func startLogAfterMistake(t *ui.Terminal, cmd *cobra.Command, args []string) {
	startLog(t, cmd)
	if cmd.Flags().Lookup(runflags.LogFormatFlag) == nil || t.Log == nil {
		return
	}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {}
	format := flags.String(runflags.LogFormatFlag, "", "")
	_ = flags.Parse(args) // cobra has said what is wrong
	_ = t.Log.Start(*format)
}

// commands goes through a command and all below it.
func commands(root *cobra.Command) iter.Seq[*cobra.Command] {
	return func(yield func(*cobra.Command) bool) {
		if !yield(root) {
			return
		}
		for _, child := range root.Commands() {
			for cmd := range commands(child) {
				if !yield(cmd) {
					return
				}
			}
		}
	}
}
