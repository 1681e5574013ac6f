// Package outcome says how a command ended: its exit code, and the one line that noo prints when it
// fails. Scripts rely on the codes: docs/exit-codes.md lists them.
package outcome

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"noo/cmd/noo/internal/eventlog"
	"noo/cmd/noo/internal/hints"
	"noo/cmd/noo/internal/ui"
	"noo/internal/atomicfile"
	"noo/internal/kind"
	"noo/job"
)

// The exit codes.
const (
	ExitDone        = 0
	ExitDisclosure  = 1 // check found a record that must not be disclosed, or a fail policy was met
	ExitUsage       = 2
	ExitSnapshot    = 3
	ExitInput       = 4
	ExitIO          = 5
	ExitInterrupted = 130
)

// Interrupted is the error of a command that ^C or SIGTERM ended.
const Interrupted = "interrupted; nothing was written"

// ErrDisclosure ends a check that found something. By then, check has printed it.
var ErrDisclosure = kind.New(kind.Disclosure, "records that must not be disclosed")

// usageError is a wrong command line.
type usageError struct{ err error }

// Usage returns err as that of a wrong command line.
func Usage(err error) error { return &usageError{err} }

func (e *usageError) Error() string { return e.err.Error() }

func (e *usageError) Unwrap() error { return e.err }

// Kind returns kind.Usage.
func (*usageError) Kind() kind.Kind { return kind.Usage }

// saidError is an error that was already written, as an event.
type saidError struct{ err error }

// AlreadySaid returns err as one that message has nothing to say about.
func AlreadySaid(err error) error { return &saidError{err} }

func (e *saidError) Error() string { return e.err.Error() }

func (e *saidError) Unwrap() error { return e.err }

// noForce is an error of a command without --force.
type noForce struct{ err error }

// WithoutForce returns err as that of a command that has no flag --force.
func WithoutForce(err error) error { return &noForce{err} }

func (e *noForce) Error() string { return e.err.Error() }

func (e *noForce) Unwrap() error { return e.err }

// jobError is an error of a job of several.
type jobError struct {
	job string
	err error
}

// InJob returns err as that of a job.
func InJob(job string, err error) error { return &jobError{job, err} }

func (e *jobError) Error() string { return "job " + e.job + ": " + e.err.Error() }

func (e *jobError) Unwrap() error { return e.err }

// codes are what the exit code says of each kind of error. docs/exit-codes.md promises them.
var codes = map[kind.Kind]int{
	kind.IO: ExitIO, kind.Usage: ExitUsage, kind.Snapshot: ExitSnapshot, kind.Input: ExitInput, kind.Disclosure: ExitDisclosure,
}

// ExitCode returns the exit code for an error, which says itself of which kind it is.
func ExitCode(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return ExitDone
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return ExitInterrupted
	}
	return codes[kind.Of(err)]
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// Of returns the outcome of a run with an exit code, as an event calls it.
func Of(code int) eventlog.Outcome {
	switch code {
	case ExitDone:
		return eventlog.Done
	case ExitDisclosure:
		return eventlog.Found
	case ExitInterrupted:
		return eventlog.Interrupted
	}
	return eventlog.Failed
}

// Message is the line to say about an error: what is wrong and, for a command line, where to look.
func Message(ctx context.Context, err error) string {
	switch {
	case err == nil || errors.Is(err, ErrDisclosure) || is[*saidError](err):
		return ""
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		said := errors.New(Interrupted)
		if errors.Is(err, job.ErrPartOnStdout) {
			said = fmt.Errorf("interrupted; no file was written, and %w", job.ErrPartOnStdout)
		}
		if failed, ok := errors.AsType[*jobError](err); ok { // the jobs before it are done
			said = InJob(failed.job, said)
		}
		return ui.Showable(said.Error())
	}
	text := strings.TrimSpace(err.Error())
	if is[*noForce](err) && errors.Is(err, atomicfile.ErrExists) {
		return ui.Showable(text + "; name another file")
	}
	text = ui.Showable(hints.Add(err, text))
	if is[*usageError](err) && !strings.Contains(text, "--help") {
		text += " (noo --help shows how)"
	}
	return text
}
