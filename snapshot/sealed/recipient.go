// Recipients: the public keys for which a file is encrypted, on the command line and in files.

package sealed

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"

	"noo/internal/atomicfile"
	"noo/internal/kind"
)

// Errors about recipients, to test with errors.Is. None repeats what was given: it may be a private
// key.
var (
	// ErrNotRecipient is a text that is no recipient.
	ErrNotRecipient = kind.New(
		kind.Usage,
		"not a recipient; give age1…, or an SSH public key (ssh-ed25519 or ssh-rsa)",
	)
	// ErrSecret is an identity where a recipient belongs.
	ErrSecret = kind.New(
		kind.Usage,
		"that is an identity, which is secret; age-keygen -y prints its recipient",
	)
	// ErrMixed are recipients that cannot be combined: a file that a classic key opens is not safe
	// from quantum computers.
	ErrMixed = kind.New(
		kind.Usage,
		"post-quantum recipients (age1pq1…) cannot be combined with others",
	)
	errNoRecipients = errors.New("there is no recipient in it; is this the right file?")
)

// maxFile is far above the size of any file of recipients or identities, and bounds what a wrong
// name makes us read.
const maxFile = 1 << 20

// FileError is a file of recipients or identities that could not be used.
type FileError struct {
	// What the file should have held: "recipients" or "identity".
	What string
	Path string
	// Line is the line with the mistake, from 1, or 0 where it is in none.
	Line int
	Err  error
}

// Error names the file, the line and what is wrong.
func (e *FileError) Error() string {
	place := fmt.Sprintf("%s file %s", e.What, e.Path)
	if e.Line > 0 {
		place = fmt.Sprintf("%s, line %d", place, e.Line)
	}
	return fmt.Sprintf("%s: %v", place, e.Err)
}

// Kind returns kind.Usage for recipients, and kind.Snapshot for identities: without them, a
// snapshot cannot be used.
func (e *FileError) Kind() kind.Kind {
	if e.What == identityFile {
		return kind.Snapshot
	}
	return kind.Usage
}

// Unwrap returns what is wrong.
func (e *FileError) Unwrap() error { return e.Err }

const (
	recipientsFile = "recipients"
	identityFile   = "identity"
)

// ParseRecipient reads a recipient of age (age1…, age1pq1…) or an SSH public key (ssh-ed25519,
// ssh-rsa). The recipient of a plugin is refused by the name of the plugin.
func ParseRecipient(text string) (age.Recipient, error) {
	text = strings.TrimSpace(text)
	if IsSecret(text) {
		return nil, ErrSecret
	}
	if strings.HasPrefix(text, "ssh-") {
		if r, err := agessh.ParseRecipient(text); err == nil {
			return r, nil
		}
		return nil, ErrNotRecipient
	}
	if r, err := age.ParseRecipients(strings.NewReader(text)); err == nil && len(r) == 1 {
		return r[0], nil
	}
	// age1NAME1DATA, where DATA is in bech32, whose letters leave 1 out.
	if rest, ok := strings.CutPrefix(text, "age1"); ok {
		if end := strings.LastIndexByte(rest, '1'); end > 0 && plainName(rest[:end]) {
			return nil, pluginError(rest[:end])
		}
	}
	return nil, ErrNotRecipient
}

// IsSecret reports whether a text is, or begins as, an identity and not a public key or a path.
func IsSecret(text string) bool {
	text = strings.ToUpper(strings.TrimSpace(text))
	for _, start := range []string{"AGE-SECRET-KEY-", "AGE-PLUGIN-", "-----BEGIN "} {
		if strings.HasPrefix(text, start) {
			return true
		}
	}
	return false
}

// pluginError refuses a plugin by its name.
func pluginError(name string) error {
	return kind.New(kind.Usage, fmt.Sprintf(
		"it needs the age plugin %s, and noo runs no plugins; use a key of age or SSH", name,
	))
}

// plainName reports whether a text may be the name of a plugin, so that it can be shown.
func plainName(name string) bool {
	return len(name) <= 32 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz9876543210-+._") == ""
}

// ReadRecipients reads a file with one recipient a line. Blank lines and lines that start with #
// are passed over. What cannot be used is a *FileError.
func ReadRecipients(path string) ([]age.Recipient, error) {
	text, err := readFile(recipientsFile, path)
	if err != nil {
		return nil, err
	}
	var recipients []age.Recipient
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxFile+1)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		r, err := ParseRecipient(line)
		if err != nil {
			return nil, &FileError{recipientsFile, path, n, err}
		}
		recipients = append(recipients, r)
	}
	if len(recipients) == 0 {
		return nil, &FileError{recipientsFile, path, 0, errNoRecipients}
	}
	return recipients, nil
}

// readFile reads a small file of keys.
func readFile(what, path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, &FileError{what, path, 0, atomicfile.Cause(err)}
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, &FileError{what, path, 0, atomicfile.Cause(err)}
	}
	if len(text) > maxFile {
		return nil, &FileError{what, path, 0, errors.New("it is too large for a file of keys")}
	}
	return text, nil
}

// NewWriter returns a writer that encrypts for the recipients, of which there is at least one, and
// writes to w. Its Close ends the file, and leaves w open. The error is one of CheckRecipients, or
// of w.
func NewWriter(w io.Writer, recipients []age.Recipient) (io.WriteCloser, error) {
	if err := CheckRecipients(recipients); err != nil {
		return nil, err
	}
	return age.Encrypt(w, recipients...)
}

// CheckRecipients returns ErrMixed if no file can be encrypted for all of the recipients, and
// ErrNotRecipient if none can be for one of them, such as a key of RSA that is too short.
func CheckRecipients(recipients []age.Recipient) error {
	for _, recipient := range recipients {
		if _, err := age.Encrypt(io.Discard, recipient); err != nil {
			return ErrNotRecipient
		}
	}
	if _, err := age.Encrypt(io.Discard, recipients...); err != nil {
		return ErrMixed
	}
	return nil
}
