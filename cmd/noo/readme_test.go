package main

// Every command in the README is run by a test: the blocks marked sh, in their order, in one folder.

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

func TestReadmeCommands(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the README's examples are for a Unix shell")
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	ci, err := os.ReadFile("../../.ci/run")
	if err != nil {
		t.Fatal(err)
	}
	_, missing := exec.LookPath("minisign")
	dir := t.TempDir()
	blocks := shellBlock.FindAllStringSubmatch(string(readme), -1)
	if len(blocks) < 4 {
		t.Fatalf("only %d blocks found", len(blocks))
	}
	session := "set -eu\n"
	for _, block := range blocks {
		script := block[1]
		switch {
		case strings.HasPrefix(script, "make "):
			// make would run this test again: CI runs these on a clean checkout.
			for line := range strings.Lines(script) {
				if !strings.Contains(string(ci), "\n"+line) {
					t.Errorf("CI does not run %q", strings.TrimSpace(line))
				}
			}
		case strings.Contains(script, "minisign ") && missing != nil:
			t.Log("minisign is not installed: its block is left out")
		default:
			session += script
		}
	}
	cmd := exec.Command("sh", "-c", session)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "NOO_STATE_DIR="+filepath.Join(dir, "state"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"may be disclosed: none of its 2 records", "exit code 1: not to be disclosed", `"opted_out": 1`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the commands did not say %q:\n%s", want, out)
		}
	}
}
