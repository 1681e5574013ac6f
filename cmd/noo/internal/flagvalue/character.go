package flagvalue

import "errors"

// Character is one ASCII character, by itself or by a name.
type Character struct {
	to      *byte
	none    *bool // nil where none is not allowed
	unset   byte
	choices []string
}

// characterNames are names for characters that are hard to type or to see.
var characterNames = map[string]byte{
	"tab": '\t', `\t`: '\t', "comma": ',', "semicolon": ';', "pipe": '|', "space": ' ',
	"double": '"', "single": '\'',
}

// NewQuote returns a flag that sets *to to the character around a field of CSV, or *none to true.
func NewQuote(to *byte, none *bool) *Character {
	return &Character{to: to, none: none, unset: '"', choices: []string{"double", "single", "none"}}
}

// Set reads a character or its name.
func (c *Character) Set(text string) error {
	if c.none != nil {
		*c.none = text == "none"
		if *c.none {
			return nil
		}
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
	if c.none != nil && *c.none {
		return "none"
	}
	if c.to == nil || *c.to == 0 {
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
