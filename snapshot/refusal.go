// Why a snapshot was not used: each reason is an error of its own, so that callers can tell them
// apart, and all of them are Refusals, so that a command can map them to one exit code.

package snapshot

import (
	"errors"
	"fmt"

	"noo/internal/kind"
)

// ErrRefused matches, with errors.Is, every Refusal.
var ErrRefused = errors.New("snapshot refused")

// The reasons for a Refusal, to test with errors.Is.
var (
	// ErrMissing is a file that does not exist.
	ErrMissing = errors.New("there is no such file")
	// ErrUnreadable is a file that exists and cannot be read.
	ErrUnreadable = errors.New("it cannot be read")
	// ErrNotSnapshot is a file that was never a snapshot, or one of an unknown format.
	ErrNotSnapshot = errors.New("it is not a snapshot")
	// ErrDamaged is a snapshot that was cut short or altered in its frame.
	ErrDamaged = errors.New("it is damaged or cut short")
	// ErrNoKeys is a machine on which no key is trusted.
	ErrNoKeys = errors.New("no key is trusted")
	// ErrUntrusted is a snapshot signed with a key that is not among the trusted ones.
	ErrUntrusted = errors.New("it is signed with a key that is not trusted")
	// ErrSignature is a snapshot whose bytes are not the ones that were signed.
	ErrSignature = errors.New("its signature does not match its content")
	// ErrMalformed is a snapshot with a good signature whose content breaks the format.
	ErrMalformed = errors.New("it is signed but breaks the format")
	// ErrExpired is a snapshot whose valid_until has passed.
	ErrExpired = errors.New("it has expired")
	// ErrTooOld is a snapshot made longer ago than the policy's MaxAge.
	ErrTooOld = errors.New("it is too old")
	// ErrFuture is a snapshot made more than ten minutes from now: a clock is wrong.
	ErrFuture = errors.New("it was made in the future")
	// ErrSequence is a snapshot whose sequence is below the policy's MinSequence.
	ErrSequence = errors.New("its sequence is too low")
	// ErrRollback is a snapshot whose sequence is below one already used with the same key.
	ErrRollback = errors.New("a newer one was used before")
	// ErrTwice is a snapshot that is combined with another one of its series.
	ErrTwice = errors.New("another of its key is in this run")
)

// Refusal says that a snapshot is not to be used, and why.
type Refusal struct {
	Path   string // of the snapshot, or "" where it came from memory
	Reason error  // one of the reasons above
	Detail string // the particulars, and what to do
}

// Error is one line: what is refused, why, and what to do.
func (r *Refusal) Error() string {
	if r.Path == "" {
		return fmt.Sprintf("%v: %v: %s", ErrRefused, r.Reason, r.Detail)
	}
	return fmt.Sprintf("snapshot %s refused: %v: %s", r.Path, r.Reason, r.Detail)
}

// Kind returns kind.Snapshot.
func (*Refusal) Kind() kind.Kind { return kind.Snapshot }

// Unwrap returns the reason.
func (r *Refusal) Unwrap() error { return r.Reason }

// Is makes every refusal match ErrRefused.
func (r *Refusal) Is(target error) bool { return target == ErrRefused }

func refuse(reason error, format string, args ...any) error {
	return &Refusal{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}
