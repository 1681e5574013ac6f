package findings

// SARIF, of which a check needs so little that the structures below do: the maintained library
// writes nine empty lists with every result, and brings a schema checker into the program. A test
// holds what is written here against the schema.

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"noo/filter"
)

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool struct {
		Driver sarifDriver `json:"driver"`
	} `json:"tool"`
	Invocations []sarifInvocation `json:"invocations"`
	Artifacts   []sarifArtifact   `json:"artifacts"`
	Results     []sarifResult     `json:"results"`
	Properties  map[string]any    `json:"properties"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"version"`
	Rules   []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID               string       `json:"id"`
	ShortDescription sarifMessage `json:"shortDescription"`
}

type sarifMessage struct {
	Text string `json:"text"`
}

type sarifInvocation struct {
	ExecutionSuccessful bool                `json:"executionSuccessful"`
	ExitCode            int                 `json:"exitCode"`
	StartTimeUTC        string              `json:"startTimeUtc"`
	EndTimeUTC          string              `json:"endTimeUtc"`
	Notifications       []sarifNotification `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotification struct {
	Level     string          `json:"level"`
	Message   sarifMessage    `json:"message"`
	Locations []sarifLocation `json:"locations"`
}

type sarifArtifact struct {
	Location   sarifURI       `json:"location"`
	Properties map[string]any `json:"properties,omitempty"`
}

type sarifURI struct {
	URI   string `json:"uri"`
	Index int    `json:"index"`
}

type sarifResult struct {
	RuleID     string          `json:"ruleId"`
	RuleIndex  int             `json:"ruleIndex"`
	Level      string          `json:"level"`
	Message    sarifMessage    `json:"message"`
	Locations  []sarifLocation `json:"locations"`
	Properties map[string]any  `json:"properties"`
}

type sarifLocation struct {
	Physical sarifPhysical  `json:"physicalLocation"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifPhysical struct {
	Artifact sarifURI     `json:"artifactLocation"`
	Region   *sarifRegion `json:"region,omitempty"`
}

type sarifRegion struct {
	StartLine int `json:"startLine"`
}

type sarifLogical struct {
	Name string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

// rules are the verdicts that a record may be withheld for, in the order of the results' ruleIndex.
var rules = []filter.Verdict{
	filter.OptedOut, filter.Missing, filter.Invalid, filter.Unchecked, filter.Unlinked,
}

// WriteSARIF writes the check as one run: a result for every record that is named, a notification
// for every file that could not be checked. What must not be disclosed beside the named records is
// counted in the properties of its file.
func (c *Check) WriteSARIF(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0",
		Runs:    []sarifRun{c.sarifRun()},
	})
}

func (c *Check) sarifRun() sarifRun {
	r := c.Report
	run := sarifRun{
		Artifacts: []sarifArtifact{},
		Results:   []sarifResult{},
		Properties: map[string]any{
			"policy": r.Policy,
			"totals": r.Totals,
		},
	}
	var snapshots []map[string]any
	for _, s := range r.Used() {
		snapshots = append(snapshots, map[string]any{
			"id":       s.ID,
			"sequence": s.Sequence,
			"created":  s.Created,
		})
	}
	if r.Snapshot != nil {
		run.Properties["snapshot"] = snapshots[0]
	} else {
		for i, s := range r.Used() {
			snapshots[i]["scope"] = s.Scope
		}
		run.Properties["snapshots"] = snapshots
	}
	run.Tool.Driver = sarifDriver{Name: r.Tool.Name, Version: r.Tool.Version}
	for _, v := range rules {
		run.Tool.Driver.Rules = append(
			run.Tool.Driver.Rules,
			sarifRule{v.String(), sarifMessage{"A record " + words[v]}},
		)
	}
	invocation := sarifInvocation{
		ExecutionSuccessful: true, ExitCode: c.ExitCode,
		StartTimeUTC: r.Started.UTC().
			Format(time.RFC3339),
		EndTimeUTC: r.Finished.UTC().Format(time.RFC3339),
	}
	for i := range c.Files {
		f := &c.Files[i]
		artifact := sarifArtifact{Location: sarifURI{uri(f.Name), i}}
		if f.Outcome == Failed {
			invocation.ExecutionSuccessful = false
			location := sarifLocation{Physical: sarifPhysical{Artifact: artifact.Location}}
			invocation.Notifications = append(
				invocation.Notifications,
				sarifNotification{"error", sarifMessage{f.Finding}, []sarifLocation{location}},
			)
		} else {
			artifact.Properties = map[string]any{"records": f.Report.Records}
			run.Results = append(run.Results, results(f, artifact.Location)...)
		}
		run.Artifacts = append(run.Artifacts, artifact)
	}
	run.Invocations = []sarifInvocation{invocation}
	return run
}

// results are the records of a file that are named. A record's number is not a line, of which a
// Parquet file has none; the region is the first line, since code scanning wants one.
func results(f *File, artifact sarifURI) []sarifResult {
	var results []sarifResult
	for _, o := range f.Report.Offenders {
		rule := 0
		for i, v := range rules {
			if v == o.Verdict {
				rule = i
			}
		}
		number := strconv.FormatInt(o.Record, 10)
		results = append(results, sarifResult{
			RuleID: o.Verdict.String(), RuleIndex: rule, Level: "error",
			Message: sarifMessage{
				fmt.Sprintf(
					"Record %s is one %s: it must not be disclosed",
					number,
					words[o.Verdict],
				),
			},
			Locations: []sarifLocation{{
				Physical: sarifPhysical{Artifact: artifact, Region: &sarifRegion{StartLine: 1}},
				Logical:  []sarifLogical{{"record " + number, "element"}},
			}},
			Properties: map[string]any{"record": o.Record, "verdict": o.Verdict},
		})
	}
	return results
}

// uri writes a path as the reference that SARIF wants: a relative path stays relative, as paths in
// a repository are to be.
func uri(path string) string {
	slashed := filepath.ToSlash(filepath.Clean(path))
	if !filepath.IsAbs(path) {
		return (&url.URL{Path: slashed}).String()
	}
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // a Windows drive
	}
	return (&url.URL{Scheme: "file", Path: slashed}).String()
}
