package api

// Sending: a message in chunks, each compressed by itself, and never twice.

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/klauspost/compress/gzip"

	"noo/internal/kind"
	"noo/internal/nhsnumber"
)

// Outgoing is a message to send.
type Outgoing struct {
	// To is the mailbox of the recipient.
	To string
	// Workflow is the workflow id, such as SPINE_NTT_UPHOLDING.
	Workflow string
	// LocalID is the sender's own id of the message. It must be unique in the mailbox: by it, Send
	// finds out whether the message was sent before.
	LocalID string
	// Subject is shown to the recipient.
	Subject string
	// FileName is the name of the file that the recipient gets.
	FileName string
	// Body has Size bytes, which must not change while they are sent.
	Body io.ReaderAt
	Size int64
}

// names are what each text of a message may hold. With other characters in subject or local id the
// national check sends no reply.
var names = []struct {
	what    string
	of      func(*Outgoing) string
	allowed *regexp.Regexp
}{
	{"recipient", func(o *Outgoing) string { return o.To }, mailboxID},
	{"workflow id", func(o *Outgoing) string { return o.Workflow }, messageID},
	{"local id", func(o *Outgoing) string { return o.LocalID }, messageID},
	{"subject", func(o *Outgoing) string { return o.Subject }, messageID},
	{
		"file name",
		func(o *Outgoing) string { return o.FileName },
		regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$`),
	},
}

func (o *Outgoing) validate() error {
	for _, name := range names {
		text := name.of(o)
		switch {
		case nhsnumber.Mask(text) != text:
			return kind.Wrap(kind.Usage, fmt.Errorf("the %s has an NHS number in it", name.what))
		case !name.allowed.MatchString(text):
			return kind.Wrap(kind.Usage, fmt.Errorf(
				"the %s may have letters, digits, - and _ only, and must not be empty", name.what))
		}
	}
	if o.Size < 1 || o.Size > MaxMessage {
		return kind.Wrap(kind.Usage, fmt.Errorf(
			"a message of %d bytes: MESH carries from 1 to %d", o.Size, int64(MaxMessage)))
	}
	return nil
}

// chunks is the number of chunks of a message.
func (c *Client) chunks(o *Outgoing) int {
	return int((o.Size + c.config.ChunkSize - 1) / c.config.ChunkSize)
}

// Send sends a message and returns the id that the service gave it. It can be called again with the
// same message after it failed, or after the process was killed: it looks in tracking by local id
// first, goes on where a message is not complete, and sends nothing that the service has already.
//
// It returns ErrLocalID if the local id is that of another message, and ErrUnknown if it could not
// find out whether the service has the message.
func (c *Client) Send(ctx context.Context, o Outgoing) (id string, err error) {
	if err := o.validate(); err != nil {
		return "", err
	}
	id, err = c.send(ctx, o)
	return id, at("message", o.LocalID, err)
}

func (c *Client) send(ctx context.Context, o Outgoing) (id string, err error) {
	sum, err := c.checksum(&o)
	if err != nil {
		return "", err
	}
	sent, err := c.trackLocal(ctx, o.LocalID)
	switch {
	case err == nil && sent.Checksum != sum:
		err = ErrLocalID
	case err == nil:
		err = c.isSame(&o, sent)
	case errors.Is(err, ErrNotFound):
		sent, err = c.sendFirst(ctx, &o, sum)
	}
	if err != nil {
		return "", err
	}
	if sent.Delivered() {
		return sent.MessageID, nil
	}
	for number := 2; number <= c.chunks(&o); number++ {
		if err := c.sendChunk(ctx, &o, sent.MessageID, number); err != nil {
			return "", err
		}
	}
	return sent.MessageID, nil
}

// checksum returns the SHA-256 of the body, in hexadecimal, and how it is cut if it has several
// chunks. The service keeps it with the message, so that a message with the same names and another
// body, or with chunks of another size, is never taken for this one.
func (c *Client) checksum(o *Outgoing) (string, error) {
	hash := sha256.New()
	n, err := io.Copy(hash, io.NewSectionReader(o.Body, 0, o.Size))
	if err == nil && n != o.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return "", fmt.Errorf("cannot read what is to be sent: %w", err)
	}
	text := "sha256:" + hex.EncodeToString(hash.Sum(nil))
	if c.chunks(o) > 1 {
		text += fmt.Sprintf("/%d", c.config.ChunkSize)
	}
	return text, nil
}

// isSame refuses a message of the service that is another one than o, or failed.
func (c *Client) isSame(o *Outgoing, sent *Tracking) error {
	switch {
	case sent.failed():
		return fmt.Errorf("%w: %s", ErrUndelivered, because(sent.Code, sent.Description))
	case !strings.EqualFold(sent.To, o.To), sent.Workflow != o.Workflow,
		sent.FileName != "" && sent.FileName != o.FileName,
		sent.Chunks > 0 && sent.Chunks != c.chunks(o):
		return ErrLocalID
	}
	return nil
}

// because joins an error code and what the service says of it.
func because(code, description string) string {
	switch {
	case code == "" && description == "":
		return "it does not say why"
	case code == "":
		return description
	}
	return strings.TrimSuffix("MESH error "+code+": "+description, ": ")
}

// sendFirst sends the first chunk, on which the service makes the message. If an answer is lost,
// the service may have the message: then tracking is asked before it is sent again.
func (c *Client) sendFirst(ctx context.Context, o *Outgoing, sum string) (*Tracking, error) {
	header := http.Header{}
	header.Set("Mex-From", c.config.Mailbox)
	header.Set("Mex-To", o.To)
	header.Set("Mex-WorkflowID", o.Workflow)
	header.Set("Mex-LocalID", o.LocalID)
	header.Set("Mex-Subject", o.Subject)
	header.Set("Mex-FileName", o.FileName)
	header.Set("Mex-Content-Checksum", sum)
	first, err := c.chunk(o, 1, header)
	if err != nil {
		return nil, err
	}
	first.path = "/outbox"
	waits := pause{client: c}
	for {
		a, asked, err := c.once(ctx, first)
		if err == nil {
			return c.accepted(ctx, o, a)
		}
		if !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrTooLarge) {
			return nil, err
		}
		// The last try too may have reached the service.
		failed := waits.after(ctx, err, asked)
		if ctx.Err() != nil {
			return nil, failed
		}
		sent, lost := c.trackLocal(ctx, o.LocalID)
		switch {
		case lost == nil:
			return sent, c.isSame(o, sent)
		case !errors.Is(lost, ErrNotFound):
			return nil, fmt.Errorf("%w: %w", ErrUnknown, lost)
		case failed != nil:
			return nil, failed
		}
	}
}

// accepted reads the answer to the first chunk. What has no id is looked up.
func (c *Client) accepted(ctx context.Context, o *Outgoing, a *answer) (*Tracking, error) {
	var said struct {
		ID1 string `json:"messageID"`
		ID2 string `json:"message_id"`
	}
	err := json.Unmarshal(a.body, &said)
	id := cmp.Or(said.ID2, said.ID1)
	if err != nil || !messageID.MatchString(id) {
		sent, err := c.trackLocal(ctx, o.LocalID)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnknown, err)
		}
		return sent, c.isSame(o, sent)
	}
	status := "uploading"
	if c.chunks(o) == 1 {
		status = "accepted"
	}
	return &Tracking{MessageID: id, To: o.To, Workflow: o.Workflow, Status: status}, nil
}

// sendChunk sends a chunk after the first. It may be repeated: the service takes it again, or says
// that the message is complete.
func (c *Client) sendChunk(ctx context.Context, o *Outgoing, id string, number int) error {
	r, err := c.chunk(o, number, http.Header{})
	if err != nil {
		return err
	}
	r.path = fmt.Sprintf("/outbox/%s/%d", id, number)
	waits, lost := pause{client: c}, false
	for {
		_, asked, err := c.once(ctx, r)
		if err == nil {
			return nil
		}
		if errors.Is(err, ErrUnavailable) {
			lost = true
			if err = waits.after(ctx, err, asked); err == nil {
				continue
			}
		}
		if !lost || ctx.Err() != nil {
			return err
		}
		// A try whose answer was lost may have completed the message.
		sent, unknown := c.trackID(ctx, id)
		switch {
		case unknown != nil:
			return fmt.Errorf("%w: %w", ErrUnknown, err)
		case sent.Delivered():
			return nil
		}
		return err
	}
}

// chunk returns the request for a chunk, numbered from 1, without its path. The chunk is compressed
// by itself, as the specification wants it.
func (c *Client) chunk(o *Outgoing, number int, header http.Header) (r call, err error) {
	start := int64(number-1) * c.config.ChunkSize
	size := min(c.config.ChunkSize, o.Size-start)
	var body bytes.Buffer
	compressor := gzip.NewWriter(&body)
	n, err := io.Copy(compressor, io.NewSectionReader(o.Body, start, size))
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		err = compressor.Close()
	}
	if err != nil {
		return r, fmt.Errorf("cannot read what is to be sent: %w", err)
	}
	header.Set("Content-Type", "application/octet-stream")
	header.Set("Content-Encoding", "gzip")
	header.Set("Mex-Chunk-Range", fmt.Sprintf("%d:%d", number, c.chunks(o)))
	return call{method: http.MethodPost, header: header, body: body.Bytes(), most: mostJSON}, nil
}
