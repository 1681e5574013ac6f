package job

// A look at an input without a run: its columns, for a person who is about to write a command line,
// or for a shell that completes their names.

import (
	"context"
	"fmt"
	"os"
	"slices"

	"noo/formats"
	"noo/internal/columns"
	"noo/internal/inputs"
)

// ColumnNames lists the names of the columns of a source, as a person may see them: where the first
// line may be data, there are none. It reads no more than the format needs to know the columns.
// What is no regular file is not read. The errors are those of Run.Do for the input.
func ColumnNames(
	ctx context.Context,
	source inputs.Source,
	known []formats.Format,
) ([]string, error) {
	if info, err := os.Stat(source.File()); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("cannot read %s: it is no regular file", source.Path)
	}
	var names []string
	err := inspect(
		ctx,
		source,
		nil,
		known,
		func(_ context.Context, _ *input, _ formats.Format, dataset formats.Dataset) error {
			for _, c := range dataset.Columns() {
				names = append(names, c.Name)
			}
			return nil
		},
	)
	if err != nil || !columns.LooksLikeHeader(names) {
		return nil, err
	}
	return names, nil
}

// Survey opens a source, or stdin for "-", in one of the formats, and looks at the first records of
// every column; missing are texts as in columns.Rules. The error is an *formats.InputError for a
// bad input, the context's cause when it ended, or what the file system said.
func Survey(
	ctx context.Context,
	source inputs.Source,
	stdin *os.File,
	known []formats.Format,
	missing []string,
) (*columns.Survey, error) {
	var survey *columns.Survey
	err := inspect(
		ctx,
		source,
		stdin,
		known,
		func(ctx context.Context, in *input, format formats.Format, dataset formats.Dataset) (err error) {
			survey, err = columns.SurveyOf(ctx, in.name, format.Name(), dataset, missing)
			return err
		},
	)
	return survey, err
}

// Table says what a file is among tables that are linked.
type Table struct {
	// Decides tells that it has NHS numbers, which decide on the people in other tables.
	Decides bool
	// Names are those of the columns that the rules name for numbers and links, as far as it has
	// them.
	Names []string
}

// TableOf finds out what a source is among tables that are linked, without reading its records. The
// errors are those of Run.Do for the input and the choice of columns.
func TableOf(ctx context.Context, source inputs.Source, rules Rules) (t Table, err error) {
	err = inspect(ctx, source, nil, rules.Formats,
		func(_ context.Context, in *input, _ formats.Format, dataset formats.Dataset) error {
			all := dataset.Columns()
			chosen, err := columns.Choose(in.name, all, rules.Columns)
			named := slices.Concat(rules.Columns.Link, rules.Columns.Identifying)
			t = Table{len(chosen.Identifying) > 0, columns.Having(all, named)}
			return err
		})
	return t, err
}

// inspect opens a source, or stdin for "-", in one of the formats, for something that looks at its
// first records at most.
func inspect(
	ctx context.Context,
	source inputs.Source,
	stdin *os.File,
	known []formats.Format,
	look func(context.Context, *input, formats.Format, formats.Dataset) error,
) error {
	ctx, interrupt := context.WithCancel(ctx)
	defer interrupt()
	in, err := openInput(ctx, source.Path, source.Entry, stdin)
	if err != nil {
		return err
	}
	defer in.close()
	in.interrupt = interrupt
	format, err := in.detect(ctx, known)
	if err != nil {
		return err
	}
	ready, err := in.forFormat(ctx, format)
	if err != nil {
		return err
	}
	dataset, err := format.Open(ctx, ready)
	if err != nil {
		return err
	}
	defer dataset.Close()
	if err := look(ctx, in, format, dataset); err != nil || in.entry == nil {
		return err
	}
	return in.finish() // What was seen is what the ZIP file should hold.
}
