package jsontext

// Reading one JSON value whose bytes are all there. It checks the whole grammar of RFC 8259, also
// of values that nobody asks for: two programs must not read a file differently.

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is how deep values may be nested. FHIR's resources stay below 20.
const MaxDepth = 64

// Decoder reads a value from its start to its end. The first error sticks: after it, every method
// returns zeros. It is not safe for concurrent use.
type Decoder struct {
	// Input is the text, and At the place in it of what is read next.
	Input []byte
	At    int
	// Err is the first error: the text must not be used.
	Err error
	// Refused is the first reason for which the value is not used, if the rest is in order.
	Refused error

	depth int
}

// Fail notes that the text must not be used, and goes to its end.
func (d *Decoder) Fail(err error) {
	if d.Err == nil {
		d.Err = err
	}
	d.At = len(d.Input)
}

// Refuse notes that the value cannot be used. The rest of it is still read.
func (d *Decoder) Refuse(reason error) {
	if d.Refused == nil {
		d.Refused = reason
	}
}

// Peek returns the next byte that is not blank, or 0 at the end.
func (d *Decoder) Peek() byte {
	for ; d.At < len(d.Input); d.At++ {
		if c := d.Input[d.At]; !isBlank(c) {
			return c
		}
	}
	return 0
}

// Expect consumes a byte.
func (d *Decoder) Expect(c byte) bool {
	if d.Peek() != c {
		d.Fail(ErrJSON)
		return false
	}
	d.At++
	return true
}

// End makes sure that nothing follows.
func (d *Decoder) End() {
	if d.Peek() != 0 || d.At < len(d.Input) {
		d.Fail(ErrJSON)
	}
}

// enter begins an object or an array, and reports whether there is something in it.
func (d *Decoder) enter(open, closing byte) bool {
	if d.Peek() != open {
		d.Fail(ErrType)
		return false
	}
	d.At++
	if d.depth++; d.depth > MaxDepth {
		d.Fail(ErrTooDeep)
		return false
	}
	if d.Peek() == closing {
		d.At++
		d.depth--
		return false
	}
	return true
}

// another reports whether another member or element follows, and consumes the comma or the end.
func (d *Decoder) another(closing byte) bool {
	switch d.Peek() {
	case ',':
		d.At++
		return true
	case closing:
		d.At++
		d.depth--
		return false
	}
	d.Fail(ErrJSON)
	return false
}

// Names are the elements that an object may have, and a number below 64 for each.
type Names struct {
	Numbers map[string]uint8
	// Foreign is what is wrong with another name: a Fault fails, another error refuses, and nil
	// skips it.
	Foreign error
}

// Object reads an object and calls member for each of its members, which consumes the value. A name
// that comes twice is ErrDuplicate. The name of a primitive with a _ before it holds extensions,
// and is skipped.
func (d *Decoder) Object(names Names, member func(name uint8)) {
	var seen uint64
	for more := d.enter('{', '}'); more; more = d.another('}') {
		key := d.Text()
		if !d.Expect(':') {
			return
		}
		name, ok := names.Numbers[string(key)]
		if !ok {
			if len(key) > 1 && key[0] == '_' {
				if _, ok := names.Numbers[string(key[1:])]; ok {
					d.Skip()
					continue
				}
			}
			d.unknown(names.Foreign)
			continue
		}
		if seen>>name&1 != 0 {
			d.Fail(ErrDuplicate)
			return
		}
		seen |= 1 << name
		member(name)
	}
}

// unknown consumes the value of a name that an object may not have.
func (d *Decoder) unknown(foreign error) {
	switch _, isFault := foreign.(Fault); {
	case isFault:
		d.Fail(foreign)
		return
	case foreign != nil:
		d.Refuse(foreign)
	}
	d.Skip()
}

// Array reads an array and calls each for each element, which consumes it.
func (d *Decoder) Array(each func()) {
	for more := d.enter('[', ']'); more; more = d.another(']') {
		each()
	}
}

// Find returns the member of an object that begins here, if it has a text, and consumes nothing. Of
// members with the same name it is the first.
func (d *Decoder) Find(name string) (text []byte, found bool) {
	ahead := Decoder{Input: d.Input, At: d.At}
	for more := ahead.enter('{', '}'); more; more = ahead.another('}') {
		key := ahead.Text()
		if !ahead.Expect(':') {
			break
		}
		if string(key) == name {
			return ahead.Text(), ahead.Err == nil
		}
		ahead.Skip()
	}
	return nil, false
}

// Text reads a string, and returns what it means. The result may be a part of the text.
func (d *Decoder) Text() []byte {
	if d.Peek() != '"' {
		d.Fail(ErrType)
		return nil
	}
	start := d.At + 1
	if escaped := d.skipString(); d.Err != nil || !escaped {
		return d.Input[start:max(start, d.At-1)]
	}
	return d.unescape(d.Input[start : d.At-1])
}

// skipString consumes a string, and reports whether it has escapes.
func (d *Decoder) skipString() (escaped bool) {
	for i := d.At + 1; i < len(d.Input); i++ {
		switch c := d.Input[i]; {
		case c == '"':
			d.At = i + 1
			return escaped
		case c < ' ':
			d.Fail(ErrJSON)
			return false
		case c == '\\':
			escaped = true
			i++
			switch {
			case i >= len(d.Input):
			case d.Input[i] == 'u':
				if _, ok := hex4(d.Input[i+1:]); !ok {
					d.Fail(ErrJSON)
					return false
				}
				i += 4
			case bytes.IndexByte([]byte(`"\/bfnrt`), d.Input[i]) < 0:
				d.Fail(ErrJSON)
				return false
			}
		}
	}
	d.Fail(ErrJSON)
	return false
}

// unescape returns what the inside of a string means. Half of a surrogate pair means nothing.
func (d *Decoder) unescape(inside []byte) []byte {
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
				d.Fail(ErrJSON)
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

// Skip consumes a value of any type, and checks its grammar.
func (d *Decoder) Skip() {
	switch c := d.Peek(); {
	case c == '{':
		for more := d.enter('{', '}'); more; more = d.another('}') {
			if d.Peek() != '"' {
				d.Fail(ErrJSON)
				return
			}
			d.skipString()
			if d.Expect(':') {
				d.Skip()
			}
		}
	case c == '[':
		d.Array(d.Skip)
	case c == '"':
		d.skipString()
	case c == '-' || isDigit(c):
		d.number()
	default:
		for _, word := range []string{"true", "false", "null"} {
			if bytes.HasPrefix(d.Input[d.At:], []byte(word)) {
				d.At += len(word)
				return
			}
		}
		d.Fail(ErrJSON)
	}
}

// number consumes a number.
func (d *Decoder) number() {
	if d.Input[d.At] == '-' {
		d.At++
	}
	if d.At < len(d.Input) && d.Input[d.At] == '0' {
		d.At++
	} else {
		d.digits()
	}
	if d.At < len(d.Input) && d.Input[d.At] == '.' {
		d.At++
		d.digits()
	}
	if d.At < len(d.Input) && d.Input[d.At]|0x20 == 'e' {
		d.At++
		if d.At < len(d.Input) && (d.Input[d.At] == '+' || d.Input[d.At] == '-') {
			d.At++
		}
		d.digits()
	}
}

// digits consumes one digit or more.
func (d *Decoder) digits() {
	start := d.At
	for d.At < len(d.Input) && isDigit(d.Input[d.At]) {
		d.At++
	}
	if d.At == start {
		d.Fail(ErrJSON)
	}
}

// Count reads a whole number that is not negative.
func (d *Decoder) Count() (n uint64) {
	if !isDigit(d.Peek()) {
		d.Fail(ErrType)
		return 0
	}
	start := d.At
	d.digits()
	if d.Err != nil {
		return 0
	}
	text := d.Input[start:d.At]
	if len(text) > 15 || len(text) > 1 && text[0] == '0' {
		d.Fail(ErrType)
		return 0
	}
	for _, c := range text {
		n = 10*n + uint64(c-'0')
	}
	return n
}

func isBlank(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
