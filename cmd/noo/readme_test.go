package main

// The commands in the Markdown files are run by these tests. A block marked sh holds commands. A
// block marked console holds commands after "$ ", and below each what it really says. The commands
// of one file run in their order, in one folder.

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// notRun are the command lines that no test can run, each with the reason. Lines that CI runs on a
// clean checkout need no entry: make would run these tests again.
var notRun = map[string]string{
	"make build":            "CI builds with make demo",
	"noo mesh send request": "it needs the MESH API: TestSandboxFirstHour runs it",
	"noo mesh collect request -o checked.noo --key publisher.key --wait 2h":                                            "the same",
	"noo filter extract.csv -o checked.csv --snapshot checked.noo":                                                     "the same",
	`noo fhir download "https://fhir.example.org/R4/Consent?_count=1000" -o consents.ndjson.gz --token-file token.txt`: "it needs a FHIR server; make fhir and the scripts fhir_download have one",
	"make bench":                                   "it takes an hour and 7 GB",
	"go run ./cmd/noobench -only arrow":            "it takes ten minutes and 7 GB",
	"go run ./cmd/noobench -only verdicts -runs 9": "it needs the same 7 GB",
	"go run ./cmd/noobench -long":                  "it takes an hour and 15 GB",
	"noo mesh handshake":                           "no test has a mailbox of the real service",
	"mkdir out && chgrp research out":              "the group research exists on few machines",
	"chmod 2750 out":                               "it goes with the line before",
	"chgrp -R research out":                        "the group research exists on few machines",
	"chmod -R g=rX out":                            "it goes with the line before",
}

// provided are files in the folder of the commands that no shell command can make, each with its
// source in testdata.
var provided = map[string]string{
	"extract.arrow":  "flat.arrow",
	"extract.arrows": "flat.arrows",
	"numbers.arrows": "numbers.arrows",
}

// fence is a block of a Markdown file between lines of three backquotes.
var fence = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

// handWritten returns the Markdown files that no program writes, as paths from the root of the
// checkout.
func handWritten(t *testing.T) (files []string) {
	t.Helper()
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/README.md", "snapshot/*.md"} {
		found, err := filepath.Glob("../../" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			files = append(files, filepath.ToSlash(strings.TrimPrefix(path, filepath.FromSlash("../../"))))
		}
	}
	return files
}

func readRoot(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

func TestMarkdownCommands(t *testing.T) {
	ci := readRoot(t, ".ci/run")
	var missing []string
	for _, tool := range []string{"minisign", "age-keygen", "zip"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, tool)
		}
	}
	unused := maps.Clone(notRun)
	for _, name := range handWritten(t) {
		t.Run(name, func(t *testing.T) {
			s := session{ci: ci, missing: missing, skipped: unused}
			for _, block := range fence.FindAllStringSubmatch(readRoot(t, name), -1) {
				switch block[1] {
				case "sh":
					s.addScript(block[2])
				case "console":
					s.addConsole(block[2])
				case "":
					t.Errorf("a block without a language: sh, console, text or another\n%s", block[2])
				}
			}
			if s.commands == 0 {
				t.Skip("it has no commands")
			}
			if runtime.GOOS == "windows" {
				t.Skip("the commands are for a Unix shell")
			}
			s.run(t)
		})
	}
	for line := range unused {
		t.Errorf("no Markdown file has the command %q: take it out of notRun", line)
	}
}

// session is the commands of one Markdown file as one shell script.
type session struct {
	ci      string
	missing []string          // tools that are not installed
	skipped map[string]string // the entries of notRun that no file has had yet

	script   strings.Builder
	commands int
	said     []said
}

// said is one command of a console block, with the output that the file shows.
type said struct{ command, output string }

// skip reports whether no test runs a line.
func (s *session) skip(line string) bool {
	command, _, _ := strings.Cut(line, " #")
	command = strings.TrimSpace(command)
	if _, listed := notRun[command]; listed {
		delete(s.skipped, command)
		return true
	}
	return strings.HasPrefix(command, "make ") && strings.Contains(s.ci, "\n"+command+"\n")
}

// needsMissing reports whether commands use a tool that is not installed.
func (s *session) needsMissing(commands string) bool {
	return slices.ContainsFunc(s.missing, func(tool string) bool {
		return strings.Contains(commands, tool+" ")
	})
}

// addScript adds the commands of a block marked sh.
func (s *session) addScript(block string) {
	s.commands++
	if s.needsMissing(block) {
		return
	}
	for line := range strings.Lines(block) {
		if !s.skip(line) {
			s.script.WriteString(line)
		}
	}
}

// addConsole adds the commands of a block marked console. A command may end in a backslash and go
// on after "> ".
func (s *session) addConsole(block string) {
	var session []said
	for line := range strings.Lines(block) {
		last := len(session) - 1
		command, isCommand := strings.CutPrefix(line, "$ ")
		more, goesOn := strings.CutPrefix(line, "> ")
		switch {
		case isCommand:
			session = append(session, said{command: strings.TrimSuffix(command, "\n")})
		case last < 0:
			session = append(session, said{command: "false # the block does not begin with a command"})
		case goesOn && strings.HasSuffix(session[last].command, `\`):
			session[last].command += "\n" + strings.TrimSuffix(more, "\n")
		default:
			session[last].output += line
		}
	}
	for i, one := range session {
		s.commands++
		if s.skip(one.command) || s.needsMissing(one.command) {
			continue
		}
		command := fmt.Sprintf("status=0\n%s || status=$?\n", one.command)
		switch {
		case one.command == "echo $?":
			command = "echo $status\n"
		// Which shows that it may fail.
		case i+1 == len(session) || session[i+1].command != "echo $?":
			command += "[ $status = 0 ] || { echo \"failed: exit code $status\"; exit 1; }\n"
		}
		fmt.Fprintf(&s.script, "echo '%s %d'\n%secho '%s end'\n", mark, len(s.said), command, mark)
		s.said = append(s.said, one)
	}
}

// mark is a line between the outputs of commands.
const mark = "@@@ of readme_test.go"

// run runs the session in a folder of its own and compares what the commands say with what the file
// shows.
func (s *session) run(t *testing.T) {
	dir := t.TempDir()
	noo, err := exec.LookPath("noo")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	// Which make build makes.
	if err := os.Symlink(noo, filepath.Join(dir, "bin", "noo")); err != nil {
		t.Fatal(err)
	}
	for name, source := range provided {
		data, err := os.ReadFile("../../testdata/" + source)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sh", "-c", "set -eu\nexec 2>&1\n"+s.script.String())
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "NOO_STATE_DIR="+filepath.Join(dir, "state"), "LC_ALL=C")
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for i, one := range s.said {
		_, output, _ := strings.Cut(string(text), fmt.Sprintf("%s %d\n", mark, i))
		output, _, _ = strings.Cut(output, mark+" end\n")
		if got, want := timeless(output), timeless(one.output); got != want {
			t.Errorf("$ %s\nit says\n%s\nand not\n%s", one.command, got, want)
		}
	}
}

// changing are the parts of an output that are others in each run, and what the tests put into
// their places.
var changing = []struct {
	part *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`\b20\d{12}\b`), "SEQUENCE"},
	{regexp.MustCompile(`\b\d{1,2} [A-Z][a-z]{2} 20\d\d \d\d:\d\d UTC`), "DATE"},
	{regexp.MustCompile(`\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ`), "DATE"},
	{regexp.MustCompile(`(?m)^  time  .*$`), "TIME"},
	{regexp.MustCompile(`\bX26ABC1-\d{6}-(\d{4})`), "MESSAGE-$1"},
	{regexp.MustCompile(`(MESSAGE-\d{4})-[A-Za-z]{8}\b`), "$1-LETTERS"},
	{regexp.MustCompile(`\b[0-9a-f]{32}\b`), "ID"},
	{regexp.MustCompile(`\b[0-9A-F]{16}\b`), "KEY"},
}

// timeless returns an output without what changes from run to run, and without blanks at the end.
func timeless(output string) string {
	for _, c := range changing {
		output = c.part.ReplaceAllString(output, c.with)
	}
	return strings.TrimRight(output, "\n ")
}

// codeSpan is a span of code in a line of a Markdown file.
var codeSpan = regexp.MustCompile("`([^`\n]+)`")

// TestNamedCommands: the commands, flags and variables that the text names exist.
func TestNamedCommands(t *testing.T) {
	references, err := filepath.Glob(docs + "/reference/*.md")
	if err != nil {
		t.Fatal(err)
	}
	all, pages := "", map[string]string{}
	for _, path := range references {
		text := readRoot(t, "docs/reference/"+filepath.Base(path))
		pages[strings.TrimSuffix(filepath.Base(path), ".md")] = text
		all += text
	}
	flag := regexp.MustCompile(`(?:^|[\s\[(])(--[a-z][a-z-]*)(?:[\s=|\])]|$)`)
	makefile := readRoot(t, "Makefile")
	for _, name := range handWritten(t) {
		text := fence.ReplaceAllString(readRoot(t, name), "")
		for _, span := range codeSpan.FindAllStringSubmatch(text, -1) {
			words := strings.Fields(span[1])
			if len(words) == 0 {
				continue
			}
			in := all
			switch {
			case words[0] == "make" && len(words) > 1 && words[1] != "VAR":
				if !strings.Contains(makefile, "\n"+words[1]+":") {
					t.Errorf("%s: the Makefile has no target for `%s`", name, span[1])
				}
				continue
			case words[0] == "noo" && len(words) > 1:
				page := "noo"
				for _, word := range words[1:] {
					if _, found := pages[page+"-"+word]; !found {
						break
					}
					page += "-" + word
				}
				if page == "noo" && regexp.MustCompile(`^[a-z]+$`).MatchString(words[1]) {
					t.Errorf("%s: there is no command `%s`", name, span[1])
				}
				in = pages[page]
				if page == "noo" {
					in = all
				}
			case !strings.HasPrefix(words[0], "--"):
				continue
			}
			for _, match := range flag.FindAllStringSubmatch(span[1], -1) {
				if !strings.Contains(in, match[1]+" ") && !strings.Contains(in, match[1]+"\n") && match[1] != "--help" {
					t.Errorf("%s: the reference has no flag %s as in `%s`", name, match[1], span[1])
				}
			}
		}
	}
}

// link is a link or a picture of a Markdown file.
var link = regexp.MustCompile(`!?\[[^\]\n]*(?:\n[^\]\n]*)?\]\(([^)\s]+)\)`)

// TestLinks: the files and the headings that relative links point to exist, in all Markdown files.
func TestLinks(t *testing.T) {
	files := handWritten(t)
	generated, err := filepath.Glob(docs + "/reference/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range generated {
		files = append(files, "docs/reference/"+filepath.Base(path))
	}
	for _, name := range files {
		text := fence.ReplaceAllString(readRoot(t, name), "")
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			target, anchor, hasAnchor := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			path := name
			if target != "" {
				path = filepath.ToSlash(filepath.Join(filepath.Dir(name), target))
			}
			if _, err := os.Stat("../../" + path); err != nil || strings.HasPrefix(path, "../") {
				t.Errorf("%s: the link to %s leads nowhere", name, match[1])
				continue
			}
			if hasAnchor && !slices.Contains(anchors(readRoot(t, path)), anchor) {
				t.Errorf("%s: the link to %s has no heading: %q", name, match[1], anchors(readRoot(t, path)))
			}
		}
	}
}

var (
	heading    = regexp.MustCompile(`(?m)^#+ +(.*?) *$`)
	notInSlugs = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// anchors returns the anchors that GitHub gives to the headings of a text.
func anchors(text string) (all []string) {
	seen := map[string]int{}
	for _, match := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		slug := strings.ReplaceAll(notInSlugs.ReplaceAllString(strings.ToLower(match[1]), ""), " ", "-")
		if n := seen[slug]; n > 0 {
			all = append(all, fmt.Sprintf("%s-%d", slug, n))
		} else {
			all = append(all, slug)
		}
		seen[slug]++
	}
	return all
}

func TestMarkdownForm(t *testing.T) {
	if lines := strings.Count(readRoot(t, "README.md"), "\n"); lines > 160 {
		t.Errorf("README.md has %d lines: at most 160; longer texts are in docs/", lines)
	}
	for _, name := range handWritten(t) {
		inFence := false
		for i, line := range strings.Split(readRoot(t, name), "\n") {
			if strings.HasPrefix(line, "```") {
				inFence = !inFence
			}
			columns := len([]rune(line))
			if !inFence && columns > 100 && !strings.HasPrefix(line, "|") {
				t.Errorf("%s:%d: %d columns, at most 100", name, i+1, columns)
			}
			if strings.TrimRight(line, " \t") != line {
				t.Errorf("%s:%d: blanks at the end", name, i+1)
			}
		}
	}
}
