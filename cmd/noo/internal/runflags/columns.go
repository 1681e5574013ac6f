package runflags

// Flags for the columns that identify people.

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"noo/internal/columns"
)

// Columns say which columns hold the NHS numbers.
type Columns struct {
	identifying []string
	allowed     []string
	forced      bool
}

// Add adds the flags to a command that has the flags for reading, which tell how the names of
// columns are found when a shell completes them.
func (f *Columns) Add(cmd *cobra.Command, reading *Reading) { f.add(cmd.Flags(), reading) }

func (f *Columns) add(flags *pflag.FlagSet, reading *Reading) {
	flags.StringArrayVar(
		&f.identifying,
		"column",
		nil,
		"the NHS numbers are in column `NAME`, or number from 1; may be repeated; without it the header decides",
	)
	flags.StringArrayVar(
		&f.allowed,
		"allow-column",
		nil,
		"do not stop on NHS numbers in column `NAME`, or number from 1; may be repeated; noo leaves them alone",
	)
	flags.BoolVar(
		&f.forced,
		"force-column",
		false,
		"use the column even if its first values are not NHS numbers",
	)
	completeColumns(flags, "column", reading)
	completeColumns(flags, "allow-column", reading)
}

// addForVerdicts adds the flags of a command that answers a stream of identifying columns.
func (f *Columns) addForVerdicts(flags *pflag.FlagSet) {
	flags.StringArrayVar(
		&f.identifying,
		"column",
		nil,
		"take the NHS numbers from column `NAME`, or number from 1; may be repeated; without it from all columns",
	)
	flags.StringArrayVar(
		&f.allowed,
		"allow-column",
		nil,
		"do not stop on column `NAME`, or number from 1, that is called like an NHS number; may be repeated",
	)
}

// Rules returns what the flags say.
func (f *Columns) Rules() columns.Rules {
	return columns.Rules{Identifying: f.identifying, Allowed: f.allowed, Forced: f.forced}
}
