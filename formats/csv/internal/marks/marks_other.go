//go:build !amd64

package marks

// hasBlocks tells that there is no markBlocks for this processor.
const hasBlocks = false

func markBlocks(all []Block, data []byte, delimiter byte) (nhs bool) {
	return markPlain(all, data, delimiter)
}
