// Package meshcommands has the commands of noo mesh: the exchange with the national check, which
// tells an organisation without a list who has opted out.
package meshcommands

import (
	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/commandtree"
	"noo/cmd/noo/internal/ui"
)

// New returns noo mesh with its commands.
func New(t *ui.Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mesh",
		Short: "Ask the national check who has opted out, over MESH",
		Long: `An organisation without a list of who has opted out asks the national check. It
sends the NHS numbers that it means to disclose, over MESH. The check sends back
those that have not opted out. noo makes the list to send, and a snapshot from
the answer.

noo mesh filter works the folders of a MESH client: it filters the datasets that
arrive, and sends the results on.`,
		Example: `  noo mesh request extract.csv -o request --mailbox X26ABC1
  noo mesh collect request reply.dat -o optouts.noo --key publisher.key
  noo filter extract.csv -o clean.csv --snapshot optouts.noo \
    --trusted-key publisher.pub`,
	}
	cmd.AddCommand(newRequest(t), newSend(t), newCollect(t), newHandshake(t), newFilter(t))
	commandtree.Group(cmd)
	return cmd
}
