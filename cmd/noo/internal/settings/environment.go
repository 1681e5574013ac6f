package settings

import (
	"encoding/csv"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"noo/cmd/noo/internal/flagvalue"
	"noo/internal/nearest"
	"noo/internal/nhsnumber"
)

// Environment says which environment variables set which flags.
type Environment struct {
	// Prefix starts the name of every variable: NOO_ makes NOO_MAX_AGE of --max-age.
	Prefix string
	// Renamed has the variables of flags that have another name as well, by the names of the flags.
	Renamed map[string]string
	// Whole has the flags whose list of paths must not have an empty entry, by their names: what a
	// variable that is not set leaves out of it is not to be missed.
	Whole []string
	// Others are variables with the prefix that set no flag.
	Others []string
}

// Variable returns the variable of a flag.
func (e *Environment) Variable(flag string) string {
	if renamed, ok := e.Renamed[flag]; ok {
		return renamed
	}
	return e.plain(flag)
}

func (e *Environment) plain(flag string) string {
	return e.Prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Read returns what the variables give for the flags that are not on the command line. An empty
// variable counts as unset. It returns an *Error if a variable cannot be read.
func (e *Environment) Read(flags *pflag.FlagSet) (Values, error) {
	values := Values{}
	for _, flag := range Flags(flags) {
		if flag.Changed {
			continue
		}
		name := e.Variable(flag.Name)
		text := os.Getenv(name)
		if plain := e.plain(flag.Name); plain != name && os.Getenv(plain) != "" {
			if text != "" {
				return nil, wrong(Source{FromEnvironment, plain},
					"%s and %s are the same setting: set one of them", plain, name)
			}
			name, text = plain, os.Getenv(plain)
		}
		if text == "" {
			continue
		}
		source := Source{FromEnvironment, name}
		texts, err := e.split(flag, text)
		if err != nil {
			return nil, wrong(source, "%s: %w", name, err)
		}
		if len(texts) > 0 {
			values[flag.Name] = Value{texts, source}
		}
	}
	return values, nil
}

// split returns the texts in a variable. For a flag that may be repeated, they are paths separated
// as in PATH, or else a line of CSV.
func (e *Environment) split(flag *pflag.Flag, text string) ([]string, error) {
	switch {
	case flag.Value.Type() == "bool":
		if !slices.Contains([]string{"true", "false", "1", "0"}, strings.ToLower(text)) {
			return nil, errors.New("want true or false")
		}
		return []string{text}, nil
	case !flagvalue.Repeatable(flag):
		return []string{text}, nil
	case flagvalue.IsPath(flag):
		paths := filepath.SplitList(text)
		if slices.Contains(e.Whole, flag.Name) && slices.Contains(paths, "") {
			return nil, errors.New("an entry is empty: name a file in it; is a variable not set?")
		}
		empty := func(path string) bool { return path == "" }
		return slices.DeleteFunc(paths, empty), nil
	}
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(records) != 1 {
		return nil, errors.New(
			`want values separated by commas, in quotes if they hold one: a,"b, c"`,
		)
	}
	return records[0], nil
}

// ofService are the variables, without the prefix, that Kubernetes sets for a service of that name.
var ofService = regexp.MustCompile(`^(SERVICE_HOST|SERVICE_PORT.*|PORT|PORT_.*)$`)

// Unknown lists the variables that have the prefix and set no flag of any of the commands. It
// returns an *Error if one is nearly the name of a setting: somebody meant it for the program.
func (e *Environment) Unknown(commands iter.Seq[*pflag.FlagSet]) ([]string, error) {
	known := slices.Clone(e.Others)
	for flags := range commands {
		for _, flag := range Flags(flags) {
			known = append(known, e.Variable(flag.Name), e.plain(flag.Name))
		}
	}
	slices.Sort(known)
	var unknown []string
	for _, name := range e.Names() {
		rest := strings.TrimPrefix(name, e.Prefix)
		if slices.Contains(known, name) || ofService.MatchString(rest) {
			continue
		}
		shown := nhsnumber.Mask(name)
		if near := e.nearest(name, known); near != "" {
			return nil, wrong(Source{FromEnvironment, shown},
				"%s in the environment is no setting; did you mean %s?", shown, near)
		}
		unknown = append(unknown, shown)
	}
	return unknown, nil
}

// Names lists the variables that are set, are not empty, and have the prefix.
func (e *Environment) Names() []string {
	var names []string
	for _, entry := range os.Environ() {
		name, text, _ := strings.Cut(entry, "=")
		if runtime.GOOS == "windows" {
			name = strings.ToUpper(name) // Windows ignores the case
		}
		if text != "" && strings.HasPrefix(name, e.Prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// nearest returns the setting that a variable was probably meant for, or "".
func (e *Environment) nearest(name string, known []string) string {
	rest := make([]string, len(known))
	for i, k := range known {
		if strings.HasPrefix(name, k+"_") { // NOO_REPORT_FILE
			return k
		}
		rest[i] = strings.TrimPrefix(k, e.Prefix)
	}
	if near := nearest.Name(strings.TrimPrefix(name, e.Prefix), rest); near != "" {
		return e.Prefix + near
	}
	return ""
}
