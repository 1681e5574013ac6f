// Package marks tells of every 64 bytes of a text which end a field and which are digits, as bits.
// With them all fields of a record are looked at for ten digits at once, by a few operations on
// words, and counting the fields of a record is counting bits.
package marks

import (
	"encoding/binary"
	"math/bits"
)

// Block are the bits of 64 bytes, the lowest for the first.
type Block struct {
	ends   uint64 // delimiters, line feeds and carriage returns
	digits uint64 // 0 to 9
	high   uint64 // bytes beyond ASCII
	feeds  uint64 // line feeds
}

// markPlain sets marks[i] for the bytes from 64*i on, for as many as there are marks, and reports
// whether "nhs" in any case starts at one of them. What lies behind the data ends a field.
// markBlocks is the same in the processor's own instructions.
func markPlain(all []Block, data []byte, delimiter byte) (nhs bool) {
	for i := range all {
		block := data[64*i:]
		if len(block) < 64+2 {
			var some bool
			all[i], some = markBytes(block[:min(len(block), 64)], block, delimiter)
			nhs = nhs || some
			continue
		}
		m := Block{}
		found := uint64(0)
		for j := 0; j < 64; j += 8 {
			word := binary.LittleEndian.Uint64(block[j:])
			feeds := equalBytes(word, '\n')
			m.ends |= gather(equalBytes(word, delimiter)|feeds|equalBytes(word, '\r')) << j
			m.feeds |= gather(feeds) << j
			m.digits |= gather(digitBytes(word)) << j
			m.high |= gather(word&^lowBits) << j
			found |= equalBytes(
				word|spaces,
				'n',
			) & equalBytes(
				binary.LittleEndian.Uint64(block[j+1:])|spaces,
				'h',
			) &
				equalBytes(
					binary.LittleEndian.Uint64(block[j+2:])|spaces,
					's',
				)
		}
		all[i], nhs = m, nhs || found != 0
	}
	return nhs
}

// markBytes marks the bytes of a block, one by one; more is the block with what follows it.
func markBytes(block, more []byte, delimiter byte) (m Block, nhs bool) {
	if len(block) < 64 {
		m.ends = ^uint64(0) << len(block)
	}
	for j, c := range block {
		bit := uint64(1) << j
		if c == '\n' {
			m.feeds |= bit
		}
		switch {
		case c == delimiter || c == '\n' || c == '\r':
			m.ends |= bit
		case '0' <= c && c <= '9':
			m.digits |= bit
		case c >= 0x80:
			m.high |= bit
		}
		nhs = nhs || StartsNHS(more[j:])
	}
	return m, nhs
}

const (
	everyByte = 0x0101010101010101
	lowBits   = 0x7F7F7F7F7F7F7F7F
	spaces    = 0x2020202020202020
)

// equalBytes returns the top bit of each byte of a word that equals b.
func equalBytes(word uint64, b byte) uint64 {
	differ := word ^ uint64(b)*everyByte
	return ^((differ&lowBits + lowBits) | differ | lowBits)
}

// digitBytes returns the top bit of each byte of a word that is a digit.
func digitBytes(word uint64) uint64 {
	value := word ^ '0'*everyByte
	return ^((value&lowBits + (0x7F-9)*everyByte) | value) &^ lowBits
}

// gather puts the top bits of the bytes of a word together.
func gather(tops uint64) uint64 { return tops >> 7 * 0x0102040810204080 >> 56 }

func StartsNHS(b []byte) bool {
	return len(b) > 2 && b[0]|0x20 == 'n' && b[1]|0x20 == 'h' && b[2]|0x20 == 's'
}

// Mark sets marks for all of data, of which there is one more than its blocks: the last is behind
// the data.
func Mark(all []Block, data []byte, delimiter byte) (_ []Block, nhs bool) {
	n := len(data)/64 + 2
	if cap(all) < n {
		all = make([]Block, n+n/8)
	}
	all = all[:n]
	done := 0
	// "nhs" may go two bytes beyond a block.
	if whole := (len(data) - 2) / 64; hasBlocks && whole > 0 {
		nhs = markBlocks(all[:whole], data, delimiter)
		done = whole
	}
	rest := n - 1 - done
	nhs = markPlain(all[done:done+rest], data[64*done:], delimiter) || nhs
	all[n-1] = Block{ends: ^uint64(0)}
	return all, nhs
}

// tenInARow returns the bits of low at which ten bits in a row start that are set, which may go on
// in high.
func tenInARow(low, high uint64) (ten uint64) {
	l2, h2 := low&(low>>1|high<<63), high&(high>>1)
	l4, h4 := l2&(l2>>2|h2<<62), h2&(h2>>2)
	l8 := l4 & (l4>>4 | h4<<60)
	return l8 & (l2>>8 | h2<<56)
}

// RankEnds sets ranks[i] to how many bytes before 64*i end a field.
func RankEnds(ranks []int32, all []Block) []int32 {
	if cap(ranks) < len(all) {
		ranks = make([]int32, len(all)+len(all)/8)
	}
	ranks = ranks[:len(all)]
	n := int32(0)
	for i := range all {
		ranks[i] = n
		n += int32(bits.OnesCount64(all[i].ends))
	}
	return ranks
}

// EndsBefore returns how many bytes before pos end a field.
func EndsBefore(all []Block, ranks []int32, pos int) int {
	i := pos >> 6
	return int(ranks[i]) + bits.OnesCount64(all[i].ends&(1<<(pos&63)-1))
}

// MayBeNumberAt reports whether the bytes from start to before end have ten digits, or some that
// are not ASCII and may be digits.
func MayBeNumberAt(all []Block, start, end int) bool {
	digits, high := 0, uint64(0)
	for i := start >> 6; i<<6 < end; i++ {
		mask := ^uint64(0)
		if i == start>>6 {
			mask <<= start & 63
		}
		if left := end - i<<6; left < 64 {
			mask &= 1<<left - 1
		}
		digits += bits.OnesCount64(all[i].digits & mask)
		high |= all[i].high & mask
	}
	return digits >= 10 || high != 0
}

// EndOfField returns where the field that holds pos ends.
func EndOfField(all []Block, pos int) int {
	i := pos >> 6
	word := all[i].ends & (^uint64(0) << (pos & 63))
	for word == 0 {
		i++
		word = all[i].ends
	}
	return i<<6 + bits.TrailingZeros64(word)
}

// FieldBehind returns where the nth field behind the one at pos starts; n is at least 1, and there
// must be so many.
func FieldBehind(all []Block, pos, n int) int {
	i := pos >> 6
	word := all[i].ends & (^uint64(0) << (pos & 63))
	for bits.OnesCount64(word) < n {
		n -= bits.OnesCount64(word)
		i++
		word = all[i].ends
	}
	for ; n > 1; n-- {
		word &= word - 1
	}
	return i<<6 + bits.TrailingZeros64(word) + 1
}

// NextFeed returns where the next line feed is, at pos or later, or size, which is that of the
// data.
func NextFeed(all []Block, pos, size int) int {
	i := pos >> 6
	word := all[i].feeds & (^uint64(0) << (pos & 63))
	for word == 0 {
		if i++; i == len(all) {
			return size
		}
		word = all[i].feeds
	}
	return i<<6 + bits.TrailingZeros64(word)
}

// FindFields finds where the fields of just ten digits start, less those known to identify
// somebody, and those of more than ten bytes, as if no quote was in the data. How many of the
// former are in a block is no branch, so that none is guessed wrong: two places are noted in any
// case. Of the latter most blocks have none.
func FindFields(all []Block, known []uint64, tens, longs []int32) (_, _ []int32) {
	most := len(all)*64/11 + 8
	if cap(tens) < most {
		tens, longs = make([]int32, most), make([]int32, most)
	}
	tens, longs = tens[:cap(tens)], longs[:cap(longs)]
	nTens, nLongs := 0, 0
	carry := uint64(1) // the first byte starts a field
	for i := range all[:len(all)-1] {
		m, next := &all[i], &all[i+1]
		starts := m.ends<<1 | carry
		carry = m.ends >> 63
		behindTen := m.ends>>10 | next.ends<<54
		ten := starts & tenInARow(m.digits, next.digits) & behindTen &^ known[i]
		long := starts & tenInARow(^m.ends, ^next.ends) &^ behindTen
		nTens += putPlaces(tens[nTens:], int32(i<<6), ten)
		for ; long != 0; long &= long - 1 {
			longs[nLongs] = int32(i<<6 + bits.TrailingZeros64(long))
			nLongs++
		}
	}
	return tens[:nTens], longs[:nLongs]
}

// putPlaces puts the places of the bits that are set into places, from first on, and returns how
// many they are.
func putPlaces(places []int32, first int32, set uint64) (n int) {
	_ = places[1]
	n = bits.OnesCount64(set)
	places[0] = first + int32(bits.TrailingZeros64(set))
	set &= set - 1
	places[1] = first + int32(bits.TrailingZeros64(set))
	for i := 2; i < n; i++ {
		set &= set - 1
		places[i] = first + int32(bits.TrailingZeros64(set))
	}
	return n
}
