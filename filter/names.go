package filter

// The names of an input's columns, for a shell that completes them.

import (
	"context"
	"fmt"
	"os"

	"noo/formats"
)

// ColumnNames lists the names of the columns of a file, as a person may see them: where the first line may be data,
// there are none. It reads no more than the format needs to know the columns. What is no regular file is not read.
// The errors are those of Run.Do for the input.
func ColumnNames(ctx context.Context, path string, known []formats.Format) ([]string, error) {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("cannot read %s: it is no regular file", path)
	}
	ctx, interrupt := context.WithCancel(ctx)
	defer interrupt()
	in, err := openInput(ctx, path, nil)
	if err != nil {
		return nil, err
	}
	defer in.close()
	in.interrupt = interrupt
	format, err := in.detect(ctx, known)
	if err != nil {
		return nil, err
	}
	source, err := in.forFormat(ctx, format)
	if err != nil {
		return nil, err
	}
	dataset, err := format.Open(ctx, source)
	if err != nil {
		return nil, err
	}
	defer dataset.Close()
	names := make([]string, 0, len(dataset.Columns()))
	for _, c := range dataset.Columns() {
		names = append(names, c.Name)
	}
	if !looksLikeHeader(names) {
		return nil, nil
	}
	return names, nil
}
