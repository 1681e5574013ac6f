//go:build !amd64

package csv

// hasBlocks tells that there is no markBlocks for this processor.
const hasBlocks = false

func markBlocks(all []marks, data []byte, delimiter byte) (nhs bool) {
	return markPlain(all, data, delimiter)
}
