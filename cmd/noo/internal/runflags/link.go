package runflags

// Flags for tables that are linked by a local id.

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/ui"
	"noo/filter"
	"noo/internal/columns"
	"noo/job"
)

// Link say by which columns tables are linked.
type Link struct {
	columns []string
}

// Add adds the flags to a command. What becomes of unlinked records is part of the policy in data.
func (f *Link) Add(cmd *cobra.Command, data *Data) {
	flags := cmd.Flags()
	flags.StringArrayVar(
		&f.columns,
		"link",
		nil,
		"the tables are linked by the local ids in column `NAME`; may be repeated, if tables call it by different names",
	)
	completeColumns(flags, "link", &data.Reading)
	unlinked := newAction(&data.Policy.Unlinked, filter.Withhold, filter.Fail)
	// Validate says why not.
	AddChoice(flags, unlinked.Accept(actionWord(filter.Keep)), "unlinked",
		"records whose local id is in no table with NHS numbers")
}

// On reports whether tables are linked.
func (f *Link) On() bool { return len(f.columns) > 0 }

// Ready refuses flags with which no tables can be linked.
func (f *Link) Ready(data *Data, inputs []string) error {
	switch {
	case !f.On():
		return nil
	case slices.Contains(f.columns, ""):
		return outcome.Usage(errors.New("--link is an empty text: name a column"))
	case data.CSV.NoHeader:
		return outcome.Usage(errors.New(
			"--link takes the names of columns: it does not go with --no-header"))
	case slices.Contains(inputs, "-"):
		return outcome.Usage(errors.New(
			"--link reads tables twice: name files, not - for standard input"))
	}
	return nil
}

// Apply has a run link its tables.
func (f *Link) Apply(run *job.Run) {
	if f.On() {
		run.Columns.Link = f.columns
		run.Heading.Policy.Unlinked = run.Policy.Unlinked.String()
	}
}

// WarnOfUnlinked says which tables have mostly local ids that no table with numbers has: most often
// they are spelt in two ways.
func WarnOfUnlinked(t *ui.Terminal, report *job.Report) {
	for _, file := range report.Files {
		if n := file.Records; 2*n.Unlinked > n.Read {
			t.Warn(ui.Showable(fmt.Sprintf(
				"%s: %s of %s unlinked; is %s spelt alike in all tables? 007 is not 7, nor 7.0",
				file.Input.Name,
				ui.Grouped(n.Unlinked),
				ui.Records(n.Read),
				columns.Quote(file.Link),
			)))
		}
	}
}
