package publishing

// The private key that a command signs with.

import (
	"context"
	"errors"

	"aead.dev/minisign"
	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/ui"
	"noo/internal/iopaths"
	"noo/snapshot"
)

// Signer is the flag that names the private key.
type Signer struct{ path string }

// Add adds the flag to a command.
func (s *Signer) Add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.path, "key", "", "sign with the private key in `FILE`")
}

// Validate refuses a command without a key. The error is one of use.
func (s *Signer) Validate() error {
	if s.path == "" {
		return outcome.Usage(
			errors.New("no key: name one with --key NAME.key (noo key generate makes one)"),
		)
	}
	return nil
}

// Paths adds the path of the key to those of the command.
func (s *Signer) Paths(paths *iopaths.Paths) { paths.Read(s.path) }

// Key loads the key. It asks for its password where it has one, and warns if others can read it.
func (s *Signer) Key(ctx context.Context, t *ui.Terminal) (minisign.PrivateKey, error) {
	key, err := snapshot.LoadPrivateKey(s.path, func() (string, error) {
		word, _, err := runflags.Password(
			ctx,
			t,
			"Password of "+s.path+": ",
			runflags.PasswordVariable,
		)
		return word, err
	})
	if err != nil {
		return key, err
	}
	runflags.WarnIfLoose(t, s.path)
	return key, nil
}
