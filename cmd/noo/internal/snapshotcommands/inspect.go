package snapshotcommands

// noo snapshot inspect and verify: what a snapshot says of itself, and whether it may be used.

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/ui"
	"noo/internal/nhsnumber"
	"noo/snapshot"
)

func newInspect(t *ui.Terminal) *cobra.Command {
	var flags runflags.Snapshot
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Show the manifest of a snapshot",
		Long: `inspect verifies the signature of a snapshot and prints its manifest. It accepts
a snapshot that is too old or expired. It prints nothing if the signature is
wrong or the publisher is not trusted.`,
		Example: `  noo snapshot inspect optouts.noo --trusted-key publisher.pub`,
		Args:    oneSnapshot,
		RunE: func(cmd *cobra.Command, args []string) error {
			flags.Paths = args
			s, err := flags.Open(cmd.Context(), t)
			if err != nil {
				return err
			}
			return printSnapshot(t, s.Members()[0], asJSON)
		},
	}
	cmd.Flags().StringArrayVar(&flags.Trusted, "trusted-key", nil, runflags.TrustedKeyUsage)
	flags.Identities.Add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newVerify(t *ui.Terminal) *cobra.Command {
	var flags runflags.Snapshot
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check whether a snapshot may be used",
		Long: `verify makes the same checks as filter does: signature, trust, age and sequence.
It exits with 0 if the snapshot may be used. Otherwise it prints the reason and
exits with 3.`,
		Example: `  noo snapshot verify optouts.noo --trusted-key publisher.pub --max-age 7d`,
		Args:    oneSnapshot,
		RunE: func(cmd *cobra.Command, args []string) error {
			flags.Paths = args
			accepted, err := flags.Accept(cmd.Context(), t)
			if err != nil {
				return err
			}
			s := accepted.Members()[0]
			if asJSON {
				return printSnapshot(t, s, true)
			}
			return ui.Printed(
				fmt.Fprintf(
					t.Out,
					"%s: may be used: signed by %s, sequence %d, valid until %s\n",
					ui.Showable(
						args[0],
					),
					s.KeyID(),
					s.Manifest().Sequence,
					s.Manifest().ValidUntil.Format("2 Jan 2006 15:04 UTC"),
				),
			)
		},
	}
	flags.AddTrust(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// oneSnapshot asks for exactly one snapshot, in words.
func oneSnapshot(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return errors.New("name one snapshot")
	}
	return nil
}

// printSnapshot prints what a snapshot says of itself.
func printSnapshot(t *ui.Terminal, s *snapshot.Snapshot, asJSON bool) error {
	m := s.Manifest()
	if asJSON {
		m.Publisher = nhsnumber.Mask(m.Publisher)
		encoder := json.NewEncoder(t.Out)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(struct {
			snapshot.Manifest
			KeyID string `json:"key_id"`
			Bytes int64  `json:"bytes"`
		}{m, s.KeyID(), s.Size()}); err != nil {
			return fmt.Errorf("writing stdout: %w", err)
		}
		return nil
	}
	for _, line := range [][2]string{
		{"id", m.ID},
		{"publisher", ui.Showable(m.Publisher)},
		{"signed by", s.KeyID()},
		{"scope", string(m.Scope)},
		{"sequence", fmt.Sprint(m.Sequence)},
		{"created", m.Created.Format(time.RFC3339)},
		{"valid until", m.ValidUntil.Format(time.RFC3339)},
	} {
		if err := ui.Printed(fmt.Fprintf(t.Out, "%-12s %s\n", line[0], line[1])); err != nil {
			return err
		}
	}
	for _, section := range m.Sections {
		if err := ui.Printed(fmt.Fprintf(t.Out, "%-12s %s numbers\n", section.Name, ui.Grouped(int64(section.Count)))); err != nil {
			return err
		}
	}
	return nil
}
