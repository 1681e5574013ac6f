package main

// The man pages and the Markdown reference are generated from the commands and checked in: a test
// fails when they are stale, and writes them anew with -update (make docs). So the binary need not
// carry the generator.

import (
	"flag"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"

	"noo/cmd/noo/internal/buildinfo"
	"noo/cmd/noo/internal/commandtree"
	"noo/cmd/noo/internal/eventlog"
	"noo/cmd/noo/internal/flagvalue"
	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/settings"
	"noo/cmd/noo/internal/ui"
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
	codes := exitCodes(t)
	forReference(func(name string, cmd *cobra.Command) {
		cmd.NonInheritedFlags().VisitAll(func(flag *pflag.Flag) { flag.Usage = escaped(flag.Usage) + defaultInWords(flag) })
		var page strings.Builder
		if err := doc.GenMan(cmd, &doc.GenManHeader{Section: "1", Date: new(time.Time)}, &page); err != nil {
			t.Fatal(err)
		}
		text := withPlaceholders(cmd, manHeader.ReplaceAllString(page.String(), `.TH $1`))
		text = strings.Replace(text, "\n.SH EXAMPLE\n", "\n"+exitStatus(cmd, codes)+"\n\n.SH EXAMPLE\n", 1)
		files[filepath.Join(docs, "man", name+".1")] = text
	})
	forReference(func(name string, cmd *cobra.Command) {
		var page strings.Builder
		link := func(file string) string { return strings.ReplaceAll(file, "_", "-") }
		if err := doc.GenMarkdownCustom(cmd, &page, link); err != nil {
			t.Fatal(err)
		}
		files[filepath.Join(docs, "reference", name+".md")] = page.String()
	})
	return files
}

// forReference calls generate for all commands of a new tree, each with the name of its page.
func forReference(generate func(name string, cmd *cobra.Command)) {
	root, _ := newRoot(silent(io.Discard, io.Discard))
	all := slices.Collect(commandtree.All(root)) // without those that the generator adds
	for _, cmd := range all {
		prepareForReference(cmd)
	}
	for _, cmd := range all {
		generate(strings.ReplaceAll(cmd.CommandPath(), " ", "-"), cmd)
	}
}

// prepareForReference adds to a command what the reference has beyond its help: the environment
// variables.
func prepareForReference(cmd *cobra.Command) {
	cmd.DisableAutoGenTag = true
	cmd.Long = fenced(cmd.Long)
	cmd.NonInheritedFlags().VisitAll(func(flag *pflag.Flag) {
		if flag.Name == "help" || flag.Name == "version" {
			return
		}
		flag.Usage += " [" + runflags.Environment.Variable(flag.Name) + "]"
	})
}

// escaped is a text in which Markdown, from which man pages are made too, finds no emphasis and no
// link: a pattern such as **/*.csv has the one, a variable before a default the other.
func escaped(text string) string {
	return strings.NewReplacer("*", `\*`, "_", `\_`, "[", `\[`).Replace(text)
}

// defaultInWords is what a man page adds to the usage of a flag, as --help does.
func defaultInWords(flag *pflag.Flag) string {
	if slices.Contains([]string{"", "0", "false", "[]"}, flag.DefValue) {
		return ""
	}
	return " (default " + escaped(flag.DefValue) + ")"
}

// manOption is an option in a man page, with its default in the place of what it takes, and with
// its usage.
var manOption = regexp.MustCompile(`(?m)^(?:\.PP\n)?((?:\\fB-.\\fP, )?\\fB--([a-z-]+)\\fP)(?:=.*|\[=.*\])\n\t(.*)$`)

// withPlaceholders has the options of a man page say what they take, and what they do below that.
func withPlaceholders(cmd *cobra.Command, page string) string {
	return manOption.ReplaceAllStringFunc(page, func(text string) string {
		found := manOption.FindStringSubmatch(text)
		option, usage := found[1], found[3]
		if name := flagvalue.Placeholder(cmd.Flag(found[2])); name != "" {
			option += ` \fI` + name + `\fP`
		}
		return ".TP\n" + option + "\n" + usage
	})
}

// documentedCode is a row of the table of exit codes.
type documentedCode struct{ code, meaning string }

// exitCodes reads the table of docs/exit-codes.md, so that there is one.
func exitCodes(t *testing.T) (codes []documentedCode) {
	t.Helper()
	page, _, _ := strings.Cut(readRoot(t, "docs/exit-codes.md"), "\n```")
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \| (.+) \|$`).FindAllStringSubmatch(page, -1) {
		codes = append(codes, documentedCode{row[1], row[2]})
	}
	if len(codes) == 0 {
		t.Fatal("docs/exit-codes.md has no table of exit codes")
	}
	return codes
}

// code is a name in a Markdown text that stands for itself.
var code = regexp.MustCompile("`([^`]*)`")

// exitStatus is the section of a man page on exit codes: all of them where scripts and schedules
// meet them.
func exitStatus(cmd *cobra.Command, codes []documentedCode) string {
	if cmd.HasParent() && cmd.Name() != "run" && !slices.Contains(forwarded, cmd.Name()) {
		return ".SH EXIT STATUS\n0 if all went well; \\fBnoo(1)\\fP lists the others.\n"
	}
	section := ".SH EXIT STATUS\n"
	for _, row := range codes {
		section += ".TP\n\\fB" + row.code + "\\fP\n" + code.ReplaceAllString(row.meaning, `\fB$1\fP`) + "\n"
	}
	return section
}

// indented is a block of lines that start with two spaces.
var indented = regexp.MustCompile(`(?m)(?:^  .*(?:\n\n?|$))+`)

// fenced makes a help text Markdown: what is indented in it is shown as it is, and so is every sign
// in the rest.
func fenced(text string) string {
	var out strings.Builder
	end := 0
	for _, block := range indented.FindAllStringIndex(text, -1) {
		out.WriteString(escaped(text[end:block[0]]))
		out.WriteString("```\n" + strings.TrimRight(text[block[0]:block[1]], "\n") + "\n```\n\n")
		end = block[1]
	}
	return out.String() + escaped(text[end:])
}

// What the pages show, as far as a reader of the sources cannot tell: signs that Markdown takes for
// emphasis, what options take, and exit codes.
func TestReferenceSaysWhatItMeans(t *testing.T) {
	pages := reference(t)
	man, markdown := pages[filepath.Join(docs, "man", "noo-filter.1")], pages[filepath.Join(docs, "reference", "noo-filter.md")]
	const pattern = `"in/**/*.parquet"`
	if !strings.Contains(strings.ReplaceAll(man, `\&`, ""), pattern) {
		t.Errorf("the man page does not show %s", pattern)
	}
	if !strings.Contains(markdown, escaped(pattern)) || !strings.Contains(markdown, `\_SUCCESS`) {
		t.Errorf("the Markdown has something else than an escaped %s", pattern)
	}
	for _, want := range []string{
		"\n\\fB--column\\fP \\fINAME\\fP\n", "\n\\fB-o\\fP, \\fB--output\\fP \\fIFILE\\fP\n", "\n\\fB--max-age\\fP \\fITIME\\fP\n", "(default 21d)",
		"\n\\fB--force\\fP\n", "\n.SH EXIT STATUS\n", "\n\\fB130\\fP\ninterrupted",
	} {
		if !strings.Contains(man, want) {
			t.Errorf("the man page of filter has no %q", want)
		}
	}
	for path, page := range pages {
		if strings.HasSuffix(path, ".1") && !strings.Contains(page, "\n.SH EXIT STATUS\n") {
			t.Errorf("%s has no exit status", path)
		}
	}
}

// silent is a terminal of which only what is written to it is used.
func silent(out, err io.Writer) *ui.Terminal {
	return &ui.Terminal{In: os.Stdin, Out: out, Err: err, Log: eventlog.New(err, buildinfo.Version())}
}

// executeHelp is what a command says of itself.
func executeHelp(t *testing.T, cmd *cobra.Command) string {
	t.Helper()
	var out, said strings.Builder
	args := append(strings.Fields(cmd.CommandPath())[1:], "--help")
	if code := execute(t.Context(), silent(&out, &said), args); code != outcome.ExitDone || said.Len() > 0 {
		t.Fatalf("%s --help: exit code %d, %s", cmd.CommandPath(), code, &said)
	}
	return out.String()
}

func TestHelpIsFitToRead(t *testing.T) {
	root, _ := newRoot(silent(io.Discard, io.Discard))
	for cmd := range commandtree.All(root) {
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

// The placeholder of a flag decides how noo reads its variable, whether a config file's values are
// paths, and what shells complete: it must be a known one. The choices of a flag must be accepted.
func TestFlagsSayWhatTheyTake(t *testing.T) {
	known := []string{
		"FILE", "DIR", // paths: flagvalue.IsPath
		"NAME", "N", "TEXT", "URL", "TIME", "SIZE", "ACTION", "CHAR", "END", "HOW", "FORMAT", "RECIPIENT", "SCOPE",
	}
	root, _ := newRoot(silent(io.Discard, io.Discard))
	for cmd := range commandtree.All(root) {
		cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
			if flag.Value.Type() != "bool" && !slices.Contains(known, flagvalue.Placeholder(flag)) {
				t.Errorf("%s --%s takes a %q, which no list here knows: is it a path?", cmd.CommandPath(), flag.Name, flagvalue.Placeholder(flag))
			}
			if flag.Name == settings.InputKey || flag.Name == settings.CommandKey {
				t.Errorf("%s --%s has the name of a key that jobs have beside flags", cmd.CommandPath(), flag.Name)
			}
			for _, text := range flagvalue.Choices(flag) {
				if err := flag.Value.Set(text); err != nil {
					t.Errorf("%s --%s lists %q, and does not accept it: %v", cmd.CommandPath(), flag.Name, text, err)
				}
			}
		})
	}
}
