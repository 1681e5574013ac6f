package main

// Flags that say how an input is to be read, for every command that reads one.

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"noo/formats"
	"noo/formats/csv"
	"noo/formats/parquet"
	"noo/formats/parquet/readback"
)

// readingFlags are the dialect of CSV and the limits of Parquet.
type readingFlags struct {
	csv     csv.Format
	parquet parquet.Format
	// independentReadBack has Parquet outputs read back by code that did not write them.
	independentReadBack bool
}

func (f *readingFlags) add(cmd *cobra.Command) {
	f.parquet.Version, f.parquet.MaxPage = buildVersion(), parquet.DefaultMaxPage
	flags := cmd.Flags()
	flags.Var(character{byte: &f.csv.Delimiter}, "delimiter", "what stands between CSV fields: a character, or tab, semicolon, pipe (default \",\")")
	flags.Var(character{byte: &f.csv.Quote, none: &f.csv.NoQuote}, "quote", "what encloses CSV fields: a character, or none (default \"\\\"\")")
	flags.Var(recordEnd{&f.csv.RecordEnd}, "record-end", "what ends a CSV record: lf, or crlf where a line feed alone is text (default as the first line ends)")
	flags.BoolVar(&f.csv.NoHeader, "no-header", false, "the first CSV record is data; columns go by number")
	flags.BoolVar(&f.csv.Header, "header", false, "the first CSV record has the names of the columns, though none is like one")
	flags.Var((*size)(&f.parquet.MaxPage), "max-page", "refuse a Parquet file with a larger page, which would take much memory")
}

// validate refuses a dialect that cannot be read.
func (f *readingFlags) validate() error {
	if err := f.csv.Validate(); err != nil {
		return usageError{err}
	}
	return nil
}

// formats are the formats that inputs may have. A new format is one more line here.
func (f *readingFlags) formats() []formats.Format {
	if f.independentReadBack {
		f.parquet.ReadBackWith = readback.Format{}
	}
	return []formats.Format{
		f.parquet,
		f.csv, // last: it takes any text
	}
}

// allNamed refuses an input without a name, which a variable leaves in a script that is not set.
func allNamed(inputs []string) error {
	if slices.Contains(inputs, "") {
		return errors.New("an input is an empty text: name a file; is a variable in the command line empty?")
	}
	return nil
}
