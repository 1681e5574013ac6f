package fhir

// Reading one JSON value whose bytes are all there. It checks the whole grammar of RFC 8259, also of
// values that nobody asks for: two programs must not read a file differently.

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep values may be nested. FHIR's resources stay below 20.
const maxDepth = 64

// decoder reads a value from its start to its end. The first error sticks: after it, every method
// returns zeros.
type decoder struct {
	text  []byte
	at    int
	depth int
	err   error
	found error // why the resource is not used, if the rest is in order
}

// read starts with another text.
func (d *decoder) read(text []byte) { *d = decoder{text: text} }

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.at = len(d.text)
}

// refuse notes that a resource cannot be used. The rest of it is still read.
func (d *decoder) refuse(reason Unusable) {
	if d.found == nil {
		d.found = reason
	}
}

// peek returns the next byte that is not blank, or 0 at the end.
func (d *decoder) peek() byte {
	for ; d.at < len(d.text); d.at++ {
		if c := d.text[d.at]; !isBlank(c) {
			return c
		}
	}
	return 0
}

// expect consumes a byte.
func (d *decoder) expect(c byte) bool {
	if d.peek() != c {
		d.fail(ErrJSON)
		return false
	}
	d.at++
	return true
}

// end makes sure that nothing follows.
func (d *decoder) end() {
	if d.peek() != 0 || d.at < len(d.text) {
		d.fail(ErrJSON)
	}
}

// enter begins an object or an array, and reports whether there is something in it.
func (d *decoder) enter(open, closing byte) bool {
	if d.peek() != open {
		d.fail(ErrType)
		return false
	}
	d.at++
	if d.depth++; d.depth > maxDepth {
		d.fail(ErrTooDeep)
		return false
	}
	if d.peek() == closing {
		d.at++
		d.depth--
		return false
	}
	return true
}

// another reports whether another member or element follows, and consumes the comma or the end.
func (d *decoder) another(closing byte) bool {
	switch d.peek() {
	case ',':
		d.at++
		return true
	case closing:
		d.at++
		d.depth--
		return false
	}
	d.fail(ErrJSON)
	return false
}

// names are the elements that an object may have, and a number below 64 for each.
type names struct {
	numbers map[string]uint8
	// foreign is what is wrong with a name that is not among them; nil if it is skipped.
	foreign error
}

// object reads an object and calls member for each of its members, which consumes the value. A name
// that comes twice is ErrDuplicate. The name of a primitive with a _ before it holds extensions, and
// is skipped.
func (d *decoder) object(names names, member func(name uint8)) {
	var seen uint64
	for more := d.enter('{', '}'); more; more = d.another('}') {
		key := d.str()
		if !d.expect(':') {
			return
		}
		name, ok := names.numbers[string(key)]
		if !ok {
			if len(key) > 1 && key[0] == '_' {
				if _, ok := names.numbers[string(key[1:])]; ok {
					d.skip()
					continue
				}
			}
			d.unknown(names.foreign)
			continue
		}
		if seen>>name&1 != 0 {
			d.fail(ErrDuplicate)
			return
		}
		seen |= 1 << name
		member(name)
	}
}

// unknown consumes the value of a name that an object may not have.
func (d *decoder) unknown(foreign error) {
	switch reason := foreign.(type) {
	case Unusable:
		d.refuse(reason)
	case fault:
		d.fail(reason)
		return
	}
	d.skip()
}

// array reads an array and calls each for each element, which consumes it.
func (d *decoder) array(each func()) {
	for more := d.enter('[', ']'); more; more = d.another(']') {
		each()
	}
}

// str reads a string, and returns what it means. The result may be a part of the text.
func (d *decoder) str() []byte {
	if d.peek() != '"' {
		d.fail(ErrType)
		return nil
	}
	start := d.at + 1
	if escaped := d.skipString(); d.err != nil || !escaped {
		return d.text[start:max(start, d.at-1)]
	}
	return d.unescape(d.text[start : d.at-1])
}

// skipString consumes a string, and reports whether it has escapes.
func (d *decoder) skipString() (escaped bool) {
	for i := d.at + 1; i < len(d.text); i++ {
		switch c := d.text[i]; {
		case c == '"':
			d.at = i + 1
			return escaped
		case c < ' ':
			d.fail(ErrJSON)
			return false
		case c == '\\':
			escaped = true
			i++
			switch {
			case i >= len(d.text):
			case d.text[i] == 'u':
				if _, ok := hex4(d.text[i+1:]); !ok {
					d.fail(ErrJSON)
					return false
				}
				i += 4
			case bytes.IndexByte([]byte(`"\/bfnrt`), d.text[i]) < 0:
				d.fail(ErrJSON)
				return false
			}
		}
	}
	d.fail(ErrJSON)
	return false
}

// unescape returns what the inside of a string means. Half of a surrogate pair means nothing.
func (d *decoder) unescape(inside []byte) []byte {
	meant := make([]byte, 0, len(inside))
	for i := 0; i < len(inside); i++ {
		if inside[i] != '\\' {
			meant = append(meant, inside[i])
			continue
		}
		i++
		if at := bytes.IndexByte([]byte(`"\/bfnrt`), inside[i]); at >= 0 {
			meant = append(meant, "\"\\/\b\f\n\r\t"[at])
			continue
		}
		r, _ := hex4(inside[i+1:])
		i += 4
		if utf16.IsSurrogate(r) {
			second, ok := rune(0), false
			if rest := inside[i+1:]; len(rest) > 5 && rest[0] == '\\' && rest[1] == 'u' {
				second, ok = hex4(rest[2:])
			}
			if r = utf16.DecodeRune(r, second); !ok || r == utf8.RuneError {
				d.fail(ErrJSON)
				return nil
			}
			i += 6
		}
		meant = utf8.AppendRune(meant, r)
	}
	return meant
}

func hex4(text []byte) (r rune, ok bool) {
	if len(text) < 4 {
		return 0, false
	}
	for _, c := range text[:4] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// skip consumes a value of any type, and checks its grammar.
func (d *decoder) skip() {
	switch c := d.peek(); {
	case c == '{':
		for more := d.enter('{', '}'); more; more = d.another('}') {
			if d.peek() != '"' {
				d.fail(ErrJSON)
				return
			}
			d.skipString()
			if d.expect(':') {
				d.skip()
			}
		}
	case c == '[':
		d.array(d.skip)
	case c == '"':
		d.skipString()
	case c == '-' || isDigit(c):
		d.number()
	default:
		for _, word := range []string{"true", "false", "null"} {
			if bytes.HasPrefix(d.text[d.at:], []byte(word)) {
				d.at += len(word)
				return
			}
		}
		d.fail(ErrJSON)
	}
}

// number consumes a number.
func (d *decoder) number() {
	if d.text[d.at] == '-' {
		d.at++
	}
	if d.at < len(d.text) && d.text[d.at] == '0' {
		d.at++
	} else {
		d.digits()
	}
	if d.at < len(d.text) && d.text[d.at] == '.' {
		d.at++
		d.digits()
	}
	if d.at < len(d.text) && d.text[d.at]|0x20 == 'e' {
		d.at++
		if d.at < len(d.text) && (d.text[d.at] == '+' || d.text[d.at] == '-') {
			d.at++
		}
		d.digits()
	}
}

// digits consumes one digit or more.
func (d *decoder) digits() {
	start := d.at
	for d.at < len(d.text) && isDigit(d.text[d.at]) {
		d.at++
	}
	if d.at == start {
		d.fail(ErrJSON)
	}
}

// count reads a whole number that is not negative.
func (d *decoder) count() (n uint64) {
	d.peek()
	start := d.at
	d.digits()
	if d.err != nil {
		return 0
	}
	text := d.text[start:d.at]
	if len(text) > 15 || len(text) > 1 && text[0] == '0' {
		d.fail(ErrType)
		return 0
	}
	for _, c := range text {
		n = 10*n + uint64(c-'0')
	}
	return n
}

func isBlank(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }
