// Package apitest has a MESH service inside the process of a test. It does what NHS England's
// mesh-sandbox does not: it takes each token once and only at its time, loses answers, fails for a
// while, and sends chunks that are damaged. What the two have in common, they do alike.
package apitest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
)

// What every mailbox of a Server has.
const (
	Password  = "correct-horse-battery"
	SharedKey = "TestKey-of-the-environment"
)

// Message is a message that a Server has.
type Message struct {
	// ID is set by Add.
	ID string
	// Type is DATA, unless it is set.
	Type string
	// Header has the Mex headers.
	Header http.Header
	// Chunks are the chunks as they came, which is compressed if the Content-Encoding in Header
	// says so. A nil one is missing.
	Chunks [][]byte
	// Status is as tracking shows it.
	Status string
}

// Body returns what the chunks hold, decompressed.
func (m *Message) Body(t testing.TB) []byte {
	t.Helper()
	var all []byte
	for _, chunk := range m.Chunks {
		if m.Header.Get("Content-Encoding") == "gzip" {
			from, err := gzip.NewReader(bytes.NewReader(chunk))
			if err != nil {
				t.Fatal(err)
			}
			if chunk, err = io.ReadAll(from); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, chunk...)
	}
	return all
}

// Fault answers one request in the place of the service, which serve does. A nil Fault serves.
type Fault func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc)

// Status is a Fault that answers with a status code and Retry-After, if that is not "".
func Status(code int, retryAfter string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(code)
	}
}

// LostAnswer is a Fault that serves, and closes the connection in the place of the answer.
func LostAnswer(_ http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
	serve(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// LostRequest is a Fault that closes the connection and does nothing else.
func LostRequest(http.ResponseWriter, *http.Request, http.HandlerFunc) {
	panic(http.ErrAbortHandler)
}

// Changed is a Fault that serves, and changes the answer before it is sent.
func Changed(change func(answer *httptest.ResponseRecorder)) Fault {
	return func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
		recorder := httptest.NewRecorder()
		serve(recorder, r)
		change(recorder)
		for name, values := range recorder.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(recorder.Code)
		_, _ = w.Write(recorder.Body.Bytes())
	}
}

// Server is a MESH service. Its fields may be set before the first request.
type Server struct {
	*httptest.Server
	// Now is the time of the service.
	Now func() time.Time
	// PerPage is how many ids a page of an inbox has at most.
	PerPage int

	mutex    sync.Mutex
	tokens   map[string]bool
	sent     []*Message
	inboxes  map[string][]*Message
	faults   []Fault
	requests []string
	made     int // messages with an id of the service
}

// Ender is a test, or what else ends: it calls what Cleanup was given.
type Ender interface{ Cleanup(func()) }

// New starts a service on this machine over plain HTTP, until the test ends.
func New(t Ender) *Server {
	s := NewUnstarted(t)
	s.Start()
	return s
}

// NewUnstarted returns a service that its caller starts, with TLS for instance.
func NewUnstarted(t Ender) *Server {
	s := &Server{
		Now: time.Now, PerPage: 500, tokens: map[string]bool{}, inboxes: map[string][]*Message{},
	}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.handle))
	t.Cleanup(func() { s.Server.Close() })
	return s
}

// Next has the next requests answered by faults, in their order.
func (s *Server) Next(faults ...Fault) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.faults = append(s.faults, faults...)
}

// Add puts a message into an inbox and returns its id.
func (s *Server) Add(mailbox string, m *Message) string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.add(mailbox, m)
}

func (s *Server) add(mailbox string, m *Message) string {
	if m.Header == nil {
		m.Header = http.Header{}
	}
	if m.Type == "" {
		m.Type = "DATA"
	}
	if m.ID == "" {
		m.ID = fmt.Sprintf("20261128101500000000_AB%04X", s.made)
		s.made++
	}
	s.inboxes[mailbox] = append(s.inboxes[mailbox], m)
	return m.ID
}

// Sent returns the messages that came through outboxes.
func (s *Server) Sent() []*Message {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Clone(s.sent)
}

// InboxOf returns the messages in an inbox.
func (s *Server) InboxOf(mailbox string) []*Message {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Clone(s.inboxes[mailbox])
}

// Requests returns all requests so far, each as its method and its path below the mailbox.
func (s *Server) Requests() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Clone(s.requests)
}

// handle answers a request, or has the next fault do so.
func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.mutex.Lock()
	_, below, _ := strings.Cut(strings.TrimPrefix(r.URL.RequestURI(), "/messageexchange/"), "/")
	s.requests = append(s.requests, r.Method+" /"+below)
	var fault Fault
	if len(s.faults) > 0 {
		fault, s.faults = s.faults[0], s.faults[1:]
	}
	s.mutex.Unlock()
	if fault != nil {
		fault(w, r, s.serve)
		return
	}
	s.serve(w, r)
}

// serve answers a request as the service does.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	w.Header().Set("Date", s.Now().UTC().Format(http.TimeFormat))
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/messageexchange/"), "/")
	mailbox := parts[0]
	if wrong := s.refusesToken(mailbox, r.Header.Get("Authorization")); wrong != "" {
		refuse(w, http.StatusForbidden, "", wrong)
		return
	}
	switch rest := parts[1:]; {
	case len(rest) == 0 && r.Method == http.MethodPost:
		if r.Header.Get("Mex-ClientVersion") == "" || r.Header.Get("Mex-OSName") == "" ||
			r.Header.Get("Mex-OSVersion") == "" {
			refuse(w, http.StatusBadRequest, "06", "Malformed headers")
		}
	case rest[0] == "outbox":
		s.outbox(w, r, mailbox, rest[1:])
	case rest[0] == "inbox":
		s.inbox(w, r, mailbox, rest[1:])
	default:
		refuse(w, http.StatusNotFound, "", "")
	}
}

// refusesToken says why the service does not accept a token, or "".
func (s *Server) refusesToken(mailbox, authorization string) string {
	parts := strings.Split(strings.TrimPrefix(authorization, "NHSMESH "), ":")
	if len(parts) != 5 || parts[0] != mailbox {
		return "Mailbox id does not match token"
	}
	hash := hmac.New(sha256.New, []byte(SharedKey))
	fmt.Fprintf(hash, "%s:%s:%s:%s:%s", parts[0], parts[1], parts[2], Password, parts[3])
	if parts[4] != hex.EncodeToString(hash.Sum(nil)) {
		return "Invalid Authentication Token"
	}
	at, err := time.Parse("200601021504", parts[3])
	if err != nil || s.Now().Sub(at).Abs() > 2*time.Hour {
		return "Token expired"
	}
	if s.tokens[authorization] {
		return "Error Duplicated Authentication Token"
	}
	s.tokens[authorization] = true
	return ""
}

func refuse(w http.ResponseWriter, status int, code, text string) {
	w.WriteHeader(status)
	reply(w, map[string]any{
		"detail": []map[string]string{{"event": "SEND", "code": code, "msg": text}},
	})
}

func reply(w http.ResponseWriter, value any) { _ = json.NewEncoder(w).Encode(value) }

// outbox sends and tracks.
func (s *Server) outbox(w http.ResponseWriter, r *http.Request, mailbox string, rest []string) {
	body, _ := io.ReadAll(r.Body)
	switch {
	case len(rest) == 0:
		s.first(w, r, body, mailbox)
	case rest[0] == "tracking":
		s.tracking(w, mailbox, strings.Join(rest[1:], "/"), r.URL.Query().Get("messageID"))
	default:
		s.further(w, body, rest)
	}
}

func (s *Server) first(w http.ResponseWriter, r *http.Request, body []byte, mailbox string) {
	to := r.Header.Get("Mex-To")
	switch {
	case r.Header.Get("Mex-WorkflowID") == "":
		refuse(w, http.StatusBadRequest, "06", "Malformed headers")
		return
	case !strings.HasPrefix(to, "X26"):
		refuse(w, http.StatusExpectationFailed, "12", "Unregistered to address")
		return
	case len(body) == 0:
		refuse(w, http.StatusExpectationFailed, "02", "Data file is missing or inaccessible.")
		return
	}
	_, of, _ := strings.Cut(r.Header.Get("Mex-Chunk-Range"), ":")
	chunks, _ := strconv.Atoi(of)
	m := &Message{
		ID: fmt.Sprintf("20261128101500000000_%06X", len(s.sent)), Type: "DATA",
		Header: r.Header.Clone(), Chunks: make([][]byte, max(chunks, 1)), Status: "Uploading",
	}
	m.Header.Set("Mex-From", mailbox)
	m.Header.Del("Authorization")
	m.Chunks[0] = body
	s.sent = append(s.sent, m)
	s.complete(m)
	w.WriteHeader(http.StatusAccepted)
	reply(w, map[string]string{"message_id": m.ID})
}

// complete delivers a message that has all its chunks.
func (s *Server) complete(m *Message) {
	if !slices.ContainsFunc(m.Chunks, func(chunk []byte) bool { return chunk == nil }) {
		m.Status = "Accepted"
		s.add(m.Header.Get("Mex-To"), m)
	}
}

func (s *Server) further(w http.ResponseWriter, body []byte, rest []string) {
	i := slices.IndexFunc(s.sent, func(m *Message) bool { return m.ID == rest[0] })
	number, err := strconv.Atoi(rest[len(rest)-1])
	switch {
	case i < 0 || err != nil || number < 2 || number > len(s.sent[i].Chunks):
		refuse(w, http.StatusNotFound, "", "")
	case s.sent[i].Status != "Uploading":
		refuse(w, http.StatusLocked, "", "")
	default:
		s.sent[i].Chunks[number-1] = body
		s.complete(s.sent[i])
		w.WriteHeader(http.StatusAccepted)
	}
}

func (s *Server) tracking(w http.ResponseWriter, mailbox, localID, id string) {
	var found []*Message
	for _, m := range s.sent {
		if m.Header.Get("Mex-From") == mailbox &&
			(m.ID == id || id == "" && m.Header.Get("Mex-LocalID") == localID) {
			found = append(found, m)
		}
	}
	switch len(found) {
	case 0:
		refuse(w, http.StatusNotFound, "", "")
		return
	case 1:
	default:
		w.WriteHeader(http.StatusMultipleChoices)
		return
	}
	m := found[0]
	if id != "" {
		reply(w, map[string]any{
			"message_id": m.ID, "local_id": m.Header.Get("Mex-LocalID"),
			"workflow_id": m.Header.Get("Mex-WorkflowID"), "recipient": m.Header.Get("Mex-To"),
			"filename": m.Header.Get("Mex-FileName"), "status": strings.ToLower(m.Status),
			"status_code": nil,
		})
		return
	}
	reply(w, map[string]any{
		"messageId": m.ID, "localId": m.Header.Get("Mex-LocalID"),
		"workflowId": m.Header.Get("Mex-WorkflowID"), "recipient": m.Header.Get("Mex-To"),
		"fileName": m.Header.Get("Mex-FileName"), "status": m.Status, "statusCode": nil,
		"chunkCount": len(m.Chunks), "checksum": m.Header.Get("Mex-Content-Checksum"),
		"failureDiagnostic": m.Header.Get("Test-Diagnostic"),
	})
}

// inbox lists, reads and acknowledges.
func (s *Server) inbox(w http.ResponseWriter, r *http.Request, mailbox string, rest []string) {
	if len(rest) == 0 {
		s.list(w, r, mailbox)
		return
	}
	messages := s.inboxes[mailbox]
	i := slices.IndexFunc(messages, func(m *Message) bool { return m.ID == rest[0] })
	if i < 0 {
		refuse(w, http.StatusNotFound, "20", "Message does not exist")
		return
	}
	if r.Method == http.MethodPut {
		messages[i].Status = "Acknowledged"
		s.inboxes[mailbox] = slices.Delete(messages, i, i+1)
		return
	}
	number := 1
	if len(rest) > 1 {
		number, _ = strconv.Atoi(rest[1])
	}
	s.chunk(w, messages[i], number)
}

func (s *Server) chunk(w http.ResponseWriter, m *Message, number int) {
	for name, values := range m.Header {
		w.Header()[name] = values
	}
	w.Header().Set("Mex-MessageType", m.Type)
	w.Header().Set("Mex-MessageID", m.ID)
	if m.Type == "REPORT" {
		return
	}
	if number < 1 || number > len(m.Chunks) || m.Chunks[number-1] == nil {
		refuse(w, http.StatusNotFound, "20", "Message does not exist")
		return
	}
	w.Header().Set("Mex-Chunk-Range", fmt.Sprintf("%d:%d", number, len(m.Chunks)))
	w.Header().Set("Content-Length", strconv.Itoa(len(m.Chunks[number-1])))
	if number < len(m.Chunks) {
		w.WriteHeader(http.StatusPartialContent)
	}
	_, _ = w.Write(m.Chunks[number-1])
}

func (s *Server) list(w http.ResponseWriter, r *http.Request, mailbox string) {
	query := r.URL.Query()
	ids := []string{}
	for _, m := range s.inboxes[mailbox] {
		if of := query.Get("workflow_filter"); of == "" || of == m.Header.Get("Mex-WorkflowID") {
			ids = append(ids, m.ID)
		}
	}
	from, _ := strconv.Atoi(query.Get("continue_from"))
	answer := map[string]any{"messages": ids[min(from, len(ids)):]}
	if len(ids) > from+s.PerPage {
		answer["messages"] = ids[from : from+s.PerPage]
		answer["links"] = map[string]string{"next": fmt.Sprintf(
			"/messageexchange/%s/inbox?max_results=10&continue_from=%d", mailbox, from+s.PerPage)}
	}
	reply(w, answer)
}
