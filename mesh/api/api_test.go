package api

// The client against a service in this process. NHS England's own sandbox is in sandbox_test.go.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"noo/internal/kind"
	"noo/internal/lockfile"
	"noo/mesh/api/apitest"
)

const (
	mailbox = "X26ABC1"
	check   = "X26HC065"
)

// newClient returns a client of a service that waits no time, and the waits that it was told.
func newClient(t *testing.T, s *apitest.Server, change ...func(*Config)) (*Client, *[]time.Duration) {
	t.Helper()
	config := Config{
		URL: s.URL, Mailbox: mailbox, Password: apitest.Password, SharedKey: apitest.SharedKey,
		StateDir: t.TempDir(), Version: "1.2.3",
	}
	for _, change := range change {
		change(&config)
	}
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	var mutex sync.Mutex
	var waits []time.Duration
	c.sleep = func(ctx context.Context, wait time.Duration) error {
		mutex.Lock()
		defer mutex.Unlock()
		waits = append(waits, wait)
		return context.Cause(ctx)
	}
	return c, &waits
}

func chunked(size int64) func(*Config) { return func(c *Config) { c.ChunkSize = size } }

// outgoing returns a message to the national check.
func outgoing(body string) Outgoing {
	return Outgoing{
		To: check, Workflow: "SPINE_NTT_UPHOLDING", LocalID: "X26ABC1-281126-0001",
		Subject: "X26ABC1-281126-0001", FileName: "X26ABC1-281126-0001.dat",
		Body: strings.NewReader(body), Size: int64(len(body)),
	}
}

const list = "9434765919,\n9836044507,\n9995609649,\n"

func TestToken(t *testing.T) {
	at := time.Date(2026, 11, 28, 11, 15, 59, 0, time.FixedZone("CET", 3600))
	got := token("X26ABC1", "password", "TestKey", "bd0e2bd5-218e-41d0-83a9-73fdec414803", at)
	// Made with Python's hmac.
	const want = "NHSMESH X26ABC1:bd0e2bd5-218e-41d0-83a9-73fdec414803:0:202611281015:" +
		"0018fb161e5833018fa836e91d0c450666b142ff1772dae50cdafc3a86f1387d"
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if one, other := newNonce(), newNonce(); one == other || len(one) != 36 || one[14] != '4' {
		t.Errorf("nonces %s and %s", one, other)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   error
	}{
		{"no address", func(c *Config) { c.URL = "" }, ErrNoURL},
		{"no scheme", func(c *Config) { c.URL = "mesh.example" }, ErrURL},
		{"plain http", func(c *Config) { c.URL = "http://mesh.example" }, ErrURL},
		{"http to a name that looks local", func(c *Config) { c.URL = "http://localhost.example" }, ErrURL},
		{"another scheme", func(c *Config) { c.URL = "ftp://localhost" }, ErrURL},
		{"a password in it", func(c *Config) { c.URL = "https://me:hush-hush@mesh.example" }, ErrURL},
		{"a query", func(c *Config) { c.URL = "https://mesh.example?a=b" }, ErrURL},
		{"no mailbox", func(c *Config) { c.Mailbox = "" }, ErrNoMailbox},
		{"a path as mailbox", func(c *Config) { c.Mailbox = "../X26" }, ErrMailbox},
		{"no password", func(c *Config) { c.Password = "" }, ErrNoPassword},
		{"no shared key", func(c *Config) { c.SharedKey = "" }, ErrNoSharedKey},
		{"no certificate", func(c *Config) { c.URL = "https://mesh.example" }, ErrNoCertificate},
		{"no key", func(c *Config) { c.Certificates.Certificate = "api_test.go" }, ErrNoKey},
		{"a key alone", func(c *Config) { c.Certificates.Key = "api_test.go" }, ErrNoCertificate},
		{"no PEM", func(c *Config) { c.Certificates = Certificates{"api.go", "api.go", ""} }, nil},
		{"no CA", func(c *Config) { c.Certificates.CA = "api.go" }, nil},
		{"a folder as CA", func(c *Config) { c.Certificates.CA = "." }, nil},
		{"a CA that is not there", func(c *Config) { c.Certificates.CA = "none.pem" }, nil},
		{"large chunks", func(c *Config) { c.ChunkSize = MaxChunk + 1 }, nil},
		{"negative chunks", func(c *Config) { c.ChunkSize = -1 }, nil},
		{"no state", func(c *Config) { c.StateDir = "" }, nil},
		{"often", func(c *Config) {
			c.URL, c.Poll = "https://mesh.example", time.Minute
			c.Certificates = Certificates{"a", "b", ""}
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := Config{
				URL: "http://127.0.0.1:1", Mailbox: mailbox, Password: "hush-hush",
				SharedKey: "hush-hush", StateDir: t.TempDir(),
			}
			c.change(&config)
			_, err := New(config)
			if err == nil || c.want != nil && !errors.Is(err, c.want) || kind.Of(err) != kind.Usage {
				t.Errorf("%v of kind %d", err, kind.Of(err))
			}
			if err != nil && strings.Contains(err.Error(), "hush") {
				t.Errorf("it says a secret: %v", err)
			}
		})
	}
	for _, url := range []string{"http://localhost:1", "http://[::1]:1/", "http://127.8.0.1/prefix/"} {
		c, err := New(Config{
			URL: url, Mailbox: "x26abc1", Password: "p", SharedKey: "k", StateDir: t.TempDir(),
			Poll: time.Second,
		})
		if err != nil {
			t.Errorf("%s: %v", url, err)
		} else if !strings.HasSuffix(c.base, "/messageexchange/X26ABC1") || strings.Contains(c.base, "//messageexchange") {
			t.Errorf("%s: %s", url, c.base)
		}
	}
}

func TestHandshake(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Config)
		client func(*Client)
		faults []apitest.Fault
		want   error
		waits  int
	}{
		{name: "good"},
		{name: "password", change: func(c *Config) { c.Password = "wrong" }, want: ErrAuthentication},
		{name: "shared key", change: func(c *Config) { c.SharedKey = "wrong" }, want: ErrAuthentication},
		{name: "clock behind", client: func(c *Client) {
			c.now = func() time.Time { return time.Now().Add(-3 * time.Hour) }
		}, want: ErrClock},
		{name: "clock ahead", client: func(c *Client) {
			c.now = func() time.Time { return time.Now().Add(26 * time.Hour) }
		}, want: ErrClock},
		{name: "clock near enough", client: func(c *Client) {
			c.now = func() time.Time { return time.Now().Add(time.Hour) }
		}},
		{name: "a token twice", client: func(c *Client) {
			c.nonce = func() string { return "bd0e2bd5-218e-41d0-83a9-73fdec414803" }
			_ = c.Handshake(context.Background())
		}, want: ErrAuthentication},
		{name: "busy for a while", faults: []apitest.Fault{
			apitest.Status(503, ""), apitest.Status(429, "7"), apitest.Status(500, ""),
		}, waits: 3},
		{name: "busy until the end", faults: slices.Repeat([]apitest.Fault{apitest.Status(503, "")}, 7),
			want: ErrUnavailable, waits: 6},
		{name: "closed connection", faults: []apitest.Fault{apitest.LostRequest}, want: ErrUnavailable},
		{name: "redirect", faults: []apitest.Fault{redirect}, want: ErrRedirect},
		{name: "teapot", faults: []apitest.Fault{apitest.Status(418, "")}, want: ErrRefused},
		{name: "unauthorised", faults: []apitest.Fault{apitest.Status(401, "")}, want: ErrAuthentication},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := apitest.New(t)
			if test.change == nil {
				test.change = func(*Config) {}
			}
			c, waits := newClient(t, s, test.change)
			if test.client != nil {
				test.client(c)
			}
			s.Next(test.faults...)
			if err := c.Handshake(t.Context()); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			} else if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("more than a line: %v", err)
			}
			if len(*waits) != test.waits {
				t.Errorf("it waited %v", *waits)
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		s := apitest.New(t)
		c, waits := newClient(t, s)
		s.Close()
		if err := c.Handshake(t.Context()); !errors.Is(err, ErrUnavailable) || len(*waits) > 0 {
			t.Errorf("%v after %v", err, *waits)
		}
	})
}

func redirect(w http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
	http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
}

// TestWaitsGrow: the waits double, and Retry-After is kept, unless it is longer than noo waits.
func TestWaitsGrow(t *testing.T) {
	s := apitest.New(t)
	c, waits := newClient(t, s)
	s.Next(apitest.Status(503, ""), apitest.Status(503, ""), apitest.Status(503, ""),
		apitest.Status(429, "77"), apitest.Status(503, time.Now().Add(time.Hour/2).UTC().Format(http.TimeFormat)))
	_, err := c.Inbox(t.Context(), "")
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "asks to wait") {
		t.Errorf("%v", err)
	}
	if len(*waits) != 4 || (*waits)[3] != 77*time.Second {
		t.Fatalf("%v", *waits)
	}
	for i, least := range []time.Duration{1, 2, 4} {
		if wait := (*waits)[i]; wait < least*time.Second || wait > least*time.Second*5/4+1 {
			t.Errorf("wait %d is %v", i, wait)
		}
	}
}

func TestSend(t *testing.T) {
	long := strings.Repeat(list, 100)
	for _, test := range []struct {
		name     string
		body     string
		chunk    int64
		faults   []apitest.Fault // of the requests in their order: the first is a look in tracking
		want     error
		requests int
	}{
		{name: "one chunk", body: list, requests: 2},
		{name: "four chunks", body: long, chunk: 1000, requests: 5},
		{name: "exactly one chunk", body: list, chunk: int64(len(list)), requests: 2},
		{name: "a chunk a byte", body: "abc", chunk: 1, requests: 4},
		{name: "lost request", body: list, faults: []apitest.Fault{nil, apitest.LostRequest}, requests: 4},
		{name: "lost answer", body: list, faults: []apitest.Fault{nil, apitest.LostAnswer}, requests: 3},
		{name: "lost answer, chunks", body: long, chunk: 1000,
			faults: []apitest.Fault{nil, apitest.LostAnswer}, requests: 6},
		{name: "served, and 504", body: list, faults: []apitest.Fault{nil, served(504)}, requests: 3},
		{name: "503 before it is served", body: list,
			faults: []apitest.Fault{nil, apitest.Status(503, "3")}, requests: 4},
		{name: "429", body: list, faults: []apitest.Fault{nil, apitest.Status(429, "3")}, requests: 4},
		{name: "lost answer, and tracking fails for a while", body: list, faults: []apitest.Fault{
			nil, apitest.LostAnswer, apitest.LostRequest, apitest.Status(502, ""), apitest.LostAnswer,
		}, requests: 6},
		{name: "lost answer to a chunk", body: long, chunk: 1000,
			faults: []apitest.Fault{nil, nil, apitest.LostAnswer}, requests: 6},
		{name: "lost answer to the last chunk", body: long, chunk: 1000, // the same again is refused
			faults: []apitest.Fault{nil, nil, nil, nil, apitest.LostAnswer}, requests: 7},
		{name: "a storm", body: long, chunk: 1000, faults: slices.Repeat(
			[]apitest.Fault{apitest.Status(503, ""), apitest.LostRequest, nil, nil}, 9), requests: 11},
		{name: "an answer without id", body: list, faults: []apitest.Fault{nil,
			apitest.Changed(func(a *httptest.ResponseRecorder) { a.Body.Reset() })}, requests: 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := apitest.New(t)
			c, _ := newClient(t, s, chunked(test.chunk))
			s.Next(test.faults...)
			o := outgoing(test.body)
			id, err := c.Send(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			sent, inbox := s.Sent(), s.InboxOf(check)
			if len(sent) != 1 || len(inbox) != 1 || sent[0].ID != id {
				t.Fatalf("%d messages were sent, %d delivered", len(sent), len(inbox))
			}
			if got := string(inbox[0].Body(t)); got != test.body {
				t.Errorf("%d bytes came, which are others", len(got))
			}
			for name, want := range map[string]string{
				"Mex-From": mailbox, "Mex-To": check, "Mex-Workflowid": o.Workflow,
				"Mex-Localid": o.LocalID, "Mex-Subject": o.Subject, "Mex-Filename": o.FileName,
				"Content-Encoding": "gzip", "Accept": "application/vnd.mesh.v2+json",
			} {
				if got := sent[0].Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if got := s.Requests(); len(got) != test.requests {
				t.Errorf("%d requests, want %d: %q", len(got), test.requests, got)
			}
			again, err := c.Send(t.Context(), o)
			if err != nil || again != id || len(s.Sent()) != 1 {
				t.Errorf("sent again: %s, %v, %d messages", again, err, len(s.Sent()))
			}
		})
	}
}

// served is a Fault that serves, and answers with another status.
func served(status int) apitest.Fault {
	return apitest.Changed(func(a *httptest.ResponseRecorder) { a.Code = status; a.Body.Reset() })
}

func TestSendFails(t *testing.T) {
	lost := slices.Repeat([]apitest.Fault{apitest.LostRequest}, 20)
	for _, test := range []struct {
		name   string
		change func(*Outgoing)
		faults []apitest.Fault
		want   error
		sent   int
	}{
		{"recipient", func(o *Outgoing) { o.To = "NOBODY" }, nil, ErrRecipient, 0},
		{"headers", nil, []apitest.Fault{nil, apitest.Status(400, "")}, ErrBadRequest, 0},
		{"tracking is not available", nil, lost, ErrUnavailable, 0},
		{"lost, and tracking is not available", nil,
			append([]apitest.Fault{nil, apitest.LostAnswer}, lost...), ErrUnknown, 1},
		{"refused while sending", nil, []apitest.Fault{nil, apitest.Status(403, "")}, ErrAuthentication, 0},
		{"a redirect", nil, []apitest.Fault{nil, redirect}, ErrRedirect, 0},
		{"a shorter body", func(o *Outgoing) { o.Size++ }, nil, io.ErrUnexpectedEOF, 0},
		{"too large", nil, []apitest.Fault{nil, apitest.Status(413, "")}, ErrRefused, 0},
		{"unavailable to the end", nil, append([]apitest.Fault{nil},
			slices.Repeat([]apitest.Fault{apitest.Status(503, ""), nil}, 7)...), ErrUnavailable, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := apitest.New(t)
			c, _ := newClient(t, s)
			s.Next(test.faults...)
			o := outgoing(list)
			if test.change != nil {
				test.change(&o)
			}
			if _, err := c.Send(t.Context(), o); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
			if len(s.Sent()) != test.sent {
				t.Errorf("%d messages were sent", len(s.Sent()))
			}
		})
	}
}

// TestSendGoesOn: a message of which some chunks came is completed by another process, and not sent
// as a second one.
func TestSendGoesOn(t *testing.T) {
	s := apitest.New(t)
	c, _ := newClient(t, s, chunked(1000))
	body := strings.Repeat(list, 100)
	s.Next(append([]apitest.Fault{nil, nil}, slices.Repeat([]apitest.Fault{apitest.Status(503, "")}, 7)...)...)
	if _, err := c.Send(t.Context(), outgoing(body)); !errors.Is(err, ErrUnavailable) || len(s.InboxOf(check)) > 0 {
		t.Fatalf("%v, %d delivered", err, len(s.InboxOf(check)))
	}
	again, _ := newClient(t, s, chunked(1000))
	if _, err := again.Send(t.Context(), outgoing(body)); err != nil {
		t.Fatal(err)
	}
	if len(s.Sent()) != 1 || string(s.InboxOf(check)[0].Body(t)) != body {
		t.Errorf("%d messages were sent", len(s.Sent()))
	}
	for name, change := range map[string]func(*Outgoing){
		"another recipient": func(o *Outgoing) { o.To = "X26HC036" },
		"another workflow":  func(o *Outgoing) { o.Workflow = "OTHER" },
		"another file":      func(o *Outgoing) { o.FileName = "other.dat" },
		"another size":      func(o *Outgoing) { o.Size = 10 },
		"another body":      func(o *Outgoing) { o.Body = strings.NewReader(strings.Repeat("9836044507,\n", 300)) },
	} {
		o := outgoing(body)
		change(&o)
		if _, err := again.Send(t.Context(), o); !errors.Is(err, ErrLocalID) {
			t.Errorf("%s under the same local id: %v", name, err)
		}
	}
	resized, _ := newClient(t, s, chunked(1001)) // as many chunks, cut at other places
	if _, err := resized.Send(t.Context(), outgoing(body)); !errors.Is(err, ErrLocalID) {
		t.Errorf("chunks of another size: %v", err)
	}
	s.Sent()[0].Status = "Error"
	if _, err := again.Send(t.Context(), outgoing(body)); !errors.Is(err, ErrUndelivered) {
		t.Errorf("a message that failed: %v", err)
	}
}

func TestSendNames(t *testing.T) {
	s := apitest.New(t)
	c, _ := newClient(t, s)
	for name, change := range map[string]func(*Outgoing){
		"a colon in the subject":       func(o *Outgoing) { o.Subject = "a:b" },
		"a colon in the local id":      func(o *Outgoing) { o.LocalID = "a:b" },
		"no local id":                  func(o *Outgoing) { o.LocalID = "" },
		"no subject":                   func(o *Outgoing) { o.Subject = "" },
		"a line end in the local id":   func(o *Outgoing) { o.LocalID = "a\nMex-To: X" },
		"a number in the local id":     func(o *Outgoing) { o.LocalID = "a-9434765919" },
		"a number in the subject":      func(o *Outgoing) { o.Subject = "943-476-5919" },
		"a number in the name":         func(o *Outgoing) { o.FileName = "9434765919.dat" },
		"a path as name":               func(o *Outgoing) { o.FileName = "../a.dat" },
		"a lower-case recipient":       func(o *Outgoing) { o.To = "x26hc065" },
		"an empty message":             func(o *Outgoing) { o.Size = 0 },
		"a message that is too large":  func(o *Outgoing) { o.Size = MaxMessage + 1 },
		"a workflow id with blanks":    func(o *Outgoing) { o.Workflow = "A B" },
		"a local id that is very long": func(o *Outgoing) { o.LocalID = strings.Repeat("a", 101) },
	} {
		o := outgoing(list)
		change(&o)
		if _, err := c.Send(t.Context(), o); kind.Of(err) != kind.Usage {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), "5919") {
			t.Errorf("%s: the error says the number", name)
		}
	}
	if len(s.Requests()) > 0 {
		t.Errorf("%q were sent", s.Requests())
	}
}

func TestTrack(t *testing.T) {
	s := apitest.New(t)
	c, _ := newClient(t, s)
	id, err := c.Send(t.Context(), outgoing(list))
	if err != nil {
		t.Fatal(err)
	}
	for _, look := range []func() (*Tracking, error){
		func() (*Tracking, error) { return c.Track(t.Context(), id) },
		func() (*Tracking, error) { return c.TrackLocal(t.Context(), "X26ABC1-281126-0001") },
	} {
		got, err := look()
		if err != nil || got.MessageID != id || got.LocalID != "X26ABC1-281126-0001" || got.To != check || !got.Delivered() {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if _, err := c.Track(t.Context(), "none"); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such message: %v", err)
	}
	if _, err := c.Track(t.Context(), "../inbox"); !errors.Is(err, ErrAnswer) {
		t.Errorf("a path as id: %v", err)
	}
	s.Next(apitest.Changed(func(a *httptest.ResponseRecorder) {
		a.Code = 403
		a.Body = bytes.NewBufferString(`{"errorCode":"20","errorDescription":"Message does not exist"}`)
	}))
	if _, err := c.TrackLocal(t.Context(), "none"); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such message, as the specification has it: %v", err)
	}
	s.Next(apitest.Changed(func(a *httptest.ResponseRecorder) { a.Body.Reset(); a.Body.WriteString("<html>") }))
	if _, err := c.Track(t.Context(), id); !errors.Is(err, ErrAnswer) {
		t.Errorf("no JSON: %v", err)
	}
}

func TestInbox(t *testing.T) {
	s := apitest.New(t)
	s.PerPage = 10
	c, _ := newClient(t, s)
	if ids, err := c.Inbox(t.Context(), ""); err != nil || len(ids) > 0 {
		t.Errorf("an empty inbox: %q, %v", ids, err)
	}
	var all, some []string
	for i := range 57 {
		workflow := "OTHER"
		if i%2 == 0 {
			workflow = "SPINE_NTT_UPHOLDING"
		}
		id := s.Add(mailbox, &apitest.Message{
			ID: fmt.Sprintf("ID%03d", i), Header: http.Header{"Mex-Workflowid": {workflow}}, Chunks: [][]byte{{'a'}},
		})
		if all = append(all, id); i%2 == 0 {
			some = append(some, id)
		}
	}
	s.Next(apitest.LostAnswer, nil, apitest.Status(503, ""))
	for workflow, want := range map[string][]string{"": all, "SPINE_NTT_UPHOLDING": some} {
		got, err := c.Inbox(t.Context(), workflow)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("workflow %q: %q, %v", workflow, got, err)
		}
	}
	if _, err := c.Inbox(t.Context(), "!*"); err == nil {
		t.Error("a filter is taken as a workflow")
	}
}

// TestInboxAnswers: pages without an end, links to other places and ids that are none.
func TestInboxAnswers(t *testing.T) {
	said := func(body string) apitest.Fault {
		return apitest.Changed(func(a *httptest.ResponseRecorder) { a.Body.Reset(); a.Body.WriteString(body) })
	}
	for name, c := range map[string]struct {
		bodies []string
		want   error
	}{
		"no end": {slices.Repeat([]string{`{"messages":["A"],"links":{"next":"/x?continue_from=1"}}`}, 3), ErrAnswer},
		"another host": {[]string{
			`{"messages":["A"],"links":{"next":"https://elsewhere.example/messageexchange/X/inbox?continue_from=1"}}`,
			`{"messages":["A","B"]}`}, nil},
		"a path as id": {[]string{`{"messages":["../A"]}`}, ErrAnswer},
		"no JSON":      {[]string{`<html>`}, ErrAnswer},
		"nothing":      {[]string{``}, ErrAnswer},
		"a number":     {[]string{`{"messages":[1]}`}, ErrAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			s := apitest.New(t)
			client, _ := newClient(t, s)
			for _, body := range c.bodies {
				s.Next(said(body))
			}
			ids, err := client.Inbox(t.Context(), "")
			if !errors.Is(err, c.want) || err == nil && !slices.Equal(ids, []string{"A", "B"}) {
				t.Errorf("%q, %v", ids, err)
			}
			for _, request := range s.Requests() {
				if !strings.HasPrefix(request, "GET /inbox?") {
					t.Errorf("it asked for %s", request)
				}
			}
		})
	}
}

func TestAcknowledge(t *testing.T) {
	s := apitest.New(t)
	c, waits := newClient(t, s)
	id := s.Add(mailbox, &apitest.Message{Chunks: [][]byte{{'a'}}})
	s.Next(apitest.Status(503, ""))
	if err := c.Acknowledge(t.Context(), id); err != nil || len(s.InboxOf(mailbox)) != 0 || len(*waits) != 1 {
		t.Errorf("%v, %d are left", err, len(s.InboxOf(mailbox)))
	}
	s.Next(apitest.Status(410, ""))
	if err := c.Acknowledge(t.Context(), id); err != nil {
		t.Errorf("acknowledged before: %v", err)
	}
	if err := c.Acknowledge(t.Context(), "../../outbox"); !errors.Is(err, ErrAnswer) {
		t.Errorf("a path as id: %v", err)
	}
}

// TestOneRequestAtATime: also from clients that know nothing of each other.
func TestOneRequestAtATime(t *testing.T) {
	s := apitest.New(t)
	dir := t.TempDir()
	var now, most atomic.Int32
	count := func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		time.Sleep(5 * time.Millisecond)
		serve(w, r)
		now.Add(-1)
	}
	s.Next(slices.Repeat([]apitest.Fault{count}, 12)...)
	var group sync.WaitGroup
	for range 2 {
		c, _ := newClient(t, s, func(c *Config) { c.StateDir = dir })
		for range 6 {
			group.Go(func() {
				if _, err := c.Inbox(t.Context(), ""); err != nil {
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
	if most.Load() != 1 {
		t.Errorf("%d requests at a time", most.Load())
	}
}

func TestBusy(t *testing.T) {
	s := apitest.New(t)
	dir := t.TempDir()
	c, _ := newClient(t, s, func(c *Config) { c.StateDir = dir })
	lock, err := lockfile.Acquire(t.Context(), filepath.Join(dir, "mesh", mailbox+".lock"), 0)
	if err != nil {
		t.Fatal(err)
	}
	c.patience.lock = time.Millisecond
	if err := c.Handshake(t.Context()); !errors.Is(err, ErrBusy) || len(s.Requests()) > 0 {
		t.Errorf("%v after %q", err, s.Requests())
	}
	c.patience.lock = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := c.Handshake(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("ended while it waits: %v", err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if err := c.Handshake(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWait(t *testing.T) {
	s := apitest.New(t)
	for _, test := range []struct {
		most  time.Duration
		after int // looks until something is found, or 0 for never
		looks int
		want  error
	}{
		{0, 1, 1, nil},
		{0, 0, 1, ErrTimeUp},
		{4 * time.Minute, 0, 1, ErrTimeUp},
		{5 * time.Minute, 0, 2, ErrTimeUp},
		{2 * time.Hour, 0, 25, ErrTimeUp},
		{2 * time.Hour, 3, 3, nil},
	} {
		c, _ := newClient(t, s)
		now := time.Now()
		c.now = func() time.Time { return now }
		c.sleep = func(_ context.Context, wait time.Duration) error {
			if wait < DefaultPoll {
				t.Errorf("it waits %v", wait)
			}
			now = now.Add(wait)
			return nil
		}
		looks := 0
		err := c.Wait(t.Context(), test.most, func(context.Context) (bool, error) {
			looks++
			return looks == test.after, nil
		})
		if !errors.Is(err, test.want) || looks != test.looks {
			t.Errorf("%+v: %d looks, %v", test, looks, err)
		}
	}
	c, _ := newClient(t, s)
	broken := errors.New("broken")
	if err := c.Wait(t.Context(), time.Hour, func(context.Context) (bool, error) { return false, broken }); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.sleep = sleep
	if err := c.Wait(ctx, time.Hour, func(context.Context) (bool, error) { return false, nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
