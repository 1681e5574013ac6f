package outcome

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"noo/formats"
	"noo/internal/atomicfile"
	"noo/internal/columns"
	"noo/internal/kind"
	"noo/job"
	"noo/snapshot"
)

// TestExitCode: every package says itself what its errors are about.
func TestExitCode(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want int
	}{
		{"nothing", nil, ExitDone},
		{"a wrong command line", Usage(errors.New("no input")), ExitUsage},
		{"an output that exists", fmt.Errorf("cannot write a: it %w", atomicfile.ErrExists), ExitUsage},
		{"columns", &columns.ChoiceError{Err: columns.ErrNoColumn}, ExitUsage},
		{"columns of numbers", &columns.PreflightError{Err: columns.ErrOptedOutElsewhere}, ExitUsage},
		{"a compression", &job.CompressionError{Err: job.ErrNameLies}, ExitUsage},
		{"a private key", &snapshot.KeyError{Err: snapshot.ErrPassword}, ExitUsage},
		{"a key to be trusted", kind.Wrap(kind.Snapshot, &snapshot.KeyError{Err: snapshot.ErrNotPublicKey}), ExitSnapshot},
		{"a snapshot", &snapshot.Refusal{Reason: snapshot.ErrExpired}, ExitSnapshot},
		{"an input", &formats.InputError{Err: formats.ErrEmpty}, ExitInput},
		{"a list", &snapshot.ListError{Err: snapshot.ErrNumber}, ExitInput},
		{"a fail policy", &job.PolicyError{}, ExitDisclosure},
		{"a check", ErrDisclosure, ExitDisclosure},
		{"of a job", InJob("births", &formats.InputError{Err: formats.ErrEmpty}), ExitInput},
		{"already said", AlreadySaid(&job.PolicyError{}), ExitDisclosure},
		{"the disk", fmt.Errorf("writing a: %w", io.ErrShortWrite), ExitIO},
		{"a bug", job.ErrReadBack, ExitIO},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ExitCode(t.Context(), c.err); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
	ctx, end := context.WithCancel(t.Context())
	end()
	if got := ExitCode(ctx, fmt.Errorf("reading: %w", context.Canceled)); got != ExitInterrupted {
		t.Errorf("interrupted: %d, want %d", got, ExitInterrupted)
	}
}

// TestMessage: one line, with what to do, and without the digits of a number.
func TestMessage(t *testing.T) {
	exists := fmt.Errorf("cannot write 9434765919.csv: it %w", atomicfile.ErrExists)
	ended, end := context.WithCancel(t.Context())
	end()
	for _, c := range []struct {
		name string
		ctx  context.Context
		err  error
		want string
	}{
		{"nothing", t.Context(), nil, ""},
		{"already said", t.Context(), AlreadySaid(exists), ""},
		{"with a hint", t.Context(), exists, "cannot write xxxxxxxxxx.csv: it exists already; name another file, or pass --force"},
		{"without --force", t.Context(), WithoutForce(exists), "cannot write xxxxxxxxxx.csv: it exists already; name another file"},
		{"a wrong command line", t.Context(), Usage(errors.New("no input")), "no input (noo --help shows how)"},
		{"two lines", t.Context(), errors.New("a\nb"), "a b"},
		{"interrupted", ended, context.Canceled, "interrupted; nothing was written"},
		{"a job, interrupted", ended, InJob("x", context.Canceled), "job x: interrupted; nothing was written"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Message(c.ctx, c.err); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
