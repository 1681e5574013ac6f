package sealed

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"noo/internal/kind"
	"noo/snapshot"
)

// content is longer than two of the chunks that age encrypts by themselves.
var content = bytes.Repeat([]byte("who has opted out\n"), 10_000)

func newIdentity(t testing.TB) (*age.X25519Identity, *Identities) {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.txt")
	if err := os.WriteFile(path, []byte(identity.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return identity, &Identities{Files: []string{path}}
}

func seal(t testing.TB, plain []byte, recipients ...age.Recipient) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, recipients)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func open(i *Identities, file []byte) ([]byte, error) {
	r, err := i.Reader(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func TestRoundTrip(t *testing.T) {
	identity, identities := newIdentity(t)
	file := seal(t, content, identity.Recipient())
	if bytes.Contains(file, []byte("opted")) {
		t.Error("the content is there in the clear")
	}
	var text bytes.Buffer
	w := armor.NewWriter(&text)
	w.Write(file)
	w.Close()
	for name, file := range map[string][]byte{"binary": file, "armored": text.Bytes()} {
		if got, err := open(identities, file); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	if !identities.MetEncrypted() {
		t.Error("no encrypted file was met")
	}
}

// TestUnchanged: what is not encrypted passes, whatever its length, and reads no identity.
func TestUnchanged(t *testing.T) {
	identities := &Identities{Files: []string{"there is none"}}
	for _, plain := range []string{"", "a", "NOOSNAP1", "age", "-----BEGIN", string(content)} {
		if got, err := open(identities, []byte(plain)); err != nil || string(got) != plain {
			t.Errorf("%d bytes of %d: %v", len(got), len(plain), err)
		}
	}
	if identities.MetEncrypted() {
		t.Error("an encrypted file was met")
	}
}

// TestEveryCut: a file that was cut short anywhere is refused, and so is one with a changed bit.
func TestEveryCut(t *testing.T) {
	identity, identities := newIdentity(t)
	file := seal(t, content[:500], identity.Recipient())
	for n := len(armorStart); n < len(file); n++ {
		if _, err := open(identities, file[:n]); !errors.Is(err, snapshot.ErrDamaged) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
	for n := len(binaryStart); n < len(file); n++ {
		changed := bytes.Clone(file)
		changed[n] ^= 1
		if _, err := open(identities, changed); !errors.Is(err, snapshot.ErrRefused) {
			t.Fatalf("a changed bit in byte %d: %v", n, err)
		}
	}
}

func TestRefused(t *testing.T) {
	identity, identities := newIdentity(t)
	_, others := newIdentity(t)
	file := seal(t, content, identity.Recipient())
	password, err := age.NewScryptRecipient("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	password.SetWorkFactor(10)
	for _, c := range []struct {
		name       string
		identities *Identities
		file       []byte
		want       error
	}{
		{"no identity", &Identities{}, file, ErrEncrypted},
		{"another identity", others, file, ErrRecipient},
		{"a passphrase", identities, seal(t, content, password), ErrPassphrase},
		{"a later version", identities, []byte("age-encryption.org/v9\nmore\n"), snapshot.ErrDamaged},
		{"a header without end", identities, append([]byte("age-encryption.org/v1\n-> "),
			bytes.Repeat([]byte("x"), 4<<20)...), snapshot.ErrDamaged},
	} {
		if _, err := open(c.identities, c.file); !errors.Is(err, c.want) ||
			kind.Of(err) != kind.Snapshot {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestPassword(t *testing.T) {
	identity, _ := newIdentity(t)
	word, err := age.NewScryptRecipient("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	word.SetWorkFactor(10)
	path := filepath.Join(t.TempDir(), "locked")
	if err := os.WriteFile(path, seal(t, []byte(identity.String()), word), 0o600); err != nil {
		t.Fatal(err)
	}
	file := seal(t, content, identity.Recipient())
	unasked := errors.New("there is nobody to ask")
	asked := 0
	for _, c := range []struct {
		password string
		err      error
		want     error
	}{
		{"correct horse", nil, nil},
		{"battery", nil, ErrPassword},
		{"", nil, ErrPassword},
		{"", unasked, unasked},
	} {
		identities := &Identities{Files: []string{path}, Password: func(string) (string, error) {
			asked++
			return c.password, c.err
		}}
		for range 2 { // a right password is asked for once
			if _, err := open(identities, file); !errors.Is(err, c.want) {
				t.Errorf("%q: %v, want %v", c.password, err, c.want)
			}
		}
	}
	if asked != 7 {
		t.Errorf("asked %d times", asked)
	}
	// Nobody is asked if another identity opens the file.
	_, other := newIdentity(t)
	both := &Identities{Files: append([]string{path}, other.Files...), Password: func(string) (string, error) {
		t.Error("asked all the same")
		return "", nil
	}}
	text, err := os.ReadFile(other.Files[0])
	if err != nil {
		t.Fatal(err)
	}
	own, err := age.ParseX25519Identity(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(both, seal(t, content, own.Recipient())); err != nil {
		t.Error(err)
	}
}

func TestParseRecipient(t *testing.T) {
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	classic, _ := newIdentity(t)
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOZGJwMEIsmlPZIHJFEaMjlVUiQ4xR50ufpJQtGM0IPl"
	for _, c := range []struct {
		text string
		want string // a part of the error, or "" for none
	}{
		{classic.Recipient().String(), ""},
		{hybrid.Recipient().String(), ""},
		{" " + key + " me@example.org\n", ""},
		{"ssh-dss AAAA", "not a recipient"},
		{"ssh-ed25519 nonsense", "not a recipient"},
		{"age1qqqq", "not a recipient"},
		{"age1", "not a recipient"},
		{"age11", "not a recipient"},
		{"", "not a recipient"},
		{"alice.txt", "not a recipient"},
		{"age1yubikey1qqqq", "plugin yubikey"},
		{"age1UPPER1qqqq", "not a recipient"},
		{classic.String(), "secret"},
		{strings.ToLower(classic.String()), "secret"},
		{"AGE-PLUGIN-YUBIKEY-1QQQQ", "secret"},
		{"-----BEGIN OPENSSH PRIVATE KEY-----", "secret"},
	} {
		_, err := ParseRecipient(c.text)
		switch {
		case c.want == "" && err != nil, c.want != "" && err == nil:
			t.Errorf("%.10s…: %v", c.text, err)
		case err != nil && !strings.Contains(err.Error(), c.want):
			t.Errorf("%.10s…: %v, want %q", c.text, err, c.want)
		case err != nil && kind.Of(err) != kind.Usage:
			t.Errorf("%.10s…: not a wrong use", c.text)
		}
	}
	mixed := []age.Recipient{classic.Recipient(), hybrid.Recipient()}
	if _, err := NewWriter(io.Discard, mixed); !errors.Is(err, ErrMixed) {
		t.Errorf("mixed: %v", err)
	}
}

// FuzzReader: nothing that begins as an age file makes Reader fail in another way than by a
// refusal.
func FuzzReader(f *testing.F) {
	identity, identities := newIdentity(f)
	file := seal(f, content[:100], identity.Recipient())
	f.Add(file)
	f.Add([]byte(armorStart + "\nYWdl\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if _, err := open(identities, file); err != nil && !errors.Is(err, snapshot.ErrRefused) {
			t.Error(err)
		}
	})
}
