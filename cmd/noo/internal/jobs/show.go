package jobs

// The settings in force for a job: the value of each flag, and where it comes from.

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"noo/cmd/noo/internal/flagvalue"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/settings"
	"noo/cmd/noo/internal/ui"
	"noo/internal/kind"
	"noo/internal/nhsnumber"
	"noo/snapshot"
)

// InForce is what a command would run with.
type InForce struct {
	Job      string    `json:"job,omitempty"`
	Command  string    `json:"command"`
	Config   string    `json:"config,omitempty"`
	StateDir string    `json:"state_dir"`
	Inputs   []string  `json:"inputs,omitempty"`
	Settings []setting `json:"settings"`
	Unknown  []string  `json:"unknown_variables,omitempty"`
}

// setting is one flag of a command: its value is a text, a list of texts, or true or false.
type setting struct {
	Flag     string `json:"flag"`
	Variable string `json:"variable"`
	Value    any    `json:"value"`
	Source   string `json:"source"`
	Place    string `json:"place,omitempty"`
}

// SettingOf describes a flag, without NHS numbers.
func SettingOf(flag *pflag.Flag, values settings.Values) (s setting, err error) {
	s = setting{
		Flag:     flag.Name,
		Variable: runflags.Environment.Variable(flag.Name),
		Source:   settings.FromDefault,
	}
	value, ok := values[flag.Name]
	if !ok {
		s.Value, err = valueByDefault(flag)
		return s, err
	}
	s.Source, s.Place = value.Source.Kind, nhsnumber.Mask(value.Source.Place)
	switch {
	case len(value.Texts) == 0: // an empty list overrides a default of all jobs
		s.Value, err = valueByDefault(flag)
		return s, err
	case flagvalue.Repeatable(flag):
		s.Value = Masked(value.Texts)
	case flag.Value.Type() == "bool":
		s.Value = flag.Value.String() == "true"
	default:
		s.Value = nhsnumber.Mask(value.Texts[len(value.Texts)-1])
	}
	return s, nil
}

// Masked returns texts without the digits of NHS numbers.
func Masked(texts []string) []string {
	all := make([]string, len(texts))
	for i, text := range texts {
		all[i] = nhsnumber.Mask(text)
	}
	return all
}

// valueByDefault returns what applies where a flag is not set.
func valueByDefault(flag *pflag.Flag) (any, error) {
	switch {
	case flag.Name == "trusted-key":
		files, err := snapshot.TrustedKeyFiles(nil)
		if err != nil {
			return nil, kind.Wrap(kind.Snapshot, err)
		}
		return Masked(files), nil
	case flagvalue.Repeatable(flag):
		return Masked(flag.Value.(pflag.SliceValue).GetSlice()), nil
	case flag.Value.Type() == "bool":
		return flag.Value.String() == "true", nil
	}
	return flagvalue.Unset(flag), nil
}

// Print prints the settings, as JSON or as a table.
func (f *InForce) Print(t *ui.Terminal, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(t.Out)
		encoder.SetIndent("", "  ")
		return ui.Printed(0, encoder.Encode(f))
	}
	var text strings.Builder
	what := "noo " + f.Command
	if f.Job != "" {
		what = "job " + f.Job + ": " + what
	}
	fmt.Fprintf(&text, "%s\n", strings.Join(append([]string{what}, f.Inputs...), " "))
	for _, about := range [][2]string{{"config file", f.Config}, {"state folder", f.StateDir}, {"not settings", strings.Join(f.Unknown, " ")}} {
		if about[1] != "" {
			fmt.Fprintf(&text, "%-14s %s\n", about[0], about[1])
		}
	}
	text.WriteByte('\n')
	for _, s := range f.Settings {
		from := s.Source
		if s.Place != "" {
			from = s.Place
		}
		fmt.Fprintf(&text, "%-14s %-28s %s\n", s.Flag, s.words(), from)
	}
	return ui.Printed(fmt.Fprint(t.Out, text.String()))
}

// words is the value of a setting for a person, that of a list with commas between.
func (s *setting) words() string {
	switch v := s.Value.(type) {
	case []string:
		if len(v) == 0 {
			return "-"
		}
		words := make([]string, len(v))
		for i, word := range v {
			if words[i] = word; strings.ContainsAny(word, `, "`) {
				words[i] = `"` + strings.ReplaceAll(word, `"`, `""`) + `"`
			}
		}
		return strings.Join(words, ",")
	case string:
		if v == "" {
			return "-"
		}
		return v
	}
	return fmt.Sprint(s.Value)
}
