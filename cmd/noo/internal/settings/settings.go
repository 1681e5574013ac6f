// Package settings finds the value of each flag. Precedence: command line, then environment, then
// config file, then default. All of it follows from the flags themselves, so that a new flag is a
// setting without another line. The package knows pflag, and nothing of noo's commands.
//
// Each source gives [Values]: [Forwarded] flags, [Environment.Read] and [Parse] return them.
// [Resolve] then sets the flags.
package settings

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/pflag"

	"noo/cmd/noo/internal/flagvalue"
	"noo/internal/kind"
)

// The kinds of Source, in the order of their precedence.
const (
	FromFlag        = "flag"
	FromEnvironment = "environment"
	FromConfig      = "config"
	FromDefault     = "default"
)

// Source says where a value comes from.
type Source struct {
	// Kind is one of the constants above.
	Kind string
	// Place is where a person finds it: the flag, the variable, or FILE:LINE; "" for a default.
	Place string
}

// Value is what one source gives for one flag.
type Value struct {
	// Texts has one text, or any number for a flag that may be repeated.
	Texts  []string
	Source Source
}

// Values is what one source gives, by the names of the flags.
type Values map[string]Value

// Names returns the names of the flags in order.
func (v Values) Names() []string { return slices.Sorted(maps.Keys(v)) }

// Error is a setting that is wrong. Its text starts with the place.
type Error struct {
	Source Source
	Err    error
}

// Error returns the text of Err.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Kind returns kind.Usage.
func (*Error) Kind() kind.Kind { return kind.Usage }

// wrong returns an Error.
func wrong(source Source, format string, args ...any) error {
	return &Error{source, fmt.Errorf(format, args...)}
}

// Resolve sets each flag that is not on the command line from the first of sources that has it. It
// returns what it set. It returns an *Error if a flag refuses its value.
func Resolve(flags *pflag.FlagSet, sources ...Values) (Values, error) {
	resolved := Values{}
	for _, flag := range Flags(flags) {
		if flag.Changed {
			continue
		}
		for _, source := range sources {
			value, ok := source[flag.Name]
			if !ok {
				continue
			}
			if err := set(flags, flag, value); err != nil {
				return nil, err
			}
			resolved[flag.Name] = value
			break
		}
	}
	return resolved, nil
}

// set sets a flag.
func set(flags *pflag.FlagSet, flag *pflag.Flag, value Value) error {
	for _, text := range value.Texts {
		if err := flags.Set(flag.Name, text); err != nil {
			place := value.Source.Place
			if value.Source.Kind == FromConfig {
				place += ": " + flag.Name
			}
			return wrong(value.Source, "%s: %s", place, flagvalue.Wanted(flag, text, err))
		}
	}
	return nil
}

// Flags lists the flags that are settings: all but --help, --version and forwarded ones.
func Flags(flags *pflag.FlagSet) []*pflag.Flag {
	var found []*pflag.Flag
	flags.VisitAll(func(flag *pflag.Flag) {
		_, forwarded := flag.Value.(*forwarded)
		if !forwarded && flag.Name != "help" && flag.Name != "version" {
			found = append(found, flag)
		}
	})
	return found
}

// find returns the flag of a name that is a setting, or nil.
func find(flags *pflag.FlagSet, name string) *pflag.Flag {
	flag := flags.Lookup(name)
	if flag == nil || !slices.Contains(Flags(flags), flag) {
		return nil
	}
	return flag
}
