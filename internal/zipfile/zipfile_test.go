package zipfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"noo/formats"
	"noo/internal/steadyfile"
	"noo/internal/zipfile/ziptest"
)

func write(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.zip")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// contents opens a ZIP file and reads all in it.
func contents(path string) (map[string]string, error) {
	a, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	all := map[string]string{}
	err = fs.WalkDir(a.Tree(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := content(a.Entry(name))
		all[name] = text
		return err
	})
	return all, err
}

func content(e *Entry) (string, error) {
	c, err := e.Open()
	if err != nil {
		return "", err
	}
	defer c.Close()
	text, err := io.ReadAll(c)
	if err == nil {
		err = c.Check()
	}
	return string(text), err
}

// two is two entries, of which a test changes something.
func two(change func(f *ziptest.File)) []byte {
	f := &ziptest.File{Entries: ziptest.Files(ziptest.Deflate, "a.csv", "a,b\n1,2\n", "sub/b.csv", strings.Repeat("c\n", 99))}
	if change != nil {
		change(f)
	}
	return f.Bytes()
}

// first changes the first entry.
func first(change func(e *ziptest.Entry)) []byte {
	return two(func(f *ziptest.File) { change(&f.Entries[0]) })
}

// put writes a value into the header before the content, or the record of the directory, or both.
func put(local, central int, value ...byte) []byte {
	return first(func(e *ziptest.Entry) {
		e.Change = func(l, c []byte) ([]byte, []byte) {
			if local > 0 {
				copy(l[local:], value)
			}
			if central > 0 {
				copy(c[central:], value)
			}
			return l, c
		}
	})
}

func named(name string) []byte {
	return first(func(e *ziptest.Entry) { e.Name = name })
}

func named8(name string) []byte {
	return first(func(e *ziptest.Entry) { e.Name, e.Flags = name, ziptest.UTF8 })
}

// inDescriptor changes a byte of a data descriptor.
func inDescriptor(at int) []byte {
	file := first(func(e *ziptest.Entry) { e.Descriptor = 16 })
	file[bytes.Index(file, []byte("PK\x07\x08"))+at] ^= 1
	return file
}

// secondName is the extra field in which Info-ZIP gives the name in UTF-8.
func secondName(name, crcOf string) []byte {
	p := binary.LittleEndian.AppendUint16([]byte{0x75, 0x70}, uint16(5+len(name)))
	return append(binary.LittleEndian.AppendUint32(append(p, 1), crc([]byte(crcOf))), name...)
}

func TestOpen(t *testing.T) {
	end := func(at int, value ...byte) []byte {
		return two(func(f *ziptest.File) {
			f.Change = func(p []byte) []byte { copy(p[at:], value); return p }
		})
	}
	end64 := func(at int, value ...byte) []byte {
		return two(func(f *ziptest.File) {
			f.Large, f.Saturated = true, true
			f.Change = func(p []byte) []byte { copy(p[at:], value); return p }
		})
	}
	whole := two(nil)
	for _, c := range []struct {
		name    string
		content []byte
		want    error // nil where it is read
	}{
		{"deflate", whole, nil},
		{"store", first(func(e *ziptest.Entry) { e.Method = ziptest.Store }), nil},
		{"empty", (&ziptest.File{}).Bytes(), nil},
		{"an empty file", first(func(e *ziptest.Entry) { e.Content = nil }), nil},
		{"a comment", two(func(f *ziptest.File) { f.Comment = "made by a test" }), nil},
		{"a folder", named8("sub/"), ErrNotAFile}, // it has content
		{"an empty folder", first(func(e *ziptest.Entry) { e.Name, e.Content = "sub/", nil }), nil},
		{"a folder twice", two(func(f *ziptest.File) {
			f.Entries = append(f.Entries, ziptest.Entry{Name: "sub/"}, ziptest.Entry{Name: "sub/"})
		}), ErrSameName},
		{"data descriptor of 12", first(func(e *ziptest.Entry) { e.Descriptor = 12 }), nil},
		{"data descriptor of 16", first(func(e *ziptest.Entry) { e.Descriptor = 16 }), nil},
		{"data descriptor of 20", first(func(e *ziptest.Entry) { e.Descriptor = 20 }), nil},
		{"data descriptor of 24", first(func(e *ziptest.Entry) { e.Descriptor = 24; e.Large = true }), nil},
		{"sizes for large files", first(func(e *ziptest.Entry) { e.Large = true }), nil},
		{"end for large files", two(func(f *ziptest.File) { f.Large, f.Saturated = true, true }), nil},
		{"both ends", two(func(f *ziptest.File) { f.Large = true }), nil},
		{"a name in UTF-8", named8("é.csv"), nil},
		{"a name twice", first(func(e *ziptest.Entry) {
			e.Extra, e.LocalExtra = secondName("a.csv", "a.csv"), secondName("a.csv", "a.csv")
		}), nil},
		{"unknown extra fields", first(func(e *ziptest.Entry) { e.Extra, e.LocalExtra = []byte("UX\x01\x00x"), []byte("UT\x00\x00") }), nil},
		{"how hard deflate tried", put(6, 8, 2), nil},
		{"encrypted", first(func(e *ziptest.Entry) { e.Flags = ziptest.Encrypted }), ErrEncrypted},
		{"AES", first(func(e *ziptest.Entry) { e.Flags, e.Method = ziptest.Encrypted, 99 }), ErrEncrypted},
		{"strong encryption", first(func(e *ziptest.Entry) { e.Flags = 0x40 }), ErrEncrypted},
		{"a hidden directory", first(func(e *ziptest.Entry) { e.Flags = 0x2041 }), ErrHiddenDirectory},
		{"a directory of version 2", end64(4, 60), ErrHiddenDirectory},
		{"Deflate64", first(func(e *ziptest.Entry) { e.Method = 9 }), ErrMethod},
		{"a method nobody knows", first(func(e *ziptest.Entry) { e.Method = 77 }), ErrMethod},
		{"patched data", first(func(e *ziptest.Entry) { e.Flags = 0x20 }), ErrAmbiguous},

		{"cut off", whole[:len(whole)-30], ErrDamaged},
		{"cut off in its end", whole[:len(whole)-1], ErrDamaged},
		{"no directory", whole[:60], ErrDamaged},
		{"something before", two(func(f *ziptest.File) { f.Before = []byte("#!/bin/sh\n") }), ErrAmbiguous},
		{"something between", first(func(e *ziptest.Entry) { e.Between = []byte("x") }), ErrAmbiguous},
		{"something before the directory", two(func(f *ziptest.File) { f.Entries[1].Between = []byte("x") }), ErrAmbiguous},
		{"something behind", append(bytes.Clone(whole), 'x'), ErrAmbiguous},
		{"twice", append(bytes.Clone(whole), whole...), ErrAmbiguous},
		{"an end in the comment", two(func(f *ziptest.File) { f.Comment = string((&ziptest.File{}).Bytes()) }), ErrAmbiguous},
		{"half an end in the comment", two(func(f *ziptest.File) { f.Comment = "x PK\x05\x06" }), ErrDamaged},
		{"an entry that the directory leaves out", two(func(f *ziptest.File) {
			f.Entries[1].Change = func(l, _ []byte) ([]byte, []byte) { return l, nil }
			f.Change = func(p []byte) []byte { p[8], p[10] = 1, 1; return p }
		}), ErrAmbiguous},
		{"fewer entries than there are", end(8, 1, 0, 1, 0), ErrAmbiguous},
		{"more entries than there are", end(8, 3, 0, 3, 0), ErrAmbiguous},
		{"a directory of another size", end(12, 1), ErrAmbiguous},
		{"a directory elsewhere", end(16, 1), ErrAmbiguous},
		{"several parts", end(4, 1), ErrSpanned},
		{"entries elsewhere", end(8, 1), ErrSpanned},
		{"an entry elsewhere", put(0, 34, 1), ErrSpanned},
		{"one of several parts", append([]byte("PK\x07\x08"), whole...), ErrSpanned},
		{"far too many entries", end64(24, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1), ErrTooMany},
		{"no end for large files", two(func(f *ziptest.File) { f.Saturated = true }), ErrAmbiguous},
		{"ends that disagree", two(func(f *ziptest.File) {
			f.Large = true
			f.Change = func(p []byte) []byte { p[32]++; p[24]++; return p }
		}), ErrAmbiguous},
		{"an end for large files elsewhere", end64(56+8, 1), ErrAmbiguous},
		{"an end for large files of several parts", end64(56+16, 2), ErrSpanned},

		{"another name in the entry", put(30, 0, 'b'), ErrAmbiguous},
		{"another method in the entry", put(8, 0, 0), ErrAmbiguous},
		{"another checksum in the entry", put(14, 0, 0, 0, 0, 0), ErrAmbiguous},
		{"another size in the entry", put(22, 0, 7), ErrAmbiguous},
		{"another compressed size in the entry", put(18, 0, 7), ErrAmbiguous},
		{"encrypted in the entry alone", put(6, 0, 1), ErrAmbiguous},
		{"encrypted in the directory alone", put(0, 8, 1), ErrAmbiguous},
		{"UTF-8 in the entry alone", put(7, 0, 8), ErrAmbiguous},
		{"no entry where one should be", put(1, 0, 'x'), ErrAmbiguous},
		{"longer than it is", put(18, 20, 99), ErrAmbiguous},
		{"another checksum in the data descriptor", inDescriptor(4), ErrAmbiguous},
		{"another compressed size in the data descriptor", inDescriptor(8), ErrAmbiguous},
		{"another size in the data descriptor", inDescriptor(12), ErrAmbiguous},
		{"another signature of the data descriptor", inDescriptor(0), ErrAmbiguous},
		{"something behind the data descriptor", first(func(e *ziptest.Entry) { e.Descriptor, e.Between = 16, []byte("x") }), ErrAmbiguous},
		{"a second name", first(func(e *ziptest.Entry) { e.Extra = secondName("b.csv", "a.csv") }), ErrAmbiguous},
		{"a second name in the entry", first(func(e *ziptest.Entry) { e.LocalExtra = secondName("b.csv", "a.csv") }), ErrAmbiguous},
		{"a second name of another", first(func(e *ziptest.Entry) { e.Extra = secondName("a.csv", "b.csv") }), ErrAmbiguous},
		{"sizes for large files that nobody needs", first(func(e *ziptest.Entry) { e.Extra = append([]byte{1, 0, 8, 0}, make([]byte, 8)...) }), ErrAmbiguous},
		{"sizes for large files twice", first(func(e *ziptest.Entry) { e.Large = true; e.Extra = append([]byte{1, 0, 8, 0}, make([]byte, 8)...) }), ErrAmbiguous},
		{"a broken extra field", first(func(e *ziptest.Entry) { e.Extra = []byte{1, 2, 3} }), ErrAmbiguous},

		{"absolute", named("/a.csv"), ErrName},
		{"above", named("../a.csv"), ErrName},
		{"above in the middle", named("sub/../../a.csv"), ErrName},
		{"a point", named("./a.csv"), ErrName},
		{"two slashes", named("sub//a.csv"), ErrName},
		{"no name", named(""), ErrName},
		{"a slash alone", named("/"), ErrName},
		{"a backslash", named(`sub\a.csv`), ErrName},
		{"a drive", named("C:a.csv"), ErrName},
		{"a stream", named("a.csv:b"), ErrName},
		{"NUL", named("a\x00.csv"), ErrName},
		{"a line feed", named("a\n.csv"), ErrName},
		{"an escape of a terminal", named("a\x1b[31m.csv"), ErrName},
		{"a character that nobody sees", named8("a\u200b.csv"), ErrName},
		{"a device", named("sub/con.csv"), ErrName},
		{"a device with a number", named("COM1"), ErrName},
		{"a point at the end", named("a.csv."), ErrName},
		{"a blank at the end", named("sub /a.csv"), ErrName},
		{"a star", named("*.csv"), ErrName},
		{"a long name", named(strings.Repeat("a/", 2500) + "a"), ErrName},
		{"no device", named("console.csv"), nil},
		{"two points within", named("a..csv"), nil},
		{"an old code page", named("\x82.csv"), ErrNotUTF8},
		{"UTF-8 that is not said", named("é.csv"), ErrNotUTF8},
		{"no UTF-8", named8("\x82.csv"), ErrNotUTF8},
		{"the same name", named("sub/b.csv"), ErrSameName},
		{"the same name in other letters", named("SUB/B.csv"), ErrSameName},
		{"the same name, the accent apart", two(func(f *ziptest.File) {
			f.Entries[0].Name, f.Entries[0].Flags = "caf\u00e9.csv", ziptest.UTF8
			f.Entries[1].Name, f.Entries[1].Flags = "cafe\u0301.csv", ziptest.UTF8
		}), ErrSameName},
		{"a file and a folder", named("sub"), ErrSameName},
		{"a folder and a file", two(func(f *ziptest.File) { f.Entries[0].Name, f.Entries[1].Name = "a/b", "A" }), ErrSameName},
		{"a link", first(func(e *ziptest.Entry) { e.Attributes = 0o120777 << 16 }), ErrNotAFile},
		{"a pipe", first(func(e *ziptest.Entry) { e.Attributes = 0o010600 << 16 }), ErrNotAFile},
		{"a link of Windows", first(func(e *ziptest.Entry) { e.Attributes = 0x400 }), ErrNotAFile},
		{"a folder with the name of a file", first(func(e *ziptest.Entry) { e.Attributes = 0x10 }), ErrNotAFile},
		{"a file with the name of a folder", first(func(e *ziptest.Entry) {
			e.Name, e.Content, e.Attributes = "c/", nil, 0o100644<<16
		}), ErrNotAFile},
		{"permissions", first(func(e *ziptest.Entry) { e.Attributes = 0o100644 << 16 }), nil},

		{"a workbook", named("[Content_Types].xml"), formats.ErrUnknownFormat},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := contents(write(t, c.content))
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v (%q)", err, c.want, got)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("more than a line: %q", err)
			}
		})
	}
}

// TestContent: what an entry holds must be what the directory promises.
func TestContent(t *testing.T) {
	text := []byte(strings.Repeat("9995609649,stays\n", 1000))
	deflated := ziptest.Deflated(text)
	flipped := bytes.Clone(text)
	flipped[500] ^= 1
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	squeezed := w.EncodeAll(text, nil)
	squeezedTwice := w.EncodeAll(text, bytes.Clone(squeezed))
	for _, c := range []struct {
		name  string
		entry ziptest.Entry
		want  error
	}{
		{"deflate", ziptest.Entry{Content: text, Method: ziptest.Deflate}, nil},
		{"store", ziptest.Entry{Content: text}, nil},
		{"zstd", ziptest.Entry{Content: text, Packed: squeezed, Method: 93}, nil},
		{"zstd, and more than promised", ziptest.Entry{Content: text, Packed: squeezedTwice, Method: 93}, ErrContent},
		{"a flipped bit", ziptest.Entry{Content: text, Packed: flipped}, ErrContent},
		{"a flipped bit before it was compressed", ziptest.Entry{Content: text, Packed: ziptest.Deflated(flipped), Method: ziptest.Deflate}, ErrContent},
		{"more than promised", ziptest.Entry{Content: text, Packed: ziptest.Deflated(append(bytes.Clone(text), 'x')), Method: ziptest.Deflate}, ErrContent},
		{"less than promised", ziptest.Entry{Content: text, Packed: ziptest.Deflated(text[1:]), Method: ziptest.Deflate}, ErrContent},
		{"less than promised, and stored", ziptest.Entry{Content: text, Packed: text[1:]}, ErrAmbiguous},
		{"cut off", ziptest.Entry{Content: text, Packed: deflated[:len(deflated)-2], Method: ziptest.Deflate}, formats.ErrTruncated},
		{"something behind it", ziptest.Entry{Content: text, Packed: append(bytes.Clone(deflated), 'x'), Method: ziptest.Deflate}, formats.ErrTrailing},
		{"no deflate", ziptest.Entry{Content: text, Packed: bytes.Repeat([]byte{0xff}, 99), Method: ziptest.Deflate}, formats.ErrDamaged},
		{"a bomb", ziptest.Entry{Content: make([]byte, 2<<20), Packed: []byte("xx"), Method: ziptest.Deflate}, ErrBomb},
		{"as much as deflate can", ziptest.Entry{Content: make([]byte, 2<<20), Method: ziptest.Deflate}, nil},
		{"no zstd", ziptest.Entry{Content: text, Packed: deflated, Method: 93}, formats.ErrTrailing},
		{"no bzip2", ziptest.Entry{Content: text, Packed: deflated, Method: 12}, formats.ErrDamaged},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.entry.Name = "a.csv"
			got, err := contents(write(t, (&ziptest.File{Entries: []ziptest.Entry{c.entry}}).Bytes()))
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if len(got["a.csv"]) > len(c.entry.Content) {
				t.Errorf("%d bytes, of which %d are promised", len(got["a.csv"]), len(c.entry.Content))
			}
			if err == nil && got["a.csv"] != string(c.entry.Content) {
				t.Error("it is something else")
			}
		})
	}
}

// TestChecksumZero: archive/zip takes a checksum of zero for none.
func TestChecksumZero(t *testing.T) {
	path := write(t, put(14, 16, 0, 0, 0, 0))
	if got, err := contents(path); !errors.Is(err, ErrContent) {
		t.Errorf("%v, read %q", err, got)
	}
}

// TestFolders: a small ZIP file cannot name more folders than memory has room for.
func TestFolders(t *testing.T) {
	f := &ziptest.File{Large: true, Saturated: true}
	for i := range 200 {
		f.Entries = append(f.Entries, ziptest.Entry{Name: strings.Repeat(fmt.Sprint(i, "/"), 800) + "a"})
	}
	if _, err := contents(write(t, f.Bytes())); !errors.Is(err, ErrTooMany) {
		t.Errorf("200 entries in 160,000 folders: %v", err)
	}
}

// TestSteady: a ZIP file that somebody writes to is not what was listed.
func TestSteady(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(path string) error
	}{
		{"another time", func(path string) error {
			return os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour))
		}},
		{"longer", func(path string) error { return os.Truncate(path, 4096) }},
		{"another file", func(path string) error {
			content, err := os.ReadFile(path)
			if err == nil {
				err = os.Remove(path)
			}
			if err == nil {
				err = os.WriteFile(path+"x", nil, 0o600) // or it gets the same inode
			}
			if err == nil {
				err = os.WriteFile(path, append(content, 'x'), 0o600)
			}
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, two(nil))
			a, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			e := a.Entry("a.csv")
			during, err := e.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer during.Close()
			if err := during.Check(); err != nil {
				t.Errorf("before: %v", err)
			}
			if err := c.change(path); err != nil {
				t.Fatal(err)
			}
			if _, err := e.Open(); !errors.Is(err, steadyfile.ErrChanged) {
				t.Errorf("opened after: %v", err)
			}
			if err := during.Check(); c.name != "another file" && !errors.Is(err, steadyfile.ErrChanged) {
				t.Errorf("read over it: %v", err)
			}
		})
	}
}

func TestIs(t *testing.T) {
	for text, want := range map[string]bool{
		"PK\x03\x04 and more": true, "PK\x05\x06": true, "PK\x07\x08": true, "PK": false, "": false, "PK,x\n1,2\n": false,
	} {
		if Is(write(t, []byte(text))) != want {
			t.Errorf("%q: want %v", text, want)
		}
	}
	if Is(filepath.Join(t.TempDir(), "none")) {
		t.Error("nothing is a ZIP file")
	}
}
