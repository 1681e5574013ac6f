package main

// ZIP files for the scripts, and random folders in them.

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"noo/cmd/noo/internal/outcome"
	"noo/internal/zipfile/ziptest"
)

// zipFiles writes a ZIP file: zipfile OUT [OPTION...] FILE [[OPTION...] FILE...]. Options count for
// all files behind them, but for -as, which is the name of the next.
func zipFiles(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 1 {
		ts.Fatalf("usage: zipfile OUT [OPTION...] FILE...")
	}
	out, name := args[0], ""
	var file ziptest.File
	next := ziptest.Entry{Method: ziptest.Deflate}
	number := func(text string) uint64 {
		n, err := strconv.ParseUint(text, 0, 32)
		ts.Check(err)
		return n
	}
	for args = args[1:]; len(args) > 0; args = args[1:] {
		if option := args[0]; strings.HasPrefix(option, "-") {
			switch args = args[1:]; option {
			case "-as":
				name = args[0]
			case "-method":
				next.Method = uint16(number(args[0]))
			case "-flags":
				next.Flags = uint16(number(args[0]))
			case "-attributes":
				next.Attributes = uint32(number(args[0]))
			case "-descriptor":
				next.Descriptor = int(number(args[0]))
			case "-between":
				next.Between = []byte(args[0])
			case "-packed": // instead of what the content would be compressed to
				next.Packed = []byte(args[0])
			case "-crc": // instead of that of the content
				crc := uint32(number(args[0]))
				next.Change = func(local, directory []byte) ([]byte, []byte) {
					binary.LittleEndian.PutUint32(local[14:], crc)
					binary.LittleEndian.PutUint32(directory[16:], crc)
					return local, directory
				}
			default:
				ts.Fatalf("zipfile has no option %s", option)
			}
			continue
		}
		entry := next
		if entry.Name = args[0]; name != "" {
			entry.Name = name
		}
		if name = ""; !strings.HasSuffix(entry.Name, "/") {
			content, err := os.ReadFile(ts.MkAbs(args[0]))
			ts.Check(err)
			entry.Content = content
		} else {
			entry.Method = ziptest.Store
		}
		file.Entries = append(file.Entries, entry)
	}
	ts.Check(os.WriteFile(ts.MkAbs(out), file.Bytes(), 0o600))
}

// tree tells all files below a folder with their digests, "" if there is no such folder.
func tree(t *testing.T, folder string) string {
	t.Helper()
	if _, err := os.Stat(folder); err != nil {
		return ""
	}
	var all strings.Builder
	err := fs.WalkDir(os.DirFS(folder), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(folder, path))
		fmt.Fprintf(&all, "%s %x\n", path, sha256.Sum256(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// drawFolder makes a folder of datasets of all kinds, and of files that are not read.
func drawFolder(t *testing.T, r *rand.Rand, folder string) {
	t.Helper()
	write := func(name string, content []byte) {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	given := func(name string) []byte {
		content, err := os.ReadFile(filepath.Join("../../testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	for i := range 1 + r.IntN(7) {
		var text strings.Builder
		text.WriteString("nhs_number,note\n")
		for line := range r.IntN(1 << (2 + r.IntN(13))) {
			number := pick(r, optedOut[0], optedOut[1], "9995609649", "9926702066", "")
			fmt.Fprintf(&text, "%s,%d %d\n", number, line, r.IntN(10))
		}
		name := fmt.Sprintf("%s%d", pick(r, "", "part=1/", "part=2/", "a/b/c/"), i)
		switch r.IntN(7) {
		case 0:
			write(name+".parquet", given("flat.parquet"))
		case 1:
			write(name+".arrow", given("flat.arrow"))
		case 2:
			write(name+".arrows", given("flat.arrows"))
		case 3:
			write(name+".csv.gz", gzipped(t, []byte(text.String())))
		case 4:
			write(name+".csv.zst", zstandard(t, []byte(text.String())))
		default:
			write(name+".csv", []byte(text.String()))
		}
	}
	if r.IntN(2) == 0 {
		write("__MACOSX/._0.csv", []byte{0, 5, 22, 7})
		write(".DS_Store", []byte{0, 0, 0, 1})
	}
}

// zipWithGo, zipWithTest and the commands below write a folder into a ZIP file.
func zipWithGo(r *rand.Rand, folder string) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	err := eachFile(folder, func(name string, content []byte) error {
		method := pick(r, zip.Store, zip.Deflate) // with data descriptors
		into, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err == nil {
			_, err = into.Write(content)
		}
		return err
	})
	if err == nil {
		err = w.Close()
	}
	return out.Bytes(), err
}

func zipWithTest(r *rand.Rand, folder string) ([]byte, error) {
	large := r.IntN(2) == 0
	f := ziptest.File{Large: large, Saturated: large && r.IntN(2) == 0, Comment: pick(r, "", "made up")}
	err := eachFile(folder, func(name string, content []byte) error {
		f.Entries = append(f.Entries, ziptest.Entry{
			Name: name, Content: content, Method: uint16(pick(r, ziptest.Store, ziptest.Deflate)),
			Large: r.IntN(2) == 0, Descriptor: pick(r, 0, 12, 16, 20, 24),
		})
		return nil
	})
	return f.Bytes(), err
}

// eachFile calls take with the name and the content of each file below a folder.
func eachFile(folder string, take func(name string, content []byte) error) error {
	return fs.WalkDir(os.DirFS(folder), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err == nil {
			err = take(name, content)
		}
		return err
	})
}

// zipCommands are other programs' writers, run in the folder: OUT is the ZIP file.
var zipCommands = map[string][]string{
	"Info-ZIP":                        {"zip", "-q", "-r", "OUT", "."},
	"Info-ZIP, stored":                {"zip", "-q", "-r", "-0", "OUT", "."},
	"Info-ZIP, with descriptors":      {"zip", "-q", "-r", "-fd", "OUT", "."},
	"Info-ZIP, for large files":       {"zip", "-q", "-r", "-fz", "OUT", "."},
	"Info-ZIP, bzip2":                 {"zip", "-q", "-r", "-Z", "bzip2", "OUT", "."},
	"Python":                          {"python3", "-m", "zipfile", "-c", "OUT", "."},
	"Python, stored":                  {"python3", "-c", pythonZip, "OUT", "ZIP_STORED", ""},
	"Python, bzip2":                   {"python3", "-c", pythonZip, "OUT", "ZIP_BZIP2", ""},
	"Python, for large files":         {"python3", "-c", pythonZip, "OUT", "ZIP_DEFLATED", "large"},
	"Python, to where nobody rewinds": {"python3", "-c", pythonZip, "OUT", "ZIP_DEFLATED", "stream"},
}

const pythonZip = `
import os, sys, zipfile
out, method, how = sys.argv[1:]
class Stream:
    def __init__(self, f): self.f = f
    def write(self, b): return self.f.write(b)
    def flush(self): self.f.flush()
with open(out, "wb") as f, zipfile.ZipFile(Stream(f) if how == "stream" else f, "w", getattr(zipfile, method)) as z:
    for folder, _, names in os.walk("."):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as source, z.open(os.path.relpath(path, "."), "w", force_zip64=how == "large") as to:
                to.write(source.read())
`

// TestZippedFolder: a folder in a ZIP file gives what the folder gives, whoever wrote the ZIP file.
func TestZippedFolder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 0x21b))
	dir := t.TempDir()
	useSnapshot(t, dir, optedOut)
	writers := map[string]func(r *rand.Rand, folder string) ([]byte, error){"Go": zipWithGo, "test": zipWithTest}
	for name, args := range zipCommands {
		if _, err := exec.LookPath(args[0]); err != nil {
			t.Logf("%s is not here", args[0])
			continue
		}
		writers[name] = func(_ *rand.Rand, folder string) ([]byte, error) {
			path := filepath.Join(dir, "other.zip")
			args := append([]string{}, args...)
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "OUT", path)
			}
			cmd := exec.Command(args[0], args[1:]...)
			cmd.Dir = folder
			if said, err := cmd.CombinedOutput(); err != nil {
				return nil, fmt.Errorf("%w: %s", err, said)
			}
			content, err := os.ReadFile(path)
			if err == nil {
				err = os.Remove(path)
			}
			return content, err
		}
	}
	names := slices.Sorted(maps.Keys(writers))
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		here := filepath.Join(dir, "round")
		in := filepath.Join(here, "in")
		drawFolder(t, r, in)
		filter := func(input, output string) string {
			t.Helper()
			code, said := runCommand([]string{
				"filter", input, "-o", filepath.Join(here, output) + "/", "--quiet",
				"--withheld", filepath.Join(here, output+"_withheld") + "/",
			})
			if code != outcome.ExitDone {
				t.Fatalf("round %d: %s ended with %d: %s", round, input, code, said)
			}
			return tree(t, filepath.Join(here, output)) + tree(t, filepath.Join(here, output+"_withheld"))
		}
		want := filter(in, "plain")
		for i := range 3 { // others in each round
			name := names[(3*round+i)%len(names)]
			content, err := writers[name](r, in)
			if err != nil {
				t.Fatalf("round %d: %s: %v", round, name, err)
			}
			path := filepath.Join(here, "x.zip")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			if got := filter(path, "zipped"); got != want {
				t.Fatalf("round %d: zipped by %s, it is\n%s, want\n%s", round, name, got, want)
			}
			for _, made := range []string{"zipped", "zipped_withheld"} {
				if err := os.RemoveAll(filepath.Join(here, made)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := os.RemoveAll(here); err != nil {
			t.Fatal(err)
		}
	}
}
