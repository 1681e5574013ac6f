package download

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"noo/fhir"
	"noo/internal/kind"
)

const token = "secret.token~1"

// consent is a Consent, with blanks in it.
func consent(id int) string {
	return fmt.Sprintf(`{ "resourceType" : "Consent",
	"id":"c%d", "text":"a b" }`, id)
}

// bundle is a page.
func bundle(next string, total int, consents ...string) string {
	links := `{"relation":"self","url":"x"}`
	if next != "" {
		links += `,{"relation":"next","url":"` + next + `"}`
	}
	more := ""
	if total >= 0 {
		more = fmt.Sprintf(`"total":%d,`, total)
	}
	entries := ""
	if len(consents) > 0 {
		entries = `,"entry":[{"resource":` + strings.Join(consents, `},{"resource":`) + `}]`
	}
	return fmt.Sprintf(`{"resourceType":"Bundle","type":"searchset",%s"link":[%s]%s}`, more, links, entries)
}

// pages answers with a page for each query, and refuses requests without the token.
func pages(texts map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/fhir+json;charset=utf-8")
		_, _ = io.WriteString(w, strings.ReplaceAll(texts[r.URL.RawQuery], "BASE", "http://"+r.Host))
	}
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// run downloads with short waits.
func run(t *testing.T, address string) (string, Result, error) {
	t.Helper()
	return runFor(t, address, 5*time.Minute)
}

func runFor(t *testing.T, address string, patience time.Duration) (string, Result, error) {
	t.Helper()
	var out bytes.Buffer
	result, err := Run(t.Context(), &out, Options{
		Address: address, Token: token, FirstWait: time.Millisecond, Patience: patience,
	})
	return out.String(), result, err
}

// secret is what no error may hold: the query, the token, a number, what the server said.
var secret = regexp.MustCompile(`9434765919|` + token + `|patient=|said by the server|\n`)

const query = "patient=9434765919"

func TestPages(t *testing.T) {
	outcome := `{"resourceType":"OperationOutcome","issue":[{"severity":"information","code":"informational"}]}`
	for name, next := range map[string]string{"absolute": "BASE/r4/Consent?p=2", "relative": "Consent?p=2", "query": "?p=2"} {
		server := serve(t, pages(map[string]string{
			query: bundle(next, 3, consent(1), consent(2)), "p=2": bundle("", 3, consent(3), outcome),
		}))
		text, result, err := run(t, server.URL+"/r4/Consent?"+query)
		want := `{"resourceType":"Consent","id":"c1","text":"a b"}` + "\n" + `{"resourceType":"Consent","id":"c2","text":"a b"}` + "\n" + `{"resourceType":"Consent","id":"c3","text":"a b"}` + "\n"
		if err != nil || text != want || result != (Result{Consents: 3, Pages: 2, Messages: 1}) {
			t.Errorf("%s: %q, %+v, %v", name, text, result, err)
		}
	}
}

// TestRefused: what a server may send and must not.
func TestRefused(t *testing.T) {
	big := strings.Repeat(" ", MaxPage)
	for _, c := range []struct {
		name string
		at   map[string]string // pages by query
		want error
		kind kind.Kind
	}{
		{"another host", map[string]string{query: bundle("http://localhost:1/Consent", 1, consent(1))}, ErrOrigin, kind.Input},
		{"another scheme", map[string]string{query: bundle("https://127.0.0.1/Consent", 1, consent(1))}, ErrOrigin, kind.Input},
		{"a user", map[string]string{query: bundle("http://x:y@127.0.0.1/Consent", 1, consent(1))}, ErrOrigin, kind.Input},
		{"a link that is none", map[string]string{query: bundle("http://[", 1, consent(1))}, ErrAddress, kind.Input},
		{"the first page again", map[string]string{query: bundle("?"+query, 2, consent(1))}, ErrLoop, kind.Input},
		{"the same page elsewhere", map[string]string{query: bundle("?p=2", -1, consent(1)), "p=2": bundle("?p=3", -1, consent(1))}, ErrLoop, kind.Input},
		{"a page without entries again", map[string]string{query: bundle("?p=2", -1), "p=2": bundle("?p=2", -1)}, ErrLoop, kind.Input},
		{"a total too high", map[string]string{query: bundle("", 2, consent(1))}, ErrTotal, kind.Input},
		{"a total too low", map[string]string{query: bundle("", 0, consent(1))}, ErrTotal, kind.Input},
		{"another total", map[string]string{query: bundle("?p=2", 2, consent(1)), "p=2": bundle("", 3, consent(2), consent(3))}, ErrChanged, kind.Input},
		{"a large page", map[string]string{query: bundle("", 1, consent(1)) + big}, ErrLarge, kind.Input},
		{"an error", map[string]string{query: `{"resourceType":"OperationOutcome","issue":[{"severity":"information","diagnostics":"said by the server"}]}`}, fhir.ErrFailed, kind.Input},
		{"an error in a page", map[string]string{query: bundle("", -1, consent(1), `{"resourceType":"OperationOutcome","issue":[{"severity":"error"}]}`)}, fhir.ErrFailed, kind.Input},
		{"another resource", map[string]string{query: bundle("", -1, `{"resourceType":"Patient"}`)}, fhir.ErrNotConsent, kind.Input},
		{"one resource", map[string]string{query: consent(1)}, fhir.ErrElement, kind.Input},
		{"no entries that are resources", map[string]string{query: strings.Replace(bundle("", 1, consent(1)), `"resource":`, `"fullUrl":"x","extension":`, 1)}, fhir.ErrNotConsent, kind.Input},
		{"another Bundle", map[string]string{query: strings.Replace(bundle("", 1, consent(1)), "searchset", "collection", 1)}, fhir.ErrBundleType, kind.Input},
		{"two next pages", map[string]string{query: strings.Replace(bundle("?p=2", 1, consent(1)), `"self"`, `"next"`, 1)}, fhir.ErrDuplicate, kind.Input},
		{"half a page", map[string]string{query: bundle("", 1, consent(1))[:90]}, fhir.ErrJSON, kind.Input},
		{"nothing", map[string]string{}, fhir.ErrNotFHIR, kind.Input},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := serve(t, pages(c.at))
			_, _, err := run(t, server.URL+"/Consent?"+query)
			if _, ok := errors.AsType[*Error](err); !ok || !errors.Is(err, c.want) || kind.Of(err) != c.kind {
				t.Errorf("%v, want %v", err, c.want)
			} else if secret.MatchString(err.Error()) {
				t.Errorf("a message that holds too much: %v", err)
			}
		})
	}
}

// TestTokenStays: the token goes to no other server, neither by a link nor by a redirect.
func TestTokenStays(t *testing.T) {
	var asked atomic.Int64
	other := serve(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	for name, handler := range map[string]http.HandlerFunc{
		"link": pages(map[string]string{query: bundle(other.URL, -1, consent(1))}),
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+"/said by the server", http.StatusFound)
		},
		"two redirects": func(w http.ResponseWriter, r *http.Request) {
			to := "/second"
			if r.URL.Path == to {
				to = strings.Replace(other.URL, "127.0.0.1", "localhost", 1)
			}
			http.Redirect(w, r, to, http.StatusTemporaryRedirect)
		},
	} {
		server := serve(t, handler)
		_, _, err := run(t, server.URL+"/Consent?"+query)
		if !errors.Is(err, ErrOrigin) || secret.MatchString(err.Error()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the other server was asked %d times", n)
	}
	// Within the server, redirects are followed.
	moved := pages(map[string]string{query: bundle("", 1, consent(1))})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/Consent" {
			http.Redirect(w, r, "/r4/Consent?"+r.URL.RawQuery, http.StatusFound)
			return
		}
		moved(w, r)
	})
	if _, result, err := run(t, server.URL+"/Consent?"+query); err != nil || result.Consents != 1 {
		t.Errorf("%+v, %v", result, err)
	}
	server = serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.String(), http.StatusFound) })
	if _, _, err := run(t, server.URL+"/Consent"); !errors.Is(err, ErrLoop) {
		t.Errorf("redirects in a circle: %v", err)
	}
}

// TestWaits: a busy server is asked again, until patience ends.
func TestWaits(t *testing.T) {
	good := pages(map[string]string{"": bundle("", 1, consent(1))})
	for name, c := range map[string]struct {
		trouble func(w http.ResponseWriter, n int64)
		asked   int64
		want    error
		said    string
	}{
		"busy": {func(w http.ResponseWriter, n int64) { w.WriteHeader([]int{503, 429, 502, 504, 500}[n-1]) }, 4, nil, ""},
		"broken": {func(w http.ResponseWriter, n int64) {
			w.Header().Set("Content-Type", "application/fhir+json")
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"resourceType":`)
		}, 2, nil, ""},
		"for good": {func(w http.ResponseWriter, n int64) { w.WriteHeader(503) }, 1000, ErrBusy, "status 503"},
		"for too long": {func(w http.ResponseWriter, n int64) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(429)
		}, 1, ErrBusy, "status 429"},
		"not found":  {func(w http.ResponseWriter, n int64) { w.WriteHeader(404) }, 1, nil, "status 404"},
		"forbidden":  {func(w http.ResponseWriter, n int64) { w.WriteHeader(403) }, 1, ErrToken, "status 403"},
		"a web page": {func(w http.ResponseWriter, n int64) { _, _ = io.WriteString(w, "<html>said by the server") }, 1, ErrNotJSON, ""},
		"hangs up":   {func(w http.ResponseWriter, n int64) { panic(http.ErrAbortHandler) }, 1, nil, "connection failed"},
	} {
		t.Run(name, func(t *testing.T) {
			var n atomic.Int64
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if n.Add(1) <= c.asked {
					c.trouble(w, n.Load())
					return
				}
				good(w, r)
			})
			patience := 5 * time.Minute
			if c.want == ErrBusy {
				patience = 100 * time.Millisecond
			}
			_, result, err := runFor(t, server.URL+"/Consent", patience)
			switch {
			case c.want == nil && c.said == "":
				if err != nil || result.Consents != 1 || n.Load() != c.asked+1 {
					t.Errorf("%+v, %v, asked %d times", result, err, n.Load())
				}
			case err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.said) || secret.MatchString(err.Error()):
				t.Errorf("%v, want %v %s", err, c.want, c.said)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "x": 0, "99999999": 1000 * time.Hour,
		"Sat, 28 Nov 2026 12:01:00 GMT": time.Minute, "Sat, 28 Nov 2026 11:00:00 GMT": 0,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// TestInterrupted: a wait ends with the context.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := errors.New("ended")
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		cancel(ended)
		w.WriteHeader(503)
	})
	_, err := Run(ctx, io.Discard, Options{Address: server.URL, FirstWait: time.Hour, Patience: 10 * time.Hour})
	if !errors.Is(err, ended) {
		t.Error(err)
	}
}

// TestCheck: addresses are refused before anything is sent.
func TestCheck(t *testing.T) {
	for address, want := range map[string]error{
		"https://example.org/Consent?x": nil, "http://127.0.0.1:80/x": nil, "http://[::1]/": nil, "http://localhost/": nil,
		"http://example.org/Consent": ErrHTTP, "http://127.0.0.1.example.org/": ErrHTTP, "http://localhost.example.org": ErrHTTP,
		"https://me:word@example.org/": ErrPassword, "ftp://example.org/": ErrAddress, "example.org/Consent": ErrAddress, "": ErrAddress,
		"https:///x": ErrAddress, "https://example.org/#x": ErrAddress, "http:127.0.0.1": ErrAddress, "https://exa mple.org": ErrAddress,
	} {
		if err := Check(address); !errors.Is(err, want) || err != nil && kind.Of(err) != kind.Usage {
			t.Errorf("%q: %v, want %v", address, err, want)
		}
	}
}

func TestSameOrigin(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"https://a/x", "https://a:443/y", true}, {"http://a/x", "http://a:80/", true}, {"https://a", "http://a", false},
		{"https://a", "https://b", false}, {"https://a", "https://a:8443", false}, {"https://a", "https://u@a", false}, {"https://a", "https://a.b", false},
	} {
		a, _ := url.Parse(c.a)
		b, _ := url.Parse(c.b)
		if sameOrigin(a, b) != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, !c.want)
		}
	}
}

// TestTLS: the certificate of the server must come from the CA, and that of the client is shown.
func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(pages(map[string]string{"": bundle("", 1, consent(1))}))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	var shown atomic.Int64
	inner := server.Config.Handler
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown.Store(int64(len(r.TLS.PeerCertificates)))
		inner.ServeHTTP(w, r)
	})
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	dir := t.TempDir()
	write := func(name, label string, bytes []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: label, Bytes: bytes}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pair := server.TLS.Certificates[0]
	ca := write("ca.pem", "CERTIFICATE", server.Certificate().Raw)
	key := write("key.pem", "PRIVATE KEY", mustPKCS8(t, pair))
	fetch := func(files TLS) error {
		client, err := NewClient(files)
		if err != nil {
			return err
		}
		_, err = Run(t.Context(), io.Discard, Options{Address: server.URL, Token: token, Client: client, Patience: time.Second})
		return err
	}
	if err := fetch(TLS{}); err == nil || !strings.Contains(err.Error(), "certificate of the server is not trusted") {
		t.Errorf("without the CA: %v", err)
	}
	if err := fetch(TLS{CA: ca}); err != nil || shown.Load() != 0 {
		t.Errorf("with the CA: %v, %d shown", err, shown.Load())
	}
	if err := fetch(TLS{CA: ca, Certificate: ca, Key: key}); err != nil || shown.Load() != 1 {
		t.Errorf("with a certificate of the client: %v, %d shown", err, shown.Load())
	}
	for name, files := range map[string]TLS{"a key as CA": {CA: key}, "two keys": {Certificate: key, Key: key}, "no key": {Certificate: ca, Key: ca}} {
		if err := fetch(files); kind.Of(err) != kind.Usage {
			t.Errorf("%s: %v", name, err)
		}
	}
	plain := serve(t, pages(nil))
	client, _ := NewClient(TLS{})
	_, err := Run(t.Context(), io.Discard, Options{Address: strings.Replace(plain.URL, "http:", "https:", 1), Client: client, Patience: time.Second})
	if err == nil || !strings.Contains(err.Error(), "does not speak TLS") {
		t.Errorf("a server without TLS: %v", err)
	}
}

func TestReadToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	for text, want := range map[string]string{
		token: token, " " + token + "\r\n": token, "": "", "\n": "", "a b": "", "a\nb": "", "é": "", strings.Repeat("x", maxToken+1): "",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadToken(path)
		if got != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, ErrTokenFile) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if _, err := ReadToken(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func mustPKCS8(t *testing.T, pair tls.Certificate) []byte {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
