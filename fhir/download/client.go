package download

// The secrets of the connection: they come from files only.

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"

	"noo/internal/atomicfile"
	"noo/internal/kind"
)

// maxToken is the most that a token may have, in bytes. Servers refuse longer headers.
const maxToken = 16 << 10

// ErrTokenFile is a file that holds no token.
var ErrTokenFile = kind.New(kind.Usage, "it does not hold a bearer token alone, on one line")

// ReadToken reads a bearer token from a file. A blank around it does not count.
func ReadToken(path string) (string, error) {
	text, err := readSmall(path)
	if err != nil {
		return "", err
	}
	token := bytes.TrimSpace(text)
	for _, c := range token {
		if c <= ' ' || c > '~' {
			return "", fmt.Errorf("%s: %w", path, ErrTokenFile)
		}
	}
	if len(token) == 0 || len(token) > maxToken {
		return "", fmt.Errorf("%s: %w", path, ErrTokenFile)
	}
	return string(token), nil
}

// TLS names the files of a connection; "" is none.
type TLS struct {
	// CA has the certificates, in PEM, that the server's must come from instead of the system's.
	CA string
	// Certificate and Key, in PEM, are those of the client.
	Certificate, Key string
}

// NewClient returns a client that uses these files.
func NewClient(files TLS) (*http.Client, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if files.CA != "" {
		text, err := readSmall(files.CA)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			err := fmt.Errorf("%s: it holds no certificate in PEM", files.CA)
			return nil, kind.Wrap(kind.Usage, err)
		}
	}
	if files.Certificate != "" {
		pair, err := loadPair(files)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	return &http.Client{Transport: transport}, nil
}

func loadPair(files TLS) (tls.Certificate, error) {
	certificate, err := readSmall(files.Certificate)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := readSmall(files.Key)
	if err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil { // its text could hold parts of the file
		err = kind.Wrap(kind.Usage, fmt.Errorf("%s: it is no certificate in PEM with the key in %s",
			files.Certificate, files.Key))
	}
	return pair, err
}

// readSmall reads a file of at most a megabyte.
func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > 1<<20 {
		err = errors.New("it has more than a megabyte")
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, atomicfile.Cause(err))
	}
	return text, nil
}
