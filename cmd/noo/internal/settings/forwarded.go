package settings

import (
	"github.com/spf13/pflag"

	"noo/cmd/noo/internal/flagvalue"
)

// forwarded is a flag that one command takes for another: it keeps its texts until it is known
// which command they are for.
type forwarded struct {
	original *pflag.Flag
	texts    []string
}

// Set keeps a text. Resolve finds out whether the other command accepts it.
func (f *forwarded) Set(text string) error {
	f.texts = append(f.texts, text)
	return nil
}

// String returns the text that was kept last, or "".
func (f *forwarded) String() string {
	if len(f.texts) == 0 {
		return ""
	}
	return f.texts[len(f.texts)-1]
}

// Type returns what help calls the value.
func (f *forwarded) Type() string { return f.original.Value.Type() }

// Choices returns those of the original flag.
func (f *forwarded) Choices() []string { return flagvalue.Choices(f.original) }

// Forward gives a command the flags of another, but those whose names it has itself.
func Forward(to, from *pflag.FlagSet) {
	for _, flag := range Flags(from) {
		if to.Lookup(flag.Name) != nil {
			continue
		}
		kept := *flag
		kept.Value = &forwarded{original: flag}
		if flagvalue.Repeatable(flag) {
			kept.DefValue = ""
		}
		if kept.Shorthand != "" && to.ShorthandLookup(kept.Shorthand) != nil {
			kept.Shorthand = "" // of a flag of a third command
		}
		to.AddFlag(&kept)
	}
}

// Forwarded returns the values of the forwarded flags on the command line.
func Forwarded(flags *pflag.FlagSet) Values {
	values := Values{}
	flags.Visit(func(flag *pflag.Flag) {
		if f, ok := flag.Value.(*forwarded); ok {
			values[flag.Name] = Value{f.texts, Source{FromFlag, "--" + flag.Name}}
		}
	})
	return values
}
