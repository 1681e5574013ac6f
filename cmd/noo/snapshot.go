package main

// noo snapshot: make, look at and verify the files that say who has opted out.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/commandtree"
	"noo/cmd/noo/internal/flagvalue"
	"noo/cmd/noo/internal/lists"
	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/ui"
	"noo/internal/atomicfile"
	"noo/internal/iopaths"
	"noo/internal/nhsnumber"
	"noo/snapshot"
)

func newSnapshot(t *ui.Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "snapshot",
		Short: "Build, inspect and verify snapshots of who has opted out",
		Example: `  noo snapshot build optouts.txt -o optouts.noo --key publisher.key
  noo snapshot verify optouts.noo --trusted-key publisher.pub`,
	}
	cmd.AddCommand(newSnapshotBuild(t), newSnapshotInspect(t), newSnapshotVerify(t))
	commandtree.Group(cmd)
	return cmd
}

// buildFlags say what goes into a snapshot.
type buildFlags struct {
	output, key, publisher, column string
	checked                        []string
	sequence                       flagvalue.Sequence
	validFor                       flagvalue.Age
	force                          bool
}

func newSnapshotBuild(t *ui.Terminal) *cobra.Command {
	flags := buildFlags{validFor: flagvalue.Age(snapshot.DefaultMaxAge)}
	cmd := &cobra.Command{
		Use:   "build LIST... -o OUT.noo --key NAME.key",
		Short: "Make a signed snapshot from lists of NHS numbers",
		Long: `build reads lists of the NHS numbers of people who have opted out, and writes a
signed snapshot. A list has one number on each line, with or without a comma
after it. build ignores blank lines and lines that start with #. With --column
the lists are CSV files with a header. LIST may be - for standard input. build
stops at a number that is not valid.

Without --checked the lists must be complete: everyone else has not opted out.
With it, only the numbers on the --checked lists were looked up, and filter will
withhold the records of everyone else.`,
		Example: `  noo snapshot build optouts.txt -o optouts.noo --key publisher.key
  noo snapshot build optouts.csv --column nhs_number -o optouts.noo \
    --key publisher.key --publisher "Example Trust"
  noo snapshot build optouts.txt --checked sent.dat -o optouts.noo \
    --key publisher.key`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("no list: name a file, or - for standard input")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, lists []string) error { return flags.build(cmd.Context(), t, lists) },
	}
	cmd.Flags().
		StringVarP(&flags.output, "output", "o", "", "write the snapshot to `FILE`, whose name usually ends in .noo")
	cmd.Flags().StringVar(&flags.key, "key", "", "sign with the private key in `FILE`")
	cmd.Flags().
		StringVar(&flags.publisher, "publisher", "", "the publisher of the snapshot is `TEXT`")
	cmd.Flags().
		StringVar(&flags.column, "column", "", "the lists are CSV; read the numbers from column `NAME`")
	cmd.Flags().
		StringArrayVar(&flags.checked, "checked", nil, "the numbers in the list `FILE` were looked up; may be repeated")
	flagvalue.Add(
		cmd.Flags(),
		&flags.sequence,
		"sequence",
		"give the snapshot sequence `N`, higher than that of the last",
	)
	cmd.Flags().Lookup("sequence").DefValue = "the time as YYYYMMDDhhmmss"
	flagvalue.Add(cmd.Flags(), &flags.validFor, "valid-for", "how long the snapshot may be used")
	cmd.Flags().BoolVar(&flags.force, "force", false, "overwrite an output that exists")
	return cmd
}

func (f *buildFlags) build(ctx context.Context, t *ui.Terminal, lists []string) error {
	switch {
	case f.output == "":
		return outcome.Usage(errors.New("no output: name one with -o OUT.noo"))
	case f.key == "":
		return outcome.Usage(
			errors.New("no key: name one with --key NAME.key (noo key generate makes one)"),
		)
	case f.sequence > snapshot.MaxSequence:
		return outcome.Usage(fmt.Errorf("--sequence is at most %d", uint64(snapshot.MaxSequence)))
	}
	if err := snapshot.CheckPublisher(f.publisher); err != nil {
		return outcome.Usage(fmt.Errorf("--publisher: %w", err))
	}
	if time.Duration(f.validFor) < time.Second {
		return outcome.Usage(errors.New("--valid-for is at least a second"))
	}
	if streams(lists)+streams(f.checked) > 1 {
		return outcome.Usage(errors.New("standard input (-) can be read as one list only"))
	}
	if err := f.checkPaths(t, lists); err != nil {
		return err
	}
	out, err := atomicfile.Create(f.output, f.force)
	if err != nil {
		return err
	}
	defer out.Discard()

	sets, duplicates, err := f.sets(t, lists)
	if err != nil {
		return err
	}
	key, err := snapshot.LoadPrivateKey(f.key, func() (string, error) {
		word, _, err := password(ctx, t, "Password of "+f.key+": ")
		return word, err
	})
	if err != nil {
		return err
	}
	if loose, err := snapshot.LoosePermissions(f.key); err == nil && loose {
		t.Say("warning: others can read %s: make it yours alone (chmod 600)", f.key)
	}
	created := time.Now().UTC().Truncate(time.Second)
	scope := snapshot.National
	if sets.Checked != nil {
		scope = snapshot.Checked
	}
	m, err := snapshot.Write(out, snapshot.Manifest{
		Publisher: f.publisher, Scope: scope, Sequence: uint64(f.sequence), Created: created, ValidUntil: created.Add(time.Duration(f.validFor)),
	}, sets, key)
	if err != nil {
		return err
	}
	t.Finish()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := atomicfile.Commit(out); err != nil {
		return err
	}
	switch all := sets.Checked; {
	case sets.OptedOut.Len() == 0:
		t.Say(
			"warning: nobody on the lists of those who were looked up has opted out: make sure that no list went missing",
		)
	case all != nil && sets.OptedOut.Len() > all.Len()/2:
		t.Say(
			"warning: most of those who were looked up have opted out: the list that comes back from MESH holds those who have not",
		)
	}
	t.Say(
		"%s: %s opted out (%s dropped), sequence %d, valid until %s",
		f.output,
		ui.Grouped(int64(sets.OptedOut.Len())),
		ui.Counted(int64(duplicates), "duplicate", "duplicates"),
		m.Sequence,
		m.ValidUntil.Format("2 Jan 2006 15:04 UTC"),
	)
	return nil
}

// streams counts the lists that are standard input.
func streams(lists []string) (n int) {
	for _, path := range lists {
		if path == "-" {
			n++
		}
	}
	return n
}

// checkPaths refuses an output that is one of the files that the build reads.
func (f *buildFlags) checkPaths(t *ui.Terminal, lists []string) error {
	var paths iopaths.Paths
	paths.Read(f.key)
	paths.ReadOpen("stdin", t.In)
	for _, path := range append(lists, f.checked...) {
		if path != "-" {
			paths.Read(path)
		}
	}
	paths.Write(f.output)
	return paths.Check()
}

// sets reads the lists, and counts the numbers that came more than once in those of who has opted
// out.
func (f *buildFlags) sets(
	t *ui.Terminal,
	named []string,
) (sets snapshot.Sets, duplicates uint64, err error) {
	if sets.OptedOut, duplicates, err = lists.Read(t, named, f.column); err != nil {
		return sets, 0, err
	}
	if len(f.checked) > 0 {
		sets.Checked, _, err = lists.Read(t, f.checked, f.column)
	}
	return sets, duplicates, err
}

func newSnapshotInspect(t *ui.Terminal) *cobra.Command {
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
		RunE: func(_ *cobra.Command, args []string) error {
			flags.Path = args[0]
			s, err := flags.Open()
			if err != nil {
				return err
			}
			return printSnapshot(t, s, asJSON)
		},
	}
	cmd.Flags().StringArrayVar(&flags.Trusted, "trusted-key", nil, runflags.TrustedKeyUsage)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newSnapshotVerify(t *ui.Terminal) *cobra.Command {
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
		RunE: func(_ *cobra.Command, args []string) error {
			flags.Path = args[0]
			s, err := flags.Accept()
			if err != nil {
				return err
			}
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
