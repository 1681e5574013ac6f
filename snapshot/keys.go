// Keys, in the format of the minisign tool, so that either program can use the other's: the public
// keys that are trusted and where they are kept, and the private keys that sign.

package snapshot

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"aead.dev/minisign"

	"noo/internal/atomicfile"
	"noo/internal/kind"
)

// PublicSuffix ends the names of public key files.
const PublicSuffix = ".pub"

// maxKeyFile is far above the size of a minisign key file, and bounds what a wrong name makes us
// read.
const maxKeyFile = 4 << 10

// KeyError is a key file, public or private, that could not be used.
type KeyError struct {
	Path string
	Err  error
}

// Error names the file and what is wrong with it.
func (e *KeyError) Error() string { return fmt.Sprintf("key file %s: %v", e.Path, e.Err) }

// Kind returns kind.Usage.
func (*KeyError) Kind() kind.Kind { return kind.Usage }

// Unwrap returns what is wrong.
func (e *KeyError) Unwrap() error { return e.Err }

// ErrNotPublicKey is a file that does not hold a minisign public key.
var ErrNotPublicKey = errors.New(
	"it is not a minisign public key; give the .pub file of the publisher",
)

// TrustedKeyFiles lists the files with the keys to be trusted: those given, else every *.pub in
// DefaultKeyDirs. A folder that cannot be read is a *KeyError. There may be none.
func TrustedKeyFiles(given []string) ([]string, error) {
	if len(given) > 0 {
		return given, nil
	}
	return publicFiles(DefaultKeyDirs())
}

// LoadKeys loads public keys from files. A key that occurs twice is returned once. Without any key
// the error is a *Refusal with ErrNoKeys; a file that cannot be used is a *KeyError.
func LoadKeys(files []string) ([]minisign.PublicKey, error) {
	var keys []minisign.PublicKey
	for _, file := range files {
		key, err := loadPublicKey(file)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(keys, func(k minisign.PublicKey) bool { return k.Equal(key) }) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, noKeys()
	}
	return keys, nil
}

// DefaultKeyDirs are the folders that are searched for trusted keys: noo/trusted.d under the user's
// configuration folder (XDG_CONFIG_HOME or ~/.config; AppData on Windows; ~/Library/Application
// Support on macOS), and the machine's, which is /etc/noo/trusted.d or on Windows
// ProgramData\noo\trusted.d. They need not exist.
func DefaultKeyDirs() []string {
	var dirs []string
	if config, err := os.UserConfigDir(); err == nil && filepath.IsAbs(config) {
		dirs = append(dirs, filepath.Join(config, "noo", "trusted.d"))
	}
	machine := "/etc"
	if runtime.GOOS == "windows" {
		if machine = os.Getenv("ProgramData"); !filepath.IsAbs(machine) {
			return dirs
		}
	}
	return append(dirs, filepath.Join(machine, "noo", "trusted.d"))
}

// publicFiles lists the public key files in the folders, those of each folder by name. Missing
// folders are passed over.
func publicFiles(dirs []string) ([]string, error) {
	var files []string
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, &KeyError{Path: dir, Err: atomicfile.Cause(err)}
		}
		for _, entry := range entries {
			if !strings.HasSuffix(entry.Name(), PublicSuffix) {
				continue
			}
			path := filepath.Join(dir, entry.Name())
			if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
				// Opening a pipe would wait.
				return nil, &KeyError{
					Path: path,
					Err:  errors.New("it is no file with a key: delete it"),
				}
			}
			files = append(files, path)
		}
	}
	return files, nil
}

func loadPublicKey(path string) (minisign.PublicKey, error) {
	text, err := readKeyFile(path)
	if err != nil {
		return minisign.PublicKey{}, err
	}
	var key minisign.PublicKey
	if err := key.UnmarshalText(text); err != nil {
		return key, &KeyError{Path: path, Err: ErrNotPublicKey}
	}
	return key, nil
}

// readKeyFile reads a small file.
func readKeyFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, &KeyError{Path: path, Err: atomicfile.Cause(err)}
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if err != nil {
		return nil, &KeyError{Path: path, Err: atomicfile.Cause(err)}
	}
	if len(text) > maxKeyFile {
		return nil, &KeyError{Path: path, Err: errors.New("it is too large for a minisign key")}
	}
	return text, nil
}

func noKeys() error {
	dir := "the folder trusted.d"
	if dirs := DefaultKeyDirs(); len(dirs) > 0 {
		dir = dirs[0]
	}
	return refuse(ErrNoKeys, "put the .pub file of the publisher into %s", dir)
}

// PrivateSuffix ends the names of private key files.
const PrivateSuffix = ".key"

// Errors about private keys, to test with errors.Is.
var (
	// ErrNotPrivateKey is a file that does not hold a minisign private key.
	ErrNotPrivateKey = errors.New("it is not a minisign private key; give the .key file")
	// ErrPassword is a wrong password, or a key that was altered: the format cannot tell them
	// apart.
	ErrPassword = errors.New("the password is wrong, or the key is damaged")
	// ErrNoPassword is an empty password, or none where one is needed.
	ErrNoPassword = kind.New(kind.Usage, "it needs a password, which must not be empty")
	// ErrKeyDamaged is a private key whose public half does not belong to it. Signing with it would
	// give the key away.
	ErrKeyDamaged = errors.New("its two halves do not belong together; restore it from a copy")
)

// GenerateKey makes a new key.
func GenerateKey() (minisign.PrivateKey, error) {
	_, key, err := minisign.GenerateKey(nil)
	return key, err
}

// WriteKey writes key to NAME.key, which only its owner may read, and its public half to NAME.pub,
// and returns both paths. The private file is encrypted with what password returns, which takes
// about a second and 1 GiB of memory (scrypt as minisign sets it); it is not encrypted where
// password is nil. Existing files are never replaced: the error then wraps atomicfile.ErrExists.
func WriteKey(
	dir, name string,
	key minisign.PrivateKey,
	password func() (string, error),
) (privatePath, publicPath string, err error) {
	if name == "" || strings.ContainsAny(name, `/\:`) || strings.HasPrefix(name, ".") {
		return "", "", errors.New(
			"the name of a key is a plain file name, without a folder; give the folder with --dir",
		)
	}
	privatePath = filepath.Join(dir, name+PrivateSuffix)
	publicPath = filepath.Join(dir, name+PublicSuffix)
	// The targets are looked at before anybody is asked for a password.
	private, err := atomicfile.Create(privatePath, false)
	if err != nil {
		return "", "", err
	}
	defer private.Discard()
	public, err := atomicfile.Create(publicPath, false)
	if err != nil {
		return "", "", err
	}
	defer public.Discard()
	privateText, err := marshalPrivate(key, password)
	if err != nil {
		return "", "", err
	}
	publicText, err := key.Public().(minisign.PublicKey).MarshalText()
	if err != nil {
		return "", "", err
	}
	if _, err := private.Write(append(privateText, '\n')); err != nil {
		return "", "", err
	}
	if _, err := public.Write(append(publicText, '\n')); err != nil {
		return "", "", err
	}
	if err := atomicfile.Commit(private, public); err != nil {
		return "", "", err
	}
	// Everybody may read the public half: it is to be handed out, and to be put where other users
	// read it.
	return privatePath, publicPath, os.Chmod(publicPath, 0o644)
}

// marshalPrivate returns the text of a private key file, without its last line end.
func marshalPrivate(key minisign.PrivateKey, password func() (string, error)) ([]byte, error) {
	if password == nil {
		return key.MarshalText()
	}
	word, err := password()
	if err != nil {
		return nil, err
	}
	if word == "" {
		return nil, fmt.Errorf("cannot encrypt the key: %w", ErrNoPassword)
	}
	return minisign.EncryptKey(word, key)
}

// LoadPrivateKey loads the private key at path. password is asked only where the file is encrypted,
// and may be nil where it is not. Errors are *KeyError, but for those that password returns, which
// come back as they are.
func LoadPrivateKey(path string, password func() (string, error)) (minisign.PrivateKey, error) {
	var none minisign.PrivateKey
	text, err := readKeyFile(path)
	if err != nil {
		return none, err
	}
	text = bytes.TrimRight(text, "\r\n")
	var key minisign.PrivateKey
	if minisign.IsEncrypted(text) {
		if password == nil {
			return none, &KeyError{Path: path, Err: ErrNoPassword}
		}
		word, err := password()
		if err != nil {
			return none, err
		}
		if word == "" {
			return none, &KeyError{Path: path, Err: ErrNoPassword}
		}
		if key, err = minisign.DecryptKey(word, text); err != nil {
			return none, &KeyError{Path: path, Err: ErrPassword}
		}
	} else if err := key.UnmarshalText(text); err != nil {
		return none, &KeyError{Path: path, Err: ErrNotPrivateKey}
	}
	if !halvesMatch(key) {
		return none, &KeyError{Path: path, Err: ErrKeyDamaged}
	}
	return key, nil
}

// halvesMatch reports whether the public half stored in a private key is the one that its seed
// gives. An unencrypted file has no check of its own, and Ed25519 signatures made with a wrong
// public half reveal the private one.
func halvesMatch(key minisign.PrivateKey) bool {
	text, err := key.MarshalText()
	if err != nil {
		return false
	}
	raw, err := base64.StdEncoding.DecodeString(string(text[bytes.IndexByte(text, '\n')+1:]))
	// Algorithms, salt, limits and key id come first: minisign, "Secret key format".
	const start = 62
	if err != nil || len(raw) < start+ed25519.PrivateKeySize {
		return false
	}
	pair := raw[start : start+ed25519.PrivateKeySize]
	return bytes.Equal(ed25519.NewKeyFromSeed(pair[:ed25519.SeedSize]), pair)
}

// LoosePermissions reports whether others than the owner of the file at path may read or write it.
// It is always false on Windows, which keeps permissions in access lists and not in the mode.
func LoosePermissions(path string) (bool, error) {
	if runtime.GOOS == "windows" {
		return false, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	return info.Mode().Perm()&0o077 != 0, nil
}
