package identify

// Memory for texts that are made of values.

import "noo/formats/internal/decimal"

// arena is memory for texts that are made. It never moves a text, so that slices of it stay good
// until it is emptied.
type arena struct {
	blocks [][]byte
	used   int    // blocks that hold texts, the last of them in block
	block  []byte // with what is in it so far
}

// arenaBlock is the size of a block in bytes.
const arenaBlock = 64 << 10

// empty forgets all texts, and keeps the memory.
func (a *arena) empty() { a.used, a.block = 0, nil }

// full reports whether the block at hand may have no room for another decimal.
func (a *arena) full() bool { return cap(a.block)-len(a.block) < decimal.MostText }

// extend begins another block.
func (a *arena) extend() {
	if a.used == len(a.blocks) {
		a.blocks = append(a.blocks, make([]byte, 0, arenaBlock))
	}
	a.block = a.blocks[a.used][:0]
	a.used++
}
