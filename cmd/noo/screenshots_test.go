//go:build unix

package main

// The pictures under docs/screenshots are made from what the program really prints on a terminal: a
// test fails when they are stale, and draws them again with -update (make screenshots). Times and
// sequences are the same in each picture.

import (
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sessions are the commands of each picture, on the data of noo demo.
var sessions = map[string][]string{
	"filter": {
		"noo filter extract.parquet -o new.parquet --withheld followup.parquet",
		"noo check new.parquet",
	},
}

func TestScreenshotsAreCurrent(t *testing.T) {
	script, err := exec.LookPath("script")
	if err != nil {
		t.Skip("script, of util-linux, is not installed: it runs a command on a terminal")
	}
	if help, _ := exec.Command(script, "--help").CombinedOutput(); !strings.Contains(string(help), "--return") {
		t.Skip("this script is not that of util-linux")
	}
	for name, commands := range sessions {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			run := func(program string, arguments ...string) string {
				cmd := exec.Command(program, arguments...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "HOME="+dir, "TERM=xterm-256color", "NOO_STATE_DIR="+filepath.Join(dir, "state"),
					"NOO_SNAPSHOT=optouts.noo", "NOO_TRUSTED_KEYS=publisher.pub")
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%s: %v\n%s", strings.Join(arguments, " "), err, out)
				}
				return string(out)
			}
			run("noo", "demo", ".")
			var lines []screenLine
			for _, command := range commands {
				lines = append(lines, screenLine{{text: "$ ", class: "prompt"}, {text: command, class: "typed"}})
				lines = append(lines, onScreen(steady(run(script, "--quiet", "--return", "--echo", "never", "--command", command, "/dev/null")))...)
				lines = append(lines, nil)
			}
			want := picture(lines[:len(lines)-1])
			if err := xml.Unmarshal([]byte(want), new(struct{})); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(docs, "screenshots", name+".svg")
			if *update {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != want {
				t.Errorf("%s is stale (%v): run make screenshots", path, err)
			}
		})
	}
}

// steady returns an output with the times and sequences of one day, so that a picture changes only
// with the program.
func steady(output string) string {
	for _, fixed := range []struct{ part, with string }{
		{`\b20\d{12}\b`, "20260105060000"},
		{`\b\d{1,2} [A-Z][a-z]{2} 20\d\d \d\d:\d\d UTC`, "5 Jan 2026 06:00 UTC"},
		{`(  time +)\S+(, [^,]*, ).*/s`, "${1}2ms${2}4.3 MB/s"},
	} {
		output = regexp.MustCompile(fixed.part).ReplaceAllString(output, fixed.with)
	}
	return output
}

// screenLine is a line of a terminal, in spans that look the same.
type screenLine []screenSpan

type screenSpan struct{ text, class string }

// control is a sequence of control characters: one that sets colours, with its numbers, or any
// other.
var control = regexp.MustCompile("\x1b\\[([0-9;]*)m|\x1b\\[[0-9;?]*[A-Za-z]")

// onScreen returns what a terminal shows at the end: colours, and of a line that was written
// several times the last text.
func onScreen(output string) (lines []screenLine) {
	output = strings.TrimSuffix(strings.ReplaceAll(output, "\r\n", "\n"), "\n")
	class := ""
	for text := range strings.SplitSeq(output, "\n") {
		if at := strings.LastIndex(strings.TrimSuffix(text, "\r"), "\r"); at >= 0 {
			text = text[at+1:]
		}
		var line screenLine
		for text != "" {
			at := control.FindStringSubmatchIndex(text)
			if at == nil {
				at = []int{len(text), len(text), -1, -1}
			}
			if at[0] > 0 {
				line = append(line, screenSpan{text[:at[0]], class})
			}
			if at[2] >= 0 {
				class = classOf(text[at[2]:at[3]])
			}
			text = text[at[1]:]
		}
		lines = append(lines, line)
	}
	return lines
}

// classOf returns the class of text after a sequence that sets the given colours.
func classOf(numbers string) string {
	var classes []string
	for number := range strings.SplitSeq(numbers, ";") {
		if number != "" && number != "0" {
			classes = append(classes, "c"+number)
		}
	}
	return strings.Join(classes, " ")
}

// word is a part of a line between blanks.
var word = regexp.MustCompile(`[^ ]+`)

// picture draws lines as SVG. Each word has its place and its width, so that columns are straight
// in every font.
func picture(lines []screenLine) string {
	const column, row, margin, bar = 8.4, 20, 20, 30
	widest := 0
	for _, line := range lines {
		width := 0
		for _, span := range line {
			width += len([]rune(span.text))
		}
		widest = max(widest, width)
	}
	width, height := int(float64(widest)*column)+2*margin, len(lines)*row+bar+margin
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d">
<style>
text { font: 14px "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #d6dbe4 }
.prompt { fill: #7fd18b } .typed, .c1 { fill: #ffffff; font-weight: bold } .c2 { fill: #8a93a3 }
.c31, .c91 { fill: #f0837c } .c32, .c92 { fill: #7fd18b } .c33, .c93 { fill: #e3c470 } .c34, .c94, .c36, .c96 { fill: #7cb7f0 }
</style>
<rect width="%d" height="%d" rx="8" fill="#1d2430"/>
<circle cx="20" cy="17" r="5" fill="#f0837c"/><circle cx="37" cy="17" r="5" fill="#e3c470"/><circle cx="54" cy="17" r="5" fill="#7fd18b"/>
`, width, height, width, height, width, height)
	for i, line := range lines {
		at := 0
		for _, span := range line {
			class := ""
			if span.class != "" {
				class = fmt.Sprintf(` class=%q`, span.class)
			}
			for _, place := range word.FindAllStringIndex(span.text, -1) {
				start := at + len([]rune(span.text[:place[0]]))
				text := span.text[place[0]:place[1]]
				var escaped strings.Builder
				if err := xml.EscapeText(&escaped, []byte(text)); err != nil {
					panic(err) // a strings.Builder takes everything
				}
				fmt.Fprintf(&out, "<text x=\"%.1f\" y=\"%d\" textLength=\"%.1f\"%s>%s</text>\n",
					margin+float64(start)*column, bar+(i+1)*row-4, float64(len([]rune(text)))*column, class, escaped.String())
			}
			at += len([]rune(span.text))
		}
	}
	return out.String() + "</svg>\n"
}
