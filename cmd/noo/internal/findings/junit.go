package findings

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/jstemmer/go-junit-report/v2/junit"
)

// WriteJUnit writes the check as a suite of tests: a file with records that must not be disclosed
// is a failure, one that could not be checked is an error.
func (c *Check) WriteJUnit(w io.Writer) error {
	r := c.Report
	took := seconds(r.Finished.Sub(r.Started))
	suite := junit.Testsuite{
		Name:      "noo check",
		Time:      took,
		Timestamp: r.Started.UTC().Format("2006-01-02T15:04:05"),
	}
	suite.AddProperty("noo.version", r.Tool.Version)
	for i, s := range r.Used() {
		name := "noo.snapshot." // of several, each has its number from 1
		if r.Snapshot == nil {
			name += strconv.Itoa(i+1) + "."
			suite.AddProperty(name+"scope", s.Scope)
		}
		suite.AddProperty(name+"id", s.ID)
		suite.AddProperty(name+"sequence", strconv.FormatUint(s.Sequence, 10))
		suite.AddProperty(name+"created", s.Created.UTC().Format(time.RFC3339))
	}
	policy := fmt.Sprintf(
		"missing %v, invalid %v, unchecked %v",
		r.Policy.Missing,
		r.Policy.Invalid,
		r.Policy.Unchecked,
	)
	if r.Policy.Unlinked != "" {
		policy += ", unlinked " + r.Policy.Unlinked
	}
	suite.AddProperty("noo.policy", policy)
	for i := range c.Files {
		suite.AddTestcase(testCase(&c.Files[i]))
	}
	suites := junit.Testsuites{Name: "noo check", Time: took}
	suites.AddSuite(suite)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	return suites.WriteXML(w)
}

func testCase(f *File) junit.Testcase {
	test := junit.Testcase{Name: f.Name, Classname: "noo.check", Time: seconds(f.Report.Took)}
	switch f.Outcome {
	case Passed:
		test.SystemOut = &junit.Output{Data: f.Finding}
	case Found:
		test.Failure = &junit.Result{
			Message: f.Finding,
			Type:    "must not be disclosed",
			Data:    listing(f),
		}
	case Failed:
		test.Error = &junit.Result{
			Message: f.Finding,
			Type:    "could not be checked",
			Data:    f.Finding,
		}
	}
	return test
}

// listing names the records that must not be disclosed, a line each.
func listing(f *File) string {
	var text strings.Builder
	for _, o := range f.Report.Offenders {
		fmt.Fprintf(&text, "record %d: %v\n", o.Record, o.Verdict)
	}
	if n := f.Unnamed(); n > 0 {
		fmt.Fprintf(&text, "and %d more\n", n)
	}
	return text.String()
}
