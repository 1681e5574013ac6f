package meshcommands

// Where answers come in: the folder of the MESH client.

import (
	"context"
	"time"

	"noo/cmd/noo/internal/ui"
	"noo/mesh"
	"noo/mesh/control"
)

// inbox is where answers come in.
type inbox interface {
	// messages lists what is there.
	messages(ctx context.Context) ([]*mesh.Incoming, error)
	// await calls look until it returns true or an error, or until the time is up, which is no
	// error.
	await(ctx context.Context, most time.Duration, look func(context.Context) (bool, error)) error
}

// inbox is what the flags name, nil where they name none.
func (f *collectFlags) inbox(t *ui.Terminal) (inbox, error) {
	if f.from == "" {
		return nil, nil
	}
	return &folderInbox{dir: f.from, terminal: t, warned: map[string]bool{}}, nil
}

// folderInbox is a folder of the MESH client.
type folderInbox struct {
	dir      string
	terminal *ui.Terminal
	warned   map[string]bool // of messages that cannot be read
}

// folderPoll is the time from one look into a folder to the next.
const folderPoll = 5 * time.Second

func (in *folderInbox) messages(ctx context.Context) ([]*mesh.Incoming, error) {
	messages, broken, err := mesh.FolderMessages(ctx, in.dir, control.DefaultTiming)
	for _, b := range broken {
		if text := ui.Showable(b.Error()); !in.warned[text] {
			in.warned[text] = true
			in.terminal.Warn(text)
		}
	}
	return messages, err
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
