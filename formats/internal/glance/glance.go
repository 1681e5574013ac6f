// Package glance tells quickly which values of a watched column may be NHS numbers, or the name of
// a column of them. Nearly all values are neither, and are told by their length or their size.
package glance

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// MayMatter reports whether a text may be a number that starts with one of the digits in first, or
// the name of a column of numbers.
func MayMatter(text []byte, first *[10]bool) bool {
	return len(text) >= 10 && mayBeNumber(text, first) ||
		len(text) >= 5 && len(text) <= longestName && holdsNHS(text)
}

// The least and the largest number of ten digits.
const leastNumber, mostNumber = 1_000_000_000, 9_999_999_999

// MayBeInt reports whether an integer may be a number that starts with one of the digits in first.
func MayBeInt(v uint64, first *[10]bool) bool {
	return v-leastNumber <= mostNumber-leastNumber && first[v/leastNumber]
}

// MayBeFloat is MayBeInt for a floating-point number.
func MayBeFloat(v float64, first *[10]bool) bool {
	return v >= leastNumber && v <= mostNumber && v == math.Trunc(v) && first[int64(v)/leastNumber]
}

// longestName is the length in bytes up to which a value may be the name of a column.
const longestName = 40

const (
	everyByte = 0x0101010101010101
	lowBits   = 0x7F7F7F7F7F7F7F7F
)

// mayBeNumber reports whether a text of ten bytes or more has ten digits, or may have some that are
// not ASCII.
func mayBeNumber(text []byte, first *[10]bool) bool {
	if len(text) == 10 {
		digit := text[0] - '0'
		return digit <= 9 && first[digit] &&
			notDigits(binary.LittleEndian.Uint64(text[2:])) == 0
	}
	digits := 0
	for ; len(text) >= 8; text = text[8:] {
		word := binary.LittleEndian.Uint64(text)
		if word&^lowBits != 0 {
			return true
		}
		digits += 8 - bits.OnesCount64(notDigits(word))
	}
	for _, b := range text {
		if b >= 0x80 {
			return true
		}
		if '0' <= b && b <= '9' {
			digits++
		}
	}
	return digits >= 10
}

// notDigits returns the top bit of each byte of a word that is no digit.
func notDigits(word uint64) uint64 {
	value := word ^ '0'*everyByte
	return ((value&lowBits + (0x7F-9)*everyByte) | value) &^ lowBits
}

// holdsNHS reports whether "nhs" in any case is in a text of three bytes or more. Most texts have
// no n among their first eight bytes, and are no longer.
func holdsNHS(text []byte) bool {
	if len(text) == 8 {
		differ := binary.LittleEndian.Uint64(text) | 0x20*everyByte ^ 'n'*everyByte
		if (differ-everyByte)&^differ&^lowBits == 0 {
			return false
		}
	}
	for i := range text[:len(text)-2] {
		if text[i]|0x20 == 'n' && text[i+1]|0x20 == 'h' && text[i+2]|0x20 == 's' {
			return true
		}
	}
	return false
}
