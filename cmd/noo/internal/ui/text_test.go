package ui

import (
	"strings"
	"testing"
	"time"

	"noo/cmd/noo/internal/eventlog"
)

func TestText(t *testing.T) {
	for _, test := range []struct{ name, got, want string }{
		{"a number is masked", Showable("9434765919.csv"), "xxxxxxxxxx.csv"},
		{"one line", Showable("a\nb\x1b[1m"), "a b [1m"},
		{"no UTF-8", Showable("a\xffb"), "a?b"},
		{"a file", DisplayName("a.csv", "stdin"), "a.csv"},
		{"a stream", DisplayName("-", "stdin"), "stdin"},
		{"three digits", Grouped(999), "999"},
		{"seven digits", Grouped(1234567), "1,234,567"},
		{"no record", Records(0), "0 records"},
		{"one record", Records(1), "1 record"},
		{"records", Records(1000), "1,000 records"},
		{"bytes", Bytes(88), "88 B"},
		{"kilobytes", Bytes(1500), "1.5 kB"},
		{"gigabytes", Bytes(2e12), "2000.0 GB"},
		{"now", Ago(time.Minute), "less than an hour old"},
		{"yesterday", Ago(47 * time.Hour), "47 h old"},
		{"long ago", Ago(50 * time.Hour), "2 days old"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.got != test.want {
				t.Errorf("%q, want %q", test.got, test.want)
			}
		})
	}
}

// TestTerminalSays: a line for a person or, if the log is on, an event.
func TestTerminalSays(t *testing.T) {
	var text strings.Builder
	terminal := &Terminal{Err: &text, Log: eventlog.New(&text, "1")}
	terminal.Warn("9434765919 is short")
	terminal.Fail(eventlog.End{Error: "no input"})
	if want := "noo: warning: xxxxxxxxxx is short\nnoo: no input\n"; text.String() != want {
		t.Errorf("%q, want %q", &text, want)
	}
	text.Reset()
	if err := terminal.Log.Start("json"); err != nil {
		t.Fatal(err)
	}
	terminal.Warn("short")
	terminal.Fail(eventlog.End{Outcome: eventlog.Failed, ExitCode: 2, Error: "no input"})
	if said := text.String(); strings.Count(said, "\n") != 2 || strings.Contains(said, "noo:") {
		t.Errorf("%s", said)
	}
}
