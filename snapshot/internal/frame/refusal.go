// Why a file was not used: each reason is an error of its own, so that callers can tell them apart,
// and all of them are Refusals, so that a command can map them to one exit code. Package snapshot
// hands them out under its own name.

package frame

import (
	"cmp"
	"errors"
	"fmt"

	"noo/internal/kind"
)

// ErrRefused matches, with errors.Is, every Refusal.
var ErrRefused = errors.New("snapshot refused")

// The reasons for a Refusal that do not depend on what the file holds.
var (
	// ErrMissing is a file that does not exist.
	ErrMissing = errors.New("there is no such file")
	// ErrUnreadable is a file that exists and cannot be read.
	ErrUnreadable = errors.New("it cannot be read")
	// ErrDamaged is a file that was cut short or altered in its frame.
	ErrDamaged = errors.New("it is damaged or cut short")
	// ErrUntrusted is a file signed with a key that is not among the trusted ones.
	ErrUntrusted = errors.New("it is signed with a key that is not trusted")
	// ErrSignature is a file whose bytes are not the ones that were signed.
	ErrSignature = errors.New("its signature does not match its content")
	// ErrMalformed is a file with a good signature whose content breaks the format.
	ErrMalformed = errors.New("it is signed but breaks the format")
)

// Refusal says that a file is not to be used, and why.
type Refusal struct {
	Name   string // of the kind of file; "" is a snapshot
	Path   string // of the file, or "" where it came from memory
	Reason error  // one of the reasons above, or of those of packages above this one
	Detail string // the particulars, and what to do
}

// Error is one line: what is refused, why, and what to do.
func (r *Refusal) Error() string {
	what := cmp.Or(r.Name, "snapshot")
	if r.Path != "" {
		what += " " + r.Path
	}
	return fmt.Sprintf("%s refused: %v: %s", what, r.Reason, r.Detail)
}

// Kind returns kind.Snapshot.
func (*Refusal) Kind() kind.Kind { return kind.Snapshot }

// Unwrap returns the reason.
func (r *Refusal) Unwrap() error { return r.Reason }

// Is makes every refusal match ErrRefused.
func (r *Refusal) Is(target error) bool { return target == ErrRefused }

// Refuse returns a Refusal of a file of the form.
func (f *Form) Refuse(reason error, format string, args ...any) error {
	return &Refusal{Name: f.Name, Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

// At gives a Refusal the path of the file, and leaves other errors as they are.
func (f *Form) At(path string, err error) error {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		refusal.Name, refusal.Path = f.Name, path
	}
	return err
}

// FormatKeyID writes a minisign key id as 16 hexadecimal digits, upper case.
func FormatKeyID(id uint64) string { return fmt.Sprintf("%016X", id) }
