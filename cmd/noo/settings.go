package main

// Settings: what a flag is set to when it is not on the command line. All of it is derived from the flags of the
// commands, so that a new flag is a setting without another line.

import (
	encoding "encoding/csv"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"noo/internal/atomicfile"
	"noo/internal/nhsnumber"
	"noo/snapshot"
)

// variablePrefix starts the name of every environment variable of noo.
const variablePrefix = "NOO_"

// trustedKeysVariable is what the variable of --trusted-key is called: it lists files, separated as in PATH.
const trustedKeysVariable = "NOO_TRUSTED_KEYS"

// The sources of settings, those that go before others first.
const (
	fromFlag        = "flag"
	fromEnvironment = "environment"
	fromConfig      = "config"
	fromDefault     = "default"
)

// settingError is a setting that is wrong where it comes from: in the environment or in a config file.
type settingError struct{ error }

func (e settingError) Unwrap() error { return e.error }

// origin says where a setting comes from.
type origin struct {
	source string
	// place is where a person finds it: the flag, the variable, the line of the file; "" for a default.
	place string
}

// given is what one source gives for one flag.
type given struct {
	texts  []string // one, or any number for a flag that may be repeated
	origin origin
}

// layer is what one source gives, by the names of the flags.
type layer map[string]given

// settle sets the flags that are not on the command line from the layers, of which the first that has a flag counts,
// and returns what each was set to from them. A value that a flag does not take is a settingError that names its place.
func settle(flags *pflag.FlagSet, layers ...layer) (layer, error) {
	settled := layer{}
	for _, flag := range settable(flags) {
		if flag.Changed {
			continue
		}
		for _, l := range layers {
			g, ok := l[flag.Name]
			if !ok {
				continue
			}
			if err := set(flags, flag, g); err != nil {
				return nil, err
			}
			settled[flag.Name] = g
			break
		}
	}
	return settled, nil
}

// set sets a flag. A value that the flag does not take is a settingError, and a usageError where it was on the command
// line.
func set(flags *pflag.FlagSet, flag *pflag.Flag, g given) error {
	for _, text := range g.texts {
		if err := flags.Set(flag.Name, text); err != nil {
			switch reason := wanted(flag, text, err); g.origin.source {
			case fromFlag:
				return usageError{fmt.Errorf("%s: %s", g.origin.place, reason)}
			case fromConfig:
				return settingError{fmt.Errorf("%s: %s: %s", g.origin.place, flag.Name, reason)}
			default:
				return settingError{fmt.Errorf("%s: %s", g.origin.place, reason)}
			}
		}
	}
	return nil
}

// settable lists the flags that are settings: not those that ask for help, nor those of noo run, which are kept for the
// command of the job.
func settable(flags *pflag.FlagSet) []*pflag.Flag {
	var found []*pflag.Flag
	flags.VisitAll(func(flag *pflag.Flag) {
		if _, kept := flag.Value.(*override); !kept && flag.Name != "help" && flag.Name != "version" {
			found = append(found, flag)
		}
	})
	return found
}

// wanted says what a flag takes, to somebody who gave it something else, without repeating what that was.
func wanted(flag *pflag.Flag, text string, err error) string {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		err = invalid.Unwrap()
	}
	switch kind := flag.Value.Type(); {
	case kind == "bool":
		return "want true or false"
	case strings.HasPrefix(kind, "uint") || strings.HasPrefix(kind, "int") || kind == "count":
		return "want a whole number"
	case strings.HasPrefix(kind, "float"):
		return "want a number"
	case kind == "duration":
		return "want a time such as 90s or 10m"
	case strings.Contains(err.Error(), strconv.Quote(text)):
		return "that is nothing it can be set to"
	}
	return nhsnumber.Mask(err.Error())
}

// repeatable tells whether a flag takes several values.
func repeatable(flag *pflag.Flag) bool {
	_, ok := flag.Value.(pflag.SliceValue)
	return ok
}

// placeholder is what the usage of a flag calls its value: FILE, DIR, NAME.
func placeholder(flag *pflag.Flag) string {
	name, _ := pflag.UnquoteUsage(flag)
	return name
}

// namesFile tells whether the value of a flag is a path.
func namesFile(flag *pflag.Flag) bool {
	return slices.Contains([]string{"FILE", "DIR"}, placeholder(flag))
}

// variable is the environment variable of a flag: NOO_MAX_AGE of max-age.
func variable(flag string) string {
	if flag == "trusted-key" {
		return trustedKeysVariable
	}
	return plainVariable(flag)
}

func plainVariable(flag string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// environment is the layer of the environment variables, for the flags that are not on the command line. Empty ones are
// unset.
func environment(flags *pflag.FlagSet) (layer, error) {
	l := layer{}
	for _, flag := range settable(flags) {
		if flag.Changed {
			continue
		}
		name, text := variable(flag.Name), os.Getenv(variable(flag.Name))
		if plain := plainVariable(flag.Name); plain != name && os.Getenv(plain) != "" {
			if text != "" {
				return nil, settingError{fmt.Errorf("%s and %s are the same setting: set one of them", plain, name)}
			}
			name, text = plain, os.Getenv(plain)
		}
		if text == "" {
			continue
		}
		texts, err := listed(flag, text)
		if err != nil {
			return nil, settingError{fmt.Errorf("%s: %w", name, err)}
		}
		if len(texts) > 0 {
			l[flag.Name] = given{texts, origin{fromEnvironment, name}}
		}
	}
	return l, nil
}

// listed takes the value of a variable apart: into paths separated as in PATH, or other values in a line of CSV, for a
// flag that may be repeated.
func listed(flag *pflag.Flag, text string) ([]string, error) {
	switch {
	case flag.Value.Type() == "bool":
		if !slices.Contains([]string{"true", "false", "1", "0"}, strings.ToLower(text)) {
			return nil, errors.New("want true or false")
		}
		return []string{text}, nil
	case !repeatable(flag):
		return []string{text}, nil
	case namesFile(flag):
		return slices.DeleteFunc(filepath.SplitList(text), func(path string) bool { return path == "" }), nil
	}
	records, err := encoding.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(records) != 1 {
		return nil, errors.New(`want values with commas between them, in quotes where they hold one: a,"b, c"`)
	}
	return records[0], nil
}

// otherVariables are the variables of noo that are no flags. The last two are read by cobra, and set by its completions.
var otherVariables = []string{
	snapshot.StateDirVariable, passwordVariable, atomicfile.HiddenVariable, "NOO_ACTIVE_HELP", "NOO_COMPLETION_DESCRIPTIONS",
}

// ofService are the variables that Kubernetes sets when a service is called noo.
var ofService = regexp.MustCompile(`^NOO_(SERVICE_HOST|SERVICE_PORT.*|PORT|PORT_.*)$`)

// unknownVariables lists the variables in the environment whose names start as those of noo do and that are none. One
// that is nearly the name of a setting is a settingError: it was meant for noo, and must not be passed over.
func unknownVariables(root *cobra.Command) ([]string, error) {
	known := slices.Clone(otherVariables)
	for cmd := range commands(root) {
		cmd.LocalFlags() // has those of the commands above added to Flags
		for _, flag := range settable(cmd.Flags()) {
			known = append(known, variable(flag.Name), plainVariable(flag.Name))
		}
	}
	slices.Sort(known)
	var unknown []string
	for _, name := range variableNames() {
		if slices.Contains(known, name) || ofService.MatchString(name) {
			continue
		}
		if near := nearestVariable(name, known); near != "" {
			return nil, settingError{fmt.Errorf("%s in the environment is no setting; did you mean %s?", nhsnumber.Mask(name), near)}
		}
		unknown = append(unknown, nhsnumber.Mask(name))
	}
	return unknown, nil
}

// variableNames lists the variables that are set, and not empty, and have the prefix.
func variableNames() []string {
	var names []string
	for _, entry := range os.Environ() {
		name, text, _ := strings.Cut(entry, "=")
		if runtime.GOOS == "windows" {
			name = strings.ToUpper(name) // where the case does not count
		}
		if text != "" && strings.HasPrefix(name, variablePrefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// nearestVariable is the setting that a variable was probably meant for, or "".
func nearestVariable(name string, known []string) string {
	for _, k := range known {
		if strings.HasPrefix(name, k+"_") { // NOO_REPORT_FILE
			return k
		}
	}
	rest := make([]string, len(known))
	for i, k := range known {
		rest[i] = strings.TrimPrefix(k, variablePrefix)
	}
	if near := nearest(strings.TrimPrefix(name, variablePrefix), rest); near != "" {
		return variablePrefix + near
	}
	return ""
}

// settleFromEnvironment sets the flags of a command that is about to run and that are not on its command line.
func settleFromEnvironment(t terminal, cmd *cobra.Command) error {
	if withoutSettings(cmd) {
		return nil
	}
	env, err := environment(cmd.Flags())
	if err != nil {
		return err
	}
	if _, err := settle(cmd.Flags(), env); err != nil {
		return err
	}
	if cmd.Name() == "version" {
		return nil // is asked for where something is wrong
	}
	unknown, err := unknownVariables(cmd.Root())
	if err != nil {
		return err
	}
	if len(unknown) > 0 && !isQuiet(cmd) {
		t.warn("in the environment, but no setting of noo: " + strings.Join(unknown, ", "))
	}
	return nil
}

// isQuiet tells whether a command, or the jobs that it runs, are to say nothing but errors.
func isQuiet(cmd *cobra.Command) bool {
	quiet := cmd.Flags().Lookup("quiet")
	if quiet == nil {
		return false
	}
	return slices.Contains([]string{"true", "1"}, strings.ToLower(os.Getenv(variable(quiet.Name)))) || quiet.Value.String() == "true"
}

// withoutSettings tells whether a command is one that must work whatever the environment holds: those by which people
// and shells find out what there is.
func withoutSettings(cmd *cobra.Command) bool {
	name := cmd.Name()
	return cmd == cmd.Root() ||
		slices.Contains([]string{cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd, "help", "completion"}, name)
}

// commands goes through a command and all below it.
func commands(root *cobra.Command) iter.Seq[*cobra.Command] {
	return func(yield func(*cobra.Command) bool) {
		if !yield(root) {
			return
		}
		for _, child := range root.Commands() {
			for cmd := range commands(child) {
				if !yield(cmd) {
					return
				}
			}
		}
	}
}

// inOrder gives the names of a layer in an order that is always the same.
func (l layer) inOrder() []string { return slices.Sorted(maps.Keys(l)) }
