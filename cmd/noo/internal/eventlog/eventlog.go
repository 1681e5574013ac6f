// Package eventlog writes what a run did in the form that log systems read: one event a file and
// one a run, instead of lines for a person. An event holds counts, places and names of files. It
// never holds an NHS number or a value of a record.
package eventlog

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"strconv"
	"sync/atomic"
	"time"

	"noo/cmd/noo/internal/flagvalue"
	"noo/filter"
	"noo/job"
)

// Outcome is how a file or a run ended.
type Outcome string

// The outcomes.
const (
	Done        Outcome = "done"
	Found       Outcome = "found" // records that must not be disclosed
	Failed      Outcome = "failed"
	Interrupted Outcome = "interrupted"
)

// level returns how severe an outcome is.
func (o Outcome) level() slog.Level {
	switch o {
	case Done:
		return slog.LevelInfo
	case Found:
		return slog.LevelWarn
	}
	return slog.LevelError
}

// End is how something ended: its outcome, the exit code that belongs to it, and the error or "".
type End struct {
	Outcome  Outcome
	ExitCode int
	Error    string
}

// Log writes events. It is off until Start; a nil Log is always off. It is safe for concurrent use,
// but for Start, SetLevel and SetJob, which must not run beside each other.
type Log struct {
	to      io.Writer
	version string
	level   slog.LevelVar
	logger  atomic.Pointer[slog.Logger]
	outer   *slog.Logger // logger outside jobs
	command atomic.Pointer[string]
	job     atomic.Pointer[string] // nil outside jobs
}

// New returns a Log that writes to w. version is that of the program.
func New(w io.Writer, version string) *Log { return &Log{to: w, version: version} }

// Formats are the formats that Start accepts.
var Formats = []string{"text", "json"}

// Start turns the log on in one of Formats.
func (l *Log) Start(format string) error {
	var handler slog.Handler
	options := &slog.HandlerOptions{Level: &l.level}
	switch format {
	case "text":
		handler = slog.NewTextHandler(l.to, options)
	case "json":
		handler = slog.NewJSONHandler(l.to, options)
	default:
		return errors.New("want " + flagvalue.Words(Formats))
	}
	l.logger.Store(slog.New(handler))
	return nil
}

// On reports whether the log writes events. Then nothing else may go to stderr.
func (l *Log) On() bool { return l != nil && l.logger.Load() != nil }

// SetLevel leaves out events below a level.
func (l *Log) SetLevel(level slog.Level) { l.level.Set(level) }

// SetCommand names the command for the event of a run that cannot begin.
func (l *Log) SetCommand(name string) {
	if l != nil {
		l.command.Store(&name)
	}
}

// SetJob makes all later events those of a job, which runs a command. It forgets the format and the
// level that the job before has set.
func (l *Log) SetJob(name, command string) {
	if l == nil {
		return
	}
	if l.job.Load() == nil {
		l.outer = l.logger.Load()
	}
	l.logger.Store(l.outer)
	l.level.Set(slog.LevelInfo)
	l.job.Store(&name)
	l.command.Store(&command)
}

// LeaveJob makes all later events those of no job. It undoes what SetJob and the job have set.
func (l *Log) LeaveJob() {
	if l == nil || l.job.Load() == nil {
		return
	}
	l.logger.Store(l.outer)
	l.level.Set(slog.LevelInfo)
	l.job.Store(nil)
}

func (l *Log) write(level slog.Level, event string, attributes ...slog.Attr) {
	if job := l.job.Load(); job != nil {
		attributes = append([]slog.Attr{slog.String("job", *job)}, attributes...)
	}
	l.logger.Load().LogAttrs(context.Background(), level, event, attributes...)
}

// Warn writes the event of a warning.
func (l *Log) Warn(text string) {
	l.write(slog.LevelWarn, "warning", slog.String("error", text))
}

// Note writes the event of something that is neither a file nor a run, and is no mistake.
func (l *Log) Note(text string) {
	l.write(slog.LevelInfo, "note", slog.String("text", text))
}

// File writes the event of a file that a command read.
func (l *Log) File(command string, file *job.FileReport, end End) {
	attributes := []slog.Attr{
		slog.String("command", command), slog.String("name", file.Input.Name), end.outcome(),
	}
	if end.Outcome != Failed {
		attributes = append(attributes,
			slog.String("format", file.Input.Format), slog.Int64("bytes", file.Input.Bytes))
		attributes = append(attributes, counts(file.Records)...)
	}
	attributes = append(attributes, seconds(file.Took))
	if end.Error != "" {
		attributes = append(attributes,
			slog.Int("exit_code", end.ExitCode), slog.String("error", end.Error))
	}
	l.write(end.Outcome.level(), "file", attributes...)
}

// Run writes the event of a run. output is the name of its output, fit to be shown, or "".
func (l *Log) Run(report *job.Report, output string, end End) {
	attributes := []slog.Attr{
		slog.String("command", report.Command), slog.String("version", report.Tool.Version),
	}
	if output != "" {
		attributes = append(attributes, slog.String("output", output))
	}
	attributes = append(attributes, end.outcome(), slog.Int("exit_code", end.ExitCode))
	if len(report.Files) > 0 {
		size := int64(0)
		for _, file := range report.Files {
			size += file.Input.Bytes
		}
		attributes = append(attributes,
			slog.Int("files", len(report.Files)), slog.Int64("bytes", size))
		attributes = append(attributes, counts(report.Totals)...)
	}
	attributes = append(attributes, seconds(report.Finished.Sub(report.Started)))
	attributes = append(attributes, snapshots(report)...)
	if end.Error != "" {
		attributes = append(attributes, slog.String("error", end.Error))
	}
	l.write(end.Outcome.level(), "run", attributes...)
}

// Fail writes the event of a run that has no report: it did not begin, or was cut off.
func (l *Log) Fail(end End) {
	var attributes []slog.Attr
	if command := l.command.Load(); command != nil {
		attributes = append(attributes, slog.String("command", *command))
	}
	attributes = append(attributes, slog.String("version", l.version), end.outcome(),
		slog.Int("exit_code", end.ExitCode), slog.String("error", end.Error))
	l.write(end.Outcome.level(), "run", attributes...)
}

// snapshots describes the snapshot of a run, or several, each below its number from 1.
func snapshots(report *job.Report) []slog.Attr {
	var numbered []any
	for i, s := range report.Used() {
		age := int64(report.Finished.Sub(s.Created).Seconds())
		attributes := []any{
			slog.String("id", s.ID), slog.Uint64("sequence", s.Sequence),
			slog.Time("created", s.Created), slog.Int64("age_seconds", age),
		}
		if report.Snapshot != nil {
			return []slog.Attr{slog.Group("snapshot", attributes...)}
		}
		attributes = append(attributes, slog.String("scope", s.Scope), slog.String("key_id", s.KeyID))
		numbered = append(numbered, slog.Group(strconv.Itoa(i+1), attributes...))
	}
	if len(numbered) == 0 {
		return nil
	}
	return []slog.Attr{slog.Group("snapshots", numbered...)}
}

func (e End) outcome() slog.Attr { return slog.String("outcome", string(e.Outcome)) }

// seconds returns a duration in seconds, to the millisecond.
func seconds(d time.Duration) slog.Attr {
	return slog.Float64("seconds", math.Round(d.Seconds()*1000)/1000)
}

// counts are the counts of records; that of unlinked ones only where there are any.
func counts(n filter.Tally) []slog.Attr {
	attributes := []slog.Attr{
		slog.Int64("read", n.Read), slog.Int64("kept", n.Kept), slog.Int64("opted_out", n.OptedOut),
		slog.Int64("missing", n.Missing), slog.Int64("invalid", n.Invalid),
		slog.Int64("unchecked", n.Unchecked),
	}
	if n.Unlinked > 0 {
		attributes = append(attributes, slog.Int64("unlinked", n.Unlinked))
	}
	return append(attributes, slog.Int64("written", n.Written))
}
