package job

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"noo/filter"
	"noo/filter/filtertest"
	"noo/formats"
	"noo/snapshot"
)

// lines is a format of one number a line that is read back, and that can be told to make the
// mistakes which reading back is there to find.
type lines struct {
	leak, lose, confuse bool
	garble              bool // so that it cannot be read back
	reading             bool // of an output
	end                 func()
}

func (lines) Name() string                { return "lines" }
func (lines) Matches([]byte, string) bool { return true }
func (lines) RandomAccess() bool          { return true }
func (l lines) ReadBack() formats.Format  { l.reading = true; return l }
func (l lines) Columns() []formats.Column { return []formats.Column{{Name: "nhs_number"}} }
func (l lines) Close() error              { return nil }

func (l lines) Open(ctx context.Context, in formats.Input) (formats.Dataset, error) {
	if l.reading && l.end != nil {
		l.end()
		return nil, context.Cause(ctx)
	}
	return &opened{l, in}, nil
}

type opened struct {
	lines
	in formats.Input
}

func (o *opened) Sample(context.Context, int, func(int, *formats.Values)) error { return nil }

func (o *opened) Scan(_ context.Context, _ []int, decide formats.Decider, to formats.Sinks) error {
	var batch formats.Batch
	var values formats.Values
	if o.reading && o.garble {
		return &formats.InputError{Name: o.in.Name, Err: formats.ErrUnknownFormat}
	}
	text := bufio.NewScanner(io.NewSectionReader(o.in.ReaderAt, 0, o.in.Size))
	for text.Scan() {
		values.Text = append(values.Text, []byte(text.Text()))
	}
	batch.Columns, batch.Records = []formats.Values{values}, len(values.Text)
	fates := make([]formats.Fate, batch.Records)
	if err := decide.Decide(&batch, fates); err != nil {
		return err
	}
	for i, fate := range fates {
		sink := map[formats.Fate]io.Writer{formats.Keep: to.Kept, formats.Withhold: to.Withheld}[fate]
		if !o.reading {
			switch {
			case o.leak && fate == formats.Drop:
				sink = to.Kept
			case o.lose && i == 0:
				sink = nil
			case o.confuse && fate == formats.Drop:
				sink = to.Withheld
			}
		}
		if sink == nil {
			continue
		}
		if _, err := sink.Write(append(values.Text[i], '\n')); err != nil {
			return err
		}
	}
	return nil
}

// TestReadBack: an output that is not what was decided is a bug, and is not left.
func TestReadBack(t *testing.T) {
	register := filtertest.Register{943476591: snapshot.OptedOut, 999560964: snapshot.Clear}
	for _, c := range []struct {
		format lines
		err    error
	}{
		{lines{}, nil},
		{lines{leak: true}, ErrReadBack},
		{lines{lose: true}, ErrReadBack},
		{lines{confuse: true}, ErrReadBack},
		{lines{garble: true}, ErrReadBack},
	} {
		run := inFolder(t, "9995609649\n9434765919\nx\n\n", register)
		run.Withheld = filepath.Join(filepath.Dir(run.Input), "withheld")
		run.Formats = []formats.Format{c.format}
		_, err := run.Do(context.Background())
		if !errors.Is(err, c.err) {
			t.Errorf("%+v: %v, want %v", c.format, err, c.err)
		}
		if input, ok := errors.AsType[*formats.InputError](err); ok {
			t.Errorf("%+v: %v: an output is no input that is refused", c.format, input)
		}
		if _, err := os.Stat(run.Output); (c.err == nil) != (err == nil) {
			t.Errorf("%+v: the output: %v", c.format, err)
		}
	}
}

// TestReadBackEnded: a run that ends while its output is opened again has shown no bug.
func TestReadBackEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	run := inFolder(t, "9995609649\n", filtertest.Register{999560964: snapshot.Clear})
	run.Formats = []formats.Format{lines{end: cancel}}
	if _, err := run.Do(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, ErrReadBack) {
		t.Errorf("%v", err)
	}
}

// TestReadBackMissing: what the user says is missing is missing in the output too.
func TestReadBackMissing(t *testing.T) {
	register := filtertest.Register{943476591: snapshot.OptedOut, 999560964: snapshot.Clear}
	run := inFolder(t, "9995609649\nunknown\n9434765919\n", register)
	run.Formats = []formats.Format{lines{}}
	run.Policy.Missing, run.Columns.Missing = filter.Keep, []string{"unknown"}
	if _, err := run.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(run.Output); string(got) != "9995609649\nunknown\n" {
		t.Errorf("%q, %v", got, err)
	}
}
