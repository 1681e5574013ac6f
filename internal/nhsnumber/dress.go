package nhsnumber

// Numbers in a dress that Parse does not take for a number, but a person does: 943.476.5919,
// "9434765919 (verified)", digits of another script. They are never kept as numbers. They are
// looked for so that such a value cannot carry somebody who opted out into an output.

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// longestDress is the length in bytes up to which a text may be one number with other characters
// around it or in it.
const longestDress = 64

// isASCII reports whether b holds ASCII characters only.
func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// undress appends b to dst with a space for every blank of Unicode and without the characters that
// nobody sees. It returns false for a text that is too long to be one number.
func undress(dst, b []byte) ([]byte, bool) {
	if len(b) > longestDress {
		return nil, false
	}
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		switch {
		case r < utf8.RuneSelf || r == utf8.RuneError:
			dst = append(dst, b[:size]...)
		case unicode.Is(unicode.Zs, r):
			dst = append(dst, ' ')
		case unicode.Is(unicode.Cf, r):
		default:
			dst = append(dst, b[:size]...)
		}
		b = b[size:]
	}
	return dst, true
}

// Whole reads a text that is one number and nothing else that has a digit in it: what Parse
// accepts, and any other text of at most 64 bytes with exactly ten digits of any script, whatever
// is between and around them, or in scientific notation. The text is ten digits long where ten
// is true; the status says whether the check digit holds. Whole does not allocate and does not keep
// b.
func Whole(b []byte) (key Key, status Status, ten bool) {
	if key, status = Parse(b); status == Valid {
		return key, Valid, true
	}
	if status == Missing || len(b) < 10 || len(b) > longestDress {
		return 0, status, false
	}
	if isScientific(b) {
		inExponent(b, func(found Key) bool {
			key, status = found, Valid
			return true
		})
		return key, status, status == Valid
	}
	var digits [10]byte
	n := 0
	for len(b) > 0 {
		digit, size := nextDigit(b)
		b = b[size:]
		if digit < 0 {
			continue
		}
		if n == len(digits) {
			return 0, Invalid, false
		}
		digits[n] = byte('0' + digit)
		n++
	}
	if n < len(digits) {
		return 0, Invalid, false
	}
	key, status = parseTen(digits[:])
	return key, status, true
}

// LostDigits reports whether b is a number in scientific notation without all of its digits, such
// as 9.43E+09 of Excel: nobody can tell whose it was.
func LostDigits(b []byte) bool {
	_, status := Parse(b)
	return status == Invalid && isScientific(b)
}

// isScientific reports whether b is one number in scientific notation, as Java and Spark write
// 9.434765919E9.
func isScientific(b []byte) bool {
	b = trimBlanks(b)
	at := bytes.LastIndexAny(b, "eE")
	return at > 0 && at+1 < len(b) && len(bytes.Trim(b[:at], "9876543210.,")) == 0 &&
		len(bytes.Trim(b[at+1:], "9876543210+")) == 0
}

// Held calls found for the key of every number whose ten digits follow one another in b, whatever
// is between them and around them: digits of any script, also the letters O, I and l in the
// place of 0 and 1, and a number in scientific notation whose digits are all there. It stops and
// returns true when found does. It is for values that Parse calls Invalid. Held does not allocate
// and does not keep b.
func Held(b []byte, found func(Key) bool) bool {
	digits := 0
	for rest := b; len(rest) > 0; {
		digit, size := nextDigit(rest)
		rest = rest[size:]
		if digit >= 0 {
			digits++
		}
	}
	if digits == 0 {
		return false
	}
	if digits >= 10 && inDigits(b, false, found) {
		return true
	}
	if bytes.ContainsAny(b, "OoIl") && inDigits(b, true, found) {
		return true
	}
	return inExponent(b, found)
}

// inDigits is Held for the digits of b in their order; with lookalikes the letters that look like 0
// and 1 are digits too.
func inDigits(b []byte, lookalikes bool, found func(Key) bool) bool {
	var window [10]byte
	for n := 0; len(b) > 0; {
		digit, size := nextDigit(b)
		if digit < 0 && lookalikes {
			switch b[0] {
			case 'O', 'o':
				digit = 0
			case 'I', 'l':
				digit = 1
			}
		}
		b = b[size:]
		if digit < 0 {
			continue
		}
		copy(window[:], window[1:])
		window[9] = byte('0' + digit)
		if n++; n < len(window) {
			continue
		}
		if key, status := parseTen(window[:]); status == Valid && found(key) {
			return true
		}
	}
	return false
}

// inExponent is Held for a text such as 9.43476542E9, in which zeros at the end of the number are
// left out.
func inExponent(b []byte, found func(Key) bool) bool {
	at := bytes.LastIndexAny(b, "eE")
	if at < 0 {
		return false
	}
	var digits [10]byte
	kept, before, point := 0, 0, false // digits kept, all before the point
	for _, c := range b[:at] {
		switch {
		case isDigit(c) && (c != '0' || kept > 0 || point):
			if !point {
				before++
			} else if kept == 0 && c == '0' {
				before--
				continue
			}
			if kept < len(digits) {
				digits[kept] = c
				kept++
			}
		case c == '.' || c == ',':
			if point {
				return false
			}
			point = true
		}
	}
	exponent, negative, some := 0, false, false
	for _, c := range b[at+1:] {
		switch {
		case c == '-' && !some:
			negative = true
		case isDigit(c) && exponent < 1000:
			exponent, some = 10*exponent+int(c-'0'), true
		}
	}
	if negative {
		exponent = -exponent
	}
	if kept == 0 || !some || before+exponent != len(digits) {
		return false
	}
	for i := kept; i < len(digits); i++ {
		digits[i] = '0'
	}
	key, status := parseTen(digits[:])
	return status == Valid && found(key)
}

// nextDigit returns the value of the digit with which b starts, or -1 where it starts with
// something else, and the length of that character in bytes.
func nextDigit(b []byte) (digit, size int) {
	if c := b[0]; c < utf8.RuneSelf {
		if isDigit(c) {
			return int(c - '0'), 1
		}
		return -1, 1
	}
	r, size := utf8.DecodeRune(b)
	return digitOf(r), size
}

// digitOf returns the value of a digit beyond ASCII, or -1. Decimal digits come in runs of ten from
// zero to nine (The Unicode Standard, 4.6, "Decimal Digits").
func digitOf(r rune) int {
	switch {
	case unicode.Is(unicode.Nd, r):
		return decimalDigit(r)
	case r == '⁰', r == '₀', r == '⓪':
		return 0
	case r == '¹':
		return 1
	case r == '²', r == '³':
		return int(r - '²' + 2)
	case '⁴' <= r && r <= '⁹':
		return int(r - '⁴' + 4)
	case '₁' <= r && r <= '₉':
		return int(r - '₁' + 1)
	case '①' <= r && r <= '⑨':
		return int(r - '①' + 1)
	}
	return -1
}

func decimalDigit(r rune) int {
	for _, run := range unicode.Nd.R16 {
		if rune(run.Lo) <= r && r <= rune(run.Hi) {
			return int(r-rune(run.Lo)) % 10
		}
	}
	for _, run := range unicode.Nd.R32 {
		if rune(run.Lo) <= r && r <= rune(run.Hi) {
			return int(r-rune(run.Lo)) % 10
		}
	}
	return -1
}
