package batch

// What is found out about every file of a run into a folder before the first is filtered: what its
// output will be called. What can be refused by the first bytes of a file is refused here.

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"unicode/utf8"

	"noo/formats"
	"noo/internal/atomicdir"
	"noo/internal/atomicfile"
	"noo/internal/inputs"
	"noo/internal/kind"
	"noo/job"
)

// Errors of a Run whose outputs cannot be named.
var (
	// ErrSameOutput is two inputs that would be one file of an output folder.
	ErrSameOutput = kind.New(
		kind.Usage,
		"would be written to the same place: name the folder that both are in, or put the pattern in quotes so that noo sees it",
	)
	// ErrNotUTF8 is a file whose name no report can hold.
	ErrNotUTF8 = errors.New("its name is not in UTF-8: rename it")
	// ErrReservedName is an input whose output would be the marker of the folder.
	ErrReservedName = kind.New(
		kind.Usage,
		"has the name that says that a folder is complete: rename it",
	)
	// ErrStream is standard input, which has no name for its output.
	ErrStream = kind.New(
		kind.Usage,
		"standard input goes to a file, not into a folder",
	)
)

// planned is a source with what is known before it is filtered.
type planned struct {
	inputs.Source
	output           string // the path of its output, with slashes
	compressed       bool   // it comes no faster than it is decompressed
	compressesItself bool   // its format does
}

// archive returns what a report calls the ZIP file that the source is in, "" for none.
func (p *planned) archive() string {
	if p.Entry == nil {
		return ""
	}
	return filepath.Base(p.File())
}

// plan looks at the first bytes of every source, and names the outputs: as the inputs, but with the
// suffix of what they are compressed with.
func (f *Run) plan() error {
	f.planned = make([]planned, len(f.Sources.Files))
	taken := make(names, len(f.Sources.Files))
	for i := range f.Sources.Files {
		source := &f.planned[i]
		source.Source = f.Sources.Files[i]
		if source.Path == "-" {
			return ErrStream
		}
		if err := inputs.CheckName(source.Name); err != nil {
			return err
		}
		if !utf8.ValidString(source.Name) {
			return &formats.InputError{Name: source.Path, Err: ErrNotUTF8}
		}
		compression, err := f.planFile(source)
		if err != nil {
			return err
		}
		source.output = formats.Rename(source.Name, compression)
		if strings.EqualFold(source.output, atomicdir.Marker) {
			return fmt.Errorf("%s %w", source.Path, ErrReservedName)
		}
		if other := taken.take(source.output, source.Path); other != "" {
			return fmt.Errorf("%s and %s %w", other, source.Path, ErrSameOutput)
		}
	}
	for _, source := range f.planned {
		for folder := path.Dir(source.output); folder != "."; folder = path.Dir(folder) {
			if other := taken.holder(folder); other != "" { // a file cannot be a folder too
				return fmt.Errorf("%s and %s %w", other, source.Path, ErrSameOutput)
			}
		}
	}
	return nil
}

// planFile finds out what the output of one source will be compressed with.
func (f *Run) planFile(source *planned) (formats.Compression, error) {
	if info, err := os.Stat(source.File()); err == nil && !info.Mode().IsRegular() {
		// A pipe can be read but once.
		return 0, &formats.InputError{Name: source.Path, Err: inputs.ErrNotAFile}
	}
	head, err := readStart(source.Source)
	if err != nil {
		return 0, err
	}
	found := formats.DetectCompression(head)
	source.compressed = found != formats.Uncompressed
	if !source.compressed {
		format, err := formats.Detect(f.Formats, head, source.Path)
		switch {
		case errors.Is(err, formats.ErrZIP) && source.Entry != nil:
			return 0, &formats.InputError{Name: source.Path, Err: job.ErrZIPInside}
		case err != nil:
			return 0, err
		}
		if source.compressesItself = format.RandomAccess(); source.compressesItself {
			return formats.Uncompressed, nil
		}
		source.compressed = source.Entry != nil && !source.Entry.Stored()
	}
	compression, err := job.CompressionOf(f.Compress, found)
	if err != nil {
		return 0, &job.CompressionError{Name: source.Path, Err: err}
	}
	return compression, nil
}

// readStart reads as much of a source as tells its format.
func readStart(source inputs.Source) ([]byte, error) {
	content, _, err := open(source)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	head := make([]byte, formats.HeadSize)
	n, err := io.ReadFull(content, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, failed(source, err)
	}
	return head[:n], nil
}

// open opens a source, and returns its size in bytes.
func open(source inputs.Source) (io.ReadCloser, int64, error) {
	if source.Entry != nil {
		content, err := source.Entry.Open()
		if err != nil {
			return nil, 0, err
		}
		return content, content.Size(), nil
	}
	file, err := os.Open(source.Path)
	if err != nil {
		return nil, 0, fmt.Errorf("cannot read %s: %w", source.Path, atomicfile.Cause(err))
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, 0, failed(source, err)
	}
	return file, info.Size(), nil
}

// failed says of which source an error of reading is, unless it does so itself.
func failed(source inputs.Source, err error) error {
	if _, refused := errors.AsType[*formats.InputError](err); refused {
		return err
	}
	return fmt.Errorf("reading %s: %w", source.Path, atomicfile.Cause(err))
}

// names tells which input has taken the name of an output.
type names map[string]string

// take gives a name to an input, unless it is taken: then the input that has it is returned.
func (n names) take(name, input string) (other string) {
	if other := n.holder(name); other != "" {
		return other
	}
	n[alike(name)] = input
	return ""
}

// holder is the input that has taken a name, or "".
func (n names) holder(name string) string { return n[alike(name)] }

// alike gives names that a file system may not tell apart as one.
func alike(name string) string {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return strings.ToLower(name)
	}
	return name
}
