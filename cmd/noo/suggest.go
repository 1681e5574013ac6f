package main

// Suggestions for what was mistyped, and what is said of a wrong flag.

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"noo/internal/nhsnumber"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// nearest returns the name that a mistyped one was probably meant to be, or "".
func nearest(typed string, names []string) string {
	if len(typed) < 2 {
		return ""
	}
	for distance := 1; distance <= 2 && 2*distance < len(typed); distance++ {
		// Cobra knows how to find a command that was mistyped: a name is taken for one.
		among := &cobra.Command{SuggestionsMinimumDistance: distance}
		for _, name := range names {
			among.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
		}
		if near := among.SuggestionsFor(typed); len(near) > 0 {
			return near[0]
		}
	}
	return ""
}

// noArguments refuses arguments, without repeating them.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments", cmd.Name())
	}
	return nil
}

// oneAtMost refuses more than one argument, which is one of what things.
func oneAtMost(things string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 1 {
			return fmt.Errorf("%d %s: name one at most", len(args), things)
		}
		return nil
	}
}

// wrongFlag says what is wrong with a flag on the command line, without the value that was given to it.
func wrongFlag(cmd *cobra.Command, err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		flag := invalid.GetFlag()
		return fmt.Errorf("--%s: %s", flag.Name, wanted(flag, invalid.GetValue(), err))
	}
	if bare, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		flag := bare.GetFlag()
		name := "--" + flag.Name
		if flag.Shorthand != "" {
			name = "-" + flag.Shorthand + ", " + name
		}
		return fmt.Errorf("%s wants a value: %s", name, placeholder(flag))
	}
	if is[*pflag.InvalidSyntaxError](err) {
		return errors.New("unknown flag: want --NAME or --NAME=VALUE")
	}
	missing, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return errors.New(nhsnumber.Mask(err.Error()))
	}
	name := missing.GetSpecifiedName()
	if missing.GetSpecifiedShortnames() != "" {
		name = "" // of one letter, to which nothing is near
	}
	text := "unknown flag"
	switch {
	case strings.IndexFunc(err.Error(), unicode.IsDigit) >= 0: // which may be a number that nobody should see
	case name == "":
		text = "unknown flag: -" + string([]rune(missing.GetSpecifiedShortnames())[:1])
	default:
		text = "unknown flag: --" + name
	}
	var names []string
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	if near := nearest(name, names); near != "" {
		text += fmt.Sprintf("; did you mean --%s?", near)
	}
	return errors.New(text)
}
