package nhsnumber

// Further texts that mean that there is no number: each system has its own.

import "slices"

// MayMean reports whether a text may be said to mean that there is no number: it must have a
// character, and no number in any form.
func MayMean(text string) bool {
	b := []byte(text)
	_, status := Parse(b)
	return status != Valid && len(trimBlanks(b)) > 0 && !Held(b, func(Key) bool { return true })
}

// IsOneOf reports whether b, without the blanks around it, is one of some texts. It does not
// allocate and does not keep b.
func IsOneOf(b []byte, texts []string) bool {
	if len(texts) == 0 {
		return false
	}
	b = trimBlanks(b)
	return slices.ContainsFunc(texts, func(text string) bool { return string(b) == text })
}
