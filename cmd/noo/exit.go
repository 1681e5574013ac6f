package main

// Exit codes, and the one line that is said when a command fails. Scripts rely on the codes: the README lists them.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"noo/batch"
	"noo/formats"
	"noo/internal/atomicdir"
	"noo/internal/atomicfile"
	"noo/internal/columns"
	"noo/internal/inputs"
	"noo/internal/iopaths"
	"noo/internal/nhsnumber"
	"noo/job"
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

// interrupted is what is said of a command that ^C or SIGTERM ended.
const interrupted = "interrupted; nothing was written"

// errDisclosure ends a check that found something. The finding has been printed by then.
var errDisclosure = errors.New("records that must not be disclosed")

// usageError is a wrong command line.
type usageError struct{ error }

// saidError is an error that was said already, as an event of the journal.
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
	case is[settingError](err):
		return exitUsage
	case errors.Is(err, errDisclosure) || is[*job.PolicyError](err):
		return exitDisclosure
	case errors.Is(err, snapshot.ErrRefused) || is[trustError](err):
		return exitSnapshot
	case is[*formats.InputError](err) || is[*snapshot.ListError](err) ||
		errors.Is(err, snapshot.ErrNobody) || errors.Is(err, snapshot.ErrOutsideChecked):
		return exitInput
	case is[usageError](err) || is[*columns.ChoiceError](err) || is[*columns.PreflightError](err) ||
		is[*job.CompressionError](err) || is[*snapshot.KeyError](err) || isAny(err, wrongUse):
		return exitUsage
	}
	return exitIO
}

// wrongUse are errors about what the command line asks for.
var wrongUse = []error{
	snapshot.ErrNoPassword, iopaths.ErrSameFile, atomicfile.ErrExists, atomicfile.ErrNotRegular, atomicdir.ErrForeign,
	atomicdir.ErrNotFolder, atomicdir.ErrMountPoint, atomicfile.ErrMounted, iopaths.ErrNotApart, batch.ErrSameOutput, iopaths.ErrWorkingFolder, batch.ErrStream, inputs.ErrStreamTwice, batch.ErrReservedName,
}

func isAny(err error, known []error) bool {
	return slices.ContainsFunc(known, func(one error) bool { return errors.Is(err, one) })
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// message is the line to say about an error: what is wrong and, for a command line, where to look.
func message(ctx context.Context, err error) string {
	switch {
	case err == nil || errors.Is(err, errDisclosure) || is[saidError](err):
		return ""
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		said := errors.New(interrupted)
		if errors.Is(err, job.ErrPartOnStdout) {
			said = fmt.Errorf("interrupted; no file was written, and %w", job.ErrPartOnStdout)
		}
		if job, ok := errors.AsType[jobError](err); ok { // those before it stand
			said = jobError{job.job, said}
		}
		return showable(said.Error())
	}
	text := showable(strings.TrimSpace(err.Error()))
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

// showable makes a text fit for a terminal, a log or a report, whatever somebody called a file: on one line, without
// control characters, and without the digits of an NHS number.
func showable(text string) string {
	return nhsnumber.Mask(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?")))
}
