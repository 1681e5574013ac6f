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
would stop it. It needs no snapshot, and prints no values.`,
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
			if err := oneFile(args[0]); err != nil {
				return err
			}
			survey, err := job.Survey(cmd.Context(), args[0], t.In, flags.Formats(), flags.Missing)
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

// oneFile refuses a folder or a pattern, whose files may differ in their columns, and names one of
// the files instead.
func oneFile(input string) error {
	sources, err := inputs.Expand([]string{input})
	if err != nil || !sources.Many {
		return err
	}
	kind, files := "a pattern", "the files that match"
	if info, err := os.Stat(input); err == nil && info.IsDir() {
		kind, files = "a folder", "its files"
	}
	return outcome.Usage(
		fmt.Errorf(
			"%s is %s: name one of %s, such as %s",
			input,
			kind,
			files,
			sources.Files[0].Path,
		),
	)
}
