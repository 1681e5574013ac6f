package main

// What scripts need to see of runs that nobody watches: locks that another process has, events, and
// files without numbers.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"noo/internal/lockfile"
	"noo/internal/nhsnumber"
)

// logFormatOf gives the format of the event log that a command line asks for, or "".
func logFormatOf(args []string) string {
	for i, arg := range args {
		if arg == "--log-format" && i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}

var (
	textEvent = regexp.MustCompile(`^time=\S+ level=(INFO|WARN|ERROR) msg=(file|run|warning) `)
	runEvent  = regexp.MustCompile(`msg("?)[=:]"?run`)
)

// eventsIn makes sure that every line is an event, and at most the last one of the run.
func eventsIn(said, format string) error {
	lines := strings.Split(strings.TrimSuffix(said, "\n"), "\n")
	for i, line := range lines {
		if line == "" && len(lines) == 1 {
			return nil // nothing was said
		}
		if format == "text" && !textEvent.MatchString(line) {
			return errors.New("a line that is no event")
		}
		var event struct{ Time, Level, Msg string }
		if format == "json" {
			if err := json.Unmarshal([]byte(line), &event); err != nil {
				return fmt.Errorf("a line that is no event: %w", err)
			}
			if event.Time == "" || event.Level == "" || event.Msg == "" {
				return errors.New("an event without a time, a level or a message")
			}
		}
		if runEvent.MatchString(line) != (i == len(lines)-1) {
			return errors.New("the event of the run is not the last")
		}
	}
	return nil
}

// held are the locks that the scripts have, by file.
type (
	held    map[string]*lockfile.Lock
	heldKey struct{}
)

// lock takes a lock as another run would: lock FILE.
func lock(ts *testscript.TestScript, _ bool, args []string) {
	l, err := lockfile.Acquire(context.Background(), ts.MkAbs(args[0]), 0)
	ts.Check(err)
	ts.Value(heldKey{}).(held)[args[0]] = l
}

// unlock gives it up: unlock FILE.
func unlock(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Value(heldKey{}).(held)[args[0]].Release())
}

// nameless makes sure that no file holds a valid NHS number: nameless FILE...
func nameless(ts *testscript.TestScript, _ bool, args []string) {
	for _, path := range args {
		content := ts.ReadFile(path)
		if content == "" {
			ts.Fatalf("%s is empty", path)
		}
		for _, match := range loneNumber.FindAllStringSubmatch(content, -1) {
			digits := regexp.MustCompile(`[^0-9]`).ReplaceAllString(match[2], "")
			if _, status := nhsnumber.Parse([]byte(digits)); status == nhsnumber.Valid {
				ts.Fatalf("%s holds an NHS number", path)
			}
		}
	}
}
