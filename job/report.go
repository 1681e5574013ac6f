package job

// The report says what a run did, in numbers: no NHS number, no value of a field, and base names
// only.

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"noo/filter"
	"noo/formats"
	"noo/internal/atomicfile"
	"noo/internal/columns"
	"noo/internal/nhsnumber"
)

// ReportSchema names the form of a Report.
const ReportSchema = "noo/report/v1"

// Report is what a run did.
type Report struct {
	Schema string `json:"schema"`
	Heading
	Files    []FileReport `json:"files"`
	Totals   filter.Tally `json:"totals"`
	Started  time.Time    `json:"started"`
	Finished time.Time    `json:"finished"`
	// Error says why a check of all files together could not be relied on; "" where there is none.
	Error string `json:"error,omitempty"`
}

// NewReport starts the report of a run that starts now.
func NewReport(heading Heading) *Report {
	return &Report{Schema: ReportSchema, Heading: heading, Started: time.Now().UTC()}
}

// Heading is what a report says of the program and of the rules, before it says what was done.
type Heading struct {
	Tool    Tool   `json:"tool"`
	Command string `json:"command"`
	// Snapshot is the one that the run used. A run with several has Snapshots instead, so that no
	// reader takes one of them for all. Use sets the right one.
	Snapshot  *SnapshotReport  `json:"snapshot,omitempty"`
	Snapshots []SnapshotReport `json:"snapshots,omitempty"`
	Policy    PolicyReport     `json:"policy"`
}

// Use notes the snapshots that a run uses.
func (h *Heading) Use(snapshots ...SnapshotReport) {
	h.Snapshot, h.Snapshots = nil, nil
	if len(snapshots) == 1 {
		h.Snapshot = &snapshots[0]
	} else {
		h.Snapshots = snapshots
	}
}

// Used returns the snapshots that a run uses: none before they are known.
func (h *Heading) Used() []SnapshotReport {
	if h.Snapshot != nil {
		return []SnapshotReport{*h.Snapshot}
	}
	return h.Snapshots
}

// Tool names the program that made a report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// SnapshotReport describes a snapshot that a run used. SHA256 is of the whole file, in hexadecimal, ""
// where no digests were asked for. OptedOut and Checked count numbers.
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
	Missing   filter.Action `json:"missing"`
	Invalid   filter.Action `json:"invalid"`
	Unchecked filter.Action `json:"unchecked"`
	// Unlinked is "" where no tables were linked.
	Unlinked string `json:"unlinked,omitempty"`
	MaxAge   string `json:"max_age"`
	// Pseudonym is the method by which pseudonyms were made, "" where there are numbers.
	Pseudonym string `json:"pseudonym,omitempty"`
}

// FileReport says what a run did with one input. Output is nil where nothing was written.
type FileReport struct {
	Input  InputReport   `json:"input"`
	Output *OutputReport `json:"output,omitempty"`
	// Columns are those of NHS numbers: none in a linked table that has none.
	Columns []string `json:"columns"`
	// Link is the column of local ids, "" where the table is by itself.
	Link    string       `json:"link,omitempty"`
	Records filter.Tally `json:"records"`
	// Pseudonyms are those in each of Columns; nil where there are numbers.
	Pseudonyms []filter.PseudonymTally `json:"pseudonyms,omitempty"`
	// Offenders are the first records that must not be disclosed, as many as Rules.Offenders asked
	// for.
	Offenders []filter.Offender `json:"offenders,omitempty"`
	// Allowed are the columns that the user let pass unfiltered.
	Allowed []AllowedColumn `json:"allowed,omitempty"`
	// Remarks are what was found beside records.
	Remarks []formats.Remark `json:"remarks,omitempty"`
	// Error says why the input could not be read to its end; then nothing else but its name is
	// sure.
	Error string `json:"error,omitempty"`
	// Took is how long the input took. It is for logs: two runs over the same input give the same
	// report but for its times.
	Took time.Duration `json:"-"`

	// Seen is what was seen in its columns, for a look at all files of a dataset together.
	Seen columns.Seen `json:"-"`
}

// AllowedColumn is a column that the user let pass: how many of the records written hold, in it,
// the number of somebody who opted out.
type AllowedColumn struct {
	Column   string `json:"column"`
	OptedOut int64  `json:"opted_out"`
}

// allowedCounts says of each allowed column in how many records that are written it holds the
// number of somebody who opted out.
func allowedCounts(watched []columns.Watched) (counts []AllowedColumn) {
	for _, column := range watched {
		if column.Allowed {
			counts = append(counts, AllowedColumn{Column: column.Label, OptedOut: column.Records})
		}
	}
	return counts
}

// MaskNames makes the names of a file fit to be shown.
func (f *FileReport) MaskNames() {
	f.Input.Name, f.Input.Archive = nhsnumber.Mask(f.Input.Name), nhsnumber.Mask(f.Input.Archive)
	if f.Output != nil {
		output := *f.Output // the one that it has may be wanted as it is
		output.Name = nhsnumber.Mask(output.Name)
		f.Output = &output
	}
}

// InputReport describes an input. Archive is the base name of the ZIP file that it is in, "" for
// none. Bytes is its size in bytes; SHA256 is "" where no digests were asked for. Both are of the
// input itself, not of the ZIP file.
type InputReport struct {
	Name    string `json:"name"`
	Archive string `json:"archive,omitempty"`
	Format  string `json:"format"`
	Bytes   int64  `json:"bytes"`
	SHA256  string `json:"sha256,omitempty"`
}

// OutputReport describes an output. Bytes is its size in bytes; SHA256 is "" where no digests were
// asked for.
type OutputReport struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256,omitempty"`
}

// Append adds what was done with one more input.
func (r *Report) Append(file *FileReport) {
	r.Files = append(r.Files, *file)
	r.Totals.Add(file.Records)
}

// Seen returns what was seen in the columns of each file.
func (r *Report) Seen() []columns.Seen {
	all := make([]columns.Seen, len(r.Files))
	for i := range r.Files {
		all[i] = r.Files[i].Seen
	}
	return all
}

// WriteJSON writes the report as indented JSON with a line feed at its end.
func (r *Report) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}

// ReportFile is a report that is written beside many datasets. A nil *ReportFile is none.
type ReportFile struct{ output *output }

// CreateReport starts a report at a path; "-" is standard output. The errors are those of
// atomicfile.CreateAs.
func CreateReport(path string, replace bool) (*ReportFile, error) {
	o, err := createOutput(path, path, replace)
	if err != nil {
		return nil, err
	}
	return &ReportFile{o}, nil
}

// Write writes the report: to stdout at once if it goes there, else to a file that has its name
// once it is committed. Where ctx ends the error is its cause, with ErrPartOnStdout where some of
// it is on stdout.
func (f *ReportFile) Write(ctx context.Context, report *Report, stdout io.Writer) error {
	if f == nil {
		return context.Cause(ctx)
	}
	if err := report.WriteJSON(f.output); err != nil {
		return err
	}
	if err := f.output.release(ctx, stdout); err != nil {
		return err
	}
	return f.output.unlessEnded(ctx)
}

// File returns the file to commit, nil where there is none.
func (f *ReportFile) File() *atomicfile.File {
	if f == nil {
		return nil
	}
	return f.output.committed()
}

// Discard drops the report unless it was committed.
func (f *ReportFile) Discard() {
	if f != nil {
		f.output.discard()
	}
}
