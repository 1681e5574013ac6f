// Package meshcommands has the commands of noo mesh: for datasets and for requests that travel over
// MESH, the message exchange of the NHS.
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
		Short:   "Work with the folders of a MESH client",
		Example: "  noo mesh filter --in mesh/IN --out mesh/OUT --jobs mesh.yaml --once",
	}
	cmd.AddCommand(newFilter(t))
	commandtree.Group(cmd)
	return cmd
}
