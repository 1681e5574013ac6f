// Package jsontext reads JSON strictly: what two programs could read differently is refused. A
// [Stream] cuts a document of any size into values, and a [Decoder] reads one value. No error holds
// anything of the text.
package jsontext

// Fault is a text that is damaged, or that must not be used.
type Fault string

// Error returns what is wrong.
func (f Fault) Error() string { return string(f) }

// What is wrong with a text.
const (
	ErrJSON      = Fault("this is not valid JSON; get the file again")
	ErrTruncated = Fault("the file ends too early; get it again")
	ErrDuplicate = Fault("an element is there twice, so two programs could read it differently")
	ErrTooLarge  = Fault("a resource has more than 16 MiB")
	ErrTooDeep   = Fault("the elements are nested too deeply")
	ErrType      = Fault("an element has another type than FHIR gives it")
)
