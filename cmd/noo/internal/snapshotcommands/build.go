package snapshotcommands

// noo snapshot build: a signed snapshot from lists of NHS numbers.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/flagvalue"
	"noo/cmd/noo/internal/lists"
	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/publishing"
	"noo/cmd/noo/internal/runflags"
	"noo/cmd/noo/internal/ui"
	"noo/internal/iopaths"
	"noo/internal/kind"
	"noo/snapshot"
)

// buildFlags say what goes into a snapshot.
type buildFlags struct {
	publishing.Flags
	column      string
	scope       snapshot.Scope // "" as the lists say
	checked     []string
	clear       []string
	allOptedOut bool
	skipInvalid bool
}

func newBuild(t *ui.Terminal) *cobra.Command {
	var flags buildFlags
	cmd := &cobra.Command{
		Use:   "build [LIST...] -o OUT.noo --key NAME.key",
		Short: "Make a signed snapshot from lists of NHS numbers or FHIR Consents",
		Long: `build reads lists of the NHS numbers of people who have opted out, and writes a
signed snapshot. A list has one number on each line, with or without a comma
after it. build ignores blank lines and lines that start with #. With --column
the lists are CSV files with a header. LIST may be - for standard input. build
stops at a number that is not valid. A list may be compressed.

LIST may also hold FHIR Consents, STU3 or R4: a Bundle, an array, NDJSON or one
resource, JSON or XML. The latest Consent of each patient decides. build stops
at one that it cannot use; with --skip-invalid it counts it and goes on.

The scope says what it means that a number is absent:

  national   the lists are complete: everyone else has not opted out
  checked    only the numbers on the --checked and --clear lists were looked up:
             filter withholds the records of everyone else
  local      the opt-outs of your own organisation: filter adds them to those of
             the other snapshots that you give it

--clear takes the opposite list: those who have not opted out, such as the
answer of the national check. With the --checked lists that you sent, those who
are missing in the answer have opted out. The Consents of a local or regional
repository are not complete: name its patients with --checked. Patients with a
Consent count as looked up.

A snapshot names people. --recipient encrypts it with age.`,
		Example: `  noo snapshot build optouts.txt -o optouts.noo --key publisher.key
  noo snapshot build optouts.csv --column nhs_number -o optouts.noo \
    --key publisher.key --publisher "Example Trust"
  noo snapshot build --checked sent.dat --clear answer.dat -o optouts.noo \
    --key publisher.key
  noo snapshot build consents.ndjson.gz --checked patients.txt \
    -o optouts.noo --key publisher.key
  noo snapshot build ours.txt --scope local -o local.noo --key publisher.key \
    --recipient "$(cat trust.pub)"`,
		Args:    cobra.ArbitraryArgs,
		PreRunE: func(_ *cobra.Command, lists []string) error { return flags.ready(lists) },
		RunE:    func(cmd *cobra.Command, lists []string) error { return flags.build(cmd.Context(), t, lists) },
	}
	flags.Add(cmd)
	cmd.Flags().
		StringVar(&flags.column, "column", "", "the lists are CSV; read the numbers from column `NAME`")
	scope := flagvalue.NewChoice("SCOPE", &flags.scope,
		scopeWord(snapshot.National), scopeWord(snapshot.Checked), scopeWord(snapshot.Local),
	).Default("national, or checked with --checked or --clear")
	runflags.AddChoice(cmd.Flags(), scope, "scope", "what it means that a number is absent")
	cmd.Flags().
		StringArrayVar(&flags.checked, "checked", nil, "the numbers in the list `FILE` were looked up; may be repeated")
	cmd.Flags().
		StringArrayVar(&flags.clear, "clear", nil, "the numbers in the list `FILE` were looked up and have not opted out; may be repeated")
	cmd.Flags().
		BoolVar(&flags.allOptedOut, "all-opted-out", false, "an empty --clear list is no failure: everybody on the --checked lists has opted out")
	cmd.Flags().
		BoolVar(&flags.skipInvalid, "skip-invalid", false, "leave out FHIR Consents that cannot be used")
	return cmd
}

func scopeWord(scope snapshot.Scope) flagvalue.Word[snapshot.Scope] {
	return flagvalue.Word[snapshot.Scope]{Text: string(scope), Value: scope}
}

// ready refuses lists and flags that contradict one another, before any list is read.
func (f *buildFlags) ready(lists []string) error {
	problem := f.contradiction(lists)
	switch {
	case problem != "":
		return outcome.Usage(errors.New(problem))
	case streams(lists, f.checked, f.clear) > 1:
		return outcome.Usage(errors.New("standard input (-) can be read as one list only"))
	}
	return f.Validate()
}

// contradiction says what is wrong with the lists and flags together, or "".
func (f *buildFlags) contradiction(lists []string) string {
	looked := len(f.checked)+len(f.clear) > 0
	switch {
	case len(lists)+len(f.clear) == 0:
		return "no list: name a file, or - for standard input"
	case slices.Contains(slices.Concat(lists, f.checked, f.clear), ""):
		return "a list is an empty text: name a file; is a variable in the command line empty?"
	case looked && f.scope != "" && f.scope != snapshot.Checked:
		return fmt.Sprintf(
			"--scope %s has no --checked and --clear lists: leave them out, or pass --scope checked",
			f.scope,
		)
	case !looked && f.scope == snapshot.Checked:
		return "--scope checked without those who were looked up: name them with --checked or --clear"
	case len(lists) > 0 && len(f.checked) > 0 && len(f.clear) > 0:
		return "--checked and --clear say who has opted out: leave out one of the two, or LIST"
	case f.both() != "":
		return f.both() + " is both a --checked and a --clear list: --clear takes the answer to what was sent"
	case f.allOptedOut && (len(f.checked) == 0 || len(f.clear) == 0):
		return "--all-opted-out is for an empty --clear list beside --checked lists"
	}
	return ""
}

// both returns a list that is named as one of those who were looked up and as the answer, or "".
func (f *buildFlags) both() string {
	for _, path := range f.clear {
		if path != "-" && slices.Contains(f.checked, path) {
			return path
		}
	}
	return ""
}

// scopeOf returns the scope that the flags and the lists ask for.
func (f *buildFlags) scopeOf() snapshot.Scope {
	switch {
	case f.scope != "":
		return f.scope
	case len(f.checked)+len(f.clear) > 0:
		return snapshot.Checked
	}
	return snapshot.National
}

func (f *buildFlags) build(ctx context.Context, t *ui.Terminal, lists []string) error {
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
	made := publishing.Snapshot{Scope: f.scopeOf(), Sets: sets, Created: time.Now()}
	m, err := f.Publish(ctx, t, out, made)
	if err != nil {
		return err
	}
	if found.Patients != nil && made.Scope == snapshot.National {
		t.Say(
			"warning: everyone without a Consent counts as not opted out: name who was looked up with --checked if that is not so",
		)
	}
	if doubt := f.doubt(sets, lists, found.Patients != nil); doubt != "" {
		t.Say("warning: %s", doubt)
	}
	counts := ui.Grouped(int64(sets.OptedOut.Len())) + " opted out"
	if len(f.clear) > 0 {
		counts += ", " + ui.Grouped(int64(sets.Checked.Len())) + " looked up"
	}
	t.Say(
		"%s: %s (%s dropped), sequence %d, valid until %s",
		f.Output,
		counts,
		ui.Counted(int64(found.Duplicates), "duplicate", "duplicates"),
		m.Sequence,
		m.ValidUntil.Format("2 Jan 2006 15:04 UTC"),
	)
	return nil
}

// doubt says what is unlikely about those who were looked up, or "". National and local snapshots
// have nobody to compare with. Of Consents, most are opt-outs.
func (f *buildFlags) doubt(sets snapshot.Sets, lists []string, consents bool) string {
	if sets.Checked == nil {
		return ""
	}
	answered := len(f.clear) > 0 && len(f.checked) > 0
	switch out := sets.OptedOut.Len(); {
	case out == 0 && answered:
		return "nobody who was looked up has opted out: make sure that --clear has the answer, not what was sent"
	case out == 0 && len(lists) > 0:
		return "nobody on the lists of those who were looked up has opted out: make sure that no list went missing"
	case out <= sets.Checked.Len()/2 || f.allOptedOut || consents:
		return ""
	case answered:
		return "most of those who were looked up have opted out: make sure that the --clear lists are complete"
	case len(f.clear) > 0:
		return "most of those who were looked up have opted out: make sure that LIST and --clear are not swapped"
	}
	return "most of those who were looked up have opted out: the list that comes back from MESH is for --clear"
}

// streams counts the lists that are standard input.
func streams(lists ...[]string) (n int) {
	for _, path := range slices.Concat(lists...) {
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
	for _, path := range slices.Concat(lists, f.checked, f.clear) {
		if path != "-" {
			paths.Read(path)
		}
	}
	f.Paths(&paths)
	return paths.Check()
}

// sets reads the lists, and counts the numbers that came more than once in those of who has opted
// out and of who has not. Patients with a Consent were looked up, as are the numbers on the lists of
// those who were.
func (f *buildFlags) sets(
	ctx context.Context,
	t *ui.Terminal,
	named []string,
) (sets snapshot.Sets, found lists.OptOuts, err error) {
	options := lists.Options{Column: f.column, SkipInvalid: f.skipInvalid}
	if found, err = lists.ReadOptOuts(ctx, t, named, options); err != nil {
		return sets, found, err
	}
	sets.OptedOut = found.OptedOut
	options.SkipInvalid = false
	if len(f.checked) > 0 {
		if sets.Checked, _, err = lists.Read(ctx, t, f.checked, options); err != nil {
			return sets, found, err
		}
	}
	if len(f.clear) > 0 {
		options.Limit = snapshot.Limit{Within: sets.Checked, Apart: sets.OptedOut}
		cleared, more, err := lists.Read(ctx, t, f.clear, options)
		if err == nil {
			err = f.checkEmpty(cleared, sets.Checked)
		}
		if err != nil {
			return sets, found, err
		}
		found.Duplicates += more
		sets = withClear(sets, cleared)
	}
	if sets.Checked != nil && found.Patients != nil {
		sets.Checked.Union(found.Patients)
	}
	return sets, found, nil
}

// withClear are the sets with those who have not opted out: of those who were sent, the others have.
func withClear(sets snapshot.Sets, cleared *snapshot.Set) snapshot.Sets {
	if sets.Checked != nil {
		sets.OptedOut = sets.Checked.Minus(cleared)
		return sets
	}
	sets.Checked = cleared
	sets.Checked.Union(sets.OptedOut)
	return sets
}

// checkEmpty refuses clear lists without a number, unless the user says that they are right, and
// checked lists without one: nothing tells them from an export that failed. checked is nil where
// there are no such lists.
func (f *buildFlags) checkEmpty(cleared, checked *snapshot.Set) error {
	var problem string
	switch {
	case checked != nil && checked.Len() == 0:
		problem = "there is no number in the --checked lists: nobody was looked up"
	case cleared.Len() > 0 || f.allOptedOut:
		return nil
	case checked != nil:
		problem = "there is no number in the --clear lists: look for a failure, or pass --all-opted-out"
	default:
		problem = "there is no number in the --clear lists: look for a failure, or leave them out"
	}
	return kind.New(kind.Input, problem)
}
