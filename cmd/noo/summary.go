package main

// What a person sees of a run: the summary at its end, and numbers in a form that can be read at a glance.

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"noo/filter"
	"noo/internal/inputs"
	"noo/job"
)

// grouped writes a count with its digits in threes.
func grouped(n int64) string {
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

// records counts records in words.
func records(n int64) string {
	if n == 1 {
		return "1 record"
	}
	return grouped(n) + " records"
}

// bytes writes a size in bytes with a unit that keeps it short.
func bytes(n float64) string {
	for _, unit := range []string{"B", "kB", "MB"} {
		if n < 1000 {
			return strings.TrimSuffix(fmt.Sprintf("%.1f", n), ".0") + " " + unit
		}
		n /= 1000
	}
	return fmt.Sprintf("%.1f GB", n)
}

// printSummary says what a filter run did, with its inputs in the words given.
func printSummary(w io.Writer, r *job.Report, input, output string) {
	n := r.Totals
	fmt.Fprintf(w, "%s -> %s\n\n", showable(input), displayName(output, "stdout"))
	line := func(what string, count int64, outcome string) {
		share := ""
		if n.Read > 0 {
			share = fmt.Sprintf("%.1f %%", 100*float64(count)/float64(n.Read))
		}
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %-10s %15s %9s   %s", what, grouped(count), share, outcome), " "))
	}
	line("read", n.Read, "")
	line("opted out", n.OptedOut, "removed")
	for _, class := range []struct {
		what   string
		count  int64
		action filter.Action
	}{
		{"missing", n.Missing, r.Policy.Missing}, {"invalid", n.Invalid, r.Policy.Invalid}, {"unchecked", n.Unchecked, r.Policy.Unchecked},
	} {
		if class.count > 0 {
			line(class.what, class.count, map[filter.Action]string{filter.Withhold: "withheld", filter.Keep: "let through"}[class.action])
		}
	}
	line("written", n.Written, "")
	if n.Disguised > 0 {
		fmt.Fprintf(w, "\n  %s of the invalid hold an opted-out person's number in another form: written nowhere\n", grouped(n.Disguised))
	}
	for _, column := range allowed(r) {
		fmt.Fprintf(w, "\n  allowed: column %s of %s written holds an opted-out person's number\n", showable(column.Column), records(column.OptedOut))
	}

	s := r.Snapshot
	fmt.Fprintf(w, "\n  snapshot   sequence %d, %s opted out\n", s.Sequence, grouped(s.OptedOut))
	fmt.Fprintf(w, "  made       %s, %s\n", s.Created.UTC().Format("2 Jan 2006 15:04 UTC"), ago(r.Finished.Sub(s.Created)))
	took := r.Finished.Sub(r.Started)
	size := 0.0
	for _, file := range r.Files {
		size += float64(file.Input.Bytes)
	}
	fmt.Fprintf(w, "  time       %s, %s, %s/s\n", took.Round(time.Millisecond), bytes(size), bytes(size/max(took.Seconds(), 1e-3)))
}

// allowed are the allowed columns of all files that hold numbers of people who opted out, with the records in which they do.
func allowed(r *job.Report) (found []job.AllowedColumn) {
	for _, file := range r.Files {
		for _, column := range file.Allowed {
			at := slices.IndexFunc(found, func(c job.AllowedColumn) bool { return c.Column == column.Column })
			switch {
			case column.OptedOut == 0:
			case at < 0:
				found = append(found, column)
			default:
				found[at].OptedOut += column.OptedOut
			}
		}
	}
	return found
}

// displayName is the name of a file, fit to be shown, or of the stream that "-" stands for.
func displayName(path, stream string) string {
	if path == "-" {
		return stream
	}
	return showable(path)
}

// ago says how long something is past, roughly.
func ago(d time.Duration) string {
	switch {
	case d < time.Hour:
		return "less than an hour old"
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h old", d/time.Hour)
	}
	return fmt.Sprintf("%d days old", d/day)
}

// tellPassedOver says that there are files of which nobody will look at the records.
func (t terminal) tellPassedOver(sources *inputs.Sources, quiet bool) {
	if sources.PassedOver == 0 || quiet {
		return
	}
	t.warn(fmt.Sprintf("passed over, since their names start with . or _: %s", counted(sources.PassedOver, "file or folder", "files or folders")))
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(int64(n)) + " " + many
}
