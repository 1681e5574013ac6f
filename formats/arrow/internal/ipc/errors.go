// Package ipc reads and writes the messages of Arrow's IPC format: schema, dictionary batches,
// record batches, and the footer of a file (Arrow Columnar Format 1.5, "Serialization and
// Interprocess Communication"; format/Message.fbs, Schema.fbs and File.fbs). It knows no values:
// package column makes arrays of the buffers of a batch.
package ipc

import (
	"errors"
	"fmt"
	"io"
)

// Errors that an *formats.InputError wraps.
var (
	// ErrCorrupt is a file that contradicts itself or the Arrow specification.
	ErrCorrupt = errors.New("the file is damaged")
	// ErrTruncated is a file or a stream that ends before its end.
	ErrTruncated = fmt.Errorf("%w: it ends too early; get it again", ErrCorrupt)
	// ErrUnsupported is a file that is sound but uses what this program does not support.
	ErrUnsupported = errors.New("not supported")
	// ErrLimit is a file that takes more memory than is allowed.
	ErrLimit = errors.New("over the limit")
)

// ErrTrailing is something behind the end of a stream.
var ErrTrailing = Corrupt("something follows its end")

// Corrupt returns an error that wraps ErrCorrupt.
func Corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// Unsupported returns an error that wraps ErrUnsupported.
func Unsupported(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrUnsupported)
}

// OverLimit returns an error that wraps ErrLimit, for something of size bytes where limit are
// allowed.
func OverLimit(what string, size, limit int64) error {
	return fmt.Errorf(
		"%s takes %d bytes in memory, and %d are allowed: %w",
		what,
		size,
		limit,
		ErrLimit,
	)
}

// MediumError is an error of the input's medium, which says nothing about the input's content.
type MediumError struct{ Err error }

// Error returns what happened.
func (e *MediumError) Error() string { return e.Err.Error() }

// Unwrap returns what happened.
func (e *MediumError) Unwrap() error { return e.Err }

// medium makes an error of a Reader: an end is an end too early.
func medium(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrTruncated
	}
	return &MediumError{err}
}
