package main

// The kinds of files that people reported, with who has opted out in them, where they stand beside
// the checkout: through filter and check with every policy.

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"noo/cmd/noo/internal/outcome"
)

// wantOfCase says what becomes of the files of a folder of cases whatever the policy: the exit
// codes that are right.
var wantOfCase = map[string][]int{
	"01-gp-download-two-lines": {outcome.ExitUsage, outcome.ExitInput},
	"03-traced-number-beside":  {outcome.ExitUsage},
	"15-forms":                 {outcome.ExitDone, outcome.ExitUsage, outcome.ExitInput},
	"21-two-tables":            {outcome.ExitUsage},
}

func TestReportedCases(t *testing.T) {
	cases := filepath.Join("..", "..", "..", "shared", "cases")
	listed, err := os.ReadFile(filepath.Join(cases, "optouts.txt"))
	if err != nil {
		t.Skip("the reported cases are not beside the checkout")
	}
	numbers, out := map[string]bool{}, []string{}
	for line := range strings.Lines(string(listed)) {
		if number := strings.TrimSpace(line); number != "" {
			numbers[number], out = true, append(out, number)
		}
	}
	dir := t.TempDir()
	useSnapshot(t, dir, out)
	files, err := filepath.Glob(filepath.Join(cases, "*", "*"))
	if err != nil || len(files) < 100 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	written := 0
	for _, file := range files {
		folder := filepath.Base(filepath.Dir(file))
		t.Run(folder+"/"+filepath.Base(file), func(t *testing.T) {
			for _, policy := range everyPolicy() {
				here := filepath.Join(dir, "run")
				if err := os.MkdirAll(here, 0o700); err != nil {
					t.Fatal(err)
				}
				args := append([]string{"filter", file, "-o", filepath.Join(here, "out.csv"), "--withheld", filepath.Join(here, "withheld.csv")}, policy...)
				if strings.HasSuffix(file, ".gz") {
					args = append(args, "--compress", "none")
				}
				code, said := runCommand(args)
				if want := wantOfCase[folder]; want != nil && len(policy) == 0 && !slices.Contains(want, code) {
					t.Errorf("exit code %d, want one of %v: %s", code, want, said)
				}
				run := &leakRun{dir: here, args: args}
				if leaked, err := run.leaks(code, numbers); err != nil || leaked != "" {
					t.Errorf("noo %q ended with %d, and %s holds the number of somebody who opted out, or cannot be read: %v", args, code, leaked, err)
				}
				if code == outcome.ExitDone {
					written++
				}
				if err := os.RemoveAll(here); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	if written < 1000 {
		t.Errorf("only %d outputs were searched", written)
	}
}

// everyPolicy gives command lines with every policy, and with what people try when a file is
// refused.
func everyPolicy() (all [][]string) {
	all = append(all, nil)
	for _, missing := range []string{"withhold", "keep"} {
		for _, invalid := range []string{"withhold", "keep"} {
			for _, more := range []string{"", "--quote none", "--record-end crlf", "--record-end lf", "--column 2 --header", "--column 2 --no-header", "--delimiter tab", "--delimiter ~ --no-header --column 8"} {
				line := fmt.Sprintf("--missing %s --invalid %s --force-column %s", missing, invalid, more)
				all = append(all, strings.Fields(line))
			}
		}
	}
	// What the message advises is tried with the policies that write the most.
	for _, more := range []string{
		"--quote lenient", "--escape backslash", "--escape backslash --quote none", "--header-lines 1", "--header-lines 3 --footer-lines 1",
		"--header-lines 2 --no-header --column 2 --footer-lines 1 --footer keep", "--footer-lines 1", "--repeated-header keep", "--repeated-header drop",
		"--ragged trailing", "--delimiter auto", "--dialect mysql", "--dialect bcp", "--delimiter auto --header-lines 1", "--missing-value x",
		"--quote single", "--quote none --record-end 0x0a --delimiter tab",
	} {
		all = append(all, strings.Fields("--missing keep --invalid keep --force-column "+more))
	}
	return all
}
