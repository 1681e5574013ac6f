package main

// noo config show: the value of each setting, and where it comes from.

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"noo/cmd/noo/internal/flagvalue"
	"noo/cmd/noo/internal/settings"
	"noo/cmd/noo/internal/ui"
	"noo/internal/kind"
	"noo/internal/nhsnumber"
	"noo/snapshot"
)

func newConfig(t *ui.Terminal, root *cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "config",
		Short:   "Show the settings",
		Example: "  noo config show\n  noo config show births --json",
	}
	cmd.AddCommand(newConfigShow(t, root))
	group(cmd)
	return cmd
}

// inForce is what a command would run with.
type inForce struct {
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

func newConfigShow(t *ui.Terminal, root *cobra.Command) *cobra.Command {
	var named string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show [JOB]",
		Short: "Show each setting and where it comes from",
		Long: `show prints every flag of the command that a job runs, its value, and where the
value comes from: the command line, the environment, a line of the config file,
or the default. Without JOB it shows the flags of noo filter, without the config
file: that is for jobs only.

If a value holds an NHS number, show prints x for each of its digits.`,
		Example: `  noo config show
  noo config show births
  noo config show births --missing keep --json`,
		Args: atMostOne("jobs"),
		RunE: func(cmd *cobra.Command, args []string) error {
			j := &settings.Job{Command: jobCommands[0]}
			shown := inForce{}
			if len(args) == 1 {
				c, err := openConfig(t, named)
				if err != nil {
					return err
				}
				found, err := findJobs(c, args)
				if err != nil {
					return err
				}
				j, shown.Config = found[0], c.Path
			}
			of, values, err := prepareJob(silenced(t), j, settings.Forwarded(cmd.Flags()))
			if err != nil {
				return err
			}
			shown.Job, shown.Command, shown.Inputs = j.Name, j.Command, maskedAll(j.Inputs)
			for _, flag := range settings.Flags(of.Flags()) {
				s, err := settingOf(flag, values)
				if err != nil {
					return err
				}
				shown.Settings = append(shown.Settings, s)
			}
			state, err := snapshot.DefaultStateDir()
			if err != nil {
				return err
			}
			shown.StateDir, shown.Config = nhsnumber.Mask(state), nhsnumber.Mask(shown.Config)
			if shown.Unknown, err = unknownVariables(root); err != nil {
				return err
			}
			return shown.print(t, asJSON)
		},
	}
	cmd.Flags().StringVar(&named, "config", "", configUsage)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	forwardFlags(cmd, root)
	return cmd
}

// settingOf describes a flag, without NHS numbers.
func settingOf(flag *pflag.Flag, values settings.Values) (s setting, err error) {
	s = setting{Flag: flag.Name, Variable: environment.Variable(flag.Name), Source: settings.FromDefault}
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
		s.Value = maskedAll(value.Texts)
	case flag.Value.Type() == "bool":
		s.Value = flag.Value.String() == "true"
	default:
		s.Value = nhsnumber.Mask(value.Texts[len(value.Texts)-1])
	}
	return s, nil
}

func maskedAll(texts []string) []string {
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
		return maskedAll(files), nil
	case flagvalue.Repeatable(flag):
		return maskedAll(flag.Value.(pflag.SliceValue).GetSlice()), nil
	case flag.Value.Type() == "bool":
		return flag.Value.String() == "true", nil
	}
	return flagvalue.Unset(flag), nil
}

func (f *inForce) print(t *ui.Terminal, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(t.Out)
		encoder.SetIndent("", "  ")
		return printed(0, encoder.Encode(f))
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
	return printed(fmt.Fprint(t.Out, text.String()))
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
