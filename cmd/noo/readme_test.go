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
	for _, block := range blocks {
		script := block[1]
		switch {
		case strings.HasPrefix(script, "make "):
			// make would run this test again: CI runs these on a clean checkout.
			for line := range strings.Lines(script) {
				command, _, _ := strings.Cut(line, "#")
				if !strings.Contains(string(ci), "\n"+strings.TrimSpace(command)) {
					t.Errorf("CI does not run %q", strings.TrimSpace(command))
				}
			}
			continue
		case strings.Contains(script, "minisign ") && missing != nil:
			t.Log("minisign is not installed: its block is left out")
			continue
		}
		cmd := exec.Command("sh", "-eu", "-c", script)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+dir, "NOO_STATE_DIR="+filepath.Join(dir, "state"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s\nsaid:\n%s", err, script, out)
		}
	}
}
