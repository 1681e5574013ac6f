package flagvalue

import "github.com/spf13/pflag"

// AddTexts defines a flag that may be repeated, and appends its texts to to. check refuses a text
// as it comes, before anything can show it: an error of check does not repeat the text.
func AddTexts(flags *pflag.FlagSet, to *[]string, name, usage string, check func(string) error) {
	flags.StringArrayVar(to, name, nil, usage)
	flag := flags.Lookup(name)
	flag.Value = texts{flag.Value, flag.Value.(pflag.SliceValue), check}
	flag.DefValue = "" // in the usage, none
}

type texts struct {
	pflag.Value
	pflag.SliceValue
	check func(string) error
}

// Set adds a text.
func (t texts) Set(text string) error {
	if err := t.check(text); err != nil {
		return err
	}
	return t.Value.Set(text)
}
