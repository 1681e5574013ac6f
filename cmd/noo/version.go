package main

// noo version: which noo this is, for a report of what it did wrong.

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/ui"
)

// build says how a binary was built. What the build did not record is left out.
type build struct {
	Version    string    `json:"version"`
	Commit     string    `json:"commit,omitempty"`
	CommitDate string    `json:"commit_date,omitempty"`
	Modified   bool      `json:"modified"` // built from files that differ from the commit
	Go         string    `json:"go"`
	OS         string    `json:"os"`
	Arch       string    `json:"arch"`
	Libraries  []library `json:"libraries"`
}

type library struct {
	Path    string `json:"path"`
	Version string `json:"version"`
}

func newVersion(t *ui.Terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the version of noo, and how it was built",
		Long: `version prints the version, the commit, the version of Go and the system. Start
the report of a problem with it. With --json it also lists the libraries, for an
inventory.`,
		Example: "  noo version\n  noo version --json",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			if asJSON {
				encoder := json.NewEncoder(t.Out)
				encoder.SetIndent("", "  ")
				return printed(0, encoder.Encode(b))
			}
			return b.print(t)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, with the libraries")
	return cmd
}

// thisBuild is how this binary was built.
func thisBuild() build {
	b := build{Version: buildVersion(), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, Libraries: []library{}}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.CommitDate = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		b.Libraries = append(b.Libraries, library{module.Path, module.Version})
	}
	return b
}

func (b *build) print(t *ui.Terminal) error {
	commit := b.Commit
	switch {
	case commit == "":
		commit = "not recorded"
	case b.Modified:
		commit += ", with changes"
	}
	lines := [][2]string{{"noo", b.Version}, {"commit", commit}, {"of", b.CommitDate}, {"go", b.Go}, {"system", b.OS + "/" + b.Arch}}
	for _, line := range lines {
		if line[1] == "" {
			continue
		}
		if err := printed(fmt.Fprintf(t.Out, "%-8s %s\n", line[0], line[1])); err != nil {
			return err
		}
	}
	return nil
}
