package flagvalue

import "errors"

// Character is one ASCII character, by itself or by a name.
type Character struct {
	to      *byte
	none    *bool // set by the word none
	lenient *bool // set by the word lenient
	unset   byte
	choices []string
}

// characterNames are names for characters that are hard to type or to see.
var characterNames = map[string]byte{
	"tab": '\t', `\t`: '\t', "comma": ',', "semicolon": ';', "pipe": '|', "space": ' ',
	"double": '"', "single": '\'',
}

// NewQuote returns a flag that sets *to to the character around a field of CSV, or *none to true,
// or *lenient to true for double quotes that are not doubled in the text.
func NewQuote(to *byte, none, lenient *bool) *Character {
	return &Character{
		to: to, none: none, lenient: lenient, unset: '"', choices: []string{"double", "single", "none", "lenient"},
	}
}

// Set reads a character or its name.
func (c *Character) Set(text string) error {
	*c.none, *c.lenient = text == "none", text == "lenient"
	if *c.none {
		return nil
	}
	if *c.lenient {
		*c.to = '"'
		return nil
	}
	if b, ok := characterNames[text]; ok {
		*c.to = b
		return nil
	}
	if len(text) != 1 {
		return errors.New("want one ASCII character, or a name such as tab, semicolon or pipe")
	}
	*c.to = text[0]
	return nil
}

// String returns the character, "none", or "" where the flag is not set.
func (c *Character) String() string {
	switch {
	case c.none != nil && *c.none:
		return "none"
	case c.lenient != nil && *c.lenient:
		return "lenient"
	case c.to == nil || *c.to == 0:
		return ""
	}
	return string(rune(*c.to))
}

// Type returns what help calls the value.
func (*Character) Type() string { return "CHAR" }

// Choices returns the usual characters by their names.
func (c *Character) Choices() []string { return c.choices }

// Unset returns the character that applies where the flag is not set.
func (c *Character) Unset() string { return string(rune(c.unset)) }
