package fhir

// Reading a file: one goroutine cuts it into resources, the others read them. The first thing that
// is wrong, in the order of the file, is the error: the same for any number of workers.

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"sync"
	"time"

	"noo/fhir/internal/jsontext"
	"noo/internal/atomicfile"
	"noo/internal/contextio"
	"noo/internal/kind"
)

// clockSkew is how far in the future a dateTime may be: clocks differ.
const clockSkew = 24 * time.Hour

// batchSize is how many bytes of resources, at least, one worker reads in a row.
const batchSize = 256 << 10

// Skipped says what was skipped in a file.
type Skipped struct {
	Resources uint64
	// First is the first of them, with its place; nil if there is none.
	First error
}

// IsFHIR reports whether a text that starts with head, of which the first bytes of a file are
// enough, may be FHIR. A list of NHS numbers never is.
func IsFHIR(head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	return len(head) > 0 && bytes.IndexByte(opening, head[0]) >= 0 || isUTF16(head)
}

// isUTF16 reports whether a text is in UTF-16 and starts with one of the characters of FHIR.
func isUTF16(head []byte) bool {
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		head = head[2:]
	}
	return len(head) > 1 && (head[0] == 0 && bytes.IndexByte(opening, head[1]) >= 0 ||
		head[1] == 0 && bytes.IndexByte(opening, head[0]) >= 0)
}

// opening are the characters that FHIR starts with.
var opening = []byte("{[<")

// Read reads a file, and joins what it says with what is known. name is the file's, for messages.
// An *Error says what is wrong with the file; an error of in comes back wrapped. After an error,
// the Register must not be used.
func (r *Register) Read(
	ctx context.Context,
	in io.Reader,
	name string,
	o Options,
) (Skipped, error) {
	f := &file{register: r, name: name, options: o, first: math.MaxInt}
	f.start()
	err := f.cut(bufio.NewReaderSize(contextio.NewReader(ctx, in), 64<<10))
	f.finish()
	// What a worker found comes before the place at which cutting ended.
	if f.failed != nil {
		return Skipped{}, f.failed
	}
	if err == nil && f.document != nil {
		f.document.matches = f.matches
		f.document.nested = f.document.nested || f.nested
		err = f.document.check()
	}
	return f.skipped, f.placed(err)
}

// file is a file while it is read.
type file struct {
	register *Register
	name     string
	options  Options

	unit     unit
	number   int     // of resources that were cut out
	document *bundle // nil if the file is no Bundle
	filling  *batch
	full     chan *batch
	free     chan *batch
	workers  sync.WaitGroup

	mutex   sync.Mutex // over all below, while the workers run
	failed  error      // of the resource with the lowest number
	first   int        // this number
	matches uint64
	nested  bool
	skipped Skipped
	skip    int // the number of the first that was skipped
}

// batch is some resources in a row.
type batch struct {
	texts   []byte
	ends    []int // of each text in texts
	unit    unit
	number  int // of the first
	entries bool
}

// start starts the workers.
func (f *file) start() {
	n := runtime.GOMAXPROCS(0)
	f.full, f.free = make(chan *batch, n), make(chan *batch, 2*n+1)
	for range cap(f.free) {
		f.free <- new(batch)
	}
	for range n {
		f.workers.Go(func() {
			r := reader{now: ticksOf(f.options.Now.Add(clockSkew)), lenient: f.options.SkipInvalid}
			for b := range f.full {
				f.read(&r, b)
				b.texts, b.ends = b.texts[:0], b.ends[:0]
				if cap(b.texts) > 4*batchSize { // one large resource must not stay for good
					b.texts = nil
				}
				f.free <- b
			}
		})
	}
}

// finish hands over what is left, and waits for the workers.
func (f *file) finish() {
	f.flush()
	close(f.full)
	f.workers.Wait()
}

// read reads a batch and notes what it says.
func (f *file) read(r *reader, b *batch) {
	r.choices, r.tally = r.choices[:0], Tally{}
	var document *bundle
	if b.entries {
		document = new(bundle)
	}
	start := 0
	for i, end := range b.ends {
		text := b.texts[start:end]
		start = end
		if b.unit == line && len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		r.skipped = nil
		if err := r.use(text, document); err != nil {
			f.fail(place{b.unit, b.number + i}, err)
			return
		}
		if r.skipped != nil {
			f.note(place{b.unit, b.number + i}, r.skipped)
		}
	}
	f.register.add(r.choices, r.tally)
	if document != nil {
		f.mutex.Lock()
		f.matches += document.matches
		f.nested = f.nested || document.nested
		f.mutex.Unlock()
	}
}

// fail notes that a resource is wrong.
func (f *file) fail(at place, err error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if at.number < f.first {
		f.first, f.failed = at.number, &Error{f.name, at, err}
	}
}

// note counts a resource that was skipped.
func (f *file) note(at place, reason error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.skipped.Resources++
	if f.skipped.First == nil || at.number < f.skip {
		f.skip, f.skipped.First = at.number, &Error{f.name, at, reason}
	}
}

// placed gives an error that was met while cutting its place.
func (f *file) placed(err error) error {
	var wrong fault
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		at := place{whole, 0}
		switch {
		case f.number == 0:
		case wrong == ErrTruncated, wrong == ErrJSON, wrong == ErrTooLarge, wrong == ErrXML:
			at = place{f.unit, f.number + 1}
		}
		return &Error{f.name, at, wrong}
	}
	if kind.Of(err) == kind.Input { // of the compression, which names the file
		return err
	}
	return fmt.Errorf("reading %s: %w", f.name, atomicfile.Cause(err))
}

// wrong reports whether reading on is in vain.
func (f *file) wrong() bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.failed != nil
}

// errStopped ends the cutting after a worker failed.
var errStopped = errors.New("a worker failed")

// room returns the batch to which the next text is appended.
func (f *file) room() *batch {
	if f.filling == nil {
		b := <-f.free
		b.unit, b.number, b.entries = f.unit, f.number+1, f.unit == entry
		f.filling = b
	}
	return f.filling
}

// added counts the text that was appended to the batch.
func (f *file) added() error {
	b := f.filling
	f.number++
	b.ends = append(b.ends, len(b.texts))
	if len(b.texts) < batchSize && len(b.ends) < batchSize/64 {
		return nil
	}
	f.flush()
	if f.wrong() {
		return errStopped
	}
	return nil
}

func (f *file) flush() {
	if b := f.filling; b != nil && len(b.ends) > 0 {
		f.full <- b
	}
	f.filling = nil
}

// cut cuts a file of any kind.
func (f *file) cut(in *bufio.Reader) error {
	head, err := in.Peek(64)
	if err != nil && err != io.EOF {
		return err
	}
	if isUTF16(head) {
		return ErrUTF16
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		head = head[3:]
		_, _ = in.Discard(3) // which Peek has read
	}
	if bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("<")) {
		return f.cutXML(in)
	}
	return f.cutJSON(jsontext.NewStream(in))
}

// cutJSON cuts a JSON document or NDJSON.
func (f *file) cutJSON(s *jsontext.Stream) error {
	c, err := s.Next()
	switch {
	case errors.Is(err, ErrTruncated):
		return ErrEmpty
	case err != nil:
		return err
	case c == '[':
		if err := f.cutArray(s, element); err != nil {
			return err
		}
	case c == '{':
		if ended, err := f.cutObject(s); err != nil || ended {
			return err
		}
	default:
		return ErrNotFHIR
	}
	if end, err := s.AtEnd(); err != nil || !end {
		return cmp.Or[error](err, ErrFollows)
	}
	return nil
}

// cutArray hands over each element of an array as a resource, or as an entry.
func (f *file) cutArray(s *jsontext.Stream, unit unit) error {
	f.unit = unit
	if err := s.Expect('['); err != nil {
		return err
	}
	c, err := s.Next()
	if err != nil {
		return err
	}
	if c == ']' {
		return s.Expect(']')
	}
	for more := true; more && err == nil; {
		b := f.room()
		if b.texts, err = s.Value(b.texts); err != nil {
			return err
		}
		if err = f.added(); err == nil {
			more, err = s.Another(']')
		}
	}
	return err
}

// cutObject reads the first object of a file. It is a Bundle if it has entries. If it is on one
// line and something follows, the file is NDJSON, which cutObject cuts to the end. It returns
// whether the end was reached.
func (f *file) cutObject(s *jsontext.Stream) (ended bool, err error) {
	before := s.Lines
	text, entries, err := f.cutMembers(s)
	if err != nil {
		return false, err
	}
	// What is wrong with a Bundle as a whole is said after what is wrong with an entry.
	if f.document, err = f.bundleOf(text, entries); f.document != nil || err != nil {
		return false, err
	}
	after := s.Lines
	end, err := s.AtEnd()
	if err != nil {
		return false, err
	}
	if end {
		f.unit = whole
	} else if f.unit, f.number = line, before; after != before || s.Lines == after {
		return false, ErrFollows
	}
	b := f.room()
	b.texts = append(b.texts, text...)
	if err := f.added(); err != nil || end {
		return end, err
	}
	f.flush()
	f.number = s.Lines // blank lines count
	return true, f.cutLines(s)
}

// cutMembers reads an object. It hands over the elements of its member entry, and returns the text
// of all others.
func (f *file) cutMembers(s *jsontext.Stream) (text []byte, entries bool, err error) {
	if err := s.Expect('{'); err != nil {
		return nil, false, err
	}
	text = []byte{'{'}
	c, err := s.Next()
	if err != nil {
		return nil, false, err
	}
	if c == '}' {
		return []byte("{}"), false, s.Expect('}')
	}
	for more := true; more; {
		before := len(text)
		if before > 1 {
			text = append(text, ',')
		}
		named := len(text)
		if text, err = s.Value(text); err != nil {
			return nil, false, err
		}
		isEntry := f.isEntry(text[named:])
		if err := s.Expect(':'); err != nil {
			return nil, false, err
		}
		if isEntry {
			if entries {
				return nil, false, ErrDuplicate
			}
			text, entries = text[:before], true
			err = f.cutArray(s, entry)
		} else {
			text, err = s.Value(append(text, ':'))
		}
		switch {
		case err != nil:
			return nil, false, err
		case len(text) > jsontext.MaxValue:
			return nil, false, ErrTooLarge
		}
		if more, err = s.Another('}'); err != nil {
			return nil, false, err
		}
	}
	return append(text, '}'), entries, nil
}

// isEntry reports whether the text of a name means entry.
func (f *file) isEntry(name []byte) bool {
	d := jsontext.Decoder{Input: name}
	return string(d.Text()) == "entry" && d.Err == nil
}

// bundleOf returns the Bundle that has these members, or nil for another resource.
func (f *file) bundleOf(text []byte, entries bool) (*bundle, error) {
	r := newReader(text)
	if kind := r.resourceType(); !entries && (kind != "Bundle" || r.Err != nil) {
		return nil, nil
	}
	var b bundle
	r.Object(bundleElements, func(name uint8) { r.bundleMember(&b, name) })
	r.End()
	return &b, r.Err
}

// cutLines hands over each line to the end.
func (f *file) cutLines(s *jsontext.Stream) (err error) {
	for {
		b := f.room()
		if b.texts, err = s.Line(b.texts); err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
		if err := f.added(); err != nil {
			return err
		}
	}
}
