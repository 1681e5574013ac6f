package meshcommands

// Where answers come in: the folder of the MESH client, or the MESH API.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/ui"
	"noo/mesh"
	"noo/mesh/api"
	"noo/mesh/control"
)

// inbox is where answers come in.
type inbox interface {
	// each calls take for each message that is there. The message is lent for the time of the call,
	// but for its Remove.
	each(ctx context.Context, take func(*mesh.Incoming) error) error
	// await calls look until it returns true or an error, or until the time is up, which is no
	// error.
	await(ctx context.Context, most time.Duration, look func(context.Context) (bool, error)) error
}

// folderInbox is a folder of the MESH client.
type folderInbox struct {
	dir      string
	timing   control.Timing
	terminal *ui.Terminal
	warned   map[string]bool // of messages that cannot be read
}

// folderPoll is the time from one look into a folder to the next.
const folderPoll = 5 * time.Second

func (in *folderInbox) each(ctx context.Context, take func(*mesh.Incoming) error) error {
	messages, broken, err := mesh.FolderMessages(ctx, in.dir, in.timing)
	if err != nil {
		return err
	}
	for _, b := range broken {
		if text := ui.Showable(b.Error()); !in.warned[text] {
			in.warned[text] = true
			in.terminal.Warn(text)
		}
	}
	for _, m := range messages {
		if err := take(m); err != nil {
			return err
		}
	}
	return nil
}

func (in *folderInbox) await(
	ctx context.Context,
	most time.Duration,
	look func(context.Context) (bool, error),
) error {
	for end := time.Now().Add(most); ; {
		if found, err := look(ctx); found || err != nil {
			return err
		}
		if time.Now().Add(folderPoll).After(end) {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(folderPoll):
		}
	}
}

// apiInbox is the inbox of a mailbox behind the MESH API.
type apiInbox struct {
	client   *api.Client
	workflow string
	most     int64 // bytes of a message that may be ours
}

// newAPIInbox returns the inbox of the mailbox that made a request.
func newAPIInbox(client *api.Client, e *mesh.Exchange) (*apiInbox, error) {
	if err := ownRequest(client, e); err != nil {
		return nil, err
	}
	return &apiInbox{client, e.Workflow, e.MostBytes()}, nil
}

// ownRequest refuses a request of another mailbox: no answer to it can come into this one.
func ownRequest(client *api.Client, e *mesh.Exchange) error {
	if client.Mailbox() != e.Mailbox {
		return outcome.Usage(fmt.Errorf(
			"the request is of the mailbox %s, and --mailbox is %s", e.Mailbox, client.Mailbox()))
	}
	return nil
}

func (in *apiInbox) each(ctx context.Context, take func(*mesh.Incoming) error) error {
	ids, err := in.client.Inbox(ctx, in.workflow)
	if err != nil {
		return err
	}
	for _, id := range ids {
		message, err := in.client.Open(ctx, id, in.most)
		if errors.Is(err, api.ErrGone) {
			continue
		}
		if err != nil {
			return err
		}
		if err := take(in.incoming(message)); err != nil {
			return err
		}
	}
	return nil
}

func (in *apiInbox) await(
	ctx context.Context,
	most time.Duration,
	look func(context.Context) (bool, error),
) error {
	err := in.client.Wait(ctx, most, look)
	if errors.Is(err, api.ErrTimeUp) {
		return nil
	}
	return err
}

// incoming is a message of the API as one that may answer a request.
func (in *apiInbox) incoming(m *api.Message) *mesh.Incoming {
	c := &control.Control{
		Type: control.Data, From: m.From, To: m.To, Subject: m.Subject, LocalID: m.LocalID,
		MessageID: m.ID, WorkflowID: m.Workflow, Status: status(m),
	}
	if m.Type == api.Report {
		c.Type = control.Report
	}
	return &mesh.Incoming{
		Name: "message " + m.ID, Control: c, Linked: m.LinkedID,
		Open:   func(context.Context) (io.ReadCloser, error) { return io.NopCloser(m.Body), nil },
		Remove: func(ctx context.Context) error { return in.client.Acknowledge(ctx, m.ID) },
	}
}

// status is what the service says of a message. It says nothing of most that somebody sent: then
// they arrived.
func status(m *api.Message) *control.Status {
	s := &control.Status{
		Time: m.Status.Time, Event: m.Status.Event, Status: "SUCCESS", Code: m.Status.Code,
		Description: m.Status.Description,
	}
	silent := m.Type == api.Data && m.Status.Code == "" && m.Status.Description == ""
	if !m.Status.Success && !silent {
		s.Status = "ERROR"
	}
	return s
}
