// Package metrics writes what a run did as a file for the textfile collector of Prometheus'
// node_exporter. Each run writes its file anew. What alerts ask for whatever has gone wrong since
// is carried over from the file before: the time of the last success, 0 where there was none, and,
// of a run that got hold of no snapshot, what was known of the last one. An alert on a metric that
// does not exist is silent.
//
// Every metric has the label task, the file's name without ".prom": the collector reads all files
// of a folder as one, in which no two may say the same of the same.
package metrics

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	"noo/job"
)

// Run is what a file says of a run.
type Run struct {
	// ExitCode is what the process will exit with; 0 is success.
	ExitCode int
	// Report is what the run did. Without files, no records are counted. A snapshot in it may be
	// one that was refused; without any, what is known from before is said.
	Report *job.Report
	// Before is what the file said before the run.
	Before Before
}

// Before is what one file of metrics passes on to the next.
type Before struct {
	// Success is when a run last ended with exit code 0.
	Success time.Time
	// Snapshots are the last snapshots of which something is known.
	Snapshots []Snapshot
}

// Snapshot is what a file says of a snapshot. Of several, each is told from the others by KeyID and
// Scope, which stay the same from night to night; both are "" where there is one.
type Snapshot struct {
	KeyID, Scope        string
	Created, ValidUntil time.Time
	OptedOut            int64 // numbers in it
}

// snapshotsOf returns what a file says of the snapshots that a run used.
func snapshotsOf(report *job.Report) (all []Snapshot) {
	for _, s := range report.Used() {
		one := Snapshot{Created: s.Created, ValidUntil: s.ValidUntil, OptedOut: s.OptedOut}
		if report.Snapshot == nil {
			one.KeyID, one.Scope = s.KeyID, s.Scope
		}
		all = append(all, one)
	}
	return all
}

// ErrDamaged is a file that Write wrote, of which something is missing.
var ErrDamaged = errors.New("is damaged: the time of the last success is lost")

const (
	lastSuccess = "noo_last_success_timestamp_seconds"
	created     = "noo_snapshot_created_timestamp_seconds"
	validUntil  = "noo_snapshot_valid_until_timestamp_seconds"
	optedOut    = "noo_snapshot_opted_out"
	// The labels that several snapshots have.
	keyIDLabel, scopeLabel = "key_id", "scope"
	// mode lets node_exporter, which runs as another user, read the file.
	mode = 0o644
	// mostPrevious is more bytes than any file of this package has.
	mostPrevious = 1 << 20
)

// isKind tells a file that this package wrote by its first bytes.
func isKind(head []byte) bool { return bytes.HasPrefix(head, []byte("# HELP noo_")) }

// Try makes sure that Write can write to path: that the folder is there, and nothing at path but a
// file that Write wrote before. Errors are those of atomicfile.CreateReplacing.
func Try(path string) error {
	file, err := atomicfile.CreateReplacing(path, isKind)
	if err == nil {
		file.Discard()
	}
	return err
}

// Write writes the metrics of a run to path, in place of those of the run before. The file is whole
// at any moment, and may be read by everybody.
func Write(path string, run Run) error {
	task := nhsnumber.Mask(strings.TrimSuffix(filepath.Base(path), ".prom"))
	families, err := gather(strings.ToValidUTF8(task, "_"), run)
	if err != nil {
		return fmt.Errorf("internal error: %w: please report it", err)
	}
	file, err := atomicfile.CreateReplacing(path, isKind)
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

// gauges collects the metrics of one task. All are gauges: a file holds the metrics of one run, and
// those of the next may be lower.
type gauges struct {
	registry *prometheus.Registry
	task     string
	errs     []error
}

// set sets a gauge.
func (f *gauges) set(name, help string, value float64) { f.setOf(Snapshot{}, name, help, value) }

// setOf sets a gauge of a snapshot.
func (f *gauges) setOf(s Snapshot, name, help string, value float64) {
	labels := prometheus.Labels{"task": f.task}
	if s.KeyID != "" {
		labels[keyIDLabel], labels[scopeLabel] = s.KeyID, s.Scope
	}
	gauge := prometheus.NewGauge(
		prometheus.GaugeOpts{
			Name:        name,
			Help:        help,
			ConstLabels: labels,
		},
	)
	gauge.Set(math.Round(value*1000) / 1000) // times are known to the millisecond
	f.errs = append(f.errs, f.registry.Register(gauge))
}

// setTime sets a gauge to a time, in seconds since 1970, or to 0 for none.
func (f *gauges) setTime(name, help string, t time.Time) { f.set(name, help, unix(t)) }

// unix returns a time in seconds since 1970, or 0 for none.
func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.Unix())
}

// setRecords counts records by verdict.
func (f *gauges) setRecords(n filter.Tally) {
	vector := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "noo_last_run_records", Help: "Records that the last run read, by verdict.", ConstLabels: prometheus.Labels{"task": f.task},
	}, []string{"verdict"})
	for verdict, count := range map[filter.Verdict]int64{
		filter.Kept: n.Kept, filter.OptedOut: n.OptedOut, filter.Missing: n.Missing, filter.Invalid: n.Invalid, filter.Unchecked: n.Unchecked,
		filter.Unlinked: n.Unlinked,
	} {
		vector.WithLabelValues(verdict.String()).Set(float64(count))
	}
	f.errs = append(f.errs, f.registry.Register(vector))
	f.set(
		"noo_last_run_written_records",
		"Records that the last run wrote, or that a check would let be disclosed.",
		float64(n.Written),
	)
}

// gather returns the metrics of a run.
func gather(task string, run Run) ([]*dto.MetricFamily, error) {
	f := &gauges{registry: prometheus.NewRegistry(), task: task}
	r := run.Report
	succeeded, success := 0.0, run.Before.Success
	if run.ExitCode == 0 {
		succeeded, success = 1, r.Finished
	}
	f.set("noo_last_run_success", "Whether the last run ended with exit code 0.", succeeded)
	f.set("noo_last_run_exit_code", "Exit code of the last run.", float64(run.ExitCode))
	f.setTime("noo_last_run_timestamp_seconds", "When the last run ended.", r.Finished)
	f.set(
		"noo_last_run_duration_seconds",
		"How long the last run took.",
		r.Finished.Sub(r.Started).Seconds(),
	)
	f.setTime(lastSuccess, "When a run last ended with exit code 0; 0 for never.", success)
	if len(r.Files) > 0 {
		size := int64(0)
		for _, file := range r.Files {
			size += file.Input.Bytes
		}
		f.set("noo_last_run_files", "Files that the last run read.", float64(len(r.Files)))
		f.set("noo_last_run_input_bytes", "Bytes that the last run read.", float64(size))
		f.setRecords(r.Totals)
	}
	snapshots := snapshotsOf(r)
	if len(snapshots) == 0 {
		snapshots = run.Before.Snapshots
	}
	for _, s := range snapshots {
		f.setOf(
			s,
			"noo_snapshot_age_seconds",
			"Age of the last snapshot when the last run ended.",
			r.Finished.Sub(s.Created).Seconds(),
		)
		f.setOf(s, created, "When the last snapshot was made.", unix(s.Created))
		f.setOf(s, validUntil, "When the last snapshot expires.", unix(s.ValidUntil))
		f.setOf(s, optedOut, "Numbers in the last snapshot.", float64(s.OptedOut))
	}
	families, err := f.registry.Gather()
	return families, errors.Join(append(f.errs, err)...)
}

// ReadBefore reads what the file at path says of the runs before; nothing where there was none. The
// error is ErrDamaged, or what the file system said.
func ReadBefore(path string) (Before, error) {
	file, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Before{}, nil
	case err != nil:
		return Before{}, fmt.Errorf("cannot be read: %w", atomicfile.Cause(err))
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, mostPrevious))
	switch {
	case err != nil:
		return Before{}, fmt.Errorf("cannot be read: %w", atomicfile.Cause(err))
	case len(text) == 0: // made by somebody so that noo may write it
		return Before{}, nil
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil || len(families[lastSuccess].GetMetric()) == 0 {
		return Before{}, ErrDamaged
	}
	return Before{
		Success:   at(families[lastSuccess].GetMetric()[0]),
		Snapshots: snapshotsBefore(families),
	}, nil
}

// snapshotsBefore reads what the file of a run before says of snapshots.
func snapshotsBefore(families map[string]*dto.MetricFamily) (all []Snapshot) {
	for _, metric := range families[created].GetMetric() {
		if at(metric).IsZero() {
			continue
		}
		s := Snapshot{
			KeyID: label(metric, keyIDLabel), Scope: label(metric, scopeLabel), Created: at(metric),
		}
		same := func(name string) *dto.Metric {
			for _, other := range families[name].GetMetric() {
				if label(other, keyIDLabel) == s.KeyID && label(other, scopeLabel) == s.Scope {
					return other
				}
			}
			return nil
		}
		s.ValidUntil = at(same(validUntil))
		s.OptedOut = int64(same(optedOut).GetGauge().GetValue())
		all = append(all, s)
	}
	return all
}

// at returns the time that a metric is set to, or none for 0.
func at(metric *dto.Metric) time.Time {
	if seconds := int64(metric.GetGauge().GetValue()); seconds != 0 {
		return time.Unix(seconds, 0)
	}
	return time.Time{}
}

// label returns the value of a label, or "".
func label(metric *dto.Metric, name string) string {
	for _, pair := range metric.GetLabel() {
		if pair.GetName() == name {
			return pair.GetValue()
		}
	}
	return ""
}
