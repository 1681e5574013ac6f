// Package job runs the filter over one dataset: it opens the input, finds the columns that identify
// people, has the format read and write the records, verifies the outputs and gives them their
// names. On any error no output is left.
package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"noo/filter"
	"noo/formats"
	"noo/internal/atomicfile"
	"noo/internal/columns"
	"noo/internal/iopaths"
	"noo/internal/kind"
	"noo/internal/nhsnumber"
	"noo/internal/steadyfile"
	"noo/internal/zipfile"
)

// Run is one dataset to filter, or to check: what is read, where the outputs go, by which rules,
// and where it runs. It is made, filled in and carried out once.
type Run struct {
	// Input is the file to read; "-" is Stdin.
	Input string
	// Entry, where not nil, is the entry of a ZIP file to read; Input is then what messages call
	// it.
	Entry *zipfile.Entry
	// Stdin is the file that "-" means.
	Stdin *os.File
	// Workers is how many goroutines may work on the input at a time, 0 for one for each processor.
	Workers int
	Outputs
	Rules
	Host
	// Heading is the start of the report.
	Heading Heading

	// How messages call outputs that are put together in a hidden place, by that place.
	displayNames map[string]string
}

// Outputs are the paths that a run writes. One of them may be "-", which is standard output. ""
// writes none.
type Outputs struct {
	// Output takes the records that may be disclosed. Without it the run is a check.
	Output string
	// Withheld takes the records that were withheld, never those of people who opted out.
	Withheld string
	// Report takes the report. With a report, digests are computed.
	Report string
	// Replace lets existing outputs be replaced.
	Replace bool
	// AnyName lets outputs have names that promise another compression or format than they have,
	// as where every file is called .dat.
	AnyName bool
	// Protected are further files that no output may replace, such as the snapshot.
	Protected []string
}

// Rules are what a run goes by.
type Rules struct {
	// Columns says which columns identify people.
	Columns columns.Rules
	// Policy says what becomes of records that are neither kept nor opted out.
	Policy filter.Policy
	// Register answers who has opted out.
	Register filter.Register
	// LocalIDs are what Gather found out about people in tables that are linked, nil where they
	// are not; Columns.Link names their columns.
	LocalIDs *filter.LocalIDs
	// Formats are the formats that the input may have, in the order in which they are tried.
	Formats []formats.Format
	// Compress is what the outputs are compressed with; where nil, they are compressed as the input
	// is.
	Compress *formats.Compression
	// AllowNoMatch lets a run end well though no pseudonym is of anybody whom the snapshot knows.
	AllowNoMatch bool
	// Offenders is how many of the records that must not be disclosed the report names, from the
	// first; 0 for none.
	Offenders int
	// Digests has digests computed without a report too.
	Digests bool
	// Collect, where not nil, is given the keys of the valid numbers in the identifying columns, as
	// filter.Collector does.
	Collect func(keys []nhsnumber.Key)
}

// Host is what a run needs of the program around it.
type Host struct {
	// Stdout is what "-" means among the outputs. A write that waits for a reader when the context
	// ends is left to itself.
	Stdout io.Writer
	// OnFirstWrite, where not nil, is called when the first output is about to be made. From then
	// on the run must come to its end by itself: a process that ends leaves what is being made. The
	// run ends soon after its context does, whatever it waits for, or publishes its outputs if it
	// had begun to.
	OnFirstWrite func()
	// Progress, where not nil, is told how many bytes of the input were read, and how many it has;
	// total is -1 where unknown. It is called by one goroutine at a time.
	Progress func(done, total int64)
}

// PolicyError is a record that a Fail policy met.
type PolicyError struct {
	// Name is the input's name as the user gave it.
	Name string
	// Record is the record's number in the input, from 1.
	Record int64
	// Verdict is what was found out about it.
	Verdict filter.Verdict
}

// Error says which record it was.
func (e *PolicyError) Error() string {
	what := map[filter.Verdict]string{
		filter.Missing:   "has no NHS number",
		filter.Invalid:   "has something that is no NHS number",
		filter.Unchecked: "has a number that the snapshot's publisher did not look up",
		filter.Unlinked:  "has a local id that no table with NHS numbers has",
	}[e.Verdict]
	return fmt.Sprintf(
		"%s: record %d %s, and the policy is --%s fail; nothing was written",
		e.Name,
		e.Record,
		what,
		e.Verdict,
	)
}

// Kind returns kind.Disclosure.
func (*PolicyError) Kind() kind.Kind { return kind.Disclosure }

// outputs are all that a run writes.
type outputs struct{ dataset, withheld, report *output }

// discard drops what was not committed.
func (o *outputs) discard() {
	for _, output := range []*output{o.dataset, o.withheld, o.report} {
		output.discard()
	}
}

// Do carries the run out and returns its report. On an error there is no output. The error is an
// *formats.InputError for a bad input, a *columns.ChoiceError where the identifying columns could
// not be told, a *columns.PreflightError where others hold NHS numbers, a *CompressionError, a
// *PolicyError, iopaths.ErrSameFile, atomicfile.ErrExists or atomicfile.ErrNotRegular for an output
// that cannot be, ErrReadBack or formats.ErrMiscompressed for one that is wrong, the context's
// cause when it ended, or what the file system said.
func (r *Run) Do(ctx context.Context) (*Report, error) {
	report := NewReport(r.Heading)
	if err := r.Policy.Validate(); err != nil {
		return nil, err
	}
	if err := r.checkPaths(); err != nil {
		return nil, err
	}
	r.Digests = r.Digests || r.Report != ""
	var out outputs
	defer out.discard()
	file, err := r.file(ctx, &out)
	if err != nil {
		return nil, err
	}
	report.Append(file)
	report.Finished = time.Now().UTC()
	if err := r.publish(ctx, report, &out); err != nil {
		return nil, err
	}
	return report, nil
}

// Filtered is an input whose outputs are complete and verified, but do not have their names yet.
// Discard must be called when it is done with.
type Filtered struct {
	// Report says what was done with the input.
	Report *FileReport
	out    outputs
}

// Filter reads the input and writes the outputs, but does not publish them: many of them may have
// to appear together. The report is not written. Messages call the output and the withheld records
// by the names given. The errors are those of Do.
func (r *Run) Filter(
	ctx context.Context,
	outputName, withheldName string,
) (_ *Filtered, err error) {
	r.displayNames = map[string]string{r.Output: outputName, r.Withheld: withheldName}
	r.Report = ""
	f := new(Filtered)
	defer func() {
		if err != nil {
			f.Discard()
		}
	}()
	if f.Report, err = r.file(ctx, &f.out); err != nil {
		return nil, err
	}
	return f, context.Cause(ctx)
}

// Withheld describes the output of withheld records, nil where there is none.
func (f *Filtered) Withheld() *OutputReport {
	if f.out.withheld == nil {
		return nil
	}
	return f.out.withheld.report()
}

// CommitUnsynced gives the outputs their names. It does not wait for the disk: the folder that they
// are in is synced as a whole.
func (f *Filtered) CommitUnsynced() error {
	return atomicfile.CommitUnsynced(f.out.withheld.committed(), f.out.dataset.committed())
}

// Discard drops what was not committed.
func (f *Filtered) Discard() { f.out.discard() }

// file reads the input and writes the outputs, which it creates, but does not put them in their
// places.
func (r *Run) file(ctx context.Context, out *outputs) (*FileReport, error) {
	ctx, interrupt := context.WithCancel(ctx)
	defer interrupt()
	in, err := openInput(ctx, r.Input, r.Entry, r.Stdin)
	if err != nil {
		return nil, err
	}
	defer in.close()
	in.interrupt = interrupt
	r.watch(in)
	return r.filter(ctx, in, out)
}

// checkPaths refuses outputs that are what the run reads, or one another.
func (r *Run) checkPaths() error {
	var paths iopaths.Paths
	paths.Read(r.Protected...)
	switch {
	case r.Entry != nil:
		paths.Read(r.Entry.File())
	case r.Input == "-":
		paths.ReadOpen("stdin", r.Stdin)
	default:
		paths.Read(r.Input)
	}
	streams := 0
	for _, path := range []string{r.Output, r.Withheld, r.Report} {
		if path != "-" {
			paths.Write(path)
			continue
		}
		if streams++; streams > 1 {
			return fmt.Errorf("cannot write two outputs to stdout; %w", iopaths.ErrSameFile)
		}
		if file, ok := r.Stdout.(*os.File); ok {
			paths.WriteOpen("stdout", file)
		}
	}
	return paths.Check()
}

// watch has the progress of reading told.
func (r *Run) watch(in *input) {
	if r.Progress == nil {
		return
	}
	total := in.total()
	in.progress = func(done int64) { r.Progress(done, total) }
}

// filter reads the input and writes the outputs, which it creates.
func (r *Run) filter(ctx context.Context, in *input, out *outputs) (*FileReport, error) {
	start := time.Now()
	if r.Columns.Pseudonyms != nil {
		if err := r.Policy.ValidatePseudonyms(); err != nil {
			return nil, err
		}
	}
	if r.Digests {
		in.digest()
	}
	format, err := in.detect(ctx, r.Formats)
	if err != nil {
		return nil, err
	}
	compression, err := r.compression(in, format)
	if err != nil {
		return nil, err
	}
	table, err := r.openTable(ctx, in, format)
	if err != nil {
		return nil, err
	}
	dataset, chosen := table.dataset, table.chosen
	defer dataset.Close()
	identifying := chosen.Identifying
	if err := r.BeginWriting(ctx); err != nil {
		return nil, err
	}
	if err := r.create(out, compression); err != nil {
		return nil, err
	}

	judge := r.judge(table)
	judge.NameOffenders(r.Offenders)
	if r.LocalIDs != nil {
		judge.Follow(r.LocalIDs, len(identifying) > 0)
	}
	over, seen := columns.WatchOthers(dataset.Columns(), chosen, r.Register)
	var decider formats.Decider = judge
	if r.Collect != nil {
		decider = &filter.Collector{Judge: judge, Take: r.Collect}
	}
	err = dataset.Scan(
		ctx,
		chosen.Scanned(),
		decider,
		formats.Sinks{
			Kept: out.dataset.sink(), Withheld: out.withheld.sink(), Watch: over, Holds: judge.Holds,
		},
	)
	if err != nil {
		return nil, r.stoppedBy(err, in.name, judge, dataset.Columns(), chosen, over)
	}
	watched := seen()
	if err := in.finish(); err != nil {
		return nil, err
	}
	if len(identifying) > 0 && judge.Tally().Unlinked > 0 {
		return nil, fmt.Errorf("%s: %w", in.name, steadyfile.ErrChanged)
	}
	for _, o := range []*output{out.dataset, out.withheld} {
		if err := o.complete(); err != nil {
			return nil, err
		}
	}
	if err := columns.OptedOutElsewhere(in.name, watched, r.Register.PerFirstDigit(), columns.Labels(dataset.Columns(), identifying)); err != nil {
		return nil, err
	}
	if err := r.checkMatches(in.name, judge.Pseudonyms()); err != nil {
		return nil, err
	}
	if backer, ok := format.(formats.ReadBacker); ok {
		if err := r.readBack(ctx, backer.ReadBack(), chosen, judge.Tally(), out); err != nil {
			return nil, err
		}
	}

	report := &FileReport{
		Input:     in.report(format.Name()),
		Columns:   columns.ReportNames(dataset.Columns(), identifying),
		Records:   judge.Tally(),
		Offenders: judge.FirstOffenders(),
		Took:      time.Since(start),
		Allowed:   allowedCounts(watched),
		Link:      chosen.LinkLabel(dataset.Columns()),

		Pseudonyms: judge.Pseudonyms(),
	}
	report.Seen = columns.Seen{
		Named: report.Columns, Sampled: table.otherColumns, Watched: watched,
	}
	if remarker, ok := dataset.(formats.Remarker); ok {
		report.Remarks = remarker.Remarks()
	}
	if lost := judge.LostDigits(); lost > 0 {
		report.Remarks = append(
			report.Remarks,
			formats.Remark{What: formats.LostDigits, Count: lost},
		)
	}
	if out.dataset != nil {
		report.Output = out.dataset.report()
	}
	return report, nil
}

// table is an opened dataset with its columns chosen.
type table struct {
	dataset      formats.Dataset
	chosen       columns.Chosen
	otherColumns []columns.Sampled
}

// openTable opens the dataset in an input, chooses its columns, and looks at its first records.
func (r *Run) openTable(ctx context.Context, in *input, format formats.Format) (*table, error) {
	source, err := in.forFormat(ctx, format)
	if err != nil {
		return nil, err
	}
	source.Workers = r.Workers
	dataset, err := format.Open(ctx, source)
	if err != nil {
		return nil, err
	}
	t := &table{dataset: dataset}
	if t.chosen, err = columns.Choose(in.name, dataset.Columns(), r.Columns); err == nil {
		t.otherColumns, err = columns.Preflight(ctx, in.name, dataset, t.chosen, r.passesStrange())
	}
	if err != nil {
		err = noteNames(err, dataset)
		dataset.Close()
		return nil, err
	}
	return t, nil
}

// judge returns the judge of the numbers in a table.
func (r *Run) judge(t *table) *filter.Judge {
	judge := r.newJudge(len(t.chosen.Identifying))
	for slot, place := range t.chosen.Identifying {
		if columns.Titled(t.dataset.Columns(), place) && !r.passesStrange() {
			judge.RefuseHeadings(slot)
		}
	}
	return judge
}

// noteNames adds to an error about columns in which line their names seem to be.
func noteNames(err error, dataset formats.Dataset) error {
	titled, ok := dataset.(formats.Titled)
	if !ok {
		return err
	}
	if e, ok := errors.AsType[*columns.ChoiceError](err); ok && e.Err == columns.ErrNotDetected {
		e.NamesLine = titled.NamesLine()
	}
	if e, ok := errors.AsType[*columns.PreflightError](err); ok && e.Late() {
		e.NamesLine = titled.NamesLine()
	}
	return err
}

// passesStrange reports whether an identifying column may hold something else: the user says so, or
// it is a check that reports it record by record.
func (r *Run) passesStrange() bool {
	return r.Columns.Forced || r.Output == "" && r.Policy.Invalid != filter.Keep
}

// stoppedBy makes of an error of a Scan what is to be said of it.
func (r *Run) stoppedBy(
	err error,
	name string,
	judge *filter.Judge,
	all []formats.Column,
	chosen columns.Chosen,
	over *formats.Watch,
) error {
	if offender, ok := judge.StoppedAt(err); ok {
		return &PolicyError{Name: name, Record: offender.Record, Verdict: offender.Verdict}
	}
	place, column := name, -1
	if met, ok := errors.AsType[*filter.HeadingError](err); ok {
		column = chosen.Identifying[met.Slot]
	}
	if met, ok := errors.AsType[*formats.NameMet](err); ok {
		column = over.Columns[met.Slot]
		if in, ok := errors.AsType[*formats.InputError](err); ok {
			place = in.Place()
		}
	}
	if column < 0 {
		return err
	}
	return &columns.PreflightError{
		Name: place, Err: columns.ErrLateNames, Columns: []columns.Sampled{{Label: columns.Labels(all, []int{column})[0]}},
		Named: columns.Labels(all, chosen.Identifying),
	}
}

// BeginWriting tells that outputs are about to be made. It returns the cause where ctx has ended:
// the program may be ending the process by then.
func (h *Host) BeginWriting(ctx context.Context) error {
	if h.OnFirstWrite != nil {
		h.OnFirstWrite()
	}
	return context.Cause(ctx)
}

// create starts the outputs, and the compression of those that hold records.
func (r *Run) create(out *outputs, compression formats.Compression) (err error) {
	for _, o := range []struct {
		path   string
		output **output
	}{{r.Output, &out.dataset}, {r.Withheld, &out.withheld}, {r.Report, &out.report}} {
		if o.path == "" {
			continue
		}
		name := o.path
		if shown := r.displayNames[o.path]; shown != "" {
			name = shown
		}
		if *o.output, err = createOutput(o.path, name, r.Replace); err != nil {
			return err
		}
	}
	for _, o := range []*output{out.dataset, out.withheld} {
		if o != nil && r.Digests {
			o.digest()
		}
	}
	for _, o := range []*output{out.dataset, out.withheld} {
		if err := o.compress(compression, r.Workers); err != nil {
			return err
		}
	}
	return nil
}

// publish writes the report and puts the outputs in their places, the dataset last: where it
// exists, the rest does.
func (r *Run) publish(ctx context.Context, report *Report, out *outputs) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if out.report != nil {
		if err := report.WriteJSON(out.report); err != nil {
			return err
		}
	}
	// What goes to standard output goes there before anything gets its name: a reader may let it
	// wait, and cannot be made to forget.
	release := func() error {
		var streamed *output
		for _, o := range []*output{out.withheld, out.report, out.dataset} {
			if err := o.release(ctx, r.Stdout); err != nil {
				return err
			}
			if o.streams() {
				streamed = o
			}
		}
		return streamed.unlessEnded(ctx)
	}
	return atomicfile.CommitAfter(
		release,
		out.withheld.committed(),
		out.report.committed(),
		out.dataset.committed(),
	)
}
