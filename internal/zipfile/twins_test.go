package zipfile

// Whatever is accepted is what other readers read: archive/zip from the end, and a reader that goes
// through the entries from the start, as one of a stream does, and never sees the directory.

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"noo/internal/zipfile/ziptest"
)

func crc(p []byte) uint32 { return crc32.ChecksumIEEE(p) }

// fromEnd reads a ZIP file with archive/zip.
func fromEnd(file []byte) (map[string]string, error) {
	r, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, f := range r.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		c, err := f.Open()
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(c)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		all[f.Name] = string(text)
	}
	return all, nil
}

// errStored is an entry whose end a reader of a stream cannot know.
var errStored = errors.New("a stored entry with its size behind it")

// fromStart reads a ZIP file entry by entry, from the first byte.
func fromStart(file []byte) (map[string]string, error) {
	all := map[string]string{}
	le := binary.LittleEndian
	for bytes.HasPrefix(file, []byte("PK\x03\x04")) {
		flags, method := le.Uint16(file[6:]), le.Uint16(file[8:])
		packed, size := uint64(le.Uint32(file[18:])), uint64(le.Uint32(file[22:]))
		n, x := int(le.Uint16(file[26:])), int(le.Uint16(file[28:]))
		name, extra := string(file[30:30+n]), file[30+n:30+n+x]
		for len(extra) >= 4 {
			kind, data := le.Uint16(extra), extra[4:4+le.Uint16(extra[2:])]
			if kind == 1 && size == 1<<32-1 {
				size, packed = le.Uint64(data), le.Uint64(data[8:])
			}
			extra = extra[4+len(data):]
		}
		file = file[30+n+x:]
		var text []byte
		switch {
		case method == zip.Store && flags&8 != 0 && packed == 0 && size == 0 && !strings.HasSuffix(name, "/"):
			return nil, errStored
		case method == zip.Store:
			text, file = file[:packed], file[packed:]
		case method == zip.Deflate:
			rest := bytes.NewReader(file)
			var err error
			if text, err = io.ReadAll(flate.NewReader(rest)); err != nil {
				return nil, err
			}
			file = file[len(file)-rest.Len():]
		default:
			return nil, errStored
		}
		if flags&8 != 0 { // a data descriptor, of whatever length
			next := -1
			for _, length := range []int{12, 16, 20, 24} {
				if len(file) > length+4 && (bytes.HasPrefix(file[length:], []byte("PK\x03\x04")) || bytes.HasPrefix(file[length:], []byte("PK\x01\x02"))) {
					next = length
					break
				}
			}
			if next < 0 {
				return nil, errors.New("no end of a data descriptor")
			}
			file = file[next:]
		}
		if !strings.HasSuffix(name, "/") {
			all[name] = string(text)
		}
	}
	return all, nil
}

func same(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for name, text := range a {
		if other, ok := b[name]; !ok || other != text {
			return false
		}
	}
	return true
}

// agree makes sure that a ZIP file is refused, or read as the twins read it. It reports whether it
// was read.
func agree(t *testing.T, path string, file []byte) bool {
	t.Helper()
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := contents(path)
	if err != nil {
		return false
	}
	end, err := fromEnd(file)
	if err != nil {
		// A bzip2 or zstd entry, which archive/zip does not know.
		if errors.Is(err, zip.ErrAlgorithm) {
			return true
		}
		t.Fatalf("archive/zip refuses it: %v", err)
	}
	if !same(got, end) {
		t.Fatalf("archive/zip reads something else: %d files, not %d", len(end), len(got))
	}
	start, err := fromStart(file)
	if err == errStored {
		return true
	}
	if err != nil {
		t.Fatalf("cannot be read from its start: %v", err)
	}
	if !same(got, start) {
		t.Fatalf("from its start, it is something else: %d files, not %d", len(start), len(got))
	}
	return true
}

// draw makes a well-formed ZIP file.
func draw(r *rand.Rand) *ziptest.File {
	f := &ziptest.File{Large: r.IntN(3) == 0}
	f.Saturated = f.Large && r.IntN(2) == 0
	if r.IntN(4) == 0 {
		f.Comment = strings.Repeat("comment ", r.IntN(8000))
	}
	for i := range r.IntN(6) {
		e := ziptest.Entry{Name: fmt.Sprintf("part=%d/%d.csv", r.IntN(3), i), Large: r.IntN(4) == 0}
		e.Content = bytes.Repeat([]byte("9995609649,stays\n"), r.IntN(1<<r.IntN(14)))
		e.Method = []uint16{ziptest.Store, ziptest.Deflate}[r.IntN(2)]
		e.Descriptor = []int{0, 0, 12, 16, 20, 24}[r.IntN(6)]
		f.Entries = append(f.Entries, e)
		if r.IntN(4) == 0 {
			f.Entries = append(f.Entries, ziptest.Entry{Name: fmt.Sprintf("folder%d/", i)})
		}
	}
	return f
}

// damage changes a few bytes of a ZIP file.
func damage(r *rand.Rand, file []byte) []byte {
	damaged := bytes.Clone(file)
	for range 1 + r.IntN(2) {
		at := r.IntN(len(damaged))
		if r.IntN(2) == 0 { // near the end more is at stake
			at = len(damaged) - 1 - r.IntN(min(len(damaged), 300))
		}
		switch r.IntN(4) {
		case 0:
			damaged[at] = byte(r.IntN(256))
		case 1:
			damaged[at] ^= 1 << r.IntN(8)
		case 2:
			damaged = append(damaged[:at], damaged[at+1:]...)
		case 3:
			damaged = append(damaged[:at], append([]byte{byte(r.IntN(256))}, damaged[at:]...)...)
		}
	}
	return damaged
}

// readAll is a program in Python that reads all ZIP files of a folder, and writes the digest of each
// entry.
const readAll = `
import hashlib, os, sys, zipfile
for file in sorted(os.listdir(sys.argv[1])):
    try:
        z = zipfile.ZipFile(os.path.join(sys.argv[1], file))
    except (NotImplementedError, zipfile.BadZipFile):
        print(file, "refused")
        continue
    with z:
        for info in sorted(z.infolist(), key=lambda i: i.filename):
            if not info.is_dir():
                print(file, info.filename, hashlib.sha256(z.read(info)).hexdigest())
`

// TestPython: Python's zipfile reads what is accepted, well-formed or damaged, as it is read here.
func TestPython(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("CI has Python")
		}
		t.Skip("no Python")
	}
	r := rand.New(rand.NewPCG(2, 0x21b))
	dir := t.TempDir()
	want := map[string]string{} // what Python is to print of each file
	damagedRead := 0
	for i := range 1000 {
		file := draw(r).Bytes()
		if i%10 > 0 {
			file = damage(r, file)
		}
		path := filepath.Join(dir, fmt.Sprintf("%04d.zip", i))
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := contents(path)
		if err != nil {
			if i%10 == 0 {
				t.Fatalf("a well-formed file is refused: %v", err)
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if i%10 > 0 {
			damagedRead++
		}
		of := filepath.Base(path)
		for _, name := range slices.Sorted(maps.Keys(all)) {
			want[of] += fmt.Sprintf("%s %s %x\n", of, name, sha256.Sum256([]byte(all[name])))
		}
	}
	said, err := exec.Command("python3", "-c", readAll, dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	got, refused := map[string]string{}, 0
	for line := range strings.Lines(strings.ReplaceAll(string(said), "\r\n", "\n")) {
		of, rest, _ := strings.Cut(line, " ")
		if rest == "refused\n" { // it may be stricter in something that changes nothing
			delete(want, of)
			refused++
			continue
		}
		got[of] += line
	}
	for of := range want {
		if got[of] != want[of] {
			t.Errorf("%s: Python reads\n%s, and not\n%s", of, got[of], want[of])
		}
	}
	if len(got) > len(want) {
		t.Error("Python reads more")
	}
	t.Logf("%d damaged files are read, %d of which Python refuses", damagedRead, refused)
	if damagedRead < 20 || refused > damagedRead/2 {
		t.Error("the test shows little")
	}
}

// TestTwins reads well-formed ZIP files as other readers do, and damaged ones so or not at all.
func TestTwins(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 0x21b))
	path := filepath.Join(t.TempDir(), "x.zip")
	read, damagedRead := 0, 0
	for range 150 {
		f := draw(r)
		file := f.Bytes()
		if !agree(t, path, file) {
			_, err := contents(path)
			t.Fatalf("a well-formed file is refused: %v", err)
		}
		read++
		for range 10 {
			if agree(t, path, damage(r, file)) {
				damagedRead++
			}
		}
	}
	t.Logf("%d well-formed files; %d of %d damaged ones are read", read, damagedRead, read*10)
}

func FuzzOpen(f *testing.F) {
	f.Add(two(nil))
	f.Add(two(func(f *ziptest.File) { f.Large, f.Saturated, f.Comment = true, true, "c" }))
	f.Add(first(func(e *ziptest.Entry) { e.Descriptor, e.Large = 24, true }))
	f.Add(first(func(e *ziptest.Entry) { e.Method, e.Descriptor = ziptest.Store, 12 }))
	f.Add(first(func(e *ziptest.Entry) { e.Method = 93 }))
	f.Add(first(func(e *ziptest.Entry) { e.Flags = ziptest.Encrypted }))
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > 1<<20 {
			return
		}
		agree(t, filepath.Join(t.TempDir(), "x.zip"), file)
	})
}
