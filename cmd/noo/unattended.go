package main

// Runs that nobody watches: one at a time, with a journal for a log system and figures for monitoring.

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"noo/cmd/noo/internal/metrics"
	"noo/internal/inputs"
	"noo/internal/iopaths"
	"noo/internal/lockfile"
	"noo/job"
	"noo/snapshot"
)

// metricsFlag names the file for a run's figures.
const metricsFlag = "metrics"

// unattended are the flags of such runs.
type unattended struct {
	lock     string
	lockWait wait
	metrics  string
}

func (f *unattended) add(cmd *cobra.Command, t terminal) {
	flags := cmd.Flags()
	flags.StringVar(&f.lock, "lock", "", "never run while another run holds the lock on `FILE`, which is made and stays")
	flags.Var(&f.lockWait, "lock-wait", "wait so long for the lock before giving up")
	flags.Lookup("lock-wait").DefValue = ""
	flags.Var(logFormat{t.log}, logFormatFlag, "write events for a log system to stderr instead of lines for a person: text or json")
	flags.StringVar(&f.metrics, metricsFlag, "", "write figures for Prometheus' node_exporter to `FILE`, whose name should end in .prom")
}

// errStream is a stream where only a file will do.
var errStream = usageError{errors.New("- is a stream: --lock, --metrics, --junit and --sarif want a file")}

// files are what a run reads and writes beside its lock and figures; output, which is among them, is the dataset or "".
type files struct {
	read, written []string
	output        string
}

// body is what a command does in a run: with the snapshot it fills in the report.
type body func(ctx context.Context, s *snapshot.Snapshot, report *job.Report) error

// do carries out a run with everything around it, and returns its error.
func (f *unattended) do(t terminal, cmd *cobra.Command, data *dataFlags, named files, run body) error {
	ctx := cmd.Context()
	if data.quiet && t.log.on() {
		t.log.hush()
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
			if s != nil { // also one that is refused, if its publisher is trusted: that is what the figures should warn of
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

// tell writes the figures, if there are to be any, and the event of a run that ended with err, and returns err.
func (f *unattended) tell(ctx context.Context, t terminal, report *job.Report, output string, err error, monitored bool) error {
	t.settle() // whatever comes now, the run has ended as err says
	code := exitCode(ctx, err)
	if monitored {
		before, lost := metrics.ReadBefore(f.metrics)
		if lost != nil && code != exitDone { // after a success nothing of it is needed
			t.warn(showable(fmt.Sprintf("%s, with the figures of the run before, %v", f.metrics, lost)))
		}
		if err := metrics.Write(f.metrics, metrics.Run{ExitCode: code, Report: report, Before: before}); err != nil {
			t.warn("the run's figures could not be written: " + message(context.WithoutCancel(ctx), err))
		}
	}
	if t.log.on() {
		t.log.run(report, output, outcomeOf(code), message(ctx, err), code)
		if err != nil {
			return saidError{err}
		}
	}
	return err
}

// ready refuses flags with which no run can begin.
func (f *unattended) ready(data *dataFlags) error {
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

// validate refuses what cannot work before anything is waited for.
func (f *unattended) validate(t terminal, data *dataFlags, named files) error {
	if err := f.checkPaths(t, data, named); err != nil {
		return err
	}
	if f.metrics != "" {
		return metrics.Try(f.metrics)
	}
	return nil
}

// checkPaths refuses a lock or metrics in a file that the run needs for something else, and outputs that the next run would read.
func (f *unattended) checkPaths(t terminal, data *dataFlags, named files) error {
	var paths iopaths.Paths
	paths.Read(data.path)
	for _, path := range named.read {
		if path == "-" {
			paths.ReadOpen("stdin", t.in)
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

// alone runs with the lock, if there is to be one.
func (f *unattended) alone(ctx context.Context, run func() error) error {
	if f.lock == "" {
		return run()
	}
	lock, err := lockfile.Acquire(ctx, f.lock, time.Duration(f.lockWait))
	if err != nil {
		return err
	}
	defer lock.Release() // what cannot be released goes with the process
	return run()
}

// own are the files that no output of a run may replace.
func (f *unattended) own() (paths []string) {
	for _, path := range []string{f.lock, f.metrics} {
		if path != "" {
			paths = append(paths, path)
		}
	}
	return paths
}

// warn says what went wrong beside the run, which stands all the same.
func (t terminal) warn(text string) {
	if t.log.on() {
		t.log.write(slog.LevelWarn, "warning", slog.String("error", text))
		return
	}
	t.say("noo: warning: %s", text)
}
