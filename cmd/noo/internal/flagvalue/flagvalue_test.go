package flagvalue_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"noo/cmd/noo/internal/flagvalue"
)

// how returns a choice of three words.
func how(to *int) *flagvalue.Choice[int] {
	return flagvalue.NewChoice("HOW", to,
		flagvalue.Word[int]{Text: "one", Value: 1},
		flagvalue.Word[int]{Text: "two", Value: 2},
		flagvalue.Word[int]{Text: "three", Value: 3})
}

func TestSet(t *testing.T) {
	for _, test := range []struct {
		name  string
		value pflag.Value
		text  string
		want  string // what String returns after it
		err   string
	}{
		{"a choice", how(new(int)), "two", "two", ""},
		{"no choice", how(new(int)), "four", "", "want one, two or three"},
		{"a choice that is not listed", how(new(int)).Accept(flagvalue.Word[int]{Text: "four", Value: 4}), "four", "four", ""},
		{"days", new(flagvalue.Age), "21d", "21d", ""},
		{"hours that are days", new(flagvalue.Age), "48h", "2d", ""},
		{"hours", new(flagvalue.Age), "36h", "36h0m0s", ""},
		{"no time", new(flagvalue.Age), "0d", "0d", "want a time such as 21d or 36h"},
		{"too many days", new(flagvalue.Age), "36501d", "0d", "want a time such as 21d or 36h"},
		{"half a day", new(flagvalue.Age), "1.5d", "0d", "want a time such as 21d or 36h"},
		{"a wait", new(flagvalue.Wait), "90s", "1m30s", ""},
		{"no wait", new(flagvalue.Wait), "-1s", "0d", "want a time such as 10m or 90s"},
		{"a sequence", new(flagvalue.Sequence), "010", "10", ""},
		{"another base", new(flagvalue.Sequence), "0x10", "0", "want a whole number"},
		{"a size", new(flagvalue.Size), "1GiB", "1GiB", ""},
		{"a decimal size", new(flagvalue.Size), "100MB", "100MB", ""},
		{"a size without a unit", new(flagvalue.Size), "1500", "1500", ""},
		{"no size", new(flagvalue.Size), "0", "0", "want a size such as 64MiB"},
		{"a delimiter", flagvalue.NewDelimiter(new(string), new(bool)), ";", ";", ""},
		{"a delimiter's name", flagvalue.NewDelimiter(new(string), new(bool)), "pipe", "|", ""},
		{"a delimiter of three characters", flagvalue.NewDelimiter(new(string), new(bool)), "|^|", "|^|", ""},
		{"a delimiter in hexadecimal", flagvalue.NewDelimiter(new(string), new(bool)), "0x1F", "0x1f", ""},
		{"a count", new(flagvalue.Count), "3", "3", ""},
		{"no count", new(flagvalue.Count), "-1", "0", "want a whole number"},
		{"the delimiter of the header", flagvalue.NewDelimiter(new(string), new(bool)), "auto", "auto", ""},
		{"no delimiter", flagvalue.NewDelimiter(new(string), new(bool)), "none", "",
			"want characters, or a name such as tab, semicolon or pipe, or 0x1f"},
		{"a quote", flagvalue.NewQuote(new(byte), new(bool), new(bool)), "single", "'", ""},
		{"lenient quotes", flagvalue.NewQuote(new(byte), new(bool), new(bool)), "lenient", "lenient", ""},
		{"no quote", flagvalue.NewQuote(new(byte), new(bool), new(bool)), "none", "none", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.value.Set(test.text)
			switch {
			case err == nil && test.err != "", err != nil && err.Error() != test.err:
				t.Errorf("error %v, want %q", err, test.err)
			case test.value.String() != test.want:
				t.Errorf("%q, want %q", test.value, test.want)
			}
		})
	}
}

func TestChoicesCanBeSet(t *testing.T) {
	for name, value := range map[string]pflag.Value{
		"choice": how(new(int)), "delimiter": flagvalue.NewDelimiter(new(string), new(bool)),
		"quote": flagvalue.NewQuote(new(byte), new(bool), new(bool)),
	} {
		t.Run(name, func(t *testing.T) {
			choices := flagvalue.Choices(&pflag.Flag{Value: value})
			if len(choices) < 3 {
				t.Fatalf("it lists %q", choices)
			}
			for _, text := range choices {
				if err := value.Set(text); err != nil {
					t.Errorf("%s: %v", text, err)
				}
			}
		})
	}
}

// TestHelp: the help of a flag says what applies where the flag is not set.
func TestHelp(t *testing.T) {
	age := flagvalue.Age(21 * 24 * 3600e9)
	for _, test := range []struct {
		name  string
		value pflag.Value
		help  string // how the line ends
		unset string
	}{
		{"nothing", how(new(int)), "to do it", ""},
		{"a choice", how(new(2)), "(default two)", "two"},
		{"words", how(new(int)).Default("as before"), "(default as before)", "as before"},
		{"punctuation", flagvalue.NewQuote(new(byte), new(bool), new(bool)), `(default "\"")`, `"`},
		{"a time", &age, "(default 21d)", "21d"},
		{"zero", new(flagvalue.Sequence), "to do it", "0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			flags := pflag.NewFlagSet("", pflag.ContinueOnError)
			flagvalue.Add(flags, test.value, "flag", "how to do it")
			if help := strings.TrimSpace(flags.FlagUsages()); !strings.HasSuffix(help, test.help) {
				t.Errorf("%s\nwant %s at its end", help, test.help)
			}
			if unset := flagvalue.Unset(flags.Lookup("flag")); unset != test.unset {
				t.Errorf("unset it is %q, want %q", unset, test.unset)
			}
		})
	}
}

func TestWanted(t *testing.T) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.Bool("force", false, "")
	flagvalue.Add(flags, new(flagvalue.Sequence), "sequence", "")
	for _, test := range []struct{ name, flag, text, err, want string }{
		{"bool", "force", "maybe", "any", "want true or false"},
		{"its own words", "sequence", "x", "want a whole number", "want a whole number"},
		{"words with the value", "sequence", "x", `invalid syntax "x"`, "it cannot be set to that"},
		{"words with a number", "sequence", "x", "not 9434765919", "not xxxxxxxxxx"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := flagvalue.Wanted(flags.Lookup(test.flag), test.text, errors.New(test.err))
			if got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestAboutFlags(t *testing.T) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.String("output", "", "write to `FILE`")
	flags.StringArray("column", nil, "the column `NAME`")
	output, column := flags.Lookup("output"), flags.Lookup("column")
	if !flagvalue.IsPath(output) || flagvalue.IsPath(column) {
		t.Error("a FILE is a path, and a NAME is none")
	}
	if flagvalue.Repeatable(output) || !flagvalue.Repeatable(column) {
		t.Error("an array is repeatable, and a string is not")
	}
	if got := flagvalue.Placeholder(column); got != "NAME" {
		t.Errorf("placeholder %q", got)
	}
	if got := flagvalue.Choices(output); got != nil {
		t.Errorf("choices %q", got)
	}
	words := []string{flagvalue.Words(nil), flagvalue.Words([]string{"a"}), flagvalue.Words([]string{"a", "b"})}
	if !slices.Equal(words, []string{"", "a", "a or b"}) {
		t.Errorf("words %q", words)
	}
}
