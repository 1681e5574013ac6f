package meshcommands

// noo mesh handshake: whether the MESH API accepts mailbox, password and certificate.

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/commandtree"
	"noo/cmd/noo/internal/ui"
)

func newHandshake(t *ui.Terminal) *cobra.Command {
	var connection Connection
	cmd := &cobra.Command{
		Use:   "handshake --api URL --mailbox NAME",
		Short: "Check that the MESH API accepts mailbox, password and certificate",
		Long: `handshake asks the MESH API whether it accepts the mailbox, its password, the
shared key and the client certificate. If not, it says which of them seems
wrong. The service wants a handshake once in 24 hours. handshake sends and
reads no message.

The password and the shared key come from files, or from NOO_MESH_PASSWORD and
NOO_MESH_SHARED_KEY. No option takes them, so no list of processes shows them.`,
		Example: `  noo mesh handshake --api https://mesh-sync.spineservices.nhs.uk \
    --mailbox X26HC001 --password-file password --shared-key-file shared-key \
    --client-cert client.pem --client-key client.key --ca nhs-ca.pem`,
		Args: commandtree.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return handshake(cmd.Context(), t, &connection)
		},
	}
	connection.Add(cmd)
	return cmd
}

// expiresSoon is how long before its end a certificate is spoken of: a new one takes days.
const expiresSoon = 60 * 24 * time.Hour

func handshake(ctx context.Context, t *ui.Terminal, connection *Connection) error {
	client, err := connection.Client(t)
	if err != nil {
		return err
	}
	if err := client.Handshake(ctx); err != nil {
		return err
	}
	expires := client.CertificateExpires()
	if expires.IsZero() {
		t.Say("mailbox %s: password and shared key are good; no certificate was used",
			client.Mailbox())
		return nil
	}
	date := expires.Format("2 Jan 2006")
	t.Say("mailbox %s: password, shared key and certificate (until %s) are good",
		client.Mailbox(), date)
	if time.Until(expires) < expiresSoon {
		t.Warn("the client certificate expires on " + date + ": ask NHS England for a new one")
	}
	return nil
}
