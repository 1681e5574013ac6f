package main

// Exit codes, and the one line that noo prints when a command fails. Scripts rely on the codes: the
// README lists them.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"noo/cmd/noo/internal/eventlog"
	"noo/cmd/noo/internal/settings"
	"noo/cmd/noo/internal/ui"
	"noo/filter"
	"noo/formats"
	"noo/internal/atomicfile"
	"noo/snapshot"
)

const (
	exitDone        = 0
	exitDisclosure  = 1 // check found a record that must not be disclosed, or a fail policy was met
	exitUsage       = 2
	exitSnapshot    = 3
	exitInput       = 4
	exitIO          = 5
	exitInterrupted = 130
)

// interrupted is the error of a command that ^C or SIGTERM ended.
const interrupted = "interrupted; nothing was written"

// errDisclosure ends a check that found something. By then, check has printed it.
var errDisclosure = errors.New("records that must not be disclosed")

// usageError is a wrong command line.
type usageError struct{ error }

// saidError is an error that was already written, as an event.
type saidError struct{ error }

func (e saidError) Unwrap() error { return e.error }

func (e usageError) Unwrap() error { return e.error }

// noForce is an error of a command without --force.
type noForce struct{ error }

func (e noForce) Unwrap() error { return e.error }

// jobError is an error of a job of several.
type jobError struct {
	job string
	error
}

func (e jobError) Error() string { return "job " + e.job + ": " + e.error.Error() }

func (e jobError) Unwrap() error { return e.error }

// trustError is a trusted key that could not be loaded.
type trustError struct{ error }

func (e trustError) Unwrap() error { return e.error }

// exitCode maps an error to the exit code that the README promises.
func exitCode(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return exitDone
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return exitInterrupted
	case is[*settings.Error](err):
		return exitUsage
	case errors.Is(err, errDisclosure) || is[*filter.PolicyError](err):
		return exitDisclosure
	case errors.Is(err, snapshot.ErrRefused) || is[trustError](err):
		return exitSnapshot
	case is[*formats.InputError](err) || is[*snapshot.ListError](err) ||
		errors.Is(err, snapshot.ErrNobody) || errors.Is(err, snapshot.ErrOutsideChecked):
		return exitInput
	case is[usageError](err) || is[*filter.ColumnError](err) || is[*filter.PreflightError](err) ||
		is[*filter.CompressionError](err) || is[*snapshot.KeyError](err) || isAny(err, wrongUse):
		return exitUsage
	}
	return exitIO
}

// wrongUse are errors about what the command line asks for.
var wrongUse = []error{
	snapshot.ErrNoPassword, atomicfile.ErrSameFile, atomicfile.ErrExists, atomicfile.ErrNotRegular, atomicfile.ErrForeign,
	atomicfile.ErrNotFolder, atomicfile.ErrMountPoint, atomicfile.ErrMounted, atomicfile.ErrNotApart, filter.ErrSameOutput, filter.ErrWorkingFolder, filter.ErrStream, filter.ErrStreamTwice, filter.ErrReservedName,
}

func isAny(err error, known []error) bool {
	return slices.ContainsFunc(known, func(one error) bool { return errors.Is(err, one) })
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// outcomeOf returns the outcome of a run with an exit code, as an event calls it.
func outcomeOf(code int) eventlog.Outcome {
	switch code {
	case exitDone:
		return eventlog.Done
	case exitDisclosure:
		return eventlog.Found
	case exitInterrupted:
		return eventlog.Interrupted
	}
	return eventlog.Failed
}

// message is the line to say about an error: what is wrong and, for a command line, where to look.
func message(ctx context.Context, err error) string {
	switch {
	case err == nil || errors.Is(err, errDisclosure) || is[saidError](err):
		return ""
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		said := errors.New(interrupted)
		if errors.Is(err, filter.ErrPartOnStdout) {
			said = fmt.Errorf("interrupted; no file was written, and %w", filter.ErrPartOnStdout)
		}
		if job, ok := errors.AsType[jobError](err); ok { // those before it stand
			said = jobError{job.job, said}
		}
		return ui.Showable(said.Error())
	}
	text := ui.Showable(strings.TrimSpace(err.Error()))
	switch {
	case errors.Is(err, atomicfile.ErrSomethingElse) || is[noForce](err) && errors.Is(err, atomicfile.ErrExists):
		text += "; name another file"
	case errors.Is(err, atomicfile.ErrExists):
		text += "; name another file, or pass --force"
	case is[usageError](err) && !strings.Contains(text, "--help"):
		text += " (noo --help shows how)"
	}
	return text
}
