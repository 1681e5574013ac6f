// Command noo removes the records of people who opted out from a dataset before it is disclosed.
// This package has flags and printing only, one file a command. The rest is in the packages that it
// calls.
package main

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/buildinfo"
	"noo/cmd/noo/internal/commandtree"
	"noo/cmd/noo/internal/eventlog"
	"noo/cmd/noo/internal/fhircommands"
	"noo/cmd/noo/internal/meshcommands"
	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/snapshotcommands"
	"noo/cmd/noo/internal/ui"
	"noo/cmd/noo/internal/verdictscommand"
)

// grace is how long a command may clean up after ^C before the process ends all the same: it may
// wait for somebody to type, or for a pipe.
const grace = time.Second

func main() {
	// To write to a pipe that nobody reads is an error like any other: noo cleans up after it.
	signal.Ignore(syscall.SIGPIPE)
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup ignores it
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, _ := signal.NotifyContext(context.Background(), ends...) // until the process ends
	log := eventlog.New(os.Stderr, buildinfo.Version())
	t := &ui.Terminal{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Log: log}
	var end sync.Once // the first to come ends the process, and no other
	late := context.AfterFunc(ctx, func() {
		time.Sleep(grace)
		if t.Finishing() {
			return // the command puts its outputs in place, or deletes them, and ends by itself
		}
		end.Do(func() {
			t.Fail(eventlog.End{
				Outcome: eventlog.Interrupted, ExitCode: outcome.ExitInterrupted, Error: outcome.Interrupted,
			})
			os.Exit(outcome.ExitInterrupted)
		})
	})
	code := execute(ctx, t, os.Args[1:])
	late()
	end.Do(func() { os.Exit(code) })
}

// execute runs one command line and returns its exit code. It prints what went wrong.
func execute(ctx context.Context, t *ui.Terminal, args []string) int {
	root, started := newRoot(t)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !*started {
		runflags.StartLogAfterMistake(t, cmd, args)
		err = outcome.Usage(err)
	}
	code := outcome.ExitCode(ctx, err)
	if text := outcome.Message(ctx, err); text != "" {
		t.Fail(eventlog.End{Outcome: outcome.Of(code), ExitCode: code, Error: text})
	}
	return code
}

// newRoot builds the tree of commands. Afterwards, started says whether a command began to run. If
// not, the command line was wrong.
func newRoot(t *ui.Terminal) (root *cobra.Command, started *bool) {
	root, started = newTree(t)
	addSettings(t, root)
	addCompletion(t, root)
	root.SetHelpCommand(commandtree.NewHelp())
	return root, started
}

// newTree builds the tree of the commands that do the work, from which the others are derived.
func newTree(t *ui.Terminal) (root *cobra.Command, started *bool) {
	started = new(bool)
	root = &cobra.Command{
		Use:   "noo",
		Short: "Remove the records of people who opted out, before a dataset is disclosed",
		Long: `noo removes the whole record of everyone who has opted out (the national data
opt-out) from a dataset before it is disclosed. A snapshot says who has opted
out: a file signed by a publisher whose key you trust. Nothing leaves this
machine: only noo mesh and noo fhir download connect to a server, the one that
you name.

noo also withholds records without a readable NHS number, unless you say
otherwise. It writes a complete output or none. It never prints an NHS number.`,
		Example: `  noo demo
  noo filter extract.csv -o clean.csv --snapshot optouts.noo \
    --trusted-key publisher.pub
  noo check clean.csv --snapshot optouts.noo --trusted-key publisher.pub`,
		Version:           buildinfo.Version(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			*started = true
			runflags.StartLog(t, cmd)
			return runflags.ResolveFromEnvironment(t, cmd)
		},
	}
	root.SetIn(t.In)
	root.SetOut(t.Out)
	root.SetErr(t.Err)
	root.SetVersionTemplate("noo {{.Version}}\n")
	root.SetUsageTemplate(
		strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", ".FlagUsagesWrapped 80"),
	)
	root.AddCommand(
		newFilter(t),
		newCheck(t),
		newColumns(t),
		verdictscommand.New(t),
		snapshotcommands.New(t),
		meshcommands.New(t),
		fhircommands.New(t),
		newKey(t),
		newDemo(t),
		newVersion(t),
	)
	commandtree.Group(root)
	return root, started
}
