package zipfile

// Reading an entry. Its content ends without an error only if it is what the directory promised, by
// size and checksum.

import (
	"archive/zip"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"noo/formats"
	"noo/internal/atomicfile"
	"noo/internal/steadyfile"
)

// Reasons for which an entry is refused; each comes wrapped in a *formats.InputError.
var (
	ErrEncrypted = errors.New("it is encrypted: extract it with its password first")
	// ErrMethod is a compression that is not read; its name is put before the text.
	ErrMethod = errors.New("which noo does not read: extract it first")
	ErrBomb   = fmt.Errorf(
		"it would be more than %d times as large as it is compressed: extract it first", MaxRatio)
	ErrContent = errors.New(
		"it is not what the directory of the ZIP file says (size, checksum): get the file again")
)

// methods are the names of compressions.
var methods = map[uint16]string{
	1: "Shrink", 6: "Implode", 9: "Deflate64", 10: "Implode of PKWARE", 14: "LZMA", 18: "TERSE",
	19: "LZ77 of IBM", 20: "an old Zstandard", 94: "MP3", 95: "XZ", 96: "JPEG", 97: "WavPack",
	98: "PPMd",
}

// Numbers of compressions beside those of archive/zip.
const (
	methodBzip2 = 12
	methodZstd  = 93
	methodAES   = 99
)

// refuse returns an error if the entry cannot be read, by what the directory says.
func (e *Entry) refuse() error {
	switch {
	case e.flags&(flagEncrypted|flagStrong) != 0 || e.method == methodAES:
		return ErrEncrypted
	case e.Stored():
		if e.size != e.packed {
			return ErrAmbiguous
		}
	case e.method == zip.Deflate || e.method == methodBzip2 || e.method == methodZstd:
		if e.size/MaxRatio > e.packed || e.size > e.packed*MaxRatio {
			return ErrBomb
		}
	default:
		name := methods[e.method]
		if name == "" {
			name = fmt.Sprintf("method %d", e.method)
		}
		return fmt.Errorf("it is compressed with %s, %w", name, ErrMethod)
	}
	return nil
}

// Content is an entry that is being read. It is not safe for concurrent use.
type Content struct {
	entry  *Entry
	file   *os.File
	mark   steadyfile.Mark
	stream io.Reader             // what the entry holds
	opened *formats.Decompressor // nil for a stored entry
	read   int64
	crc    uint32
	err    error // of every further Read
}

// Open starts reading the entry. The error is an *formats.InputError for what cannot be read,
// steadyfile.ErrChanged if the ZIP file is not what it was, or what the file system said.
func (e *Entry) Open() (*Content, error) {
	if err := e.refuse(); err != nil {
		return nil, &formats.InputError{Name: e.Path(), Err: err}
	}
	file, err := os.Open(e.path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", e.path, atomicfile.Cause(err))
	}
	c := &Content{entry: e, file: file}
	if c.mark, err = steadyfile.Take(file); err == nil {
		var now os.FileInfo
		if now, err = file.Stat(); err == nil && !steadyfile.Same(e.info, now) {
			err = steadyfile.ErrChanged
		}
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", e.path, atomicfile.Cause(err))
	}
	packed := io.NewSectionReader(file, e.content, e.packed)
	c.stream = packed
	switch e.method {
	case zip.Deflate:
		c.opened = formats.NewInflater(e.Path(), packed)
	case methodBzip2:
		c.opened = formats.NewDecompressor(formats.Bzip2, e.Path(), packed)
	case methodZstd:
		c.opened = formats.NewDecompressor(formats.Zstd, e.Path(), packed)
	}
	if c.opened != nil {
		c.stream = c.opened
	}
	return c, nil
}

// Read gives the content from its start. It gives no more bytes than the directory promises, and
// io.EOF only if size and checksum hold; else the error is an *formats.InputError, or what the file
// system said.
func (c *Content) Read(p []byte) (int, error) {
	if c.err != nil || len(p) == 0 {
		return 0, c.err
	}
	left := c.entry.size - c.read
	n, err := c.stream.Read(p[:min(int64(len(p)), left+1)]) // one more shows that there is more
	c.read += int64(n)
	switch {
	case int64(n) > left:
		n, err = int(left), c.wrong()
	case err == io.EOF && (c.read != c.entry.size || c.sum(p[:n]) != c.entry.crc):
		err = c.wrong()
	case err == nil:
		c.crc = c.sum(p[:n])
	}
	c.err = err
	return n, err
}

func (c *Content) sum(p []byte) uint32 { return crc32.Update(c.crc, crc32.IEEETable, p) }

func (c *Content) wrong() error {
	return &formats.InputError{Name: c.entry.Path(), Err: ErrContent}
}

// At returns the content at any place, nil unless the entry is stored. Nobody checks what it gives:
// Read must come to the end too.
func (c *Content) At() io.ReaderAt {
	if c.opened != nil {
		return nil
	}
	return io.NewSectionReader(c.file, c.entry.content, c.entry.size)
}

// Check returns steadyfile.ErrChanged if somebody wrote to the ZIP file since Open.
func (c *Content) Check() error { return c.mark.Check(c.mark.Size()) }

// Size returns how many bytes the content has.
func (c *Content) Size() int64 { return c.entry.size }

// Close closes the file and gives the memory back.
func (c *Content) Close() error {
	if c.opened != nil {
		c.opened.Close()
	}
	return c.file.Close()
}
