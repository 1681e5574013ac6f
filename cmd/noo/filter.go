package main

// noo filter: one dataset in, the same without the records that must not be disclosed out.

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"noo/formats"
)

func newFilter(t terminal) *cobra.Command {
	var flags dataFlags
	var output, withheld, report string
	var force bool
	var compress *formats.Compression
	cmd := &cobra.Command{
		Use:   "filter INPUT -o OUTPUT",
		Short: "Write a dataset without the records that must not be disclosed",
		Long: `filter reads a dataset and writes the records of people who have not opted out,
each byte for byte as it was and in the same order. Records of people who opted
out are removed. Records without an NHS number (missing), with something that is
no NHS number (invalid), or of people who were not looked up (unchecked) are
withheld unless you say otherwise.

The output appears complete or not at all. INPUT and OUTPUT may be - for
standard input and output; what goes to standard output is held back until the
whole input was found good.

CSV may be compressed with gzip, zstd or bzip2, which is told by its content. The
output is compressed as the input is, or as --compress says, and its name must
say so: .gz, .zst, or neither.`,
		Example: `  noo filter extract.csv -o clean.csv --snapshot optouts.noo
  noo filter extract.csv -o clean.csv --column mother_nhs --column baby_nhs --report report.json
  noo filter extract.txt -o clean.txt --delimiter pipe --quote none --withheld followup.txt
  noo filter extract.csv.gz -o clean.csv.zst --compress zstd
  cat extract.csv | noo filter - -o - --compress gzip > clean.csv.gz`,
		Args: oneInput,
		RunE: func(cmd *cobra.Command, args []string) error {
			if output == "" {
				return usageError{errors.New("no output: name one with -o OUTPUT")}
			}
			if err := flags.validate(); err != nil {
				return err
			}
			s, err := flags.accept()
			if err != nil {
				return err
			}
			run := flags.run(t, cmd, s, args[0])
			run.Output, run.Withheld, run.Report, run.Replace, run.Compress = output, withheld, report, force, compress
			if report != "" {
				run.About.Snapshot.SHA256 = fmt.Sprintf("%x", s.SHA256())
			}
			bar := newProgress(t, flags.quiet, args[0])
			run.Progress = bar.update
			done, err := run.Do(cmd.Context())
			bar.finish()
			if err != nil {
				return err
			}
			if !flags.quiet {
				printSummary(t.err, done, args[0], output)
			}
			return nil
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "", "write the records that may be disclosed to `FILE`; - is standard output")
	cmd.Flags().StringVar(&withheld, "withheld", "", "write the records that were withheld to `FILE`, for follow-up inside the organisation")
	cmd.Flags().StringVar(&report, "report", "", "write a report with counts and digests, in JSON, to `FILE`; - is standard output")
	cmd.Flags().Var(readBack{&flags.parquet.IndependentReadBack}, "read-back", "read a Parquet output again before it gets its name: plain, or independent with code that did not write it")
	cmd.Flags().Var(compression{&compress}, "compress", "compress the output and the withheld records with gzip or zstd, or none; without it, as the input is")
	cmd.Flags().BoolVar(&force, "force", false, "replace outputs that exist")
	return cmd
}

// compression is a formats.Compression as a flag; nil where it is not given.
type compression struct{ wanted **formats.Compression }

func (c compression) Set(text string) error {
	var wanted formats.Compression
	if err := wanted.UnmarshalText([]byte(text)); err != nil {
		return err
	}
	*c.wanted = &wanted
	return nil
}

func (c compression) String() string {
	if c.wanted == nil || *c.wanted == nil {
		return ""
	}
	return (*c.wanted).String()
}

func (compression) Type() string { return "HOW" }

// oneInput asks for exactly one input, in words.
func oneInput(_ *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return errors.New("no input: name a file, or - for standard input")
	case 1:
		return nil
	}
	return fmt.Errorf("%d inputs: name one file at a time", len(args))
}
