// Package runflags has the flags that several commands share, and what goes on around a run: lock,
// log and metrics.
package runflags

// Flags for the snapshot, for reading an input, and for what happens to its records.

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"noo/cmd/noo/internal/buildinfo"
	"noo/cmd/noo/internal/flagvalue"
	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/ui"
	"noo/filter"
	"noo/formats"
	"noo/formats/arrow"
	arrowreadback "noo/formats/arrow/readback"
	"noo/formats/csv"
	"noo/formats/parquet"
	"noo/formats/parquet/readback"
	"noo/internal/columns"
	"noo/internal/kind"
	"noo/job"
	"noo/snapshot"
)

// TrustedKeyUsage is the usage of --trusted-key.
const TrustedKeyUsage = "trust the publisher whose public key is in `FILE`; may be repeated"

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

// AddChoice adds a flag and lists its choices in its usage.
func AddChoice[T comparable](
	flags *pflag.FlagSet,
	choice *flagvalue.Choice[T],
	name, usage string,
) {
	flagvalue.Add(flags, choice, name, usage+": "+flagvalue.Words(choice.Choices()))
}

// Snapshot say which snapshot to use, and which snapshots to refuse.
type Snapshot struct {
	Path        string
	Trusted     []string
	maxAge      flagvalue.Age
	minSequence flagvalue.Sequence

	keyFiles []string // files of the trusted keys, after open
}

func (f *Snapshot) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.Path, "snapshot", "", "take who has opted out from `FILE`")
	f.AddTrust(cmd)
}

// AddTrust adds the flags for commands that name the snapshot as an argument.
func (f *Snapshot) AddTrust(cmd *cobra.Command) {
	f.maxAge = flagvalue.Age(snapshot.DefaultMaxAge)
	cmd.Flags().StringArrayVar(&f.Trusted, "trusted-key", nil, TrustedKeyUsage)
	flagvalue.Add(cmd.Flags(), &f.maxAge, "max-age", "refuse an older snapshot")
	flagvalue.Add(
		cmd.Flags(),
		&f.minSequence,
		"min-sequence",
		"refuse a snapshot with a lower sequence than `N`",
	)
}

// Open opens and verifies the snapshot, without judging its age.
func (f *Snapshot) Open() (*snapshot.Snapshot, error) {
	if f.Path == "" {
		return nil, outcome.Usage(
			errors.New(
				"no snapshot: name one with --snapshot FILE or in " + Environment.Variable(
					"snapshot",
				),
			),
		)
	}
	var err error
	if f.keyFiles, err = snapshot.TrustedKeyFiles(f.Trusted); err != nil {
		return nil, kind.Wrap(kind.Snapshot, err)
	}
	keys, err := snapshot.LoadKeys(f.keyFiles)
	if err != nil {
		return nil, kind.Wrap(kind.Snapshot, err)
	}
	// Open keeps nearly all that it allocates: with garbage collection it takes half as long again.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	return snapshot.Open(f.Path, keys)
}

// Accept opens the snapshot and checks that it may be used now.
func (f *Snapshot) Accept() (*snapshot.Snapshot, error) {
	s, err := f.Open()
	if err != nil {
		return nil, err
	}
	state, err := snapshot.DefaultStateDir()
	if err != nil {
		return nil, err
	}
	policy := snapshot.Policy{
		MaxAge:      time.Duration(f.maxAge),
		MinSequence: uint64(f.minSequence),
		Seen:        snapshot.OpenSeen(state),
	}
	return s, policy.Check(s)
}

// Reading are the dialect of CSV and the limits of Parquet and Arrow.
type Reading struct {
	CSV     csv.Format
	Parquet parquet.Format
	// IndependentReadBack has Parquet and Arrow outputs read back by code that did not write them.
	IndependentReadBack bool
}

// Add adds the flags to a command.
func (f *Reading) Add(cmd *cobra.Command) {
	f.Parquet.Version, f.Parquet.MaxPage = buildinfo.Version(), parquet.DefaultMaxPage
	flags := cmd.Flags()
	flagvalue.Add(flags, flagvalue.NewDelimiter(&f.CSV.Delimiter), "delimiter",
		"character between CSV fields, or its name: tab, semicolon, pipe")
	flagvalue.Add(flags, flagvalue.NewQuote(&f.CSV.Quote, &f.CSV.NoQuote), "quote",
		"character around CSV fields, or none")
	ends := flagvalue.NewChoice(
		"END",
		&f.CSV.RecordEnd,
		flagvalue.Word[csv.RecordEnd]{Text: "lf", Value: csv.EndLF},
		flagvalue.Word[csv.RecordEnd]{
			Text:  "crlf",
			Value: csv.EndCRLF,
		},
	).Default("as the first line ends")
	flagvalue.Add(flags, ends, "record-end",
		"end of a CSV record: lf, or crlf if a line feed alone is part of the text")
	flags.BoolVar(
		&f.CSV.NoHeader,
		"no-header",
		false,
		"the first CSV record is data; name columns by number",
	)
	flags.BoolVar(
		&f.CSV.Header,
		"header",
		false,
		"the first CSV record is a header, even if it does not look like one",
	)
	flagvalue.Add(flags, (*flagvalue.Size)(&f.Parquet.MaxPage), "max-page",
		"refuse a larger page of Parquet, or buffer of Arrow; bounds the memory that noo uses")
}

// Validate refuses a dialect that cannot be read.
func (f *Reading) Validate() error {
	if err := f.CSV.Validate(); err != nil {
		return outcome.Usage(err)
	}
	return nil
}

// Formats returns the formats that inputs may have. A new format is one more line here.
func (f *Reading) Formats() []formats.Format {
	files := arrow.Format{MaxBuffer: f.Parquet.MaxPage}
	streams := f.StreamFormat()
	if f.IndependentReadBack {
		f.Parquet.ReadBackWith = readback.Format{}
		files.ReadBackWith = arrowreadback.Format{}
		streams.ReadBackWith = arrowreadback.Format{Stream: true}
	}
	return []formats.Format{
		f.Parquet,
		files,
		streams,
		f.CSV, // last: it accepts any text
	}
}

// AllNamed refuses an input without a name: a script's variable that is not set leaves one.
func AllNamed(inputs []string) error {
	if slices.Contains(inputs, "") {
		return errors.New(
			"an input is an empty text: name a file; is a variable in the command line empty?",
		)
	}
	return nil
}

// Data say how to read an input and what to do with its records.
type Data struct {
	Snapshot
	Reading
	columns      []string
	allowed      []string
	forceColumns bool
	Policy       filter.Policy
	Quiet        bool
}

// Add adds the flags to a command.
func (f *Data) Add(cmd *cobra.Command) {
	f.Snapshot.add(cmd)
	f.Reading.Add(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(
		&f.columns,
		"column",
		nil,
		"filter by the NHS numbers in column `NAME`, or number from 1; may be repeated; without it the header decides",
	)
	flags.StringArrayVar(
		&f.allowed,
		"allow-column",
		nil,
		"do not stop on NHS numbers in column `NAME`, or number from 1; may be repeated; noo does not filter by them",
	)
	flags.BoolVar(
		&f.forceColumns,
		"force-column",
		false,
		"filter by the column even if its first values are not NHS numbers",
	)
	completeColumns(flags, "column", f)
	completeColumns(flags, "allow-column", f)
	f.addPolicy(flags)
	flags.BoolVar(&f.Quiet, "quiet", false, "print nothing on stderr but errors")
}

// AddForVerdicts adds the flags to a command that answers a stream of identifying columns.
func (f *Data) AddForVerdicts(cmd *cobra.Command) {
	f.Snapshot.add(cmd)
	f.Parquet.MaxPage = parquet.DefaultMaxPage
	flags := cmd.Flags()
	flags.StringArrayVar(
		&f.columns,
		"column",
		nil,
		"take the NHS numbers from column `NAME`, or number from 1; may be repeated; without it from all columns",
	)
	flags.StringArrayVar(
		&f.allowed,
		"allow-column",
		nil,
		"do not stop on column `NAME`, or number from 1, that is called like an NHS number; may be repeated",
	)
	f.addPolicy(flags)
	flagvalue.Add(flags, (*flagvalue.Size)(&f.Parquet.MaxPage), "max-page",
		"refuse a larger buffer of Arrow; bounds the memory that noo uses")
	flags.BoolVar(&f.Quiet, "quiet", false, "print nothing on stderr but errors")
}

// addPolicy adds the flags that say what becomes of records.
func (f *Data) addPolicy(flags *pflag.FlagSet) {
	AddChoice(
		flags,
		newAction(&f.Policy.Missing, filter.Withhold, filter.Keep, filter.Fail),
		"missing",
		"records without an NHS number",
	)
	AddChoice(
		flags,
		newAction(&f.Policy.Invalid, filter.Withhold, filter.Keep, filter.Fail),
		"invalid",
		"records with something that is not an NHS number",
	)
	unchecked := newAction(&f.Policy.Unchecked, filter.Withhold, filter.Fail)
	// Validate says why not.
	AddChoice(flags, unchecked.Accept(actionWord(filter.Keep)), "unchecked",
		"records of people whom the publisher did not look up")
}

// ColumnRules are the rules by which the columns of an input are chosen.
func (f *Data) ColumnRules() columns.Rules {
	return columns.Rules{Identifying: f.columns, Allowed: f.allowed, Forced: f.forceColumns}
}

// StreamFormat is the format of Arrow streams.
func (f *Reading) StreamFormat() arrow.Format {
	return arrow.Format{MaxBuffer: f.Parquet.MaxPage, Stream: true}
}

// Validate refuses values that no run can work with.
func (f *Data) validate() error {
	if err := f.Policy.Validate(); err != nil {
		return outcome.Usage(fmt.Errorf("--unchecked keep: %w", err))
	}
	return f.Reading.Validate()
}

// Prepare prepares a run over one input.
func (f *Data) Prepare(
	t *ui.Terminal,
	cmd *cobra.Command,
	s *snapshot.Snapshot,
	input string,
) *job.Run {
	return &job.Run{
		Input:   input,
		Stdin:   t.In,
		Outputs: job.Outputs{Protected: append([]string{f.Path}, f.keyFiles...)},
		Rules: job.Rules{
			Columns:  f.ColumnRules(),
			Policy:   f.Policy,
			Register: s,
			Formats:  f.Formats(),
		},
		Host:    job.Host{Stdout: t.Out},
		Heading: f.about(cmd.CommandPath(), s),
	}
}

// CommandName is what a report calls the command with the given path.
func CommandName(path string) string { return strings.TrimPrefix(path, "noo ") }

// about says what a report tells of the tool, the snapshot and the rules.
func (f *Data) about(command string, s *snapshot.Snapshot) job.Heading {
	m := s.Manifest()
	report := job.Heading{
		Tool:    job.Tool{Name: "noo", Version: buildinfo.Version()},
		Command: CommandName(command),
		Snapshot: job.SnapshotReport{
			ID: m.ID, Sequence: m.Sequence, Scope: string(m.Scope), Created: m.Created, ValidUntil: m.ValidUntil, KeyID: s.KeyID(),
		},
		Policy: job.PolicyReport{
			Missing: f.Policy.Missing, Invalid: f.Policy.Invalid, Unchecked: f.Policy.Unchecked, MaxAge: f.maxAge.String(),
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
