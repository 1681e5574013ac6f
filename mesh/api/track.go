package api

// Tracking: what became of a message that was sent.

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Tracking is what the service knows of a sent message. Texts are fit to be shown.
type Tracking struct {
	// MessageID is the id that the service gave the message.
	MessageID string
	// LocalID, Workflow, To and FileName are as they were sent.
	LocalID, Workflow, To, FileName string
	// Status is in lower case: uploading (chunks are missing), accepted (it is in the inbox of the
	// recipient), acknowledged (the recipient has it), or undeliverable or error.
	Status string
	// Chunks is the number of chunks, or 0 if the service does not say.
	Chunks int
	// Checksum is that of the body, as it was sent, or "" if the service does not say.
	Checksum string
	// Code and Description say what went wrong, if anything did.
	Code, Description string
}

// Delivered reports whether all of the message is with the service or the recipient.
func (t *Tracking) Delivered() bool { return t.Status == "accepted" || t.Status == "acknowledged" }

// failed reports whether the message will never reach the recipient.
func (t *Tracking) failed() bool { return t.Status == "undeliverable" || t.Status == "error" }

// Track returns what became of the message with an id. It returns ErrNotFound if this mailbox sent
// no such message.
func (c *Client) Track(ctx context.Context, id string) (*Tracking, error) {
	if !messageID.MatchString(id) {
		return nil, fmt.Errorf("%w: a message id", ErrAnswer)
	}
	t, err := c.trackID(ctx, id)
	return t, at("message", id, err)
}

func (c *Client) trackID(ctx context.Context, id string) (*Tracking, error) {
	return c.track(ctx, "?messageID="+url.QueryEscape(id))
}

// TrackLocal returns what became of the message that was sent with a local id. It returns
// ErrNotFound if there is none, and ErrLocalID if there are several.
func (c *Client) TrackLocal(ctx context.Context, localID string) (*Tracking, error) {
	t, err := c.trackLocal(ctx, localID)
	return t, at("message", shown(localID), err)
}

func (c *Client) trackLocal(ctx context.Context, localID string) (*Tracking, error) {
	return c.track(ctx, "/"+url.PathEscape(localID))
}

func (c *Client) track(ctx context.Context, which string) (*Tracking, error) {
	a, err := c.do(ctx, call{
		method: http.MethodGet, path: "/outbox/tracking" + which, most: mostJSON,
	})
	if err != nil {
		return nil, err
	}
	// Names of version 1 and of version 2: the look-up by local id answers with version 1 always.
	var said struct {
		ID1                         string `json:"messageId"`
		ID2                         string `json:"message_id"`
		LocalID1                    string `json:"localId"`
		LocalID2                    string `json:"local_id"`
		Workflow1                   string `json:"workflowId"`
		Workflow2                   string `json:"workflow_id"`
		FileName1                   string `json:"fileName"`
		FileName2                   string `json:"filename"`
		Code1                       string `json:"statusCode"`
		Code2                       string `json:"status_code"`
		Description1                string `json:"statusDescription"`
		Description2                string `json:"status_description"`
		Diagnostic                  string `json:"failureDiagnostic"`
		Recipient, Status, Checksum string
		Chunks                      int `json:"chunkCount"`
	}
	if err := json.Unmarshal(a.body, &said); err != nil {
		return nil, fmt.Errorf("%w: tracking is no JSON as expected", ErrAnswer)
	}
	t := &Tracking{
		MessageID: cmp.Or(said.ID2, said.ID1),
		LocalID:   shown(cmp.Or(said.LocalID2, said.LocalID1)),
		Workflow:  shown(cmp.Or(said.Workflow2, said.Workflow1)),
		FileName:  shown(cmp.Or(said.FileName2, said.FileName1)),
		To:        shown(said.Recipient),
		Status:    strings.ToLower(shown(said.Status)),
		Chunks:    said.Chunks,
		Checksum:  shown(said.Checksum),
		Code:      shown(cmp.Or(said.Code2, said.Code1)),
		Description: shown(c.without(
			cmp.Or(said.Description2, said.Description1, said.Diagnostic))),
	}
	if !messageID.MatchString(t.MessageID) {
		return nil, fmt.Errorf("%w: tracking has no message id", ErrAnswer)
	}
	return t, nil
}
