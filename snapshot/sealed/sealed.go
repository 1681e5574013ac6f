// Package sealed keeps the files of a publisher encrypted at rest: they name people. An encrypted
// file is an age file (https://age-encryption.org/v1) around the file as it was signed, so that the
// age tool reads what this package writes, and the other way round.
//
// A writer takes the recipients, which are public keys, and encrypts with NewWriter. A reader has
// Identities, which are the private keys, and hands their Reader method to snapshot.OpenThrough:
// what is not encrypted passes unchanged. What comes out is data of nobody known until its
// signature is verified: everybody can encrypt for a recipient.
//
// The package never puts an identity, a password or a byte of a file into an error, and keeps all
// that it decrypts in memory.
package sealed

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"slices"

	"filippo.io/age"
	"filippo.io/age/armor"

	"noo/snapshot"
)

// Reasons for a *snapshot.Refusal of an encrypted file, to test with errors.Is. One that was
// altered or cut short is refused with snapshot.ErrDamaged.
var (
	// ErrEncrypted is an encrypted file for which no identity is given.
	ErrEncrypted = errors.New("it is encrypted")
	// ErrRecipient is a file that none of the identities opens.
	ErrRecipient = errors.New("it is encrypted for somebody else")
	// ErrPassphrase is a file that is encrypted with a passphrase, and for no recipient.
	ErrPassphrase = errors.New("it is encrypted with a passphrase")
)

const (
	binaryStart = "age-encryption.org/"
	armorStart  = armor.Header
	peeked      = max(len(binaryStart), len(armorStart))
)

// Reader returns a reader of what r holds: decrypted if r is an age file, and unchanged if not. A
// refused file is a *snapshot.Refusal, here or in a later Read; an identity that cannot be used is
// a *FileError; errors of r and of Password come back as they are. Nothing is asked and no identity
// is read for a file that is not encrypted.
func (i *Identities) Reader(r io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	start, err := in.Peek(peeked)
	if err != nil && err != io.EOF {
		return nil, err
	}
	encrypted := io.Reader(in)
	switch {
	case bytes.HasPrefix(start, []byte(armorStart)):
		encrypted = armor.NewReader(in)
	case !bytes.HasPrefix(start, []byte(binaryStart)):
		return in, nil
	}
	i.met = true
	if len(i.Files) == 0 {
		return nil, refuse(ErrEncrypted, "no identity is given to decrypt it with")
	}
	if err := i.load(); err != nil {
		return nil, err
	}
	content, err := age.Decrypt(encrypted, i.loaded...)
	if err != nil {
		return nil, cause(err)
	}
	return &decrypted{content}, nil
}

// MetEncrypted reports whether Reader has met an encrypted file.
func (i *Identities) MetEncrypted() bool { return i.met }

// decrypted is the content of an age file, whose errors are refusals.
type decrypted struct{ content io.Reader }

func (d *decrypted) Read(p []byte) (int, error) {
	n, err := d.content.Read(p)
	if err != nil && err != io.EOF {
		err = cause(err)
	}
	return n, err
}

// cause returns what an error of age means. The texts of age may quote the file and are dropped.
func cause(err error) error {
	if failed, ok := errors.AsType[*unlockError](err); ok {
		return failed.err
	}
	if unread, ok := errors.AsType[*fs.PathError](err); ok {
		return unread
	}
	if none, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		if slices.Contains(none.StanzaTypes, "scrypt") {
			return refuse(ErrPassphrase, "ask the publisher to encrypt it for a recipient")
		}
		return refuse(ErrRecipient, "ask the publisher to encrypt it for you")
	}
	return refuse(snapshot.ErrDamaged, "it cannot be decrypted to its end; fetch it again")
}

func refuse(reason error, detail string) error {
	return &snapshot.Refusal{Reason: reason, Detail: detail}
}
