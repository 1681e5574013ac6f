package records

import (
	"errors"
	"fmt"
)

// Reasons for which a record is refused.
var (
	ErrBareQuote  = errors.New("a quote inside a field that does not start with one")
	ErrAfterQuote = errors.New(
		"text after the closing quote of a field: double a quote that belongs to the text",
	)
	// ErrBackslash is text after a closing quote in a text in which a backslash seems to be an
	// escape.
	ErrBackslash  = errors.New("a backslash before a quote, and text after the quote")
	ErrUnclosed   = errors.New("a quoted field starts here and is never closed")
	ErrFieldCount = errors.New("wrong number of fields")
	ErrNUL        = errors.New("a NUL byte: the file is damaged")
	// ErrPadding is an ErrNUL with nothing but more of them behind it.
	ErrPadding = fmt.Errorf(
		"%w, and only NUL bytes follow: it was not written to its end",
		ErrNUL,
	)
	ErrBareReturn = errors.New(
		"a carriage return that no line feed follows, which some programs take for the end of a record: save the file with LF or CRLF line endings",
	)
	ErrTooLong = errors.New(
		"a record of more than 16 MiB starts here: is a quote never closed?",
	)
)
