// Package api is a client of the MESH API, version 2, for one mailbox. It proves the set-up
// ([Client.Handshake]), sends messages, tracks them, lists the inbox, reads messages and
// acknowledges them. It knows nothing of NHS numbers in what it carries.
//
// It keeps the rules that NHS England has for clients: one request at a time for a mailbox, a new
// token for each, growing waits after an answer such as 503, and no message twice. The caller keeps
// one more: it acknowledges a message only when what it read is stored safely.
//
// The protocol is that of NHSDigital/mesh-api-specification 2.0.0. No error of this package holds a
// password, a key, a token, the body of a message or an NHS number.
package api

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"noo/internal/kind"
)

const (
	// MaxChunk is the most bytes that the service takes in one request.
	MaxChunk = 100_000_000
	// DefaultChunk is the size of the chunks that noo sends. The service takes no more than 20 MB
	// from the internet in one request, and 100 MB from HSCN (specification, "Outbox workflow").
	DefaultChunk = 20_000_000
	// MaxMessage is the most bytes that one message may have.
	MaxMessage = 20_000_000_000
	// DefaultPoll is how often the inbox may be asked for: every five minutes at most.
	DefaultPoll = 5 * time.Minute
)

// Config is what a client needs to know.
type Config struct {
	// URL is the address of the service: https, or http on this machine alone.
	URL string
	// Mailbox is the id of the mailbox, such as X26HC065.
	Mailbox string
	// Password is that of the mailbox.
	Password Secret
	// SharedKey is the secret that all mailboxes of an environment have in common.
	SharedKey Secret
	// Certificates prove who asks. They may be empty for a service on this machine.
	Certificates Certificates
	// StateDir is a folder for the lock that keeps requests of several processes apart. It is made
	// if it does not exist.
	StateDir string
	// Version is the version of the program, which the service records.
	Version string
	// ChunkSize is how many bytes of a message go into one request, before compression; 0 is
	// DefaultChunk.
	ChunkSize int64
	// Poll is the time from one look into the inbox to the next; 0 is DefaultPoll. A shorter time
	// is accepted for a service on this machine only.
	Poll time.Duration
	// Waiting, if it is not nil, is called before each wait, with the reason.
	Waiting func(reason string, wait time.Duration)
}

// Client works one mailbox. It is safe for concurrent use: it makes one request at a time.
type Client struct {
	config Config
	base   string // URL of the mailbox, without a slash at its end
	http   *http.Client
	lock   string // path of the lock file
	leaf   time.Time
	turn   sync.Mutex

	now      func() time.Time
	sleep    sleeper
	patience patience
	nonce    func() string
}

// patience is how long a client waits.
type patience struct {
	lock    time.Duration // for the requests of other processes
	idle    time.Duration // for the next byte of an answer
	request time.Duration // for a whole request
	longest time.Duration // before a repeated request
	tries   int           // of one request
}

var (
	mailboxID = regexp.MustCompile(`^[A-Z0-9]{3,32}$`)
	messageID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)
)

// New returns a client. It reads the certificates, and makes no connection. An error has
// kind.Usage.
func New(config Config) (*Client, error) {
	base, local, err := serviceURL(config.URL)
	if err != nil {
		return nil, kind.Wrap(kind.Usage, err)
	}
	config.Mailbox = strings.ToUpper(config.Mailbox)
	if err := config.validate(local); err != nil {
		return nil, kind.Wrap(kind.Usage, err)
	}
	c := &Client{
		config: config,
		base:   base + "/messageexchange/" + config.Mailbox,
		now:    time.Now,
		sleep:  sleep,
		nonce:  newNonce,
		patience: patience{
			lock: 10 * time.Minute, idle: 2 * time.Minute, request: time.Hour,
			longest: 10 * time.Minute, tries: 7,
		},
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.leaf, err = config.Certificates.load(secure, c.now()); err != nil {
		return nil, kind.Wrap(kind.Usage, err)
	}
	c.http = newHTTP(secure)
	dir := filepath.Join(config.StateDir, "mesh")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the state folder: %w", err)
	}
	c.lock = filepath.Join(dir, config.Mailbox+".lock")
	return c, nil
}

// newHTTP returns a client that follows no redirect. It opens a connection for each request: on one
// that was open before, the transport might send a request again by itself, and its token is used
// up then.
func newHTTP(secure *tls.Config) *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 30 * time.Second}).DialContext,
			TLSClientConfig:       secure,
			TLSHandshakeTimeout:   30 * time.Second,
			ResponseHeaderTimeout: 10 * time.Minute,
			DisableKeepAlives:     true,
			DisableCompression:    true, // the client bounds what it decompresses
		},
	}
}

// Format implements fmt.Formatter: nothing that prints a client shows its secrets.
func (c *Client) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "MESH client of %s", c.config.Mailbox)
}

// Mailbox returns the id of the mailbox.
func (c *Client) Mailbox() string { return c.config.Mailbox }

// CertificateExpires returns when the client certificate expires, or the zero time without one.
func (c *Client) CertificateExpires() time.Time { return c.leaf }

// serviceURL returns the address of the service without a slash at its end, and whether it is on
// this machine. Errors do not repeat it, since somebody may have put a password into it.
func serviceURL(text string) (base string, local bool, err error) {
	if text == "" {
		return "", false, ErrNoURL
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Opaque != "" {
		return "", false, fmt.Errorf("%w: want one such as https://HOST", ErrURL)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", false, fmt.Errorf("%w: want one without user, query and fragment", ErrURL)
	}
	local = isLoopback(u.Hostname())
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && local:
	default:
		return "", false, fmt.Errorf("%w: only https, or http on this machine", ErrURL)
	}
	return strings.TrimRight(u.Scheme+"://"+u.Host+u.EscapedPath(), "/"), local, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// validate refuses values with which no request can be made, and fills in those that are not set.
func (config *Config) validate(local bool) error {
	if config.ChunkSize == 0 {
		config.ChunkSize = DefaultChunk
	}
	if config.Poll == 0 {
		config.Poll = DefaultPoll
	}
	switch {
	case config.Mailbox == "":
		return ErrNoMailbox
	case !mailboxID.MatchString(config.Mailbox):
		return ErrMailbox
	case config.Password == "":
		return ErrNoPassword
	case config.SharedKey == "":
		return ErrNoSharedKey
	case !local && config.Certificates.Certificate == "":
		return ErrNoCertificate
	case config.ChunkSize < 1 || config.ChunkSize > MaxChunk:
		return fmt.Errorf("a chunk has from 1 to %d bytes", MaxChunk)
	case config.Poll < DefaultPoll && !local:
		return fmt.Errorf("the inbox may be asked for every %v, and not more often", DefaultPoll)
	case config.StateDir == "":
		return fmt.Errorf("no state folder for the lock of the mailbox")
	}
	return nil
}
