// Package download fetches the Consents of a FHIR server: all pages of a search, one resource a
// line.
//
// It sends the token to the server that the address names and to no other: links and redirects that
// lead elsewhere are refused, and so is http, unless the server is this machine. What was fetched
// is complete, or there is an error. No error holds a query, a header or anything that the server
// said.
package download

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"noo/fhir"
	"noo/internal/kind"
)

// MaxPage is the most that a page may have, in bytes: a page is held in memory.
const MaxPage = 64 << 20

// Errors of an address or an answer. Those of kind.Usage can be told before anything is sent.
var (
	// ErrAddress is an address that is no http or https URL.
	ErrAddress = kind.New(
		kind.Usage,
		"the address is not of the form https://SERVER/PATH/Consent?QUERY",
	)
	// ErrPassword is an address with a user or a password in it.
	ErrPassword = kind.New(kind.Usage, "the address holds a user or a password; give a token file")
	// ErrHTTP is an address without TLS.
	ErrHTTP = kind.New(kind.Usage, "http sends everything in the clear; use https")
	// ErrOrigin is a link or a redirect to another server.
	ErrOrigin = kind.New(
		kind.Input,
		"the server sends noo to another server, which must not see the token",
	)
	// ErrLoop is a page that was there before.
	ErrLoop = kind.New(kind.Input, "the server sends the same page twice, so its pages never end")
	// ErrLarge is a page of more than MaxPage.
	ErrLarge = kind.New(
		kind.Input,
		"a page has more than 64 MiB; ask for fewer Consents a page (_count)",
	)
	// ErrNotJSON is an answer of another type.
	ErrNotJSON = kind.New(
		kind.Input,
		"the answer is no FHIR JSON; is the address that of a search?",
	)
	// ErrTotal is a result that has more or fewer Consents than the server says.
	ErrTotal = kind.New(
		kind.Input,
		"the server sent another number of Consents than its total; run again",
	)
	// ErrChanged is a total that differs from page to page.
	ErrChanged = kind.New(
		kind.Input,
		"the total changed from page to page; run again when nobody writes",
	)
	// ErrToken is an answer to a token that is missing, wrong or too old.
	ErrToken = errors.New("the server refuses the token, or wants one")
	// ErrBusy is a server that did not answer in time.
	ErrBusy = errors.New("the server did not answer in time; try again later")
)

// Options say what is fetched, and how.
type Options struct {
	// Address is that of the search, such as https://SERVER/R4/Consent?_count=1000.
	Address string
	// Token is a bearer token, or "" for none.
	Token string
	// Client sends the requests; its CheckRedirect is replaced. nil is one that uses TLS with the
	// roots of the system.
	Client *http.Client
	// Patience is how long a page may take in all, if the server has to be asked for it again, and
	// FirstWait the first wait, which doubles. Zeros are 10 minutes and a second.
	Patience, FirstWait time.Duration
}

// Result is what was fetched.
type Result struct {
	Consents, Pages uint64
	// Messages and Included are those of fhir.Page.
	Messages, Included uint64
}

// Error is a page that could not be fetched.
type Error struct {
	Server string // scheme, host and path, without the query
	Page   uint64 // from 1
	Err    error
}

// Error names the server and the page.
func (e *Error) Error() string { return fmt.Sprintf("%s, page %d: %v", e.Server, e.Page, e.Err) }

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// Check returns what is wrong with an address, or nil. It sends nothing.
func Check(address string) error {
	_, err := parse(address)
	return err
}

func parse(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "" || u.Fragment != "",
		u.Scheme != "https" && u.Scheme != "http":
		return nil, ErrAddress
	case u.User != nil:
		return nil, ErrPassword
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return nil, ErrHTTP
	}
	return u, nil
}

// isLoopback reports whether a host is this machine.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// sameOrigin reports whether two addresses are of one server.
func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && a.Hostname() == b.Hostname() && port(a) == port(b) &&
		b.User == nil
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// download is a search while its pages are fetched.
type download struct {
	Options
	client *http.Client
	start  *url.URL
	to     io.Writer
	result Result
	total  int64 // -1 if the server gives none
	asked  map[[sha256.Size]byte]bool
	seen   map[[sha256.Size]byte]bool
	line   bytes.Buffer
}

// Run fetches all pages, and writes each Consent as one line of NDJSON. An *Error says what is
// wrong with a page; other errors are those of the address and of to. After an error, what was
// written is not complete.
func Run(ctx context.Context, to io.Writer, o Options) (Result, error) {
	start, err := parse(o.Address)
	if err != nil {
		return Result{}, err
	}
	d := &download{
		Options: o, start: start, to: to, total: -1,
		asked: map[[sha256.Size]byte]bool{}, seen: map[[sha256.Size]byte]bool{},
	}
	d.client = d.newClient()
	if d.Patience == 0 {
		d.Patience = 10 * time.Minute
	}
	if d.FirstWait == 0 {
		d.FirstWait = time.Second
	}
	isRepeated(d.asked, []byte(start.String()))
	for at := start; at != nil; {
		page, err := d.page(ctx, at)
		if err == nil {
			at, err = d.next(at, page)
		}
		if err != nil {
			return Result{}, d.placed(ctx, err)
		}
		if err := d.write(page); err != nil {
			return Result{}, err
		}
	}
	if d.total >= 0 && uint64(d.total) != d.result.Consents {
		return Result{}, d.placed(ctx, ErrTotal)
	}
	return d.result, nil
}

// placed gives an error its page. A context that ended is the error then.
func (d *download) placed(ctx context.Context, err error) error {
	if ended := context.Cause(ctx); ended != nil {
		return ended
	}
	shown := url.URL{Scheme: d.start.Scheme, Host: d.start.Host, Path: d.start.Path}
	return &Error{shown.String(), max(d.result.Pages, 1), err}
}

// next looks at a page as a part of the whole, and returns the address of the page after it.
func (d *download) next(at *url.URL, page fhir.Page) (*url.URL, error) {
	if page.HasTotal {
		if d.total >= 0 && d.total != int64(page.Total) {
			return nil, ErrChanged
		}
		d.total = int64(page.Total)
	}
	if len(page.Consents) > 0 && isRepeated(d.seen, page.Consents...) {
		return nil, ErrLoop
	}
	if page.Next == "" {
		return nil, nil
	}
	to, err := at.Parse(page.Next)
	switch {
	case err != nil:
		return nil, kind.Wrap(kind.Input, ErrAddress)
	case !sameOrigin(d.start, to):
		return nil, ErrOrigin
	case isRepeated(d.asked, []byte(to.String())):
		return nil, ErrLoop
	}
	return to, nil
}

// isRepeated reports whether texts are among those seen, and adds them.
func isRepeated(seen map[[sha256.Size]byte]bool, texts ...[]byte) bool {
	digest := sha256.New()
	for _, text := range texts {
		digest.Write(text)
		digest.Write([]byte{0})
	}
	sum := [sha256.Size]byte(digest.Sum(nil))
	if seen[sum] {
		return true
	}
	seen[sum] = true
	return false
}

// write writes the Consents of a page.
func (d *download) write(page fhir.Page) error {
	d.line.Reset()
	for _, consent := range page.Consents {
		if err := json.Compact(&d.line, consent); err != nil {
			return kind.Wrap(kind.Input, fhir.ErrJSON)
		}
		d.line.WriteByte('\n')
	}
	d.result.Consents += uint64(len(page.Consents))
	d.result.Messages += page.Messages
	d.result.Included += page.Included
	_, err := d.to.Write(d.line.Bytes())
	return err
}
