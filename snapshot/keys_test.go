// Keys, and that the minisign tool and this package understand each other.

package snapshot

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"noo/internal/atomicfile"

	"aead.dev/minisign"
)

func word(s string) func() (string, error) { return func() (string, error) { return s, nil } }

func TestWriteAndLoadKey(t *testing.T) {
	dir := t.TempDir()
	key, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	private, pub, err := WriteKey(dir, "north", key, nil)
	if err != nil {
		t.Fatal(err)
	}
	if private != filepath.Join(dir, "north.key") || pub != filepath.Join(dir, "north.pub") {
		t.Errorf("written to %s and %s", private, pub)
	}
	loaded, err := LoadPrivateKey(private, nil)
	if err != nil || !loaded.Equal(key) {
		t.Errorf("another key came back: %v", err)
	}
	keys, err := LoadKeys([]string{pub, pub})
	if err != nil || len(keys) != 1 || !keys[0].Equal(key.Public()) {
		t.Errorf("another public key came back: %v", err)
	}
	if _, _, err := WriteKey(dir, "north", key, nil); !errors.Is(err, atomicfile.ErrExists) {
		t.Errorf("a key was replaced: %v", err)
	}
	for _, name := range []string{"", "a/b", "../a", ".a"} {
		if _, _, err := WriteKey(dir, name, key, nil); err == nil {
			t.Errorf("name %q was taken", name)
		}
	}
	failed := errors.New("no terminal")
	for _, password := range []func() (string, error){word(""), func() (string, error) { return "", failed }} {
		if _, _, err := WriteKey(dir, "other", key, password); !errors.Is(err, ErrNoPassword) && !errors.Is(err, failed) {
			t.Errorf("without a password: %v", err)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("%d files are left, want 2", len(entries))
	}
	if runtime.GOOS != "windows" {
		checkPermissions(t, private, pub)
	}
}

func checkPermissions(t *testing.T, private, pub string) {
	t.Helper()
	if loose, err := LoosePermissions(private); loose || err != nil {
		t.Errorf("the private key is open to others (%v)", err)
	}
	if loose, err := LoosePermissions(pub); !loose || err != nil {
		t.Errorf("the public key is not open to others (%v)", err)
	}
}

// TestEncryptedKey keeps to few derivations of a key: each takes seconds and 1 GiB.
func TestEncryptedKey(t *testing.T) {
	if testing.Short() {
		t.Skip("scrypt takes seconds and 1 GiB")
	}
	key, dir := fixedKey(t, 3), t.TempDir()
	private, _, err := WriteKey(dir, "sealed", key, word("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if loaded, err := LoadPrivateKey(private, word("secret")); err != nil || !loaded.Equal(key) {
		t.Errorf("another key came back: %v", err)
	}
	for _, password := range []func() (string, error){nil, word("")} {
		if _, err := LoadPrivateKey(private, password); !errors.Is(err, ErrNoPassword) {
			t.Errorf("no password: %v", err)
		}
	}
	if _, err := exec.LookPath("minisign"); err == nil {
		minisignSigns(t, dir, "sealed", "secret\n")
	}
}

// TestWrongPassword uses a key file whose scrypt limits are the smallest: the wrong password is
// found out at once.
func TestWrongPassword(t *testing.T) {
	raw := make([]byte, 158)
	copy(raw, "EdScB2")
	path := filepath.Join(t.TempDir(), "k.key")
	if err := os.WriteFile(path, encodeBase64(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadPrivateKey(path, word("wrong")); !errors.Is(err, ErrPassword) {
		t.Errorf("wrong password: %v", err)
	}
}

// minisignSigns lets the tool sign with NAME.key and verify with NAME.pub, and checks that it signs
// as this package does.
func minisignSigns(t *testing.T, dir, name, input string) {
	t.Helper()
	message := filepath.Join(dir, "message")
	if err := os.WriteFile(message, []byte("message"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-S", "-s", name + ".key", "-m", "message"},
		{"-V", "-p", name + ".pub", "-m", "message"},
	} {
		command := exec.Command("minisign", args...)
		command.Dir, command.Stdin = dir, strings.NewReader(input)
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("minisign %v: %v\n%s", args, err, out)
		}
	}
	signature, err := minisign.SignatureFromFile(message + ".minisig")
	if err != nil || signature.Algorithm != minisign.HashEdDSA {
		t.Errorf("minisign signs in another way: %v", err)
	}
}

func TestBrokenKeyFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text, _ := fixedKey(t, 1).MarshalText()
	raw := decodeBase64(t, text[bytes.IndexByte(text, '\n')+1:])
	raw[100] ^= 1 // in the public half
	private := file("private", text)
	for _, c := range []struct {
		path string
		load error // of LoadKeys
		open error // of LoadPrivateKey
	}{
		{filepath.Join(dir, "none"), os.ErrNotExist, os.ErrNotExist},
		{file("empty", nil), ErrNotPublicKey, ErrNotPrivateKey},
		{file("text", []byte("hello\n")), ErrNotPublicKey, ErrNotPrivateKey},
		{"testdata/golden.pub", nil, ErrNotPrivateKey},
		{private, ErrNotPublicKey, nil},
		{file("halves", encodeBase64(raw)), ErrNotPublicKey, ErrKeyDamaged},
	} {
		t.Run(c.path, func(t *testing.T) {
			for _, got := range []struct{ err, want error }{
				{second(LoadKeys([]string{c.path})), c.load},
				{second(LoadPrivateKey(c.path, nil)), c.open},
			} {
				if !errors.Is(got.err, got.want) {
					t.Errorf("%s: %v, want %v", c.path, got.err, got.want)
				}
				var keyErr *KeyError
				if got.err != nil && (!errors.As(got.err, &keyErr) || keyErr.Path != c.path) {
					t.Errorf("%s: the file is not named: %v", c.path, got.err)
				}
			}
		})
	}
	if _, err := LoadKeys([]string{file("large", make([]byte, 1<<16))}); err == nil {
		t.Error("a large file was taken for a key")
	}
}

func second[T any](_ T, err error) error { return err }

// trustedKeys loads the keys that a command trusts.
func trustedKeys(given []string) ([]minisign.PublicKey, error) {
	files, err := TrustedKeyFiles(given)
	if err != nil {
		return nil, err
	}
	return LoadKeys(files)
}

func TestTrustedKeys(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the XDG folders")
	}
	config := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", config)
	if _, err := os.Stat("/etc/noo/trusted.d"); err == nil {
		t.Skip("this machine trusts keys of its own")
	}
	if _, err := trustedKeys(nil); !errors.Is(err, ErrNoKeys) || !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), config) {
		t.Errorf("no key: %v", err)
	}
	trusted := filepath.Join(config, "noo", "trusted.d")
	if err := os.MkdirAll(trusted, 0o700); err != nil {
		t.Fatal(err)
	}
	var files []string
	for i, name := range []string{"a.pub", "b.pub", "c.txt"} {
		text, _ := public(fixedKey(t, byte(i+1)))[0].MarshalText()
		files = append(files, filepath.Join(trusted, name))
		if err := os.WriteFile(files[i], text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ids := func(files []string) (ids []uint64) {
		keys, err := trustedKeys(files)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			ids = append(ids, key.ID()&0xFF)
		}
		return ids
	}
	if got := ids(nil); len(got) != 2 || got[0] != 1 || got[1] != 2 {
		t.Errorf("from the folder: %v", got)
	}
	if got := ids(files[1:2]); len(got) != 1 || got[0] != 2 {
		t.Errorf("from the flags: %v", got)
	}
	if err := os.WriteFile(files[1], []byte("?"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := trustedKeys(nil); !errors.Is(err, ErrNotPublicKey) || !strings.Contains(err.Error(), files[1]) {
		t.Errorf("a broken file in the folder: %v", err)
	}
}

// TestMinisignTool checks that the minisign tool and this package take each other's keys and
// signatures.
func TestMinisignTool(t *testing.T) {
	tool, err := exec.LookPath("minisign")
	if err != nil {
		t.Skip("minisign is not installed")
	}
	dir := t.TempDir()
	run := func(input string, args ...string) (string, error) {
		command := exec.Command(tool, args...)
		command.Dir, command.Stdin = dir, strings.NewReader(input)
		out, err := command.CombinedOutput()
		return string(out), err
	}
	must := func(input string, args ...string) string {
		t.Helper()
		out, err := run(input, args...)
		if err != nil {
			t.Fatalf("minisign %v: %v\n%s", args, err, out)
		}
		return out
	}
	path := func(name string) string { return filepath.Join(dir, name) }

	// Keys of theirs, signatures of ours.
	must("", "-G", "-W", "-p", "plain.pub", "-s", "plain.key")
	makers := map[string]func() (string, error){"plain": nil}
	if !testing.Short() {
		must("secret\nsecret\n", "-G", "-p", "locked.pub", "-s", "locked.key")
		makers["locked"] = word("secret")
	}
	m, sets := small()
	for name, password := range makers {
		t.Run(name, func(t *testing.T) {
			key, err := LoadPrivateKey(path(name+".key"), password)
			if err != nil {
				t.Fatal(err)
			}
			file := write(t, m, sets, key)
			keys, err := LoadKeys([]string{path(name + ".pub")})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Parse(file, keys); err != nil {
				t.Fatal(err)
			}
			splitForTool(t, file, path("signed"), path("signed.minisig"))
			if out := must("", "-V", "-H", "-p", name+".pub", "-m", "signed"); !strings.Contains(out, "noo snapshot id:golden-1 sequence:20260102030405") {
				t.Errorf("minisign does not show the trusted comment: %s", out)
			}
			file[50] ^= 1
			splitForTool(t, file, path("signed"), path("signed.minisig"))
			if out, err := run("", "-V", "-p", name+".pub", "-m", "signed"); err == nil {
				t.Errorf("minisign verifies what was altered: %s", out)
			}
		})
	}

	// Keys of ours, signatures of theirs.
	if _, _, err := WriteKey(dir, "ours", fixedKey(t, 7), nil); err != nil {
		t.Fatal(err)
	}
	minisignSigns(t, dir, "ours", "")
}

// splitForTool does what SPEC.md tells people to do by hand.
func splitForTool(t *testing.T, file []byte, message, signature string) {
	t.Helper()
	end := len(file) - 8
	start := end - int(file[end]) - int(file[end+1])<<8
	for path, content := range map[string][]byte{message: file[:start], signature: file[start:end]} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
