package main

// noo completion, and what completes arguments and values. A flag's value lists its choices, so
// that a new flag needs no line here. To complete writes nothing, and hides what goes wrong.

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"noo/cmd/noo/internal/commandtree"
	"noo/cmd/noo/internal/flagvalue"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/ui"
)

// endings are the endings of the files that a flag takes. The others take any.
var endings = map[string][]string{
	"snapshot":    {"noo"},
	"trusted-key": {"pub"},
	"key":         {"key"},
	"config":      {"yaml", "yml"},
}

// shells are the shells for which there are completions.
var shells = map[string]func(*cobra.Command, io.Writer) error{
	"bash":       func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) },
	"zsh":        func(root *cobra.Command, w io.Writer) error { return root.GenZshCompletion(w) },
	"fish":       func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) },
	"powershell": func(root *cobra.Command, w io.Writer) error { return root.GenPowerShellCompletionWithDesc(w) },
}

// addCompletion adds the command that prints completions, and tells all others what completes them.
func addCompletion(t *ui.Terminal, root *cobra.Command) {
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(newCompletion(t, root))
	for cmd := range commandtree.All(root) {
		cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
			if _, ok := cmd.GetFlagCompletionFunc(flag.Name); !ok && flag.Value.Type() != "bool" {
				// Fails only where it is there already.
				_ = cmd.RegisterFlagCompletionFunc(flag.Name, completeFlag(cmd, flag))
			}
		})
		if cmd.ValidArgsFunction == nil && len(cmd.ValidArgs) == 0 {
			cmd.ValidArgsFunction = completeArguments(t, cmd)
		}
	}
}

func newCompletion(t *ui.Terminal, root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a script with which a shell completes command lines of noo",
		Long: `completion prints a script for a shell. With it, the tab key completes commands,
flags, their values, files and the names of jobs. For --column, it completes the
names of the columns of the input before it on the line. If that is a folder or
a pattern, noo looks at its first file.`,
		Example: `  source <(noo completion bash)     # needs the package bash-completion
  noo completion bash > /etc/bash_completion.d/noo
  noo completion zsh > "${fpath[1]}/_noo"
  noo completion fish > ~/.config/fish/completions/noo.fish
  noo completion powershell | Out-String | Invoke-Expression`,
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || shells[args[0]] == nil {
				return fmt.Errorf("name one shell: bash, zsh, fish or powershell")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			var script strings.Builder
			if err := shells[args[0]](root, &script); err != nil {
				return err
			}
			return ui.Printed(io.WriteString(t.Out, script.String()))
		},
	}
}

// completeFlag completes the values of a flag.
func completeFlag(cmd *cobra.Command, flag *pflag.Flag) cobra.CompletionFunc {
	if flag.Name == "column" || strings.HasSuffix(flag.Name, "-column") {
		if columns := cmd.Flags().Lookup("column"); columns != nil {
			if list, ok := columns.Value.(runflags.ColumnList); ok {
				return list.Complete
			}
		}
	}
	switch {
	case endings[flag.Name] != nil:
		return cobra.FixedCompletions(endings[flag.Name], cobra.ShellCompDirectiveFilterFileExt)
	case flagvalue.Placeholder(flag) == "DIR":
		return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
	case flagvalue.IsPath(flag):
		return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)
	}
	return cobra.FixedCompletions(flagvalue.Choices(flag), cobra.ShellCompDirectiveNoFileComp)
}

// completeArguments completes the arguments of a command by what its usage calls them.
func completeArguments(t *ui.Terminal, cmd *cobra.Command) cobra.CompletionFunc {
	switch {
	case cmd.HasSubCommands():
		return cobra.NoFileCompletions
	case strings.Contains(cmd.Use, "JOB"):
		return completeJobs(t)
	case cmd.HasParent() && cmd.Parent().Name() == "snapshot" && strings.HasSuffix(cmd.Use, " FILE"):
		return cobra.FixedCompletions(endings["snapshot"], cobra.ShellCompDirectiveFilterFileExt)
	case strings.Contains(cmd.Use, " OLD"):
		ends := []string{"noo", "noodelta"}
		return cobra.FixedCompletions(ends, cobra.ShellCompDirectiveFilterFileExt)
	case strings.Contains(cmd.Use, "[DIR]"):
		return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
	case strings.Contains(cmd.Use, " INPUT") || strings.Contains(cmd.Use, "LIST") || strings.Contains(cmd.Use, " FILE"):
		return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)
	}
	return cobra.NoFileCompletions
}

// completeJobs completes the names of the jobs in the config file.
func completeJobs(t *ui.Terminal) cobra.CompletionFunc {
	return func(cmd *cobra.Command, names []string, _ string) ([]string, cobra.ShellCompDirective) {
		runflags.ResolveQuietly(cmd)
		c, err := openConfig(t, cmd.Flag("config").Value.String())
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var found []string
		for _, j := range c.Jobs {
			if !slices.Contains(names, j.Name) {
				found = append(found, cobra.CompletionWithDesc(j.Name, "noo "+j.Command))
			}
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}
