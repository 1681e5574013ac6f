package api

// The client against NHS England's own mesh-sandbox, with their mesh-client as a second opinion.
// make mesh starts them: see testdata/sandbox/run.sh. Without the sandbox, these tests are left out.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// sandbox is where run.sh started the services.
type sandbox struct{ plain, secure, dir, python string }

func needSandbox(t *testing.T) sandbox {
	t.Helper()
	s := sandbox{
		os.Getenv("MESH_SANDBOX"), os.Getenv("MESH_SANDBOX_TLS"),
		os.Getenv("MESH_SANDBOX_DIR"), os.Getenv("MESH_SANDBOX_PYTHON"),
	}
	if s == (sandbox{}) {
		t.Skip("no mesh-sandbox: run make mesh")
	}
	return s
}

// certificates are those of somebody in the folder of the sandbox.
func (s sandbox) certificates(name string) Certificates {
	return Certificates{
		filepath.Join(s.dir, name+".pem"), filepath.Join(s.dir, name+".key"), filepath.Join(s.dir, "ca.pem"),
	}
}

// client returns a client of a mailbox, over TLS or not.
func (s sandbox) client(t *testing.T, secure bool, mailbox string, change ...func(*Config)) *Client {
	t.Helper()
	config := Config{
		URL: s.plain, Mailbox: mailbox, Password: "password", SharedKey: "TestKey", StateDir: t.TempDir(),
		Version: "1.2.3", Poll: 100 * time.Millisecond,
	}
	if secure {
		config.URL, config.Certificates = s.secure, s.certificates("client")
	}
	for _, change := range change {
		change(&config)
	}
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// opinion runs mesh-client and returns what it prints.
func (s sandbox) opinion(t *testing.T, secure bool, command string, args ...string) string {
	t.Helper()
	url, tls := s.plain, []string{}
	if secure {
		c := s.certificates("client")
		url, tls = s.secure, []string{"--cert", c.Certificate, "--key", c.Key, "--ca", c.CA}
	}
	args = slices.Concat([]string{"testdata/sandbox/opinion.py", command, url}, args, tls)
	cmd := exec.Command(s.python, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("mesh-client: %v\n%s", err, &said)
	}
	return strings.TrimSpace(string(out))
}

// ids counts the messages of a test run, so that each has a local id of its own.
var ids int

func localID() string {
	ids++
	return fmt.Sprintf("T%d-%d", time.Now().UnixNano(), ids)
}

func toSend(to, body string) Outgoing {
	o := outgoing(body)
	o.To, o.LocalID = to, localID()
	return o
}

func TestSandboxHandshake(t *testing.T) {
	s := needSandbox(t)
	for _, test := range []struct {
		name   string
		secure bool
		change func(*Config)
		want   error
	}{
		{"plain", false, func(*Config) {}, nil},
		{"TLS", true, func(*Config) {}, nil},
		{"password", false, func(c *Config) { c.Password = "wrong" }, ErrAuthentication},
		{"shared key", true, func(c *Config) { c.SharedKey = "wrong" }, ErrAuthentication},
		{"mailbox", true, func(c *Config) { c.Mailbox = "X26NONE" }, ErrAuthentication},
		{"no certificate", true, func(c *Config) {
			c.Certificates = Certificates{CA: c.Certificates.CA}
		}, ErrClientCertificate},
		{"a stranger's certificate", true, func(c *Config) { c.Certificates = s.certificates("stranger") }, ErrClientCertificate},
		{"no authority", true, func(c *Config) { c.Certificates.CA = "" }, ErrServerCertificate},
		{"another address", false, func(c *Config) { c.URL += "/elsewhere" }, ErrNoAPI},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := s.client(t, test.secure, mailbox, test.change).Handshake(t.Context())
			if !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
			t.Log(err)
		})
	}
}

// TestSandboxSend: what noo sends, mesh-client and noo read, and it is gone when it is acknowledged.
func TestSandboxSend(t *testing.T) {
	s := needSandbox(t)
	for _, secure := range []bool{false, true} {
		for _, chunk := range []int64{0, 1000, 1} {
			t.Run(fmt.Sprintf("TLS %v, chunks of %d", secure, chunk), func(t *testing.T) {
				body := strings.Repeat(list, 100)
				if chunk == 1 {
					body = list
				}
				from, to := s.client(t, secure, mailbox, chunked(chunk)), s.client(t, secure, "X26ABC2")
				o := toSend("X26ABC2", body)
				id, err := from.Send(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				if again, err := from.Send(t.Context(), o); err != nil || again != id {
					t.Errorf("sent again: %s, %v; want %s", again, err, id)
				}
				path := filepath.Join(t.TempDir(), "received")
				var said struct {
					Workflow string `json:"workflow_id"`
					LocalID  string `json:"local_id"`
					FileName string `json:"filename"`
					Subject  string
					Sender   string
				}
				if err := json.Unmarshal([]byte(s.opinion(t, secure, "receive", "X26ABC2", id, path)), &said); err != nil {
					t.Fatal(err)
				}
				if got, err := os.ReadFile(path); err != nil || string(got) != body {
					t.Errorf("mesh-client read %d bytes, which are others than the %d (%v)", len(got), len(body), err)
				}
				if said.Workflow != o.Workflow || said.LocalID != o.LocalID || said.FileName != o.FileName ||
					said.Subject != o.Subject || said.Sender != mailbox {
					t.Errorf("mesh-client says %+v", said)
				}
				if ids, err := to.Inbox(t.Context(), o.Workflow); err != nil || !slices.Contains(ids, id) {
					t.Errorf("the inbox has %q (%v)", ids, err)
				}
				m := read(t, to, id, body)
				if m.LocalID != o.LocalID || m.Subject != o.Subject || m.Type != Data || m.From != mailbox ||
					m.FileName != o.FileName || !m.Status.Success || m.Status.Time.IsZero() {
					t.Errorf("%+v", m)
				}
				for range 2 {
					if err := to.Acknowledge(t.Context(), id); err != nil {
						t.Error(err)
					}
				}
				if ids, err := to.Inbox(t.Context(), ""); err != nil || slices.Contains(ids, id) {
					t.Errorf("acknowledged, and still there: %q (%v)", ids, err)
				}
				if sent, err := from.Track(t.Context(), id); err != nil || sent.Status != "acknowledged" || sent.LocalID != o.LocalID {
					t.Errorf("%+v, %v", sent, err)
				}
			})
		}
	}
}

// read opens a message and compares its body.
func read(t *testing.T, c *Client, id, want string) *Message {
	t.Helper()
	m, err := c.Open(t.Context(), id, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(m.Body); err != nil || string(got) != want {
		t.Errorf("%d bytes, which are others than the %d (%v)", len(got), len(want), err)
	}
	return m
}

// TestSandboxReceive: what mesh-client sends, noo reads.
func TestSandboxReceive(t *testing.T) {
	s := needSandbox(t)
	body := strings.Repeat(list, 100)
	path := filepath.Join(t.TempDir(), "sent")
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, secure := range []bool{false, true} {
		for _, how := range []string{"", "--gzip", "--chunk 700", "--gzip --chunk 700"} {
			t.Run(fmt.Sprintf("TLS %v %s", secure, how), func(t *testing.T) {
				id := s.opinion(t, secure, "send", append([]string{"X26ABC2", mailbox, path}, strings.Fields(how)...)...)
				if m := read(t, s.client(t, secure, mailbox), id, body); m.From != "X26ABC2" || m.LocalID != "OPINION-1" {
					t.Errorf("%+v", m)
				}
			})
		}
	}
}

func TestSandboxRefuses(t *testing.T) {
	s := needSandbox(t)
	c := s.client(t, false, mailbox)
	if _, err := c.Send(t.Context(), toSend("X26NONE", list)); !errors.Is(err, ErrRecipient) {
		t.Errorf("an unknown recipient: %v", err)
	}
	if _, err := c.TrackLocal(t.Context(), localID()); !errors.Is(err, ErrNotFound) {
		t.Errorf("nothing was sent: %v", err)
	}
	if _, err := c.Track(t.Context(), "FEDCBA9876543210"); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such id: %v", err)
	}
	if _, err := c.Open(t.Context(), "FEDCBA9876543210", 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such message: %v", err)
	}
	o := toSend("X26ABC2", list)
	if _, err := c.Send(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	o.To = "X26ABC3"
	if _, err := c.Send(t.Context(), o); !errors.Is(err, ErrLocalID) {
		t.Errorf("to another mailbox under the same local id: %v", err)
	}
}

// TestSandboxGoesOn: a message whose chunks stopped coming is completed.
func TestSandboxGoesOn(t *testing.T) {
	s := needSandbox(t)
	o := toSend("X26ABC2", strings.Repeat(list, 10))
	c := s.client(t, false, mailbox, chunked(100))
	ctx, cancel := context.WithCancel(t.Context())
	c.nonce = func() func() string {
		requests := 0
		return func() string {
			if requests++; requests == 4 { // tracking, the first chunk, the second, and then no more
				cancel()
			}
			return newNonce()
		}
	}()
	if _, err := c.Send(ctx, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	sent, err := c.TrackLocal(t.Context(), o.LocalID)
	if err != nil || sent.Status != "uploading" {
		t.Fatalf("%+v, %v", sent, err)
	}
	id, err := s.client(t, false, mailbox, chunked(100)).Send(t.Context(), o)
	if err != nil || id != sent.MessageID {
		t.Fatalf("%s, %v; want %s", id, err, sent.MessageID)
	}
	read(t, s.client(t, false, "X26ABC2"), id, strings.Repeat(list, 10))
}

// report has the sandbox put a report into an inbox.
func (s sandbox) report(t *testing.T, mailbox, linked string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{
		"mailbox_id": mailbox, "code": "14", "description": "Message not collected by recipient after 5 days",
		"workflow_id": "SPINE_NTT_UPHOLDING", "subject": "S", "local_id": "L", "status": "error", "linked_message_id": linked,
	})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Post(s.plain+"/messageexchange/admin/report", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatal(answer.Status)
	}
}

// TestSandboxInbox: an inbox of several pages, and what a report says.
func TestSandboxInbox(t *testing.T) {
	s := needSandbox(t)
	const reports = perPage + 7
	for i := range reports {
		s.report(t, "X26ABC3", fmt.Sprintf("LINKED%d", i))
	}
	c := s.client(t, false, "X26ABC3")
	ids, err := c.Inbox(t.Context(), "")
	if err != nil || len(ids) != reports {
		t.Fatalf("%d ids, %v", len(ids), err)
	}
	m := read(t, c, ids[reports-1], "")
	if m.Type != Report || m.Status.Success || m.Status.Code != "14" || m.Status.Event != "TRANSFER" ||
		m.LinkedID != fmt.Sprintf("LINKED%d", reports-1) || m.LocalID != "L" || m.From != "" {
		t.Errorf("%+v", m)
	}
	if none, err := c.Inbox(t.Context(), "OTHER"); err != nil || len(none) > 0 {
		t.Errorf("of another workflow: %q, %v", none, err)
	}
}

// TestSandboxCheck: a request to the stand-in of the national check is answered by a report, a
// receipt and the list without those who opted out.
func TestSandboxCheck(t *testing.T) {
	s := needSandbox(t)
	if err := os.WriteFile(filepath.Join(s.dir, "optedout.txt"), []byte("9836044507\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := s.client(t, true, mailbox)
	for _, test := range []struct{ name, request, suffix, want string }{
		{"list", list, "", "9434765919,\n9995609649,\n"},
		{"all opted out", "9836044507,\n", "", "\n"},
		{"an invalid number", "9434765918,\n", "", "The file contains one or more invalid NHS Numbers."},
		{"refused on request", list, "-INVALID", "The file contains one or more invalid NHS Numbers."},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := toSend(check, test.request)
			o.LocalID += test.suffix
			id, err := c.Send(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			answers := map[string]*Message{}
			err = c.Wait(t.Context(), time.Minute, func(ctx context.Context) (bool, error) {
				return len(answers) == 3, c.answers(ctx, o, answers)
			})
			if err != nil {
				t.Fatalf("%v; there are %d answers", err, len(answers))
			}
			report, receipt, answer := answers["report"], answers["receipt"], answers["list"]
			if report == nil || receipt == nil || answer == nil {
				t.Fatalf("%v", answers)
			}
			if report.Status.Event != "COLLECT" || !report.Status.Success || report.LinkedID != id || report.Status.Code != "00" {
				t.Errorf("the report: %+v", report)
			}
			if got, err := io.ReadAll(receipt.Body); err != nil || !json.Valid(got) || receipt.From != check {
				t.Errorf("the receipt: %q, %v, %+v", got, err, receipt)
			}
			if got, err := io.ReadAll(answer.Body); err != nil || string(got) != test.want || answer.From != check || answer.Subject != o.Subject {
				t.Errorf("the list: %q, %v, %+v", got, err, answer)
			}
		})
	}
}

// answers adds the answers to a request that are in the inbox, and takes them out.
func (c *Client) answers(ctx context.Context, o Outgoing, answers map[string]*Message) error {
	ids, err := c.Inbox(ctx, o.Workflow)
	if err != nil {
		return err
	}
	for _, id := range ids {
		m, err := c.Open(ctx, id, 1<<20)
		if err != nil {
			return err
		}
		if m.LocalID != o.LocalID {
			continue
		}
		switch {
		case m.Type == Report:
			answers["report"] = m
		case m.Subject == "SUCCESS":
			answers["receipt"] = m
		default:
			answers["list"] = m
		}
		if err := c.Acknowledge(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
