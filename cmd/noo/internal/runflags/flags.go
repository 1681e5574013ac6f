// Package runflags has the flags that several commands share, and what goes on around a run: lock,
// log and metrics.
package runflags

// Flags for the snapshot, for reading an input, and for what happens to its records.

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"aead.dev/minisign"
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
	"noo/internal/nhsnumber"
	"noo/job"
	"noo/snapshot"
	"noo/snapshot/seen"
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

// Snapshot say which snapshots to use, and which to refuse.
type Snapshot struct {
	Paths       []string
	Trusted     []string
	maxAge      flagvalue.Age
	minSequence flagvalue.Sequence

	// Identities open the snapshot if it is encrypted.
	Identities Identities

	keyFiles []string // files of the trusted keys, after open
}

func (f *Snapshot) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(
		&f.Paths, "snapshot", nil, "take who has opted out from `FILE`; may be repeated")
	f.AddTrust(cmd)
}

// AddTrust adds the flags for commands that name the snapshot as an argument.
func (f *Snapshot) AddTrust(cmd *cobra.Command) {
	f.maxAge = flagvalue.Age(snapshot.DefaultMaxAge)
	cmd.Flags().StringArrayVar(&f.Trusted, "trusted-key", nil, TrustedKeyUsage)
	f.Identities.Add(cmd)
	flagvalue.Add(cmd.Flags(), &f.maxAge, "max-age", "refuse an older snapshot")
	flagvalue.Add(
		cmd.Flags(),
		&f.minSequence,
		"min-sequence",
		"refuse a snapshot with a lower sequence than `N`",
	)
}

// validate refuses a run without a snapshot, or with one of several that has no name: those who
// have opted out in it would pass.
func (f *Snapshot) validate() error {
	switch named := strings.Join(f.Paths, ""); {
	case named == "":
		return outcome.Usage(
			errors.New(
				"no snapshot: name one with --snapshot FILE or in " + Environment.Variable(
					"snapshot",
				),
			),
		)
	case slices.Contains(f.Paths, ""):
		return outcome.Usage(
			errors.New(
				"a snapshot is an empty text: name a file; is a variable in the command line empty?",
			),
		)
	}
	return nil
}

// Open opens and verifies the snapshots, without judging their age.
func (f *Snapshot) Open(ctx context.Context, t *ui.Terminal) (*snapshot.Together, error) {
	if err := f.validate(); err != nil {
		return nil, err
	}
	keys, err := f.Keys()
	if err != nil {
		return nil, err
	}
	// Open keeps nearly all that it allocates: with garbage collection it takes half as long again.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	opened, through := make([]*snapshot.Snapshot, len(f.Paths)), f.Identities.Load(ctx, t).Reader
	for i, path := range f.Paths {
		if opened[i], err = snapshot.OpenThrough(path, keys, through); err != nil {
			return nil, err
		}
	}
	return snapshot.Combine(opened...)
}

// Keys loads the trusted keys.
func (f *Snapshot) Keys() (keys []minisign.PublicKey, err error) {
	if f.keyFiles, err = snapshot.TrustedKeyFiles(f.Trusted); err != nil {
		return nil, kind.Wrap(kind.Snapshot, err)
	}
	keys, err = snapshot.LoadKeys(f.keyFiles)
	return keys, kind.Wrap(kind.Snapshot, err)
}

// Accept opens the snapshots and checks that each may be used now.
func (f *Snapshot) Accept(ctx context.Context, t *ui.Terminal) (*snapshot.Together, error) {
	together, err := f.Open(ctx, t)
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
		Seen:        seen.Open(state),
	}
	for _, s := range together.Members() {
		if err := policy.Check(s); err != nil {
			return together, err
		}
	}
	return together, nil
}

// Reading are the dialect of CSV and the limits of Parquet and Arrow.
type Reading struct {
	CSV     csv.Format
	Parquet parquet.Format
	// Missing are further texts that mean that there is no NHS number.
	Missing []string
	dialect string         // the name of one of dialects, or ""
	flags   *pflag.FlagSet // those of the command

	// IndependentReadBack has Parquet and Arrow outputs read back by code that did not write them.
	IndependentReadBack bool
}

// Add adds the flags to a command.
func (f *Reading) Add(cmd *cobra.Command) {
	f.Parquet.Version, f.Parquet.MaxPage = buildinfo.Version(), parquet.DefaultMaxPage
	flags := cmd.Flags()
	f.flags = flags
	AddChoice(flags, newDialect(&f.dialect), "dialect", "read CSV as a system writes it")
	flagvalue.Add(
		flags,
		flagvalue.NewDelimiter(&f.CSV.Delimiter, &f.CSV.DelimiterOfHeader),
		"delimiter",
		"text between CSV fields, up to 8 bytes, or its name: tab, semicolon, pipe; or 0x1f; or auto",
	)
	flagvalue.Add(
		flags,
		flagvalue.NewQuote(&f.CSV.Quote, &f.CSV.NoQuote, &f.CSV.LenientQuotes),
		"quote",
		"character around CSV fields, or none, or lenient if quotes in the text are not doubled",
	)
	flagvalue.Add(flags, newEscape(&f.CSV), "escape",
		"escape in CSV: backslash, as MySQL writes it, or quoted, as Spark writes it within quotes alone")
	flagvalue.Add(
		flags,
		newRecordEnd(&f.CSV.RecordEnd),
		"record-end",
		"end of a CSV record: lf, or crlf if a line feed alone is part of the text, or a byte such as 0x1e",
	)
	flagvalue.Add(flags, (*flagvalue.Count)(&f.CSV.HeaderLines), "header-lines",
		"pass the first `N` lines of CSV on as they are; the header is below them")
	flagvalue.Add(flags, (*flagvalue.Count)(&f.CSV.FooterLines), "footer-lines",
		"the last `N` lines of CSV are a footer and no records; blank lines do not count")
	footer := flagvalue.NewChoice(
		"ACTION",
		&f.CSV.KeepFooter,
		flagvalue.Word[bool]{
			Text:  "drop",
			Value: false,
		},
		flagvalue.Word[bool]{Text: "keep", Value: true},
	)
	AddChoice(flags, footer, "footer", "lines of --footer-lines")
	repeated := flagvalue.NewChoice("ACTION", &f.CSV.RepeatedHeader,
		flagvalue.Word[csv.RepeatedHeader]{Text: "drop", Value: csv.DropRepeated},
		flagvalue.Word[csv.RepeatedHeader]{Text: "keep", Value: csv.KeepRepeated})
	flagvalue.Add(flags, repeated.Default("a record"), "repeated-header",
		"CSV records that are the header again, or dashes: drop or keep")
	ragged := flagvalue.NewChoice("HOW", &f.CSV.RaggedTrailing,
		flagvalue.Word[bool]{Text: "trailing", Value: true})
	flagvalue.Add(flags, ragged.Default("none"), "ragged",
		"CSV records that are longer than the header: trailing, if the fields behind are empty")
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
	flags.StringArrayVar(
		&f.Missing,
		"missing-value",
		nil,
		"`TEXT` means that there is no NHS number, such as unknown; may be repeated",
	)
	flagvalue.Add(flags, (*flagvalue.Size)(&f.Parquet.MaxPage), "max-page",
		"refuse a larger page of Parquet, or buffer of Arrow; bounds the memory that noo uses")
}

// Validate applies the dialect, and refuses one that cannot be read.
func (f *Reading) Validate() error {
	if err := f.applyDialect(); err != nil {
		return err
	}
	if err := f.CSV.Validate(); err != nil {
		return outcome.Usage(err)
	}
	for _, text := range f.Missing {
		if !nhsnumber.MayMean(text) { // and is not shown
			return outcome.Usage(
				errors.New("--missing-value: want a text that holds no NHS number"),
			)
		}
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
	Columns
	Pseudonyms
	Policy filter.Policy
	Quiet  bool
}

// Add adds the flags to a command.
func (f *Data) Add(cmd *cobra.Command) {
	f.Snapshot.add(cmd)
	f.Reading.Add(cmd)
	flags := cmd.Flags()
	f.Columns.add(flags, &f.Reading)
	f.Pseudonyms.add(flags)
	f.addPolicy(flags)
	flags.BoolVar(&f.Quiet, "quiet", false, "print nothing on stderr but errors")
}

// AddForVerdicts adds the flags to a command that answers a stream of identifying columns.
func (f *Data) AddForVerdicts(cmd *cobra.Command) {
	f.Snapshot.add(cmd)
	f.Parquet.MaxPage = parquet.DefaultMaxPage
	flags := cmd.Flags()
	f.Columns.addForVerdicts(flags)
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
	rules := f.Columns.Rules()
	rules.Missing, rules.Pseudonyms = f.Missing, f.Pseudonyms.reader()
	return rules
}

// StreamFormat is the format of Arrow streams.
func (f *Reading) StreamFormat() arrow.Format {
	return arrow.Format{MaxBuffer: f.Parquet.MaxPage, Stream: true}
}

// Validate refuses values that no run can work with.
func (f *Data) validate() error {
	if err := f.Policy.Validate(); errors.Is(err, filter.ErrUnlinkedKept) {
		return outcome.Usage(fmt.Errorf("--unlinked keep: %w", err))
	} else if err != nil {
		return outcome.Usage(fmt.Errorf("--unchecked keep: %w", err))
	}
	if err := f.Pseudonyms.validate(f.Policy, f.Missing); err != nil {
		return err
	}
	return f.Reading.Validate()
}

// Prepare prepares a run over one input.
func (f *Data) Prepare(
	t *ui.Terminal,
	cmd *cobra.Command,
	s *snapshot.Together,
	input string,
) *job.Run {
	return &job.Run{
		Input: input,
		Stdin: t.In,
		Outputs: job.Outputs{
			Protected: slices.Concat(f.Paths, f.keyFiles, f.Identities.Files, f.Pseudonyms.files()),
		},
		Rules: job.Rules{
			Columns:      f.ColumnRules(),
			Policy:       f.Policy,
			Register:     s,
			AllowNoMatch: f.allowNoMatch,
			Formats:      f.Formats(),
		},
		Host:    job.Host{Stdout: t.Out},
		Heading: f.about(cmd.CommandPath(), s),
	}
}

// CommandName is what a report calls the command with the given path.
func CommandName(path string) string { return strings.TrimPrefix(path, "noo ") }

// about says what a report tells of the tool, the snapshots and the rules.
func (f *Data) about(command string, s *snapshot.Together) job.Heading {
	heading := job.Heading{
		Tool:    job.Tool{Name: "noo", Version: buildinfo.Version()},
		Command: CommandName(command),
		Policy: job.PolicyReport{
			Missing: f.Policy.Missing, Invalid: f.Policy.Invalid, Unchecked: f.Policy.Unchecked, MaxAge: f.maxAge.String(),
			Pseudonym: f.method.String(),
		},
	}
	var used []job.SnapshotReport
	for _, member := range s.Members() {
		used = append(used, describe(member))
	}
	heading.Use(used...)
	return heading
}

// describe says what a report tells of a snapshot, but for its digest.
func describe(s *snapshot.Snapshot) job.SnapshotReport {
	m := s.Manifest()
	report := job.SnapshotReport{
		ID: m.ID, Sequence: m.Sequence, Scope: string(m.Scope), Created: m.Created, ValidUntil: m.ValidUntil, KeyID: s.KeyID(),
	}
	for _, section := range m.Sections {
		switch section.Name {
		case "opted_out":
			report.OptedOut = int64(section.Count)
		case "checked":
			report.Checked = int64(section.Count)
		}
	}
	return report
}

// AddDigests adds the digests of the snapshots to the heading of a report about them.
func AddDigests(heading *job.Heading, s *snapshot.Together) {
	used := heading.Used()
	for i, member := range s.Members() {
		used[i].SHA256 = fmt.Sprintf("%x", member.SHA256())
	}
	heading.Use(used...)
}
