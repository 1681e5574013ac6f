// Package commandtree has what the commands of a tree share: help, arguments that are refused, and
// a walk over all of them.
package commandtree

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/suggest"
)

// Group makes a command that only has commands below it print help, and refuse arguments.
func Group(cmd *cobra.Command) {
	cmd.Args = cobra.ArbitraryArgs
	cmd.SuggestionsMinimumDistance = 2 // letters that a mistyped name may be off by
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return noCommand(cmd, args[0])
	}
}

// noCommand is the error for a command that does not exist below cmd.
func noCommand(cmd *cobra.Command, name string) error {
	text := "there is no such command"
	if !suggest.HasDigit(name) {
		text = fmt.Sprintf("there is no command %q", cmd.CommandPath()+" "+name)
	}
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		text += fmt.Sprintf("; did you mean %q?", cmd.CommandPath()+" "+near[0])
	}
	return outcome.Usage(errors.New(text))
}

// NewHelp is cobra's command for help, except that an unknown command is an error.
func NewHelp() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Show the help of a command",
		Example: "  noo help filter\n  noo help snapshot build",
		Args:    cobra.ArbitraryArgs,
		ValidArgsFunction: func(help *cobra.Command, args []string, typed string) (found []cobra.Completion, _ cobra.ShellCompDirective) {
			if cmd, rest, err := help.Root().Find(args); err == nil && len(rest) == 0 {
				for _, below := range cmd.Commands() {
					if below.IsAvailableCommand() && strings.HasPrefix(below.Name(), typed) {
						found = append(found, cobra.CompletionWithDesc(below.Name(), below.Short))
					}
				}
			}
			return found, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(help *cobra.Command, args []string) error {
			cmd, rest, err := help.Root().Find(args)
			switch {
			case err != nil:
				return err
			case len(rest) > 0 && cmd.HasSubCommands():
				return noCommand(cmd, rest[0])
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
	}
}

// NoArguments refuses arguments, without repeating them.
func NoArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments", cmd.Name())
	}
	return nil
}

// AtMostOne refuses more than one argument. Things are what the arguments are, in the plural.
func AtMostOne(things string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 1 {
			return fmt.Errorf("%d %s: name one at most", len(args), things)
		}
		return nil
	}
}

// All goes through a command and all below it.
func All(root *cobra.Command) iter.Seq[*cobra.Command] {
	return func(yield func(*cobra.Command) bool) {
		if !yield(root) {
			return
		}
		for _, child := range root.Commands() {
			for cmd := range All(child) {
				if !yield(cmd) {
					return
				}
			}
		}
	}
}
