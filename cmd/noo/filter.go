package main

// noo filter: one dataset in, the same without the records that must not be disclosed out.

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"noo/filter"
	"noo/snapshot"
)

func newFilter(t terminal) *cobra.Command {
	var flags dataFlags
	var nightly unattended
	var output, withheld, report string
	var force bool
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
whole input was found good.`,
		Example: `  noo filter extract.csv -o clean.csv --snapshot optouts.noo
  noo filter extract.csv -o clean.csv --column mother_nhs --column baby_nhs --report report.json
  noo filter extract.txt -o clean.txt --delimiter pipe --quote none --withheld followup.txt
  zcat extract.csv.gz | noo filter - -o - | gzip > clean.csv.gz`,
		Args: oneInput,
		RunE: func(cmd *cobra.Command, args []string) error {
			if output == "" {
				return usageError{errors.New("no output: name one with -o OUTPUT")}
			}
			named := files{read: args, written: []string{output, withheld, report}}
			return nightly.do(t, cmd, &flags, named, func(ctx context.Context, s *snapshot.Snapshot, said *filter.Report) error {
				run := flags.run(t, cmd, s, args[0])
				run.Uses = append(run.Uses, nightly.own()...)
				run.Output, run.Withheld, run.Report, run.Replace = output, withheld, report, force
				if report != "" {
					run.About.Snapshot.SHA256 = fmt.Sprintf("%x", s.SHA256())
				}
				bar := newProgress(t, flags.quiet, args[0])
				run.Progress = bar.update
				done, err := run.Do(ctx)
				bar.finish()
				if err != nil {
					return err
				}
				*said = *done
				if t.log.on() {
					for i := range done.Files {
						t.log.file(done.Command, &done.Files[i], outcomeDone, exitDone)
					}
				} else if !flags.quiet {
					printSummary(t.err, done, args[0], output)
				}
				return nil
			})
		},
	}
	flags.add(cmd)
	nightly.add(cmd, t)
	cmd.Flags().StringVarP(&output, "output", "o", "", "write the records that may be disclosed to `FILE`; - is standard output")
	cmd.Flags().StringVar(&withheld, "withheld", "", "write the records that were withheld to `FILE`, for follow-up inside the organisation")
	cmd.Flags().StringVar(&report, "report", "", "write a report with counts and digests, in JSON, to `FILE`; - is standard output")
	cmd.Flags().Var(readBack{&flags.parquet.IndependentReadBack}, "read-back", "read a Parquet output again before it gets its name: plain, or independent with code that did not write it")
	cmd.Flags().BoolVar(&force, "force", false, "replace outputs that exist")
	return cmd
}

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
