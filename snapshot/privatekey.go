// Private keys: made, kept and loaded in the format of the minisign tool, so that either can be used for the other.

package snapshot

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"aead.dev/minisign"

	"noo/internal/atomicfile"
	"noo/internal/kind"
)

// PrivateSuffix ends the names of private key files.
const PrivateSuffix = ".key"

// Errors about private keys, to test with errors.Is.
var (
	// ErrNotPrivateKey is a file that does not hold a minisign private key.
	ErrNotPrivateKey = errors.New("it is not a minisign private key; give the .key file")
	// ErrPassword is a wrong password, or a key that was altered: the format cannot tell them apart.
	ErrPassword = errors.New("the password is wrong, or the key is damaged")
	// ErrNoPassword is an empty password, or none where one is needed.
	ErrNoPassword = kind.New(kind.Usage, "it needs a password, which must not be empty")
	// ErrKeyDamaged is a private key whose public half does not belong to it. Signing with it would give the key away.
	ErrKeyDamaged = errors.New("its two halves do not belong together; restore it from a copy")
)

// GenerateKey makes a new key.
func GenerateKey() (minisign.PrivateKey, error) {
	_, key, err := minisign.GenerateKey(nil)
	return key, err
}

// WriteKey writes key to NAME.key, which only its owner may read, and its public half to NAME.pub, and returns both
// paths. The private file is encrypted with what password returns, which takes about a second and 1 GiB of memory (scrypt
// as minisign sets it); it is not encrypted where password is nil. Existing files are never replaced: the error then
// wraps atomicfile.ErrExists.
func WriteKey(dir, name string, key minisign.PrivateKey, password func() (string, error)) (privatePath, publicPath string, err error) {
	if name == "" || strings.ContainsAny(name, `/\:`) || strings.HasPrefix(name, ".") {
		return "", "", errors.New("the name of a key is a plain file name, without a folder; give the folder with --dir")
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
	// Everybody may read the public half: it is to be handed out, and to be put where other users read it.
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

// LoadPrivateKey loads the private key at path. password is asked only where the file is encrypted, and may be nil where it
// is not. Errors are *KeyError, but for those that password returns, which come back as they are.
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

// halvesMatch tells whether the public half stored in a private key is the one that its seed gives. An unencrypted file has
// no check of its own, and Ed25519 signatures made with a wrong public half reveal the private one.
func halvesMatch(key minisign.PrivateKey) bool {
	text, err := key.MarshalText()
	if err != nil {
		return false
	}
	raw, err := base64.StdEncoding.DecodeString(string(text[bytes.IndexByte(text, '\n')+1:]))
	const start = 62 // algorithms, salt, limits and key id come first: minisign, "Secret key format"
	if err != nil || len(raw) < start+ed25519.PrivateKeySize {
		return false
	}
	pair := raw[start : start+ed25519.PrivateKeySize]
	return bytes.Equal(ed25519.NewKeyFromSeed(pair[:ed25519.SeedSize]), pair)
}
