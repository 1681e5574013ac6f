// Command noo removes the records of people who opted out from a dataset before it is disclosed. This package has
// flags and printing only: one file a subcommand, the rest in the packages that it calls.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"noo/internal/nhsnumber"
)

// version is set by the Makefile; a plain go build or go install leaves it to the build information.
var version = ""

// grace is how long a command may take to clean up after ^C before the process ends all the same: it may be waiting for
// somebody to type, or for a pipe.
const grace = time.Second

func main() {
	// Writing to a pipe that nobody reads is an error like any other, after which there is something to clean up.
	signal.Ignore(syscall.SIGPIPE)
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as it is under nohup
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, _ := signal.NotifyContext(context.Background(), ends...) // to the end: a signal that comes late changes nothing
	t := terminal{os.Stdin, os.Stdout, os.Stderr, &journal{to: os.Stderr}, new(atomic.Bool)}
	var end sync.Once // whoever comes first ends the process, and alone
	late := context.AfterFunc(ctx, func() {
		time.Sleep(grace)
		if t.settled.Load() {
			return // the command puts its outputs in their places, or takes them away, and ends by itself
		}
		end.Do(func() {
			t.fail(interrupted, exitInterrupted)
			os.Exit(exitInterrupted)
		})
	})
	code := execute(ctx, t, os.Args[1:])
	late()
	end.Do(func() { os.Exit(code) })
}

// terminal is where a command reads and writes.
type terminal struct {
	in       *os.File
	out, err io.Writer
	log      *journal
	// settled tells that the command must come to its end by itself: it makes outputs, or has made them.
	settled *atomic.Bool
}

// settle notes that the command must come to its end by itself.
func (t terminal) settle() { t.settled.Store(true) }

// fail says why a command failed, as a line or, where the journal is on, as an event.
func (t terminal) fail(text string, code int) {
	if t.log.on() {
		t.log.failed(text, code)
		return
	}
	t.say("noo: %s", text)
}

// say writes a line to the person, without the digits of an NHS number that a name in it may have.
func (t terminal) say(format string, args ...any) {
	fmt.Fprintln(t.err, nhsnumber.Mask(fmt.Sprintf(format, args...)))
}

// execute runs one command line and returns its exit code, having said what went wrong.
func execute(ctx context.Context, t terminal, args []string) int {
	root, started := newRoot(t)
	t.log.startFrom(root, args)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && !*started {
		err = usageError{err}
	}
	if text := message(ctx, err); text != "" {
		t.fail(text, exitCode(ctx, err))
	}
	return exitCode(ctx, err)
}

// newRoot builds the tree of commands. started tells afterwards whether a command began to run, or the command line
// was wrong.
func newRoot(t terminal) (root *cobra.Command, started *bool) {
	root, started = newTree(t)
	addSettings(t, root)
	addCompletion(t, root)
	root.SetHelpCommand(newHelp())
	return root, started
}

// newTree builds the tree of the commands that do the work, from which the others are derived.
func newTree(t terminal) (root *cobra.Command, started *bool) {
	started = new(bool)
	root = &cobra.Command{
		Use:   "noo",
		Short: "Remove the records of people who opted out, before a dataset is disclosed",
		Long: `noo removes the whole record of everyone who has opted out (the national data
opt-out) from a dataset before it is disclosed. Who has opted out is in a
snapshot, a file signed by a publisher whose key you trust. Nothing leaves this
machine: there is no service and no network.

Records without a readable NHS number are withheld too, unless you say
otherwise. Either a complete output is written or none. No NHS number is ever
printed.`,
		Example: `  noo demo
  noo filter extract.csv -o clean.csv --snapshot optouts.noo \
    --trusted-key publisher.pub
  noo check clean.csv --snapshot optouts.noo --trusted-key publisher.pub`,
		Version:           buildVersion(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			*started = true
			return settleFromEnvironment(t, cmd)
		},
	}
	root.SetIn(t.in)
	root.SetOut(t.out)
	root.SetErr(t.err)
	root.SetVersionTemplate("noo {{.Version}}\n")
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", ".FlagUsagesWrapped 80"))
	root.AddCommand(
		newFilter(t),
		newCheck(t),
		newColumns(t),
		newSnapshot(t),
		newKey(t),
		newDemo(t),
		newVersion(t),
	)
	group(root)
	return root, started
}

// group makes a command that only has commands below it say so when it gets anything else.
func group(cmd *cobra.Command) {
	cmd.Args = cobra.ArbitraryArgs
	cmd.SuggestionsMinimumDistance = 2 // letters that a mistyped name may be off by
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return noCommand(cmd, args[0])
	}
}

// noCommand is the error for a command that there is not below cmd.
func noCommand(cmd *cobra.Command, name string) error {
	text := "there is no such command"
	if strings.IndexFunc(name, unicode.IsDigit) < 0 { // what has digits may be a number that nobody should see
		text = fmt.Sprintf("there is no command %q", cmd.CommandPath()+" "+name)
	}
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		text += fmt.Sprintf("; did you mean %q?", cmd.CommandPath()+" "+near[0])
	}
	return usageError{errors.New(text)}
}

// newHelp is cobra's command for help, but that what there is not is an error.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Show the help of a command",
		Example: "  noo help filter\n  noo help snapshot build",
		Args:    cobra.ArbitraryArgs,
		ValidArgsFunction: func(help *cobra.Command, args []string, typed string) (found []cobra.Completion, _ cobra.ShellCompDirective) {
			if cmd, rest, err := help.Root().Find(args); err == nil && len(rest) == 0 {
				for _, below := range cmd.Commands() {
					if below.IsAvailableCommand() && strings.HasPrefix(below.Name(), typed) {
						found = append(found, cobra.CompletionWithDesc(below.Name(), below.Short))
					}
				}
			}
			return found, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(help *cobra.Command, args []string) error {
			cmd, rest, err := help.Root().Find(args)
			switch {
			case err != nil:
				return err
			case len(rest) > 0 && cmd.HasSubCommands():
				return noCommand(cmd, rest[0])
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
	}
}

// buildVersion is the version that the binary was built as.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}
