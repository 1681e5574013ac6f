// Package verdicts answers an engine that does its own filtering: it reads an Arrow IPC stream of
// identifying columns, and for each batch of records writes a batch of verdicts at once, for as long
// as the stream lasts. No value of the input is in the output.
package verdicts

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"noo/filter"
	"noo/formats"
	"noo/formats/arrow"
	"noo/internal/columns"
	"noo/internal/kind"
)

// Column is the name of the column of verdicts.
const Column = "verdict"

// SnapshotsKey is the key, in the metadata of the output's schema, of what Run.Snapshots says.
const SnapshotsKey = "noo.snapshots"

// words are what the dictionary of the output holds.
var words = []string{
	filter.Kept.String(), filter.OptedOut.String(), filter.Missing.String(),
	filter.Invalid.String(), filter.Unchecked.String(),
}

// places are where the word of each verdict is in the dictionary.
var places = [...]byte{
	filter.Kept: 0, filter.OptedOut: 1, filter.Missing: 2, filter.Invalid: 3, filter.Unchecked: 4,
}

// ErrNoStream is an input that is no Arrow IPC stream.
var ErrNoStream = fmt.Errorf(
	"%w: it is no Arrow IPC stream, which verdicts are about",
	formats.ErrUnknownFormat,
)

// Run is what one stream is answered with.
type Run struct {
	// Name is the name of the input, for messages.
	Name string
	// In is the input. Interrupt, where not nil, makes a Read that waits return.
	In        io.Reader
	Interrupt func()
	// Out takes the verdicts. After an error it has no mark at its end.
	Out io.Writer
	// Format is the format of streams.
	Format arrow.Format
	// Columns are the columns that identify people; with none, all do.
	Columns  columns.Rules
	Register filter.Register
	Policy   filter.Policy
	// Snapshots, where not empty, says which snapshots the verdicts are from. Engines with many
	// processes compare it, so that all of them answer from the same.
	Snapshots []byte
}

// Report says what a Run did.
type Report struct {
	Columns []string
	Records filter.Tally
	// End writes the mark that the verdicts are complete.
	End func() error
}

// PolicyError is a record that a Fail policy met.
type PolicyError struct {
	// Name is the input's name, Record the record's number in it, from 1.
	Name    string
	Record  int64
	Verdict filter.Verdict
}

// Error says which record it was.
func (e *PolicyError) Error() string {
	return fmt.Sprintf(
		"%s: record %d is %s, and the policy is --%s fail; the verdicts end before its batch",
		e.Name,
		e.Record,
		e.Verdict,
		e.Verdict,
	)
}

// Kind returns kind.Disclosure.
func (*PolicyError) Kind() kind.Kind { return kind.Disclosure }

// Do answers until the stream ends. An *formats.InputError means that the input is no good, or that
// it ended without the mark at its end. Without an error it is for the caller to end the output.
func (r *Run) Do(ctx context.Context) (*Report, error) {
	in := bufio.NewReaderSize(r.In, 64<<10)
	head, err := in.Peek(8)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !r.Format.Matches(head, "") {
		return nil, &formats.InputError{Name: r.Name, Err: ErrNoStream}
	}
	r.Format.StaysOpen = true
	dataset, err := r.Format.Open(
		ctx,
		formats.Input{Name: r.Name, Reader: in, Interrupt: r.Interrupt},
	)
	if err != nil {
		return nil, err
	}
	defer dataset.Close()
	identifying, err := r.identifying(dataset.Columns())
	if err != nil {
		return nil, err
	}
	var metadata []arrow.KeyValue
	if len(r.Snapshots) > 0 {
		metadata = append(metadata, arrow.KeyValue{Key: SnapshotsKey, Value: string(r.Snapshots)})
	}
	out, err := arrow.NewWords(r.Out, Column, words, metadata...)
	if err != nil {
		return nil, err
	}
	a := &answers{judge: filter.NewJudge(r.Register, r.Policy), out: out, waiting: map[int][]byte{}}
	if err := dataset.Scan(ctx, identifying, a, formats.Sinks{}); err != nil {
		if offender, ok := a.judge.StoppedAt(err); ok {
			err = &PolicyError{Name: r.Name, Record: offender.Record, Verdict: offender.Verdict}
		}
		return nil, err
	}
	return &Report{
		Columns: columns.ReportNames(
			dataset.Columns(),
			identifying,
		), Records: a.judge.Tally(), End: out.End,
	}, nil
}

// identifying returns the places of the columns that identify people.
func (r *Run) identifying(all []formats.Column) (places []int, err error) {
	if len(r.Columns.Identifying) > 0 {
		chosen, err := columns.Choose(r.Name, all, r.Columns)
		return chosen.Identifying, err
	}
	for i := range all {
		places = append(places, i)
	}
	if len(places) == 0 {
		return nil, &formats.InputError{Name: r.Name, Err: errors.New("it has no columns")}
	}
	return places, nil
}

// answers implements formats.Decider: it writes the verdicts on each batch, in the order of the
// input, when those before it are written.
type answers struct {
	judge *filter.Judge
	spare sync.Pool // of *[]filter.Verdict

	mutex   sync.Mutex
	out     *arrow.Words
	next    int            // the number of the batch to be answered next
	waiting map[int][]byte // answers to later batches
	err     error
}

// Decide implements formats.Decider. No record goes anywhere.
func (a *answers) Decide(batch *formats.Batch, _ []formats.Fate) error {
	memory, ok := a.spare.Get().(*[]filter.Verdict)
	if !ok || cap(*memory) < batch.Records {
		fresh := make([]filter.Verdict, batch.Records)
		memory = &fresh
	}
	defer a.spare.Put(memory)
	found := (*memory)[:batch.Records]
	if err := a.judge.Verdicts(batch, found); err != nil {
		return err
	}
	indices := make([]byte, len(found))
	for i, v := range found {
		indices[i] = places[v]
	}
	return a.answer(batch.Seq, indices)
}

// answer writes the answer to a batch, or keeps it until those before it are written.
func (a *answers) answer(seq int, indices []byte) error {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.waiting[seq] = indices
	for a.err == nil {
		indices, ok := a.waiting[a.next]
		if !ok {
			break
		}
		delete(a.waiting, a.next)
		a.err = a.out.Write(indices)
		a.next++
	}
	return a.err
}
