package nhsnumber

// Ten digits, the form that nearly all numbers have: handled as words, in which each digit has a
// lane of its own, not digit by digit. One number waits for nothing that another needs, so that a
// processor works on several at a time.

import "encoding/binary"

const (
	asciiZeros = 0x3030303030303030
	highHalves = 0xF0F0F0F0F0F0F0F0
	evenLanes  = 0x00FF00FF00FF00FF
)

// ParseTen is Parse for a text of which only the first ten bytes count and must be digits. b must
// have ten bytes.
func ParseTen(b []byte) (Key, Status) { return parseTen(b) }

// parseTen reads exactly ten bytes, which must be digits, and checks the tenth.
func parseTen(b []byte) (Key, Status) {
	_ = b[9]
	first, last := lanes(binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint16(b[8:]))
	key := keyOf(first, last)
	if !areDigits(first, last) || weighed(first, last)%11 != 0 || placeholder(key) {
		return 0, Invalid
	}
	return key, Valid
}

// ParseTens reads texts of exactly ten bytes which lie stride bytes apart in data, the first at its
// start: as many as there are keys, which data must hold. It sets keys[i] to the key of text i
// where that is Valid, else to 0; in the latter case, which is seldom, it appends i to others,
// which it returns, and Parse says what the text is.
//
// It is Parse for many, and does not allocate but for others.
func ParseTens(keys []Key, data []byte, stride int, others []int32) []int32 {
	for i := range keys {
		text := data[i*stride:][:10]
		first, last := lanes(binary.LittleEndian.Uint64(text), binary.LittleEndian.Uint16(text[8:]))
		key := keyOf(first, last)
		if !areDigits(first, last) || weighed(first, last)%11 != 0 || placeholder(key) {
			key = 0
			others = append(others, int32(i))
		}
		keys[i] = key
	}
	return others
}

// lanes turns eight and two bytes, in the order of memory, into lanes, which hold 0 to 9 each where
// the bytes are digits.
func lanes(bytes uint64, more uint16) (first, last uint64) {
	return bytes ^ asciiZeros, uint64(more ^ asciiZeros&0xFFFF)
}

// areDigits reports whether all ten lanes hold 0 to 9.
func areDigits(first, last uint64) bool {
	return (first|(first+0x0606060606060606)|last|(last+0x0606))&highHalves == 0
}

// weighed is the sum of the check digit's rule, which eleven must divide: the digits with weights
// 10 to 2, and the tenth. The uppermost lane of each product is the sum of four of them.
func weighed(first, last uint64) uint32 {
	even, odd := first&evenLanes, first>>8&evenLanes // digits 0, 2, 4, 6 and 1, 3, 5, 7
	return uint32(even*0x000A000800060004>>48 + odd*0x0009000700050003>>48 + last&0xFF*2 + last>>8)
}

// keyOf is the number that the first nine digits are.
func keyOf(first, last uint64) Key {
	pairs := first&evenLanes*10 + first>>8&evenLanes
	fours := pairs&0x0000FFFF0000FFFF*100 + pairs>>16&0x0000FFFF0000FFFF
	return (uint32(fours)*10_000+uint32(fours>>32))*10 + uint32(last&0xFF)
}

// placeholder reports whether a key is nine times the same digit.
func placeholder(key Key) bool { return key%111_111_111 == 0 }
