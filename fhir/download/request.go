package download

// One page: the request, the waits between attempts, and what errors of the network mean.

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"noo/fhir"
	"noo/internal/kind"
)

// onePage is how long one attempt may take.
const onePage = 5 * time.Minute

// longestWait is the most that the waits between attempts grow to.
const longestWait = time.Minute

// newClient returns the client, which follows redirects to the same server only.
func (d *download) newClient() *http.Client {
	client := http.Client{}
	if d.Client != nil {
		client = *d.Client
	}
	client.CheckRedirect = func(to *http.Request, before []*http.Request) error {
		switch {
		case !sameOrigin(d.start, to.URL):
			return ErrOrigin
		case len(before) > 5:
			return ErrLoop
		}
		return nil
	}
	return &client
}

// retryError is an answer after which the server may be asked again.
type retryError struct {
	err   error
	after time.Duration // what the server asks for, or 0
}

func (e *retryError) Error() string { return e.err.Error() }

func (e *retryError) Unwrap() error { return e.err }

// page fetches one page. It asks again while the server is busy, until patience ends.
func (d *download) page(ctx context.Context, at *url.URL) (fhir.Page, error) {
	d.result.Pages++
	wait, deadline := d.FirstWait, time.Now().Add(d.Patience)
	for {
		page, err := d.attempt(ctx, at)
		var again *retryError
		if !errors.As(err, &again) {
			return page, err
		}
		pause := max(wait, again.after)
		if time.Now().Add(pause).After(deadline) {
			return page, fmt.Errorf("%w (%w)", ErrBusy, again.err)
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return page, context.Cause(ctx)
		case <-timer.C:
		}
		wait = min(2*wait, longestWait)
	}
}

// attempt asks for a page once.
func (d *download) attempt(ctx context.Context, at *url.URL) (fhir.Page, error) {
	ctx, cancel := context.WithTimeout(ctx, onePage)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return fhir.Page{}, ErrAddress
	}
	request.Header.Set("Accept", "application/fhir+json")
	request.Header.Set("Cache-Control", "no-cache")
	request.Header.Set("User-Agent", "noo")
	if d.Token != "" {
		request.Header.Set("Authorization", "Bearer "+d.Token)
	}
	response, err := d.client.Do(request)
	if err != nil {
		return fhir.Page{}, d.meant(err)
	}
	defer response.Body.Close()
	if err := accepted(response); err != nil {
		return fhir.Page{}, err
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, MaxPage+1))
	switch {
	case err != nil:
		return fhir.Page{}, d.meant(err)
	case len(text) > MaxPage:
		return fhir.Page{}, ErrLarge
	}
	return fhir.ParsePage(text)
}

// accepted returns what an answer says by its status and its type, or nil for a page.
func accepted(response *http.Response) error {
	said := fmt.Errorf("the server answers with status %d", response.StatusCode)
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return &retryError{said, retryAfter(response.Header.Get("Retry-After"), time.Now())}
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w (status %d)", ErrToken, response.StatusCode)
	default:
		return kind.Wrap(kind.Input, said)
	}
	what, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if !strings.HasPrefix(what, "application/") || !strings.Contains(what, "json") {
		return ErrNotJSON
	}
	return nil
}

// retryAfter reads the header Retry-After: seconds or a time.
func retryAfter(text string, now time.Time) time.Duration {
	const most = 1000 * time.Hour
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, most)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), most)
	}
	return 0
}

// meant returns what an error of the network means. Its own text may hold the address with its
// query, or what a server said. The first page is asked for again only after time ran out: a wrong
// address should be told at once.
func (d *download) meant(err error) error {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var dns *net.DNSError
	var network net.Error
	first := d.result.Pages == 1
	switch {
	case errors.Is(err, ErrOrigin):
		return ErrOrigin
	case errors.Is(err, ErrLoop):
		return ErrLoop
	case errors.As(err, &certificate):
		return errors.New("the certificate of the server is not trusted, or not its own")
	case errors.As(err, &alert):
		return errors.New("the server refuses the TLS connection, or wants a client certificate")
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return errors.New("the server does not speak TLS")
	case errors.As(err, &dns) && first:
		return errors.New("there is no server of this name")
	case errors.Is(err, syscall.ECONNREFUSED) && first:
		return errors.New("no server listens there (connection refused)")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &network) && network.Timeout():
		return &retryError{errors.New("time ran out"), 0}
	case first && !errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the connection failed")
	}
	return &retryError{errors.New("the connection broke"), 0}
}
