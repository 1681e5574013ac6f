package api

// Mutual TLS: who accepts whose certificate, and what the errors say to check.

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noo/mesh/api/apitest"
)

// authority signs certificates into a folder.
type authority struct {
	dir    string
	issued int
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{dir: t.TempDir(), key: key}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a.write(t, "ca.pem", "CERTIFICATE", a.sign(t, a.cert, &key.PublicKey))
	return a
}

func (a *authority) sign(t *testing.T, template *x509.Certificate, key *ecdsa.PublicKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (a *authority) write(t *testing.T, name, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// issue makes a certificate with its key. It ends after the given time.
func (a *authority) issue(t *testing.T, name string, after time.Duration, host string) Certificates {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(after),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	a.issued++ // each has files of its own
	name = fmt.Sprintf("%s%d", name, a.issued)
	return Certificates{
		Certificate: a.write(t, name+".pem", "CERTIFICATE", a.sign(t, template, &key.PublicKey)),
		Key:         a.write(t, name+".key", "PRIVATE KEY", der),
		CA:          filepath.Join(a.dir, "ca.pem"),
	}
}

func TestMutualTLS(t *testing.T) {
	ours, theirs := newAuthority(t, "ours"), newAuthority(t, "theirs")
	client, stranger := ours.issue(t, "client", time.Hour, "client"), theirs.issue(t, "client", time.Hour, "client")
	stranger.CA = client.CA
	for _, test := range []struct {
		name   string
		server Certificates
		client Certificates
		most   uint16 // version of TLS
		want   error
	}{
		{name: "good", server: ours.issue(t, "server", time.Hour, "127.0.0.1"), client: client},
		{name: "good, TLS 1.2", server: ours.issue(t, "server", time.Hour, "127.0.0.1"), client: client, most: tls.VersionTLS12},
		{name: "no client certificate", server: ours.issue(t, "server", time.Hour, "127.0.0.1"),
			client: Certificates{CA: client.CA}, want: ErrClientCertificate},
		{name: "no client certificate, TLS 1.2", server: ours.issue(t, "server", time.Hour, "127.0.0.1"),
			client: Certificates{CA: client.CA}, most: tls.VersionTLS12, want: ErrClientCertificate},
		{name: "a stranger's", server: ours.issue(t, "server", time.Hour, "127.0.0.1"), want: ErrClientCertificate,
			client: stranger},
		{name: "an unknown server", server: theirs.issue(t, "server", time.Hour, "127.0.0.1"), client: client, want: ErrServerCertificate},
		{name: "another host", server: ours.issue(t, "server", time.Hour, "mesh.example"), client: client, want: ErrServerCertificate},
		{name: "an expired server", server: ours.issue(t, "server", -time.Hour, "127.0.0.1"), client: client, want: ErrServerCertificate},
		{name: "old TLS", server: ours.issue(t, "server", time.Hour, "127.0.0.1"), client: client, most: tls.VersionTLS11, want: ErrUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := apitest.NewUnstarted(t)
			pair, err := tls.LoadX509KeyPair(test.server.Certificate, test.server.Key)
			if err != nil {
				t.Fatal(err)
			}
			pool := x509.NewCertPool()
			pool.AddCert(mustParse(t, filepath.Join(ours.dir, "ca.pem")))
			s.TLS = &tls.Config{
				Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
				MinVersion: tls.VersionTLS10, MaxVersion: test.most,
			}
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.StartTLS()
			c, waits := newClient(t, s, func(c *Config) { c.URL, c.Certificates = s.URL, test.client })
			err = c.Handshake(t.Context())
			if !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("%v", err)
			}
			if (errors.Is(test.want, ErrClientCertificate) || errors.Is(test.want, ErrServerCertificate)) && len(*waits) > 0 {
				t.Errorf("it waited %v", *waits)
			}
			if err == nil && c.CertificateExpires().Before(time.Now()) {
				t.Errorf("it expires at %v", c.CertificateExpires())
			}
			if err == nil {
				if _, err := c.Send(t.Context(), outgoing(list)); err != nil || string(s.Sent()[0].Body(t)) != list {
					t.Errorf("sending: %v", err)
				}
			}
		})
	}
}

// TestClosedConnection: some servers close the connection if they refuse the certificate. For a
// handshake that is a hint; for all else it is a service that is not available.
func TestClosedConnection(t *testing.T) {
	ours := newAuthority(t, "ours")
	server, client := ours.issue(t, "server", time.Hour, "127.0.0.1"), ours.issue(t, "client", time.Hour, "client")
	pair, err := tls.LoadX509KeyPair(server.Certificate, server.Key)
	if err != nil {
		t.Fatal(err)
	}
	s := apitest.NewUnstarted(t)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	s.StartTLS()
	c, waits := newClient(t, s, func(c *Config) { c.URL, c.Certificates = s.URL, client })
	plain, _ := newClient(t, apitest.New(t), func(c *Config) {
		c.URL, c.Certificates = strings.Replace(c.URL, "http:", "https:", 1), client
	})
	if err := plain.Handshake(t.Context()); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "not https") {
		t.Errorf("a service without TLS: %v", err)
	}
	s.Next(apitest.LostRequest)
	if err := c.Handshake(t.Context()); !errors.Is(err, ErrClientCertificate) || len(*waits) > 0 {
		t.Errorf("handshake: %v after %v", err, *waits)
	}
	s.Next(apitest.LostRequest)
	if _, err := c.Inbox(t.Context(), ""); err != nil || len(*waits) != 1 {
		t.Errorf("inbox: %v after %v", err, *waits)
	}
}

func mustParse(t *testing.T, path string) *x509.Certificate {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// TestCertificateFiles: what is wrong with the files is said before a connection is made, without
// what is in them.
func TestCertificateFiles(t *testing.T) {
	ca := newAuthority(t, "ours")
	good, other := ca.issue(t, "client", time.Hour, "client"), ca.issue(t, "other", time.Hour, "client")
	expired := ca.issue(t, "expired", -time.Hour, "client")
	key, err := os.ReadFile(good.Key)
	if err != nil {
		t.Fatal(err)
	}
	locked := ca.write(t, "locked.key", "ENCRYPTED PRIVATE KEY", []byte("anything"))
	for _, test := range []struct {
		name  string
		files Certificates
		want  string
	}{
		{"the key of another", Certificates{good.Certificate, other.Key, ""}, "belong together"},
		{"expired", expired, "expired on"},
		{"a key with a password", Certificates{good.Certificate, locked, ""}, "has a password"},
		{"exchanged", Certificates{good.Key, good.Certificate, ""}, "belong together"},
		{"not there", Certificates{"none.pem", good.Key, ""}, "none.pem"},
		{"a folder", Certificates{t.TempDir(), good.Key, ""}, "no PEM"},
		{"no CA", Certificates{good.Certificate, good.Key, good.Key}, "no certificate"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := New(Config{
				URL: "https://127.0.0.1:1", Mailbox: mailbox, Password: "p", SharedKey: "k",
				StateDir: t.TempDir(), Certificates: test.files,
			})
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%v", err)
			}
			if middle := strings.Split(string(key), "\n")[1]; strings.Contains(err.Error(), middle[:20]) {
				t.Errorf("the error says the key: %v", err)
			}
		})
	}
}
