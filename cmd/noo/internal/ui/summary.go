package ui

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"noo/filter"
	"noo/job"
)

// Summary prints what a filter run did. input describes the inputs, and output is a path or "-".
func Summary(w io.Writer, r *job.Report, input, output string) {
	n := r.Totals
	fmt.Fprintf(w, "%s -> %s\n\n", Showable(input), DisplayName(output, "stdout"))
	line := func(what string, count int64, outcome string) {
		share := ""
		if n.Read > 0 {
			share = fmt.Sprintf("%.1f %%", 100*float64(count)/float64(n.Read))
		}
		fmt.Fprintln(
			w,
			strings.TrimRight(
				fmt.Sprintf("  %-10s %15s %9s   %s", what, Grouped(count), share, outcome),
				" ",
			),
		)
	}
	line("read", n.Read, "")
	line("opted out", n.OptedOut, "removed")
	for _, class := range []struct {
		what   string
		count  int64
		action filter.Action
	}{
		{"missing", n.Missing, r.Policy.Missing}, {"invalid", n.Invalid, r.Policy.Invalid}, {"unchecked", n.Unchecked, r.Policy.Unchecked},
		{"unlinked", n.Unlinked, filter.Withhold},
	} {
		outcome := map[filter.Action]string{filter.Withhold: "withheld", filter.Keep: "let through"}[class.action]
		if class.what == "invalid" && class.action == filter.Keep && n.Disguised > 0 {
			outcome = fmt.Sprintf(
				"%s let through, %s removed",
				Grouped(class.count-n.Disguised),
				Grouped(n.Disguised),
			)
		}
		if class.count > 0 {
			line(class.what, class.count, outcome)
		}
	}
	line("written", n.Written, "")
	if n.Disguised > 0 {
		fmt.Fprintf(
			w,
			"\n  %s of the invalid hold, in another form, the number of somebody who opted out\n"+
				"  or was not looked up: noo wrote them nowhere\n",
			Grouped(n.Disguised),
		)
	}
	linkedTables(w, r)
	for _, column := range allowed(r) {
		fmt.Fprintf(
			w,
			"\n  allowed: column %s of %s written holds an opted-out person's number\n",
			Showable(column.Column),
			Records(column.OptedOut),
		)
	}

	for _, remark := range Remarks(r) {
		fmt.Fprintf(w, "\n  %s\n", remark)
	}

	fmt.Fprintln(w)
	for _, s := range r.Used() {
		scope := ""
		if r.Snapshot == nil { // one of several
			scope = s.Scope + ", "
		}
		fmt.Fprintf(
			w,
			"  snapshot   %ssequence %d, %s opted out\n",
			scope,
			s.Sequence,
			Grouped(s.OptedOut),
		)
		fmt.Fprintf(
			w,
			"  made       %s, %s\n",
			s.Created.UTC().Format("2 Jan 2006 15:04 UTC"),
			Ago(r.Finished.Sub(s.Created)),
		)
	}
	if r.Policy.Pseudonym != "" {
		fmt.Fprintf(w, "  pseudonyms %s\n", r.Policy.Pseudonym)
	}
	took := r.Finished.Sub(r.Started)
	size := 0.0
	for _, file := range r.Files {
		size += float64(file.Input.Bytes)
	}
	fmt.Fprintf(
		w,
		"  time       %s, %s, %s/s\n",
		took.Round(time.Millisecond),
		Bytes(size),
		Bytes(size/max(took.Seconds(), 1e-3)),
	)
}

// mostTables is how many linked tables a summary lists.
const mostTables = 20

// linkedTables prints what is left of each of the tables that are linked, if they are.
func linkedTables(w io.Writer, r *job.Report) {
	if r.Policy.Unlinked == "" {
		return
	}
	fmt.Fprintln(w)
	for _, file := range r.Files[:min(len(r.Files), mostTables)] {
		by := "by " + file.Link
		if len(file.Columns) > 0 {
			by = "decides by " + strings.Join(file.Columns, ", ")
		}
		fmt.Fprintf(w, "  table      %s: %s of %s written, %s\n", Showable(file.Input.Name),
			Grouped(file.Records.Written), Records(file.Records.Read), Showable(by))
	}
	if more := len(r.Files) - mostTables; more > 0 {
		fmt.Fprintf(w, "  and %s\n", Counted(int64(more), "more table", "more tables"))
	}
}

// allowed returns the columns, passed with --allow-column, that hold numbers of people who opted
// out in any of the files, with the number of such records.
func allowed(r *job.Report) (found []job.AllowedColumn) {
	for _, file := range r.Files {
		for _, column := range file.Allowed {
			at := slices.IndexFunc(
				found,
				func(c job.AllowedColumn) bool { return c.Column == column.Column },
			)
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
