package runflags

// How flags that are not on the command line get their values, and how the event log starts.

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"noo/cmd/noo/internal/commandtree"
	"noo/cmd/noo/internal/ui"
)

// ResolveFromEnvironment sets the flags of a command that is about to run.
func ResolveFromEnvironment(t *ui.Terminal, cmd *cobra.Command) error {
	if withoutSettings(cmd) {
		return nil
	}
	values, err := Environment.Read(cmd.Flags())
	if err != nil {
		return err
	}
	if _, err := Resolve(cmd.Flags(), values); err != nil {
		return err
	}
	if cmd.Name() == "version" {
		return nil // people run it when something is wrong
	}
	unknown, err := UnknownVariables(cmd.Root())
	if err != nil {
		return err
	}
	if len(unknown) > 0 && !isQuiet(cmd) {
		t.Warn("in the environment, but no setting of noo: " + strings.Join(unknown, ", "))
	}
	return nil
}

// UnknownVariables lists the variables that start as those of noo do and set nothing.
func UnknownVariables(root *cobra.Command) ([]string, error) {
	return Environment.Unknown(func(yield func(*pflag.FlagSet) bool) {
		for cmd := range commandtree.All(root) {
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
	text := strings.ToLower(os.Getenv(Environment.Variable(quiet.Name)))
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

// StartLog starts the event log, if the command has one and the environment or the command line
// asks for it. It leaves a wrong format to the flag, which refuses it.
func StartLog(t *ui.Terminal, cmd *cobra.Command) {
	flag := cmd.Flags().Lookup(LogFormatFlag)
	if flag == nil || t.Log == nil {
		return
	}
	t.Log.SetCommand(CommandName(cmd.CommandPath()))
	for _, format := range []string{os.Getenv(Environment.Variable(flag.Name)), flag.Value.String()} {
		_ = t.Log.Start(format)
	}
}

// StartLogAfterMistake does what StartLog does for a command line with a mistake, at which pflag
// stopped: it has pflag read on, and look for the format alone.
func StartLogAfterMistake(t *ui.Terminal, cmd *cobra.Command, args []string) {
	StartLog(t, cmd)
	if cmd.Flags().Lookup(LogFormatFlag) == nil || t.Log == nil {
		return
	}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {}
	format := flags.String(LogFormatFlag, "", "")
	_ = flags.Parse(args) // cobra has said what is wrong
	_ = t.Log.Start(*format)
}
