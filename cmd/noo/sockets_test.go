//go:build unix

package main

// Only noo mesh and noo fhir may open a socket. Of the packages, only the two clients import what
// opens one; and no other command calls socket, which strace sees.

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// clients are the packages that may open a socket. No program has the last one.
var clients = []string{"noo/mesh/api", "noo/fhir/download", "noo/mesh/api/apitest"}

func TestOnlyTheClientsImportNet(t *testing.T) {
	listed, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "noo/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	opens := []string{"net", "net/http", "net/rpc", "net/smtp", "crypto/tls", "log/syslog"}
	found := 0
	for line := range strings.Lines(string(listed)) {
		words := strings.Fields(line)
		if !slices.ContainsFunc(words[1:], func(path string) bool { return slices.Contains(opens, path) }) {
			continue
		}
		if !slices.Contains(clients, words[0]) {
			t.Errorf("%s imports a package that can open a socket", words[0])
		}
		found++
	}
	if found != len(clients) {
		t.Errorf("%d packages import what opens a socket, want %d", found, len(clients))
	}
}

// TestNoSocket runs commands under strace. The last one opens a socket, so that the test can fail.
func TestNoSocket(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil || runtime.GOOS != "linux" {
		t.Skip("strace is not installed")
	}
	dir := smallRun(t)
	if err := os.WriteFile(filepath.Join(dir, "extract.csv"), []byte("nhs_number\n9995609649\n9434765919\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "list.txt"), []byte("9434765919\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "out"), 0o700); err != nil {
		t.Fatal(err)
	}
	config := "jobs:\n  clean:\n    input: extract.csv\n    output: job.csv\n"
	if err := os.WriteFile(filepath.Join(dir, "noo.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []struct {
		line  string
		opens bool
	}{
		{"filter extract.csv -o clean.csv --report report.json", false},
		{"check clean.csv --json", false},
		{"columns extract.csv", false},
		{"snapshot build list.txt -o made.noo --key .given/publisher.key", false},
		{"snapshot inspect made.noo", false},
		{"snapshot verify .given/optouts.noo", false},
		{"key generate --name mine --no-password", false},
		{"run clean --config noo.yaml", false},
		{"config show --config noo.yaml", false},
		{"version", false},
		{"demo", false},
		{"mesh request extract.csv -o request --mailbox X26ABC1 --to X26HC065", false},
		{"mesh send request --folder out", false},
		{"mesh collect request --from out -o never.noo --key .given/publisher.key", false},
		{"fhir download http://127.0.0.1:1/Consent -o never.gz", true},
	} {
		t.Run(command.line, func(t *testing.T) {
			trace := filepath.Join(t.TempDir(), "trace")
			cmd := noo(dir, strings.Fields(command.line)...)
			cmd.Args = append([]string{"strace", "-f", "-qq", "-e", "trace=socket", "-o", trace, cmd.Path}, cmd.Args[1:]...)
			cmd.Path = strace
			said, _ := cmd.CombinedOutput() // some of them are refused, which is no matter here
			called, err := os.ReadFile(trace)
			if err != nil {
				t.Fatalf("%v: %s", err, said)
			}
			if opened := strings.Contains(string(called), "socket("); opened != command.opens {
				t.Errorf("opened a socket: %v, want %v: %s", opened, command.opens, fmt.Sprint(string(called)))
			}
		})
	}
}
