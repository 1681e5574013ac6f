package suggest_test

import (
	"testing"

	"github.com/spf13/pflag"

	"noo/cmd/noo/internal/suggest"
)

func TestFlagError(t *testing.T) {
	for _, test := range []struct {
		name string
		arg  string
		want string
	}{
		{"unknown", "--nope", "unknown flag: --nope"},
		{"mistyped", "--ouput", "unknown flag: --ouput; did you mean --output?"},
		{"a letter", "-x", "unknown flag: -x"},
		{"a number", "--9434765919", "unknown flag"},
		{"a number as letters", "-x9434765919", "unknown flag"},
		{"no name", "--=x", "unknown flag: want --NAME or --NAME=VALUE"},
		{"no value", "--output", "-o, --output needs a value: FILE"},
		{"a wrong value", "--force=9434765919", "--force: want true or false"},
	} {
		t.Run(test.name, func(t *testing.T) {
			flags := pflag.NewFlagSet("", pflag.ContinueOnError)
			flags.Usage = func() {}
			flags.StringP("output", "o", "", "write to `FILE`")
			flags.Bool("force", false, "")
			if got := suggest.FlagError(flags, flags.Parse([]string{test.arg})); got.Error() != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
