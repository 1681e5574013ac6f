package runflags

// Passwords of keys, from the environment or from the terminal.

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/term"

	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/ui"
	"noo/snapshot"
)

// LooseFile says that a file of a private key can be read by others than its owner.
func LooseFile(file string) string {
	return fmt.Sprintf("others can read %s: make it yours alone (chmod 600)", file)
}

// WarnIfLoose warns if others than its owner can read the file with a secret at path. "" is none.
func WarnIfLoose(t *ui.Terminal, path string) {
	if path == "" {
		return
	}
	if loose, err := snapshot.LoosePermissions(path); err == nil && loose {
		t.Say("warning: %s", LooseFile(path))
	}
}

// Password takes a password from the variable or, asked being true then, from the terminal.
func Password(
	ctx context.Context,
	t *ui.Terminal,
	prompt, variable string,
) (word string, asked bool, err error) {
	if word, ok := os.LookupEnv(variable); ok {
		return word, false, nil
	}
	if !term.IsTerminal(int(t.In.Fd())) {
		return "", false, outcome.Usage(
			fmt.Errorf("a password is needed: run this on a terminal, or set %s", variable),
		)
	}
	// Reading without echo cannot be interrupted, but a terminal must not be left without echo.
	if state, err := term.GetState(int(t.In.Fd())); err == nil {
		defer context.AfterFunc(ctx, func() { _ = term.Restore(int(t.In.Fd()), state) })()
	}
	fmt.Fprint(t.Err, ui.Showable(prompt))
	bytes, err := term.ReadPassword(int(t.In.Fd()))
	fmt.Fprintln(t.Err)
	if err != nil {
		return "", true, fmt.Errorf("reading the password: %w", err)
	}
	return string(bytes), true, nil
}
