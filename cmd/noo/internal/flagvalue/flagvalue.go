// Package flagvalue has the types of noo's flags. A type reads its text, writes it again, and lists
// what there is to choose from: completion, help and `noo config show` ask it and nothing else.
//
// A value is a [pflag.Value]. Beyond that, it may have these methods:
//
//	Choices() []string // texts that Set accepts, for completion
//	Unset() string     // in words, what applies where the flag is not set
package flagvalue

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"noo/internal/nhsnumber"
)

// Add defines a flag. Its help shows what applies where the flag is not set.
func Add(flags *pflag.FlagSet, value pflag.Value, name, usage string) {
	flag := flags.VarPF(value, name, "", usage)
	if flag.DefValue == "" {
		flag.DefValue = Unset(flag)
	}
	if len(flag.DefValue) == 1 && flag.DefValue != "0" { // punctuation alone is hard to see
		flag.DefValue = strconv.Quote(flag.DefValue)
	}
}

// Choices returns texts that the flag accepts, or nil if its value does not list any.
func Choices(flag *pflag.Flag) []string {
	if value, ok := flag.Value.(interface{ Choices() []string }); ok {
		return value.Choices()
	}
	return nil
}

// Unset returns what applies where the flag is not set: its value, or else words for it.
func Unset(flag *pflag.Flag) string {
	text := flag.Value.String()
	if value, ok := flag.Value.(interface{ Unset() string }); ok && text == "" {
		return value.Unset()
	}
	return text
}

// Repeatable reports whether a flag takes several values.
func Repeatable(flag *pflag.Flag) bool {
	_, ok := flag.Value.(pflag.SliceValue)
	return ok
}

// Placeholder returns what the usage of a flag calls its value, such as FILE, DIR or NAME.
func Placeholder(flag *pflag.Flag) string {
	name, _ := pflag.UnquoteUsage(flag)
	return name
}

// IsPath reports whether the value of a flag is a path.
func IsPath(flag *pflag.Flag) bool {
	return slices.Contains([]string{"FILE", "DIR"}, Placeholder(flag))
}

// Wanted returns what a flag accepts, in words, after it refused text with err. It does not repeat
// text, which may hold an NHS number.
func Wanted(flag *pflag.Flag, text string, err error) string {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		err = invalid.Unwrap()
	}
	switch {
	case flag.Value.Type() == "bool":
		return "want true or false"
	case strings.Contains(err.Error(), strconv.Quote(text)):
		return "it cannot be set to that"
	}
	return nhsnumber.Mask(err.Error())
}

// Words joins choices for a sentence: "withhold, keep or fail".
func Words(choices []string) string {
	last := len(choices) - 1
	if last < 1 {
		return strings.Join(choices, "")
	}
	return strings.Join(choices[:last], ", ") + " or " + choices[last]
}
