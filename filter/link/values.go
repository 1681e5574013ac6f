package link

// How a value is read as a local id. The same id may be text in one table and an integer in
// another; nothing else is made alike, since what looks alike may be two people.

import (
	"bytes"
	"math"

	"noo/formats"
	"noo/internal/nhsnumber"
)

// Reader reads the values of a column as ids of a set. It keeps its memory between calls, and is
// for one goroutine.
type Reader struct {
	Set     *IDs
	ids     []ID
	scratch []byte
}

// Read returns an ID for each value of a column, in the order of Values.Text, Fixed, Ints or
// Floats. They are good until the next call.
func (r *Reader) Read(values *formats.Values) []ID {
	r.ids = r.ids[:0]
	for _, text := range values.Text {
		r.ids = append(r.ids, r.text(text))
	}
	for k := range values.Fixed {
		for i := range values.Fixed[k].Count {
			r.ids = append(r.ids, r.text(values.Fixed[k].At(i)))
		}
	}
	for _, v := range values.Ints {
		r.ids = append(r.ids, integer(v))
	}
	for _, v := range values.Floats {
		r.ids = append(r.ids, float(v))
	}
	return r.ids
}

// exactFloats is the limit below which two integers are never one floating-point number.
const exactFloats = 1 << 53

// float reads a floating-point number, as pandas writes integers where some are missing.
func float(v float64) ID {
	switch {
	case math.IsNaN(v):
		return Missing
	case v != math.Trunc(v) || math.Abs(v) >= exactFloats:
		return Unusable
	}
	return integer(int64(v))
}

// text reads a text: an integer if it is one as programs write it, without zeros before it.
func (r *Reader) text(text []byte) ID {
	if v, ok := parseInteger(text); ok {
		return integer(v)
	}
	switch {
	case isMissing(text):
		return Missing
	case lostDigits(text):
		return Unusable
	}
	return r.Set.text(text, &r.scratch)
}

// parseInteger reads an integer that would be written in just this way.
func parseInteger(text []byte) (int64, bool) {
	digits := text
	negative := len(text) > 1 && text[0] == '-'
	if negative {
		digits = text[1:]
	}
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' && len(text) > 1 {
		return 0, false
	}
	v := uint64(0)
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = 10*v + uint64(c-'0')
	}
	switch {
	case negative && v <= 1<<63:
		return -int64(v), true
	case !negative && v < 1<<63:
		return int64(v), true
	}
	return 0, false
}

// notIDs are what programs and people write where there is no id, beside what is missing for an
// NHS number. Two people who have one of them have nothing in common.
var notIDs = [][]byte{
	[]byte(`\n`), []byte("<na>"), []byte("."), []byte("(null)"), []byte("[null]"), []byte("nil"),
	[]byte("undefined"), []byte("unknown"), []byte("?"), []byte("--"), []byte(`=""`), []byte("'"),
	[]byte("#n/a"), []byte("#ref!"), []byte("#value!"), []byte("#name?"), []byte("#null!"),
	[]byte("#num!"), []byte("#div/0!"),
}

// longestNotID is the length of the longest of them, with room for blanks.
const longestNotID = 16

// isMissing reports whether a text says that there is no id.
func isMissing(text []byte) bool {
	if len(text) > 0 && '0' <= text[0] && text[0] <= '9' {
		return false // nothing of the kind starts so
	}
	if _, status := nhsnumber.Parse(text); status == nhsnumber.Missing {
		return true
	}
	if len(text) > longestNotID {
		return false
	}
	trimmed := bytes.TrimSpace(text)
	for _, token := range notIDs {
		if bytes.EqualFold(trimmed, token) {
			return true
		}
	}
	return false
}

// lostDigits reports whether a text is a number as spreadsheets write long ones: 1.23457E+12 may
// be many ids.
func lostDigits(text []byte) bool {
	rest := bytes.TrimSpace(text)
	if len(rest) > 0 && (rest[0] == '-' || rest[0] == '+') {
		rest = rest[1:]
	}
	if len(rest) == 0 || len(rest) > 32 {
		return false
	}
	whole := skipDigits(rest)
	fraction, pointed := bytes.CutPrefix(whole, []byte("."))
	if len(whole) == len(rest) {
		return false
	}
	exponent := skipDigits(fraction)
	if len(exponent) < 2 || exponent[0]|0x20 != 'e' {
		return false
	}
	exponent = exponent[1:]
	signed := exponent[0] == '+' || exponent[0] == '-'
	if signed {
		exponent = exponent[1:]
	}
	// 12E5 alone may be an id as it is.
	return (pointed || signed) && len(exponent) > 0 && len(skipDigits(exponent)) == 0
}

// skipDigits returns a text without the digits that it starts with.
func skipDigits(text []byte) []byte {
	for len(text) > 0 && '0' <= text[0] && text[0] <= '9' {
		text = text[1:]
	}
	return text
}
