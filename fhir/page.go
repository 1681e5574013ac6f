package fhir

// One page of a search, for the client that fetches all of them.

import (
	"unicode/utf8"

	"noo/internal/kind"
)

// Page is one page of the result of a search.
type Page struct {
	// Consents are the texts of the Consents, as they were received. They are parts of the page.
	Consents [][]byte
	// Next is the address of the next page; "" on the last.
	Next string
	// Total is how many Consents all pages have; HasTotal says whether the server gave it.
	Total    uint64
	HasTotal bool
	// Messages are OperationOutcomes without an error, and Included resources of other types that
	// the search added.
	Messages, Included uint64
}

// ParsePage reads a page in JSON: a Bundle of type searchset. It refuses what [Register.Read]
// refuses of a Bundle, and entries that are no Consents; what the Consents say is not looked at.
// The error is of kind.Input.
func ParsePage(text []byte) (Page, error) {
	var p Page
	var b bundle
	r := newReader(text)
	switch {
	case !utf8.Valid(text):
		r.Fail(ErrUTF8)
	case r.Peek() != '{':
		r.Fail(ErrNotFHIR)
	}
	if what := r.resourceType(); what == "OperationOutcome" {
		r.outcome()
		r.Fail(ErrFailed)
	}
	r.Object(bundleElements, func(name uint8) {
		switch name {
		case elEntry:
			r.Array(func() { r.pageEntry(&p) })
		case elLink:
			r.Array(func() { r.pageLink(&p) })
		default:
			r.bundleMember(&b, name)
		}
	})
	r.End()
	switch {
	case r.Err != nil:
	case !b.isBundle:
		r.Err = ErrNotFHIR
	case b.kind != "searchset":
		r.Err = ErrBundleType
	}
	p.Total, p.HasTotal = b.total, b.hasTotal
	p.Messages, p.Included = r.tally.Messages, r.tally.Included
	return p, kind.Wrap(kind.Input, r.Err)
}

func (r *reader) pageLink(p *Page) {
	relation, url := r.link()
	switch {
	case relation != "next":
	case p.Next != "":
		r.Fail(ErrDuplicate)
	case url == "":
		r.Fail(ErrElement)
	default:
		p.Next = url
	}
}

// pageEntry reads an entry and keeps its resource, if that is a Consent.
func (r *reader) pageEntry(p *Page) {
	mode, from := r.entryParts()
	if r.Err != nil || from < 0 {
		r.Fail(ErrNotConsent) // an entry without a resource is no answer to a search
		return
	}
	after := r.At
	r.At = from
	switch what := r.resourceType(); {
	case what == "Consent":
		r.Skip()
		p.Consents = append(p.Consents, r.Input[from:r.At])
	case what == "OperationOutcome":
		r.outcome()
	case mode == "include":
		r.tally.Included++
	default:
		r.Fail(ErrNotConsent)
	}
	r.At = max(after, r.At)
}
