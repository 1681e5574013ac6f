package pseudonym

// Reading a secret from its file.

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"noo/internal/kind"
)

// Errors of a file with a secret. None of them holds the path: somebody may have given the secret
// itself in its place.
var (
	// ErrNotHex is a file with anything but hexadecimal digits.
	ErrNotHex = errors.New("it is not hexadecimal digits, two for each byte of the secret")
	// ErrNoSecret is an empty file.
	ErrNoSecret = errors.New("it is empty")
	// ErrLong is a file that is too long for a secret.
	ErrLong = errors.New("it is longer than 64 KiB")
	// ErrSecretFile is a file that cannot be read.
	ErrSecretFile = errors.New("noo cannot read the file with the secret of the pseudonyms")
)

const mostSecret = 64 << 10

// ReadSecret reads the key or the salt from a file: hexadecimal digits in any case, two for each
// byte, and at most one line end behind them. So a line end is never part of the secret.
// Errors wrap ErrSecretFile, and have kind.Usage.
func ReadSecret(path string) (Secret, error) {
	secret, err := readSecret(path)
	if err != nil {
		return Secret{}, kind.Wrap(kind.Usage, fmt.Errorf("%w: %w", ErrSecretFile, err))
	}
	return secret, nil
}

func readSecret(path string) (Secret, error) {
	file, err := os.Open(path)
	if err != nil {
		return Secret{}, cause(err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, mostSecret+1))
	switch {
	case err != nil:
		return Secret{}, cause(err)
	case len(text) > mostSecret:
		return Secret{}, ErrLong
	}
	text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	if len(text) == 0 {
		return Secret{}, ErrNoSecret
	}
	secret := make([]byte, hex.DecodedLen(len(text)))
	if _, err := hex.Decode(secret, text); err != nil {
		return Secret{}, ErrNotHex // the error of hex shows a byte
	}
	return Secret{bytes: secret}, nil
}

// cause is an error of the file system without the path.
func cause(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}
