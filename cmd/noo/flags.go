package main

// Flags that several commands share.

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"noo/cmd/noo/internal/flagvalue"
	"noo/cmd/noo/internal/ui"
	"noo/filter"
	"noo/formats"
	"noo/formats/csv"
	"noo/formats/parquet"
	"noo/formats/parquet/readback"
	"noo/internal/columns"
	"noo/internal/kind"
	"noo/job"
	"noo/snapshot"
)

const trustedKeyUsage = "trust the publisher whose public key is in `FILE`; may be repeated"

// newAction returns a flag that is one of several actions.
func newAction(to *filter.Action, actions ...filter.Action) *flagvalue.Choice[filter.Action] {
	words := make([]flagvalue.Word[filter.Action], len(actions))
	for i, action := range actions {
		words[i] = actionWord(action)
	}
	return flagvalue.NewChoice("ACTION", to, words...)
}

func actionWord(action filter.Action) flagvalue.Word[filter.Action] {
	return flagvalue.Word[filter.Action]{Text: action.String(), Value: action}
}

// addChoice adds a flag and lists its choices in its usage.
func addChoice[T comparable](flags *pflag.FlagSet, choice *flagvalue.Choice[T], name, usage string) {
	flagvalue.Add(flags, choice, name, usage+": "+flagvalue.Words(choice.Choices()))
}

// snapshotFlags say which snapshot to use, and which snapshots to refuse.
type snapshotFlags struct {
	path        string
	trusted     []string
	maxAge      flagvalue.Age
	minSequence flagvalue.Sequence

	keyFiles []string // files of the trusted keys, after open
}

func (f *snapshotFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.path, "snapshot", "", "take who has opted out from `FILE`")
	f.addTrust(cmd)
}

// addTrust adds the flags for commands that name the snapshot as an argument.
func (f *snapshotFlags) addTrust(cmd *cobra.Command) {
	f.maxAge = flagvalue.Age(snapshot.DefaultMaxAge)
	cmd.Flags().StringArrayVar(&f.trusted, "trusted-key", nil, trustedKeyUsage)
	flagvalue.Add(cmd.Flags(), &f.maxAge, "max-age", "refuse an older snapshot")
	flagvalue.Add(cmd.Flags(), &f.minSequence, "min-sequence", "refuse a snapshot with a lower sequence than `N`")
}

// open opens and verifies the snapshot, without judging its age.
func (f *snapshotFlags) open() (*snapshot.Snapshot, error) {
	if f.path == "" {
		return nil, usage(errors.New("no snapshot: name one with --snapshot FILE or in " + environment.Variable("snapshot")))
	}
	var err error
	if f.keyFiles, err = snapshot.TrustedKeyFiles(f.trusted); err != nil {
		return nil, kind.Wrap(kind.Snapshot, err)
	}
	keys, err := snapshot.LoadKeys(f.keyFiles)
	if err != nil {
		return nil, kind.Wrap(kind.Snapshot, err)
	}
	// Open keeps nearly all that it allocates: with garbage collection it takes half as long again.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	return snapshot.Open(f.path, keys)
}

// accept opens the snapshot and checks that it may be used now.
func (f *snapshotFlags) accept() (*snapshot.Snapshot, error) {
	s, err := f.open()
	if err != nil {
		return nil, err
	}
	state, err := snapshot.DefaultStateDir()
	if err != nil {
		return nil, err
	}
	policy := snapshot.Policy{MaxAge: time.Duration(f.maxAge), MinSequence: uint64(f.minSequence), Seen: snapshot.OpenSeen(state)}
	return s, policy.Check(s)
}

// readingFlags are the dialect of CSV and the limits of Parquet.
type readingFlags struct {
	csv     csv.Format
	parquet parquet.Format
	// independentReadBack has Parquet outputs read back by code that did not write them.
	independentReadBack bool
}

func (f *readingFlags) add(cmd *cobra.Command) {
	f.parquet.Version, f.parquet.MaxPage = buildVersion(), parquet.DefaultMaxPage
	flags := cmd.Flags()
	flagvalue.Add(flags, flagvalue.NewDelimiter(&f.csv.Delimiter), "delimiter",
		"character between CSV fields, or its name: tab, semicolon, pipe")
	flagvalue.Add(flags, flagvalue.NewQuote(&f.csv.Quote, &f.csv.NoQuote), "quote",
		"character around CSV fields, or none")
	ends := flagvalue.NewChoice("END", &f.csv.RecordEnd,
		flagvalue.Word[csv.RecordEnd]{Text: "lf", Value: csv.EndLF},
		flagvalue.Word[csv.RecordEnd]{Text: "crlf", Value: csv.EndCRLF}).Default("as the first line ends")
	flagvalue.Add(flags, ends, "record-end",
		"end of a CSV record: lf, or crlf if a line feed alone is part of the text")
	flags.BoolVar(&f.csv.NoHeader, "no-header", false, "the first CSV record is data; name columns by number")
	flags.BoolVar(&f.csv.Header, "header", false, "the first CSV record is a header, even if it does not look like one")
	flagvalue.Add(flags, (*flagvalue.Size)(&f.parquet.MaxPage), "max-page",
		"refuse a Parquet file with a larger page; bounds the memory that noo uses")
}

// validate refuses a dialect that cannot be read.
func (f *readingFlags) validate() error {
	if err := f.csv.Validate(); err != nil {
		return usage(err)
	}
	return nil
}

// formats returns the formats that inputs may have. A new format is one more line here.
func (f *readingFlags) formats() []formats.Format {
	if f.independentReadBack {
		f.parquet.ReadBackWith = readback.Format{}
	}
	return []formats.Format{
		f.parquet,
		f.csv, // last: it accepts any text
	}
}

// allNamed refuses an input without a name: a script's variable that is not set leaves one.
func allNamed(inputs []string) error {
	if slices.Contains(inputs, "") {
		return errors.New("an input is an empty text: name a file; is a variable in the command line empty?")
	}
	return nil
}

// dataFlags say how to read an input and what to do with its records.
type dataFlags struct {
	snapshotFlags
	readingFlags
	columns      []string
	allowed      []string
	forceColumns bool
	policy       filter.Policy
	quiet        bool
}

func (f *dataFlags) add(cmd *cobra.Command) {
	f.snapshotFlags.add(cmd)
	f.readingFlags.add(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&f.columns, "column", nil, "filter by the NHS numbers in column `NAME`, or number from 1; may be repeated; without it the header decides")
	flags.StringArrayVar(&f.allowed, "allow-column", nil, "do not stop on NHS numbers in column `NAME`, or number from 1; may be repeated; noo does not filter by them")
	flags.BoolVar(&f.forceColumns, "force-column", false, "filter by the column even if its first values are not NHS numbers")
	completeColumns(flags, "column", f)
	completeColumns(flags, "allow-column", f)
	addChoice(flags, newAction(&f.policy.Missing, filter.Withhold, filter.Keep, filter.Fail), "missing",
		"records without an NHS number")
	addChoice(flags, newAction(&f.policy.Invalid, filter.Withhold, filter.Keep, filter.Fail), "invalid",
		"records with something that is not an NHS number")
	unchecked := newAction(&f.policy.Unchecked, filter.Withhold, filter.Fail)
	addChoice(flags, unchecked.Accept(actionWord(filter.Keep)), "unchecked", // validate says why not
		"records of people whom the publisher did not look up")
	flags.BoolVar(&f.quiet, "quiet", false, "print nothing on stderr but errors")
}

// validate refuses values that no run can work with.
func (f *dataFlags) validate() error {
	if err := f.policy.Validate(); err != nil {
		return usage(fmt.Errorf("--unchecked keep: %w", err))
	}
	return f.readingFlags.validate()
}

// prepare prepares a run over one input.
func (f *dataFlags) prepare(t *ui.Terminal, cmd *cobra.Command, s *snapshot.Snapshot, input string) *job.Run {
	return &job.Run{
		Input:   input,
		Stdin:   t.In,
		Outputs: job.Outputs{Protected: append([]string{f.path}, f.keyFiles...)},
		Rules: job.Rules{
			Columns:  columns.Rules{Identifying: f.columns, Allowed: f.allowed, Forced: f.forceColumns},
			Policy:   f.policy,
			Register: s,
			Formats:  f.formats(),
		},
		Host:    job.Host{Stdout: t.Out},
		Heading: f.about(cmd.CommandPath(), s),
	}
}

// commandName is what a report calls the command with the given path.
func commandName(path string) string { return strings.TrimPrefix(path, "noo ") }

// about says what a report tells of the tool, the snapshot and the rules.
func (f *dataFlags) about(command string, s *snapshot.Snapshot) job.Heading {
	m := s.Manifest()
	report := job.Heading{
		Tool:    job.Tool{Name: "noo", Version: buildVersion()},
		Command: commandName(command),
		Snapshot: job.SnapshotReport{
			ID: m.ID, Sequence: m.Sequence, Scope: string(m.Scope), Created: m.Created, ValidUntil: m.ValidUntil, KeyID: s.KeyID(),
		},
		Policy: job.PolicyReport{
			Missing: f.policy.Missing, Invalid: f.policy.Invalid, Unchecked: f.policy.Unchecked, MaxAge: f.maxAge.String(),
		},
	}
	for _, section := range m.Sections {
		switch section.Name {
		case "opted_out":
			report.Snapshot.OptedOut = int64(section.Count)
		case "checked":
			report.Snapshot.Checked = int64(section.Count)
		}
	}
	return report
}
