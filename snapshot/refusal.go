// Why a snapshot was not used: each reason is an error of its own, so that callers can tell them
// apart, and all of them are Refusals, so that a command can map them to one exit code.

package snapshot

import (
	"errors"

	"noo/snapshot/internal/frame"
)

// Refusal says that a snapshot, or a delta of one, is not to be used, and why.
type Refusal = frame.Refusal

// ErrRefused matches, with errors.Is, every Refusal.
var ErrRefused = frame.ErrRefused

// The reasons for a Refusal, to test with errors.Is.
var (
	// ErrMissing is a file that does not exist.
	ErrMissing = frame.ErrMissing
	// ErrUnreadable is a file that exists and cannot be read.
	ErrUnreadable = frame.ErrUnreadable
	// ErrNotSnapshot is a file that was never a snapshot, or one of an unknown format.
	ErrNotSnapshot = errors.New("it is not a snapshot")
	// ErrDamaged is a snapshot that was cut short or altered in its frame.
	ErrDamaged = frame.ErrDamaged
	// ErrNoKeys is a machine on which no key is trusted.
	ErrNoKeys = errors.New("no key is trusted")
	// ErrUntrusted is a snapshot signed with a key that is not among the trusted ones.
	ErrUntrusted = frame.ErrUntrusted
	// ErrSignature is a snapshot whose bytes are not the ones that were signed.
	ErrSignature = frame.ErrSignature
	// ErrMalformed is a snapshot with a good signature whose content breaks the format.
	ErrMalformed = frame.ErrMalformed
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

// form is how a snapshot begins, is signed and ends.
var form = frame.Form{
	Name: "snapshot", Suffix: ".noo",
	Start: "NOOSNAP1", End: "NOOS",
	Comment:    "signature of a noo snapshot, format 1",
	ErrForeign: ErrNotSnapshot,
}

func refuse(reason error, format string, args ...any) error {
	return form.Refuse(reason, format, args...)
}
