package api

// The certificates of mutual TLS, from PEM files.

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"noo/internal/nhsnumber"
)

// Certificates are the paths of PEM files. All may be empty.
type Certificates struct {
	// Certificate is the client certificate that NHS England issued for the mailbox, with the
	// certificates that it depends on.
	Certificate string
	// Key is the private key of the certificate.
	Key string
	// CA has the certificates that the service's own must be signed by; without it, those that the
	// system trusts count.
	CA string
}

// mostPEM is the largest PEM file that is read, in bytes.
const mostPEM = 4 << 20

// load puts the certificates into a configuration and returns when the client certificate expires.
// Errors name files and nothing of what is in them.
func (f Certificates) load(secure *tls.Config, now time.Time) (expires time.Time, err error) {
	if f.CA != "" {
		text, err := readPEM(f.CA)
		if err != nil {
			return expires, err
		}
		secure.RootCAs = x509.NewCertPool()
		if !secure.RootCAs.AppendCertsFromPEM(text) {
			return expires, fmt.Errorf("%s: it has no certificate in PEM form", shown(f.CA))
		}
	}
	switch {
	case f.Certificate == "" && f.Key == "":
		return expires, nil
	case f.Key == "":
		return expires, ErrNoKey
	case f.Certificate == "":
		return expires, ErrNoCertificate
	}
	pair, err := f.pair()
	if err != nil {
		return expires, err
	}
	// Always, though the service may name other authorities than the one that signed it: it knows
	// the chain, and this file may have only its end.
	secure.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return &pair, nil
	}
	expires = pair.Leaf.NotAfter
	if now.After(expires) {
		return expires, fmt.Errorf("%s: %w on %s; get a new one from NHS England",
			shown(f.Certificate), ErrExpired, expires.Format("2 Jan 2006"))
	}
	return expires, nil
}

// pair reads the client certificate and its key.
func (f Certificates) pair() (pair tls.Certificate, err error) {
	certificate, err := readPEM(f.Certificate)
	if err != nil {
		return pair, err
	}
	key, err := readPEM(f.Key)
	if err != nil {
		return pair, err
	}
	if block, _ := pem.Decode(key); block != nil &&
		(strings.Contains(block.Type, "ENCRYPTED") || block.Headers["DEK-Info"] != "") {
		return pair, fmt.Errorf("%s: the key has a password; %s", shown(f.Key),
			"write it without one: openssl pkey -in KEY -out NEW")
	}
	pair, err = tls.X509KeyPair(certificate, key)
	if err != nil {
		return pair, fmt.Errorf("%s and %s: they are no certificate and key that belong together",
			shown(f.Certificate), shown(f.Key))
	}
	return pair, nil
}

func readPEM(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > mostPEM) {
		return nil, fmt.Errorf("%s: it is no PEM file", shown(path))
	}
	text, err := os.ReadFile(path)
	if failed, ok := errors.AsType[*os.PathError](err); ok {
		return nil, fmt.Errorf("cannot read %s: %w", shown(path), failed.Err)
	}
	return text, err
}

// shown returns a text of the other side, or a name, fit to be shown: one line, printable, without
// the digits of an NHS number, and not long.
func shown(text string) string {
	const most = 200
	text = strings.Map(printable, strings.ToValidUTF8(text, "?"))
	text = nhsnumber.Mask(strings.TrimSpace(text))
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
