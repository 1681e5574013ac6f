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
	"noo/filter"
	"noo/internal/atomicfile"
	"noo/internal/lockfile"
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
var errStream = usageError{errors.New("- is a stream: --lock, --metrics, --junit and --sarif want a file")}

// files are what a run reads and writes beside its lock and metrics. output is the one of written that
// is the dataset, or "".
type files struct {
	read, written []string
	output        string
}

// body is what a command does in a run. It fills in the report.
type body func(ctx context.Context, s *snapshot.Snapshot, report *filter.Report) error

// do makes a run with everything around it, and returns its error.
func (f *runFlags) do(t *ui.Terminal, cmd *cobra.Command, data *dataFlags, named files, run body) error {
	ctx := cmd.Context()
	if data.quiet && t.Log.On() {
		t.Log.SetLevel(slog.LevelWarn)
	}
	started := time.Now().UTC()
	report := new(filter.Report)
	report.Command, report.Tool = commandName(cmd.CommandPath()), filter.Tool{Name: "noo", Version: buildVersion()}
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
				*report = data.about(cmd.CommandPath(), s)
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
func (f *runFlags) tell(ctx context.Context, t *ui.Terminal, report *filter.Report, output string, err error, monitored bool) error {
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
			return saidError{err}
		}
	}
	return err
}

// ready refuses flags with which no run can start.
func (f *runFlags) ready(data *dataFlags) error {
	if f.lockWait > 0 && f.lock == "" {
		return usageError{errors.New("--lock-wait without a lock: name one with --lock FILE")}
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
	if err := f.keepApart(t, data, named); err != nil {
		return err
	}
	if f.metrics != "" {
		return metrics.Try(f.metrics)
	}
	return nil
}

// keepApart refuses a lock or metrics in a file that the run needs for something else.
func (f *runFlags) keepApart(t *ui.Terminal, data *dataFlags, named files) error {
	var read, written []atomicfile.Place
	for _, path := range append([]string{data.path}, named.read...) {
		if path == "-" {
			read = append(read, atomicfile.PlaceOfOpen("stdin", t.In))
		} else if path != "" {
			read = append(read, atomicfile.PlaceOf(path))
		}
	}
	for _, path := range append([]string{f.lock, f.metrics}, named.written...) {
		if path == "" || path == "-" {
			continue
		}
		written = append(written, atomicfile.PlaceOf(path))
		if filter.Reads(named.read, path, isFolder(path)) {
			return fmt.Errorf("cannot write %s: it %w", path, atomicfile.ErrNotApart)
		}
	}
	return atomicfile.KeepApart(read, written)
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
