package runflags

// Completion of the names of columns, from the inputs that are on the command line already.

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"noo/internal/inputs"
	"noo/job"
)

// ColumnList is the value of a flag that names columns, which knows where the names of columns are
// to be found.
type ColumnList struct {
	pflag.Value
	pflag.SliceValue
	flags *Reading
}

// completeColumns has a flag completed with the names of the columns of the inputs that are named
// already.
func completeColumns(set *pflag.FlagSet, name string, flags *Reading) {
	flag := set.Lookup(name)
	flag.Value = ColumnList{flag.Value, flag.Value.(pflag.SliceValue), flags}
	flag.DefValue = "" // in the usage, none
}

// Complete completes the name of a column.
func (c ColumnList) Complete(
	cmd *cobra.Command,
	named []string,
	_ string,
) ([]string, cobra.ShellCompDirective) {
	ResolveQuietly(cmd)
	var found []string
	for _, input := range named {
		sources, err := inputs.Expand([]string{input})
		if err != nil {
			continue
		}
		// The files of a folder or pattern are taken to be alike.
		names, err := job.ColumnNames(cmd.Context(), sources.Files[0], c.flags.Formats())
		if err != nil {
			continue
		}
		for _, name := range names {
			if !strings.ContainsAny(name, "\t\n\r") && !slices.Contains(found, name) {
				found = append(found, name)
			}
		}
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

// ResolveQuietly sets what the environment sets, as far as it can. It hides mistakes: the user
// types.
func ResolveQuietly(cmd *cobra.Command) {
	if values, err := Environment.Read(cmd.Flags()); err == nil {
		_, _ = Resolve(cmd.Flags(), values)
	}
}
