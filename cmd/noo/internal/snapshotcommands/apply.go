package snapshotcommands

// noo snapshot apply: the next snapshot, from the last one and a delta.

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/ui"
	"noo/internal/iopaths"
	"noo/snapshot"
	"noo/snapshot/delta"
)

type applyFlags struct {
	output   output
	snapshot runflags.Snapshot
}

func newApply(t *ui.Terminal) *cobra.Command {
	var flags applyFlags
	cmd := &cobra.Command{
		Use:   "apply OLD DELTA -o NEW.noo",
		Short: "Make the next snapshot from the last one and a delta",
		Long: `apply makes the snapshot that the publisher made the delta for. NEW is the file
of the publisher to the byte, with the publisher's signature. apply verifies
OLD, DELTA and NEW with the trusted keys. It writes nothing if one of them is
wrong, or if DELTA is for another snapshot than OLD.

apply accepts an OLD that is too old or expired. noo filter looks at the age of
NEW as of any snapshot.`,
		Example: `  noo snapshot apply monday.noo tuesday.noodelta -o tuesday.noo \
    --trusted-key publisher.pub`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return errors.New("name a snapshot and its delta")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return flags.apply(cmd.Context(), t, args[0], args[1])
		},
	}
	flags.output.add(cmd, "write the snapshot to `FILE`, whose name usually ends in .noo")
	cmd.Flags().
		StringArrayVar(&flags.snapshot.Trusted, "trusted-key", nil, runflags.TrustedKeyUsage)
	flags.snapshot.Identities.Add(cmd)
	return cmd
}

func (f *applyFlags) apply(ctx context.Context, t *ui.Terminal, older, change string) error {
	if err := f.validate(older, change); err != nil {
		return err
	}
	out, err := f.output.create()
	if err != nil {
		return err
	}
	defer out.Discard()

	trusted, err := f.snapshot.Keys()
	if err != nil {
		return err
	}
	identities := f.snapshot.Identities.Load(ctx, t)
	old, err := snapshot.OpenThrough(older, trusted, identities.Reader)
	if err != nil {
		return err
	}
	d, err := delta.Open(change, trusted, identities.Reader)
	if err != nil {
		return err
	}
	fresh, err := d.Apply(old, trusted)
	if err != nil {
		return err
	}
	write := func(w io.Writer) error {
		_, err := fresh.WriteTo(w)
		return err
	}
	if err := f.output.commit(ctx, t, out, identities.MetEncrypted(), write); err != nil {
		return err
	}
	m := fresh.Manifest()
	t.Say(
		"%s: %s opted out, sequence %d, valid until %s",
		f.output.path,
		ui.Grouped(int64(m.Sections[0].Count)),
		m.Sequence,
		m.ValidUntil.Format("2 Jan 2006 15:04 UTC"),
	)
	return nil
}

func (f *applyFlags) validate(older, change string) error {
	if err := f.output.validate(); err != nil {
		return err
	}
	var paths iopaths.Paths
	paths.Read(older)
	paths.Read(change)
	f.snapshot.Identities.Paths(&paths)
	f.output.paths(&paths)
	return paths.Check()
}
