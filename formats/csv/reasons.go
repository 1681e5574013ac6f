package csv

// What the reader of records knows, by the names of this package.

import "noo/formats/csv/internal/records"

// Reasons for which a single record is refused.
var (
	ErrBareQuote  = records.ErrBareQuote
	ErrAfterQuote = records.ErrAfterQuote
	ErrBackslash  = records.ErrBackslash
	ErrUnclosed   = records.ErrUnclosed
	ErrFieldCount = records.ErrFieldCount
	ErrNUL        = records.ErrNUL
	ErrPadding    = records.ErrPadding
	ErrBareReturn = records.ErrBareReturn
	ErrTooLong    = records.ErrTooLong
	ErrBareFeed   = records.ErrBareFeed
	ErrNotBare    = records.ErrNotBare

	ErrDelimiterOverlaps = records.ErrDelimiterOverlaps
	ErrEscapeOutside     = records.ErrEscapeOutside
	ErrEscapeAtEnd       = records.ErrEscapeAtEnd
	ErrEscapedCode       = records.ErrEscapedCode
	ErrDoubledQuote      = records.ErrDoubledQuote
	ErrNoReading         = records.ErrNoReading
	ErrManyReadings      = records.ErrManyReadings
	ErrQuotesOverLines   = records.ErrQuotesOverLines
)

// RecordEnd says what ends a record outside quotes.
type RecordEnd = records.RecordEnd

// The line endings that a record may have; see records.RecordEnd.
const (
	EndAsFirst = records.EndAsFirst
	EndLF      = records.EndLF
	EndCRLF    = records.EndCRLF
)

// EndsWith is the RecordEnd of texts in which records end with one byte; line endings are text.
func EndsWith(b byte) RecordEnd { return records.EndsWith(b) }
