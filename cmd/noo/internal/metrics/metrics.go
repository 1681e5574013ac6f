// Package metrics writes what a run did as a file for the textfile collector of Prometheus' node_exporter. Each run
// writes its file anew; the time of the last success is carried over, so that an alert can ask how long ago that was
// whatever has gone wrong since.
//
// Every figure has the label task, the file's name without ".prom": the collector reads all files of a folder as one, in
// which no two may say the same of the same.
package metrics

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"noo/filter"
	"noo/internal/atomicfile"
	"noo/internal/nhsnumber"
)

// Run is what a file says of a run.
type Run struct {
	// ExitCode is what the process will exit with; 0 is success.
	ExitCode int
	// Report is what the run did. Without files, no records are counted; without a time of the snapshot's creation,
	// nothing is said of it.
	Report *filter.Report
}

const (
	lastSuccess = "noo_last_success_timestamp_seconds"
	// mode lets node_exporter, which runs as another user, read the file.
	mode = 0o644
	// mostPrevious is more bytes than any file of this package has.
	mostPrevious = 1 << 20
)

// isKind tells a file that this package wrote by its first bytes.
func isKind(head []byte) bool { return bytes.HasPrefix(head, []byte("# HELP noo_")) }

// Try makes sure that Write can write to path: that the folder is there, and nothing at path but a file that Write wrote
// before. Errors are those of atomicfile.CreateSuccessor.
func Try(path string) error {
	file, err := atomicfile.CreateSuccessor(path, isKind)
	if err == nil {
		file.Discard()
	}
	return err
}

// Write puts the figures of a run at path, in place of those of the run before. The file is whole at any moment, and may
// be read by everybody.
func Write(path string, run Run) error {
	success := float64(run.Report.Finished.Unix())
	known := run.ExitCode == 0
	if !known {
		success, known = previousSuccess(path)
	}
	task := nhsnumber.Mask(strings.TrimSuffix(filepath.Base(path), ".prom"))
	families, err := gather(strings.ToValidUTF8(task, "_"), run, success, known)
	if err != nil {
		return fmt.Errorf("internal error: %w: please report it", err)
	}
	file, err := atomicfile.CreateSuccessor(path, isKind)
	if err != nil {
		return err
	}
	defer file.Discard()
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(file, family); err != nil {
			return err
		}
	}
	file.SetMode(mode)
	return atomicfile.Commit(file)
}

// figures collects gauges of one task. Gauges, since a file holds the figures of one run, which may be lower the next time.
type figures struct {
	registry *prometheus.Registry
	task     string
	errs     []error
}

// set sets a gauge.
func (f *figures) set(name, help string, value float64) {
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: prometheus.Labels{"task": f.task}})
	gauge.Set(math.Round(value*1000) / 1000) // times are known to the millisecond
	f.errs = append(f.errs, f.registry.Register(gauge))
}

// setTime sets a gauge to a time, in seconds since 1970.
func (f *figures) setTime(name, help string, t time.Time) { f.set(name, help, float64(t.Unix())) }

// setRecords counts records by verdict.
func (f *figures) setRecords(n filter.Tally) {
	vector := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "noo_last_run_records", Help: "Records that the last run read, by verdict.", ConstLabels: prometheus.Labels{"task": f.task},
	}, []string{"verdict"})
	for verdict, count := range map[filter.Verdict]int64{
		filter.Kept: n.Kept, filter.OptedOut: n.OptedOut, filter.Missing: n.Missing, filter.Invalid: n.Invalid, filter.Unchecked: n.Unchecked,
	} {
		vector.WithLabelValues(verdict.String()).Set(float64(count))
	}
	f.errs = append(f.errs, f.registry.Register(vector))
	f.set("noo_last_run_written_records", "Records that the last run wrote, or that a check would let be disclosed.", float64(n.Written))
}

// gather makes the figures of a run; success is the time of the last success, where known.
func gather(task string, run Run, success float64, known bool) ([]*dto.MetricFamily, error) {
	f := &figures{registry: prometheus.NewRegistry(), task: task}
	r := run.Report
	succeeded := 0.0
	if run.ExitCode == 0 {
		succeeded = 1
	}
	f.set("noo_last_run_success", "Whether the last run ended with exit code 0.", succeeded)
	f.set("noo_last_run_exit_code", "Exit code of the last run.", float64(run.ExitCode))
	f.setTime("noo_last_run_timestamp_seconds", "When the last run ended.", r.Finished)
	f.set("noo_last_run_duration_seconds", "How long the last run took.", r.Finished.Sub(r.Started).Seconds())
	if known {
		f.set(lastSuccess, "When a run last ended with exit code 0.", success)
	}
	if len(r.Files) > 0 {
		size := int64(0)
		for _, file := range r.Files {
			size += file.Input.Bytes
		}
		f.set("noo_last_run_files", "Files that the last run read.", float64(len(r.Files)))
		f.set("noo_last_run_input_bytes", "Bytes that the last run read.", float64(size))
		f.setRecords(r.Totals)
	}
	if s := r.Snapshot; !s.Created.IsZero() {
		f.set("noo_snapshot_age_seconds", "Age of the snapshot when the last run ended.", r.Finished.Sub(s.Created).Seconds())
		f.setTime("noo_snapshot_created_timestamp_seconds", "When the snapshot of the last run was made.", s.Created)
		f.setTime("noo_snapshot_valid_until_timestamp_seconds", "When the snapshot of the last run expires.", s.ValidUntil)
		f.set("noo_snapshot_opted_out", "Numbers in the snapshot of the last run.", float64(s.OptedOut))
	}
	families, err := f.registry.Gather()
	return families, errors.Join(append(f.errs, err)...)
}

// previousSuccess reads the time of the last success from the file of the run before, where that is there and can be read.
func previousSuccess(path string) (float64, bool) {
	file, err := os.Open(path)
	if err != nil {
		return 0, false
	}
	defer file.Close()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(io.LimitReader(file, mostPrevious))
	if err != nil {
		return 0, false
	}
	for _, metric := range families[lastSuccess].GetMetric() {
		return metric.GetGauge().GetValue(), true
	}
	return 0, false
}
