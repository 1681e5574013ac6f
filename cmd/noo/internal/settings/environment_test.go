package settings_test

import (
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"noo/cmd/noo/internal/settings"
)

// unsetAll clears the variables of this test's own environment.
func unsetAll(t *testing.T) {
	for _, name := range noo.Names() {
		t.Setenv(name, "")
	}
}

func TestEnvironmentRead(t *testing.T) {
	list := strings.Join([]string{"a.pub", "", "b.pub"}, string(filepath.ListSeparator))
	for _, test := range []struct {
		name, variable, text string
		flag                 string
		want                 []string
		err                  string
	}{
		{"text", "NOO_OUTPUT", "x.csv", "output", []string{"x.csv"}, ""},
		{"bool", "NOO_QUIET", "TRUE", "quiet", []string{"TRUE"}, ""},
		{"no bool", "NOO_QUIET", "yes", "", nil, "NOO_QUIET: want true or false"},
		{"CSV", "NOO_COLUMN", `mother,"baby, nhs"`, "column", []string{"mother", "baby, nhs"}, ""},
		{"no CSV", "NOO_COLUMN", `a,"b`, "", nil,
			`NOO_COLUMN: want values separated by commas, in quotes if they hold one: a,"b, c"`},
		{"paths", "NOO_TRUSTED_KEYS", list, "trusted-key", []string{"a.pub", "b.pub"}, ""},
		{"paths by the plain name", "NOO_TRUSTED_KEY", "a.pub", "trusted-key", []string{"a.pub"}, ""},
		{"no path", "NOO_TRUSTED_KEYS", string(filepath.ListSeparator), "trusted-key", nil, ""},
		{"paths that all count", "NOO_SNAPSHOT", list, "", nil,
			"NOO_SNAPSHOT: an entry is empty: name a file in it; is a variable not set?"},
		{"one path", "NOO_SNAPSHOT", "a.noo", "snapshot", []string{"a.noo"}, ""},
		{"empty", "NOO_OUTPUT", "", "output", nil, ""},
		{"a value that no flag takes", "NOO_MAX_AGE", "soon", "max-age", []string{"soon"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			unsetAll(t)
			t.Setenv(test.variable, test.text)
			values, err := noo.Read(newFlags())
			if test.err != "" {
				isWrong(t, err, test.err, settings.FromEnvironment)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := values[test.flag]; !slices.Equal(got.Texts, test.want) {
				t.Errorf("%q, want %q", got.Texts, test.want)
			} else if len(test.want) > 0 && got.Source.Place != test.variable {
				t.Errorf("it comes from %v", got.Source)
			}
		})
	}
}

// TestEnvironmentReadLeaves: a flag on the command line goes before a variable, even a wrong one.
func TestEnvironmentReadLeaves(t *testing.T) {
	unsetAll(t)
	t.Setenv("NOO_QUIET", "what")
	flags := newFlags()
	if err := flags.Parse([]string{"--quiet"}); err != nil {
		t.Fatal(err)
	}
	if values, err := noo.Read(flags); err != nil || len(values) > 0 {
		t.Errorf("%v, %v", values, err)
	}
}

func TestEnvironmentReadTwoNames(t *testing.T) {
	unsetAll(t)
	t.Setenv("NOO_TRUSTED_KEY", "a.pub")
	t.Setenv("NOO_TRUSTED_KEYS", "b.pub")
	_, err := noo.Read(newFlags())
	const want = "NOO_TRUSTED_KEY and NOO_TRUSTED_KEYS are the same setting: set one of them"
	isWrong(t, err, want, settings.FromEnvironment)
}

func TestEnvironmentUnknown(t *testing.T) {
	all := func(flags ...*pflag.FlagSet) iter.Seq[*pflag.FlagSet] { return slices.Values(flags) }
	for _, test := range []struct {
		name, variable string
		unknown        []string
		err            string
	}{
		{"a flag", "NOO_MAX_AGE", nil, ""},
		{"a flag with another name", "NOO_TRUSTED_KEYS", nil, ""},
		{"no flag", "NOO_STATE_DIR", nil, ""},
		{"another program's", "NOODLES", nil, ""},
		{"Kubernetes'", "NOO_PORT_80_TCP", nil, ""},
		{"nothing", "NOO_COLOUR_SCHEME", []string{"NOO_COLOUR_SCHEME"}, ""},
		{"a number", "NOO_9434765919", []string{"NOO_xxxxxxxxxx"}, ""},
		{"mistyped", "NOO_MAXAGE", nil, "NOO_MAXAGE in the environment is no setting; did you mean NOO_MAX_AGE?"},
		{"too long", "NOO_OUTPUT_FILE", nil, "NOO_OUTPUT_FILE in the environment is no setting; did you mean NOO_OUTPUT?"},
	} {
		t.Run(test.name, func(t *testing.T) {
			unsetAll(t)
			if err := os.Setenv(test.variable, "x"); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Unsetenv(test.variable) })
			unknown, err := noo.Unknown(all(newFlags()))
			if test.err != "" {
				isWrong(t, err, test.err, settings.FromEnvironment)
				return
			}
			if err != nil || !slices.Equal(unknown, test.unknown) {
				t.Errorf("%q, %v, want %q", unknown, err, test.unknown)
			}
		})
	}
}
