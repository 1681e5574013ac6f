package runflags

// Flags that say how outputs are written.

import (
	"github.com/spf13/pflag"

	"noo/cmd/noo/internal/flagvalue"
	"noo/formats"
)

// AddWriting adds the flags for how outputs are written. *compress stays nil where its flag is not
// set.
func AddWriting(flags *pflag.FlagSet, data *Data, compress **formats.Compression) {
	flagvalue.Add(
		flags,
		newReadBack(&data.IndependentReadBack),
		"read-back",
		"how to read a Parquet or Arrow output again before it gets its name: plain, or independent with code that did not write it",
	)
	AddChoice(
		flags,
		newCompression(compress),
		"compress",
		"compress CSV outputs like this, not like the input",
	)
}

// newReadBack returns a flag for how an output is read back.
func newReadBack(independent *bool) *flagvalue.Choice[bool] {
	return flagvalue.NewChoice("HOW", independent,
		flagvalue.Word[bool]{Text: "plain", Value: false},
		flagvalue.Word[bool]{Text: "independent", Value: true})
}

// newCompression returns a flag that sets *to, which is nil where the flag is not set.
func newCompression(to **formats.Compression) *flagvalue.Choice[*formats.Compression] {
	var words []flagvalue.Word[*formats.Compression]
	for _, c := range []formats.Compression{formats.Gzip, formats.Zstd, formats.Uncompressed} {
		words = append(words, flagvalue.Word[*formats.Compression]{Text: c.String(), Value: &c})
	}
	return flagvalue.NewChoice("HOW", to, words...)
}
