package api

// Reading a message: what its headers say, and its body, chunk by chunk.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
)

// Types of messages.
const (
	// Data is a message that somebody sent.
	Data = "DATA"
	// Report is a message of MESH itself about another one. It has no body.
	Report = "REPORT"
)

// mostReceived is the largest chunk that is read, in bytes as they come.
const mostReceived = MaxChunk + MaxChunk/4

// Message is a message in the inbox. Its texts are fit to be shown: printable, without the digits
// of NHS numbers, and not long.
type Message struct {
	// ID is the id that the service gave the message.
	ID string
	// Type is Data or Report.
	Type string
	// From and To are mailboxes. From is "" for a report of MESH itself.
	From, To string
	// Workflow, LocalID, Subject and FileName are as the sender set them. A report has those of the
	// message that it is about.
	Workflow, LocalID, Subject, FileName string
	// LinkedID is the id of the message that a report is about, or "".
	LinkedID string
	// Status is what became of the message, or of the one that a report is about.
	Status Status
	// Compressed is true if the sender says that the body is compressed beyond what this package
	// undoes. The service says so of each body that it compressed itself, too.
	Compressed bool
	// Chunks is how many chunks the body has.
	Chunks int
	// Body is the body, decompressed. It reads to its end only if all chunks came, each complete
	// and in its place.
	Body io.Reader
}

// Status is what the Mex-Status headers say.
type Status struct {
	// Success is false if the service says ERROR, or nothing.
	Success bool
	// Event is SEND, TRANSFER or COLLECT.
	Event string
	// Code is 00, or that of an error.
	Code string
	// Description says it in words.
	Description string
	// Time is when it happened, or the zero time if the service does not say.
	Time time.Time
}

// Open reads the headers and the first chunk of a message. The others come as Body is read, while
// ctx lasts. Reading more than most bytes from Body is ErrTooLarge. Open takes nothing out of the
// inbox.
func (c *Client) Open(ctx context.Context, id string, most int64) (*Message, error) {
	if !messageID.MatchString(id) {
		return nil, fmt.Errorf("%w: a message id", ErrAnswer)
	}
	m, err := c.open(ctx, id, most)
	return m, at("message", id, err)
}

func (c *Client) open(ctx context.Context, id string, most int64) (*Message, error) {
	a, err := c.chunkOf(ctx, id, 1)
	if err != nil {
		return nil, err
	}
	m, err := c.message(id, a.header)
	if err != nil {
		return nil, err
	}
	if m.Type == Report {
		if len(a.body) > 0 {
			return nil, fmt.Errorf("%w: a report has a body", ErrAnswer)
		}
		m.Body = bytes.NewReader(nil)
		return m, nil
	}
	body := &body{ctx: ctx, client: c, id: id, chunks: m.Chunks, left: most}
	if err := body.start(1, a); err != nil {
		return nil, err
	}
	m.Body = body
	return m, nil
}

// chunkOf asks for a chunk, numbered from 1.
func (c *Client) chunkOf(ctx context.Context, id string, number int) (*answer, error) {
	path := "/inbox/" + id
	if number > 1 {
		path += "/" + strconv.Itoa(number)
	}
	return c.do(ctx, call{method: http.MethodGet, path: path, most: mostReceived, gzip: true})
}

// message reads the headers of a message.
func (c *Client) message(id string, header http.Header) (*Message, error) {
	get := func(name string) string { return shown(c.without(header.Get(name))) }
	m := &Message{
		ID:         id,
		Type:       strings.ToUpper(get("Mex-MessageType")),
		From:       get("Mex-From"),
		To:         get("Mex-To"),
		Workflow:   get("Mex-WorkflowID"),
		LocalID:    get("Mex-LocalID"),
		Subject:    get("Mex-Subject"),
		FileName:   get("Mex-FileName"),
		LinkedID:   get("Mex-LinkedMsgID"),
		Compressed: strings.EqualFold(get("Mex-Content-Compressed"), "Y"),
		Status: Status{
			Success:     strings.EqualFold(get("Mex-StatusSuccess"), "SUCCESS"),
			Event:       get("Mex-StatusEvent"),
			Code:        get("Mex-StatusCode"),
			Description: get("Mex-StatusDescription"),
		},
	}
	if at, err := time.Parse("20060102150405", get("Mex-StatusTimestamp")); err == nil {
		m.Status.Time = at
	}
	if own := header.Get("Mex-MessageID"); own != "" && !strings.EqualFold(own, id) {
		return nil, fmt.Errorf("%w: it is another message than the one asked for", ErrAnswer)
	}
	var err error
	switch m.Type {
	case Report:
	case Data:
		_, m.Chunks, err = chunkRange(header)
	default:
		err = fmt.Errorf("%w: the message is neither data nor a report", ErrAnswer)
	}
	return m, err
}

// chunkRange reads Mex-Chunk-Range, such as 2:3. A message without it has one chunk.
func chunkRange(header http.Header) (number, chunks int, err error) {
	text := header.Get("Mex-Chunk-Range")
	if text == "" {
		return 1, 1, nil
	}
	first, second, _ := strings.Cut(text, ":")
	number, err = strconv.Atoi(strings.TrimSpace(first))
	if err == nil {
		chunks, err = strconv.Atoi(strings.TrimSpace(second))
	}
	if err != nil || number < 1 || chunks < number || chunks > mostChunks {
		return 0, 0, fmt.Errorf("%w: Mex-Chunk-Range", ErrAnswer)
	}
	return number, chunks, nil
}

// mostChunks is how many chunks a message may have.
const mostChunks = 100_000

// body reads the chunks of a message one after the other.
type body struct {
	ctx    context.Context
	client *Client
	id     string
	number int // of the chunk that is read now, from 1
	chunks int
	left   int64 // bytes that may still come
	now    io.Reader
	err    error
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (n int, err error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err = b.now.Read(p)
	if b.left -= int64(n); b.left < 0 {
		n, err = 0, ErrTooLarge
	}
	switch {
	case err == nil:
	case errors.Is(err, ErrTooLarge):
		b.err = at("message", b.id, err)
	case err != io.EOF:
		b.err = at("message", b.id,
			fmt.Errorf("%w: chunk %d is damaged: %w", ErrAnswer, b.number, errGzip(err)))
	default:
		b.err = b.next()
	}
	if n > 0 {
		return n, nil // the error comes with the next call
	}
	return 0, b.err
}

// errGzip keeps the texts of errors to those of this package: that of a decompressor may hold data.
func errGzip(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.ErrUnexpectedEOF
	}
	return errNotGzip
}

var errNotGzip = errors.New("it is no gzip")

// next starts the next chunk. It returns io.EOF if there is none.
func (b *body) next() error {
	if b.number == b.chunks {
		return io.EOF
	}
	a, err := b.client.chunkOf(b.ctx, b.id, b.number+1)
	switch {
	case err == nil:
		err = b.start(b.number+1, a)
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrGone):
		err = fmt.Errorf("%w: %d of %d", ErrMissingChunk, b.number+1, b.chunks)
	}
	return at("message", b.id, err)
}

// start checks that an answer is chunk number of the message, and begins to read it.
func (b *body) start(number int, a *answer) error {
	got, chunks, err := chunkRange(a.header)
	want := http.StatusPartialContent
	if number == b.chunks {
		want = http.StatusOK
	}
	switch {
	case err != nil:
		return err
	case got != number || chunks != b.chunks || a.status != want:
		return fmt.Errorf("%w: %d of %d does not come as such", ErrMissingChunk, number, b.chunks)
	}
	b.number, b.now = number, bytes.NewReader(a.body)
	switch encoding := strings.ToLower(a.header.Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip":
		if b.now, err = gzip.NewReader(bytes.NewReader(a.body)); err != nil {
			return fmt.Errorf("%w: chunk %d is damaged: %w", ErrAnswer, number, errGzip(err))
		}
	default:
		return fmt.Errorf("%w: an unknown Content-Encoding", ErrAnswer)
	}
	return nil
}
