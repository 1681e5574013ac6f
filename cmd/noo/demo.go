package main

// noo demo: the main job on made-up data, by the very commands that it prints, so that a newcomer can repeat them.

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/ui"
	"noo/internal/atomicfile"
	"noo/snapshot"
)

// demoFiles are an extract, as CSV and as Parquet, and a list of opt-outs. The NHS numbers are of the range that is never issued.
//
//go:embed demo/extract.csv demo/extract.parquet demo/optouts.txt
var demoFiles embed.FS

// demoStep is one command of the demonstration.
type demoStep struct {
	why  string
	line string
	exit int // the exit code that it has when all is well
}

var demoSteps = []demoStep{
	{"A publisher makes a key, and signs the list of who has opted out as a snapshot:",
		"key generate --name publisher --no-password", exitDone},
	{"", "snapshot build optouts.txt -o optouts.noo --key publisher.key", exitDone},
	{"You remove from an extract everyone who has opted out. Records without a\nreadable NHS number are withheld, here into a file of their own:",
		"filter extract.csv -o clean.csv --snapshot optouts.noo --trusted-key publisher.pub --withheld followup.csv --report report.json", exitDone},
	{"The same for Parquet, of which no page, dictionary or statistic keeps anything of\na removed record:",
		"filter extract.parquet -o clean.parquet --snapshot optouts.noo --trusted-key publisher.pub", exitDone},
	{"Somebody else makes sure, before the files leave the building:",
		"check clean.csv clean.parquet --snapshot optouts.noo --trusted-key publisher.pub", exitDone},
	{"The extract itself does not pass, and the exit code says so to a script:",
		"check extract.csv --snapshot optouts.noo --trusted-key publisher.pub", exitDisclosure},
}

func newDemo(t *ui.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "demo [DIR]",
		Short: "Show the main job on made-up data",
		Long: `demo writes a made-up extract and a list of opt-outs into DIR. DIR must be empty
or not exist yet; the default is a new temporary folder. demo then shows the
commands that filter the extract, and what they print.`,
		Example: "  noo demo\n  noo demo try-it",
		Args:    atMostOne("folders"),
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
		return "", usage(fmt.Errorf("%s is not a folder: name another one", args[0]))
	}
	if err := os.MkdirAll(args[0], 0o700); err != nil {
		return "", fmt.Errorf("cannot make the folder %s: %w", args[0], atomicfile.Cause(err))
	}
	entries, err := os.ReadDir(args[0])
	if err != nil {
		return "", err
	}
	if len(entries) > 0 {
		return "", usage(fmt.Errorf("the folder %s is not empty: name another one", args[0]))
	}
	return filepath.Abs(args[0])
}

func runDemo(ctx context.Context, t *ui.Terminal, dir string) error {
	for _, name := range []string{"extract.csv", "extract.parquet", "optouts.txt"} {
		text, err := demoFiles.ReadFile("demo/" + name)
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
	// The commands do what they say here, whatever the environment of this machine says, and what they do is no business
	// of the snapshots that are used on it.
	for _, name := range environment.Names() {
		if err := os.Unsetenv(name); err != nil {
			return err
		}
	}
	if err := os.Setenv(snapshot.StateDirVariable, filepath.Join(dir, "state")); err != nil {
		return err
	}
	fmt.Fprintf(t.Out, "In %s there are now\nextract.csv and extract.parquet, made-up hospital episodes, and optouts.txt, NHS\nnumbers of people who have opted out.\n", dir)
	for _, step := range demoSteps {
		if step.why != "" {
			fmt.Fprintf(t.Out, "\n%s\n", step.why)
		}
		fmt.Fprintf(t.Out, "\n$ noo %s\n", step.line)
		code := execute(ctx, t, strings.Fields(step.line))
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if code != step.exit {
			return errors.New("the demonstration did not go as it should: please report it")
		}
	}
	_, err := io.WriteString(t.Out, demoEnd(dir))
	return err
}

func demoEnd(dir string) string {
	return fmt.Sprintf(`
What to type next:

  cd "%s"
  diff extract.csv clean.csv     what was left out; the rest is the same to the byte
  cat report.json                what was done, in numbers, for your records
  cat followup.csv               records that somebody should look at
  noo filter --help              for your own extract: the same command with your own files
`, dir)
}
