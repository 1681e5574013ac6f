package batch

// What was finished of a run over many files, so that a run that was cut short can be taken up
// again: a ledger with a line for every file that is done, by which the next run finds what it need
// not do again. It is in the state folder, not beside the outputs: it holds digests of the
// inputs, which are not for those who get the outputs.

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"noo/internal/atomicdir"
	"noo/internal/atomicfile"
	"noo/internal/columns"
	"noo/internal/contextio"
	"noo/internal/inputs"
	"noo/internal/lockfile"
	"noo/job"
)

// ErrBusy is a folder that another run is writing.
var ErrBusy = errors.New("another run is writing it: wait until it has ended")

// ledgerEntry says what became of one file.
type ledgerEntry struct {
	Rules    string            `json:"rules"`
	File     job.FileReport    `json:"file"`
	Withheld *job.OutputReport `json:"withheld,omitempty"`
	// OtherColumns are the samples of the columns that do not identify people, and Watched what was
	// seen in them, for Together.
	OtherColumns []ledgerSample    `json:"bystanders,omitempty"`
	Watched      []columns.Watched `json:"watched,omitempty"`
}

// ledgerSample is the sample of a column, with the counts by which it is told that the column holds
// NHS numbers.
type ledgerSample struct {
	columns.Sampled
	Tens  int `json:"tens"`
	Whole int `json:"whole"`
}

func ledgerSamples(columns []columns.Sampled) (samples []ledgerSample) {
	for _, column := range columns {
		samples = append(samples, ledgerSample{column, column.Tens, column.Whole})
	}
	return samples
}

// samples returns the samples as they were taken.
func (e *ledgerEntry) samples() (columns []columns.Sampled) {
	for _, sample := range e.OtherColumns {
		column := sample.Sampled
		column.Tens, column.Whole = sample.Tens, sample.Whole
		columns = append(columns, column)
	}
	return columns
}

// ledger is the open file. It is safe for concurrent use.
type ledger struct {
	known map[string]ledgerEntry // what earlier runs finished, by the input's name
	mutex sync.Mutex
	file  *os.File
}

// openLedger reads a ledger, which need not be there, drops what is not useful any more, and opens
// it to add to it. A last line that a killed run did not complete is dropped too.
func openLedger(path string, useful func(*ledgerEntry) bool) (*ledger, error) {
	l := &ledger{known: map[string]ledgerEntry{}}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, stateError(err)
	}
	for line := range bytes.Lines(text) {
		var entry ledgerEntry
		if json.Unmarshal(line, &entry) == nil && entry.File.Output != nil && useful(&entry) {
			l.known[entry.File.Input.Name] = entry
		}
	}
	fresh, err := atomicfile.Create(path, true)
	if err != nil {
		return nil, stateError(err)
	}
	defer fresh.Discard()
	for _, name := range slices.Sorted(maps.Keys(l.known)) {
		if err := json.NewEncoder(fresh).Encode(l.known[name]); err != nil {
			return nil, stateError(err)
		}
	}
	if err := atomicfile.Commit(fresh); err != nil {
		return nil, stateError(err)
	}
	if l.file, err = os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return nil, stateError(err)
	}
	return l, nil
}

// add notes that a file is finished. The file exists by then.
func (l *ledger) add(entry ledgerEntry) error {
	line, err := json.Marshal(entry)
	if err != nil {
		return stateError(err)
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if _, err := l.file.Write(append(line, '\n')); err != nil {
		return stateError(err)
	}
	return nil
}

func (l *ledger) close() {
	if l != nil && l.file != nil {
		l.file.Close()
	}
}

// stateError says that the state folder did not work.
func stateError(err error) error {
	return fmt.Errorf(
		"cannot remember what was finished: %w; set NOO_STATE_DIR to a folder that can be written",
		err,
	)
}

// ledgerPath names the ledger of the output folder in the state folder.
func (f *Run) ledgerPath() (string, error) {
	place, err := atomicdir.Resolve(f.Output)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(f.StateDir, "folders")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", stateError(err)
	}
	return filepath.Join(folder, fmt.Sprintf("%x.ledger", sha256.Sum256([]byte(place)))), nil
}

// lock keeps other runs from writing the same folders, until the function that it returns is
// called. The locks are beside the folders: runs that do not share a state folder must not meet
// there either.
func (f *Run) lock() (unlock func(), err error) {
	var locks []*lockfile.Lock
	unlock = func() {
		for _, lock := range locks {
			_ = lock.Release() // what cannot be released goes with the process
		}
	}
	for _, folder := range f.folders() {
		path, err := atomicdir.LockPath(folder)
		var lock *lockfile.Lock
		if err == nil {
			lock, err = lockfile.AcquireTemporary(path)
		}
		if err != nil {
			unlock()
			if errors.Is(err, lockfile.ErrHeld) {
				err = ErrBusy
			}
			return nil, fmt.Errorf("cannot write %s: %w", folder, err)
		}
		locks = append(locks, lock)
	}
	return unlock, nil
}

// rulesDigest is what entries of the ledger know the rules by.
func (f *Run) rulesDigest() string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(f.Fingerprint)))
}

// useful tells which entries of the ledger this run may take over: those by the same rules, of
// files that are still there to be read.
func (f *Run) useful() func(*ledgerEntry) bool {
	names := map[string]bool{}
	for _, source := range f.Sources.Files {
		names[source.Name] = true
	}
	rules := f.rulesDigest()
	return func(entry *ledgerEntry) bool { return names[entry.File.Input.Name] && entry.Rules == rules }
}

// tidy takes away what an earlier run left that this one has no use for.
func (f *Run) tidy(out *folderOutputs) error {
	useful := map[string]bool{}
	for _, entry := range out.ledger.known {
		useful[entry.File.Output.Name] = true
	}
	if err := out.dataset.RemoveExcept(useful); err != nil || out.withheld == nil {
		return err
	}
	return out.withheld.RemoveExcept(useful)
}

// takeOver puts what an earlier run made of a source into the folders, and returns what it is; nil
// means that the file has to be filtered.
func (f *Run) takeOver(ctx context.Context, source planned, to *folderOutputs) (*finished, error) {
	entry, ok := to.ledger.known[source.Name]
	if !ok || entry.File.Output.Name != source.output ||
		(entry.Withheld != nil) != (to.withheld != nil) {
		return nil, nil
	}
	same, err := hasDigest(
		ctx, source.Source, entry.File.Input.Bytes, entry.File.Input.SHA256)
	if err != nil || !same {
		return nil, err
	}
	if to.withheld != nil {
		if same, err := bring(ctx, to.withheld, entry.Withheld, source.output); err != nil ||
			!same {
			return nil, err
		}
	}
	if same, err := bring(ctx, to.dataset, entry.File.Output, source.output); err != nil || !same {
		return nil, err
	}
	taken := &finished{report: entry.File, withheld: entry.Withheld}
	taken.report.Input.Archive = source.archive()
	taken.report.Seen = columns.Seen{
		Named:   entry.File.Columns,
		Sampled: entry.samples(),
		Watched: entry.Watched,
	}
	return taken, nil
}

// bring makes sure that a file of that name is what the ledger says: in the folder that exists,
// where that may not be replaced, else in the folder in the making, if need be by copying it from
// the one that exists.
func bring(
	ctx context.Context,
	folder *atomicdir.Folder,
	want *job.OutputReport,
	name string,
) (bool, error) {
	standing := folder.Standing(name)
	if folder.Exists() && !folder.Replaces() {
		return isRegularWith(ctx, standing, want)
	}
	path, err := folder.Path(name)
	if err != nil {
		return false, err
	}
	if same, err := isRegularWith(ctx, path, want); err != nil || same {
		return same, err
	}
	if same, err := isRegularWith(ctx, standing, want); err != nil || !same {
		return false, err
	}
	// A link would do as well, were it not that a change of one of the two changes both.
	if err := copyFile(ctx, standing, path); err != nil {
		return false, err
	}
	return isRegularWith(ctx, path, want)
}

// isRegularWith reports whether a file is there by itself, not by a link, with the size and digest
// wanted.
func isRegularWith(ctx context.Context, path string, want *job.OutputReport) (bool, error) {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false, nil
	}
	return hasDigest(ctx, inputs.Source{Path: path}, want.Bytes, want.SHA256)
}

// hasDigest reports whether a source is there with these bytes.
func hasDigest(
	ctx context.Context,
	source inputs.Source,
	size int64,
	digest string,
) (bool, error) {
	content, found, err := open(source)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer content.Close()
	if found != size || digest == "" {
		return false, nil
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, contextio.NewReader(ctx, content)); err != nil {
		return false, failed(source, err)
	}
	return fmt.Sprintf("%x", hash.Sum(nil)) == digest, nil
}

// copyFile copies a file to a path where nothing is, or something that is not wanted.
func copyFile(ctx context.Context, from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", from, atomicfile.Cause(err))
	}
	defer in.Close()
	out, err := atomicfile.Create(to, true)
	if err != nil {
		return err
	}
	defer out.Discard()
	if _, err := io.Copy(out, contextio.NewReader(ctx, in)); err != nil {
		return fmt.Errorf("reading %s: %w", from, atomicfile.Cause(err))
	}
	return atomicfile.CommitUnsynced(out)
}

// wrote reports whether a file is the report on just the files that are in the ledger: that of a
// run which was cut short after it wrote the report may be replaced by the run that takes it up.
func (l *ledger) wrote(path string) bool {
	text, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	var report job.Report
	if json.Unmarshal(text, &report) != nil || report.Schema != job.ReportSchema ||
		len(report.Files) != len(l.known) {
		return false
	}
	var told, known []string
	for _, file := range report.Files {
		if file.Output != nil {
			told = append(told, file.Input.SHA256+file.Output.SHA256)
		}
	}
	for _, entry := range l.known {
		known = append(known, entry.File.Input.SHA256+entry.File.Output.SHA256)
	}
	slices.Sort(told)
	slices.Sort(known)
	return slices.Equal(told, known)
}
