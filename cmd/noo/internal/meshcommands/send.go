package meshcommands

// noo mesh send: the parts of a request, on their way to the national check.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/ui"
	"noo/internal/atomicfile"
	"noo/mesh"
	"noo/mesh/api"
	"noo/mesh/control"
)

// sendFlags say which way the parts go.
type sendFlags struct {
	Connection
	folder, to string
	quiet      bool
}

func newSend(t *ui.Terminal) *cobra.Command {
	var flags sendFlags
	cmd := &cobra.Command{
		Use:   "send REQUEST",
		Short: "Send a request to the national check",
		Long: `send sends the parts of a request that noo mesh request made. With --folder it
puts them into the folder from which the MESH client takes what it sends. With
--api it sends them over the MESH API. It remembers in the folder REQUEST what
it sent: if you run it again, it sends the rest.`,
		Example: `  noo mesh send request --folder /mesh/data/X26ABC1/out
  noo mesh send request --api https://mesh-sync.spineservices.nhs.uk \
    --mailbox X26ABC1 --password-file password --shared-key-file shared-key \
    --client-cert client.pem --client-key client.key --ca nhs-ca.pem`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("name one request: the folder that noo mesh request made")
			}
			return runflags.AllNamed(args)
		},
		PreRunE: func(*cobra.Command, []string) error { return flags.validate() },
		RunE: func(cmd *cobra.Command, args []string) error {
			return flags.run(cmd.Context(), t, args[0])
		},
	}
	flags.Connection.Add(cmd)
	set := cmd.Flags()
	set.StringVar(&flags.folder, "folder", "", "put the parts into the folder `DIR` of the MESH client")
	set.StringVar(&flags.to, "to", "", "the MESH mailbox of the national check is `NAME`")
	set.BoolVar(&flags.quiet, "quiet", false, "print nothing on stderr but errors")
	return cmd
}

func (f *sendFlags) validate() error {
	switch {
	case f.folder == "" && f.url == "":
		return outcome.Usage(errors.New("no way to send: name one with --folder DIR or --api URL"))
	case f.to != "" && !control.IsMailbox(f.to):
		return outcome.Usage(errors.New("--to: a mailbox has letters and digits only"))
	}
	return nil
}

func (f *sendFlags) run(ctx context.Context, t *ui.Terminal, folder string) error {
	unlock, err := lockFolder(folder)
	if err != nil {
		return err
	}
	defer unlock()
	exchange, err := mesh.Open(ctx, folder)
	if err != nil {
		return err
	}
	if f.to != "" {
		exchange.To = strings.ToUpper(f.to)
	}
	if exchange.To == "" {
		return outcome.Usage(
			errors.New("no recipient: name the mailbox of the national check with --to NAME"),
		)
	}
	way, err := f.way(t, exchange)
	if err != nil {
		return err
	}
	sent, err := sendParts(ctx, exchange, way)
	if err == nil && !f.quiet {
		t.Say("%s of %s sent", ui.Counted(int64(sent), "part", "parts"), folder)
	}
	return err
}

// sendParts sends the parts that were not sent, and returns how many.
func sendParts(ctx context.Context, exchange *mesh.Exchange, way way) (sent int, err error) {
	for _, part := range exchange.Parts {
		if known := exchange.SentPart(part); known != nil {
			continue
		}
		if err := context.Cause(ctx); err != nil {
			return sent, err
		}
		id, err := way(ctx, part)
		if err != nil {
			return sent, fmt.Errorf("sending %s: %w", part.File, err)
		}
		err = exchange.Note(mesh.Sent{
			LocalID: part.LocalID, MessageID: id, At: time.Now().UTC().Truncate(time.Second),
		})
		if err != nil {
			return sent, err
		}
		sent++
	}
	return sent, nil
}

// way sends one part, unless it is on its way, and returns the id that the service gave it, "" where
// it gives none.
type way func(ctx context.Context, part mesh.Part) (id string, err error)

// way is the way that the flags name.
func (f *sendFlags) way(t *ui.Terminal, exchange *mesh.Exchange) (way, error) {
	if f.folder != "" {
		return func(_ context.Context, part mesh.Part) (string, error) {
			return "", exchange.PutPart(f.folder, part)
		}, nil
	}
	client, err := f.Client(t)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, part mesh.Part) (string, error) {
		file, err := os.Open(exchange.PartPath(part))
		if err != nil {
			return "", fmt.Errorf("cannot read it: %w", atomicfile.Cause(err))
		}
		defer file.Close()
		return client.Send(ctx, api.Outgoing{
			To: exchange.To, Workflow: exchange.Workflow, LocalID: part.LocalID,
			Subject: part.Subject, FileName: part.File, Body: file, Size: part.Bytes,
		})
	}, ownRequest(client, exchange)
}
