package main

// noo demo: the main job on made-up data, by the very commands that it prints, so that a newcomer
// can repeat them.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/commandtree"
	"noo/cmd/noo/internal/demo"
	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/ui"
	"noo/internal/atomicfile"
	"noo/snapshot"
)

func newDemo(t *ui.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "demo [DIR]",
		Short: "Show the main job on made-up data",
		Long: `demo writes a made-up extract and a list of opt-outs into DIR. DIR must be empty
or not exist yet; the default is a new temporary folder. demo then shows the
commands that filter the extract, and what they print.`,
		Example: "  noo demo\n  noo demo try-it",
		Args:    commandtree.AtMostOne("folders"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := demoFolder(args)
			if err != nil {
				return err
			}
			return runDemo(cmd.Context(), &ui.Terminal{In: t.In, Out: t.Out, Err: t.Out}, dir)
		},
	}
}

// demoFolder makes the folder for the demonstration.
func demoFolder(args []string) (string, error) {
	if len(args) == 0 {
		return os.MkdirTemp("", "noo-demo-")
	}
	if info, err := os.Stat(args[0]); err == nil && !info.IsDir() {
		return "", outcome.Usage(fmt.Errorf("%s is not a folder: name another one", args[0]))
	}
	if err := os.MkdirAll(args[0], 0o700); err != nil {
		return "", fmt.Errorf("cannot make the folder %s: %w", args[0], atomicfile.Cause(err))
	}
	entries, err := os.ReadDir(args[0])
	if err != nil {
		return "", err
	}
	if len(entries) > 0 {
		return "", outcome.Usage(
			fmt.Errorf("the folder %s is not empty: name another one", args[0]),
		)
	}
	return filepath.Abs(args[0])
}

func runDemo(ctx context.Context, t *ui.Terminal, dir string) error {
	for _, name := range []string{"extract.csv", "extract.parquet", "optouts.txt"} {
		text, err := demo.Files.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return err
		}
	}
	if err := os.Chdir(dir); err != nil {
		return err
	}
	// The commands do what they say here, whatever the environment of this machine says, and what
	// they do is no business of the snapshots that are used on it.
	for _, name := range runflags.Environment.Names() {
		if err := os.Unsetenv(name); err != nil {
			return err
		}
	}
	if err := os.Setenv(snapshot.StateDirVariable, filepath.Join(dir, "state")); err != nil {
		return err
	}
	fmt.Fprintf(
		t.Out,
		"In %s there are now\nextract.csv and extract.parquet, made-up hospital episodes, and optouts.txt, NHS\nnumbers of people who have opted out.\n",
		dir,
	)
	for _, step := range demo.Steps {
		if step.Why != "" {
			fmt.Fprintf(t.Out, "\n%s\n", step.Why)
		}
		fmt.Fprintf(t.Out, "\n$ noo %s\n", step.Line)
		code := execute(ctx, t, strings.Fields(step.Line))
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if code != step.Exit {
			return errors.New("the demonstration did not go as it should: please report it")
		}
	}
	_, err := io.WriteString(t.Out, demo.End(dir))
	return err
}
