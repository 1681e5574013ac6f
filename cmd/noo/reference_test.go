package main

// The man pages and the Markdown reference are generated from the commands and checked in: a test fails when they are
// stale, and writes them anew with -update (make docs). So the binary need not carry the generator.

import (
	"flag"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write the reference under docs anew")

const docs = "../../docs"

func TestReferenceIsCurrent(t *testing.T) {
	want := reference(t)
	var found []string
	for _, dir := range []string{"man", "reference"} {
		err := filepath.WalkDir(filepath.Join(docs, dir), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				found = append(found, path)
			}
			return err
		})
		if err != nil && !*update {
			t.Fatal(err)
		}
	}
	if *update {
		writeReference(t, want, found)
		return
	}
	for _, path := range found {
		if _, ok := want[path]; !ok {
			t.Errorf("%s is of a command that there is no more: run make docs", path)
		}
	}
	for path, text := range want {
		got, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("%v: run make docs", err)
			continue
		}
		// A checkout on Windows may have the line endings of Windows.
		if strings.ReplaceAll(string(got), "\r\n", "\n") != text {
			t.Errorf("%s is stale: run make docs", path)
		}
	}
}

func writeReference(t *testing.T, want map[string]string, found []string) {
	for _, path := range found {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	for path, text := range want {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// manHeader is the first line of a man page, with its date.
var manHeader = regexp.MustCompile(`(?m)^\.TH ("[^"]*" "[^"]*") .*$`)

// reference generates the files, by their paths.
func reference(t *testing.T) map[string]string {
	files := map[string]string{}
	root, _ := newRoot(silent(io.Discard, io.Discard))
	all := slices.Collect(commands(root)) // without those that the generator adds
	for _, cmd := range all {
		prepareForReference(cmd)
	}
	for _, cmd := range all {
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
		var page strings.Builder
		if err := doc.GenMan(cmd, &doc.GenManHeader{Section: "1", Date: new(time.Time)}, &page); err != nil {
			t.Fatal(err)
		}
		files[filepath.Join(docs, "man", name+".1")] = manHeader.ReplaceAllString(page.String(), `.TH $1`)
		page.Reset()
		link := func(file string) string { return strings.ReplaceAll(file, "_", "-") }
		if err := doc.GenMarkdownCustom(cmd, &page, link); err != nil {
			t.Fatal(err)
		}
		files[filepath.Join(docs, "reference", name+".md")] = page.String()
	}
	return files
}

// prepareForReference adds to a command what the reference has beyond its help: the environment variables.
func prepareForReference(cmd *cobra.Command) {
	cmd.DisableAutoGenTag = true
	cmd.Long = fenced(cmd.Long)
	cmd.NonInheritedFlags().VisitAll(func(flag *pflag.Flag) {
		if flag.Name == "help" || flag.Name == "version" {
			return
		}
		flag.Usage += " [" + variable(flag.Name) + "]"
	})
}

// indented is a block of lines that start with two spaces.
var indented = regexp.MustCompile(`(?m)(?:^  .*(?:\n\n?|$))+`)

// fenced makes the indented blocks of a help text what is shown as it is in Markdown.
func fenced(text string) string {
	return indented.ReplaceAllStringFunc(text, func(block string) string {
		return "```\n" + strings.TrimRight(block, "\n") + "\n```\n\n"
	})
}

// silent is a terminal of which only what is written to it is used.
func silent(out, err io.Writer) terminal {
	return terminal{in: os.Stdin, out: out, err: err, log: &journal{to: err}, settled: new(atomic.Bool)}
}

// executeHelp is what a command says of itself.
func executeHelp(t *testing.T, cmd *cobra.Command) string {
	t.Helper()
	var out, said strings.Builder
	args := append(strings.Fields(cmd.CommandPath())[1:], "--help")
	if code := execute(t.Context(), silent(&out, &said), args); code != exitDone || said.Len() > 0 {
		t.Fatalf("%s --help: exit code %d, %s", cmd.CommandPath(), code, &said)
	}
	return out.String()
}

func TestHelpIsFitToRead(t *testing.T) {
	root, _ := newRoot(silent(io.Discard, io.Discard))
	for cmd := range commands(root) {
		name := cmd.CommandPath()
		help := executeHelp(t, cmd)
		if !strings.Contains(help, "Examples:\n") || !strings.Contains(cmd.Example, name) {
			t.Errorf("%s --help has no example", name)
		}
		for line := range strings.Lines(help) {
			if line = strings.TrimSuffix(line, "\n"); len([]rune(line)) > 80 {
				t.Errorf("%s --help has a line of %d columns:\n%s", name, len([]rune(line)), line)
			}
		}
	}
}

// What a flag takes decides how its variable is read, from where its paths in a config file are meant, and what shells
// complete: its placeholder has to be one that is known, and the values that its usage lists have to be some.
func TestFlagsSayWhatTheyTake(t *testing.T) {
	known := []string{
		"FILE", "DIR", // paths: namesFile
		"NAME", "N", "TEXT", "TIME", "SIZE", "ACTION", "CHAR", "HOW", "FORMAT",
	}
	root, _ := newRoot(silent(io.Discard, io.Discard))
	for cmd := range commands(root) {
		cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
			if flag.Value.Type() != "bool" && !slices.Contains(known, placeholder(flag)) {
				t.Errorf("%s --%s takes a %q, which no list here knows: is it a path?", cmd.CommandPath(), flag.Name, placeholder(flag))
			}
			if flag.Name == inputKey || flag.Name == commandKey {
				t.Errorf("%s --%s has the name of a key that jobs have beside flags", cmd.CommandPath(), flag.Name)
			}
			for _, text := range choices(flag) {
				if err := flag.Value.Set(text); err != nil {
					t.Errorf("%s --%s lists %q in its usage, and does not take it: %v", cmd.CommandPath(), flag.Name, text, err)
				}
			}
		})
	}
}
