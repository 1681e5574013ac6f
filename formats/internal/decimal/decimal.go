// Package decimal writes decimals and wide integers as text, for formats that store them in binary.
package decimal

// A decimal may have more digits than an int64 holds, and digits behind its
// point. Such a value is written out in plain notation, as 9434765919.0000000000: what reads it
// finds a number with zeros behind its point, and can look at the digits of all others.

import (
	"encoding/binary"
	"math/bits"
)

const (
	// MostScale is the largest scale of a decimal that any writer knows: of DECIMAL(76,76).
	MostScale = 76
	// mostWords is how many words of 64 bits a decimal may have: DECIMAL(76,0) takes four of
	// them.
	mostWords = 5
	// MostText is more bytes than any decimal takes as text: mostWords make 97
	// digits, beside a sign and a point.
	MostText = 128
	// wordDigits is how many digits are always in a word, and tenToWordDigits the power of ten with
	// so many zeros.
	wordDigits      = 19
	tenToWordDigits = 10_000_000_000_000_000_000
)

// TooLarge is the text of a decimal that has more digits than any type of decimal: it is no NHS
// number.
const TooLarge = "out of range"

// Append appends a two's complement integer in big-endian order, of any length, divided by
// ten to the power of scale.
func Append(dst, value []byte, scale int) []byte {
	negative := len(value) > 0 && value[0] >= 0x80
	sign := byte(0)
	if negative {
		sign = 0xff
	}
	for len(value) > 8*mostWords {
		if value[0] != sign || value[1]^sign >= 0x80 {
			return append(dst, TooLarge...)
		}
		value = value[1:]
	}
	var words [mostWords]uint64 // the lowest first
	n := 0
	for ; len(value) >= 8; value = value[:len(value)-8] {
		words[n] = binary.BigEndian.Uint64(value[len(value)-8:])
		n++
	}
	if len(value) > 0 {
		word := uint64(int64(int8(sign)))
		for _, c := range value {
			word = word<<8 | uint64(c)
		}
		words[n] = word
		n++
	}
	if negative {
		carry := uint64(1)
		for i := range n {
			words[i], carry = bits.Add64(^words[i], 0, carry)
		}
	}
	return appendMagnitude(dst, negative, words[:max(n, 1)], scale)
}

// AppendScaled appends v divided by ten to the power of scale.
func AppendScaled(dst []byte, v int64, scale int) []byte {
	words := [1]uint64{uint64(v)}
	if v < 0 {
		words[0] = -words[0]
	}
	return appendMagnitude(dst, v < 0, words[:], scale)
}

// AppendUnsigned appends v.
func AppendUnsigned(dst []byte, v uint64) []byte {
	words := [1]uint64{v}
	return appendMagnitude(dst, false, words[:], 0)
}

// appendMagnitude appends a number of at most mostWords words, the lowest first, with a sign
// and a point. It uses words up.
func appendMagnitude(dst []byte, negative bool, words []uint64, scale int) []byte {
	var digits [100]byte
	at := len(digits)
	for {
		for len(words) > 1 && words[len(words)-1] == 0 {
			words = words[:len(words)-1]
		}
		if len(words) == 1 {
			break
		}
		rest := uint64(0)
		for i := len(words) - 1; i >= 0; i-- {
			words[i], rest = bits.Div64(rest, words[i], tenToWordDigits)
		}
		for range wordDigits {
			at--
			digits[at] = '0' + byte(rest%10)
			rest /= 10
		}
	}
	for v := words[0]; v > 0; v /= 10 {
		at--
		digits[at] = '0' + byte(v%10)
	}
	for len(digits)-at <= scale {
		at--
		digits[at] = '0'
	}
	if negative {
		dst = append(dst, '-')
	}
	point := len(digits) - scale
	dst = append(dst, digits[at:point]...)
	if scale > 0 {
		dst = append(dst, '.')
		dst = append(dst, digits[point:]...)
	}
	return dst
}

// WideBytes is how many bytes an integer of 128 bits has.
const WideBytes = 16

// WideInt reads an integer of 128 bits that has no annotation to say so, nor in which order its
// bytes are. It returns false where value may be something else: an integer of up to 48 bits has
// ten bytes of nothing but its sign at one end, and no text has.
func WideInt(value []byte) (int64, bool) {
	const high = 0xffff << 48
	first, last := binary.BigEndian.Uint64(value), binary.BigEndian.Uint64(value[8:])
	switch {
	case first == 0 && last&high == 0, first == ^uint64(0) && last&high == high:
		return int64(last), true
	case last == 0 && first&0xffff == 0, last == ^uint64(0) && first&0xffff == 0xffff:
		return int64(binary.LittleEndian.Uint64(value)), true
	}
	return 0, false
}
