package meshcommands

// noo mesh filter: filter the datasets that arrive in the folder of a MESH client.

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/eventlog"
	"noo/cmd/noo/internal/flagvalue"
	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/ui"
	"noo/internal/iopaths"
	"noo/mesh/relay"
)

// filterFlags are the flags of noo mesh filter itself. The others are those of its jobs.
type filterFlags struct {
	in, out, errors, reports, jobs string
	once                           bool
	every                          flagvalue.Wait
	settling
}

func newFilter(t *ui.Terminal) *cobra.Command {
	var flags filterFlags
	cmd := &cobra.Command{
		Use:   "filter --in DIR --out DIR --jobs FILE",
		Short: "Filter the datasets that arrive in the folder of a MESH client",
		Long: `mesh filter takes datasets from one folder of a MESH client, filters them, and
puts the results into another. Each message is a pair: the data NAME.dat, and
NAME.ctl, which says what it is. The workflow id of a message names the job.
Jobs are in a file like that of noo run:

  defaults:                  # for every job
    snapshot: optouts.noo
    trusted-key: publisher.pub
  jobs:
    births:
      workflow: BIRTHS_RAW   # of the messages to filter; or a list
      send-to: X26ABC2       # the mailbox that gets the results
      column: [mother_nhs, baby_nhs]

The other keys of a job are flags of this command, without those for folders.
Paths are relative to the folder of the file. Precedence: command line, then
environment, then file. A workflow is never in the environment.

Each message is filtered once and sent once, even if noo is killed or MESH
delivers the message twice. The new control file is written last. Then noo
removes the message that arrived. A message waits until both of its files are
complete. A message that noo refuses goes into a folder of its own below the
folder for errors, with a reason. Reports go into the folder for reports. The
answers of the national check (SPINE_NTT_UPHOLDING) stay. If the snapshot is
refused, all messages stay.

noo opens the snapshot anew for each round. It looks into the folder until you
end it. With --once it does what is complete, and ends. The exit code is 0, or
that of the first message that failed. Only one noo works in a folder.`,
		Example: `  noo mesh filter --in mesh/IN --out mesh/OUT --jobs mesh.yaml
  noo mesh filter --in mesh/IN --out mesh/OUT --jobs mesh.yaml --once \
    --errors mesh/refused`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return errors.New("it takes no input: name the folder with --in DIR")
			}
			return nil
		},
		PreRunE: func(*cobra.Command, []string) error { return flags.ready() },
		RunE:    func(cmd *cobra.Command, _ []string) error { return flags.run(t, cmd) },
	}
	flags.add(cmd)
	forwardJobFlags(cmd)
	return cmd
}

func (f *filterFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.every = flagvalue.Wait(5 * time.Second)
	flags.StringVar(&f.in, "in", "", "take messages from `DIR`, the folder for messages that arrive")
	flags.StringVar(&f.out, "out", "", "put messages into `DIR`, the folder for messages to send")
	flags.StringVar(&f.jobs, "jobs", "", "read the jobs from `FILE`")
	flags.StringVar(&f.errors, "errors", "",
		"move messages that are refused into `DIR`; without it, into the folder errors of --in")
	flags.StringVar(&f.reports, "reports", "",
		"move reports into `DIR`; without it, into the folder reports of --in")
	flags.BoolVar(&f.once, "once", false, "do what is complete, and end")
	flagvalue.Add(flags, &f.every, "every", "look into the folder this often")
	f.settling.add(flags)
}

// ready refuses flags with which nothing can start.
func (f *filterFlags) ready() error {
	for _, needed := range []struct{ flag, value string }{
		{"--in DIR", f.in}, {"--out DIR", f.out}, {"--jobs FILE", f.jobs},
	} {
		if needed.value == "" {
			return outcome.Usage(fmt.Errorf("%s is missing", needed.flag))
		}
	}
	if f.errors == "" {
		f.errors = filepath.Join(f.in, "errors")
	}
	if f.reports == "" {
		f.reports = filepath.Join(f.in, "reports")
	}
	folders := []string{f.in, f.out, f.errors, f.reports}
	for i, folder := range folders {
		for _, other := range folders[:i] {
			if iopaths.PlaceOf(folder).Same(iopaths.PlaceOf(other)) {
				return outcome.Usage(fmt.Errorf("%s is named twice: name another folder", folder))
			}
		}
	}
	return nil
}

// run works on the folder.
func (f *filterFlags) run(t *ui.Terminal, cmd *cobra.Command) error {
	ctx := cmd.Context()
	jobs, err := openJobs(t, cmd, f.jobs)
	if err != nil {
		return err
	}
	r, err := relay.Open(ctx, relay.Folders{
		In: f.in, Out: f.out, Errors: f.errors, Reports: f.reports,
	}, f.timing())
	if err != nil {
		return err
	}
	defer r.Close()
	w := &watch{
		t: t, relay: r, jobs: jobs, once: f.once,
		said: map[string]string{}, retry: map[string]time.Time{},
	}
	if f.once {
		return w.single(ctx)
	}
	return w.forever(ctx, time.Duration(f.every))
}

// single does what is complete.
func (w *watch) single(ctx context.Context) error {
	for _, j := range w.jobs {
		if err := w.refused(ctx, j); err != nil {
			return err
		}
	}
	if err := w.round(ctx); err != nil {
		return w.ended(ctx, err)
	}
	if w.waiting > 0 && w.failure.count == 0 {
		w.note("%s not complete yet, or changed: left in %s",
			ui.Counted(int64(w.waiting), "message is", "messages are"), ui.Showable(w.relay.In))
	}
	return w.failed()
}

// forever looks into the folder until ctx ends.
func (w *watch) forever(ctx context.Context, every time.Duration) error {
	for _, j := range w.jobs {
		_ = w.refused(ctx, j) // it may be replaced while noo waits for messages
	}
	w.note("looking into %s every %v", ui.Showable(w.relay.In), every)
	for {
		err := w.round(ctx)
		if ctx.Err() != nil {
			return w.ended(ctx, context.Cause(ctx))
		}
		if err != nil {
			w.warn(ctx, w.relay.In, err)
		} else {
			delete(w.said, w.relay.In)
		}
		select {
		case <-ctx.Done():
			return w.ended(ctx, context.Cause(ctx))
		case <-time.After(every):
		}
	}
}

// ended says that noo was interrupted. What it wrote before is complete, unlike what outcome would
// say.
func (w *watch) ended(ctx context.Context, err error) error {
	if ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
		return err
	}
	w.t.Log.LeaveJob()
	w.t.Fail(eventlog.End{
		Outcome: eventlog.Interrupted, ExitCode: outcome.ExitInterrupted,
		Error: fmt.Sprintf("interrupted; messages that were not filtered are in %s",
			ui.Showable(w.relay.In)),
	})
	return outcome.AlreadySaid(err)
}

// quiet reports whether every job prints errors only.
func (w *watch) quiet() bool {
	for _, j := range w.jobs {
		if !j.Quiet {
			return false
		}
	}
	return true
}
