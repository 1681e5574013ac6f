package ui

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"noo/internal/nhsnumber"
)

// Showable makes a text fit for a terminal, a log or a report, whatever is in it: one line, without
// control characters, and without the digits of an NHS number.
func Showable(text string) string {
	return nhsnumber.Mask(Printable(strings.ToValidUTF8(text, "?")))
}

// Printable replaces each character that would not stay in its place on a terminal by a blank.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// DisplayName returns the name of a file, fit to be shown, or stream if path is "-".
func DisplayName(path, stream string) string {
	if path == "-" {
		return stream
	}
	return Showable(path)
}

// Grouped returns a count with its digits in threes: 1,234.
func Grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	var out strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out.WriteByte(',')
		}
		out.WriteRune(d)
	}
	return out.String()
}

// Counted returns a count of things, in the singular or the plural.
func Counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Grouped(n) + " " + many
}

// Records returns a count of records.
func Records(n int64) string { return Counted(n, "record", "records") }

// Bytes returns a size in bytes with a unit that keeps it short.
func Bytes(n float64) string {
	for _, unit := range []string{"B", "kB", "MB"} {
		if n < 1000 {
			return strings.TrimSuffix(fmt.Sprintf("%.1f", n), ".0") + " " + unit
		}
		n /= 1000
	}
	return fmt.Sprintf("%.1f GB", n)
}

// Ago returns roughly how old something is.
func Ago(d time.Duration) string {
	switch {
	case d < time.Hour:
		return "less than an hour old"
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h old", d/time.Hour)
	}
	return fmt.Sprintf("%d days old", d/(24*time.Hour))
}

// Printed says what went wrong with a line for standard output.
func Printed(_ int, err error) error {
	if err != nil {
		return fmt.Errorf("writing stdout: %w", err)
	}
	return nil
}
