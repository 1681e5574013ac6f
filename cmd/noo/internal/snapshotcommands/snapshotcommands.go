// Package snapshotcommands has the commands of noo snapshot: make, look at, verify and update the
// files that say who has opted out.
package snapshotcommands

import (
	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/commandtree"
	"noo/cmd/noo/internal/ui"
)

// New returns noo snapshot with its commands.
func New(t *ui.Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "snapshot",
		Short: "Build, verify and update snapshots of who has opted out",
		Example: `  noo snapshot build optouts.txt -o optouts.noo --key publisher.key
  noo snapshot verify optouts.noo --trusted-key publisher.pub`,
	}
	cmd.AddCommand(newBuild(t), newInspect(t), newVerify(t), newDiff(t), newApply(t))
	commandtree.Group(cmd)
	return cmd
}
