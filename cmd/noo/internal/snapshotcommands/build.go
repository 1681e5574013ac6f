package snapshotcommands

// noo snapshot build: a signed snapshot from lists of NHS numbers.

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/lists"
	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/publishing"
	"noo/cmd/noo/internal/ui"
	"noo/internal/iopaths"
	"noo/snapshot"
)

// buildFlags say what goes into a snapshot.
type buildFlags struct {
	publishing.Flags
	column      string
	checked     []string
	skipInvalid bool
}

func newBuild(t *ui.Terminal) *cobra.Command {
	var flags buildFlags
	cmd := &cobra.Command{
		Use:   "build LIST... -o OUT.noo --key NAME.key",
		Short: "Make a signed snapshot from lists of NHS numbers or FHIR Consents",
		Long: `build reads lists of the NHS numbers of people who have opted out, and writes a
signed snapshot. A list has one number on each line, with or without a comma
after it. build ignores blank lines and lines that start with #. With --column
the lists are CSV files with a header. LIST may be - for standard input. build
stops at a number that is not valid. A list may be compressed.

LIST may also hold FHIR Consents, STU3 or R4: a Bundle, an array, NDJSON or one
resource, JSON or XML. The latest Consent of each patient decides. build stops
at one that it cannot use; with --skip-invalid it counts it and goes on.

Without --checked the lists must be complete: everyone else has not opted out.
With it, only the numbers on the --checked lists were looked up, and filter will
withhold the records of everyone else. The Consents of a local or regional
repository are not complete: name its patients with --checked. Patients with a
Consent count as looked up.`,
		Example: `  noo snapshot build optouts.txt -o optouts.noo --key publisher.key
  noo snapshot build optouts.csv --column nhs_number -o optouts.noo \
    --key publisher.key --publisher "Example Trust"
  noo snapshot build optouts.txt --checked sent.dat -o optouts.noo \
    --key publisher.key
  noo snapshot build consents.ndjson.gz --checked patients.txt \
    -o optouts.noo --key publisher.key`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("no list: name a file, or - for standard input")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, lists []string) error { return flags.build(cmd.Context(), t, lists) },
	}
	flags.Add(cmd)
	cmd.Flags().
		StringVar(&flags.column, "column", "", "the lists are CSV; read the numbers from column `NAME`")
	cmd.Flags().
		StringArrayVar(&flags.checked, "checked", nil, "the numbers in the list `FILE` were looked up; may be repeated")
	cmd.Flags().
		BoolVar(&flags.skipInvalid, "skip-invalid", false, "leave out FHIR Consents that cannot be used")
	return cmd
}

func (f *buildFlags) build(ctx context.Context, t *ui.Terminal, lists []string) error {
	if err := f.Validate(); err != nil {
		return err
	}
	if streams(lists)+streams(f.checked) > 1 {
		return outcome.Usage(errors.New("standard input (-) can be read as one list only"))
	}
	if err := f.checkPaths(t, lists); err != nil {
		return err
	}
	out, err := f.Create()
	if err != nil {
		return err
	}
	defer out.Discard()

	sets, found, err := f.sets(ctx, t, lists)
	if err != nil {
		return err
	}
	scope := snapshot.National
	if sets.Checked != nil {
		scope = snapshot.Checked
	}
	m, err := f.Publish(ctx, t, out, publishing.Snapshot{Scope: scope, Sets: sets, Created: time.Now()})
	if err != nil {
		return err
	}
	if found.Patients != nil && scope == snapshot.National {
		t.Say(
			"warning: everyone without a Consent counts as not opted out: name who was looked up with --checked if that is not so",
		)
	}
	switch all := sets.Checked; {
	case sets.OptedOut.Len() == 0:
		t.Say(
			"warning: nobody on the lists of those who were looked up has opted out: make sure that no list went missing",
		)
	case all != nil && found.Patients == nil && sets.OptedOut.Len() > all.Len()/2:
		t.Say(
			"warning: most of those who were looked up have opted out: the list that comes back from MESH holds those who have not",
		)
	}
	t.Say(
		"%s: %s opted out (%s dropped), sequence %d, valid until %s",
		f.Output,
		ui.Grouped(int64(sets.OptedOut.Len())),
		ui.Counted(int64(found.Duplicates), "duplicate", "duplicates"),
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
	paths.ReadOpen("stdin", t.In)
	for _, path := range append(lists, f.checked...) {
		if path != "-" {
			paths.Read(path)
		}
	}
	f.Paths(&paths)
	return paths.Check()
}

// sets reads the lists. Patients with a Consent were looked up, as are the numbers on the lists of
// those who were.
func (f *buildFlags) sets(
	ctx context.Context,
	t *ui.Terminal,
	named []string,
) (sets snapshot.Sets, found lists.OptOuts, err error) {
	options := lists.Options{Column: f.column, SkipInvalid: f.skipInvalid}
	found, err = lists.ReadOptOuts(ctx, t, named, options)
	if err != nil {
		return sets, found, err
	}
	sets.OptedOut = found.OptedOut
	if len(f.checked) > 0 {
		sets.Checked, _, err = lists.Read(ctx, t, f.checked, f.column)
	}
	if err == nil && sets.Checked != nil && found.Patients != nil {
		sets.Checked.Union(found.Patients)
	}
	return sets, found, err
}
