package commandtree

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// tree is a command with two below it, one of which has one below it.
func tree() *cobra.Command {
	run := func(*cobra.Command, []string) error { return nil }
	root, middle := &cobra.Command{Use: "noo"}, &cobra.Command{Use: "snapshot"}
	middle.AddCommand(&cobra.Command{Use: "build", RunE: run})
	Group(middle)
	root.AddCommand(middle, &cobra.Command{Use: "demo [DIR]", RunE: run, Args: AtMostOne("folders")},
		&cobra.Command{Use: "version", RunE: run, Args: NoArguments})
	Group(root)
	root.SetHelpCommand(NewHelp())
	root.SetOut(io.Discard)
	root.SilenceErrors, root.SilenceUsage = true, true
	return root
}

func TestArguments(t *testing.T) {
	for _, c := range []struct {
		name, line string
		want       string // what the error says, "" for none
	}{
		{"a group alone prints help", "snapshot", ""},
		{"a command", "snapshot build", ""},
		{"mistyped", "snapshot biuld", `there is no command "noo snapshot biuld"; did you mean "noo snapshot build"?`},
		{"a number", "9434765919", "there is no such command"},
		{"help", "help snapshot build", ""},
		{"help for nothing", "help snapshot nope", `no command "noo snapshot nope"`},
		{"no arguments wanted", "version 9434765919", "version takes no arguments"},
		{"too many", "demo a b", "2 folders: name one at most"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := tree()
			root.SetArgs(strings.Fields(c.line))
			err := root.Execute()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "9434765919") {
				t.Errorf("%v repeats a number", err)
			}
		})
	}
}

func TestAll(t *testing.T) {
	var names []string
	for cmd := range All(tree()) {
		names = append(names, cmd.Name())
	}
	if got := strings.Join(names, " "); got != "noo demo snapshot build version" {
		t.Errorf("%s", got)
	}
}
