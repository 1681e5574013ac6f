package main

// noo columns: what is in an input, column by column, before a command line is written for it.

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/ui"
	"noo/internal/columns"
	"noo/internal/inputs"
	"noo/job"
)

func newColumns(t *ui.Terminal) *cobra.Command {
	var flags readingFlags
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
				return allNamed(args)
			}
			return fmt.Errorf("%d inputs: name one file at a time", len(args))
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := flags.validate(); err != nil {
				return err
			}
			if err := oneFile(args[0]); err != nil {
				return err
			}
			survey, err := job.Survey(cmd.Context(), args[0], t.In, flags.formats())
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
				printColumns(&text, survey.Columns)
				explainColumns(t.Err, survey)
			}
			if _, err := io.WriteString(t.Out, text.String()); err != nil {
				return fmt.Errorf("writing stdout: %w", err)
			}
			return nil
		},
	}
	flags.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// oneFile refuses a folder or a pattern, whose files may differ in their columns, and names one of the files instead.
func oneFile(input string) error {
	sources, err := inputs.Expand([]string{input})
	if err != nil || !sources.Many {
		return err
	}
	kind, files := "a pattern", "the files that match"
	if info, err := os.Stat(input); err == nil && info.IsDir() {
		kind, files = "a folder", "its files"
	}
	return usage(fmt.Errorf("%s is %s: name one of %s, such as %s", input, kind, files, sources.Files[0].Path))
}

// columnsHead names what printColumns lists, numbers to the right.
var columnsHead = [...]string{"", "column", "type", "values", "filled", "NHS", "filter"}

// partNames are what the table calls the part of a column.
var partNames = map[columns.Part]string{
	columns.Identifies:   "identifies",
	columns.StopsUnnamed: "stops, unnamed",
	columns.StopsFew:     "stops, few",
	columns.StopsRefused: "stops, refused",
}

// shortType leaves out how a type of Parquet is stored where it says more: STRING for BYTE_ARRAY STRING.
func shortType(name string) string {
	if _, logical, found := strings.Cut(name, " "); found {
		name = logical
	}
	return cmp.Or(ui.Printable(name), "text")
}

// printColumns lists columns as a table that is as wide as its longest names.
func printColumns(w io.Writer, columns []columns.Surveyed) {
	rows := [][len(columnsHead)]string{columnsHead}
	for _, c := range columns {
		rows = append(rows, [...]string{
			strconv.Itoa(c.Number), ui.Printable(c.Name), shortType(c.Type), ui.Grouped(int64(c.Values)), ui.Grouped(int64(c.Filled)), share(c.Sample), partNames[c.Part],
		})
	}
	var widths [len(columnsHead)]int
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			padding := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 || columnsHead[i] == "values" || columnsHead[i] == "filled" || columnsHead[i] == "NHS" {
				line.WriteString(padding + cell + "  ")
			} else {
				line.WriteString(cell + padding + "  ")
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// share writes what part of a sample is NHS numbers, as a whole per cent that is not rounded up; nothing for nothing.
func share(s columns.Sample) string {
	switch {
	case s.Values == 0:
		return ""
	case s.Filled == 0:
		return "blank"
	case s.Valid > 0 && 100*s.Valid < s.Filled:
		return "< 1 %"
	}
	return fmt.Sprintf("%d %%", 100*s.Valid/s.Filled)
}

// explainColumns says what the marks in the list mean that it has.
func explainColumns(w io.Writer, survey *columns.Survey) {
	if survey.Nameless {
		fmt.Fprintln(w, "Columns go by their numbers: they have no names, or the first line may be data.")
	}
	if survey.Undecided != "" {
		fmt.Fprintf(w, "filter needs to be told its columns: %s.\n", survey.Undecided)
	}
	for _, mark := range []struct {
		part  columns.Part
		words string
	}{
		{columns.Identifies, "filter goes by this column, unless --column names others"},
		{columns.StopsUnnamed, "has NHS numbers in it or in its name: filter wants it named with\n  --column, or with --allow-column to let it pass"},
		{columns.StopsFew, "less than half are NHS numbers: filter wants another column named with\n  --column, or --force-column"},
	} {
		for _, c := range survey.Columns {
			if c.Part == mark.part {
				fmt.Fprintf(w, "%s: %s.\n", partNames[mark.part], mark.words)
				break
			}
		}
	}
	var told []string
	for _, c := range survey.Columns {
		if c.Part == columns.StopsRefused && !slices.Contains(told, c.Refused) {
			fmt.Fprintf(w, "%s: %s.\n", partNames[c.Part], c.Refused)
			told = append(told, c.Refused)
		}
	}
}
