package filter

// The report says what a run did, in numbers: no NHS number, no value of a field, and base names only.

import (
	"encoding/json"
	"io"
	"time"

	"noo/internal/nhsnumber"
)

// ReportSchema names the form of a Report.
const ReportSchema = "noo/report/v1"

// Report is what a run did.
type Report struct {
	Schema   string         `json:"schema"`
	Tool     Tool           `json:"tool"`
	Command  string         `json:"command"`
	Snapshot SnapshotReport `json:"snapshot"`
	Policy   PolicyReport   `json:"policy"`
	Files    []FileReport   `json:"files"`
	Totals   Tally          `json:"totals"`
	Started  time.Time      `json:"started"`
	Finished time.Time      `json:"finished"`
	// Error says why a check of all files together could not be relied on; "" where there is none.
	Error string `json:"error,omitempty"`
}

// Tool names the program that made a report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// SnapshotReport says which snapshot a run used. SHA256 is of the whole file, in hexadecimal, "" where no digests were
// asked for. OptedOut and Checked count numbers.
type SnapshotReport struct {
	ID         string    `json:"id"`
	Sequence   uint64    `json:"sequence"`
	Scope      string    `json:"scope"`
	Created    time.Time `json:"created"`
	ValidUntil time.Time `json:"valid_until"`
	KeyID      string    `json:"key_id"`
	SHA256     string    `json:"sha256,omitempty"`
	OptedOut   int64     `json:"opted_out"`
	Checked    int64     `json:"checked"`
}

// PolicyReport says by which rules a run decided.
type PolicyReport struct {
	Missing   Action `json:"missing"`
	Invalid   Action `json:"invalid"`
	Unchecked Action `json:"unchecked"`
	MaxAge    string `json:"max_age"`
}

// FileReport says what a run did with one input. Output is nil where nothing was written.
type FileReport struct {
	Input   InputReport   `json:"input"`
	Output  *OutputReport `json:"output,omitempty"`
	Columns []string      `json:"columns"`
	Records Tally         `json:"records"`
	// Offenders are the first records that must not be disclosed, as many as Run.Offenders asked for.
	Offenders []Offender `json:"offenders,omitempty"`
	// Allowed are the columns that the user let pass unfiltered.
	Allowed []AllowedColumn `json:"allowed,omitempty"`
	// Error says why the input could not be read to its end; then nothing else but its name is sure.
	Error string `json:"error,omitempty"`
	// Took is how long the input took. It is for logs: two runs over the same input give the same report but for its times.
	Took time.Duration `json:"-"`

	bystanders []SampledColumn // the samples of columns that neither identify people nor may hold NHS numbers, for TogetherPreflight
	watched    []WatchedColumn // what was seen in all columns that do not identify people, for TogetherPreflight
}

// AllowedColumn is a column that the user let pass: how many of the records written hold, in it, the number of somebody who opted out.
type AllowedColumn struct {
	Column   string `json:"column"`
	OptedOut int64  `json:"opted_out"`
}

// Offender is a record that must not be disclosed: by its number in the input, from 1, a header not counted.
type Offender struct {
	Record  int64   `json:"record"`
	Verdict Verdict `json:"verdict"`
}

// maskNames makes the names of a file fit to be shown.
func (f *FileReport) maskNames() {
	f.Input.Name = nhsnumber.Mask(f.Input.Name)
	if f.Output != nil {
		output := *f.Output // the one that it has may be wanted as it is
		output.Name = nhsnumber.Mask(output.Name)
		f.Output = &output
	}
}

// InputReport describes an input. Bytes is its size in bytes; SHA256 is "" where no digests were asked for.
type InputReport struct {
	Name   string `json:"name"`
	Format string `json:"format"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256,omitempty"`
}

// OutputReport describes an output. Bytes is its size in bytes; SHA256 is "" where no digests were asked for.
type OutputReport struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256,omitempty"`
}

// add adds what was done with one more input.
func (r *Report) add(file *FileReport) {
	r.Files = append(r.Files, *file)
	r.Totals.Add(file.Records)
}

// WriteJSON writes the report as indented JSON with a line feed at its end.
func (r *Report) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}
