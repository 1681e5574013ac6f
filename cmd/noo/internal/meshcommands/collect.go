package meshcommands

// noo mesh collect: a snapshot from the answers of the national check.

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/flagvalue"
	"noo/cmd/noo/internal/outcome"
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
	Connection
	settling
	from                               string
	wait                               flagvalue.Wait
	maxAge                             flagvalue.Age
	partial, allOptedOut, noneOptedOut bool

	overAPI bool // the answers come over the MESH API
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

With --from or --api, collect looks for the answers in the folder of the MESH
client, or in the mailbox. It finds them by their local ids, and takes them away
when the snapshot exists. It leaves other messages alone.

collect finds out by the numbers which answer belongs to which part. It refuses
an answer with a number that was not sent, an error message of the check, a list
that was cut short, and an answer from before the request. The snapshot counts
as made when its oldest answer was, or, if that is not known, when the request
was.`,
		Example: `  noo mesh collect request reply.dat -o optouts.noo --key publisher.key
  noo mesh collect request --from /mesh/data/X26ABC1/in -o optouts.noo \
    --key publisher.key --wait 2h`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("no request: name the folder that noo mesh request made")
			}
			return runflags.AllNamed(args)
		},
		PreRunE: func(_ *cobra.Command, args []string) error { return flags.validate(args[1:]) },
		RunE: func(cmd *cobra.Command, args []string) error {
			return flags.run(cmd.Context(), t, args[0], args[1:])
		},
	}
	flags.Flags.Add(cmd)
	flags.Connection.Add(cmd)
	set := cmd.Flags()
	set.StringVar(&flags.from, "from", "", "take the answers from the folder `DIR` of the MESH client")
	flags.settling.add(set)
	flagvalue.Add(set, &flags.wait, "wait", "wait for the answers at most this long")
	set.Lookup("wait").DefValue = ""
	flagvalue.Add(set, &flags.maxAge, "max-age", "refuse an older answer")
	set.BoolVar(&flags.partial, "partial", false,
		"use the answers that came; the numbers of the other parts count as not looked up")
	set.BoolVar(&flags.allOptedOut, "all-opted-out", false,
		"accept an answer that is empty, or lacks more than 100 numbers in a row")
	set.BoolVar(&flags.noneOptedOut, "none-opted-out", false,
		"accept an answer to more than 600 numbers in which nobody has opted out")
	return cmd
}

func (f *collectFlags) validate(answers []string) error {
	f.overAPI = f.url != "" && f.from == "" && len(answers) == 0
	switch {
	case len(answers) == 0 && f.from == "" && !f.overAPI:
		return outcome.Usage(
			errors.New("no answer: name the file that came back, --from DIR or --api URL"),
		)
	case f.wait > 0 && f.from == "" && !f.overAPI:
		return outcome.Usage(errors.New("--wait goes with --from or --api"))
	}
	return f.Validate()
}

func (f *collectFlags) run(
	ctx context.Context,
	t *ui.Terminal,
	folder string,
	answers []string,
) error {
	var paths iopaths.Paths
	paths.ReadFolders(folder)
	if f.from != "" {
		paths.ReadFolders(f.from)
	}
	paths.Read(answers...)
	f.Flags.Paths(&paths)
	f.Connection.Paths(&paths)
	if err := paths.Check(); err != nil {
		return err
	}
	unlock, err := lockFolder(folder)
	if err != nil {
		return err
	}
	defer unlock()
	out, err := f.Create()
	if err != nil {
		return err
	}
	defer out.Discard()
	exchange, err := mesh.Open(ctx, folder)
	if err != nil {
		return err
	}
	taken, err := f.take(ctx, t, exchange)
	if err != nil {
		return err
	}
	for _, path := range answers {
		if err := exchange.ReadReply(ctx, path); err != nil {
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
	remove(ctx, t, taken)
	return nil
}

// take takes over the messages that answer the request, and waits for them.
func (f *collectFlags) take(
	ctx context.Context,
	t *ui.Terminal,
	exchange *mesh.Exchange,
) ([]*mesh.Incoming, error) {
	in, err := f.inbox(t, exchange)
	if err != nil || in == nil {
		return nil, err
	}
	var taken []*mesh.Incoming
	err = in.await(ctx, time.Duration(f.wait), func(ctx context.Context) (bool, error) {
		taken = taken[:0]
		err := in.each(ctx, func(m *mesh.Incoming) error {
			ours, err := exchange.Take(ctx, m)
			if ours {
				taken = append(taken, m)
			}
			return err
		})
		if err != nil {
			return false, err
		}
		missing, err := exchange.Unanswered()
		return missing == 0, err
	})
	if err != nil {
		return nil, err
	}
	return taken, exchange.ReadStored(ctx)
}

// inbox is where the answers come in, nil where they are named one by one.
func (f *collectFlags) inbox(t *ui.Terminal, exchange *mesh.Exchange) (inbox, error) {
	switch {
	case f.from != "":
		return &folderInbox{
			dir: f.from, timing: f.timing(), terminal: t, warned: map[string]bool{},
		}, nil
	case !f.overAPI:
		return nil, nil
	}
	client, err := f.Client(t)
	if err != nil {
		return nil, err
	}
	return newAPIInbox(client, exchange)
}

// remove takes messages out of the mailbox, now that the snapshot exists. The lists are in the folder
// of the request: a message that stays is harmless, and the next collect takes it away.
func remove(ctx context.Context, t *ui.Terminal, taken []*mesh.Incoming) {
	for _, m := range taken {
		if err := m.Remove(ctx); err != nil {
			t.Warn(ui.Showable(fmt.Sprintf("the snapshot is complete, but %s is still there: %v",
				m.Name, err)))
			return
		}
	}
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
	if checked.Sets.OptedOut.Len() == 0 {
		t.Say("warning: nobody has opted out: make sure that the answer is not the list that was sent")
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
