// Package lists reads who has opted out, for a snapshot: lists of NHS numbers, or FHIR Consents.
package lists

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"noo/cmd/noo/internal/ui"
	"noo/fhir"
	"noo/formats"
	"noo/internal/atomicfile"
	"noo/internal/kind"
	"noo/internal/steadyfile"
	"noo/snapshot"
)

// Errors of files that cannot be read together, or not as they should be.
var (
	// ErrMixed is a list among Consents, or the other way round: a person could be opted out in one
	// and not in the other.
	ErrMixed = kind.New(kind.Input, "lists and Consents cannot be joined; build from one kind")
	// ErrNoChecked is a file of Consents where only a list will do.
	ErrNoChecked = kind.New(
		kind.Input,
		"it holds Consents where only a list of numbers will do",
	)
	// ErrNotSkipped is a list that was to be read without the numbers that are invalid.
	ErrNotSkipped = kind.New(
		kind.Usage,
		"only invalid Consents can be skipped; a list must be correct",
	)
)

// Options say how files are read.
type Options struct {
	// Column is the column of CSV lists, or "" for plain ones and for Consents.
	Column string
	// SkipInvalid counts Consents that cannot be used, and goes on.
	SkipInvalid bool
	// Limit says which numbers a list may hold.
	Limit snapshot.Limit
}

// OptOuts is what files say.
type OptOuts struct {
	OptedOut *snapshot.Set
	// Patients are all who have a Consent; nil if the files are lists.
	Patients *snapshot.Set
	// Duplicates counts the numbers of lists that came more than once, and the Consents that a
	// later one of the same patient replaced.
	Duplicates uint64
}

// ReadOptOuts reads who has opted out, from lists or from FHIR Consents: a file without a column
// that starts as JSON or XML does holds Consents. It says how many there were.
func ReadOptOuts(ctx context.Context, t *ui.Terminal, paths []string, o Options) (OptOuts, error) {
	r := &reading{ctx: ctx, options: o, consents: fhir.NewRegister()}
	set, duplicates, err := r.all(t, paths)
	switch {
	case err != nil:
		return OptOuts{}, err
	case !r.isFHIR:
		return OptOuts{OptedOut: set, Duplicates: duplicates}, nil
	}
	found := OptOuts{OptedOut: r.consents.OptedOut(), Patients: r.consents.Patients()}
	found.Duplicates = r.consents.Tally().Consents - found.Patients.Len()
	r.say(t, found)
	return found, nil
}

// Read joins lists of one column, or plain lists, and counts the numbers that came more than once.
func Read(
	ctx context.Context,
	t *ui.Terminal,
	paths []string,
	o Options,
) (*snapshot.Set, uint64, error) {
	r := &reading{ctx: ctx, options: o}
	return r.all(t, paths)
}

// reading is some files while they are read.
type reading struct {
	ctx      context.Context
	options  Options
	consents *fhir.Register // nil if Consents are refused
	isFHIR   bool           // the files hold Consents
	isList   bool           // the files are lists
	skipped  fhir.Skipped
}

// all reads files. That a list is empty is said: another has numbers, so that nothing else would
// tell of an export that failed.
func (r *reading) all(t *ui.Terminal, paths []string) (*snapshot.Set, uint64, error) {
	all := snapshot.NewSet()
	var numbers uint64
	var empty []string
	for _, path := range paths {
		set, stats, err := r.readFile(t.In, path)
		if err != nil {
			return nil, 0, err
		}
		if stats.Numbers == 0 {
			empty = append(empty, path)
		}
		numbers += stats.Numbers
		all.Union(set)
	}
	for _, path := range empty {
		if numbers > 0 {
			t.Say(
				"warning: there is no number in the list %s: make sure that it is whole",
				ui.DisplayName(path, "stdin"),
			)
		}
	}
	return all, numbers - all.Len(), nil
}

// readFile reads one file. It refuses one that changes meanwhile: a person who was not read would
// pass.
func (r *reading) readFile(stdin *os.File, path string) (*snapshot.Set, snapshot.ListStats, error) {
	if path == "-" {
		return r.readOpen(stdin, "stdin")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, snapshot.ListStats{}, fmt.Errorf(
			"cannot read the list %s: %w",
			path,
			atomicfile.Cause(err),
		)
	}
	defer file.Close()
	return r.readOpen(file, path)
}

func (r *reading) readOpen(file *os.File, name string) (*snapshot.Set, snapshot.ListStats, error) {
	failed := func(err error) (*snapshot.Set, snapshot.ListStats, error) {
		return nil, snapshot.ListStats{}, fmt.Errorf(
			"reading list %s: %w",
			name,
			atomicfile.Cause(err),
		)
	}
	mark, err := steadyfile.Take(file)
	if err != nil {
		return failed(err)
	}
	bytes := &tally{from: file}
	set, stats, err := r.readContent(bytes, name)
	if err != nil {
		return nil, stats, err
	}
	if err := mark.Check(bytes.read); err != nil {
		return failed(err)
	}
	return set, stats, nil
}

// headSize is how many bytes are looked at to tell a list from Consents, which may begin with
// blanks.
const headSize = 4 << 10

// readContent reads a file that may be compressed. Of Consents it returns no set: the register has
// them.
func (r *reading) readContent(
	file io.Reader,
	name string,
) (*snapshot.Set, snapshot.ListStats, error) {
	in := bufio.NewReaderSize(file, headSize)
	head, _ := in.Peek(headSize) // an error comes again when it is read
	if c := formats.DetectCompression(head); c != formats.Uncompressed {
		plain := formats.NewDecompressor(c, name, in)
		defer plain.Close()
		in = bufio.NewReaderSize(plain, headSize)
		head, _ = in.Peek(headSize)
	}
	isFHIR := r.options.Column == "" && fhir.IsFHIR(head)
	r.isFHIR, r.isList = r.isFHIR || isFHIR, r.isList || !isFHIR
	switch {
	case isFHIR && r.consents == nil:
		return nil, snapshot.ListStats{}, fmt.Errorf("list %s: %w", name, ErrNoChecked)
	case r.isFHIR && r.isList:
		return nil, snapshot.ListStats{}, fmt.Errorf("%s: %w", name, ErrMixed)
	case isFHIR:
		return r.readConsents(in, name)
	case r.options.SkipInvalid:
		return nil, snapshot.ListStats{}, fmt.Errorf("list %s: %w", name, ErrNotSkipped)
	}
	return r.options.Limit.ReadList(in, name, r.options.Column)
}

func (r *reading) readConsents(
	in io.Reader,
	name string,
) (*snapshot.Set, snapshot.ListStats, error) {
	skipped, err := r.consents.Read(r.ctx, in, name,
		fhir.Options{SkipInvalid: r.options.SkipInvalid, Now: time.Now()})
	if r.skipped.First == nil {
		r.skipped.First = skipped.First
	}
	return snapshot.NewSet(), snapshot.ListStats{}, err
}

// say says what Consents there were.
func (r *reading) say(t *ui.Terminal, found OptOuts) {
	count := func(n uint64, one, many string) string { return ui.Counted(int64(n), one, many) }
	tally, patients := r.consents.Tally(), found.Patients.Len()
	t.Say("%s of %s: %s opted out, %s withdrawn, %s skipped",
		count(tally.Consents, "Consent", "Consents"), count(patients, "patient", "patients"),
		ui.Grouped(int64(found.OptedOut.Len())), ui.Grouped(int64(patients-found.OptedOut.Len())),
		ui.Grouped(int64(tally.Skipped)))
	if tally.Skipped > 0 {
		first := ui.Showable(r.skipped.First.Error())
		t.Say("warning: what was skipped may be an opt-out; the first is %s", first)
	}
	if tally.Messages > 0 {
		messages := count(tally.Messages, "message", "messages")
		t.Say("warning: the server added %s to its answer: read what it says", messages)
	}
}

// tally counts the bytes that are read.
type tally struct {
	from io.Reader
	read int64
}

func (t *tally) Read(p []byte) (int, error) {
	n, err := t.from.Read(p)
	t.read += int64(n)
	return n, err
}
