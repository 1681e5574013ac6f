package ui

// The table of noo columns.

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"noo/internal/columns"
)

// columnsHead names what Columns lists, numbers to the right.
var columnsHead = [...]string{"", "column", "type", "values", "filled", "NHS", "filter"}

// partNames are what the table calls the part of a column.
var partNames = map[columns.Part]string{
	columns.Identifies:   "identifies",
	columns.StopsUnnamed: "stops, unnamed",
	columns.StopsFew:     "stops, few",
	columns.StopsRefused: "stops, refused",
}

// shortType leaves out how a type of Parquet is stored where it says more: STRING for BYTE_ARRAY
// STRING.
func shortType(name string) string {
	if _, logical, found := strings.Cut(name, " "); found {
		name = logical
	}
	return cmp.Or(Printable(name), "text")
}

// Columns lists columns as a table that is as wide as its longest names.
func Columns(w io.Writer, columns []columns.Surveyed) {
	rows := [][len(columnsHead)]string{columnsHead}
	for _, c := range columns {
		rows = append(rows, [...]string{
			strconv.Itoa(
				c.Number,
			), Printable(c.Name), shortType(c.Type), Grouped(int64(c.Values)), Grouped(int64(c.Filled)), share(c.Sample), partNames[c.Part],
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
			if i == 0 || columnsHead[i] == "values" || columnsHead[i] == "filled" ||
				columnsHead[i] == "NHS" {
				line.WriteString(padding + cell + "  ")
			} else {
				line.WriteString(cell + padding + "  ")
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// share writes what part of a sample is NHS numbers, as a whole per cent that is not rounded up;
// nothing for nothing.
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

// ExplainColumns says what the marks in the list mean that it has.
func ExplainColumns(w io.Writer, survey *columns.Survey) {
	if survey.Nameless {
		fmt.Fprintln(
			w,
			"Columns go by their numbers: they have no names, or the first line may be data.",
		)
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
