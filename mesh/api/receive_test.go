package api

// Reading messages that are damaged, too large, slow, or about somebody.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"noo/internal/nhsnumber"
	"noo/mesh/api/apitest"
)

func zipped(t testing.TB, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// ofCheck are the headers of the cleaned list.
func ofCheck(more ...string) http.Header {
	h := http.Header{}
	all := append([]string{
		"Mex-From", check, "Mex-To", mailbox, "Mex-WorkflowID", "SPINE_NTT_UPHOLDING",
		"Mex-LocalID", "X26ABC1-281126-0001", "Mex-Subject", "X26ABC1-281126-0001",
		"Mex-FileName", "reply.dat", "Mex-StatusSuccess", "SUCCESS", "Mex-StatusEvent", "TRANSFER",
		"Mex-StatusCode", "00", "Mex-StatusTimestamp", "20261128140401",
	}, more...)
	for i := 0; i < len(all); i += 2 {
		h.Set(all[i], all[i+1])
	}
	return h
}

func TestOpen(t *testing.T) {
	gz := []string{"Content-Encoding", "gzip"}
	for _, test := range []struct {
		name   string
		header []string
		chunks [][]byte
		faults []apitest.Fault
		most   int64
		want   string
		err    error
	}{
		{name: "plain", chunks: [][]byte{[]byte(list)}, want: list},
		{name: "gzip", header: gz, chunks: [][]byte{zipped(t, list)}, want: list},
		{name: "chunks", chunks: [][]byte{[]byte("ab"), []byte("c"), []byte("de")}, want: "abcde"},
		{name: "chunks of gzip", header: gz, chunks: [][]byte{zipped(t, "ab"), zipped(t, ""), zipped(t, "c")}, want: "abc"},
		{name: "empty", chunks: [][]byte{{}}, want: ""},
		{name: "lost answers", chunks: [][]byte{[]byte("ab"), []byte("c")}, want: "abc",
			faults: []apitest.Fault{apitest.LostAnswer, nil, apitest.Status(503, ""), apitest.LostAnswer}},
		{name: "a broken body, then the whole", chunks: [][]byte{[]byte("ab"), []byte("cd")}, want: "abcd",
			faults: []apitest.Fault{short, nil, short}},
		{name: "missing chunk", chunks: [][]byte{[]byte("ab"), nil, []byte("c")}, want: "ab", err: ErrMissingChunk},
		{name: "missing last chunk", chunks: [][]byte{[]byte("ab"), nil}, want: "ab", err: ErrMissingChunk},
		{name: "200 for a part", chunks: [][]byte{[]byte("ab"), []byte("c")}, faults: []apitest.Fault{coded(200)}, err: ErrMissingChunk},
		{name: "200 for a later part", chunks: [][]byte{[]byte("ab"), []byte("c"), []byte("d")},
			faults: []apitest.Fault{nil, coded(200)}, want: "ab", err: ErrMissingChunk},
		{name: "206 for the last part", chunks: [][]byte{[]byte("ab"), []byte("c")},
			faults: []apitest.Fault{nil, coded(206)}, want: "ab", err: ErrMissingChunk},
		{name: "206 for the only part", chunks: [][]byte{[]byte("ab")}, faults: []apitest.Fault{coded(206)}, err: ErrMissingChunk},
		{name: "another range", chunks: [][]byte{[]byte("ab"), []byte("c")}, faults: []apitest.Fault{nil, with("Mex-Chunk-Range", "1:2")},
			want: "ab", err: ErrMissingChunk},
		{name: "another number of parts", chunks: [][]byte{[]byte("ab"), []byte("c")}, faults: []apitest.Fault{nil, with("Mex-Chunk-Range", "2:3")},
			want: "ab", err: ErrMissingChunk},
		{name: "206 without a range", chunks: [][]byte{[]byte("ab"), []byte("c")}, faults: []apitest.Fault{with("Mex-Chunk-Range", "")}, err: ErrMissingChunk},
		{name: "range 0", chunks: [][]byte{[]byte("ab")}, faults: []apitest.Fault{with("Mex-Chunk-Range", "0:1")}, err: ErrAnswer},
		{name: "range beyond", chunks: [][]byte{[]byte("ab")}, faults: []apitest.Fault{with("Mex-Chunk-Range", "1:999999999")}, err: ErrAnswer},
		{name: "range of words", chunks: [][]byte{[]byte("ab")}, faults: []apitest.Fault{with("Mex-Chunk-Range", "one")}, err: ErrAnswer},
		{name: "another message", chunks: [][]byte{[]byte("ab")}, faults: []apitest.Fault{with("Mex-MessageID", "OTHER")}, err: ErrAnswer},
		{name: "no type", chunks: [][]byte{[]byte("ab")}, faults: []apitest.Fault{with("Mex-MessageType", "")}, err: ErrAnswer},
		{name: "an unknown encoding", header: []string{"Content-Encoding", "br"}, chunks: [][]byte{[]byte("ab")}, err: ErrAnswer},
		{name: "no gzip", header: gz, chunks: [][]byte{[]byte(list)}, err: ErrAnswer},
		{name: "truncated gzip", header: gz, chunks: [][]byte{zipped(t, list)[:40]}, want: "", err: ErrAnswer},
		{name: "gzip, and more", header: gz, chunks: [][]byte{append(zipped(t, "ab"), "9434765919"...)}, want: "ab", err: ErrAnswer},
		{name: "a wrong checksum", header: gz, chunks: [][]byte{flipped(zipped(t, "ab"), -6)}, want: "ab", err: ErrAnswer},
		{name: "larger than it may be", chunks: [][]byte{[]byte("abc"), []byte("d")}, most: 3, want: "abc", err: ErrTooLarge},
		{name: "a bomb", header: gz, chunks: [][]byte{zipped(t, strings.Repeat("a", 10<<20))}, most: 1 << 20, err: ErrTooLarge},
		{name: "no such message any more", chunks: [][]byte{{}}, faults: []apitest.Fault{apitest.Status(410, "")}, err: ErrGone},
		{name: "of another mailbox", chunks: [][]byte{{}}, faults: []apitest.Fault{apitest.Status(403, "")}, err: ErrAuthentication},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := apitest.New(t)
			c, _ := newClient(t, s)
			id := s.Add(mailbox, &apitest.Message{Header: ofCheck(test.header...), Chunks: test.chunks})
			s.Next(test.faults...)
			if test.most == 0 {
				test.most = 1 << 20
			}
			var got []byte
			m, err := c.Open(t.Context(), id, test.most)
			if err == nil {
				got, err = io.ReadAll(m.Body)
			}
			if !errors.Is(err, test.err) {
				t.Errorf("%v, want %v", err, test.err)
			}
			if err == nil && string(got) != test.want || err != nil && int64(len(got)) > test.most {
				t.Errorf("%q, want %q", got, test.want)
			}
			if err != nil && (strings.Contains(err.Error(), "5919") || strings.Contains(err.Error(), "\n")) {
				t.Errorf("the error says data: %v", err)
			}
			if m != nil && err != nil {
				if _, again := m.Body.Read(make([]byte, 1)); !errors.Is(again, test.err) {
					t.Errorf("a read after the error: %v", again)
				}
			}
			if len(s.InboxOf(mailbox)) != 1 {
				t.Error("it was taken out of the inbox")
			}
		})
	}
}

func flipped(b []byte, offset int) []byte {
	b[len(b)+offset] ^= 1
	return b
}

// coded is a Fault that serves with another status.
func coded(status int) apitest.Fault {
	return apitest.Changed(func(a *httptest.ResponseRecorder) { a.Code = status })
}

// with is a Fault that serves with another value of a header.
func with(name, value string) apitest.Fault {
	return apitest.Changed(func(a *httptest.ResponseRecorder) {
		if value == "" {
			a.Header().Del(name)
			return
		}
		a.Header().Set(name, value)
	})
}

// short is a Fault that promises more bytes than it sends.
func short(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
	recorder := httptest.NewRecorder()
	serve(recorder, r)
	for name, values := range recorder.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(recorder.Code)
	_, _ = w.Write(recorder.Body.Bytes()[:1])
	panic(http.ErrAbortHandler)
}

// TestLargeChunk: a chunk that is larger than any may be is not read, with or without its size.
func TestLargeChunk(t *testing.T) {
	endless := func(sized bool) apitest.Fault {
		return func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
			if sized {
				w.Header().Set("Content-Length", fmt.Sprint(int64(1)<<40))
			}
			for _, err := w.Write(make([]byte, 1<<20)); err == nil; {
				_, err = w.Write(make([]byte, 1<<20))
			}
		}
	}
	s := apitest.New(t)
	c, _ := newClient(t, s)
	for _, sized := range []bool{true, false} {
		s.Next(endless(sized))
		if _, err := c.Inbox(t.Context(), ""); !errors.Is(err, ErrTooLarge) {
			t.Errorf("sized %v: %v", sized, err)
		}
	}
}

// TestSlow: a body of which no byte comes for a while is given up and asked for again.
func TestSlow(t *testing.T) {
	s := apitest.New(t)
	c, waits := newClient(t, s)
	c.patience.idle = 50 * time.Millisecond
	id := s.Add(mailbox, &apitest.Message{Header: ofCheck(), Chunks: [][]byte{[]byte(list)}})
	stalls := func(body string) apitest.Fault {
		return func(w http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, body)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	}
	s.Next(stalls(""), stalls("9"))
	m, err := c.Open(t.Context(), id, 1<<20)
	if err != nil || len(*waits) != 2 {
		t.Fatalf("%v after %v", err, *waits)
	}
	if got, err := io.ReadAll(m.Body); err != nil || string(got) != list {
		t.Errorf("%q, %v", got, err)
	}
	c.patience.request, c.patience.tries = 50*time.Millisecond, 1
	s.Next(func(_ http.ResponseWriter, r *http.Request, _ http.HandlerFunc) { <-r.Context().Done() })
	if err := c.Acknowledge(t.Context(), id); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "in time") {
		t.Errorf("no answer at all: %v", err)
	}
}

func TestMessage(t *testing.T) {
	s := apitest.New(t)
	c, _ := newClient(t, s)
	id := s.Add(mailbox, &apitest.Message{Header: ofCheck("Mex-Content-Compressed", "Y"), Chunks: [][]byte{[]byte(list)}})
	m, err := c.Open(t.Context(), id, 100)
	if err != nil {
		t.Fatal(err)
	}
	m.Body = nil
	want := Message{
		ID: id, Type: Data, From: check, To: mailbox, Workflow: "SPINE_NTT_UPHOLDING",
		LocalID: "X26ABC1-281126-0001", Subject: "X26ABC1-281126-0001", FileName: "reply.dat",
		Status:     Status{Success: true, Event: "TRANSFER", Code: "00", Time: time.Date(2026, 11, 28, 14, 4, 1, 0, time.UTC)},
		Compressed: true, Chunks: 1,
	}
	if *m != want {
		t.Errorf("%+v\nwant %+v", *m, want)
	}

	id = s.Add(mailbox, &apitest.Message{Type: "REPORT", Header: ofCheck(
		"Mex-StatusSuccess", "ERROR", "Mex-StatusCode", "14", "Mex-LinkedMsgID", "20261128101500000000_AB",
		"Mex-StatusDescription", "Message not collected by recipient after 5 days", "Mex-StatusTimestamp", "soon",
	)})
	m, err = c.Open(t.Context(), id, 100)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(m.Body); err != nil || len(body) > 0 {
		t.Errorf("the body of a report: %q, %v", body, err)
	}
	if m.Type != Report || m.Status.Success || m.Status.Code != "14" || !m.Status.Time.IsZero() ||
		m.LinkedID != "20261128101500000000_AB" || m.Status.Description != "Message not collected by recipient after 5 days" {
		t.Errorf("%+v", m)
	}
	s.Next(apitest.Changed(func(a *httptest.ResponseRecorder) { a.Body.WriteString("9434765919") }))
	if _, err := c.Open(t.Context(), id, 100); !errors.Is(err, ErrAnswer) {
		t.Errorf("a report with a body: %v", err)
	}
}

// secrets are what no text of this package may hold.
var secrets = []string{apitest.Password, apitest.SharedKey, "NHSMESH", "9434765919", "943 476 5919", "9836044507", "\n", "\x1b", "\u2028"}

// TestNoSecrets: a service that repeats everything it knows in all that it says is shown without the
// secrets and the numbers.
func TestNoSecrets(t *testing.T) {
	s := apitest.New(t)
	var said []string
	config := Config{
		URL: s.URL, Mailbox: mailbox, Password: apitest.Password, SharedKey: apitest.SharedKey, StateDir: "state",
	}
	say := func(values ...any) {
		for _, value := range values {
			for _, verb := range []string{"%v", "%+v", "%s", "%q"} {
				said = append(said, strings.ReplaceAll(fmt.Sprintf(verb, value), `\n`, "\n"))
			}
		}
	}
	say(config)
	said = append(said, fmt.Sprintf("%#v", config), fmt.Sprintf("%x", config.Password), fmt.Sprintf("%d", config.SharedKey))
	c, _ := newClient(t, s)
	say(c)
	c, _ = newClient(t, s, func(c *Config) {
		c.Waiting = func(reason string, wait time.Duration) { say(reason, wait) }
	})
	everything := func(r *http.Request) string {
		return fmt.Sprintf("%s 9434765919 943 476 5919 \x1b[31m %s %s\n%s", list, apitest.Password, apitest.SharedKey,
			r.Header.Get("Authorization"))
	}
	repeats := func(status int) apitest.Fault {
		return func(w http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
			w.WriteHeader(status)
			text := strings.NewReplacer(`"`, "", "\n", `\n`, "\x1b", `\u001b`).Replace(everything(r))
			fmt.Fprintf(w, `{"detail":[{"event":"SEND","code":"%s","msg":"%s"}],"body":"%s"}`, text, text, text)
		}
	}
	calls := map[string]func() error{
		"handshake":   func() error { return c.Handshake(t.Context()) },
		"send":        func() error { _, err := c.Send(t.Context(), outgoing(list)); return err },
		"inbox":       func() error { _, err := c.Inbox(t.Context(), ""); return err },
		"acknowledge": func() error { return c.Acknowledge(t.Context(), "A") },
		"track":       func() error { _, err := c.Track(t.Context(), "A"); return err },
		"open":        func() error { _, err := c.Open(t.Context(), "A", 100); return err },
	}
	for name, call := range calls {
		for _, status := range []int{400, 401, 403, 404, 410, 417, 418, 423, 429, 500, 503, 301, 300, 200, 202, 206} {
			s.Next(slices.Repeat([]apitest.Fault{repeats(status)}, 7)...)
			if err := call(); err != nil {
				say(err)
			}
			s.Next() // what is left answers the next call, which is as well
			_ = name
		}
	}
	s = apitest.New(t) // without faults that are left
	c, _ = newClient(t, s)
	id := s.Add(mailbox, &apitest.Message{Header: ofCheck(
		"Mex-Subject", "943 476 5919 "+apitest.Password, "Mex-LocalID", "a\u200b\u20289434765919", "Mex-FileName", "9836044507.dat",
		"Mex-From", "9434765919", "Mex-StatusDescription", strings.Repeat("long ", 1000)+apitest.SharedKey,
	), Chunks: [][]byte{{'a'}}})
	m, err := c.Open(t.Context(), id, 100)
	if err != nil {
		t.Fatal(err)
	}
	m.Body = nil
	say(*m)
	for _, text := range said {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Fatalf("%q is in %.300q", secret, text)
			}
		}
		if nhsnumber.Mask(text) != text {
			t.Fatalf("there is a number in %.300q", text)
		}
		if len(text) > 3000 {
			t.Fatalf("%d bytes", len(text))
		}
	}
	if len(said) < 200 {
		t.Errorf("only %d texts were seen", len(said))
	}
}

// FuzzMessage: whatever the headers are, what is shown of them is one printable line without a
// number.
func FuzzMessage(f *testing.F) {
	f.Add("DATA", "1:2", "X26ABC1-281126-0001", "20261128140401", "00")
	f.Add("REPORT", "", "943 476 5919", "", "14")
	f.Add("data", "2:1", "a\x1b[31m9434765919\xff", "20261399999999", "")
	c := &Client{config: Config{Password: "correct-horse-battery", SharedKey: "TestKey-of-the-environment"}}
	f.Fuzz(func(t *testing.T, kind, chunks, text, at, code string) {
		header := http.Header{}
		for name, value := range map[string]string{
			"Mex-MessageType": kind, "Mex-Chunk-Range": chunks, "Mex-LocalID": text, "Mex-Subject": text,
			"Mex-FileName": text, "Mex-From": text, "Mex-StatusTimestamp": at, "Mex-StatusCode": code,
		} {
			header.Set(name, value)
		}
		m, err := c.message("A", header)
		if err != nil {
			if strings.Contains(err.Error(), "5919") {
				t.Error(err)
			}
			return
		}
		if m.Type != Data && m.Type != Report || m.Type == Data && (m.Chunks < 1 || m.Chunks > mostChunks) {
			t.Errorf("%+v", m)
		}
		for _, shown := range []string{m.LocalID, m.Subject, m.FileName, m.From, m.Status.Code} {
			if nhsnumber.Mask(shown) != shown || strings.ContainsAny(shown, "\n\r\x1b\x00") || len([]rune(shown)) > 201 {
				t.Errorf("%q", shown)
			}
		}
	})
}

// TestNoHTTP: what a server says that is no HTTP is not repeated: it may be part of a body.
func TestNoHTTP(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	answers := []string{
		"4,5,Mrs Example,\r\n\r\n",
		"HTTP/1.1 200 OK\r\nMrs Example\r\n\r\n",
		"HTTP/1.1 Mrs Example\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: Mrs Example\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: Mrs Example\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nMrs Example\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\nX: Mrs Example\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: " + strings.Repeat("Mrs Example ", 1<<20),
	}
	go func() {
		for i := 0; ; i++ {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = connection.Read(make([]byte, 4096))
			_, _ = io.WriteString(connection, answers[i%len(answers)])
			_ = connection.Close()
		}
	}()
	s := apitest.New(t)
	c, _ := newClient(t, s, func(c *Config) { c.URL = "http://" + listener.Addr().String() })
	c.patience.tries = 1
	for _, answer := range answers {
		_, err := c.Inbox(t.Context(), "")
		if !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrAnswer) {
			t.Errorf("%.60q: %v", answer, err)
		}
		if err != nil && strings.Contains(err.Error(), "Example") {
			t.Errorf("%.60q is repeated: %v", answer, err)
		}
	}
}
