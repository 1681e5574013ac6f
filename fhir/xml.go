package fhir

// FHIR XML (hl7.org/fhir/R4/xml.html). Each resource is turned into the JSON that means the same,
// so that there is one place that knows what a Consent means. An element that comes twice where
// there may be one becomes a name that comes twice, which that place refuses.

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"noo/fhir/internal/jsontext"
)

const (
	fhirSpace  = "http://hl7.org/fhir"
	xhtmlSpace = "http://www.w3.org/1999/xhtml"
	xsiSpace   = "http://www.w3.org/2001/XMLSchema-instance"
)

// lists are the elements that are lists in JSON. An identifier is one in a resource only.
var lists = map[string]bool{
	"action": true, "actor": true, "category": true, "coding": true, "consentingParty": true,
	"contained": true, "data": true, "entry": true, "except": true, "extension": true,
	"issue": true, "link": true, "modifierExtension": true, "organization": true,
	"performer": true, "policy": true, "profile": true, "purpose": true, "security": true,
	"securityLabel": true, "tag": true, "verification": true,
}

// xmlFile reads the tokens of an XML document.
type xmlFile struct {
	*xml.Decoder
	bound *bounded
}

// bounded fails when one resource asks for more than there may be: encoding/xml would hold a text
// without an end in memory.
type bounded struct {
	in   io.Reader
	left int
	err  error // of in
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, ErrTooLarge
	}
	n, err := b.in.Read(p)
	b.left -= n
	b.err = err
	return n, err
}

// cutXML cuts an XML document: a Bundle or one resource.
func (f *file) cutXML(in io.Reader) error {
	bound := &bounded{in: in, left: jsontext.MaxValue}
	x := xmlFile{xml.NewDecoder(bound), bound}
	x.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, ErrUTF8 }
	root, _, err := x.child()
	if err != nil {
		return x.meant(err)
	}
	if root == nil {
		return ErrXML
	}
	if root.Name.Local != "Bundle" {
		f.unit = element
		b := f.room()
		if b.texts, err = x.resource(b.texts, *root, 1); err != nil {
			return x.meant(err)
		}
		if err := f.added(); err != nil {
			return err
		}
	} else if err := f.cutXMLBundle(x, *root); err != nil {
		return x.meant(err)
	}
	bound.left = jsontext.MaxValue
	if next, _, err := x.child(); next != nil || !errors.Is(err, io.EOF) {
		return cmp.Or[error](x.meant(err), ErrFollows)
	}
	return nil
}

// cutXMLBundle hands over the entries of a Bundle.
func (f *file) cutXMLBundle(x xmlFile, root xml.StartElement) (err error) {
	f.unit = entry
	members := tree{text: []byte(`{"resourceType":"Bundle"`)}
	if err := x.attributes(root, &members, true); err != nil {
		return err
	}
	for {
		x.bound.left = jsontext.MaxValue
		start, end, err := x.child()
		switch {
		case err != nil:
			return err
		case end:
			// As in a JSON document: the entries are not among the members.
			f.document, err = f.bundleOf(members.close(), true)
			return err
		case start.Name.Local == "entry":
			b := f.room()
			if b.texts, err = x.element(b.texts, *start, 2); err != nil {
				return err
			}
			if err := f.added(); err != nil {
				return err
			}
		default:
			if err := x.member(&members, *start, 2, true); err != nil {
				return err
			}
		}
	}
}

// meant returns what an error of the XML decoder means: its own text could hold data.
func (x xmlFile) meant(err error) error {
	var known fault
	var syntax *xml.SyntaxError
	switch {
	case errors.As(err, &known):
		return known
	case err == nil || errors.Is(err, errStopped):
		return err
	case x.bound.err != nil && x.bound.err != io.EOF:
		return x.bound.err
	case errors.Is(err, io.EOF), errors.As(err, &syntax) && syntax.Msg == "unexpected EOF":
		return ErrTruncated
	}
	return ErrXML
}

// child returns the next element, or end at the end of the one around it. Blanks and comments are
// passed over; a text, a DTD or an instruction is refused.
func (x xmlFile) child() (start *xml.StartElement, end bool, err error) {
	for {
		token, err := x.Token()
		if err != nil {
			return nil, false, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if t.Name.Space != fhirSpace && t.Name.Space != xhtmlSpace {
				return nil, false, ErrNotFHIR
			}
			return &t, false, nil
		case xml.EndElement:
			return nil, true, nil
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return nil, false, ErrXML
			}
		case xml.Directive:
			return nil, false, ErrDTD
		case xml.ProcInst:
			if t.Target != "xml" {
				return nil, false, ErrDTD
			}
		}
	}
}

// tree is a JSON object in the making.
type tree struct {
	text []byte
	// gathered are the lists, by their names in order.
	gathered map[string][]byte
	order    []string
}

// add appends a member.
func (t *tree) add(name string, value []byte) {
	if n := len(t.text); n > 0 && t.text[n-1] != '{' {
		t.text = append(t.text, ',')
	}
	t.text = append(append(appendString(t.text, name), ':'), value...)
}

// gather appends an element of a list.
func (t *tree) gather(name string, value []byte) {
	if t.gathered == nil {
		t.gathered = map[string][]byte{}
	}
	list, ok := t.gathered[name]
	if ok {
		list = append(list, ',')
	} else {
		t.order = append(t.order, name)
	}
	t.gathered[name] = append(list, value...)
}

// close returns the object.
func (t *tree) close() []byte {
	for _, name := range t.order {
		t.add(name, append(append([]byte{'['}, t.gathered[name]...), ']'))
	}
	return append(t.text, '}')
}

func appendString(text []byte, s string) []byte {
	quoted, _ := json.Marshal(s) // a string can always be written
	return append(text, quoted...)
}

// attributes checks the attributes of an element, and adds its id. Only the value of a primitive
// and the url of an extension are known beside it.
func (x xmlFile) attributes(start xml.StartElement, t *tree, resource bool) error {
	seen := map[string]bool{}
	for _, a := range start.Attr {
		switch {
		case a.Name.Space == "xmlns", a.Name.Space == xsiSpace,
			a.Name.Space == "" && a.Name.Local == "xmlns":
		case a.Name.Space != "" || resource:
			return ErrElement
		case seen[a.Name.Local]:
			return ErrDuplicate
		case a.Name.Local == "id" || a.Name.Local == "url":
			seen[a.Name.Local] = true
			t.add(a.Name.Local, appendString(nil, a.Value))
		default:
			return ErrElement
		}
	}
	return nil
}

// resource appends the JSON of the resource that start begins.
func (x xmlFile) resource(text []byte, start xml.StartElement, depth int) ([]byte, error) {
	if start.Name.Space != fhirSpace {
		return text, ErrNotFHIR
	}
	t := tree{text: appendString(append(text, `{"resourceType":`...), start.Name.Local)}
	if err := x.attributes(start, &t, true); err != nil {
		return text, err
	}
	return x.members(&t, depth, true)
}

// element appends the JSON of the element that start begins: an object, or what its value says.
func (x xmlFile) element(text []byte, start xml.StartElement, depth int) ([]byte, error) {
	value, rest, primitive := "", []xml.Attr(nil), false
	for _, a := range start.Attr {
		if a.Name.Space == "" && a.Name.Local == "value" && !primitive {
			value, primitive = a.Value, true
		} else {
			rest = append(rest, a)
		}
	}
	start.Attr = rest
	t := tree{text: append(text, '{')}
	if err := x.attributes(start, &t, false); err != nil {
		return text, err
	}
	whole, err := x.members(&t, depth, false)
	switch {
	case err != nil || !primitive:
		return whole, err
	case start.Name.Local == "total" && isNumber(value): // else it is no number, and refused
		return append(text, value...), nil
	}
	return appendString(text, value), nil
}

func isNumber(text string) bool {
	_, found := digits([]byte(text), 0, len(text))
	return found && text != ""
}

// members reads the elements inside one, to its end, and returns the object.
func (x xmlFile) members(t *tree, depth int, resource bool) ([]byte, error) {
	if depth > jsontext.MaxDepth {
		return t.text, ErrTooDeep
	}
	for {
		start, end, err := x.child()
		if err != nil {
			return t.text, err
		}
		if end {
			return t.close(), nil
		}
		if err := x.member(t, *start, depth+1, resource); err != nil {
			return t.text, err
		}
	}
}

// member adds one element to the object around it.
func (x xmlFile) member(t *tree, start xml.StartElement, depth int, resource bool) (err error) {
	name := start.Name.Local
	if start.Name.Space == xhtmlSpace {
		if name != "div" {
			return ErrNotFHIR
		}
		if err := x.Skip(); err != nil {
			return err
		}
		t.add(name, []byte(`""`))
		return nil
	}
	var value []byte
	if name == "resource" || name == "contained" || name == "outcome" {
		value, err = x.inside(start, depth)
	} else {
		value, err = x.element(nil, start, depth)
	}
	switch {
	case err != nil:
		return err
	case lists[name] || name == "identifier" && resource:
		t.gather(name, value)
	default:
		t.add(name, value)
	}
	return nil
}

// inside reads an element that has exactly one resource in it.
func (x xmlFile) inside(start xml.StartElement, depth int) ([]byte, error) {
	if len(start.Attr) > 0 {
		return nil, ErrElement
	}
	inner, end, err := x.child()
	if err != nil {
		return nil, err
	}
	if end {
		return nil, ErrXML
	}
	text, err := x.resource(nil, *inner, depth+1)
	if err != nil {
		return nil, err
	}
	switch _, end, err := x.child(); {
	case err != nil:
		return nil, err
	case !end:
		return nil, ErrDuplicate
	}
	return text, nil
}
