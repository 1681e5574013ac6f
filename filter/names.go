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
	var names []string
	err := inspect(ctx, path, nil, known, func(_ context.Context, _ *input, _ formats.Format, dataset formats.Dataset) error {
		for _, c := range dataset.Columns() {
			names = append(names, c.Name)
		}
		return nil
	})
	if err != nil || !looksLikeHeader(names) {
		return nil, err
	}
	return names, nil
}
