package settings_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/spf13/pflag"

	"noo/cmd/noo/internal/flagvalue"
	"noo/cmd/noo/internal/settings"
)

// noo is an environment as the program has it.
var noo = settings.Environment{
	Prefix:  "NOO_",
	Renamed: map[string]string{"trusted-key": "NOO_TRUSTED_KEYS"},
	Whole:   []string{"snapshot"},
	Others:  []string{"NOO_STATE_DIR"},
}

// newFlags returns flags of each kind.
func newFlags() *pflag.FlagSet {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.StringP("output", "o", "", "write to `FILE`")
	flags.StringArray("column", nil, "the column `NAME`")
	flags.StringArray("trusted-key", nil, "the key in `FILE`")
	flags.StringArray("snapshot", nil, "the snapshot in `FILE`")
	flags.Bool("quiet", false, "say nothing")
	flags.Bool("help", false, "show the help")
	flagvalue.Add(flags, new(flagvalue.Age), "max-age", "how old")
	flagvalue.Add(flags, flagvalue.NewChoice("ACTION", new(int),
		flagvalue.Word[int]{Text: "keep", Value: 1}, flagvalue.Word[int]{Text: "fail", Value: 2}),
		"missing", "what to do")
	return flags
}

// isWrong makes sure that an error is an *Error with a text and a source.
func isWrong(t *testing.T, err error, want string, kind string) {
	t.Helper()
	wrong, ok := errors.AsType[*settings.Error](err)
	if !ok {
		t.Fatalf("not a settings error: %v", err)
	}
	if err.Error() != want || wrong.Source.Kind != kind {
		t.Errorf("%q from %s, want %q from %s", err, wrong.Source.Kind, want, kind)
	}
}

func TestResolve(t *testing.T) {
	value := func(kind, place string, texts ...string) settings.Value {
		return settings.Value{Texts: texts, Source: settings.Source{Kind: kind, Place: place}}
	}
	environment := settings.Values{"missing": value(settings.FromEnvironment, "NOO_MISSING", "keep")}
	file := settings.Values{
		"missing": value(settings.FromConfig, "jobs.yaml:3", "fail"),
		"column":  value(settings.FromConfig, "jobs.yaml:4", "a", "b"),
		"output":  value(settings.FromConfig, "jobs.yaml:5", "x.csv"),
		"nothing": value(settings.FromConfig, "jobs.yaml:6", "of this command"),
	}
	flags := newFlags()
	if err := flags.Parse([]string{"-o", "y.csv"}); err != nil {
		t.Fatal(err)
	}
	resolved, err := settings.Resolve(flags, environment, file)
	if err != nil {
		t.Fatal(err)
	}
	if names := resolved.Names(); !slices.Equal(names, []string{"column", "missing"}) {
		t.Errorf("it resolved %q", names)
	}
	for name, want := range map[string]string{"output": "y.csv", "missing": "keep", "column": "[a,b]"} {
		if got := flags.Lookup(name).Value.String(); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if source := resolved["missing"].Source; source.Place != "NOO_MISSING" {
		t.Errorf("missing comes from %v", source)
	}
}

func TestResolveRefuses(t *testing.T) {
	for kind, want := range map[string]string{
		settings.FromFlag:        "here: want a time such as 21d or 36h",
		settings.FromEnvironment: "here: want a time such as 21d or 36h",
		settings.FromConfig:      "here: max-age: want a time such as 21d or 36h",
	} {
		t.Run(kind, func(t *testing.T) {
			source := settings.Source{Kind: kind, Place: "here"}
			values := settings.Values{"max-age": {Texts: []string{"9434765919"}, Source: source}}
			_, err := settings.Resolve(newFlags(), values)
			isWrong(t, err, want, kind)
		})
	}
}

func TestForward(t *testing.T) {
	run := pflag.NewFlagSet("", pflag.ContinueOnError)
	run.Bool("quiet", false, "of run itself")
	run.StringP("other", "o", "", "has the short name")
	settings.Forward(run, newFlags())
	if run.Lookup("help") != nil {
		t.Error("it forwards --help")
	}
	if got := flagvalue.Choices(run.Lookup("missing")); !slices.Equal(got, []string{"keep", "fail"}) {
		t.Errorf("choices %q", got)
	}
	args := []string{"--missing", "nonsense", "--column", "a", "--column", "b", "-o", "x", "--quiet"}
	if err := run.Parse(args); err != nil {
		t.Fatal(err)
	}
	values := settings.Forwarded(run)
	if names := values.Names(); !slices.Equal(names, []string{"column", "missing"}) {
		t.Errorf("it forwards %q", names)
	}
	if texts := values["column"].Texts; !slices.Equal(texts, []string{"a", "b"}) {
		t.Errorf("column is %q", texts)
	}
	if last := run.Lookup("column").Value.String(); last != "b" {
		t.Errorf("the last column is %q", last)
	}
	for _, flag := range settings.Flags(run) {
		if flag.Name != "quiet" && flag.Name != "other" {
			t.Errorf("--%s is a setting of the command that forwards it", flag.Name)
		}
	}
	_, err := settings.Resolve(newFlags(), values)
	isWrong(t, err, "--missing: want keep or fail", settings.FromFlag)
}
