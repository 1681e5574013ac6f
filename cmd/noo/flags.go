package main

// Flags that several commands share, and how their values are written.

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"noo/filter"
	"noo/formats/csv"
	"noo/internal/columns"
	"noo/job"
	"noo/snapshot"
)

// age is a duration in days (21d) or in Go's notation (36h).
type age time.Duration

const day = 24 * time.Hour

func (a *age) String() string {
	d := time.Duration(*a)
	if d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return d.String()
}

func (a *age) Set(text string) error {
	d, ok := parseTime(text)
	if !ok {
		return errors.New("want a time such as 21d or 36h")
	}
	*a = age(d)
	return nil
}

func (*age) Type() string { return "TIME" }

// wait is a duration in the same notations, of the length that somebody waits.
type wait time.Duration

func (w *wait) String() string { return (*age)(w).String() }

func (w *wait) Set(text string) error {
	d, ok := parseTime(text)
	if !ok {
		return errors.New("want a time such as 10m or 90s")
	}
	*w = wait(d)
	return nil
}

func (*wait) Type() string { return "TIME" }

// parseTime reads a duration, which is more than none.
func parseTime(text string) (d time.Duration, ok bool) {
	d, err := time.ParseDuration(text)
	if days, found := strings.CutSuffix(text, "d"); found {
		var n int64
		n, err = strconv.ParseInt(days, 10, 32)
		d = time.Duration(n) * day
		if n > 36_500 {
			err = strconv.ErrRange
		}
	}
	return d, err == nil && d > 0
}

// action is a filter.Action as a flag.
type action struct{ *filter.Action }

func (a action) Set(text string) error { return a.UnmarshalText([]byte(text)) }
func (action) Type() string            { return "ACTION" }

// character is one ASCII character, by itself or by name; for a quote it may also be none.
type character struct {
	byte *byte
	none *bool // nil where none is not allowed
}

// characterNames are names for characters that are hard to type or to see.
var characterNames = map[string]byte{
	"tab": '\t', `\t`: '\t', "comma": ',', "semicolon": ';', "pipe": '|', "space": ' ', "double": '"', "single": '\'',
}

func (c character) Set(text string) error {
	if c.none != nil {
		*c.none = text == "none"
		if *c.none {
			return nil
		}
	}
	if b, ok := characterNames[text]; ok {
		*c.byte = b
		return nil
	}
	if len(text) != 1 {
		return errors.New("want one ASCII character, or a name such as tab, semicolon or pipe")
	}
	*c.byte = text[0]
	return nil
}

func (c character) String() string {
	if c.none != nil && *c.none {
		return "none"
	}
	if c.byte == nil || *c.byte == 0 {
		return ""
	}
	return string(rune(*c.byte))
}

func (character) Type() string { return "CHAR" }

// recordEnd is what ends a CSV record.
type recordEnd struct{ *csv.RecordEnd }

var recordEndNames = map[string]csv.RecordEnd{"lf": csv.EndLF, "crlf": csv.EndCRLF}

func (r recordEnd) Set(text string) error {
	end, ok := recordEndNames[text]
	if !ok {
		return errors.New("want lf or crlf")
	}
	*r.RecordEnd = end
	return nil
}

func (r recordEnd) String() string {
	for name, end := range recordEndNames {
		if r.RecordEnd != nil && end == *r.RecordEnd {
			return name
		}
	}
	return ""
}

func (recordEnd) Type() string { return "END" }

// sequence is the sequence of a snapshot, in decimal: 010 is ten, and what looks like another base is a mistake.
type sequence uint64

func (s *sequence) String() string { return strconv.FormatUint(uint64(*s), 10) }

func (s *sequence) Set(text string) error {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return errors.New("want a whole number")
	}
	*s = sequence(n)
	return nil
}

func (*sequence) Type() string { return "N" }

// size is a number of bytes, with a unit.
type size int64

func (s *size) String() string { return fmt.Sprintf("%dMiB", *s>>20) }

func (s *size) Set(text string) error {
	digits, shift := text, 0
	for i, unit := range []string{"KiB", "MiB", "GiB"} {
		if number, found := strings.CutSuffix(text, unit); found {
			digits, shift = number, 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || n < 1 {
		return errors.New("want a size such as 64MiB")
	}
	*s = size(n << shift)
	return nil
}

func (*size) Type() string { return "SIZE" }

// readBack says whether outputs are read back by an independent implementation.
type readBack struct{ independent *bool }

func (r readBack) String() string {
	if r.independent != nil && *r.independent {
		return "independent"
	}
	return "plain"
}

func (r readBack) Set(text string) error {
	if text != "plain" && text != "independent" {
		return errors.New("want plain or independent")
	}
	*r.independent = text == "independent"
	return nil
}

func (readBack) Type() string { return "HOW" }

const trustedKeyUsage = "trust the publisher whose public key is in `FILE`; may be repeated"

// snapshotFlags say which snapshot to use, and what is asked of it.
type snapshotFlags struct {
	path        string
	trusted     []string
	maxAge      age
	minSequence sequence

	keyFiles []string // the files that the trusted keys came from, once open
}

func (f *snapshotFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.path, "snapshot", "", "take who has opted out from `FILE`")
	f.addTrust(cmd)
}

// addTrust adds the flags for commands that name the snapshot as an argument.
func (f *snapshotFlags) addTrust(cmd *cobra.Command) {
	f.maxAge = age(snapshot.DefaultMaxAge)
	cmd.Flags().StringArrayVar(&f.trusted, "trusted-key", nil, trustedKeyUsage)
	cmd.Flags().Var(&f.maxAge, "max-age", "refuse a snapshot older than this")
	cmd.Flags().Var(&f.minSequence, "min-sequence", "refuse a snapshot with a lower sequence than `N`")
}

// open opens and verifies the snapshot, without judging its age.
func (f *snapshotFlags) open() (*snapshot.Snapshot, error) {
	if f.path == "" {
		return nil, usageError{errors.New("no snapshot: name one with --snapshot FILE or in " + variable("snapshot"))}
	}
	var err error
	if f.keyFiles, err = snapshot.TrustedKeyFiles(f.trusted); err != nil {
		return nil, trustError{err}
	}
	keys, err := snapshot.LoadKeys(f.keyFiles)
	if err != nil {
		return nil, trustError{err}
	}
	// Nearly all that opening allocates is kept: collecting garbage in the middle of it takes half as long again.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	return snapshot.Open(f.path, keys)
}

// accept opens the snapshot and makes sure that it may be relied on now.
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
	flags.StringArrayVar(&f.columns, "column", nil, "find NHS numbers in the column `NAME`, or number from 1; may be repeated; without it the header decides")
	flags.StringArrayVar(&f.allowed, "allow-column", nil, "let the column `NAME`, or number from 1, pass though it holds NHS numbers and records are not filtered by it; may be repeated")
	flags.BoolVar(&f.forceColumns, "force-column", false, "look for NHS numbers in the column though its first values say otherwise")
	completeColumns(flags, "column", f)
	completeColumns(flags, "allow-column", f)
	flags.Var(action{&f.policy.Missing}, "missing", "records without an NHS number: withhold, keep or fail")
	flags.Var(action{&f.policy.Invalid}, "invalid", "records with something that is no NHS number: withhold, keep or fail")
	flags.Var(action{&f.policy.Unchecked}, "unchecked", "records of people who were not looked up: withhold or fail")
	flags.BoolVar(&f.quiet, "quiet", false, "say nothing on stderr but errors")
}

// validate refuses values that no run can work with.
func (f *dataFlags) validate() error {
	if err := f.policy.Validate(); err != nil {
		return usageError{fmt.Errorf("--unchecked keep: %w", err)}
	}
	return f.readingFlags.validate()
}

// prepare prepares a run over one input.
func (f *dataFlags) prepare(t terminal, cmd *cobra.Command, s *snapshot.Snapshot, input string) *job.Run {
	return &job.Run{
		Input:   input,
		Stdin:   t.in,
		Outputs: job.Outputs{Protected: append([]string{f.path}, f.keyFiles...)},
		Rules: job.Rules{
			Columns:  columns.Rules{Identifying: f.columns, Allowed: f.allowed, Forced: f.forceColumns},
			Policy:   f.policy,
			Register: s,
			Formats:  f.formats(),
		},
		Host:    job.Host{Stdout: t.out},
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
