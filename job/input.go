package job

// Opening an input: a file, an entry of a ZIP file, or a stream such as standard input. The last two
// may have to be set aside in a temporary file.

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"sync"

	"noo/formats"
	"noo/internal/atomicfile"
	"noo/internal/contextio"
	"noo/internal/nhsnumber"
	"noo/internal/steadyfile"
	"noo/internal/zipfile"
)

// ErrZIPStream is a ZIP file where it is read from start to end.
var ErrZIPStream = errors.New("it is a ZIP file, which noo cannot read from a stream: name the file")

// ErrZIPInside is a ZIP file in another.
var ErrZIPInside = errors.New("it is a ZIP file inside a ZIP file: extract it first")

// input is an opened input.
type input struct {
	name       string           // as the user gave it
	file       *os.File         // nil for an entry
	own        bool             // file was opened here
	mark       steadyfile.Mark  // of file, before it was read
	entry      *zipfile.Content // nil for what is no entry of a ZIP file
	archive    string           // the path of that ZIP file, or ""
	head       []byte
	reader     io.Reader // the whole input, of a stream only once
	hash       hash.Hash // of what reader gave, or nil
	stopDigest context.CancelFunc
	hashed     chan error // says how the digest of a file that is read at random went, or nil
	bytes      int64      // of the input that were read
	spool      *atomicfile.Scratch

	compression  formats.Compression
	decompressor *formats.Decompressor // nil where the input is not compressed
	content      io.Reader             // what the decompressor gives

	progress  func(done int64)
	interrupt func() // makes a read of a stream that waits return
}

// openInput opens an entry of a ZIP file or, where that is nil, a path, or standard input for "-",
// and reads the first bytes.
func openInput(
	ctx context.Context,
	path string,
	entry *zipfile.Entry,
	stdin *os.File,
) (*input, error) {
	in := &input{name: path}
	switch {
	case entry != nil:
		content, err := entry.Open()
		if err != nil {
			return nil, err
		}
		in.entry, in.archive = content, entry.File()
	case path == "-":
		in.name, in.file = "stdin", stdin
	default:
		file, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", path, atomicfile.Cause(err))
		}
		in.file, in.own = file, true
	}
	if err := in.readHead(ctx); err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

func (in *input) readHead(ctx context.Context) error {
	stream, err := in.stream(ctx)
	if err != nil {
		return err
	}
	in.head = make([]byte, formats.HeadSize)
	n, err := io.ReadFull(stream, in.head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return in.failed(err)
	}
	in.head = in.head[:n]
	in.reader = &headFirst{head: in.head, rest: stream}
	return nil
}

// stream returns what gives the input from its start.
func (in *input) stream(ctx context.Context) (io.Reader, error) {
	if in.entry != nil {
		return in.entry, nil
	}
	info, err := in.file.Stat()
	switch {
	case err != nil:
		return nil, in.failed(err)
	case info.IsDir():
		return nil, fmt.Errorf("cannot read %s: it is a folder; name a file", in.name)
	}
	if in.mark, err = steadyfile.Take(in.file); err != nil {
		return nil, in.failed(err)
	}
	if in.atRandom() {
		return in.file, nil
	}
	return contextio.NewStream(ctx, in.file), nil
}

// total is how many bytes the input has, -1 where unknown.
func (in *input) total() int64 {
	switch {
	case in.entry != nil:
		return in.entry.Size()
	case in.mark.Regular():
		return in.mark.Size()
	}
	return -1
}

// atRandom reports whether any place of the file can be read: standard input, even where it is a
// file, belongs to others too.
func (in *input) atRandom() bool { return in.own && in.mark.Regular() }

// Read gives the input from its start, and counts and hashes what it gives.
func (in *input) Read(p []byte) (int, error) {
	n, err := in.reader.Read(p)
	in.bytes += int64(n)
	if in.hash != nil {
		in.hash.Write(p[:n])
	}
	if in.progress != nil {
		in.progress(in.bytes)
	}
	if err != nil && err != io.EOF {
		err = in.failed(err)
	}
	return n, err
}

// detect finds out what the input is compressed with, and in which of the known formats it is. From
// here on, forFormat gives it decompressed.
func (in *input) detect(ctx context.Context, known []formats.Format) (formats.Format, error) {
	head := in.head
	if in.compression = formats.DetectCompression(head); in.compression != formats.Uncompressed {
		var err error
		if head, err = in.decompress(ctx); err != nil {
			return nil, err
		}
	}
	format, err := formats.Detect(known, head, in.name)
	if errors.Is(err, formats.ErrZIP) && in.decompressor == nil && !in.atRandom() {
		reason := ErrZIPStream
		if in.entry != nil {
			reason = ErrZIPInside
		}
		err = &formats.InputError{Name: in.name, Err: reason}
	}
	if err == nil && in.decompressor != nil && format.RandomAccess() {
		err = &formats.InputError{
			Name: in.name,
			Err: fmt.Errorf(
				"%w: %s, which compresses by itself, inside %v: decompress it first",
				formats.ErrUnknownFormat,
				format.Name(),
				in.compression,
			),
		}
	}
	return format, err
}

// decompress starts decompressing, and returns the first bytes.
func (in *input) decompress(ctx context.Context) ([]byte, error) {
	in.decompressor = formats.NewDecompressor(in.compression, in.name, contextio.NewReader(ctx, in))
	head := make([]byte, formats.HeadSize)
	n, err := io.ReadFull(in.decompressor, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	in.content = &headFirst{head: head[:n], rest: in.decompressor}
	return head[:n], nil
}

// forFormat gives the input in the way that a format reads. For one that reads at random the
// digest, if there is to be one, is computed meanwhile: finish waits for it.
func (in *input) forFormat(ctx context.Context, format formats.Format) (formats.Input, error) {
	if in.decompressor != nil {
		return formats.Input{Name: in.name, Reader: in.content, Interrupt: in.interrupt}, nil
	}
	if !format.RandomAccess() {
		return formats.Input{Name: in.name, Reader: in, Interrupt: in.interrupt}, nil
	}
	content, whole := in.anywhere()
	if content == nil {
		return in.setAside(ctx)
	}
	if whole != nil {
		var into io.Writer = io.Discard
		if in.hash != nil {
			into = in.hash
		}
		ctx, in.stopDigest = context.WithCancel(ctx)
		in.hashed = make(chan error, 1)
		go func() {
			_, err := io.Copy(into, contextio.NewReader(ctx, whole))
			in.hashed <- err
		}()
	}
	size := in.total()
	in.bytes = size
	return formats.Input{
		Name:     in.name,
		ReaderAt: &watched{content: content, size: size, progress: in.progress},
		Size:     size,
	}, nil
}

// anywhere returns what gives any place of the input, nil where nothing can, and what must also be
// read from start to end: for its digest or, of an entry of a ZIP file, for its checksum.
func (in *input) anywhere() (content io.ReaderAt, whole io.Reader) {
	if in.entry != nil {
		if content = in.entry.At(); content == nil {
			return nil, nil
		}
		return content, in.reader
	}
	if !in.atRandom() {
		return nil, nil
	}
	if in.hash != nil {
		whole = io.NewSectionReader(in.file, 0, in.mark.Size())
	}
	return in.file, whole
}

// setAside copies a stream, or an entry that is compressed, to a temporary file for a format that
// reads at random.
func (in *input) setAside(ctx context.Context) (formats.Input, error) {
	var err error
	if in.spool, err = atomicfile.NewScratch(); err != nil {
		return formats.Input{}, err
	}
	size, err := io.Copy(in.spool, contextio.NewReader(ctx, in))
	if _, refused := errors.AsType[*formats.InputError](err); refused {
		return formats.Input{}, err
	}
	if err != nil {
		return formats.Input{}, fmt.Errorf("setting %s aside: %w", in.name, atomicfile.Cause(err))
	}
	return formats.Input{Name: in.name, ReaderAt: in.spool, Size: size}, nil
}

// digest starts hashing what is read.
func (in *input) digest() { in.hash = sha256.New() }

// finish waits for the digest, and makes sure that the input is what it was when it was opened.
func (in *input) finish() error {
	if err := in.waitForDigest(); err != nil {
		return in.failed(err)
	}
	err := in.checkSteady()
	if errors.Is(err, steadyfile.ErrChanged) {
		return fmt.Errorf("%s: %w", in.name, err)
	}
	return in.failed(err)
}

// checkSteady returns steadyfile.ErrChanged if the input is not what it was, or was not read to its
// end. Of an entry of a ZIP file, that is where the checksum is known to hold.
func (in *input) checkSteady() error {
	if in.entry == nil {
		return in.mark.Check(in.bytes)
	}
	if more, err := io.Copy(io.Discard, in.reader); err != nil {
		return err
	} else if more > 0 || in.bytes != in.entry.Size() {
		return steadyfile.ErrChanged
	}
	return in.entry.Check()
}

func (in *input) waitForDigest() error {
	if in.hashed == nil {
		return nil
	}
	err := <-in.hashed
	in.stopDigest()
	in.hashed = nil
	return err
}

// report describes the input.
func (in *input) report(format string) InputReport {
	r := InputReport{Name: nhsnumber.Mask(filepath.Base(in.name)), Format: format, Bytes: in.bytes}
	if in.archive != "" {
		r.Archive = nhsnumber.Mask(filepath.Base(in.archive))
	}
	if in.hash != nil {
		r.SHA256 = fmt.Sprintf("%x", in.hash.Sum(nil))
	}
	return r
}

// failed says of which input an error is, unless it does so itself. It returns nil for nil.
func (in *input) failed(err error) error {
	if _, refused := errors.AsType[*formats.InputError](err); err == nil || refused {
		return err
	}
	return fmt.Errorf("reading %s: %w", in.name, atomicfile.Cause(err))
}

func (in *input) close() {
	if in.hashed != nil {
		in.stopDigest()        // nobody wants it any more
		_ = in.waitForDigest() // its file must not be closed under it
	}
	if in.decompressor != nil {
		in.decompressor.Close()
	}
	if in.spool != nil {
		in.spool.Close()
	}
	if in.entry != nil {
		in.entry.Close()
	}
	if in.own {
		in.file.Close()
	}
}

// watched tells how many bytes of a file were read at random: a part that is read twice counts
// twice, up to its size.
type watched struct {
	content  io.ReaderAt
	size     int64
	progress func(done int64)

	mutex sync.Mutex
	done  int64
}

func (w *watched) ReadAt(p []byte, off int64) (int, error) {
	n, err := w.content.ReadAt(p, off)
	if w.progress != nil {
		w.mutex.Lock()
		w.done = min(w.done+int64(n), w.size)
		w.progress(w.done)
		w.mutex.Unlock()
	}
	return n, err
}

// headFirst gives the bytes that were read ahead, and then the rest.
type headFirst struct {
	head []byte
	rest io.Reader
}

func (h *headFirst) Read(p []byte) (int, error) {
	if len(h.head) == 0 {
		return h.rest.Read(p)
	}
	n := copy(p, h.head)
	h.head = h.head[n:]
	return n, nil
}
