package metrics

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"noo/filter"
	"noo/internal/atomicfile"
	"noo/job"
)

// read parses a file as Prometheus would, and gives its values by name and verdict.
func read(t *testing.T, path, task string) map[string]float64 {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(file)
	if err != nil {
		t.Fatalf("it does not parse: %v", err)
	}
	values := map[string]float64{}
	for name, family := range families {
		if family.GetType() != dto.MetricType_GAUGE || family.GetHelp() == "" {
			t.Errorf("%s is a %v with the help %q", name, family.GetType(), family.GetHelp())
		}
		for _, metric := range family.GetMetric() {
			key := name
			for _, label := range metric.GetLabel() {
				switch label.GetName() {
				case "task":
					if label.GetValue() != task {
						t.Errorf("%s is of the task %q", name, label.GetValue())
					}
				default:
					key += "/" + label.GetValue()
				}
			}
			values[key] = metric.GetGauge().GetValue()
		}
	}
	return values
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "noo_births_9434765919.prom")
	task := "noo_births_xxxxxxxxxx"
	start := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	report := &job.Report{
		Started: start, Finished: start.Add(1500 * time.Millisecond),
		Heading: job.Heading{Snapshot: &job.SnapshotReport{Created: start.Add(-time.Hour), ValidUntil: start.Add(24 * time.Hour), OptedOut: 3}},
		Files:   []job.FileReport{{Input: job.InputReport{Bytes: 100}}, {Input: job.InputReport{Bytes: 23}}},
		Totals:  filter.Tally{Read: 21, Kept: 5, OptedOut: 4, Missing: 3, Invalid: 2, Unchecked: 1, Written: 5, Unlinked: 6},
	}
	failed := &job.Report{Started: start.Add(24 * time.Hour), Finished: start.Add(25 * time.Hour)}

	if err := Write(path, Run{ExitCode: 5, Report: failed}); err != nil {
		t.Fatal(err)
	}
	if value, found := read(t, path, task)[lastSuccess]; !found || value != 0 {
		t.Errorf("the time of a success that never was: %v, %v", value, found)
	}
	if err := Write(path, Run{Report: report}); err != nil {
		t.Fatal(err)
	}
	compare(t, read(t, path, task), map[string]float64{
		"noo_last_run_success": 1, "noo_last_run_exit_code": 0, "noo_last_run_duration_seconds": 1.5, "noo_last_run_files": 2,
		"noo_last_run_timestamp_seconds": float64(start.Unix() + 1), lastSuccess: float64(start.Unix() + 1),
		"noo_last_run_input_bytes": 123, "noo_last_run_written_records": 5,
		"noo_last_run_records/kept": 5, "noo_last_run_records/opted_out": 4, "noo_last_run_records/missing": 3,
		"noo_last_run_records/invalid": 2, "noo_last_run_records/unchecked": 1, "noo_last_run_records/unlinked": 6,
		"noo_snapshot_age_seconds": 3601.5, "noo_snapshot_created_timestamp_seconds": float64(start.Unix() - 3600),
		"noo_snapshot_valid_until_timestamp_seconds": float64(start.Unix() + 86400), "noo_snapshot_opted_out": 3,
	})
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if problems, err := promlint.New(file).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v, %v", problems, err)
	}
	for range 2 { // what is carried over is so from a file that carried it over
		before, err := ReadBefore(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := Write(path, Run{ExitCode: 4, Report: failed, Before: before}); err != nil {
			t.Fatal(err)
		}
		compare(t, read(t, path, task), map[string]float64{
			"noo_last_run_success": 0, "noo_last_run_exit_code": 4, "noo_last_run_duration_seconds": 3600,
			"noo_last_run_timestamp_seconds": float64(start.Unix() + 25*3600), lastSuccess: float64(start.Unix() + 1),
			"noo_snapshot_age_seconds": 26 * 3600, "noo_snapshot_created_timestamp_seconds": float64(start.Unix() - 3600),
			"noo_snapshot_valid_until_timestamp_seconds": float64(start.Unix() + 86400), "noo_snapshot_opted_out": 3,
		})
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != mode {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestSeveralSnapshots: each has labels of its own, which a run that gets hold of none carries over.
func TestSeveralSnapshots(t *testing.T) {
	path := filepath.Join(t.TempDir(), "births.prom")
	start := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	report := &job.Report{Started: start, Finished: start.Add(time.Second)}
	report.Use(
		job.SnapshotReport{KeyID: "01", Scope: "national", Created: start.Add(-time.Hour), ValidUntil: start.Add(24 * time.Hour), OptedOut: 3},
		job.SnapshotReport{KeyID: "01", Scope: "local", Created: start.Add(-2 * time.Hour), ValidUntil: start.Add(48 * time.Hour), OptedOut: 4},
	)
	if err := Write(path, Run{Report: report}); err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{
		created + "/01/national": float64(start.Unix() - 3600), created + "/01/local": float64(start.Unix() - 7200),
		validUntil + "/01/national": float64(start.Unix() + 86400), validUntil + "/01/local": float64(start.Unix() + 2*86400),
		optedOut + "/01/national": 3, optedOut + "/01/local": 4,
		"noo_snapshot_age_seconds/01/national": 3601, "noo_snapshot_age_seconds/01/local": 7201,
	}
	for range 2 {
		values := read(t, path, "births")
		for name, value := range want {
			if found, ok := values[name]; !ok || found != value {
				t.Errorf("%s is %v, want %v", name, found, value)
			}
		}
		if _, ok := values[created]; ok {
			t.Error("there is one without labels too")
		}
		before, err := ReadBefore(path)
		if err != nil {
			t.Fatal(err)
		}
		failed := &job.Report{Started: start, Finished: start.Add(time.Second)}
		if err := Write(path, Run{ExitCode: 3, Report: failed, Before: before}); err != nil {
			t.Fatal(err)
		}
	}
}

func compare(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for key, value := range want {
		if found, ok := got[key]; !ok || found != value {
			t.Errorf("%s is %v, want %v", key, found, value)
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			t.Errorf("%s is there", key)
		}
	}
}

func TestNothingElseIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "extract.csv")
	if err := os.WriteFile(path, []byte("nhs_number\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Try(path); !errors.Is(err, atomicfile.ErrExists) {
		t.Errorf("Try: %v", err)
	}
	if err := Write(path, Run{Report: &job.Report{}}); !errors.Is(err, atomicfile.ErrExists) {
		t.Errorf("Write: %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "nhs_number\n" {
		t.Errorf("it was touched: %q, %v", b, err)
	}
}

// A file of which a part is missing says that it is damaged, and is replaced.
func TestDamagedBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.prom")
	for _, text := range []string{
		"# HELP noo_x y\n" + lastSuccess + "{task=\"a",
		"# HELP noo_x y\n# TYPE noo_x gauge\nnoo_x{task=\"a\"} 1\n", // cut at the end of a line
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		before, err := ReadBefore(path)
		if !errors.Is(err, ErrDamaged) || !reflect.DeepEqual(before, Before{}) {
			t.Errorf("%q: %+v, %v", text, before, err)
		}
		if err := Write(path, Run{ExitCode: 1, Report: &job.Report{Started: time.Now(), Finished: time.Now()}, Before: before}); err != nil {
			t.Fatal(err)
		}
		if value := read(t, path, "a")[lastSuccess]; value != 0 {
			t.Errorf("a time out of a broken file: %v", value)
		}
	}
	if before, err := ReadBefore(filepath.Join(t.TempDir(), "none.prom")); err != nil || !reflect.DeepEqual(before, Before{}) {
		t.Errorf("no run before: %+v, %v", before, err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if before, err := ReadBefore(path); err != nil || !reflect.DeepEqual(before, Before{}) {
		t.Errorf("an empty file: %+v, %v", before, err)
	}
}
