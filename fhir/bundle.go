package fhir

// Bundles, the resources in them, and what a server says beside its answer. A Bundle that is a part
// of something larger, or that does not have what it promises, is refused: somebody who is missing
// would count as not opted out.

import (
	"bytes"
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
	elSkipped // and above
)

var (
	bundleElements = names{others(map[string]uint8{"resourceType": elBundleResourceType,
		"type": elBundleType, "total": elTotal, "link": elLink, "entry": elEntry,
		"implicitRules": elBundleModifier},
		elSkipped, "id", "meta", "language", "identifier", "timestamp", "signature"), ErrElement}
	linkElements = names{others(map[string]uint8{"relation": elRelation},
		elSkipped, "id", "extension", "url"), ErrElement}
	entryElements = names{others(map[string]uint8{"resource": elResource, "search": elSearch,
		"request": elRequest, "response": elResponse, "modifierExtension": elBundleModifier},
		elSkipped, "id", "extension", "fullUrl", "link"), ErrElement}
	searchElements = names{others(map[string]uint8{"mode": elMode, "modifierExtension": elBundleModifier},
		elSkipped, "id", "extension", "score"), ErrElement}
	responseElements = names{others(map[string]uint8{"status": elAnswer, "outcome": elOutcome,
		"modifierExtension": elBundleModifier},
		elSkipped, "id", "extension", "location", "etag", "lastModified"), ErrElement}
	outcomeElements = names{map[string]uint8{"resourceType": elBundleResourceType, "issue": elIssue,
		"implicitRules": elBundleModifier, "modifierExtension": elBundleModifier}, nil}
	issueElements = names{map[string]uint8{"severity": elSeverity}, nil}
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

// member reads one member of a Bundle, but for its entries.
func (d *decoder) bundleMember(b *bundle, name uint8) {
	switch name {
	case elBundleResourceType:
		kind := d.str()
		b.isBundle = string(kind) == "Bundle"
	case elBundleType:
		switch kind := d.str(); string(kind) {
		case "searchset", "collection", "batch-response", "transaction-response":
			b.kind = string(kind)
		}
	case elTotal:
		b.total, b.hasTotal = d.count(), true
	case elLink:
		d.array(d.link)
	case elBundleModifier:
		d.fail(ErrModifier)
	default:
		d.skip()
	}
}

// link refuses a link to another page.
func (d *decoder) link() {
	d.object(linkElements, func(name uint8) {
		if name != elRelation {
			d.skip()
			return
		}
		switch relation := d.str(); string(relation) {
		case "next", "previous", "prev":
			d.fail(ErrPages)
		}
	})
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

// reader reads resources, one after the other. It belongs to one goroutine.
type reader struct {
	decoder
	now     int64
	skip    bool // count what cannot be used
	choices []choice
	tally   Tally
	skipped error // the first reason for which a resource was skipped
	inner   bool  // inside a Bundle that is itself in an entry
}

// use reads a text that is one resource, or one entry of the Bundle b, and nothing else.
func (r *reader) use(text []byte, b *bundle) error {
	r.read(text)
	if !utf8.Valid(text) {
		return ErrUTF8
	}
	if b != nil {
		r.entry(b)
	} else {
		r.resource("", nil)
	}
	r.end()
	return r.err
}

// entry reads an entry of a Bundle.
func (r *reader) entry(b *bundle) {
	mode, from := "", -1
	r.object(entryElements, func(name uint8) {
		switch name {
		case elResource:
			r.peek()
			from = r.at
			r.decoder.skip()
		case elSearch:
			mode = r.searchMode()
		case elRequest:
			r.fail(ErrBundleType)
		case elResponse:
			r.response()
		case elBundleModifier:
			r.fail(ErrModifier)
		default:
			r.decoder.skip()
		}
	})
	if r.err != nil {
		return
	}
	if from < 0 { // a response without a resource
		if mode != "outcome" {
			b.matches++
		}
		return
	}
	// How a resource is read depends on its mode, which may follow it.
	after := r.at
	r.at = from
	if kind := r.resource(mode, b); kind != "OperationOutcome" && (mode == "" || mode == "match") {
		b.matches++
	}
	r.at = max(after, r.at)
}

// searchMode reads why an entry is in the result of a search.
func (r *reader) searchMode() (mode string) {
	r.object(searchElements, func(name uint8) {
		switch name {
		case elMode:
			mode = string(r.str())
			if mode != "match" && mode != "include" && mode != "outcome" {
				r.fail(ErrType)
			}
		case elBundleModifier:
			r.fail(ErrModifier)
		default:
			r.decoder.skip()
		}
	})
	return mode
}

// response reads how a request of a batch ended, and refuses it if it failed.
func (r *reader) response() {
	r.object(responseElements, func(name uint8) {
		switch name {
		case elAnswer:
			if status := r.str(); len(status) < 3 || status[0] != '2' {
				r.fail(ErrFailed)
			}
		case elOutcome:
			r.resource("outcome", nil)
		case elBundleModifier:
			r.fail(ErrModifier)
		default:
			r.decoder.skip()
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
		case r.err != nil:
		case ok:
			r.choices = append(r.choices, chosen)
			r.tally.Consents++
		default:
			r.unusable(r.found)
		}
		return kind
	case "OperationOutcome":
		r.outcome()
		return kind
	case "Bundle":
		if outer == nil || r.inner {
			r.fail(ErrNested)
			return kind
		}
		outer.nested = true
		r.innerBundle()
		return kind
	}
	if r.decoder.skip(); r.err != nil {
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
	if !r.skip {
		r.fail(reason)
		return
	}
	r.tally.Skipped++
	if r.skipped == nil {
		r.skipped = reason
	}
}

// resourceType returns the type of the resource that begins here, and consumes nothing.
func (r *reader) resourceType() (kind string) {
	ahead := decoder{text: r.text, at: r.at}
	if ahead.peek() != '{' {
		r.fail(ErrType)
		return ""
	}
	for more := ahead.enter('{', '}'); more && kind == ""; more = ahead.another('}') {
		name := ahead.str()
		if !ahead.expect(':') {
			break
		}
		if string(name) != "resourceType" {
			ahead.skip()
			continue
		}
		value := ahead.str()
		if kind = knownTypes[string(value)]; kind == "" {
			break
		}
	}
	return kind
}

var knownTypes = map[string]string{
	"Consent": "Consent", "OperationOutcome": "OperationOutcome", "Bundle": "Bundle",
}

// innerBundle reads a Bundle that is all there.
func (r *reader) innerBundle() {
	var b bundle
	r.inner = true
	r.object(bundleElements, func(name uint8) {
		if name == elEntry {
			r.array(func() { r.entry(&b) })
			return
		}
		r.bundleMember(&b, name)
	})
	r.inner = false
	if r.err == nil {
		if err := b.check(); err != nil {
			r.fail(err)
		}
	}
}

// outcome reads an OperationOutcome, and refuses an error.
func (r *reader) outcome() {
	r.object(outcomeElements, func(name uint8) {
		switch name {
		case elIssue:
			r.array(r.issue)
		case elBundleModifier:
			r.fail(ErrModifier)
		default:
			r.decoder.skip()
		}
	})
	r.tally.Messages++
}

func (r *reader) issue() {
	r.object(issueElements, func(name uint8) {
		severity := r.str()
		if !bytes.Equal(severity, []byte("information")) && !bytes.Equal(severity, []byte("warning")) {
			r.fail(ErrFailed)
		}
	})
}
