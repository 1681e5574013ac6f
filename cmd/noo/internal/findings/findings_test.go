package findings

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jstemmer/go-junit-report/v2/junit"
	_ "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif" // has the schema
	"github.com/xeipuuv/gojsonschema"

	"noo/filter"
	"noo/job"
)

// checks are checks of every outcome, with names that need care.
func checks() map[string]*Check {
	start := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	report := func() *job.Report {
		return &job.Report{
			Heading: job.Heading{
				Tool: job.Tool{Name: "noo", Version: "v1 <&>"}, Snapshot: &job.SnapshotReport{ID: "a-b", Sequence: 7, Created: start},
			},
			Started: start, Finished: start.Add(1234 * time.Millisecond),
		}
	}
	mixed := &Check{Report: report(), ExitCode: 4, Files: []File{
		{Name: "clean.csv", Outcome: Passed, Finding: "may be disclosed", Report: job.FileReport{Records: filter.Tally{Read: 1, Kept: 1, Written: 1}, Took: time.Second}},
		{Name: `year=2026/a "b" <c> & 100%#?.csv`, Outcome: Found, Finding: "must not be disclosed: ]]> & <x>", Report: job.FileReport{
			Records:   filter.Tally{Read: 30, Kept: 2, Written: 2, OptedOut: 10, Missing: 9, Invalid: 8, Unchecked: 1},
			Offenders: []filter.Offender{{Record: 1, Verdict: filter.Missing}, {Record: 12, Verdict: filter.OptedOut}, {Record: 13, Verdict: filter.Invalid}, {Record: 14, Verdict: filter.Unchecked}},
		}},
		{Name: "x:y.csv", Outcome: Failed, Finding: "could not be checked: x:y.csv:2:1: wrong number of fields"},
		{Name: "stdin", Outcome: Passed},
	}}
	several := &Check{Report: report()}
	several.Report.Use(
		job.SnapshotReport{ID: "a-b", Sequence: 7, Scope: "national", Created: start},
		job.SnapshotReport{ID: "c-d", Sequence: 8, Scope: "local", Created: start},
	)
	return map[string]*Check{"mixed": mixed, "empty": {Report: report()}, "several": several}
}

// TestSnapshots: both forms name one snapshot as they always did, and several each by itself.
func TestSnapshots(t *testing.T) {
	for _, c := range []struct {
		check        string
		junit, sarif []string
		notInEither  string
	}{
		{"empty", []string{`name="noo.snapshot.id" value="a-b"`, `name="noo.snapshot.sequence" value="7"`}, []string{`"snapshot": {`, `"id": "a-b"`}, "c-d"},
		{
			"several",
			[]string{`name="noo.snapshot.1.id" value="a-b"`, `name="noo.snapshot.2.id" value="c-d"`, `name="noo.snapshot.2.scope" value="local"`},
			[]string{`"snapshots": [`, `"id": "a-b"`, `"id": "c-d"`, `"scope": "local"`},
			"noo.snapshot.id",
		},
	} {
		t.Run(c.check, func(t *testing.T) {
			var xml, sarif bytes.Buffer
			if err := checks()[c.check].WriteJUnit(&xml); err != nil {
				t.Fatal(err)
			}
			if err := checks()[c.check].WriteSARIF(&sarif); err != nil {
				t.Fatal(err)
			}
			for _, want := range c.junit {
				if !strings.Contains(xml.String(), want) {
					t.Errorf("JUnit: no %s in %s", want, &xml)
				}
			}
			for _, want := range c.sarif {
				if !strings.Contains(sarif.String(), want) {
					t.Errorf("SARIF: no %s in %s", want, &sarif)
				}
			}
			if strings.Contains(xml.String()+sarif.String(), c.notInEither) {
				t.Errorf("there is %s", c.notInEither)
			}
		})
	}
}

func TestJUnit(t *testing.T) {
	var out bytes.Buffer
	if err := checks()["mixed"].WriteJUnit(&out); err != nil {
		t.Fatal(err)
	}
	var read junit.Testsuites
	if err := xml.Unmarshal(out.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	if len(read.Suites) != 1 || read.Tests != 4 || read.Failures != 1 || read.Errors != 1 {
		t.Fatalf("counts: %+v", read)
	}
	suite := read.Suites[0]
	if suite.Timestamp != "2026-11-23T02:00:00" || suite.Time != "1.234" || suite.Tests != 4 {
		t.Errorf("suite: %+v", suite)
	}
	found := suite.Testcases[1]
	if found.Name != `year=2026/a "b" <c> & 100%#?.csv` || found.Failure == nil || found.Failure.Message != "must not be disclosed: ]]> & <x>" {
		t.Errorf("failure: %+v", found)
	}
	if want := "record 1: missing\nrecord 12: opted_out\nrecord 13: invalid\nrecord 14: unchecked\nand 24 more\n"; found.Failure.Data != want {
		t.Errorf("failure: %q", found.Failure.Data)
	}
	if failed := suite.Testcases[2]; failed.Error == nil || failed.Failure != nil {
		t.Errorf("error: %+v", failed)
	}
	if !IsJUnit(out.Bytes()[:min(out.Len(), 1024)]) || IsJUnit([]byte("nhs_number\n")) {
		t.Error("not known again")
	}
	keep(t, "mixed.xml", out.Bytes())
}

// TestSARIF holds what is written against the schema of the standard.
func TestSARIF(t *testing.T) {
	schema, err := gojsonschema.NewSchema(gojsonschema.NewStringLoader(sarifSchema(t)))
	if err != nil {
		t.Fatal(err)
	}
	for name, check := range checks() {
		var out bytes.Buffer
		if err := check.WriteSARIF(&out); err != nil {
			t.Fatal(err)
		}
		for _, mistake := range schemaErrors(t, schema, out.Bytes()) {
			t.Errorf("%s: %v", name, mistake)
		}
		for _, spoilt := range []string{`"startTimeUtc"`, `"text"`, `"version"`, `"uri"`} {
			if bytes.Contains(out.Bytes(), []byte(spoilt)) && len(schemaErrors(t, schema, bytes.Replace(out.Bytes(), []byte(spoilt), []byte(`"x"`), 1))) == 0 {
				t.Errorf("the schema lets pass %s without %s", name, spoilt)
			}
		}
		if !IsSARIF(out.Bytes()[:min(out.Len(), 1024)]) || IsSARIF([]byte("nhs_number\n")) {
			t.Error("not known again")
		}
		keep(t, name+".sarif", out.Bytes())
	}
}

func schemaErrors(t *testing.T, schema *gojsonschema.Schema, document []byte) []gojsonschema.ResultError {
	t.Helper()
	result, err := schema.Validate(gojsonschema.NewBytesLoader(document))
	if err != nil {
		t.Fatal(err)
	}
	return result.Errors()
}

// sarifSchema reads the schema of SARIF 2.1.0 out of the source of a library that has it, but not
// for others to use.
func sarifSchema(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3")
	dir, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(strings.TrimSpace(string(dir)), "pkg", "report", "v210", "sarif", "schema.go")
	source, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var longest string
	ast.Inspect(source, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && len(literal.Value) > len(longest) {
			longest = literal.Value
		}
		return true
	})
	schema, err := strconv.Unquote(longest)
	if err != nil || len(schema) < 10_000 {
		t.Fatalf("no schema in %s: %v", path, err)
	}
	return schema
}

func TestSARIFContent(t *testing.T) {
	var out bytes.Buffer
	if err := checks()["mixed"].WriteSARIF(&out); err != nil {
		t.Fatal(err)
	}
	var read sarifLog
	if err := json.Unmarshal(out.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	run := read.Runs[0]
	if len(run.Results) != 4 || run.Results[1].RuleID != "opted_out" || run.Tool.Driver.Rules[run.Results[1].RuleIndex].ID != "opted_out" {
		t.Errorf("results: %+v", run.Results)
	}
	if got := run.Results[1].Message.Text; got != "Record 12 is one of someone who opted out: it must not be disclosed" {
		t.Errorf("message: %q", got)
	}
	for _, r := range run.Results {
		if at := r.Locations[0].Physical.Artifact; run.Artifacts[at.Index].Location != at || at.URI != "year=2026/a%20%22b%22%20%3Cc%3E%20&%20100%25%23%3F.csv" {
			t.Errorf("artifact: %+v", at)
		}
	}
	if invocation := run.Invocations[0]; invocation.ExecutionSuccessful || invocation.ExitCode != 4 || len(invocation.Notifications) != 1 {
		t.Errorf("invocation: %+v", invocation)
	}
	if got := run.Artifacts[2].Location.URI; got != "./x:y.csv" {
		t.Errorf("a name with a colon: %q", got)
	}
}

// keep writes an output where NOO_FINDINGS names a folder, for programs that are not at hand in a
// test.
func keep(t *testing.T, name string, content []byte) {
	t.Helper()
	if dir := os.Getenv("NOO_FINDINGS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
