// Package suggest says what is wrong with a mistyped flag. It never repeats digits: they may be an
// NHS number.
package suggest

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/spf13/pflag"

	"noo/cmd/noo/internal/flagvalue"
	"noo/internal/nearest"
	"noo/internal/nhsnumber"
)

// HasDigit reports whether a text must not be repeated, since its digits may be an NHS number.
func HasDigit(text string) bool { return strings.IndexFunc(text, unicode.IsDigit) >= 0 }

// FlagError turns an error of pflag about a command line into noo's words, without the value that
// was given. flags are the flags that the command has.
func FlagError(flags *pflag.FlagSet, err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		flag := invalid.GetFlag()
		return fmt.Errorf("--%s: %s", flag.Name, flagvalue.Wanted(flag, invalid.GetValue(), err))
	}
	if bare, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		flag := bare.GetFlag()
		name := "--" + flag.Name
		if flag.Shorthand != "" {
			name = "-" + flag.Shorthand + ", " + name
		}
		return fmt.Errorf("%s needs a value: %s", name, flagvalue.Placeholder(flag))
	}
	if _, ok := errors.AsType[*pflag.InvalidSyntaxError](err); ok {
		return errors.New("unknown flag: want --NAME or --NAME=VALUE")
	}
	if missing, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return unknownFlag(flags, missing)
	}
	return errors.New(nhsnumber.Mask(err.Error()))
}

// unknownFlag is the error for a flag that does not exist.
func unknownFlag(flags *pflag.FlagSet, missing *pflag.NotExistError) error {
	name := missing.GetSpecifiedName()
	letters := []rune(missing.GetSpecifiedShortnames())
	if len(letters) > 0 {
		name = "" // of one letter, to which nothing is near
	}
	text := "unknown flag"
	switch {
	case HasDigit(missing.Error()):
	case len(letters) > 0:
		text += ": -" + string(letters[:1])
	default:
		text += ": --" + name
	}
	var names []string
	flags.VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	if near := nearest.Name(name, names); near != "" {
		text += fmt.Sprintf("; did you mean --%s?", near)
	}
	return errors.New(text)
}
