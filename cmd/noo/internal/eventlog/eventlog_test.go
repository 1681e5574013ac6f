package eventlog_test

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"noo/cmd/noo/internal/eventlog"
	"noo/filter"
	"noo/job"
)

// events takes apart what a log wrote as JSON.
func events(t *testing.T, text string) (all []map[string]any) {
	t.Helper()
	for line := range strings.Lines(text) {
		event := map[string]any{}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, event)
	}
	return all
}

func TestOff(t *testing.T) {
	var none *eventlog.Log
	none.SetCommand("filter")
	none.SetJob("births", "filter")
	if none.On() || eventlog.New(nil, "1").On() {
		t.Error("a log is on that nobody started")
	}
	if err := eventlog.New(nil, "1").Start("xml"); err == nil || err.Error() != "want text or json" {
		t.Errorf("error %v", err)
	}
}

func TestEvents(t *testing.T) {
	var text strings.Builder
	log := eventlog.New(&text, "1.2.3")
	if err := log.Start("json"); err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	file := job.FileReport{Input: job.InputReport{Name: "in.csv", Format: "csv", Bytes: 88},
		Took: 1234567 * time.Microsecond}
	file.Records = filter.Tally{Read: 5, Kept: 5}
	report := &job.Report{Heading: job.Heading{Command: "filter"}, Files: []job.FileReport{file},
		Totals: file.Records, Started: start, Finished: start.Add(time.Second)}
	report.Use(job.SnapshotReport{ID: "x", Created: start.Add(-time.Hour)})
	log.File("filter", &file, eventlog.End{Outcome: eventlog.Done})
	log.Run(report, "out.csv", eventlog.End{Outcome: eventlog.Found, ExitCode: 1, Error: "found"})
	log.Warn("take care")
	log.SetCommand("filter")
	log.Fail(eventlog.End{Outcome: eventlog.Interrupted, ExitCode: 130, Error: "interrupted"})
	wants := []map[string]any{
		{"msg": "file", "level": "INFO", "outcome": "done", "bytes": 88.0, "read": 5.0, "seconds": 1.235},
		{"msg": "run", "level": "WARN", "outcome": "found", "exit_code": 1.0, "files": 1.0, "output": "out.csv", "error": "found"},
		{"msg": "warning", "level": "WARN", "error": "take care"},
		{"msg": "run", "level": "ERROR", "command": "filter", "version": "1.2.3", "outcome": "interrupted", "exit_code": 130.0},
	}
	all := events(t, text.String())
	if len(all) != len(wants) {
		t.Fatalf("%d events: %s", len(all), &text)
	}
	for i, want := range wants {
		for key, value := range want {
			if all[i][key] != value {
				t.Errorf("event %d: %s is %v, want %v", i, key, all[i][key], value)
			}
		}
		if _, ok := all[i]["job"]; ok {
			t.Errorf("event %d has a job", i)
		}
	}
	if age := all[1]["snapshot"].(map[string]any)["age_seconds"]; age != 3601.0 {
		t.Errorf("the snapshot's age is %v", age)
	}
}

// TestEventOfSeveralSnapshots: each is below its number, and none is alone as if it were all.
func TestEventOfSeveralSnapshots(t *testing.T) {
	var text strings.Builder
	log := eventlog.New(&text, "1.2.3")
	if err := log.Start("json"); err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	report := &job.Report{Finished: start}
	report.Use(
		job.SnapshotReport{ID: "x", Scope: "national", KeyID: "01", Created: start.Add(-time.Hour)},
		job.SnapshotReport{ID: "y", Scope: "local", KeyID: "01", Created: start.Add(-time.Minute)},
	)
	log.Run(report, "", eventlog.End{Outcome: eventlog.Done})
	event := events(t, text.String())[0]
	if _, ok := event["snapshot"]; ok {
		t.Error("there is a snapshot alone")
	}
	all := event["snapshots"].(map[string]any)
	first, second := all["1"].(map[string]any), all["2"].(map[string]any)
	if len(all) != 2 || first["id"] != "x" || second["id"] != "y" || second["scope"] != "local" ||
		first["age_seconds"] != 3600.0 || second["age_seconds"] != 60.0 {
		t.Errorf("snapshots %v", all)
	}
}

// TestJobs: what one job sets does not apply to the next, and what was set before applies to all.
func TestJobs(t *testing.T) {
	for _, outside := range []string{"", "json"} {
		t.Run("outside "+outside, func(t *testing.T) {
			var text strings.Builder
			log := eventlog.New(&text, "1")
			if outside != "" {
				if err := log.Start(outside); err != nil {
					t.Fatal(err)
				}
			}
			log.SetJob("first", "filter")
			if err := log.Start("json"); err != nil {
				t.Fatal(err)
			}
			log.SetLevel(slog.LevelError)
			log.Warn("left out")
			log.SetJob("second", "check")
			if log.On() != (outside != "") {
				t.Fatalf("the log is on: %v", log.On())
			}
			if !log.On() {
				return
			}
			log.Fail(eventlog.End{Outcome: eventlog.Done})
			all := events(t, text.String())
			if len(all) != 1 || all[0]["job"] != "second" || all[0]["command"] != "check" {
				t.Errorf("it wrote %s", &text)
			}
		})
	}
}

func TestLeaveJob(t *testing.T) {
	var text strings.Builder
	log := eventlog.New(&text, "1")
	if err := log.Start("json"); err != nil {
		t.Fatal(err)
	}
	log.SetJob("births", "mesh filter")
	log.SetLevel(slog.LevelError)
	log.LeaveJob()
	log.Note("a report")
	all := events(t, text.String())
	if len(all) != 1 || all[0]["msg"] != "note" || all[0]["text"] != "a report" {
		t.Fatalf("it wrote %s", &text)
	}
	if job, ok := all[0]["job"]; ok {
		t.Errorf("a note outside of jobs is of the job %v", job)
	}
	var none *eventlog.Log
	none.LeaveJob()
}
