// Package meshcommands has the commands of noo mesh: the exchange with the national check.
package meshcommands

import (
	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/commandtree"
	"noo/cmd/noo/internal/ui"
)

// New returns noo mesh with its commands.
func New(t *ui.Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "mesh",
		Short:   "Ask the national check over MESH who has opted out",
		Example: `  noo mesh handshake`,
	}
	cmd.AddCommand(newHandshake(t))
	commandtree.Group(cmd)
	return cmd
}
