package pseudonym

// The forms of a pseudonym in a dataset. Their lengths differ, so that no flag need say which form
// a column has.

import (
	"bytes"
	"encoding/base64"
	"unicode"
	"unicode/utf8"
)

const (
	hexDigits   = 64 // of a digest
	base64Bare  = 43 // characters of a digest in base64, without the = at the end
	digestBytes = 32
)

// Parse reads the text of one field as a pseudonym. It returns false for everything else.
//
// Pseudonyms are exactly: 64 hexadecimal digits in any case, perhaps behind \x or 0x, as PostgreSQL
// and SQL Server write binary values; base64 of 32 bytes, with the standard or the URL alphabet,
// with or without = at the end; each of them perhaps within blanks; and 32 bytes as they are, if a
// person could not read them as text, so that no other text of 32 characters is taken for one.
// Shortened hashes are none, nor are 32 times the same byte, which stand for "no value".
//
// Parse does not allocate and does not keep b.
func Parse(b []byte) (digest Digest, ok bool) {
	if len(b) == digestBytes {
		copy(digest[:], b)
		return digest, !readable(b) && !uniform(&digest)
	}
	if !parseText(bytes.Trim(b, " \t"), &digest) {
		return digest, false
	}
	return digest, !uniform(&digest)
}

// parseText reads hexadecimal digits or base64.
func parseText(b []byte, digest *Digest) bool {
	switch len(b) {
	case hexDigits:
		return parseHex(b, digest)
	case hexDigits + 2:
		marked := b[0] == '\\' && b[1] == 'x' || b[0] == '0' && (b[1] == 'x' || b[1] == 'X')
		return marked && parseHex(b[2:], digest)
	case base64Bare + 1:
		return b[base64Bare] == '=' && parseBase64(b[:base64Bare], digest)
	case base64Bare:
		return parseBase64(b, digest)
	}
	return false
}

// hexValues has the value of each hexadecimal digit, and 0xff for other bytes.
var hexValues = func() (values [256]uint8) {
	for i := range values {
		values[i] = 0xff
	}
	for i := range uint8(10) {
		values['0'+i] = i
	}
	for i := range uint8(6) {
		values['a'+i], values['A'+i] = 10+i, 10+i
	}
	return values
}()

func parseHex(b []byte, digest *Digest) bool {
	bad := uint8(0)
	b = b[:hexDigits]
	for i := range digest {
		high, low := hexValues[b[2*i]], hexValues[b[2*i+1]]
		bad |= high | low
		digest[i] = high<<4 | low&0xf
	}
	return bad < 16
}

// The two alphabets of base64. Strict refuses bits behind the last byte.
var (
	standard = base64.RawStdEncoding.Strict()
	url      = base64.RawURLEncoding.Strict()
)

func parseBase64(b []byte, digest *Digest) bool {
	if bytes.ContainsAny(b, "\r\n") { // the decoder passes over them
		return false
	}
	encoding := standard
	if bytes.ContainsAny(b, "-_") {
		encoding = url
	}
	n, err := encoding.Decode(digest[:], b)
	return err == nil && n == len(digest)
}

// readable reports whether a person can read b as text: UTF-8 without control characters. Of 10^11
// digests, one is.
func readable(b []byte) bool {
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 || unicode.IsControl(r) {
			return false
		}
		b = b[size:]
	}
	return true
}

// uniform reports whether all bytes are the same.
func uniform(digest *Digest) bool {
	for _, c := range digest {
		if c != digest[0] {
			return false
		}
	}
	return true
}

// mostHeld is how many bytes of a text that is no pseudonym are searched for one.
const mostHeld = 4096

// held calls found for everything in b that a person would take for a pseudonym: 64 hexadecimal
// digits in a row, whatever is around them, or 32 bytes. It stops and returns true when found does.
func held(b []byte, found func(*Digest) bool) bool {
	var digest Digest
	if len(b) == digestBytes {
		copy(digest[:], b)
		if found(&digest) {
			return true
		}
	}
	b = b[:min(len(b), mostHeld)]
	row := 0 // hexadecimal digits up to here
	for i, c := range b {
		if hexValues[c] == 0xff {
			row = 0
			continue
		}
		if row++; row >= hexDigits && parseHex(b[i+1-hexDigits:i+1], &digest) && found(&digest) {
			return true
		}
	}
	return false
}

// MayMean reports whether a text may be said to mean that there is no pseudonym: it is none, and
// has none in it, whoever's.
func MayMean(text string) bool {
	if _, ok := Parse([]byte(text)); ok {
		return false
	}
	return !held([]byte(text), func(digest *Digest) bool { return string(digest[:]) != text })
}
