// Package findings writes what a check found in the two forms that CI servers read: JUnit's XML, in
// which every file is a test case, and SARIF 2.1.0, in which every record that must not be
// disclosed is a result. Neither holds a value of a record: a record is named by its number.
package findings

import (
	"bytes"
	"fmt"
	"time"

	"noo/filter"
	"noo/job"
)

// Check is what a check found.
type Check struct {
	// Report has the tool, the snapshot, the policy, the totals and the times.
	Report *job.Report
	// Files are the inputs in the order in which they were named.
	Files []File
	// ExitCode is what the process will exit with.
	ExitCode int
}

// File is what was found in one input.
type File struct {
	// Name is the file's name as the user gave it, fit to be shown.
	Name string
	// Outcome says how it went.
	Outcome Outcome
	// Finding says it in a line.
	Finding string
	// Report counts records, and names the first that must not be disclosed.
	Report job.FileReport
}

// Outcome is how the check of a file went.
type Outcome uint8

const (
	// Failed is a file that could not be read to its end: nobody knows what is in it.
	Failed Outcome = iota
	// Found is a file with records that must not be disclosed.
	Found
	// Passed is a file that may be disclosed.
	Passed
)

// Unnamed is how many records of a file must not be disclosed beside those that are named.
func (f *File) Unnamed() int64 {
	return max(0, f.Report.Records.MustNotBeDisclosed()-int64(len(f.Report.Offenders)))
}

// IsJUnit tells a JUnit file of a check by its first bytes, so that the next check may replace it.
// Those of other programs are not to be replaced.
func IsJUnit(
	head []byte,
) bool {
	return bytes.Contains(head, []byte(`<testsuites name="noo check"`))
}

// IsSARIF tells a SARIF file of a check by its first bytes, so that the next check may replace it.
// Those of other programs are not to be replaced.
func IsSARIF(head []byte) bool {
	return bytes.Contains(head, []byte("sarif")) && bytes.Contains(head, []byte(`"name": "noo"`))
}

// words are what is said of a record by its verdict.
var words = map[filter.Verdict]string{
	filter.OptedOut:  "of someone who opted out",
	filter.Missing:   "without an NHS number",
	filter.Invalid:   "with something that is no NHS number",
	filter.Unchecked: "of someone who was not looked up",
	filter.Unlinked:  "with a local id that no NHS number is known for",
}

// seconds writes a duration as JUnit does.
func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
