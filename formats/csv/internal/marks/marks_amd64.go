package marks

import "golang.org/x/sys/cpu"

// hasBlocks reports whether the processor has the instructions of markBlocks.
var hasBlocks = cpu.X86.HasAVX2

// markBlocks is markPlain for whole blocks of 64 bytes, with at least two bytes behind the last of
// them.
func markBlocks(all []Block, data []byte, delimiter byte) (nhs bool) {
	_ = data[64*len(all)+1]
	return markAVX2(&all[0], &data[0], len(all), delimiter)
}

// markAVX2 marks n blocks, at least one.
//
//go:noescape
func markAVX2(all *Block, data *byte, n int, delimiter byte) (nhs bool)
