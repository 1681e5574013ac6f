package main

// noo version: which noo this is, for a report of what it did wrong.

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/buildinfo"
	"noo/cmd/noo/internal/commandtree"
	"noo/cmd/noo/internal/ui"
)

func newVersion(t *ui.Terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the version of noo, and how it was built",
		Long: `version prints the version, the commit, the version of Go and the system. Start
the report of a problem with it. With --json it also lists the libraries, for an
inventory.`,
		Example: "  noo version\n  noo version --json",
		Args:    commandtree.NoArguments,
		RunE: func(*cobra.Command, []string) error {
			b := buildinfo.This()
			if asJSON {
				encoder := json.NewEncoder(t.Out)
				encoder.SetIndent("", "  ")
				return ui.Printed(0, encoder.Encode(b))
			}
			return b.Print(t)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, with the libraries")
	return cmd
}
