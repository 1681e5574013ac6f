package batch

// Tables that are linked by a local id. All are looked at to find those with NHS numbers; these are
// read, and what they say of each local id then decides on the records of all tables.

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"noo/filter"
	"noo/formats"
	"noo/internal/atomicfile"
	"noo/internal/inputs"
	"noo/internal/kind"
	"noo/internal/nhsnumber"
	"noo/internal/steadyfile"
	"noo/job"
)

// Errors of tables that cannot be linked, each in a *LinkError but for the last.
var (
	// ErrNoNumbers is tables of which none has NHS numbers.
	ErrNoNumbers = errors.New("no table has a column of NHS numbers")
	// ErrNoSuchColumn is a name that no table has.
	ErrNoSuchColumn = errors.New("no table has a column")
	// ErrLinkedStream is standard input among tables, some of which are read twice.
	ErrLinkedStream = kind.New(kind.Usage,
		"standard input cannot be linked: noo reads tables with NHS numbers twice; name files")
)

// LinkError says why tables cannot be linked.
type LinkError struct {
	// Err is ErrNoNumbers or ErrNoSuchColumn.
	Err error
	// Column is the name that no table has, or "".
	Column string
	// Tables are the inputs.
	Tables []string
}

// mostTables is how many tables an error lists.
const mostTables = 10

// Error returns one line with the first tables.
func (e *LinkError) Error() string {
	text := e.Err.Error()
	if e.Column != "" {
		text += " " + nhsnumber.Mask(e.Column)
	}
	text += "; the tables are: " + strings.Join(e.Tables[:min(len(e.Tables), mostTables)], ", ")
	if more := len(e.Tables) - mostTables; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// Kind returns kind.Usage.
func (*LinkError) Kind() kind.Kind { return kind.Usage }

// Unwrap gives the reason.
func (e *LinkError) Unwrap() error { return e.Err }

// Linked is what the tables with NHS numbers say of each local id.
type Linked struct {
	// People are the verdicts.
	People *filter.LocalIDs
	// Digest tells one state of these tables from another, where digests were asked for.
	Digest string

	deciding []inputs.Source
	before   []fs.FileInfo // of each, when it was about to be read
}

// Link looks at the columns of all tables, and reads those with NHS numbers. progress, which may be
// nil, is told how far that reading is. The errors are a *LinkError, ErrLinkedStream, and those of
// job.TableOf and job.Run.Gather.
func Link(
	ctx context.Context,
	sources []inputs.Source,
	rules job.Rules,
	progress func(done, total int64),
) (*Linked, error) {
	l := &Linked{People: filter.NewLocalIDs(rules.Policy)}
	if err := l.find(ctx, sources, rules); err != nil {
		return nil, err
	}
	rules.LocalIDs = l.People
	digests := make([]string, len(l.deciding))
	tell := Progress(l.deciding, progress)
	err := Each(ctx, Loads(l.deciding), func(ctx context.Context, i, workers int) error {
		source := l.deciding[i]
		run := job.Run{
			Input: source.Path, Entry: source.Entry, Workers: workers, Rules: rules,
		}
		run.Progress = func(done, _ int64) { tell(i, done) }
		read, err := run.Gather(ctx)
		if err == nil {
			digests[i] = read.SHA256
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(digests)
	l.Digest = strings.Join(digests, "\n")
	return l, nil
}

// find finds the tables with NHS numbers, and makes sure that every name in the rules is that of a
// column somewhere.
func (l *Linked) find(ctx context.Context, sources []inputs.Source, rules job.Rules) error {
	var tables, found []string
	for _, source := range sources {
		info, err := regular(source)
		if err != nil {
			return err
		}
		table, err := job.TableOf(ctx, source, rules)
		if err != nil {
			return err
		}
		if table.Decides {
			l.deciding, l.before = append(l.deciding, source), append(l.before, info)
		}
		tables, found = append(tables, source.Path), append(found, table.Names...)
	}
	for _, name := range slices.Concat(rules.Columns.Link, rules.Columns.Identifying) {
		if !slices.Contains(found, name) {
			return &LinkError{Err: ErrNoSuchColumn, Column: name, Tables: tables}
		}
	}
	if len(l.deciding) == 0 {
		return &LinkError{Err: ErrNoNumbers, Tables: tables}
	}
	return nil
}

// regular describes the file of a source, and refuses what cannot be read twice.
func regular(source inputs.Source) (fs.FileInfo, error) {
	path := source.File()
	if path == "-" {
		return nil, ErrLinkedStream
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot read %s: %w", path, atomicfile.Cause(err))
	case !info.Mode().IsRegular():
		return nil, &formats.InputError{Name: path, Err: inputs.ErrNotAFile}
	}
	return info, nil
}

// CheckSteady returns steadyfile.ErrChanged where a table with NHS numbers is not what it was
// before it was read first: then what other tables lost are not the people whom it holds now.
func (l *Linked) CheckSteady() error {
	for i, source := range l.deciding {
		now, err := regular(source)
		if err != nil {
			return err
		}
		if !steadyfile.Same(l.before[i], now) {
			return fmt.Errorf("%s: %w", source.Path, steadyfile.ErrChanged)
		}
	}
	return nil
}
