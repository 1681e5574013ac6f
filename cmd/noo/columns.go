package main

// noo columns: what is in an input, column by column, before a command line is written for it.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/ui"
	"noo/internal/inputs"
	"noo/job"
)

func newColumns(t *ui.Terminal) *cobra.Command {
	var flags runflags.Reading
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "columns FILE",
		Short: "List the columns of a dataset, and which look like NHS numbers",
		Long: `columns lists the columns of a dataset with their types. From the first records,
it counts which share of the values in each column looks like NHS numbers. It
marks the column by which filter would filter if you name none, and those that
would stop it. It needs no snapshot, and prints no values. FILE may also be a
file in a ZIP file: x.zip/a.csv.`,
		Example: `  noo columns extract.csv
  noo columns extract.txt --delimiter pipe --no-header
  noo columns extract.parquet --json`,
		Args: func(_ *cobra.Command, args []string) error {
			switch len(args) {
			case 0:
				return errors.New("no input: name a file, or - for standard input")
			case 1:
				return runflags.AllNamed(args)
			}
			return fmt.Errorf("%d inputs: name one file at a time", len(args))
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := flags.Validate(); err != nil {
				return err
			}
			source, err := oneFile(args[0])
			if err != nil {
				return err
			}
			survey, err := job.Survey(cmd.Context(), source, t.In, flags.Formats(), flags.Missing)
			if err != nil {
				return err
			}
			var text strings.Builder
			if asJSON {
				encoder := json.NewEncoder(&text)
				encoder.SetIndent("", "  ")
				encoder.SetEscapeHTML(false)
				if err := encoder.Encode(survey); err != nil {
					return err
				}
			} else {
				ui.Columns(&text, survey.Columns)
				ui.ExplainColumns(t.Err, survey)
			}
			if _, err := io.WriteString(t.Out, text.String()); err != nil {
				return fmt.Errorf("writing stdout: %w", err)
			}
			return nil
		},
	}
	flags.Add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// oneFile finds the file that is named. It refuses a folder, a pattern or a ZIP file of several
// files, which may differ in their columns, and names one of the files instead.
func oneFile(input string) (inputs.Source, error) {
	sources, err := inputs.Expand([]string{input})
	if err != nil {
		return inputs.Source{}, err
	}
	if !sources.Many {
		return sources.Files[0], nil
	}
	kind, files := "a pattern", "the files that match"
	switch info, err := os.Stat(input); {
	case err == nil && info.IsDir():
		kind, files = "a folder", "its files"
	case err == nil:
		kind, files = "a ZIP file", "its files"
	}
	return inputs.Source{}, outcome.Usage(
		fmt.Errorf(
			"%s is %s: name one of %s, such as %s",
			input,
			kind,
			files,
			sources.Files[0].Path,
		),
	)
}
