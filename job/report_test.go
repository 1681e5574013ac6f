package job

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"noo/filter/filtertest"
	"noo/internal/nhsnumber"
	"noo/snapshot"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestReportOfCompressed: sizes and digests are those of the files as they are on the disk.
func TestReportOfCompressed(t *testing.T) {
	text, register := rows(50_000)
	run := inCompressedFolder(t, text, register)
	run.Report = filepath.Join(filepath.Dir(run.Input), "report.json")
	var done, total int64
	run.Progress = func(d, t int64) { done, total = d, t }
	report, err := run.Do(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	input, err := os.ReadFile(run.Input)
	if err != nil {
		t.Fatal(err)
	}
	output, err := os.ReadFile(run.Output)
	if err != nil {
		t.Fatal(err)
	}
	file := report.Files[0]
	if file.Input.Bytes != int64(len(input)) || file.Input.SHA256 != fmt.Sprintf("%x", sha256.Sum256(input)) {
		t.Errorf("the input's size or digest is wrong: %+v", file.Input)
	}
	if file.Output.Bytes != int64(len(output)) || file.Output.SHA256 != fmt.Sprintf("%x", sha256.Sum256(output)) {
		t.Errorf("the output's size or digest is wrong: %+v", file.Output)
	}
	if done != int64(len(input)) || total != done {
		t.Errorf("progress ended at %d of %d bytes, not %d", done, total, len(input))
	}
	reader, err := gzip.NewReader(bytes.NewReader(output))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(reader)
	if err != nil || strings.Contains(string(content), "9434765919") || int64(bytes.Count(content, []byte("\n"))) != 1+report.Totals.Written {
		t.Errorf("the output does not hold what was written (%v)", err)
	}
}

// TestReportNamesSnapshots: one snapshot is under "snapshot", as in every report before. Several are
// under "snapshots" alone: a reader that wants the one finds none, and not one of them.
func TestReportNamesSnapshots(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	first := SnapshotReport{ID: "a", Sequence: 7, Scope: "national", Created: at, ValidUntil: at, KeyID: "01", OptedOut: 3}
	second := SnapshotReport{ID: "b", Sequence: 8, Scope: "local", Created: at, ValidUntil: at, KeyID: "01", OptedOut: 4}
	const firstText = `{"id":"a","sequence":7,"scope":"national","created":"2026-01-02T03:04:05Z",` +
		`"valid_until":"2026-01-02T03:04:05Z","key_id":"01","opted_out":3,"checked":0}`
	const secondText = `{"id":"b","sequence":8,"scope":"local","created":"2026-01-02T03:04:05Z",` +
		`"valid_until":"2026-01-02T03:04:05Z","key_id":"01","opted_out":4,"checked":0}`
	for _, c := range []struct {
		name string
		used []SnapshotReport
		want string
	}{
		{"one", []SnapshotReport{first}, `"snapshot":` + firstText},
		{"several", []SnapshotReport{first, second}, `"snapshots":[` + firstText + "," + secondText + "]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			heading := Heading{Tool: Tool{"noo", "1"}, Command: "filter"}
			heading.Use(c.used...)
			if !slices.Equal(heading.Used(), c.used) {
				t.Errorf("used %+v", heading.Used())
			}
			var text, compact bytes.Buffer
			if err := NewReport(heading).WriteJSON(&text); err != nil {
				t.Fatal(err)
			}
			if err := json.Compact(&compact, text.Bytes()); err != nil {
				t.Fatal(err)
			}
			want := `{"schema":"noo/report/v1","tool":{"name":"noo","version":"1"},"command":"filter",` +
				c.want + `,"policy":{`
			if !strings.HasPrefix(compact.String(), want) {
				t.Errorf("%s\nwant %s", &compact, want)
			}
		})
	}
}

func TestReportAddsUp(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 19))
	texts, register := filtertest.People(r, 200)
	texts = append(texts, "", "n/a", "x")
	var text, want strings.Builder
	text.WriteString("nhs_number,row\n")
	want.WriteString("nhs_number,row\n")
	for i := range 20_000 {
		value := texts[r.IntN(len(texts))]
		line := fmt.Sprintf("%s,%d\n", value, i)
		text.WriteString(line)
		if key, status := nhsnumber.Parse([]byte(value)); status == nhsnumber.Valid && register[key] == snapshot.Clear {
			want.WriteString(line)
		}
	}
	run := inFolder(t, text.String(), register)
	run.Report = filepath.Join(filepath.Dir(run.Input), "report.json")
	run.Withheld = filepath.Join(filepath.Dir(run.Input), "withheld.csv")
	report, err := run.Do(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.ReadFile(run.Output)
	if err != nil || string(out) != want.String() {
		t.Fatalf("the output is not what the plain rule keeps (%v)", err)
	}
	n := report.Totals
	if n.Read != 20_000 || n.Read != n.Kept+n.OptedOut+n.Missing+n.Invalid+n.Unchecked || n.Written != n.Kept {
		t.Errorf("counts do not add up: %+v", n)
	}
	file := report.Files[0]
	if file.Input.SHA256 != fmt.Sprintf("%x", sha256.Sum256([]byte(text.String()))) || file.Input.Bytes != int64(text.Len()) {
		t.Error("the input's digest or size is wrong")
	}
	if file.Output.SHA256 != fmt.Sprintf("%x", sha256.Sum256(out)) || file.Output.Bytes != int64(len(out)) {
		t.Error("the output's digest or size is wrong")
	}
	withheld, err := os.ReadFile(run.Withheld)
	if err != nil || int64(strings.Count(string(withheld), "\n"))-1 != n.Withheld() {
		t.Errorf("the withheld file holds other than %d records (%v)", n.Withheld(), err)
	}
	for key, standing := range register {
		if standing != snapshot.OptedOut {
			continue
		}
		digit, _ := nhsnumber.CheckDigit(key)
		text := fmt.Sprintf("%09d%d", key, digit)
		if strings.Contains(string(out), text) || strings.Contains(string(withheld), text) {
			t.Fatal("the number of someone who opted out is in an output")
		}
	}
}
