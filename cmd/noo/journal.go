package main

// The journal: what a run says in the form that log systems take, one event a file and one a run, instead of the lines that
// are for a person. It holds counts, places and names of files; no NHS number, no value of a record.

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"noo/filter"
	"noo/job"
)

// logFormatFlag turns the journal on.
const logFormatFlag = "log-format"

// journal is where events go once a format was chosen; before that, and if none is, it is off. A nil journal is off.
type journal struct {
	to     io.Writer
	level  slog.LevelVar
	logger atomic.Pointer[slog.Logger]
	asked  *slog.Logger           // what the command line or the environment asks for, or nil
	job    atomic.Pointer[string] // the job of a config file that is being carried out, or nil
	// command is what was asked for, for events of runs that do not begin; nil where nobody knows.
	command atomic.Pointer[string]
}

// of has the events from here on be those of a job and its command. What the job before has set, for itself, is forgotten.
func (j *journal) of(job *configJob) {
	j.logger.Store(j.asked)
	j.level.Set(slog.LevelInfo)
	j.job.Store(&job.name)
	j.command.Store(&job.command)
}

// on tells whether events are written, and so nothing else is to be said on stderr.
func (j *journal) on() bool { return j != nil && j.logger.Load() != nil }

// start turns the journal on in a format.
func (j *journal) start(format string) error {
	var handler slog.Handler
	switch format {
	case "text":
		handler = slog.NewTextHandler(j.to, &slog.HandlerOptions{Level: &j.level})
	case "json":
		handler = slog.NewJSONHandler(j.to, &slog.HandlerOptions{Level: &j.level})
	default:
		return errors.New("want text or json")
	}
	j.logger.Store(slog.New(handler))
	return nil
}

// startFrom turns the journal on if the arguments ask for it, or the environment does for a command that has the flag, so that a command
// line with a mistake in it is answered in the form that was asked for.
func (j *journal) startFrom(root *cobra.Command, args []string) {
	if j == nil {
		return
	}
	cmd, _, err := root.Find(args)
	if err == nil && cmd != root {
		name := commandName(cmd.CommandPath())
		j.command.Store(&name)
	}
	if err == nil && cmd.Flags().Lookup(logFormatFlag) != nil {
		if format := os.Getenv(variable(logFormatFlag)); format != "" {
			_ = j.start(format) // one that does not exist is an error when the variable is read
		}
	}
	defer func() { j.asked = j.logger.Load() }()
	for i, arg := range args {
		format, found := strings.CutPrefix(arg, "--"+logFormatFlag+"=")
		switch {
		case arg == "--":
			return
		case arg == "--"+logFormatFlag && i+1 < len(args):
			format, found = args[i+1], true
		}
		if found {
			_ = j.start(format) // a format that does not exist is an error when the flag is read
		}
	}
}

// logFormat is the journal as a flag.
type logFormat struct{ journal *journal }

func (f logFormat) Set(text string) error { return f.journal.start(text) }
func (logFormat) String() string          { return "" }
func (logFormat) Type() string            { return "FORMAT" }

// hush leaves out what went well.
func (j *journal) hush() { j.level.Set(slog.LevelWarn) }

func (j *journal) write(level slog.Level, event string, attributes ...slog.Attr) {
	if job := j.job.Load(); job != nil {
		attributes = append([]slog.Attr{slog.String("job", *job)}, attributes...)
	}
	j.logger.Load().LogAttrs(context.Background(), level, event, attributes...)
}

// file writes the event of a file, and for one that went wrong the exit code that stands for it.
func (j *journal) file(command string, file *job.FileReport, outcome outcome, code int) {
	attributes := []slog.Attr{
		slog.String("command", command), slog.String("name", file.Input.Name), outcomeAttr(outcome),
	}
	if outcome != outcomeFailed {
		attributes = append(attributes, slog.String("format", file.Input.Format), slog.Int64("bytes", file.Input.Bytes))
		attributes = append(attributes, countAttrs(file.Records)...)
	}
	attributes = append(attributes, secondsAttr(file.Took))
	if file.Error != "" {
		attributes = append(attributes, slog.Int("exit_code", code), slog.String("error", file.Error))
	}
	j.write(outcome.level(), "file", attributes...)
}

// run writes the event of a run; output is where it writes to, or "", and text what is said of its error, or "".
func (j *journal) run(report *job.Report, output string, outcome outcome, text string, code int) {
	attributes := []slog.Attr{slog.String("command", report.Command), slog.String("version", report.Tool.Version)}
	if output != "" {
		attributes = append(attributes, slog.String("output", displayName(filepath.Base(output), "stdout")))
	}
	attributes = append(attributes, outcomeAttr(outcome), slog.Int("exit_code", code))
	if len(report.Files) > 0 {
		size := int64(0)
		for _, file := range report.Files {
			size += file.Input.Bytes
		}
		attributes = append(attributes, slog.Int("files", len(report.Files)), slog.Int64("bytes", size))
		attributes = append(attributes, countAttrs(report.Totals)...)
	}
	attributes = append(attributes, secondsAttr(report.Finished.Sub(report.Started)))
	if s := report.Snapshot; !s.Created.IsZero() {
		attributes = append(attributes, slog.Group("snapshot",
			slog.String("id", s.ID), slog.Uint64("sequence", s.Sequence),
			slog.Time("created", s.Created), slog.Int64("age_seconds", int64(report.Finished.Sub(s.Created).Seconds()))))
	}
	if text != "" {
		attributes = append(attributes, slog.String("error", text))
	}
	j.write(outcome.level(), "run", attributes...)
}

// failed writes the event of a run that did not begin, or could not come to its end, and so has nothing to report.
func (j *journal) failed(text string, code int) {
	var attributes []slog.Attr
	if command := j.command.Load(); command != nil {
		attributes = append(attributes, slog.String("command", *command))
	}
	attributes = append(attributes, slog.String("version", buildVersion()), outcomeAttr(outcomeOf(code)), slog.Int("exit_code", code), slog.String("error", text))
	j.write(outcomeOf(code).level(), "run", attributes...)
}

// outcome is how a file or a run went, in a word for the journal.
type outcome string

const (
	outcomeDone        outcome = "done"
	outcomeFound       outcome = "found" // records that must not be disclosed
	outcomeFailed      outcome = "failed"
	outcomeInterrupted outcome = "interrupted"
)

// outcomeOf gives the outcome of a run by its exit code.
func outcomeOf(code int) outcome {
	switch code {
	case exitDone:
		return outcomeDone
	case exitDisclosure:
		return outcomeFound
	case exitInterrupted:
		return outcomeInterrupted
	}
	return outcomeFailed
}

func (o outcome) level() slog.Level {
	switch o {
	case outcomeDone:
		return slog.LevelInfo
	case outcomeFound:
		return slog.LevelWarn
	}
	return slog.LevelError
}

func outcomeAttr(o outcome) slog.Attr { return slog.String("outcome", string(o)) }

// secondsAttr gives a duration in seconds, to the millisecond.
func secondsAttr(d time.Duration) slog.Attr {
	return slog.Float64("seconds", math.Round(d.Seconds()*1000)/1000)
}

func countAttrs(n filter.Tally) []slog.Attr {
	return []slog.Attr{
		slog.Int64("read", n.Read), slog.Int64("kept", n.Kept), slog.Int64("opted_out", n.OptedOut), slog.Int64("missing", n.Missing),
		slog.Int64("invalid", n.Invalid), slog.Int64("unchecked", n.Unchecked), slog.Int64("written", n.Written),
	}
}
