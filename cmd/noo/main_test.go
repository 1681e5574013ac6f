package main

// The command's behaviour stands in testdata/*.txt, one behaviour a script, and is run from here.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"aead.dev/minisign"
	"github.com/rogpeppe/go-internal/testscript"

	"noo/internal/atomicfile"
	"noo/internal/nhsnumber"
	"noo/mesh/api/apitest"
	"noo/snapshot"
)

func TestMain(m *testing.M) {
	// A command under the race detector sleeps for a second before it exits, which is most of what
	// hundreds of them take.
	if os.Getenv("GORACE") == "" {
		os.Setenv("GORACE", "atexit_sleep_ms=0")
	}
	testscript.Main(m, map[string]func(){"noo": main})
}

// optedOut are the people who have opted out in the snapshot that every script finds. Numbers are
// never-issued ones.
var optedOut = []string{"9434765919", "9836044507", "9342852491"}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Values[heldKey{}] = held{}
			env.Values[meshServerKey{}] = new(*apitest.Server)
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("GORACE", os.Getenv("GORACE"))
			env.Setenv("NOO_STATE_DIR", filepath.Join(env.WorkDir, ".state"))
			env.Setenv("NOO_SNAPSHOT", filepath.Join(env.WorkDir, ".given", "optouts.noo"))
			env.Setenv("NOO_TRUSTED_KEYS", filepath.Join(env.WorkDir, ".given", "publisher.pub"))
			if err := give(filepath.Join(env.WorkDir, ".given")); err != nil {
				return err
			}
			// A script cannot hold a binary file.
			return os.CopyFS(filepath.Join(env.WorkDir, ".given"), os.DirFS("../../testdata"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"snapshot": makeSnapshot,
			"flip":     flip,
			"folder":   folder,
			"perm":     perm,
			"agekey":   ageKey,
			"sshkey":   sshKey,

			"compress":   compressFile,
			"decompress": decompressFile,
			"append":     appendFile,
			"cut":        cutFile,
			"zipfile":    zipFiles,
			"fhirserver": serveFHIR,
			"lock":       lock,
			"unlock":     unlock,
			"nameless":   nameless,

			"answer":     answer,
			"inbox":      inbox,
			"people":     people,
			"old":        makeOld,
			"backdate":   backdate,
			"meshserver": meshServer,
		},
		Condition: func(condition string) (bool, error) {
			switch condition {
			case "root":
				return os.Geteuid() == 0, nil
			case "devfull":
				_, err := os.Stat("/dev/full")
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", condition)
		},
	})
}

// give makes a folder with a key, its public half and a snapshot.
func give(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	key, err := snapshot.GenerateKey()
	if err != nil {
		return err
	}
	if _, _, err := snapshot.WriteKey(dir, "publisher", key, nil); err != nil {
		return err
	}
	return writeSnapshot(filepath.Join(dir, "optouts.noo"), key, snapshot.Manifest{
		Scope: snapshot.National, Sequence: 7, Created: time.Now(), ValidUntil: time.Now().Add(time.Hour),
	}, optedOut)
}

func writeSnapshot(path string, key minisign.PrivateKey, m snapshot.Manifest, numbers []string) error {
	set := snapshot.NewSet()
	for _, number := range numbers {
		n, _ := nhsnumber.Parse([]byte(number))
		set.Add(n)
	}
	file, err := atomicfile.Create(path, true)
	if err != nil {
		return err
	}
	defer file.Discard()
	m.Created, m.ValidUntil = m.Created.UTC().Truncate(time.Second), m.ValidUntil.UTC().Truncate(time.Second)
	if _, err := snapshot.Write(file, m, snapshot.Sets{OptedOut: set}, key); err != nil {
		return err
	}
	return atomicfile.Commit(file)
}

// tenDigits finds what could be an NHS number in what a command said.
var tenDigits = regexp.MustCompile(`(^|[^0-9])([0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4})($|[^0-9])`)

// loneNumber finds the same where no letter is beside the digits either: ten digits in a row happen
// in digests and identifiers.
var loneNumber = regexp.MustCompile(`(^|[^0-9A-Za-z])([0-9]{3}[ _.-]?[0-9]{3}[ _.-]?[0-9]{4})($|[^0-9A-Za-z])`)

// exits runs a command and compares its exit code: exits CODE COMMAND ARGS. Whatever the command
// is, three promises are held as well: it says no NHS number on stderr, every line that it says
// when it fails is one line, and it leaves no temporary file behind.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
	// Whose random digits may be a number.
	said := strings.ReplaceAll(ts.ReadFile("stderr"), ts.Getenv("WORK"), "$WORK")
	for _, match := range tenDigits.FindAllStringSubmatch(said, -1) {
		if _, status := nhsnumber.Parse([]byte(match[2])); status == nhsnumber.Valid {
			ts.Fatalf("an NHS number was printed")
		}
	}
	if format := logFormatOf(args); format != "" {
		ts.Check(eventsIn(said, format))
	} else if got > 1 && strings.Count(said, "\n") != 1 {
		ts.Fatalf("a failure is said in one line")
	}
	ts.Check(filepath.WalkDir(ts.Getenv("WORK"), func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, atomicfile.TempSuffix) {
			return fmt.Errorf("%s was left behind", path)
		}
		return err
	}))
}

// makeSnapshot writes a snapshot of another time, signed with the given key: snapshot FILE AGE
// VALID SEQUENCE [NUMBER...].
func makeSnapshot(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 4 {
		ts.Fatalf("usage: snapshot FILE AGE VALID SEQUENCE [NUMBER...]")
	}
	age, err := time.ParseDuration(args[1])
	ts.Check(err)
	valid, err := time.ParseDuration(args[2])
	ts.Check(err)
	sequence, err := strconv.ParseUint(args[3], 10, 64)
	ts.Check(err)
	key, err := snapshot.LoadPrivateKey(ts.MkAbs(".given/publisher.key"), nil)
	ts.Check(err)
	numbers := append([]string{optedOut[0]}, args[4:]...)
	created := time.Now().Add(-age)
	ts.Check(writeSnapshot(ts.MkAbs(args[0]), key, snapshot.Manifest{
		Scope: snapshot.National, Sequence: sequence, Created: created, ValidUntil: created.Add(valid),
	}, numbers))
}

// flip changes one byte of a file: flip FILE OFFSET; a negative offset counts from the end.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	content, err := os.ReadFile(path)
	ts.Check(err)
	offset, err := strconv.Atoi(args[1])
	ts.Check(err)
	if offset < 0 {
		offset += len(content)
	}
	content[offset] ^= 1
	ts.Check(os.WriteFile(path, content, 0o600))
}

// folder compares the names in a folder, hidden ones too: folder DIR [NAME...].
func folder(ts *testscript.TestScript, _ bool, args []string) {
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	names := []string{}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if got, want := strings.Join(names, " "), strings.Join(args[1:], " "); got != want {
		ts.Fatalf("%s holds %q, want %q", args[0], got, want)
	}
}

// endsWithScript has what a server calls at its end called at the end of a script.
type endsWithScript struct{ ts *testscript.TestScript }

func (e endsWithScript) Cleanup(f func()) { e.ts.Defer(f) }

// meshServerKey is where a script keeps its server.
type meshServerKey struct{}

// meshServer starts a MESH API on this machine and names it in NOO_MESH_API. It answers the first
// requests with the given status codes: meshserver [STATUS...].
func meshServer(ts *testscript.TestScript, _ bool, args []string) {
	s := apitest.New(endsWithScript{ts})
	*ts.Value(meshServerKey{}).(**apitest.Server) = s
	for _, text := range args {
		status, err := strconv.Atoi(text)
		ts.Check(err)
		s.Next(apitest.Status(status, ""))
	}
	ts.Setenv("NOO_MESH_API", s.URL)
}

// perm compares the permissions of a file: perm MODE FILE.
func perm(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}
