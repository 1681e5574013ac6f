// Trusted keys: whose snapshots are believed, and where these keys are kept.

package snapshot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"aead.dev/minisign"

	"noo/internal/atomicfile"
	"noo/internal/kind"
)

// PublicSuffix ends the names of public key files.
const PublicSuffix = ".pub"

// maxKeyFile is far above the size of a minisign key file, and bounds what a wrong name makes us read.
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
var ErrNotPublicKey = errors.New("it is not a minisign public key; give the .pub file of the publisher")

// TrustedKeyFiles lists the files with the keys to be trusted: those given, else every *.pub in DefaultKeyDirs. A folder
// that cannot be read is a *KeyError. There may be none.
func TrustedKeyFiles(given []string) ([]string, error) {
	if len(given) > 0 {
		return given, nil
	}
	return publicFiles(DefaultKeyDirs())
}

// LoadKeys loads public keys from files. A key that occurs twice is returned once. Without any key the error is a
// *Refusal with ErrNoKeys; a file that cannot be used is a *KeyError.
func LoadKeys(files []string) ([]minisign.PublicKey, error) {
	var keys []minisign.PublicKey
	for _, file := range files {
		key, err := loadPublicKey(file)
		if err != nil {
			return nil, err
		}
		if !contains(keys, key) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, noKeys()
	}
	return keys, nil
}

// DefaultKeyDirs are the folders that are searched for trusted keys: noo/trusted.d under the user's configuration folder
// (XDG_CONFIG_HOME or ~/.config; AppData on Windows; ~/Library/Application Support on macOS), and the machine's, which is
// /etc/noo/trusted.d or on Windows ProgramData\noo\trusted.d. They need not exist.
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

// publicFiles lists the public key files in the folders, those of each folder by name. Missing folders are passed over.
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
				return nil, &KeyError{Path: path, Err: errors.New("it is no file with a key: take it away")} // opening a pipe would wait
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

func contains(keys []minisign.PublicKey, key minisign.PublicKey) bool {
	for _, k := range keys {
		if k.Equal(key) {
			return true
		}
	}
	return false
}

func noKeys() error {
	dir := "the folder trusted.d"
	if dirs := DefaultKeyDirs(); len(dirs) > 0 {
		dir = dirs[0]
	}
	return refuse(ErrNoKeys, "give the publisher's key with --trusted-key FILE, or put its .pub file into %s", dir)
}
