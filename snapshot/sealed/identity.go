// Identities: the private keys that open encrypted files, in the files of age and of SSH.

package sealed

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"

	"noo/snapshot"
)

// Errors about files of identities, to test with errors.Is.
var (
	// ErrNotIdentity is a file, or a line of one, that is no identity.
	ErrNotIdentity = errors.New(
		"not an identity; give a file of age-keygen, or an SSH private key (ed25519 or RSA)",
	)
	// ErrPassword is a wrong password of an identity, or an identity that was altered.
	ErrPassword = errors.New("the password is wrong, or the identity is damaged")
	// ErrOldKey is an encrypted SSH key in a form that does not tell its public half.
	ErrOldKey = errors.New("it is encrypted in an old form; ssh-keygen -p -f FILE renews it")
)

// maxWorkFactor bounds the memory that the password of an identity costs: 1 GiB.
const maxWorkFactor = 20

// Identities open encrypted files. They are read when the first encrypted file is met, and kept.
// They are not safe for concurrent use.
type Identities struct {
	// Files hold identities of age, one a line, or an SSH private key.
	Files []string
	// Password returns the password of an identity in a file. It is called only for one that is
	// encrypted, when no other has opened the file.
	Password func(file string) (string, error)
	// Loose, unless nil, is told of a file that others than its owner can read.
	Loose func(file string)

	loaded []age.Identity
	met    bool // an encrypted file
}

func (i *Identities) load() error {
	if i.loaded != nil {
		return nil
	}
	var loaded []age.Identity
	for _, path := range i.Files {
		text, err := readFile(identityFile, path)
		if err != nil {
			return err
		}
		some, err := i.parse(path, text)
		if err != nil {
			return err
		}
		if loose, err := snapshot.LoosePermissions(path); err == nil && loose && i.Loose != nil {
			i.Loose(path)
		}
		loaded = append(loaded, some...)
	}
	slices.SortStableFunc(loaded, askLast)
	i.loaded = loaded
	return nil
}

// askLast puts files with a password behind all others: nobody is asked if another one opens.
func askLast(a, b age.Identity) int {
	_, first := a.(*lockedFile)
	_, second := b.(*lockedFile)
	switch {
	case first == second:
		return 0
	case first:
		return 1
	}
	return -1
}

// parse reads the identities in a file, whatever its kind.
func (i *Identities) parse(path string, text []byte) ([]age.Identity, error) {
	switch {
	case bytes.HasPrefix(text, []byte(binaryStart)), bytes.HasPrefix(text, []byte(armorStart)):
		return []age.Identity{&lockedFile{path: path, text: text, password: i.Password}}, nil
	case bytes.HasPrefix(text, []byte("-----BEGIN")):
		identity, err := i.parseSSH(path, text)
		return []age.Identity{identity}, err
	}
	return parseLines(path, text)
}

// parseLines reads identities of age, one a line.
func parseLines(path string, text []byte) (identities []age.Identity, err error) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxFile+1)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if rest, ok := strings.CutPrefix(line, "AGE-PLUGIN-"); ok {
			name, _, _ := strings.Cut(rest, "-1")
			if name = strings.ToLower(name); plainName(name) {
				return nil, &FileError{identityFile, path, n, pluginError(name)}
			}
		}
		some, err := age.ParseIdentities(strings.NewReader(line))
		if err != nil {
			return nil, &FileError{identityFile, path, n, ErrNotIdentity}
		}
		identities = append(identities, some...)
	}
	if len(identities) == 0 {
		return nil, &FileError{identityFile, path, 0, ErrNotIdentity}
	}
	return identities, nil
}

// parseSSH reads an SSH private key.
func (i *Identities) parseSSH(path string, text []byte) (age.Identity, error) {
	identity, err := agessh.ParseIdentity(text)
	if err == nil {
		return identity, nil
	}
	locked, ok := errors.AsType[*ssh.PassphraseMissingError](err)
	if !ok {
		return nil, &FileError{identityFile, path, 0, ErrNotIdentity}
	}
	if locked.PublicKey == nil {
		return nil, &FileError{identityFile, path, 0, ErrOldKey}
	}
	key := &lockedKey{path: path}
	password := func() ([]byte, error) {
		word, err := i.Password(path)
		key.unasked = err
		return []byte(word), err
	}
	key.key, err = agessh.NewEncryptedSSHIdentity(locked.PublicKey, text, password)
	if err != nil {
		return nil, &FileError{identityFile, path, 0, ErrNotIdentity}
	}
	return key, nil
}

// unlockError takes an error about an identity through age unchanged.
type unlockError struct{ err error }

func (e *unlockError) Error() string { return e.err.Error() }

// lockedKey is an SSH private key with a password.
type lockedKey struct {
	path    string
	key     *agessh.EncryptedSSHIdentity
	unasked error // why there is no password
}

// Unwrap asks for the password if the file is encrypted for this key.
func (k *lockedKey) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	fileKey, err := k.key.Unwrap(stanzas)
	switch {
	case err == nil || errors.Is(err, age.ErrIncorrectIdentity):
		return fileKey, err
	case k.unasked != nil:
		return nil, &unlockError{k.unasked}
	}
	return nil, &unlockError{&FileError{identityFile, k.path, 0, ErrPassword}}
}

// lockedFile is a file of identities of age that is encrypted with a password itself.
type lockedFile struct {
	path     string
	text     []byte
	password func(file string) (string, error)
	inside   []age.Identity
}

// Unwrap asks for the password, at the first call.
func (f *lockedFile) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if f.inside == nil {
		if err := f.unlock(); err != nil {
			return nil, &unlockError{err}
		}
	}
	for _, identity := range f.inside {
		fileKey, err := identity.Unwrap(stanzas)
		if !errors.Is(err, age.ErrIncorrectIdentity) {
			return fileKey, err
		}
	}
	return nil, age.ErrIncorrectIdentity
}

func (f *lockedFile) unlock() error {
	word, err := f.password(f.path)
	if err != nil {
		return err
	}
	wrong := &FileError{identityFile, f.path, 0, ErrPassword}
	identity, err := age.NewScryptIdentity(word)
	if err != nil { // an empty password
		return wrong
	}
	identity.SetMaxWorkFactor(maxWorkFactor)
	encrypted := io.Reader(bytes.NewReader(f.text))
	if bytes.HasPrefix(f.text, []byte(armorStart)) {
		encrypted = armor.NewReader(encrypted)
	}
	content, err := age.Decrypt(encrypted, identity)
	if err != nil {
		return wrong
	}
	text, err := io.ReadAll(io.LimitReader(content, maxFile))
	if err != nil {
		return wrong
	}
	f.inside, err = parseLines(f.path, text)
	return err
}
