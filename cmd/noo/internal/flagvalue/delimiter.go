package flagvalue

import (
	"encoding/hex"
	"errors"
	"strings"
)

// Delimiter is the text between two fields: characters, one of their names, or bytes in
// hexadecimal.
type Delimiter struct {
	to   *string
	auto *bool // set by the word auto
}

// NewDelimiter returns a flag that sets *to to the text between two fields of CSV, or *auto to
// true.
func NewDelimiter(to *string, auto *bool) *Delimiter { return &Delimiter{to: to, auto: auto} }

// Set reads a delimiter. How long it may be and what may be in it is for the format to say.
func (d *Delimiter) Set(text string) error {
	if *d.auto = text == "auto"; *d.auto {
		return nil
	}
	b, named := characterNames[text]
	bytes, inHex := Hex(text)
	switch {
	case named:
		*d.to = string(rune(b))
	case inHex:
		*d.to = string(bytes)
	case text == "" || len(text) > 1 && !strings.ContainsFunc(text, isNoLetter): // a mistyped name
		return errors.New("want characters, or a name such as tab, semicolon or pipe, or 0x1f")
	default:
		*d.to = text
	}
	return nil
}

func isNoLetter(r rune) bool { return !('a' <= r|0x20 && r|0x20 <= 'z') }

// String returns the characters, in hexadecimal if nobody could see them, or "" where the flag is
// not set.
func (d *Delimiter) String() string {
	if d.auto != nil && *d.auto {
		return "auto"
	}
	if d.to == nil || !isHidden(*d.to) {
		return textOf(d.to)
	}
	return "0x" + hex.EncodeToString([]byte(*d.to))
}

func textOf(to *string) string {
	if to == nil {
		return ""
	}
	return *to
}

// isHidden reports whether a text has control characters other than tabs.
func isHidden(text string) bool {
	return strings.ContainsFunc(
		text,
		func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7F },
	)
}

// Type returns what help calls the value.
func (*Delimiter) Type() string { return "TEXT" }

// Choices returns the usual delimiters by their names.
func (*Delimiter) Choices() []string { return []string{"auto", "comma", "pipe", "semicolon", "tab"} }

// Unset returns the delimiter that applies where the flag is not set.
func (*Delimiter) Unset() string { return "," }

// Hex reads bytes in hexadecimal, such as 0x1f. It reports whether text is of that form.
func Hex(text string) ([]byte, bool) {
	digits, ok := strings.CutPrefix(strings.ToLower(text), "0x")
	bytes, err := hex.DecodeString(digits)
	return bytes, ok && err == nil && len(bytes) > 0
}
