package publishing

// The private key that a command signs with, and its password.

import (
	"context"
	"errors"
	"fmt"
	"os"

	"aead.dev/minisign"
	"github.com/spf13/cobra"
	"golang.org/x/term"

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
		word, _, err := Password(ctx, t, "Password of "+s.path+": ")
		return word, err
	})
	if err != nil {
		return key, err
	}
	if loose, err := snapshot.LoosePermissions(s.path); err == nil && loose {
		t.Say("warning: others can read %s: make it yours alone (chmod 600)", s.path)
	}
	return key, nil
}

// Password takes a password from the environment or, asked being true then, from the terminal.
func Password(
	ctx context.Context,
	t *ui.Terminal,
	prompt string,
) (word string, asked bool, err error) {
	if word, ok := os.LookupEnv(runflags.PasswordVariable); ok {
		return word, false, nil
	}
	if !term.IsTerminal(int(t.In.Fd())) {
		return "", false, outcome.Usage(
			fmt.Errorf(
				"a password is needed: run this on a terminal, or set %s",
				runflags.PasswordVariable,
			),
		)
	}
	// Reading without echo cannot be interrupted, but a terminal must not be left without echo.
	if state, err := term.GetState(int(t.In.Fd())); err == nil {
		defer context.AfterFunc(ctx, func() { _ = term.Restore(int(t.In.Fd()), state) })()
	}
	fmt.Fprint(t.Err, prompt)
	bytes, err := term.ReadPassword(int(t.In.Fd()))
	fmt.Fprintln(t.Err)
	if err != nil {
		return "", true, fmt.Errorf("reading the password: %w", err)
	}
	return string(bytes), true, nil
}
