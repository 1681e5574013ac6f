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

// ErrWorkingFolder is an output folder that cannot be replaced under the feet of whoever runs the command.
var ErrWorkingFolder = errors.New("is or holds the folder that you are working in: name another one")

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
	// StateDir is where it is remembered what was finished.
	StateDir string
	// Warn, where not nil, is told what could not be taken away: it changes nothing about the run, but is hidden, and may hold people.
	Warn func(error)
}

// folderOutputs are all that a FolderRun writes.
type folderOutputs struct {
	dataset, withheld *atomicfile.Folder // withheld may be nil
	report            *output            // or nil
	ledger            *ledger            // nil without Resume
}

// folders are the folders, that of the dataset last.
func (o *folderOutputs) folders() []*atomicfile.Folder {
	if o.withheld == nil {
		return []*atomicfile.Folder{o.dataset}
	}
	return []*atomicfile.Folder{o.withheld, o.dataset}
}

// finished is a source that was filtered into the folders: the sizes in bytes of what was written, and what the sample of it held.
type finished struct {
	report   FileReport
	withheld *OutputReport // nil where there is no such folder
}

// Do carries the run out and returns its report. On an error no folder appears. The errors are those of Run.Do, and
// atomicfile.ErrForeign, ErrNotFolder, ErrMountPoint and ErrNotApart for folders that cannot be written, ErrWorkingFolder, ErrReservedName,
// ErrSameOutput and ErrStream for inputs that cannot be written there, and ErrBusy.
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
	if err := f.Each.beginWriting(ctx); err != nil {
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
		shown := files[i].report
		shown.maskNames()
		report.add(&shown)
	}
	if err := TogetherPreflight(report.Files, f.Each.Register); err != nil {
		return nil, err
	}
	report.Finished = time.Now().UTC()
	if err := f.publish(ctx, &report, files, out); err != nil {
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
	var held []string // what no output folder may hold
	for _, source := range f.Sources.Files {
		path := source.Path
		if resolved, err := filepath.EvalSymlinks(path); err == nil {
			path = resolved
		}
		held = append(held, filepath.Dir(path))
	}
	for _, used := range f.Each.Uses {
		if resolved, err := filepath.EvalSymlinks(used); err == nil {
			used = resolved
		}
		held = append(held, used)
	}
	slices.Sort(held)
	held = slices.Compact(held)
	folders := f.folders()
	for i, folder := range folders {
		if here, err := os.Getwd(); err == nil && atomicfile.Inside(here, folder) {
			return fmt.Errorf("cannot write %s: it %w", folder, ErrWorkingFolder)
		}
		others := slices.Concat(f.Sources.Roots, folders[:i], folders[i+1:])
		if f.touches(folder, others, held) || Reads(f.Sources.arguments, folder, true) {
			return fmt.Errorf("cannot write %s: it %w", folder, atomicfile.ErrNotApart)
		}
		hidden, err := atomicfile.HiddenPaths(folder)
		if err != nil {
			return err
		}
		for _, path := range hidden {
			if f.touches(path, others, held) || slices.ContainsFunc(f.Sources.Files, func(s Source) bool { return atomicfile.Inside(s.Path, path) }) {
				return fmt.Errorf("cannot write %s: what is hidden beside it for that %w", folder, atomicfile.ErrNotApart)
			}
		}
	}
	return f.keepReportApart()
}

// touches tells whether a folder that is written lies in one of others, or holds something that is read or the report.
func (f *FolderRun) touches(written string, others, held []string) bool {
	return slices.ContainsFunc(others, func(other string) bool { return atomicfile.Inside(written, other) }) ||
		slices.ContainsFunc(held, func(path string) bool { return atomicfile.Inside(path, written) }) ||
		f.hasReport() && atomicfile.Inside(f.Each.Report, written)
}

// hasReport tells whether the report is a file.
func (f *FolderRun) hasReport() bool { return f.Each.Report != "" && f.Each.Report != "-" }

// keepReportApart refuses a report that is what the run reads.
func (f *FolderRun) keepReportApart() error {
	if !f.hasReport() {
		return nil
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
	if out.dataset, err = atomicfile.CreateFolder(f.Each.Output, f.Each.Replace, f.Resume); err != nil {
		return out, err
	}
	if f.Each.Withheld != "" {
		if out.withheld, err = atomicfile.CreateFolder(f.Each.Withheld, f.Each.Replace, f.Resume); err != nil {
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
	if f.Each.Report != "" {
		out.report, err = createOutput(f.Each.Report, f.Each.Report, f.Each.Replace || f.Resume && out.ledger.wrote(f.Each.Report))
	}
	return out, err
}

// discard drops what was not published; with Resume what was finished stays for the next run.
func (f *FolderRun) discard(out *folderOutputs) {
	out.report.discard()
	out.ledger.close()
	for _, folder := range []*atomicfile.Folder{out.dataset, out.withheld} {
		if f.Resume {
			folder.DiscardEmpty()
		} else {
			f.warn(folder.Discard())
		}
	}
}

// warn tells what went wrong beside the run, if anything did.
func (f *FolderRun) warn(err error) {
	if err != nil && f.Warn != nil {
		f.Warn(err)
	}
}

// filter filters every file into the folders.
func (f *FolderRun) filter(ctx context.Context, out *folderOutputs) ([]finished, error) {
	if f.Resume {
		if err := f.tidy(out); err != nil {
			return nil, err
		}
	}
	files := make([]finished, len(f.Sources.Files))
	progress := f.Sources.Progress(f.Each.Progress)
	err := f.Sources.Each(ctx, func(ctx context.Context, i, workers int) error {
		source := f.Sources.Files[i]
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
func (f *FolderRun) one(ctx context.Context, source Source, workers int, to *folderOutputs, progress func(done, total int64)) (*finished, error) {
	run := f.Each
	run.Input, run.Workers, run.Progress, run.Many = source.Path, workers, progress, true
	run.Report, run.Replace = "", true // what stands there is unfinished
	run.Writing = nil                  // that was told of all files at once
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
	run.shown = map[string]string{
		run.Output: filepath.Join(f.Each.Output, filepath.FromSlash(source.output)), run.Withheld: filepath.Join(f.Each.Withheld, filepath.FromSlash(source.output)),
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
	done := &finished{report: *file}
	if out.withheld != nil {
		done.withheld = out.withheld.report()
	}
	if to.ledger != nil {
		return done, to.ledger.add(ledgerEntry{
			Rules: f.rulesDigest(), File: *file, Withheld: done.withheld, Bystanders: ledgerSamples(file.bystanders), Watched: file.watched,
		})
	}
	return done, nil
}

// publish gives the folders their names, the dataset's last: where it stands, the rest does.
func (f *FolderRun) publish(ctx context.Context, report *Report, files []finished, out *folderOutputs) error {
	var folders []*atomicfile.Folder
	for _, folder := range out.folders() {
		sizes := make(map[string]int64, len(files))
		for _, file := range files {
			size := file.report.Output.Bytes
			if folder == out.withheld {
				size = file.withheld.Bytes
			}
			sizes[file.report.Output.Name] = size
		}
		if folder.Stands() && !f.Each.Replace {
			if !folder.StandsWith(sizes) { // every file of which was found to be what it should be
				return f.standsInTheWay()
			}
			continue
		}
		if err := folder.Seal(ctx, sizes); err != nil {
			return err
		}
		folders = append(folders, folder)
	}
	if out.report != nil {
		if err := report.WriteJSON(out.report); err != nil {
			return err
		}
	}
	if err := out.report.release(ctx, f.Each.Stdout); err != nil {
		return err
	}
	if err := out.report.unlessEnded(ctx); err != nil {
		return err
	}
	err := atomicfile.CommitThen(func() error { return atomicfile.PublishAll(folders) }, out.report.committed())
	if err != nil {
		return err
	}
	for _, folder := range out.folders() {
		f.warn(folder.Forget())
		f.warn(folder.Discard()) // of one that stood, the empty folder in the making
	}
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
