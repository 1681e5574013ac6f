package spec

// What is wrong with a file, and where.

import (
	"errors"
	"fmt"
	"io"

	"noo/formats"
	"noo/internal/nhsnumber"
)

// Errors that an *formats.InputError wraps.
var (
	// ErrEncrypted is a file with encrypted columns or an encrypted footer.
	ErrEncrypted = errors.New("it is encrypted, which is not supported: decrypt it first")
	// ErrCorrupt is a file that contradicts itself or the Parquet specification.
	ErrCorrupt = errors.New("the file is damaged")
	// ErrUnsupported is a file that is sound but uses what this program does not support.
	ErrUnsupported = errors.New("not supported")
	// ErrLimit is a file whose pages are larger than Format.MaxPage allows.
	ErrLimit = errors.New("over the limit")
)

// Corrupt returns an error that wraps ErrCorrupt.
func Corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// Unsupported returns an error that wraps ErrUnsupported.
func Unsupported(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrUnsupported)
}

// ReadFull reads at one place, and takes a file that ends before its size as an error of reading.
func ReadFull(in io.ReaderAt, p []byte, at int64) error {
	n, err := in.ReadAt(p, at)
	switch {
	case n == len(p):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return &readError{io.ErrUnexpectedEOF}
	}
	return &readError{err}
}

// readError marks an error of the input's medium, which says nothing about the input's content.
type readError struct{ err error }

func (e *readError) Error() string { return "reading failed: " + e.err.Error() }

func (e *readError) Unwrap() error { return e.err }

// Part names a place in a file for *formats.InputError. Row groups count from 0, as in other
// Parquet tools.
func Part(group int, column string) string {
	return fmt.Sprintf("row group %d, %s", group, ColumnPart(column))
}

// ColumnPart names a column, without the digits of an NHS number that somebody may have called it
// by.
func ColumnPart(column string) string { return fmt.Sprintf("column %q", nhsnumber.Mask(column)) }

// PlacedError is an error with the place that it happened in, on its way to becoming a
// *formats.InputError.
type PlacedError struct {
	Part string
	Err  error
}

// At returns err with the place that it happened in.
func At(part string, err error) error { return &PlacedError{part, err} }

// Error returns the place, and what is wrong.
func (e *PlacedError) Error() string { return e.Part + ": " + e.Err.Error() }

// Unwrap returns what is wrong.
func (e *PlacedError) Unwrap() error { return e.Err }

// InputError makes an *formats.InputError of an error that is the input's fault, and leaves others
// as they are.
func InputError(name string, err error) error {
	if err == nil {
		return nil
	}
	var medium *readError
	if errors.As(err, &medium) {
		return fmt.Errorf("%s: %w", name, err)
	}
	var placed *PlacedError
	if errors.As(err, &placed) {
		return &formats.InputError{Name: name, Part: placed.Part, Err: placed.Err}
	}
	return &formats.InputError{Name: name, Err: err}
}

// ErrValues is a page that is too short for its values.
var ErrValues = Corrupt("a page holds fewer values than it says")

// ErrLateDictionary is a dictionary that does not come first.
var ErrLateDictionary = Corrupt("its dictionary comes after values")

// ErrRows is a column chunk with another number of records than its row group.
var ErrRows = Corrupt("it has another number of records than the row group")

// ErrOverLimit returns an error that wraps ErrLimit, for a page of size bytes where limit are
// allowed.
func ErrOverLimit(size, limit int) error {
	return fmt.Errorf(
		"a page takes %d bytes in memory, and %d are allowed: %w",
		size,
		limit,
		ErrLimit,
	)
}
