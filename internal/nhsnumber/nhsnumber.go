// Package nhsnumber reads one NHS number as it is found in real extracts and checks it. It knows
// nothing of files, snapshots or policies: bytes or a typed value go in, a nine-digit key and a
// status come out.
//
// The number is ten digits of which the tenth is a Modulus 11 check digit over the first nine with
// weights 10 to 2 (NHS Data Dictionary, "NHS NUMBER"). The first nine therefore say everything, and
// fit a uint32: that is the Key by which the rest of the program knows a person.
//
// The package never returns, formats or logs the text that it was given.
package nhsnumber

import (
	"iter"
	"math"
	"unicode"
	"unicode/utf8"
)

// Key is the first nine digits of an NHS number, 0 to 999,999,999.
type Key = uint32

// MaxKey is the largest Key that exists.
const MaxKey Key = 999_999_999

// Status says what a value turned out to be. The zero Status is Invalid, so that a status which
// nobody set withholds.
type Status uint8

const (
	// Invalid is something that is no NHS number: wrong length, letters, an exponent, a wrong check
	// digit, a placeholder such as ten times the same digit.
	Invalid Status = iota
	// Missing is a blank, or one of the tokens that programs write for "no value".
	Missing
	// Valid is an NHS number whose check digit holds.
	Valid
)

// Parse reads the text of one field and returns its key and Valid, or zero and Missing or Invalid.
//
// Valid texts are exactly: ten ASCII digits; the same grouped 3-3-4 by single separators, each a
// space, a hyphen or a no-break space (U+00A0, in UTF-8 or as the byte 0xA0 that it is in ISO 8859
// and Windows-1252, which next to digits or blanks is no part of a UTF-8 character); either of
// these within blanks (spaces, tabs, no-break spaces), after one apostrophe, or as ="…"; ten digits
// followed by a point and one or more zeros; and all ten digits in scientific notation, as Java and
// Spark write a double: 9.434765919E9. Missing are blanks alone; NULL, (null), NA, <NA>, N/A, #N/A,
// NaN and None in any case; and -, . and \N. Any other blank of Unicode counts as a space, and
// characters that nobody sees (zero-width and direction marks, soft hyphens, a byte order mark) do
// not count. A number of the wrong length is never padded.
//
// Parse does not allocate and does not keep b.
func Parse(b []byte) (Key, Status) {
	if len(b) == 10 {
		if key, status := parseTen(b); status == Valid {
			return key, Valid
		}
	}
	key, status := parseDressed(trimBlanks(b))
	if status != Invalid || isASCII(b) {
		return key, status
	}
	var memory [longestDress]byte
	plain, ok := undress(memory[:0], b)
	if !ok {
		return 0, Invalid
	}
	return parseDressed(trimBlanks(plain))
}

// parseDressed reads a text without blanks around it in every accepted form but the plain one.
func parseDressed(b []byte) (Key, Status) {
	switch {
	case isNull(b):
		return 0, Missing
	case b[0] == '\'':
		return parseBare(b[1:])
	case len(b) > 3 && b[0] == '=' && b[1] == '"' && b[len(b)-1] == '"':
		return parseBare(b[2 : len(b)-1])
	case len(b) > 11 && b[10] == '.' && allZeros(b[11:]):
		return parseTen(b[:10])
	case len(b) > 12 && b[1] == '.' && b[11]|0x20 == 'e' && isNine(b[12:]):
		var digits [10]byte
		digits[0] = b[0]
		copy(digits[1:], b[2:11])
		return parseTen(digits[:])
	}
	return parseBare(b)
}

// parseBare reads ten digits, plain or grouped 3-3-4.
func parseBare(b []byte) (Key, Status) {
	if len(b) == 10 {
		return parseTen(b)
	}
	if len(b) < 12 || len(b) > 14 {
		return 0, Invalid
	}
	var digits [10]byte
	copy(digits[0:3], b)
	rest := b[3:]
	for _, group := range [2][]byte{digits[3:6], digits[6:10]} {
		n := separator(rest)
		if n == 0 || len(rest) < n+len(group) {
			return 0, Invalid
		}
		copy(group, rest[n:])
		rest = rest[n+len(group):]
	}
	if len(rest) != 0 {
		return 0, Invalid
	}
	return parseTen(digits[:])
}

// ParseInt reads a number from an integer column. It is Valid with ten digits and the right check
// digit; a number of another length, such as one that lost its leading zero, is Invalid.
func ParseInt(v int64) (Key, Status) {
	if v < 1_000_000_000 || v > 9_999_999_999 {
		return 0, Invalid
	}
	key := uint32(v / 10)
	sum := uint32(v % 10)
	for weight, rest := uint32(2), key; rest > 0; weight++ {
		sum += weight * (rest % 10)
		rest /= 10
	}
	if sum%11 != 0 || key%111_111_111 == 0 {
		return 0, Invalid
	}
	return key, Valid
}

// ParseFloat reads a number from a floating-point column: an integral value as ParseInt would, NaN
// as Missing (it is how pandas stores a null), anything else as Invalid.
func ParseFloat(v float64) (Key, Status) {
	switch {
	case math.IsNaN(v):
		return 0, Missing
	case v != math.Trunc(v) || v < 0 || v > 9_999_999_999:
		return 0, Invalid
	}
	return ParseInt(int64(v))
}

// Within reports whether a valid number is anywhere in b, ten digits or grouped 3-3-4, with no
// other digit next to it. It is for text that should hold none, such as a header.
func Within(b []byte) bool {
	for range In(b) {
		return true
	}
	return false
}

// In gives the starts and ends, in bytes, of the numbers that Within looks for.
func In(b []byte) iter.Seq2[int, int] {
	return func(yield func(start, end int) bool) {
		for start, end := find(b, 0); start >= 0; start, end = find(b, start+1) {
			if !yield(start, end) {
				return
			}
		}
	}
}

// find returns where the first valid number at or after from starts and ends, or -1.
func find(b []byte, from int) (start, end int) {
	for start := from; start < len(b); start++ {
		if !isDigit(b[start]) || start > 0 && isDigit(b[start-1]) {
			continue
		}
		for _, length := range []int{10, 12, 13, 14} {
			end := start + length
			if end > len(b) || end < len(b) && isDigit(b[end]) {
				continue
			}
			if _, status := parseBare(b[start:end]); status == Valid {
				return start, end
			}
		}
	}
	return -1, -1
}

// InName gives the starts and ends, in bytes, of the valid numbers in a name: ten digits, or
// grouped 3-3-4 by whatever is neither a letter nor a digit, damaged UTF-8 included. Characters
// that nobody sees, such as a zero-width space, do not count.
func InName(text string) iter.Seq2[int, int] {
	alike, places := alikeName(text)
	return func(yield func(start, end int) bool) {
		for start, end := range In(alike) {
			if !yield(places[start], places[end-1]+1) {
				return
			}
		}
	}
}

// alikeName is a name with one separator for any number of any kind, and the place in it of each of
// its characters.
func alikeName(text string) (alike []byte, places []int) {
	for i, r := range text {
		c := byte('-')
		switch {
		case unicode.Is(unicode.Cf, r):
			continue
		case r < utf8.RuneSelf && isDigit(byte(r)):
			c = byte(r)
		case unicode.In(r, unicode.L, unicode.N):
			c = 'a'
		case len(alike) > 0 && alike[len(alike)-1] == '-':
			continue
		}
		alike, places = append(alike, c), append(places, i)
	}
	return alike, places
}

// Mask returns text with an x for every digit of the numbers that InName finds in it. It is for
// what is shown though somebody may have put a number into it: the name of a file, above all.
func Mask(text string) string {
	masked := []byte(text)
	for start, end := range InName(text) {
		for i := start; i < end; i++ {
			if isDigit(masked[i]) {
				masked[i] = 'x'
			}
		}
	}
	return string(masked)
}

// MayBeIssued tells by its first digit whether a number may be a person's: numbers are issued from
// 3 upwards. What starts with less, as the date and hour of an extract or a time in seconds, is as
// long, and is in names and metadata.
func MayBeIssued(first byte) bool { return first >= '3' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// CheckDigit returns the check digit that completes key, or false where key is above MaxKey or the
// digit would be ten, in which case the number is never issued.
func CheckDigit(key Key) (int, bool) {
	if key > MaxKey {
		return 0, false
	}
	var sum uint32
	for weight, rest := uint32(2), key; rest > 0; weight++ {
		sum += weight * (rest % 10)
		rest /= 10
	}
	digit := (11 - sum%11) % 11
	return int(digit), digit < 10
}

// separator returns the length of the group separator that b starts with, or 0.
func separator(b []byte) int {
	switch {
	case len(b) > 0 && (b[0] == ' ' || b[0] == '-'):
		return 1
	case len(b) > 0 && b[0] == 0xA0:
		return 1
	case len(b) > 1 && b[0] == 0xC2 && b[1] == 0xA0:
		return 2
	}
	return 0
}

// trimBlanks cuts spaces, tabs and no-break spaces from both ends.
func trimBlanks(b []byte) []byte {
	for len(b) > 0 {
		switch {
		case b[0] == ' ' || b[0] == '\t' || b[0] == 0xA0:
			b = b[1:]
			continue
		case len(b) > 1 && b[0] == 0xC2 && b[1] == 0xA0:
			b = b[2:]
			continue
		}
		break
	}
	for len(b) > 0 {
		last := len(b) - 1
		switch {
		case last > 0 && b[last-1] == 0xC2 && b[last] == 0xA0:
			b = b[:last-1]
			continue
		case b[last] == ' ' || b[last] == '\t' || b[last] == 0xA0:
			b = b[:last]
			continue
		}
		break
	}
	return b
}

// isNull reports whether a trimmed text is empty or a token that stands for "no value".
func isNull(b []byte) bool {
	switch len(b) {
	case 0:
		return true
	case 1:
		return b[0] == '-' || b[0] == '.'
	case 2:
		return foldEqual(b, "na") || b[0] == '\\' && b[1] == 'N'
	case 3:
		return foldEqual(b, "n/a") || foldEqual(b, "nan")
	case 4:
		return foldEqual(b, "null") || foldEqual(b, "none") || foldEqual(b, "<na>") ||
			foldEqual(b, "#n/a")
	case 6:
		return foldEqual(b, "(null)")
	}
	return false
}

// foldEqual compares ASCII text of one length without regard to case; lower is in lower case.
func foldEqual(b []byte, lower string) bool {
	for i := range len(lower) {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// isNine reports whether b is an exponent of nine: 9, +9 or +09.
func isNine(b []byte) bool {
	switch len(b) {
	case 1:
		return b[0] == '9'
	case 2:
		return (b[0] == '+' || b[0] == '0') && b[1] == '9'
	}
	return len(b) == 3 && b[0] == '+' && b[1] == '0' && b[2] == '9'
}

func allZeros(b []byte) bool {
	for _, c := range b {
		if c != '0' {
			return false
		}
	}
	return true
}
