package runflags

// Flags of the commands that make a run, and what goes on around a run: lock, log and metrics.

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/buildinfo"
	"noo/cmd/noo/internal/eventlog"
	"noo/cmd/noo/internal/flagvalue"
	"noo/cmd/noo/internal/metrics"
	"noo/cmd/noo/internal/outcome"
	"noo/cmd/noo/internal/ui"
	"noo/internal/inputs"
	"noo/internal/iopaths"
	"noo/internal/lockfile"
	"noo/job"
	"noo/snapshot"
)

// MetricsFlag names the file for the metrics of a run.
const MetricsFlag = "metrics"

// LogFormatFlag turns the event log on. startLog reads it.
const LogFormatFlag = "log-format"

// Run are for runs that nobody watches.
type Run struct {
	lock      string
	lockWait  flagvalue.Wait
	logFormat string
	metrics   string
}

// Add adds the flags to a command.
func (f *Run) Add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(
		&f.lock,
		"lock",
		"",
		"do not run while another run holds the lock on `FILE`; noo creates it and never deletes it",
	)
	flagvalue.Add(flags, &f.lockWait, "lock-wait", "wait for the lock at most this long")
	flags.Lookup("lock-wait").DefValue = ""
	var formats []flagvalue.Word[string]
	for _, format := range eventlog.Formats {
		formats = append(formats, flagvalue.Word[string]{Text: format, Value: format})
	}
	AddChoice(flags, flagvalue.NewChoice("FORMAT", &f.logFormat, formats...), LogFormatFlag,
		"write events for a log system to stderr instead of lines for a person")
	flags.StringVar(
		&f.metrics,
		MetricsFlag,
		"",
		"write metrics for Prometheus' node_exporter to `FILE`, whose name should end in .prom",
	)
}

// ErrStream is a stream where only a file will do.
var ErrStream = outcome.Usage(
	errors.New("- is a stream: --lock, --metrics, --junit and --sarif want a file"),
)

// Files are what a run reads and writes beside its lock and metrics. output is the one of written
// that is the dataset, or "".
type Files struct {
	Read, Written []string
	Output        string
}

// body is what a command does in a run. It fills in the report.
type body func(ctx context.Context, s *snapshot.Together, report *job.Report) error

// Do makes a run with everything around it, and returns its error.
func (f *Run) Do(t *ui.Terminal, cmd *cobra.Command, data *Data, named Files, run body) error {
	ctx := cmd.Context()
	if data.Quiet && t.Log.On() {
		t.Log.SetLevel(slog.LevelWarn)
	}
	started := time.Now().UTC()
	report := new(job.Report)
	report.Command, report.Tool = CommandName(
		cmd.CommandPath(),
	), job.Tool{
		Name:    "noo",
		Version: buildinfo.Version(),
	}
	monitored := false
	err := func() error {
		if err := f.validate(t, data, named); err != nil {
			return err
		}
		monitored = f.metrics != ""
		return f.alone(ctx, func() error {
			started = time.Now().UTC() // waiting for the lock is not part of it
			s, err := data.Accept(ctx, t)
			if s != nil { // also a refused one of a trusted publisher: the metrics warn of it
				report.Heading = data.about(cmd.CommandPath(), s)
			}
			if err != nil {
				return err
			}
			if s.CoversNobody() && !data.Quiet {
				t.Warn("every snapshot has scope local: noo withholds all other records; " +
					"add a national or checked snapshot")
			}
			if err := data.Pseudonyms.load(ctx, t, s, data.Quiet); err != nil {
				return err
			}
			report.Started = started
			return run(ctx, s, report)
		})
	}()
	report.Started, report.Finished = started, time.Now().UTC()
	return f.tell(ctx, t, report, named.Output, err, monitored)
}

// tell writes the metrics and the event of a run that ended with err, and returns err.
func (f *Run) tell(
	ctx context.Context,
	t *ui.Terminal,
	report *job.Report,
	output string,
	err error,
	monitored bool,
) error {
	t.Finish() // from here on, the run has ended as err says
	code := outcome.ExitCode(ctx, err)
	if monitored {
		before, lost := metrics.ReadBefore(f.metrics)
		if lost != nil && code != outcome.ExitDone { // a success needs nothing of it
			t.Warn(
				ui.Showable(
					fmt.Sprintf("%s, with the metrics of the last run, %v", f.metrics, lost),
				),
			)
		}
		if err := metrics.Write(f.metrics, metrics.Run{ExitCode: code, Report: report, Before: before}); err != nil {
			t.Warn(
				"noo could not write the metrics: " + outcome.Message(
					context.WithoutCancel(ctx),
					err,
				),
			)
		}
	}
	if t.Log.On() {
		shown := ""
		if output != "" {
			shown = ui.DisplayName(filepath.Base(output), "stdout")
		}
		end := eventlog.End{
			Outcome:  outcome.Of(code),
			ExitCode: code,
			Error:    outcome.Message(ctx, err),
		}
		t.Log.Run(report, shown, end)
		if err != nil {
			return outcome.AlreadySaid(err)
		}
	}
	return err
}

// Ready refuses flags with which no run can start.
func (f *Run) Ready(data *Data) error {
	if f.lockWait > 0 && f.lock == "" {
		return outcome.Usage(errors.New("--lock-wait without a lock: name one with --lock FILE"))
	}
	for _, path := range f.Own() {
		if path == "-" {
			return ErrStream
		}
	}
	return data.validate()
}

// Validate refuses what cannot work, before the run waits for the lock.
func (f *Run) validate(t *ui.Terminal, data *Data, named Files) error {
	if err := f.checkPaths(t, data, named); err != nil {
		return err
	}
	if f.metrics != "" {
		return metrics.Try(f.metrics)
	}
	return nil
}

// checkPaths refuses a lock or metrics in a file that the run needs for something else, and outputs
// that the next run would read.
func (f *Run) checkPaths(t *ui.Terminal, data *Data, named Files) error {
	var paths iopaths.Paths
	paths.Read(data.Paths...)
	data.Identities.Paths(&paths)
	paths.Read(data.Pseudonyms.files()...)
	for _, path := range named.Read {
		if path == "-" {
			paths.ReadOpen("stdin", t.In)
		} else {
			paths.Read(inputs.FileOf(path))
		}
	}
	paths.ReadMatching(
		func(path string, folder bool) bool { return inputs.Reads(named.Read, path, folder) },
	)
	for _, path := range append([]string{f.lock, f.metrics}, named.Written...) {
		switch {
		case path == "-":
		case IsFolder(path):
			paths.WriteFolder(path)
		default:
			paths.Write(path)
		}
	}
	return paths.Check()
}

// alone runs with the lock, if there is one.
func (f *Run) alone(ctx context.Context, run func() error) error {
	if f.lock == "" {
		return run()
	}
	lock, err := lockfile.Acquire(ctx, f.lock, time.Duration(f.lockWait))
	if err != nil {
		return err
	}
	defer lock.Release() // if it fails, the lock ends with the process
	return run()
}

// Own returns the files that no output of the run may replace.
func (f *Run) Own() (paths []string) {
	for _, path := range []string{f.lock, f.metrics} {
		if path != "" {
			paths = append(paths, path)
		}
	}
	return paths
}

// IsFolder reports whether a path names a folder: whether it ends with a slash.
func IsFolder(path string) bool {
	return path != "" && os.IsPathSeparator(path[len(path)-1])
}
