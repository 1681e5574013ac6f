package main

// Flags of the commands that make a run, and what goes on around a run: lock, log and metrics.

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/eventlog"
	"noo/cmd/noo/internal/flagvalue"
	"noo/cmd/noo/internal/metrics"
	"noo/cmd/noo/internal/ui"
	"noo/internal/inputs"
	"noo/internal/iopaths"
	"noo/internal/lockfile"
	"noo/job"
	"noo/snapshot"
)

// metricsFlag names the file for the metrics of a run.
const metricsFlag = "metrics"

// logFormatFlag turns the event log on. startLog reads it.
const logFormatFlag = "log-format"

// runFlags are for runs that nobody watches.
type runFlags struct {
	lock      string
	lockWait  flagvalue.Wait
	logFormat string
	metrics   string
}

func (f *runFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.lock, "lock", "", "do not run while another run holds the lock on `FILE`; noo creates it and never deletes it")
	flagvalue.Add(flags, &f.lockWait, "lock-wait", "wait for the lock at most this long")
	flags.Lookup("lock-wait").DefValue = ""
	var formats []flagvalue.Word[string]
	for _, format := range eventlog.Formats {
		formats = append(formats, flagvalue.Word[string]{Text: format, Value: format})
	}
	addChoice(flags, flagvalue.NewChoice("FORMAT", &f.logFormat, formats...), logFormatFlag,
		"write events for a log system to stderr instead of lines for a person")
	flags.StringVar(&f.metrics, metricsFlag, "", "write metrics for Prometheus' node_exporter to `FILE`, whose name should end in .prom")
}

// errStream is a stream where only a file will do.
var errStream = usage(errors.New("- is a stream: --lock, --metrics, --junit and --sarif want a file"))

// files are what a run reads and writes beside its lock and metrics. output is the one of written that
// is the dataset, or "".
type files struct {
	read, written []string
	output        string
}

// body is what a command does in a run. It fills in the report.
type body func(ctx context.Context, s *snapshot.Snapshot, report *job.Report) error

// do makes a run with everything around it, and returns its error.
func (f *runFlags) do(t *ui.Terminal, cmd *cobra.Command, data *dataFlags, named files, run body) error {
	ctx := cmd.Context()
	if data.quiet && t.Log.On() {
		t.Log.SetLevel(slog.LevelWarn)
	}
	started := time.Now().UTC()
	report := new(job.Report)
	report.Command, report.Tool = commandName(cmd.CommandPath()), job.Tool{Name: "noo", Version: buildVersion()}
	monitored := false
	err := func() error {
		if err := f.validate(t, data, named); err != nil {
			return err
		}
		monitored = f.metrics != ""
		return f.alone(ctx, func() error {
			started = time.Now().UTC() // waiting for the lock is not part of it
			s, err := data.accept()
			if s != nil { // also a refused one of a trusted publisher: the metrics warn of it
				report.Heading = data.about(cmd.CommandPath(), s)
			}
			if err != nil {
				return err
			}
			report.Started = started
			return run(ctx, s, report)
		})
	}()
	report.Started, report.Finished = started, time.Now().UTC()
	return f.tell(ctx, t, report, named.output, err, monitored)
}

// tell writes the metrics and the event of a run that ended with err, and returns err.
func (f *runFlags) tell(ctx context.Context, t *ui.Terminal, report *job.Report, output string, err error, monitored bool) error {
	t.Finish() // from here on, the run has ended as err says
	code := exitCode(ctx, err)
	if monitored {
		before, lost := metrics.ReadBefore(f.metrics)
		if lost != nil && code != exitDone { // a success needs nothing of it
			t.Warn(ui.Showable(fmt.Sprintf("%s, with the metrics of the last run, %v", f.metrics, lost)))
		}
		if err := metrics.Write(f.metrics, metrics.Run{ExitCode: code, Report: report, Before: before}); err != nil {
			t.Warn("noo could not write the metrics: " + message(context.WithoutCancel(ctx), err))
		}
	}
	if t.Log.On() {
		shown := ""
		if output != "" {
			shown = ui.DisplayName(filepath.Base(output), "stdout")
		}
		end := eventlog.End{Outcome: outcomeOf(code), ExitCode: code, Error: message(ctx, err)}
		t.Log.Run(report, shown, end)
		if err != nil {
			return alreadySaid(err)
		}
	}
	return err
}

// ready refuses flags with which no run can start.
func (f *runFlags) ready(data *dataFlags) error {
	if f.lockWait > 0 && f.lock == "" {
		return usage(errors.New("--lock-wait without a lock: name one with --lock FILE"))
	}
	for _, path := range f.own() {
		if path == "-" {
			return errStream
		}
	}
	return data.validate()
}

// validate refuses what cannot work, before the run waits for the lock.
func (f *runFlags) validate(t *ui.Terminal, data *dataFlags, named files) error {
	if err := f.checkPaths(t, data, named); err != nil {
		return err
	}
	if f.metrics != "" {
		return metrics.Try(f.metrics)
	}
	return nil
}

// checkPaths refuses a lock or metrics in a file that the run needs for something else, and outputs that the next run would
// read.
func (f *runFlags) checkPaths(t *ui.Terminal, data *dataFlags, named files) error {
	var paths iopaths.Paths
	paths.Read(data.path)
	for _, path := range named.read {
		if path == "-" {
			paths.ReadOpen("stdin", t.In)
		} else {
			paths.Read(path)
		}
	}
	paths.ReadMatching(func(path string, folder bool) bool { return inputs.Reads(named.read, path, folder) })
	for _, path := range append([]string{f.lock, f.metrics}, named.written...) {
		switch {
		case path == "-":
		case isFolder(path):
			paths.WriteFolder(path)
		default:
			paths.Write(path)
		}
	}
	return paths.Check()
}

// alone runs with the lock, if there is one.
func (f *runFlags) alone(ctx context.Context, run func() error) error {
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

// own returns the files that no output of the run may replace.
func (f *runFlags) own() (paths []string) {
	for _, path := range []string{f.lock, f.metrics} {
		if path != "" {
			paths = append(paths, path)
		}
	}
	return paths
}
