package runflags

// The flag that names the identities with which encrypted snapshots are opened.

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/flagvalue"
	"noo/cmd/noo/internal/ui"
	"noo/internal/iopaths"
	"noo/snapshot/sealed"
)

// IdentityPasswordVariable holds the password of an identity where there is no terminal to ask for
// it.
const IdentityPasswordVariable = "NOO_IDENTITY_PASSWORD"

// Identities name the files with the identities that open encrypted snapshots.
type Identities struct{ Files []string }

// Add adds the flag to a command.
func (f *Identities) Add(cmd *cobra.Command) {
	flagvalue.AddTexts(
		cmd.Flags(),
		&f.Files,
		"identity",
		"decrypt with the age identity or SSH private key in `FILE`; may be repeated",
		func(path string) error {
			if sealed.IsSecret(path) {
				return errors.New("want a file, and not the identity itself")
			}
			return nil
		},
	)
}

// Paths adds the files to the paths of the command.
func (f *Identities) Paths(paths *iopaths.Paths) {
	for _, file := range f.Files {
		paths.Read(file)
	}
}

// Load returns the identities. They ask for the password of one that has a password, and warn of
// one that others can read.
func (f *Identities) Load(ctx context.Context, t *ui.Terminal) *sealed.Identities {
	return &sealed.Identities{
		Files: f.Files,
		Password: func(file string) (string, error) {
			word, _, err := Password(ctx, t, "Password of "+file+": ", IdentityPasswordVariable)
			return word, err
		},
		Loose: func(file string) { t.Warn(ui.Showable(LooseFile(file))) },
	}
}
