// Package kind says what an error is about. An error has its kind from where it is found; the exit
// code of the command is read off it.
package kind

// Kind is what an error is about. The zero Kind is IO: an error that says nothing else is one of
// reading or writing.
type Kind uint8

// The kinds.
const (
	// IO is reading or writing that failed.
	IO Kind = iota
	// Usage is a command line, or a setting, that cannot be carried out.
	Usage
	// Snapshot is a snapshot that is refused, or whose keys cannot be loaded.
	Snapshot
	// Input is an input that is refused: malformed, or not supported.
	Input
	// Disclosure is a record that must not be disclosed, where the user asked to stop at it.
	Disclosure
)

// Error is an error with a kind. A type of errors implements it to give its values their kind.
type Error interface {
	error
	// Kind returns what the error is about.
	Kind() Kind
}

// New returns an error with a kind and a text, for a variable to test for with errors.Is.
func New(kind Kind, text string) error { return &plain{kind, text} }

type plain struct {
	kind Kind
	text string
}

func (p *plain) Error() string { return p.text }
func (p *plain) Kind() Kind    { return p.kind }

// Wrap returns err with a kind: it says what err says. It returns nil for nil.
func Wrap(kind Kind, err error) error {
	if err == nil {
		return nil
	}
	return &wrapped{kind, err}
}

type wrapped struct {
	kind Kind
	err  error
}

func (w *wrapped) Error() string { return w.err.Error() }
func (w *wrapped) Kind() Kind    { return w.kind }
func (w *wrapped) Unwrap() error { return w.err }

// Of returns the kind of an error: that of the outermost error with a kind in what it wraps, and IO
// where none has one.
func Of(err error) Kind {
	kind, _ := find(err)
	return kind
}

func find(err error) (Kind, bool) {
	switch e := err.(type) {
	case nil:
		return IO, false
	case Error:
		return e.Kind(), true
	case interface{ Unwrap() error }:
		return find(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			if kind, ok := find(one); ok {
				return kind, true
			}
		}
	}
	return IO, false
}
