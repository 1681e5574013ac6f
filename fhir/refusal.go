package fhir

// Why a file is refused. No message holds anything of the file: an id or a reference may be an NHS
// number.

import (
	"fmt"

	"noo/fhir/internal/jsontext"
	"noo/internal/kind"
)

// unit is how the resources of a file are counted.
type unit string

const (
	whole   unit = "" // the file is meant, and no single resource
	line    unit = "line"
	entry   unit = "entry"
	element unit = "element"
)

// Error is a file that was refused, with the place.
type Error struct {
	Name  string // of the file
	place place
	Err   error
}

// place is a resource in a file.
type place struct {
	unit   unit
	number int // from 1
}

// Kind returns kind.Input.
func (*Error) Kind() kind.Kind { return kind.Input }

// Error names the file, the place in it and what is wrong, but never what is there.
func (e *Error) Error() string {
	if e.place.unit == whole {
		return fmt.Sprintf("%s: %v", e.Name, e.Err)
	}
	return fmt.Sprintf("%s, %s %d: %v", e.Name, e.place.unit, e.place.number, e.Err)
}

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// fault is a file that is damaged, incomplete or no FHIR. It is refused always.
type fault = jsontext.Fault

// Reasons for which a file is refused. Each comes wrapped in an *Error.
const (
	ErrNotFHIR    = fault("it is neither FHIR JSON nor FHIR XML")
	ErrEmpty      = fault("it is empty")
	ErrUTF16      = fault("the file is in UTF-16; save it as UTF-8")
	ErrUTF8       = fault("the text is not UTF-8; get the file again")
	ErrJSON       = jsontext.ErrJSON
	ErrXML        = fault("this is not valid XML; get the file again")
	ErrDTD        = fault("the XML has a DTD or an instruction, which FHIR forbids")
	ErrTruncated  = jsontext.ErrTruncated
	ErrFollows    = fault("something follows after the document; NDJSON has one resource a line")
	ErrDuplicate  = jsontext.ErrDuplicate
	ErrTooLarge   = jsontext.ErrTooLarge
	ErrTooDeep    = jsontext.ErrTooDeep
	ErrType       = jsontext.ErrType
	ErrBundleType = fault("the type of the Bundle is not searchset, collection or a response")
	ErrNested     = fault("a Bundle in a Bundle is read in responses to a batch only")
	ErrPages      = fault("the Bundle is one page of several (a link next or previous)")
	ErrTotal      = fault("the Bundle has another number of matches than its total")
	ErrFailed     = fault("the server says that a request failed, so Consents may be missing")
	ErrElement    = fault("an element is unknown here, so its meaning could be missed")
	ErrModifier   = fault("modifierExtension or implicitRules may change the meaning of the Bundle")
)

// Unusable is a resource that cannot be used. [Options.SkipInvalid] counts it and goes on.
type Unusable string

// Error returns the reason.
func (u Unusable) Error() string { return string(u) }

// Reasons for which a resource is not used. Each comes wrapped in an *Error.
const (
	ErrNotConsent = Unusable("the resource is no Consent")
	ErrUnknown    = Unusable("the Consent has an element that neither STU3 nor R4 knows")
	ErrModified   = Unusable("modifierExtension or implicitRules may change what it means")
	ErrSubset     = Unusable("the server left out elements of the Consent (tag SUBSETTED)")
	ErrStatus     = Unusable("the status of the Consent is neither active nor inactive")
	ErrPurpose    = Unusable("the purpose is not 370856009, the national data opt-out")
	ErrPatient    = Unusable("the patient of the Consent has no valid NHS number")
	ErrPatients   = Unusable("reference and identifier of the patient have different NHS numbers")
	ErrDateTime   = Unusable("dateTime or meta.lastUpdated is missing or not valid")
	ErrFuture     = Unusable("the dateTime of the Consent is in the future")
	ErrPermit     = Unusable("the Consent permits and does not deny (provision.type or policyRule)")
	ErrLimited    = Unusable("the Consent has exceptions or holds only in part (period, data …)")
	ErrVersions   = Unusable("the Consent has elements of both STU3 and R4")
)
