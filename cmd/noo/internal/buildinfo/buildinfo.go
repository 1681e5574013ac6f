// Package buildinfo says how the binary was built.
package buildinfo

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"noo/cmd/noo/internal/ui"
)

// version is set by the Makefile; a plain go build or go install leaves it to the build
// information.
var version = ""

// Version returns the version that the binary was built as.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}

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

// This is how this binary was built.
func This() build {
	b := build{
		Version:   Version(),
		Go:        runtime.Version(),
		OS:        runtime.GOOS,
		Arch:      runtime.GOARCH,
		Libraries: []library{},
	}
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

func (b *build) Print(t *ui.Terminal) error {
	commit := b.Commit
	switch {
	case commit == "":
		commit = "not recorded"
	case b.Modified:
		commit += ", with changes"
	}
	lines := [][2]string{
		{"noo", b.Version},
		{"commit", commit},
		{"of", b.CommitDate},
		{"go", b.Go},
		{"system", b.OS + "/" + b.Arch},
	}
	for _, line := range lines {
		if line[1] == "" {
			continue
		}
		if err := ui.Printed(fmt.Fprintf(t.Out, "%-8s %s\n", line[0], line[1])); err != nil {
			return err
		}
	}
	return nil
}
