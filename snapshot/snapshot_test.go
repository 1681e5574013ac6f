// The file as a whole: what is written comes back, and nothing else is accepted.

package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"noo/internal/nhsnumber"

	"aead.dev/minisign"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden holds the writer to the bytes that SPEC.md gives as its test vector.
func TestGolden(t *testing.T) {
	key := fixedKey(t, 0x42)
	m, sets := small()
	file := write(t, m, sets, key)
	pub, err := public(key)[0].MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{"golden.noo": file, "golden.pub": append(pub, '\n')} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(path, want, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s is not what is written today", path)
			}
		})
	}
	keys, err := LoadKeys([]string{"testdata/golden.pub"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open("testdata/golden.noo", keys)
	if err != nil {
		t.Fatal(err)
	}
	checkSnapshot(t, s, sets)
}

// checkSnapshot compares what s says of every key near the sets with the sets.
func checkSnapshot(t *testing.T, s *Snapshot, sets Sets) {
	t.Helper()
	for key := nhsnumber.Key(899_999_000); key < 900_400_000; key++ {
		want := Unchecked
		switch {
		case sets.OptedOut.Contains(key):
			want = OptedOut
		case sets.Checked == nil || sets.Checked.Contains(key):
			want = Clear
		}
		if got := s.Standing(key); got != want {
			t.Fatalf("a key is %v, want %v", got, want)
		}
	}
}

func TestManifestComesBack(t *testing.T) {
	key := fixedKey(t, 1)
	m, sets := small()
	m.ID = ""
	var file bytes.Buffer
	written, err := Write(&file, m, sets, key)
	if err != nil {
		t.Fatal(err)
	}
	if len(written.ID) != 32 || written.Sequence != 20260102030405 || written.Format != 1 {
		t.Errorf("defaults: %+v", written)
	}
	s, err := Parse(file.Bytes(), public(key))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(s.Manifest(), written) {
		t.Errorf("read %+v, wrote %+v", s.Manifest(), written)
	}
	if s.KeyID() != "0101010101010101" || s.Size() != int64(file.Len()) {
		t.Errorf("key %s, size %d", s.KeyID(), s.Size())
	}
	for i, section := range written.Sections {
		if section.Offset%8 != 0 || section.Count != []*Set{sets.OptedOut, sets.Checked}[i].Len() {
			t.Errorf("section %+v", section)
		}
	}
}

// TestEveryFlippedBitIsRefused is the promise of the format: no byte of a snapshot can be changed
// unnoticed.
func TestEveryFlippedBitIsRefused(t *testing.T) {
	key := fixedKey(t, 1)
	m := Manifest{ID: "a", Scope: Checked, Created: created, ValidUntil: validUntil}
	set := NewSet(testKeys(0, 100_000, 3)...)
	file := write(t, m, Sets{OptedOut: set, Checked: set}, key)
	for i := range file {
		for _, change := range []byte{1, 2, 4, 8, 16, 32, 64, 128, 0xFF, '\n' ^ '\r'} {
			file[i] ^= change
			expectRefusal(t, file, public(key), "byte %d changed by %#x", i, change)
			file[i] ^= change
		}
	}
	if _, err := Parse(file, public(key)); err != nil {
		t.Fatal(err)
	}
}

func TestEveryTruncationIsRefused(t *testing.T) {
	key := fixedKey(t, 1)
	m, sets := small()
	file := write(t, m, sets, key)
	for n := range file {
		expectRefusal(t, file[:n:n], public(key), "cut to %d bytes", n)
	}
	for n := 1; n < 64; n++ {
		expectRefusal(t, file[n:], public(key), "%d bytes missing in front", n)
		for _, fill := range []byte{0, '\n', ' ', 'S'} {
			expectRefusal(t, append(bytes.Clone(file), bytes.Repeat([]byte{fill}, n)...), public(key), "%d bytes %#x appended", n, fill)
		}
	}
	expectRefusal(t, append(bytes.Clone(file), file...), public(key), "the file twice")
	trailer := file[len(file)-8:]
	expectRefusal(t, append(bytes.Clone(file), trailer...), public(key), "the trailer twice")
}

func expectRefusal(t *testing.T, file []byte, trusted []minisign.PublicKey, format string, args ...any) {
	t.Helper()
	s, err := Parse(file, trusted)
	var refusal *Refusal
	if s != nil || !errors.As(err, &refusal) || !errors.Is(err, ErrRefused) {
		t.Fatalf(format+": not refused (%v)", append(args, err)...)
	}
}

// TestReasons checks that each way to be wrong has its own error, in one line that names no number.
func TestReasons(t *testing.T) {
	key, other := fixedKey(t, 1), fixedKey(t, 2)
	m, sets := small()
	file := write(t, m, sets, key)
	namesake := fixedKey(t, 2)
	impostor := rename(t, namesake, key.ID())
	changed := bytes.Clone(file)
	changed[100] ^= 1
	for _, c := range []struct {
		name    string
		file    []byte
		trusted []minisign.PublicKey
		want    error
	}{
		{"empty", nil, public(key), ErrDamaged},
		{"text", []byte("nhs_number\n"), public(key), ErrNotSnapshot},
		{"another format", append([]byte("NOOSNAP2"), file[8:]...), public(key), ErrNotSnapshot},
		{"cut", file[:len(file)-1], public(key), ErrDamaged},
		{"signature length", endingIn(file, 4, 0xFF), public(key), ErrDamaged},
		{"changed", changed, public(key), ErrSignature},
		{"other key", file, public(other), ErrUntrusted},
		{"no key", file, nil, ErrNoKeys},
		{"other key of the same id", file, []minisign.PublicKey{impostor}, ErrSignature},
		{"legacy signature", resign(t, file, key, false), public(key), ErrSignature},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.file, c.trusted)
			if !errors.Is(err, c.want) || !errors.Is(err, ErrRefused) {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
				return
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: the message has more than a line", c.name)
			}
		})
	}
	if _, err := Parse(file, append([]minisign.PublicKey{impostor}, public(key)...)); err != nil {
		t.Errorf("the right key after one of the same id: %v", err)
	}
	if _, err := Parse(file, public(other)); !strings.Contains(err.Error(), "0101010101010101") {
		t.Errorf("the key is not named: %v", err)
	}
}

func endingIn(file []byte, before int, c byte) []byte {
	file = bytes.Clone(file)
	file[len(file)-before-1] = c
	return file
}

// rename returns the public key under another id.
func rename(t *testing.T, key minisign.PrivateKey, id uint64) minisign.PublicKey {
	t.Helper()
	text, _ := key.MarshalText()
	raw := decodeBase64(t, text[bytes.IndexByte(text, '\n')+1:])
	binary.LittleEndian.PutUint64(raw[54:], id)
	var renamed minisign.PrivateKey
	if err := renamed.UnmarshalText(encodeBase64(raw)); err != nil {
		t.Fatal(err)
	}
	return renamed.Public().(minisign.PublicKey)
}

// resign replaces the signature of a file by one in legacy or prehashed form.
func resign(t testing.TB, file []byte, key minisign.PrivateKey, hashed bool) []byte {
	t.Helper()
	content, err := form.Open(file, public(key))
	if err != nil {
		t.Fatal(err)
	}
	return seal(content.Signed, content.TrustedComment, key, hashed)
}

// seal puts a signature and a trailer after body, whatever body is.
func seal(body []byte, trustedComment string, key minisign.PrivateKey, hashed bool) []byte {
	var text []byte
	if hashed {
		text = reader(body).SignWithComments(key, trustedComment, form.Comment)
	} else {
		text = minisign.SignWithComments(key, body, trustedComment, form.Comment)
	}
	file := append(bytes.Clone(body), text...)
	return append(binary.LittleEndian.AppendUint32(file, uint32(len(text))), form.End...)
}

// TestSignedNonsense signs files that break the format: a publisher's key does not make them
// acceptable.
func TestSignedNonsense(t *testing.T) {
	key := fixedKey(t, 1)
	m, sets := small()
	m.Publisher = "P"
	file := write(t, m, sets, key)
	content, err := form.Open(file, public(key))
	if err != nil {
		t.Fatal(err)
	}
	signed, comment := content.Signed, content.TrustedComment
	change := func(old, new string) []byte {
		if !bytes.Contains(signed, []byte(old)) {
			t.Fatalf("%s is not in the manifest", old)
		}
		return bytes.Replace(signed, []byte(old), []byte(new), 1)
	}
	at := func(offset int, c byte) []byte {
		b := bytes.Clone(signed)
		b[offset] ^= c
		return b
	}
	parsed, err := Parse(file, public(key))
	if err != nil {
		t.Fatal(err)
	}
	first, second := parsed.manifest.Sections[0], parsed.manifest.Sections[1]
	for _, c := range []struct {
		name string
		body []byte
	}{
		{"no manifest", append(bytes.Clone(signed[:8]), 0, 0, 0, 0)},
		{"manifest too long", append(bytes.Clone(signed[:8]), 0xFF, 0xFF, 0xFF, 0xFF)},
		{"format", change(`"format":1`, `"format":2`)},
		{"unknown field", change(`"publisher":"P"`, `"publisher" :""`)},
		{"unknown field", change(`"publisher":"P"`, `"publisheR":"P"`)},
		{"unknown field", change(`"publisher":"P"`, `"published":"P"`)},
		{"repeated field", change(`"publisher":"P",`, `"id":"golden-1",`)},
		{"escape", change(`"id":"golden-1","publisher":"P"`, `"id":"golden-1","publisher":"\u`)},
		{"scope", change(`"scope":"checked"`, `"scope":"Checked"`)},
		{"times", change(`"created":"2026`, `"created":"2027`)},
		{"other time zone", change(`05Z","valid`, `05z","valid`)},
		{"sequence", change(`"sequence":20260102030405`, `"sequence":20260102030406`)},
		{"sequence", change(`"sequence":20260102030405`, `"sequence":2026010203040.`)},
		{"section name", change(`"name":"checked"`, `"name":"Checked"`)},
		{"same section", change(`{"name":"opted_out",`, `{"name":"optedout",`)},
		{"count", change(`"count":25}`, `"count":26}`)},
		{"padding before", at(int(first.Offset)-1, 1)},
		{"padding between", at(int(second.Offset)-1, 1)},
		{"trailing data", append(bytes.Clone(signed), make([]byte, 8)...)},
		{"cut", signed[:len(signed)-8]},
		{"cookie", at(int(first.Offset), 1)},
		{"containers", at(int(first.Offset)+4, 1)},
		{"cardinality", at(int(first.Offset)+10, 1)},
		{"key", at(int(first.Offset)+9, 0x80)},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(seal(c.body, comment, key, true), public(key))
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%s: %v, want %v", c.name, err, ErrMalformed)
			}
		})
	}
	if _, err := Parse(seal(signed, comment+" ", key, true), public(key)); !errors.Is(err, ErrMalformed) {
		t.Errorf("trusted comment: %v", err)
	}
	if _, err := Parse(seal(signed, comment, key, true), public(key)); err != nil {
		t.Errorf("the harness itself is refused: %v", err)
	}
}

// TestHostileScopes signs files that are well formed but for their scope: one that does not exist,
// or one that has other sections.
func TestHostileScopes(t *testing.T) {
	key := fixedKey(t, 1)
	for _, c := range []struct {
		scope    Scope
		sections int
		want     error
	}{
		{National, 1, nil},
		{Local, 1, nil},
		{Checked, 2, nil},
		{National, 2, ErrMalformed},
		{Local, 2, ErrMalformed},
		{Checked, 1, ErrMalformed},
		{"", 1, ErrMalformed},
		{"Local", 1, ErrMalformed},
		{"local ", 1, ErrMalformed},
		{"national,local", 1, ErrMalformed},
		{"national", 0, ErrMalformed},
	} {
		t.Run(fmt.Sprintf("%q with %d", c.scope, c.sections), func(t *testing.T) {
			m, sets := small()
			m, err := m.complete()
			if err != nil {
				t.Fatal(err)
			}
			encoded, err := encodeSets(&m, sets)
			if err != nil {
				t.Fatal(err)
			}
			m.Scope, m.Sections, encoded = c.scope, m.Sections[:c.sections], encoded[:c.sections]
			file, err := form.Write(
				m.Sections, encoded, func() ([]byte, error) { return m.encode() }, m.trustedComment(), key,
			)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Parse(file, public(key)); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

func TestWriteRefuses(t *testing.T) {
	key := fixedKey(t, 1)
	good, sets := small()
	someone := NewSet(testKeys(0, 1, 1)...)
	for _, c := range []struct {
		name   string
		change func(*Manifest)
		sets   Sets
	}{
		{"no times", func(m *Manifest) { m.Created = time.Time{} }, sets},
		{"no end", func(m *Manifest) { m.ValidUntil = time.Time{} }, sets},
		{"ends at once", func(m *Manifest) { m.ValidUntil = m.Created }, sets},
		{"id", func(m *Manifest) { m.ID = "a b" }, sets},
		{"long id", func(m *Manifest) { m.ID = strings.Repeat("a", 65) }, sets},
		{"publisher", func(m *Manifest) { m.Publisher = "a\x1b[2J" }, sets},
		{"publisher", func(m *Manifest) { m.Publisher = "a\u202e" }, sets},
		{"publisher", func(m *Manifest) { m.Publisher = "\xff" }, sets},
		{"long publisher", func(m *Manifest) { m.Publisher = strings.Repeat("a", 201) }, sets},
		{"scope", func(m *Manifest) { m.Scope = "" }, Sets{OptedOut: someone}},
		{"sequence", func(m *Manifest) { m.Sequence = MaxSequence + 1 }, sets},
		{"no set", func(m *Manifest) {}, Sets{}},
		{"no checked set", func(m *Manifest) {}, Sets{OptedOut: someone}},
		{"checked set", func(m *Manifest) { m.Scope = National }, sets},
		{"nobody", func(m *Manifest) { m.Scope = National }, Sets{OptedOut: new(Set)}},
		{"checked set of a local one", func(m *Manifest) { m.Scope = Local }, sets},
		{"nobody", func(m *Manifest) { m.Scope = Local }, Sets{OptedOut: new(Set)}},
		{"outside checked", func(m *Manifest) {}, Sets{OptedOut: someone, Checked: new(Set)}},
		{"key too large", func(m *Manifest) { m.Scope = National }, Sets{OptedOut: NewSet(nhsnumber.MaxKey + 2)}},
		{"no such number", func(m *Manifest) { m.Scope = National }, Sets{OptedOut: NewSet(neverIssued(t))}},
		{"placeholder", func(m *Manifest) { m.Scope = National }, Sets{OptedOut: NewSet(999_999_999)}},
		{"placeholder", func(m *Manifest) { m.Scope = National }, Sets{OptedOut: NewSet(0)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := good
			c.change(&m)
			var file bytes.Buffer
			if _, err := Write(&file, m, c.sets, key); err == nil || file.Len() != 0 {
				t.Errorf("%s: not refused", c.name)
			}
		})
	}
}

// neverIssued returns a key whose check digit would be ten.
func neverIssued(t *testing.T) nhsnumber.Key {
	for key := nhsnumber.Key(900_000_000); key < 900_000_100; key++ {
		if _, ok := nhsnumber.CheckDigit(key); !ok {
			return key
		}
	}
	t.Fatal("every key has a check digit")
	return 0
}

func TestWriteIsDeterministic(t *testing.T) {
	key := fixedKey(t, 1)
	m, sets := small()
	first := write(t, m, sets, key)
	checked := new(Set)
	sets.Checked.bitmap.Iterate(func(key uint32) bool { checked.Add(key); return true })
	if !bytes.Equal(first, write(t, m, Sets{OptedOut: sets.OptedOut, Checked: checked}, key)) {
		t.Error("the same numbers added in another way give another file")
	}
}

func TestOpenRefusesFiles(t *testing.T) {
	keys := public(fixedKey(t, 1))
	dir := t.TempDir()
	for _, c := range []struct {
		path string
		want error
	}{
		{filepath.Join(dir, "none.noo"), ErrMissing},
		{dir, ErrUnreadable},
		{"kit_test.go", ErrNotSnapshot},
	} {
		t.Run(c.path, func(t *testing.T) {
			_, err := Open(c.path, keys)
			if !errors.Is(err, c.want) || !errors.Is(err, ErrRefused) || strings.Count(err.Error(), c.path) != 1 {
				t.Errorf("%s: %v, want %v", c.path, err, c.want)
			}
		})
	}
}
