package control

// Reading a control file: strictly, so that no two readers can understand it in two ways, and
// safely, since it comes from outside.

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxValue is the most characters that a value may have.
const maxValue = 2000

// maxDepth is how deep elements may be nested that are not known.
const maxDepth = 16

// Read reads a control file: UTF-8, with or without a byte order mark, at most MaxBytes. It ignores
// elements that it does not know. It refuses what two readers could read differently: an element
// that comes twice or is spelled in another case, elements or comments inside of a value, and
// document types, which could define entities. Blanks around a value do not belong to it. An error
// wraps ErrMalformed, or is one of r.
func Read(r io.Reader) (*Control, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > MaxBytes {
		return nil, malformed("it has more than %d bytes", MaxBytes)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !utf8.Valid(text) {
		return nil, malformed("it is not UTF-8")
	}
	p := parser{decoder: xml.NewDecoder(bytes.NewReader(text))}
	return p.document()
}

// malformed is an error that wraps ErrMalformed.
func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// parser reads the tokens of one control file.
type parser struct {
	decoder *xml.Decoder
	started bool // something else than the declaration came
}

// token returns the next token. It refuses what no control file has.
func (p *parser) token() (xml.Token, error) {
	token, err := p.decoder.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case xml.Directive:
		return nil, malformed("it has a document type")
	case xml.ProcInst:
		if p.started || t.Target != "xml" {
			return nil, malformed("it has a processing instruction")
		}
	}
	p.started = true
	return token, nil
}

// wrong makes of an error of the decoder what is to be said of it. The decoder's own words may hold
// values.
func wrong(err error) error {
	if errors.Is(err, ErrMalformed) {
		return err
	}
	if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
		return malformed("it is not complete XML, or breaks in line %d", syntax.Line)
	}
	if errors.Is(err, io.EOF) {
		return malformed("it is empty")
	}
	return malformed("it is not XML in UTF-8")
}

// document reads the whole file.
func (p *parser) document() (*Control, error) {
	start, err := p.root()
	if err != nil {
		return nil, wrong(err)
	}
	if start.Name.Local != rootElement {
		return nil, malformed("its root is not <%s>", rootElement)
	}
	c, raw, written := new(Control), new(rawFields), ""
	var status Status
	fields, inStatus := c.fields(raw), status.fields(&written)
	seen, err := p.elements(fields, func() error {
		if c.Status != nil {
			return malformed("<%s> comes twice", statusElement)
		}
		c.Status = &status
		_, err := p.elements(inStatus, nil)
		return err
	})
	if err == nil {
		err = p.end()
	}
	if err != nil {
		return nil, wrong(err)
	}
	for _, needed := range []string{"Version", "MessageType", "To_DTS"} {
		if !seen[needed] {
			return nil, malformed("<%s> is missing", needed)
		}
	}
	return c, c.understand(raw, written)
}

// root reads up to the first element.
func (p *parser) root() (xml.StartElement, error) {
	for {
		token, err := p.token()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			return t, nil
		case xml.CharData:
			if err := onlyBlanks(t); err != nil {
				return xml.StartElement{}, err
			}
		}
	}
}

// end refuses anything that comes after the root but blanks and comments.
func (p *parser) end() error {
	for {
		token, err := p.token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			return malformed("it has two roots")
		case xml.CharData:
			if err := onlyBlanks(t); err != nil {
				return err
			}
		}
	}
}

func onlyBlanks(text []byte) error {
	if len(bytes.TrimSpace(text)) > 0 {
		return malformed("it has text between its elements")
	}
	return nil
}

// elements reads the inside of an element whose start was read: the values of fields, and a status
// record by the function, which may be nil. It returns which elements were there.
func (p *parser) elements(fields []field, record func() error) (map[string]bool, error) {
	seen := map[string]bool{}
	for {
		token, err := p.token()
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.EndElement:
			return seen, nil
		case xml.CharData:
			if err := onlyBlanks(t); err != nil {
				return nil, err
			}
		case xml.StartElement:
			if err := p.element(t.Name.Local, fields, record, seen); err != nil {
				return nil, err
			}
		}
	}
}

// element reads the element of the given name.
func (p *parser) element(
	name string,
	fields []field,
	record func() error,
	seen map[string]bool,
) (err error) {
	if record != nil && name == statusElement {
		return record()
	}
	for _, f := range fields {
		if !strings.EqualFold(f.element, name) {
			continue
		}
		switch {
		case f.element != name:
			return malformed("<%s> is spelled in another case", f.element)
		case seen[name]:
			return malformed("<%s> comes twice", name)
		}
		seen[name] = true
		*f.text, err = p.value(name)
		return err
	}
	return p.skip()
}

// value reads the text of an element whose start was read.
func (p *parser) value(element string) (string, error) {
	var text strings.Builder
	for {
		token, err := p.token()
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.EndElement:
			return checked(element, strings.TrimSpace(text.String()))
		case xml.CharData:
			text.Write(t)
		default:
			return "", malformed("<%s> holds more than text", element)
		}
	}
}

// checked refuses a value that is too long, or that holds control characters.
func checked(element, text string) (string, error) {
	if utf8.RuneCountInString(text) > maxValue {
		return "", malformed("<%s> has more than %d characters", element, maxValue)
	}
	control := func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }
	if element == "Description" {
		control = func(r rune) bool { return r == utf8.RuneError }
	}
	if strings.ContainsFunc(text, control) {
		return "", malformed("<%s> holds control characters", element)
	}
	return text, nil
}

// skip reads to the end of an element that is not known.
func (p *parser) skip() error {
	for depth := 1; depth > 0; {
		token, err := p.token()
		if err != nil {
			return err
		}
		switch token.(type) {
		case xml.StartElement:
			if depth++; depth > maxDepth {
				return malformed("its elements are nested too deep")
			}
		case xml.EndElement:
			depth--
		}
	}
	return nil
}

// understand fills in what is not text.
func (c *Control) understand(raw *rawFields, written string) error {
	if c.Version != "1.0" {
		return malformed("<Version> is not 1.0")
	}
	switch {
	case strings.EqualFold(raw.messageType, string(Data)):
		c.Type = Data
	case strings.EqualFold(raw.messageType, string(Report)):
		c.Type = Report
	default:
		return malformed("<MessageType> is neither Data nor Report")
	}
	for _, flag := range []struct {
		element, text string
		value         *bool
	}{
		{"Compress", raw.compress, &c.Compress},
		{"Encrypted", raw.encrypted, &c.Encrypted},
		{"IsCompressed", raw.isCompressed, &c.IsCompressed},
		{"AllowChunking", raw.allowChunking, &c.AllowChunking},
	} {
		switch strings.ToUpper(flag.text) {
		case "Y":
			*flag.value = true
		case "N", "":
		default:
			return malformed("<%s> is neither Y nor N", flag.element)
		}
	}
	if c.Status == nil || written == "" {
		return nil
	}
	at, err := time.ParseInLocation(timeLayout, written, time.UTC)
	if err != nil {
		return malformed("<DateTime> is no time like YYYYMMDDhhmmss")
	}
	c.Status.Time = at
	return nil
}
