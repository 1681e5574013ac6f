package meshcommands

// noo mesh collect: a snapshot from the answers of the national check.

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/flagvalue"
	"noo/cmd/noo/internal/publishing"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/ui"
	"noo/internal/iopaths"
	"noo/mesh"
	"noo/snapshot"
)

// collectFlags say where the answers are and which are good enough.
type collectFlags struct {
	publishing.Flags
	maxAge                             flagvalue.Age
	partial, allOptedOut, noneOptedOut bool
}

func newCollect(t *ui.Terminal) *cobra.Command {
	flags := collectFlags{maxAge: flagvalue.Age(snapshot.DefaultMaxAge)}
	cmd := &cobra.Command{
		Use:   "collect FOLDER ANSWER... -o OUT.noo --key NAME.key",
		Short: "Make a signed snapshot from the answers of the national check",
		Long: `collect reads a request that noo mesh request made, and the answers to it: the
lists that came back, one for each .dat file that was sent. Whoever was sent and
did not come back has opted out. The snapshot has the scope checked: it says
nothing about numbers that were not sent, and noo filter withholds their
records.

collect finds out by the numbers which answer belongs to which part. It refuses
an answer with a number that was not sent, an error message of the check, a list
that was cut short, and an answer from before the request. The snapshot counts
as made when the request was: the answers do not say when they were made.`,
		Example: `  noo mesh collect request reply.dat -o optouts.noo --key publisher.key`,
		Args: func(_ *cobra.Command, args []string) error {
			switch len(args) {
			case 0:
				return errors.New("no request: name the folder that noo mesh request made")
			case 1:
				return errors.New("no answer: name the file that came back")
			}
			return runflags.AllNamed(args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return flags.run(cmd.Context(), t, args[0], args[1:])
		},
	}
	flags.Add(cmd)
	set := cmd.Flags()
	flagvalue.Add(set, &flags.maxAge, "max-age", "refuse an older answer")
	set.BoolVar(&flags.partial, "partial", false,
		"use the answers that came; the numbers of the other parts count as not looked up")
	set.BoolVar(&flags.allOptedOut, "all-opted-out", false,
		"accept an answer that is empty, or lacks more than 100 numbers in a row")
	set.BoolVar(&flags.noneOptedOut, "none-opted-out", false,
		"accept an answer to more than 600 numbers in which nobody has opted out")
	return cmd
}

func (f *collectFlags) run(
	ctx context.Context,
	t *ui.Terminal,
	folder string,
	answers []string,
) error {
	if err := f.Validate(); err != nil {
		return err
	}
	var paths iopaths.Paths
	paths.ReadFolders(folder)
	paths.Read(answers...)
	f.Paths(&paths)
	if err := paths.Check(); err != nil {
		return err
	}
	out, err := f.Create()
	if err != nil {
		return err
	}
	defer out.Discard()
	exchange, err := mesh.Open(ctx, folder)
	if err != nil {
		return err
	}
	for _, path := range answers {
		if err := exchange.ReadFile(ctx, &mesh.Answer{Name: path}, path); err != nil {
			return err
		}
	}
	checked, err := exchange.Collect(ctx, mesh.Rules{
		Now:          time.Now(),
		MaxAge:       time.Duration(f.maxAge),
		Partial:      f.partial,
		AllOptedOut:  f.allOptedOut,
		NoneOptedOut: f.noneOptedOut,
	})
	if err != nil {
		return err
	}
	m, err := f.Publish(ctx, t, out, publishing.Snapshot{
		Scope: snapshot.Checked, Sets: checked.Sets, Created: checked.Created,
	})
	if err != nil {
		return err
	}
	f.say(t, exchange, checked, m)
	return nil
}

// say tells the person what is in the snapshot.
func (f *collectFlags) say(
	t *ui.Terminal,
	exchange *mesh.Exchange,
	checked *mesh.Checked,
	m snapshot.Manifest,
) {
	if missing := len(exchange.Parts) - checked.Answered; missing > 0 {
		t.Say("warning: %s not answered: noo filter will withhold the records of their numbers",
			ui.Counted(int64(missing), "part is", "parts are"))
	}
	t.Say(
		"%s: %s of %s opted out, sequence %d, valid until %s",
		f.Output,
		ui.Grouped(int64(checked.Sets.OptedOut.Len())),
		ui.Counted(int64(checked.Sets.Checked.Len()), "number", "numbers"),
		m.Sequence,
		m.ValidUntil.Format("2 Jan 2006 15:04 UTC"),
	)
}
