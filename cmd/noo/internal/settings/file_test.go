package settings_test

// The config file is read by a library and a walk over what it returns. Neither may panic. An error
// is one line that starts with the file's name and holds no NHS number.

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"noo/cmd/noo/internal/settings"
	"noo/internal/nhsnumber"
)

// newCommands returns two commands, of which the second has no --output.
func newCommands() []settings.Command {
	check := pflag.NewFlagSet("", pflag.ContinueOnError)
	newFlags().VisitAll(func(flag *pflag.Flag) {
		if flag.Name != "output" {
			check.AddFlag(flag)
		}
	})
	return []settings.Command{{Name: "filter", Flags: newFlags()}, {Name: "check", Flags: check}}
}

func TestParse(t *testing.T) {
	path := filepath.Join("etc", "jobs.yaml")
	file, err := settings.Parse(path, []byte(`
defaults: {max-age: 7d, output: default.csv, quiet: TRUE}
jobs:
  births:
    input: [births.csv, "-"]
    output: out/
    column: [mother, 2]
  again: {command: check, input: births.csv, column: [], max-age: 1d}
`), newCommands())
	if err != nil {
		t.Fatal(err)
	}
	if len(file.Jobs) != 2 {
		t.Fatalf("%d jobs", len(file.Jobs))
	}
	births, again := file.Jobs[0], file.Jobs[1]
	if births.Name != "births" || births.Command != "filter" || births.Place != path+":4" {
		t.Errorf("the first is %+v", births)
	}
	if want := []string{filepath.Join("etc", "births.csv"), "-"}; !slices.Equal(births.Inputs, want) {
		t.Errorf("its inputs are %q", births.Inputs)
	}
	for _, test := range []struct {
		name  string
		job   *settings.Job
		flag  string
		texts []string
		place string
	}{
		{"of its own", births, "column", []string{"mother", "2"}, path + ":7"},
		{"a folder", births, "output", []string{filepath.Join("etc", "out") + string(filepath.Separator)}, path + ":6"},
		{"a default", births, "quiet", []string{"true"}, path + ":2"},
		{"an empty list", again, "column", nil, path + ":8"},
		{"before a default", again, "max-age", []string{"1d"}, path + ":8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := test.job.Values[test.flag]
			if !ok || !slices.Equal(got.Texts, test.texts) || got.Source.Place != test.place {
				t.Errorf("%+v, want %q from %s", got, test.texts, test.place)
			}
		})
	}
	if _, ok := again.Values["output"]; ok {
		t.Error("a default is given to a command without such a flag")
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"control characters", "jobs:\n  a:\n    input: x\x01\n", "some.yaml:3: want text in UTF-8"},
		{"no UTF-8", "jobs:\n  a: \xff\n", "some.yaml:2: want text in UTF-8"},
		{"unknown key", "job: {}", `some.yaml:1: unknown key "job": did you mean "jobs"?`},
		{"unknown flag", "jobs: {a: {out: x}}", `some.yaml:1: unknown key "out": did you mean "output"?`},
		{"flag of another", "jobs: {a: {command: check, output: x}}",
			`some.yaml:1: unknown key "output": the command check has no such flag`},
		{"no command", "jobs: {a: {command: run}}", "some.yaml:1: command: want one of filter, check"},
		{"a number", "jobs: {a: {9434765919: x}}",
			`some.yaml:1: unknown key "xxxxxxxxxx": the command filter has no such flag`},
		{"twice", "jobs:\n  a: {}\n  a: {}\n", `some.yaml:3: "a" exists already, in line 2`},
		{"help is no setting", "jobs: {a: {help: true}}",
			`some.yaml:1: unknown key "help": the command filter has no such flag`},
		{"nothing", "# nothing", "some.yaml is no config file: want one YAML document"},
		{"no jobs", "defaults: {}", "some.yaml:1: there is no job: want jobs, and below it the names of jobs"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := settings.Parse("some.yaml", []byte(test.text), newCommands())
			isWrong(t, err, test.want, settings.FromConfig)
		})
	}
}

func TestReadFileIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large.yaml")
	if err := os.WriteFile(path, make([]byte, 1<<20+1), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := settings.ReadFile(path)
	isWrong(t, err, path+" is too large for a config file", settings.FromConfig)
}

func FuzzParse(f *testing.F) {
	script, err := os.ReadFile("../../testdata/settings_config_errors.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range strings.Split(string(script), "\n-- ") {
		_, text, _ := strings.Cut(file, " --\n")
		f.Add(text)
	}
	f.Add("jobs:\n  a:\n    input: x\x00\n")
	f.Add("jobs: {a: {input: [x, [y]]}}")
	f.Add("\xff\xfej\x00")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := settings.Parse("some.yaml", []byte(text), newCommands())
		if err == nil {
			if len(file.Jobs) == 0 {
				t.Error("a config file without jobs was read")
			}
			for _, job := range file.Jobs {
				for _, command := range newCommands() {
					if _, failed := settings.Resolve(command.Flags, job.Values); failed != nil {
						err = failed
					}
				}
			}
		}
		if err == nil {
			return
		}
		said := err.Error()
		if !strings.HasPrefix(said, "some.yaml:") && said != "some.yaml is no config file: want one YAML document" {
			t.Errorf("no place: %s", said)
		}
		if nhsnumber.Mask(said) != said {
			t.Error("an NHS number was printed")
		}
	})
}
