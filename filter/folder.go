package filter

// A run over many files into one folder, which appears when all of them are done and verified. Small files are worked on
// side by side, large ones one after the other with all processors on each: that way neither the seams between small
// files nor the memory for large ones grows.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"noo/internal/atomicfile"
)

// FolderRun is many datasets to filter into one folder.
type FolderRun struct {
	// Each says how every file is filtered. Its Output and Withheld name folders, its Report takes one report on all
	// files; Input and Workers are not used. Replace lets folders be replaced that a run filled.
	Each Run
	// Sources are the files to read. Their names are those of the outputs.
	Sources *Sources
	// Resume takes over what an earlier run with Resume finished, and leaves what this one finishes for a later one where it
	// cannot finish all. A file is taken over if input, rules and output are what they were, by their digests.
	Resume bool
	// Rules tells runs apart that would write something else, for Resume: the snapshot, the policy and every setting
	// that an output depends on, as text.
	Rules string
	// StateDir is where it is remembered what was finished, and which folders are being written.
	StateDir string
}

// folderOutputs are all that a FolderRun writes.
type folderOutputs struct {
	dataset, withheld *atomicfile.Folder // withheld may be nil
	report            *output            // or nil
	ledger            *ledger            // nil without Resume
}

// Do carries the run out and returns its report. On an error no folder appears. The errors are those of Run.Do, and
// atomicfile.ErrForeign, ErrNotFolder, ErrMountPoint and ErrNotApart for folders that cannot be written, and ErrBusy.
func (f *FolderRun) Do(ctx context.Context) (*Report, error) {
	report := f.Each.About
	report.Schema, report.Started = ReportSchema, time.Now().UTC()
	if err := f.Each.Policy.Validate(); err != nil {
		return nil, err
	}
	if err := f.keepApart(); err != nil {
		return nil, err
	}
	if err := f.plan(); err != nil {
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

	files, err := f.filter(ctx, out)
	if err != nil {
		return nil, err
	}
	for i := range files {
		report.add(&files[i])
	}
	report.Finished = time.Now().UTC()
	if err := f.publish(ctx, &report, out); err != nil {
		return nil, err
	}
	return &report, nil
}

// folders are the folders that are written, as the user named them.
func (f *FolderRun) folders() []string {
	if f.Each.Withheld == "" {
		return []string{f.Each.Output}
	}
	return []string{f.Each.Withheld, f.Each.Output}
}

// keepApart refuses outputs that lie in what is read, or in one another, and the other way round: a folder is replaced
// as a whole.
func (f *FolderRun) keepApart() error {
	folders := f.folders()
	around := slices.Clone(f.Each.Uses) // what no output folder may hold
	for _, source := range f.Sources.Files {
		around = append(around, filepath.Dir(source.Path))
	}
	slices.Sort(around)
	around = slices.Compact(around)
	for i, folder := range folders {
		others := append(folders[:i:i], folders[i+1:]...)
		within := slices.ContainsFunc(slices.Concat(f.Sources.Roots, others), func(other string) bool { return atomicfile.Inside(folder, other) })
		if within || slices.ContainsFunc(around, func(other string) bool { return atomicfile.Inside(other, folder) }) {
			return fmt.Errorf("cannot write %s: it %w", folder, atomicfile.ErrNotApart)
		}
	}
	return f.keepReportApart()
}

// keepReportApart refuses a report that is what the run reads, or stands in a folder that appears as a whole.
func (f *FolderRun) keepReportApart() error {
	if f.Each.Report == "" || f.Each.Report == "-" {
		return nil
	}
	if slices.ContainsFunc(f.folders(), func(folder string) bool { return atomicfile.Inside(f.Each.Report, folder) }) {
		return fmt.Errorf("cannot write %s: it %w", f.Each.Report, atomicfile.ErrNotApart)
	}
	var read []atomicfile.Place
	for _, source := range f.Sources.Files {
		read = append(read, atomicfile.PlaceOf(source.Path))
	}
	for _, used := range f.Each.Uses {
		read = append(read, atomicfile.PlaceOf(used))
	}
	return atomicfile.KeepApart(read, []atomicfile.Place{atomicfile.PlaceOf(f.Each.Report)})
}

// create starts the folders and the report.
func (f *FolderRun) create() (out *folderOutputs, err error) {
	out = new(folderOutputs)
	defer func() {
		if err != nil {
			f.discard(out)
		}
	}()
	// A folder that stands may turn out to be what is wanted: with Resume it is looked at before it is refused.
	replace := f.Each.Replace || f.Resume
	if out.dataset, err = atomicfile.CreateFolder(f.Each.Output, replace, f.Resume); err != nil {
		return out, err
	}
	if f.Each.Withheld != "" {
		if out.withheld, err = atomicfile.CreateFolder(f.Each.Withheld, replace, f.Resume); err != nil {
			return out, err
		}
	}
	if f.Resume {
		if out.ledger, err = openLedger(f.ledgerPath(), f.useful()); err != nil {
			return out, err
		}
	} else if err = os.RemoveAll(f.ledgerPath()); err != nil {
		return out, stateError(err)
	}
	if f.Each.Report != "" {
		out.report, err = createOutput(f.Each.Report, f.Each.Replace || f.Resume && isReport(f.Each.Report))
	}
	return out, err
}

// discard drops what was not published; with Resume what was finished stays for the next run.
func (f *FolderRun) discard(out *folderOutputs) {
	out.report.discard()
	out.ledger.close()
	for _, folder := range []*atomicfile.Folder{out.dataset, out.withheld} {
		if !f.Resume || folder.Stands() && !f.Each.Replace { // of a folder that stands, only what it has was taken over
			folder.Discard()
		}
	}
}

// filter filters every file into the folders.
func (f *FolderRun) filter(ctx context.Context, out *folderOutputs) ([]FileReport, error) {
	if f.Resume {
		if err := f.tidy(out); err != nil {
			return nil, err
		}
	}
	files := make([]FileReport, len(f.Sources.Files))
	progress := f.Sources.Progress(f.Each.Progress)
	err := f.Sources.Each(ctx, func(ctx context.Context, i, workers int) error {
		source := f.Sources.Files[i]
		if f.Resume {
			file, err := f.takeOver(ctx, source, out)
			if err != nil || file != nil {
				if err == nil {
					files[i] = *file
					progress(i, source.Bytes)
				}
				return err
			}
			if !f.Each.Replace && (out.dataset.Stands() || out.withheld.Stands()) {
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
func (f *FolderRun) one(ctx context.Context, source Source, workers int, to *folderOutputs, progress func(done, total int64)) (*FileReport, error) {
	run := f.Each
	run.Input, run.Workers, run.Progress, run.Many = source.Path, workers, progress, true
	run.Report, run.Replace = "", true // what stands there is unfinished
	if source.compressesItself {
		run.Compress = nil
	}
	run.Digests = f.Resume || f.Each.Report != ""
	var err error
	if run.Output, err = to.dataset.Path(source.output); err != nil {
		return nil, err
	}
	if to.withheld != nil {
		if run.Withheld, err = to.withheld.Path(source.output); err != nil {
			return nil, err
		}
	}
	var out outputs
	defer out.discard()
	file, err := run.file(ctx, &out)
	if err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if err := atomicfile.CommitUnsynced(out.withheld.committed(), out.dataset.committed()); err != nil {
		return nil, err
	}
	file.Input.Name, file.Output.Name = source.Name, source.output
	if to.ledger != nil {
		entry := ledgerEntry{Rules: f.rulesDigest(), File: *file}
		if out.withheld != nil {
			entry.Withheld = out.withheld.report()
		}
		return file, to.ledger.add(entry)
	}
	return file, nil
}

// publish gives the folders their names, the dataset's last: where it stands, the rest does.
func (f *FolderRun) publish(ctx context.Context, report *Report, out *folderOutputs) error {
	names := make([]string, len(report.Files))
	for i, file := range report.Files {
		names[i] = file.Output.Name
	}
	var folders []*atomicfile.Folder
	for _, folder := range []*atomicfile.Folder{out.withheld, out.dataset} {
		if folder == nil {
			continue
		}
		if folder.Stands() && !f.Each.Replace {
			if !folder.IsWhole(names) {
				return f.standsInTheWay()
			}
			continue // it was taken over whole
		}
		if err := folder.Seal(names); err != nil {
			return err
		}
		folders = append(folders, folder)
	}
	if out.report != nil {
		if err := report.WriteJSON(out.report); err != nil {
			return err
		}
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	err := atomicfile.CommitThen(func() error {
		if err := out.report.release(f.Each.Stdout); err != nil {
			return err
		}
		return atomicfile.PublishAll(folders)
	}, out.report.committed())
	if err != nil {
		return err
	}
	out.dataset.Discard() // what was taken over whole left its copy behind
	out.withheld.Discard()
	return nil
}

// standsInTheWay is the refusal to replace a folder that is not just what the run would write.
func (f *FolderRun) standsInTheWay() error {
	return fmt.Errorf("cannot write %s: it %w, and is not what this run would write", strings.Join(f.folders(), " and "), atomicfile.ErrExists)
}

// sideBySide is for how many bytes of a file one goroutine is enough: with more than one, another file gains more.
const sideBySide = 8 << 20

// Each calls do for every file, several at a time, with the number of goroutines that may work on it. The first error
// ends the others; of several, the one of the first file is returned.
func (s *Sources) Each(ctx context.Context, do func(ctx context.Context, i, workers int) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	processors := int64(runtime.GOMAXPROCS(0))
	free := semaphore.NewWeighted(processors)
	failed := make([]error, len(s.Files))
	var running sync.WaitGroup
	for i, file := range s.Files {
		share := min(max(file.Bytes/sideBySide, 1), processors)
		if file.compressed {
			share = 1 // it comes no faster than it is decompressed
		}
		if err := free.Acquire(ctx, share); err != nil {
			break
		}
		running.Go(func() {
			defer free.Release(share)
			if failed[i] = do(ctx, i, int(share)); failed[i] != nil {
				cancel()
			}
		})
	}
	running.Wait()
	for _, err := range failed {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// Progress joins the progress of all files to one: of the function that it returns, i is the place of a file and done how many
// bytes of it were read. tell may be nil.
func (s *Sources) Progress(tell func(done, total int64)) func(i int, done int64) {
	if tell == nil {
		return func(int, int64) {}
	}
	var mutex sync.Mutex
	of := make([]int64, len(s.Files))
	var done, total int64
	for _, file := range s.Files {
		total += file.Bytes
		if file.Path == "-" {
			total = -1 // nobody knows; it is alone
		}
	}
	return func(i int, now int64) {
		mutex.Lock()
		defer mutex.Unlock()
		done += now - of[i]
		of[i] = now
		tell(done, total)
	}
}
