package main

// noo key: keys with which publishers sign snapshots.

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/commandtree"
	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/ui"
	"noo/snapshot"
)

func newKey(t *ui.Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "key",
		Short:   "Make keys for signing snapshots",
		Example: `  noo key generate --name publisher`,
	}
	cmd.AddCommand(newKeyGenerate(t))
	commandtree.Group(cmd)
	return cmd
}

func newKeyGenerate(t *ui.Terminal) *cobra.Command {
	var name, dir string
	var noPassword bool
	cmd := &cobra.Command{
		Use:   "generate --name NAME",
		Short: "Make a key pair",
		Long: `generate makes two files. You sign snapshots with NAME.key: keep it secret. You
give NAME.pub to the people who should trust your snapshots. Both are minisign
keys: minisign can read them, and noo can use keys that minisign made.

noo encrypts the private key with a password. It asks for the password on the
terminal, or takes it from ` + runflags.PasswordVariable + `.`,
		Example: `  noo key generate --name publisher
  noo key generate --name publisher --dir ~/keys --no-password`,
		Args: commandtree.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if name == "" || strings.ContainsAny(name, `/\:`) || strings.HasPrefix(name, ".") {
				return outcome.Usage(
					errors.New(
						"give the key a plain name with --name NAME, and its folder with --dir DIR",
					),
				)
			}
			key, err := snapshot.GenerateKey()
			if err != nil {
				return err
			}
			password := func() (string, error) {
				word, err := newPassword(cmd.Context(), t)
				t.Finish() // nobody is waited for any more
				if err == nil {
					err = context.Cause(cmd.Context())
				}
				return word, err
			}
			if noPassword {
				t.Finish()
				password = nil
			}
			private, public, err := snapshot.WriteKey(dir, name, key, password)
			if err != nil {
				return outcome.WithoutForce(err)
			}
			t.Say("%s signs snapshots: keep it to yourself", private)
			t.Say("%s checks them: hand it to those who are to trust you", public)
			if noPassword {
				t.Say(
					"the private key is not encrypted: whoever can read the file can sign in your name",
				)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "call the two files `NAME`.key and .pub")
	cmd.Flags().StringVar(&dir, "dir", ".", "put them into the folder `DIR`")
	cmd.Flags().BoolVar(&noPassword, "no-password", false, "do not encrypt the private key")
	return cmd
}

// newPassword asks for a password for a new key, twice.
func newPassword(ctx context.Context, t *ui.Terminal) (string, error) {
	first, asked, err := runflags.Password(
		ctx,
		t,
		"Password for the new key: ",
		runflags.PasswordVariable,
	)
	if err != nil || !asked {
		return first, err
	}
	second, _, err := runflags.Password(ctx, t, "The same again: ", runflags.PasswordVariable)
	if err != nil {
		return "", err
	}
	if first != second {
		return "", outcome.Usage(errors.New("the two passwords differ: try again"))
	}
	return first, nil
}
