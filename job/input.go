package job

// Opening an input: a file, or a stream such as standard input, which may have to be set aside in a
// temporary file.

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
)

// input is an opened input.
type input struct {
	name       string // as the user gave it
	file       *os.File
	own        bool            // file was opened here
	mark       steadyfile.Mark // of file, before it was read
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

// openInput opens a path, or standard input for "-", and reads the first bytes.
func openInput(ctx context.Context, path string, stdin *os.File) (*input, error) {
	in := &input{name: path, file: stdin}
	if path == "-" {
		in.name = "stdin"
	} else {
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
	info, err := in.file.Stat()
	switch {
	case err != nil:
		return in.failed(err)
	case info.IsDir():
		return fmt.Errorf("cannot read %s: it is a folder; name a file", in.name)
	}
	if in.mark, err = steadyfile.Take(in.file); err != nil {
		return in.failed(err)
	}
	var stream io.Reader = in.file
	if !in.atRandom() {
		stream = contextio.NewStream(ctx, in.file)
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
	if !in.atRandom() {
		return in.setAside()
	}
	size := in.mark.Size()
	if in.hash != nil {
		ctx, in.stopDigest = context.WithCancel(ctx)
		in.hashed = make(chan error, 1)
		go func() {
			_, err := io.Copy(
				in.hash,
				contextio.NewReader(ctx, io.NewSectionReader(in.file, 0, size)),
			)
			in.hashed <- err
		}()
	}
	in.bytes = size
	return formats.Input{
		Name:     in.name,
		ReaderAt: &watched{file: in.file, size: size, progress: in.progress},
		Size:     size,
	}, nil
}

// setAside copies a stream to a temporary file for a format that reads at random.
func (in *input) setAside() (formats.Input, error) {
	var err error
	if in.spool, err = atomicfile.NewScratch(); err != nil {
		return formats.Input{}, err
	}
	size, err := io.Copy(in.spool, in)
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
	switch err := in.mark.Check(in.bytes); {
	case errors.Is(err, steadyfile.ErrChanged):
		return fmt.Errorf("%s: %w", in.name, err)
	case err != nil:
		return in.failed(err)
	}
	return nil
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
	if in.hash != nil {
		r.SHA256 = fmt.Sprintf("%x", in.hash.Sum(nil))
	}
	return r
}

func (in *input) failed(err error) error {
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
	if in.own {
		in.file.Close()
	}
}

// watched tells how many bytes of a file were read at random: a part that is read twice counts
// twice, up to its size.
type watched struct {
	file     *os.File
	size     int64
	progress func(done int64)

	mutex sync.Mutex
	done  int64
}

func (w *watched) ReadAt(p []byte, off int64) (int, error) {
	n, err := w.file.ReadAt(p, off)
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
