package meshcommands

// One round of noo mesh filter: what has arrived goes to its jobs. Each job with messages makes one
// run, with its lock, its log and its metrics.

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"noo/cmd/noo/internal/eventlog"
	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/ui"
	"noo/internal/kind"
	"noo/internal/steadyfile"
	"noo/job"
	"noo/mesh/control"
	"noo/mesh/relay"
	"noo/snapshot"
)

// retryAfter is how long a message waits that could not be read or written. Until then it is often
// the same that is wrong.
const retryAfter = time.Minute

const commandName = "mesh filter"

// watch works on a folder, round after round.
type watch struct {
	t     *ui.Terminal
	relay *relay.Relay
	jobs  []*filterJob
	once  bool

	said    map[string]string    // the last warning about a message, a job or a folder
	retry   map[string]time.Time // when to try messages again
	waiting int                  // messages that were not complete in the last round
	failure failure
}

// failure is the first of the messages that failed.
type failure struct {
	first         error
	count, worked int // messages that failed, and that were worked on
}

// Error says how many failed, if more than one was worked on, and what the first says.
func (f *failure) Error() string {
	if f.count == 1 {
		return f.first.Error()
	}
	return fmt.Sprintf("%d of %d messages failed; the first: %v", f.count, f.worked, f.first)
}

// Unwrap returns the first.
func (f *failure) Unwrap() error { return f.first }

// failed returns the error for the messages that failed, or nil.
func (w *watch) failed() error {
	if w.failure.count == 0 {
		return nil
	}
	w.t.Log.LeaveJob()
	return &w.failure
}

// errMoved is an error of a message that is in the folder for errors now.
type errMoved struct {
	err   error
	place string
}

func (e *errMoved) Error() string { return fmt.Sprintf("%v; moved to %s", e.err, e.place) }

func (e *errMoved) Unwrap() error { return e.err }

// round does what has arrived. An error is that of the folder, or the cause for which ctx ended;
// messages that fail are noted.
func (w *watch) round(ctx context.Context) error {
	defer w.t.Log.LeaveJob()
	arrivals, err := w.relay.Look(ctx)
	if err != nil {
		return err
	}
	w.waiting = len(arrivals.Waiting)
	for _, h := range arrivals.Handled {
		w.handled(ctx, h)
	}
	for _, h := range arrivals.Stuck {
		w.fail(ctx, h.Name, h.Err)
	}
	byJob := map[*filterJob][]relay.Dataset{}
	for _, d := range arrivals.Datasets {
		j := w.jobFor(d.Control)
		switch {
		case j == nil:
			w.refuse(ctx, d, errNoJob(d))
		case time.Now().Before(w.retry[d.Name]):
		default:
			byJob[j] = append(byJob[j], d)
		}
	}
	for _, j := range w.jobs {
		// With --once, jobs with nothing to do run too: monitoring sees that all is well.
		if !w.once && (len(byJob[j]) == 0 || w.refused(ctx, j) != nil) {
			continue
		}
		w.runJob(ctx, j, byJob[j])
		if err := context.Cause(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (w *watch) jobFor(c *control.Control) *filterJob {
	for _, j := range w.jobs {
		if j.takes(c.WorkflowID) {
			return j
		}
	}
	return nil
}

// errNoJob says that no job is for a message. A workflow id that cannot be one is not shown.
func errNoJob(d relay.Dataset) error {
	shown := ""
	if control.IsWorkflow(d.Control.WorkflowID) {
		shown = " " + d.Control.WorkflowID
	}
	return kind.Wrap(kind.Input, fmt.Errorf("%s: no job has its workflow%s", d.Name, shown))
}

// refused returns why the snapshot of a job is refused, or nil. The first time it makes a run that
// fails, so that the log and the metrics say so.
func (w *watch) refused(ctx context.Context, j *filterJob) error {
	about := "job " + j.name
	_, err := j.Accept(ctx, w.t)
	if err == nil {
		delete(w.said, about)
		return nil
	}
	if !w.fresh(about, err) {
		return err
	}
	w.start(ctx, j)
	defer w.t.SetFinishing(false)
	nothing := func(context.Context, *snapshot.Together, *job.Report) error { return nil }
	if err = j.Do(w.t, j.cmd, &j.Data, runflags.Files{}, nothing); err == nil {
		return nil // it was replaced in the meantime
	}
	err = outcome.InJob(j.name, err)
	if !w.once && !w.t.Log.On() {
		w.t.Warn(outcome.Message(ctx, err))
	}
	return err
}

// handled tells of a message that needs nothing more.
func (w *watch) handled(ctx context.Context, h relay.Handled) {
	switch {
	case h.Err != nil:
		w.fail(ctx, h.Name, &errMoved{h.Err, h.Place})
	case h.Repeated:
		w.note("%s: was filtered and sent before: removed", ui.Showable(h.Name))
	default:
		w.note("%s: a report, moved to %s", ui.Showable(h.Name), ui.Showable(h.Place))
	}
}

// note says a line, or writes an event, unless nothing but errors is to be said.
func (w *watch) note(format string, args ...any) {
	switch {
	case w.quiet():
	case w.t.Log.On():
		w.t.Log.Note(fmt.Sprintf(format, args...))
	default:
		w.t.Say(format, args...)
	}
}

// refuse moves a message into the folder for errors.
func (w *watch) refuse(ctx context.Context, d relay.Dataset, err error) {
	text := outcome.Message(ctx, outcome.WithoutForce(err))
	reason := kind.Wrap(kind.Of(err), errors.New(text))
	h, stuck := w.relay.Refuse(d, reason)
	if stuck != nil {
		w.fail(ctx, d.Name, stuck)
		return
	}
	w.fail(ctx, d.Name, &errMoved{reason, h.Place})
}

// count notes a failure.
func (w *watch) count(err error) {
	w.failure.worked++
	w.failure.count++
	if w.failure.first == nil {
		w.failure.first = err
	}
}

// fail notes that a message failed, and says so: with --once at the end, and only about the first,
// else now. An error that comes again in each round is said once.
func (w *watch) fail(ctx context.Context, name string, err error) {
	w.count(err)
	if _, moved := errors.AsType[*errMoved](err); !moved && !w.fresh(name, err) {
		return
	}
	text := outcome.Message(ctx, err)
	switch {
	case w.t.Log.On():
		file := &job.FileReport{Input: job.InputReport{Name: ui.Showable(name)}}
		w.t.Log.File(commandName, file, eventlog.End{
			Outcome: eventlog.Failed, ExitCode: outcome.ExitCode(ctx, err), Error: text,
		})
	case !w.once:
		w.t.Warn(text)
	}
}

// fresh reports whether an error is another than the last about the same thing.
func (w *watch) fresh(about string, err error) bool {
	before, known := w.said[about]
	w.said[about] = err.Error()
	return !known || before != err.Error()
}

// warn says what is wrong, unless it was said in the round before.
func (w *watch) warn(ctx context.Context, about string, err error) {
	if w.fresh(about, err) {
		w.t.Warn(outcome.Message(ctx, err))
	}
}

// runJob filters the messages of a job, in one run.
func (w *watch) runJob(ctx context.Context, j *filterJob, datasets []relay.Dataset) {
	w.start(ctx, j)
	defer w.t.SetFinishing(false)
	var read []string
	for _, d := range datasets {
		read = append(read, filepath.Join(w.relay.In, d.Data))
	}
	began := false
	err := j.Do(w.t, j.cmd, &j.Data, runflags.Files{Read: read},
		func(ctx context.Context, s *snapshot.Together, said *job.Report) error {
			began = true
			return w.filterAll(ctx, j, s, datasets, said)
		})
	if err == nil || began || ctx.Err() != nil {
		return
	}
	for _, d := range datasets {
		w.retry[d.Name] = time.Now().Add(retryAfter)
	}
	err = outcome.InJob(j.name, err)
	w.count(err)
	if !w.once && !w.t.Log.On() {
		w.warn(ctx, "job "+j.name, err)
	}
}

// start makes what is logged from here on that of a job.
func (w *watch) start(ctx context.Context, j *filterJob) {
	w.t.Log.SetJob(j.name, commandName)
	runflags.StartLog(w.t, j.cmd)
	j.cmd.SetContext(ctx)
}

// filterAll filters messages, and adds those that were sent to the report. It returns the first
// error.
func (w *watch) filterAll(
	ctx context.Context,
	j *filterJob,
	s *snapshot.Together,
	datasets []relay.Dataset,
	said *job.Report,
) (first error) {
	for _, d := range datasets {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		err := w.filterOne(ctx, j, s, d, said)
		if first == nil {
			first = err
		}
	}
	return first
}

// filterOne filters a message.
func (w *watch) filterOne(
	ctx context.Context,
	j *filterJob,
	s *snapshot.Together,
	d relay.Dataset,
	said *job.Report,
) error {
	envelope := j.envelope
	if envelope.From == "" {
		envelope.From = d.Control.To
	}
	if envelope.WorkflowID == "" {
		envelope.WorkflowID = d.Control.WorkflowID
	}
	var file *job.FileReport
	handled, err := w.relay.Deliver(ctx, d, envelope,
		func(ctx context.Context, input, output string) (string, error) {
			run := j.Prepare(w.t, j.cmd, s, input)
			run.Protected = append(run.Protected, j.Own()...)
			run.Output, run.Replace, run.AnyName, run.Digests = output, true, true, true
			run.Compress, run.OnFirstWrite = j.compress, w.t.Finish
			done, err := run.Do(ctx)
			if err != nil {
				return "", err
			}
			file = &done.Files[0]
			return file.Input.SHA256, nil
		})
	w.t.SetFinishing(false)
	switch {
	case handled.Place != "" && handled.Err == nil:
		file.Output.Name = filepath.Base(handled.Place)
		said.Append(file)
		w.tell(j, file)
	case err == nil: // it arrived twice
		w.handled(ctx, handled)
		return handled.Err
	}
	return w.after(ctx, d, err)
}

// after decides what becomes of a message after an error, and returns the error if it counts.
func (w *watch) after(ctx context.Context, d relay.Dataset, err error) error {
	switch {
	case err == nil:
		w.failure.worked++
		delete(w.said, d.Name)
		delete(w.retry, d.Name)
		return nil
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return err
	case errors.Is(err, relay.ErrChanged), errors.Is(err, steadyfile.ErrChanged):
		w.waiting++
		return nil
	case kind.Of(err) == kind.IO, kind.Of(err) == kind.Snapshot:
		w.retry[d.Name] = time.Now().Add(retryAfter)
		w.fail(ctx, d.Name, err)
		return err
	}
	w.refuse(ctx, d, err)
	return err
}

// tell says that a message was filtered and sent.
func (w *watch) tell(j *filterJob, file *job.FileReport) {
	if w.t.Log.On() {
		w.t.Log.File(commandName, file, eventlog.End{Outcome: eventlog.Done})
		return
	}
	if !j.Quiet {
		w.t.Say("%s -> %s: %s read, %s written", ui.Showable(file.Input.Name), file.Output.Name,
			ui.Records(file.Records.Read), ui.Grouped(file.Records.Written))
	}
}
