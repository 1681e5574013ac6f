// Package batch runs the filter over many files into one folder, which appears when all of them are
// done and verified. Small files are worked on side by side, large ones one after the other with
// all processors on each: that way neither the seams between small files nor the memory for large
// ones grows. A run that was cut short can be taken up again.
package batch

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"noo/internal/atomicdir"
	"noo/internal/atomicfile"
	"noo/internal/columns"
	"noo/internal/inputs"
	"noo/internal/iopaths"
	"noo/job"
)

// Run is many datasets to filter into one folder.
type Run struct {
	// Outputs names two folders, and a file for the one report on all files. Replace lets folders
	// be replaced that a run filled.
	job.Outputs
	// Rules say how every file is filtered.
	job.Rules
	job.Host
	// Heading is the start of the report.
	Heading job.Heading
	// Sources are the files to read. Their names are those of the outputs.
	Sources *inputs.Sources
	// Resume takes over what an earlier run with Resume finished, and leaves what this one finishes
	// for a later one where it cannot finish all. A file is taken over if input, rules and output
	// are what they were, by their digests.
	Resume bool
	// Fingerprint tells runs apart that would write something else, for Resume: the snapshot, the
	// policy and every setting that an output depends on, as text.
	Fingerprint string
	// StateDir is where it is remembered what was finished.
	StateDir string
	// Warn, where not nil, is told what could not be taken away: it changes nothing about the run,
	// but is hidden, and may hold people.
	Warn func(error)

	planned []planned // the sources with their outputs
}

// folderOutputs are all that a Run writes.
type folderOutputs struct {
	dataset, withheld *atomicdir.Folder // withheld may be nil
	report            *job.ReportFile   // or nil
	ledger            *ledger           // nil without Resume
}

// folders are the folders, that of the dataset last.
func (o *folderOutputs) folders() []*atomicdir.Folder {
	if o.withheld == nil {
		return []*atomicdir.Folder{o.dataset}
	}
	return []*atomicdir.Folder{o.withheld, o.dataset}
}

// finished is a source that was filtered into the folders: the sizes in bytes of what was written,
// and what the sample of it held.
type finished struct {
	report   job.FileReport
	withheld *job.OutputReport // nil where there is no such folder
}

// Do carries the run out and returns its report. On an error no folder appears. The errors are
// those of Run.Do, and those of iopaths.Paths.Check and atomicdir.Create for folders that cannot be
// written, ErrReservedName, ErrSameOutput and ErrStream for inputs that cannot be written there,
// and ErrBusy.
func (f *Run) Do(ctx context.Context) (*job.Report, error) {
	report := job.NewReport(f.Heading)
	if err := f.Policy.Validate(); err != nil {
		return nil, err
	}
	if err := f.checkPaths(); err != nil {
		return nil, err
	}
	if err := f.plan(); err != nil {
		return nil, err
	}
	linked, err := f.link(ctx)
	if err != nil {
		return nil, err
	}
	if err := f.BeginWriting(ctx); err != nil {
		return nil, err
	}
	unlock, err := f.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	out, err := f.create()
	if err != nil {
		return nil, err
	}
	defer f.discard(out)

	files, err := f.filterAll(ctx, out)
	if err != nil {
		return nil, err
	}
	if linked != nil {
		if err := linked.CheckSteady(); err != nil {
			return nil, err
		}
	}
	for i := range files {
		shown := files[i].report
		shown.MaskNames()
		report.Append(&shown)
	}
	if err := columns.Together(report.Seen(), f.Register.PerFirstDigit()); err != nil {
		return nil, err
	}
	if err := f.CheckMatches(report.Files); err != nil {
		return nil, err
	}
	report.Finished = time.Now().UTC()
	if err := f.publish(ctx, report, files, out); err != nil {
		return nil, err
	}
	return report, nil
}

// link reads the tables with NHS numbers, if tables are linked. What was finished by an earlier run
// is only good where these tables were the same.
func (f *Run) link(ctx context.Context) (*Linked, error) {
	if len(f.Columns.Link) == 0 {
		return nil, nil
	}
	rules := f.Rules
	rules.Digests = f.Resume
	linked, err := Link(ctx, f.Sources.Files, rules, f.Progress)
	if err != nil {
		return nil, err
	}
	f.LocalIDs = linked.People
	f.Fingerprint += linked.Digest
	return linked, nil
}

// folders are the folders that are written, as the user named them.
func (f *Run) folders() []string {
	if f.Withheld == "" {
		return []string{f.Output}
	}
	return []string{f.Withheld, f.Output}
}

// checkPaths refuses outputs that are in what is read, or in one another, and the other way round:
// a folder is replaced as a whole.
func (f *Run) checkPaths() error {
	var paths iopaths.Paths
	paths.Read(f.Protected...)
	paths.Read(f.Sources.OnDisk()...)
	paths.ReadFolders(f.Sources.Roots...)
	paths.ReadMatching(f.Sources.Read)
	for _, folder := range f.folders() {
		paths.WriteFolder(folder)
	}
	if f.Outputs.Report != "-" {
		paths.Write(f.Outputs.Report)
	}
	return paths.Check()
}

// create starts the folders and the report.
func (f *Run) create() (out *folderOutputs, err error) {
	out = new(folderOutputs)
	defer func() {
		if err != nil {
			f.discard(out)
		}
	}()
	if out.dataset, err = atomicdir.Create(f.Output, f.Replace, f.Resume); err != nil {
		return out, err
	}
	if f.Withheld != "" {
		if out.withheld, err = atomicdir.Create(f.Withheld, f.Replace, f.Resume); err != nil {
			return out, err
		}
	}
	ledger, err := f.ledgerPath()
	if err != nil {
		return out, err
	}
	if f.Resume {
		if out.ledger, err = openLedger(ledger, f.useful()); err != nil {
			return out, err
		}
	} else if err = os.RemoveAll(ledger); err != nil {
		return out, stateError(err)
	}
	if f.Outputs.Report != "" {
		out.report, err = job.CreateReport(
			f.Outputs.Report,
			f.Replace || f.Resume && out.ledger.wrote(f.Outputs.Report),
		)
	}
	return out, err
}

// discard drops what was not published; with Resume what was finished stays for the next run.
func (f *Run) discard(out *folderOutputs) {
	out.report.Discard()
	out.ledger.close()
	for _, folder := range []*atomicdir.Folder{out.dataset, out.withheld} {
		if f.Resume {
			folder.DiscardEmpty()
		} else {
			f.warn(folder.Discard())
		}
	}
}

// warn tells what went wrong beside the run, if anything did.
func (f *Run) warn(err error) {
	if err != nil && f.Warn != nil {
		f.Warn(err)
	}
}

// filterAll filters every file into the folders.
func (f *Run) filterAll(ctx context.Context, out *folderOutputs) ([]finished, error) {
	if f.Resume {
		if err := f.tidy(out); err != nil {
			return nil, err
		}
	}
	files := make([]finished, len(f.Sources.Files))
	progress := Progress(f.Sources.Files, f.Progress)
	loads := Loads(f.Sources.Files)
	for i := range loads {
		loads[i].Serial = f.planned[i].compressed
	}
	err := Each(ctx, loads, func(ctx context.Context, i, workers int) error {
		source := f.planned[i]
		if f.Resume {
			taken, err := f.takeOver(ctx, source, out)
			if err != nil {
				return err
			}
			if taken != nil {
				files[i] = *taken
				progress(i, source.Bytes)
				return nil
			}
			if !f.Replace && (out.dataset.Exists() || out.withheld.Exists()) {
				return f.standsInTheWay()
			}
		}
		file, err := f.one(ctx, source, workers, out, func(done, _ int64) { progress(i, done) })
		if err == nil {
			files[i] = *file
		}
		return err
	})
	return files, err
}

// one filters one file into the folders.
func (f *Run) one(
	ctx context.Context,
	source planned,
	workers int,
	to *folderOutputs,
	progress func(done, total int64),
) (*finished, error) {
	run := job.Run{
		Input:   source.Path,
		Entry:   source.Entry,
		Workers: workers,
		Rules:   f.Rules,
		Host:    job.Host{Progress: progress},
	}
	// What there is in the folder in the making is unfinished.
	run.Columns.Batch, run.Replace = true, true
	run.Protected = f.Protected
	if source.compressesItself {
		run.Compress = nil
	}
	run.Digests = f.Resume || f.Outputs.Report != ""
	var err error
	if run.Output, err = to.dataset.Path(source.output); err != nil {
		return nil, err
	}
	if to.withheld != nil {
		if run.Withheld, err = to.withheld.Path(source.output); err != nil {
			return nil, err
		}
	}
	filtered, err := run.Filter(
		ctx,
		below(f.Output, source.output),
		below(f.Withheld, source.output),
	)
	if err != nil {
		return nil, err
	}
	defer filtered.Discard()
	if err := filtered.CommitUnsynced(); err != nil {
		return nil, err
	}
	file := filtered.Report
	file.Input.Name, file.Output.Name = source.Name, source.output
	done := &finished{report: *file, withheld: filtered.Withheld()}
	if to.ledger != nil {
		return done, to.ledger.add(ledgerEntry{
			Rules: f.rulesDigest(), File: *file, Withheld: done.withheld, OtherColumns: ledgerSamples(file.Seen.Sampled), Watched: file.Seen.Watched,
		})
	}
	return done, nil
}

// below is the path of an output in a folder, as a person knows it.
func below(folder, name string) string { return filepath.Join(folder, filepath.FromSlash(name)) }

// publish gives the folders their names, the dataset's last: where it exists, the rest does.
func (f *Run) publish(
	ctx context.Context,
	report *job.Report,
	files []finished,
	out *folderOutputs,
) error {
	var folders []*atomicdir.Folder
	for _, folder := range out.folders() {
		sizes := make(map[string]int64, len(files))
		for _, file := range files {
			size := file.report.Output.Bytes
			if folder == out.withheld {
				size = file.withheld.Bytes
			}
			sizes[file.report.Output.Name] = size
		}
		if folder.Exists() && !f.Replace {
			if !folder.Matches(sizes) { // every file of which was found to be what it should be
				return f.standsInTheWay()
			}
			continue
		}
		if err := folder.Seal(ctx, sizes); err != nil {
			return err
		}
		folders = append(folders, folder)
	}
	if err := out.report.Write(ctx, report, f.Stdout); err != nil {
		return err
	}
	err := atomicfile.CommitThen(
		func() error { return atomicdir.PublishAll(folders) },
		out.report.File(),
	)
	if err != nil {
		return err
	}
	for _, folder := range out.folders() {
		f.warn(folder.RemoveReplaced())
		f.warn(folder.Discard()) // of one that stood, the empty folder in the making
	}
	return nil
}

// standsInTheWay is the refusal to replace a folder that is not just what the run would write.
func (f *Run) standsInTheWay() error {
	return fmt.Errorf(
		"cannot write %s: it %w, and is not what this run would write",
		strings.Join(f.folders(), " and "),
		atomicfile.ErrExists,
	)
}
