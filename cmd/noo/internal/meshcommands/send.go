package meshcommands

// noo mesh send: the parts of a request, on their way to the national check.

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/ui"
	"noo/mesh"
	"noo/mesh/control"
)

// sendFlags say which way the parts go.
type sendFlags struct {
	folder, to string
	quiet      bool
}

func newSend(t *ui.Terminal) *cobra.Command {
	var flags sendFlags
	cmd := &cobra.Command{
		Use:   "send REQUEST",
		Short: "Send a request to the national check",
		Long: `send sends the parts of a request that noo mesh request made. With --folder it
puts them into the folder from which the MESH client takes what it sends. It
remembers in the folder REQUEST what it sent: if you run it again, it sends the
rest.`,
		Example: `  noo mesh send request --folder /mesh/data/X26ABC1/out`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("name one request: the folder that noo mesh request made")
			}
			return runflags.AllNamed(args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return flags.run(cmd.Context(), t, args[0])
		},
	}
	set := cmd.Flags()
	set.StringVar(&flags.folder, "folder", "", "put the parts into the folder `DIR` of the MESH client")
	set.StringVar(&flags.to, "to", "", "the MESH mailbox of the national check is `ID`")
	set.BoolVar(&flags.quiet, "quiet", false, "print nothing on stderr but errors")
	return cmd
}

func (f *sendFlags) validate() error {
	switch {
	case f.folder == "":
		return outcome.Usage(errors.New("no way to send: name the folder with --folder DIR"))
	case f.to != "" && !control.IsMailbox(f.to):
		return outcome.Usage(errors.New("--to: a mailbox has letters and digits only"))
	}
	return nil
}

func (f *sendFlags) run(ctx context.Context, t *ui.Terminal, folder string) error {
	if err := f.validate(); err != nil {
		return err
	}
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
		exchange.To = f.to
	}
	if exchange.To == "" {
		return outcome.Usage(
			errors.New("no recipient: name the mailbox of the national check with --to ID"),
		)
	}
	sent := 0
	for _, part := range exchange.Parts {
		if known := exchange.SentPart(part); known != nil && known.Done {
			continue
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
		m := mesh.Sent{LocalID: part.LocalID, Begun: time.Now().UTC().Truncate(time.Second)}
		if err := exchange.PutPart(f.folder, part); err != nil {
			return fmt.Errorf("sending %s: %w", part.File, err)
		}
		m.Done = true
		if err := exchange.Note(m); err != nil {
			return err
		}
		sent++
	}
	if !f.quiet {
		t.Say("%s of %s sent", ui.Counted(int64(sent), "part", "parts"), folder)
	}
	return nil
}
