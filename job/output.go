package job

// The outputs of a run: the dataset, the withheld records and the report, all of which appear
// together or not at all.

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"noo/formats"
	"noo/internal/atomicfile"
	"noo/internal/contextio"
	"noo/internal/nhsnumber"
)

// ErrPartOnStdout is a run that ended, since its context did, when it had begun to send an output
// to standard output: nobody can take that back.
var ErrPartOnStdout = errors.New("what went to stdout may be cut short: use none of it")

// output is a file, or standard output, that a run writes.
type output struct {
	name  string
	bytes int64
	hash  hash.Hash // or nil
	file  *atomicfile.File
	spool *atomicfile.Scratch // what goes to stdout at the end
	ahead *bufio.Writer       // in front of spool

	compressor  *formats.Compressor // in front of all, or nil
	compression formats.Compression // what the compressor does
}

// createOutput starts an output that messages call by a name; "-" is standard output, for which
// everything is held back until the run is known to be good.
func createOutput(path, name string, replace bool) (*output, error) {
	o := &output{name: name}
	var err error
	if path == "-" {
		o.name = "stdout"
		if o.spool, err = atomicfile.NewScratch(); err == nil {
			o.ahead = bufio.NewWriterSize(o.spool, 256<<10)
		}
	} else {
		o.file, err = atomicfile.CreateAs(path, name, replace)
	}
	if err != nil {
		return nil, err
	}
	return o, nil
}

// compress has what goes to the sink compressed before it is written, counted and hashed; by so
// many goroutines, 0 for one for each processor.
func (o *output) compress(c formats.Compression, workers int) (err error) {
	if o != nil && c != formats.Uncompressed {
		o.compression = c
		o.compressor, err = formats.NewCompressor(c, o, workers)
	}
	return err
}

// complete writes what the compressor still holds. Nothing may go to the sink afterwards.
func (o *output) complete() error {
	if o == nil || o.compressor == nil {
		return nil
	}
	return o.compressor.Close()
}

// Write appends p, and counts and hashes it.
func (o *output) Write(p []byte) (int, error) {
	if o.hash != nil {
		o.hash.Write(p)
	}
	o.bytes += int64(len(p))
	if o.file != nil {
		return o.file.Write(p)
	}
	n, err := o.ahead.Write(p)
	return n, o.asideError(err)
}

// asideError says that the temporary file did not work.
func (o *output) asideError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("setting the output aside in %s: %w", os.TempDir(), atomicfile.Cause(err))
}

// flush makes what was written ready for ReadAt.
func (o *output) flush() error {
	if o.file != nil {
		return o.file.Flush()
	}
	return o.asideError(o.ahead.Flush())
}

// ReadAt reads back what was written before the last flush.
func (o *output) ReadAt(p []byte, off int64) (int, error) {
	if o.file != nil {
		return o.file.ReadAt(p, off)
	}
	return o.spool.ReadAt(p, off)
}

// content gives what went to the sink, once more from its start. done releases what that takes.
func (o *output) content() (content io.Reader, done func()) {
	written := io.NewSectionReader(o, 0, o.bytes)
	if o.compressor == nil {
		return written, func() {}
	}
	d := formats.NewDecompressor(o.compression, o.name, written)
	return d, d.Close
}

// digest starts hashing.
func (o *output) digest() { o.hash = sha256.New() }

// streams reports whether the output goes to standard output.
func (o *output) streams() bool { return o != nil && o.spool != nil }

// release sends what was held back to standard output, unless ctx ends first; it does nothing for a
// file.
func (o *output) release(ctx context.Context, stdout io.Writer) error {
	if !o.streams() {
		return nil
	}
	if err := o.flush(); err != nil {
		return err
	}
	if _, err := o.spool.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("writing stdout: %w", atomicfile.Cause(err))
	}
	// A write that waits for a reader, which nothing can stop, goes on until the process ends and
	// is the last.
	done := make(chan error, 1)
	go func() {
		_, err := io.Copy(stdout, contextio.NewReader(ctx, o.spool))
		done <- err
	}()
	select {
	case <-ctx.Done():
	case err := <-done:
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("writing stdout: %w", atomicfile.Cause(err))
		}
	}
	return o.unlessEnded(ctx)
}

// unlessEnded gives the cause for which ctx ended, with ErrPartOnStdout where the output has gone
// to standard output, or nil.
func (o *output) unlessEnded(ctx context.Context) error {
	err := context.Cause(ctx)
	if err != nil && o.streams() {
		return fmt.Errorf("%w: %w", ErrPartOnStdout, err)
	}
	return err
}

// committed gives the file to commit, or nil.
func (o *output) committed() *atomicfile.File {
	if o == nil {
		return nil
	}
	return o.file
}

// discard drops what was not committed.
func (o *output) discard() {
	if o != nil && o.compressor != nil {
		o.compressor.Abandon() // it may still be writing
	}
	switch {
	case o == nil:
	case o.file != nil:
		o.file.Discard()
	default:
		o.spool.Close()
	}
}

// report describes the output.
func (o *output) report() *OutputReport {
	r := &OutputReport{Name: nhsnumber.Mask(filepath.Base(o.name)), Bytes: o.bytes}
	if o.hash != nil {
		r.SHA256 = fmt.Sprintf("%x", o.hash.Sum(nil))
	}
	return r
}

// sink gives the output as a writer, and nil for none.
func (o *output) sink() io.Writer {
	switch {
	case o == nil:
		return nil
	case o.compressor != nil:
		return o.compressor
	}
	return o
}
