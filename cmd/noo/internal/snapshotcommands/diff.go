package snapshotcommands

// noo snapshot diff: a delta, which is what changed between two snapshots.

import (
	"context"
	"errors"
	"io"

	"aead.dev/minisign"
	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/publishing"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/ui"
	"noo/internal/iopaths"
	"noo/snapshot"
	"noo/snapshot/delta"
)

type diffFlags struct {
	publishing.Signer
	output     output
	identities runflags.Identities
}

func newDiff(t *ui.Terminal) *cobra.Command {
	var flags diffFlags
	cmd := &cobra.Command{
		Use:   "diff OLD NEW -o FILE.noodelta --key NAME.key",
		Short: "Make a delta from one snapshot to the next",
		Long: `diff writes a delta: a signed file with what changed from OLD to NEW. People who
have OLD make NEW from it with noo snapshot apply. The delta is much smaller
than NEW if little changed.

The key must be the one that signed OLD and NEW. NEW must have the scope of OLD
and a higher sequence. The age of both does not matter.

A delta names people, as a snapshot does. --recipient encrypts it.`,
		Example: `  noo snapshot diff monday.noo tuesday.noo -o tuesday.noodelta \
    --key publisher.key`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return errors.New("name two snapshots: the old one and the new one")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return flags.diff(cmd.Context(), t, args[0], args[1])
		},
	}
	flags.output.add(cmd, "write the delta to `FILE`, whose name usually ends in .noodelta")
	flags.Signer.Add(cmd)
	flags.identities.Add(cmd)
	return cmd
}

func (f *diffFlags) diff(ctx context.Context, t *ui.Terminal, older, newer string) error {
	if err := f.validate(older, newer); err != nil {
		return err
	}
	out, err := f.output.create()
	if err != nil {
		return err
	}
	defer out.Discard()

	key, err := f.Key(ctx, t)
	if err != nil {
		return err
	}
	identities := f.identities.Load(ctx, t)
	own := []minisign.PublicKey{key.Public().(minisign.PublicKey)}
	old, err := openOwn(older, own, identities.Reader)
	if err != nil {
		return err
	}
	fresh, err := openOwn(newer, own, identities.Reader)
	if err != nil {
		return err
	}
	var m delta.Manifest
	write := func(w io.Writer) (err error) {
		m, err = delta.Write(w, old, fresh, key)
		return err
	}
	if err := f.output.commit(ctx, t, out, identities.MetEncrypted(), write); err != nil {
		return err
	}
	t.Say(
		"%s: %s, from sequence %d to %d",
		f.output.path,
		ui.Counted(int64(m.Changes()), "change", "changes"),
		m.Old.Sequence,
		m.New.Sequence,
	)
	return nil
}

func (f *diffFlags) validate(older, newer string) error {
	if err := f.Signer.Validate(); err != nil {
		return err
	}
	if err := f.output.validate(); err != nil {
		return err
	}
	var paths iopaths.Paths
	paths.Read(older)
	paths.Read(newer)
	f.Signer.Paths(&paths)
	f.identities.Paths(&paths)
	f.output.paths(&paths)
	return paths.Check()
}

// openOwn opens a snapshot that must be signed with the own key.
func openOwn(
	path string,
	own []minisign.PublicKey,
	through func(io.Reader) (io.Reader, error),
) (*snapshot.Snapshot, error) {
	s, err := snapshot.OpenThrough(path, own, through)
	if errors.Is(err, snapshot.ErrUntrusted) {
		return nil, &snapshot.Refusal{
			Path:   path,
			Reason: delta.ErrOtherKey,
			Detail: "a delta is signed with the key of both snapshots",
		}
	}
	return s, err
}
