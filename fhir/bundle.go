package fhir

// Bundles, the resources in them, and what a server says beside its answer. A Bundle that is a part
// of something larger, or that does not have what it promises, is refused: somebody who is missing
// would count as not opted out.

import (
	"noo/fhir/internal/jsontext"
	"unicode/utf8"
)

const (
	elTotal = iota
	elLink
	elEntry
	elResource
	elSearch
	elRequest
	elResponse
	elMode
	elRelation
	elOutcome
	elBundleType
	elBundleResourceType
	elBundleModifier
	elIssue
	elSeverity
	elAnswer
	elURL
)

var (
	bundleElements = elements(ErrElement, map[string]uint8{
		"resourceType": elBundleResourceType, "type": elBundleType, "total": elTotal,
		"link": elLink, "entry": elEntry, "implicitRules": elBundleModifier,
	}, "id meta language identifier timestamp signature")
	linkElements = elements(ErrElement, map[string]uint8{
		"relation": elRelation, "url": elURL,
	}, "id extension modifierExtension")
	entryElements = elements(ErrElement, map[string]uint8{
		"resource": elResource, "search": elSearch, "request": elRequest, "response": elResponse,
		"modifierExtension": elBundleModifier,
	}, "id extension fullUrl link")
	searchElements = elements(ErrElement, map[string]uint8{
		"mode": elMode, "modifierExtension": elBundleModifier,
	}, "id extension score")
	responseElements = elements(ErrElement, map[string]uint8{
		"status": elAnswer, "outcome": elOutcome, "modifierExtension": elBundleModifier,
	}, "id extension location etag lastModified")
	outcomeElements = elements(nil, map[string]uint8{
		"resourceType": elBundleResourceType, "issue": elIssue,
		"implicitRules": elBundleModifier, "modifierExtension": elBundleModifier,
	}, "")
	issueElements = elements(nil, map[string]uint8{"severity": elSeverity}, "")
)

// bundle is what a Bundle says of itself.
type bundle struct {
	kind     string // searchset …, or "" if it is none that is read
	total    uint64
	hasTotal bool
	isBundle bool
	// matches counts the entries that answer the search; nested says that one is a Bundle.
	matches uint64
	nested  bool
}

// bundleMember reads one member of a Bundle, but for its entries.
func (d *decoder) bundleMember(b *bundle, name uint8) {
	switch name {
	case elBundleResourceType:
		kind := d.Text()
		b.isBundle = string(kind) == "Bundle"
	case elBundleType:
		switch kind := d.Text(); string(kind) {
		case "searchset", "collection", "batch-response", "transaction-response":
			b.kind = string(kind)
		}
	case elTotal:
		b.total, b.hasTotal = d.Count(), true
	case elLink:
		d.Array(d.refusePages)
	case elBundleModifier:
		d.Fail(ErrModifier)
	default:
		d.Skip()
	}
}

// refusePages refuses a link to another page.
func (d *decoder) refusePages() {
	switch relation, _ := d.link(); relation {
	case "next", "previous", "prev":
		d.Fail(ErrPages)
	}
}

// link reads a link.
func (d *decoder) link() (relation, url string) {
	d.Object(linkElements, func(name uint8) {
		switch name {
		case elRelation:
			relation = string(d.Text())
		case elURL:
			url = string(d.Text())
		default:
			d.Skip()
		}
	})
	return relation, url
}

// check returns what is wrong with a Bundle that was read to its end, or nil.
func (b *bundle) check() error {
	switch {
	case !b.isBundle:
		return ErrElement
	case b.kind == "":
		return ErrBundleType
	case b.nested && b.kind != "batch-response" && b.kind != "transaction-response":
		return ErrNested
	case b.hasTotal && b.total != b.matches:
		return ErrTotal
	}
	return nil
}

// decoder reads the elements of resources.
type decoder struct{ jsontext.Decoder }

// newReader returns a reader of one text.
func newReader(text []byte) *reader {
	return &reader{decoder: decoder{jsontext.Decoder{Input: text}}}
}

// reader reads resources, one after the other. It belongs to one goroutine.
type reader struct {
	decoder
	now     int64
	lenient bool // count what cannot be used
	choices []choice
	tally   Tally
	skipped error // the first reason for which a resource was skipped
	inner   bool  // inside a Bundle that is itself in an entry
}

// use reads a text that is one resource, or one entry of the Bundle b, and nothing else.
func (r *reader) use(text []byte, b *bundle) error {
	r.Decoder = jsontext.Decoder{Input: text}
	if !utf8.Valid(text) {
		return ErrUTF8
	}
	if b != nil {
		r.entry(b)
	} else {
		r.resource("", nil)
	}
	r.End()
	return r.Err
}

// entry reads an entry of a Bundle, and the resource in it.
func (r *reader) entry(b *bundle) {
	mode, from := r.entryParts()
	if r.Err != nil {
		return
	}
	if from < 0 { // a response without a resource
		if mode != "outcome" {
			b.matches++
		}
		return
	}
	// How a resource is read depends on its mode, which may follow it.
	after := r.At
	r.At = from
	if kind := r.resource(mode, b); isMatch(kind, mode) {
		b.matches++
	}
	r.At = max(after, r.At)
}

// isMatch reports whether a resource is one of those that the total of a Bundle counts.
func isMatch(kind, mode string) bool {
	return kind != "OperationOutcome" && (mode == "" || mode == "match")
}

// entryParts reads an entry, and returns why it is in the result of a search, and where its
// resource begins, which is skipped: -1 if there is none.
func (r *reader) entryParts() (mode string, from int) {
	from = -1
	r.Object(entryElements, func(name uint8) {
		switch name {
		case elResource:
			r.Peek()
			from = r.At
			r.Skip()
		case elSearch:
			mode = r.searchMode()
		case elRequest:
			r.Fail(ErrBundleType)
		case elResponse:
			r.response()
		case elBundleModifier:
			r.Fail(ErrModifier)
		default:
			r.Skip()
		}
	})
	return mode, from
}

// searchMode reads why an entry is in the result of a search.
func (r *reader) searchMode() (mode string) {
	r.Object(searchElements, func(name uint8) {
		switch name {
		case elMode:
			mode = string(r.Text())
			if mode != "match" && mode != "include" && mode != "outcome" {
				r.Fail(ErrType)
			}
		case elBundleModifier:
			r.Fail(ErrModifier)
		default:
			r.Skip()
		}
	})
	return mode
}

// response reads how a request of a batch ended, and refuses it if it failed.
func (r *reader) response() {
	r.Object(responseElements, func(name uint8) {
		switch name {
		case elAnswer:
			if status := r.Text(); len(status) < 3 || status[0] != '2' {
				r.Fail(ErrFailed)
			}
		case elOutcome:
			r.resource("outcome", nil)
		case elBundleModifier:
			r.Fail(ErrModifier)
		default:
			r.Skip()
		}
	})
}

// resource reads a resource of any type, and returns the type if it is known. mode is that of its
// entry. outer is the Bundle that it is an entry of, or nil.
func (r *reader) resource(mode string, outer *bundle) (kind string) {
	switch kind := r.resourceType(); kind {
	case "Consent":
		chosen, ok := r.consent(r.now)
		switch {
		case r.Err != nil:
		case ok:
			r.choices = append(r.choices, chosen)
			r.tally.Consents++
		default:
			r.unusable(r.Refused)
		}
		return kind
	case "OperationOutcome":
		r.outcome()
		return kind
	case "Bundle":
		if outer == nil || r.inner {
			r.Fail(ErrNested)
			return kind
		}
		outer.nested = true
		r.innerBundle()
		return kind
	}
	if r.Peek() != '{' {
		r.Fail(ErrType)
	}
	if r.Skip(); r.Err != nil {
		return ""
	}
	if mode == "include" {
		r.tally.Included++
		return ""
	}
	r.unusable(ErrNotConsent)
	return ""
}

// unusable counts a resource that cannot be used, or refuses it.
func (r *reader) unusable(reason error) {
	if !r.lenient {
		r.Fail(reason)
		return
	}
	r.tally.Skipped++
	if r.skipped == nil {
		r.skipped = reason
	}
}

// resourceType returns the type of the resource that begins here if it is known, and consumes
// nothing.
func (r *reader) resourceType() string {
	kind, _ := r.Find("resourceType")
	return knownTypes[string(kind)]
}

var knownTypes = map[string]string{
	"Consent": "Consent", "OperationOutcome": "OperationOutcome", "Bundle": "Bundle",
}

// innerBundle reads a Bundle that is all there.
func (r *reader) innerBundle() {
	var b bundle
	r.inner = true
	r.Object(bundleElements, func(name uint8) {
		if name == elEntry {
			r.Array(func() { r.entry(&b) })
			return
		}
		r.bundleMember(&b, name)
	})
	r.inner = false
	if r.Err == nil {
		if err := b.check(); err != nil {
			r.Fail(err)
		}
	}
}

// outcome reads an OperationOutcome, and refuses an error.
func (r *reader) outcome() {
	r.Object(outcomeElements, func(name uint8) {
		switch name {
		case elIssue:
			r.Array(r.issue)
		case elBundleModifier:
			r.Fail(ErrModifier)
		default:
			r.Skip()
		}
	})
	r.tally.Messages++
}

func (r *reader) issue() {
	r.Object(issueElements, func(name uint8) {
		switch severity := r.Text(); string(severity) {
		case "information", "warning":
		default:
			r.Fail(ErrFailed)
		}
	})
}
