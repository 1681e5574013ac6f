package csv

// Marks: of every 64 bytes of a chunk, which end a field and which are digits, as bits. With them
// all fields of a record are looked at for ten digits at once, by a few operations on words, and
// counting the fields of a record is counting bits.

import (
	"encoding/binary"
	"math/bits"
)

// marks are the bits of 64 bytes, the lowest for the first.
type marks struct {
	ends   uint64 // delimiters, line feeds and carriage returns
	digits uint64 // 0 to 9
	high   uint64 // bytes beyond ASCII
	feeds  uint64 // line feeds
}

// markPlain sets marks[i] for the bytes from 64*i on, for as many as there are marks, and reports
// whether "nhs" in any case starts at one of them. What lies behind the data ends a field.
// markBlocks is the same in the processor's own instructions.
func markPlain(all []marks, data []byte, delimiter byte) (nhs bool) {
	for i := range all {
		block := data[64*i:]
		if len(block) < 64+2 {
			var some bool
			all[i], some = markBytes(block[:min(len(block), 64)], block, delimiter)
			nhs = nhs || some
			continue
		}
		m := marks{}
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
func markBytes(block, more []byte, delimiter byte) (m marks, nhs bool) {
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
		nhs = nhs || startsNHS(more[j:])
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

func startsNHS(b []byte) bool {
	return len(b) > 2 && b[0]|0x20 == 'n' && b[1]|0x20 == 'h' && b[2]|0x20 == 's'
}

// mark sets marks for all of data, of which there is one more than its blocks: the last is behind
// the data.
func mark(all []marks, data []byte, delimiter byte) (_ []marks, nhs bool) {
	n := len(data)/64 + 2
	if cap(all) < n {
		all = make([]marks, n+n/8)
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
	all[n-1] = marks{ends: ^uint64(0)}
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

// rankEnds sets ranks[i] to how many bytes before 64*i end a field.
func rankEnds(ranks []int32, all []marks) []int32 {
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

// endsBefore returns how many bytes before pos end a field.
func endsBefore(all []marks, ranks []int32, pos int) int {
	i := pos >> 6
	return int(ranks[i]) + bits.OnesCount64(all[i].ends&(1<<(pos&63)-1))
}

// mayBeNumberAt reports whether the bytes from start to before end have ten digits, or some that
// are not ASCII and may be digits.
func mayBeNumberAt(all []marks, start, end int) bool {
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

// endOfField returns where the field that holds pos ends.
func endOfField(all []marks, pos int) int {
	i := pos >> 6
	word := all[i].ends & (^uint64(0) << (pos & 63))
	for word == 0 {
		i++
		word = all[i].ends
	}
	return i<<6 + bits.TrailingZeros64(word)
}

// fieldBehind returns where the nth field behind the one at pos starts; n is at least 1, and there
// must be so many.
func fieldBehind(all []marks, pos, n int) int {
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

// nextFeed returns where the next line feed is, at pos or later, or size, which is that of the
// data.
func nextFeed(all []marks, pos, size int) int {
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
