package api

// One request after the other: the lock of the mailbox, the repetition with growing waits, and the
// limits of an answer.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"noo/internal/lockfile"
)

// call is one request below the address of the mailbox.
type call struct {
	method string
	path   string // with its leading slash, or ""
	header http.Header
	body   []byte
	most   int64 // bytes of the answer
	gzip   bool  // whether the answer may be compressed
}

// mostJSON is the largest answer that is no chunk, in bytes.
const mostJSON = 4 << 20

// answer is an answer of the service, read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a *answer) succeeded() bool { return a.status/100 == 2 }

// sleeper waits, or returns the cause of ctx if that ends first.
type sleeper func(ctx context.Context, wait time.Duration) error

func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pause is a series of growing waits between the tries of one request.
type pause struct {
	client *Client
	tried  int
}

// after waits before the next try of a request that failed with err. It returns an error if there
// is none: err itself after the last try, or the cause of ctx.
func (p *pause) after(ctx context.Context, err error, asked time.Duration) error {
	p.tried++
	if p.tried >= p.client.patience.tries {
		return err
	}
	wait := time.Second << (p.tried - 1)
	wait += rand.N(wait/4 + 1) // so that many clients do not come back at once
	wait = max(wait, asked)
	if wait > p.client.patience.longest {
		return fmt.Errorf("%w; it asks to wait %v", err, asked.Round(time.Second))
	}
	if p.client.config.Waiting != nil {
		p.client.config.Waiting(err.Error(), wait)
	}
	return p.client.sleep(ctx, wait)
}

// do makes a request that may be repeated, until it has a final answer.
func (c *Client) do(ctx context.Context, r call) (*answer, error) {
	waits := pause{client: c}
	for {
		a, asked, err := c.once(ctx, r)
		if err == nil {
			return a, nil
		}
		if !errors.Is(err, ErrUnavailable) {
			return nil, err
		}
		if err := waits.after(ctx, err, asked); err != nil {
			return nil, err
		}
	}
}

// once makes a request one time. The error of an answer that is no success is its refusal; it is an
// ErrUnavailable if the same request may have another answer later, and then asked is how long the
// service asks to wait.
func (c *Client) once(ctx context.Context, r call) (a *answer, asked time.Duration, err error) {
	c.turn.Lock()
	defer c.turn.Unlock()
	lock, err := c.acquire(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = lock.Release() }() // it ends with the process at the latest

	a, err = c.exchange(ctx, r)
	switch {
	case ctx.Err() != nil:
		return nil, 0, context.Cause(ctx)
	case err != nil:
		return nil, 0, err
	case !a.succeeded():
		return nil, c.retryAfter(a), c.refusal(a)
	}
	return a, 0, nil
}

// acquire takes the lock that keeps requests of several processes apart.
func (c *Client) acquire(ctx context.Context) (*lockfile.Lock, error) {
	lock, err := lockfile.Acquire(ctx, c.lock, c.patience.lock)
	if errors.Is(err, lockfile.ErrHeld) {
		return nil, fmt.Errorf("%w still, after %v", ErrBusy, c.patience.lock)
	}
	return lock, err
}

// retryAfter returns how long an answer asks to wait, or 0.
func (c *Client) retryAfter(a *answer) time.Duration {
	text := a.header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(c.now()))
	}
	return 0
}

// exchange sends a request with a token of its own, and reads the whole answer.
func (c *Client) exchange(ctx context.Context, r call) (*answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.patience.request, errSlow)
	defer cancel()
	body := bytes.NewReader(r.body)
	request, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, body)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrURL, "it makes no request")
	}
	for name, values := range r.header {
		request.Header[name] = values
	}
	request.Header.Set("Authorization", token(
		c.config.Mailbox, c.config.Password, c.config.SharedKey, c.nonce(), c.now()))
	request.Header.Set("Accept", "application/vnd.mesh.v2+json")
	request.Header.Set("Accept-Encoding", "identity")
	if r.gzip {
		request.Header.Set("Accept-Encoding", "gzip")
	}
	request.Header.Set("User-Agent", fmt.Sprintf("noo;%s;%s", c.config.Version, runtime.GOOS))
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.transportError(err)
	}
	defer response.Body.Close()
	content, err := c.readAll(response, cancel, r.most)
	if err != nil {
		return nil, err
	}
	return &answer{response.StatusCode, response.Header, content}, nil
}

// errSlow ends a request that takes too long. It is a timeout for net.Error.
var errSlow net.Error = slow{}

type slow struct{}

func (slow) Error() string   { return "it takes too long" }
func (slow) Timeout() bool   { return true }
func (slow) Temporary() bool { return true }

// readAll reads a body of at most most bytes. It gives up if no byte comes for a while. cancel ends
// the request.
func (c *Client) readAll(
	response *http.Response,
	cancel context.CancelFunc,
	most int64,
) ([]byte, error) {
	if response.ContentLength > most {
		return nil, fmt.Errorf("%w: a chunk of %d bytes", ErrTooLarge, response.ContentLength)
	}
	idle := time.AfterFunc(c.patience.idle, cancel)
	defer idle.Stop()
	from := &restless{response.Body, idle, c.patience.idle}
	buffer := bytes.NewBuffer(make([]byte, 0, max(0, response.ContentLength)+bytes.MinRead))
	n, err := buffer.ReadFrom(io.LimitReader(from, most+1))
	switch {
	case errors.Is(err, context.Canceled):
		return nil, c.transportError(errSlow)
	case err != nil:
		return nil, c.transportError(err)
	case n > most:
		return nil, fmt.Errorf("%w: a chunk of more than %d bytes", ErrTooLarge, most)
	}
	return buffer.Bytes(), nil
}

// restless is a reader that starts a timer again with each read.
type restless struct {
	from  io.Reader
	timer *time.Timer
	wait  time.Duration
}

func (r *restless) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.timer.Reset(r.wait)
	return n, err
}
