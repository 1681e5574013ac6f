package filter

// What is found out about every file of a run into a folder before the first is filtered: what its output will be called.
// What can be refused by the first bytes of a file is refused here.

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"unicode/utf8"

	"noo/formats"
	"noo/internal/atomicfile"
)

// plan looks at the first bytes of every source, and names the outputs: as the inputs, but with the suffix of what they
// are compressed with.
func (f *FolderRun) plan() error {
	taken := make(names, len(f.Sources.Files))
	for i := range f.Sources.Files {
		source := &f.Sources.Files[i]
		if source.Path == "-" {
			return ErrStream
		}
		if err := checkName(source.Name); err != nil {
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
		if strings.EqualFold(source.output, atomicfile.Marker) {
			return fmt.Errorf("%s %w", source.Path, ErrReservedName)
		}
		if other := taken.take(source.output, source.Path); other != "" {
			return fmt.Errorf("%s and %s %w", other, source.Path, ErrSameOutput)
		}
	}
	for _, source := range f.Sources.Files {
		for folder := path.Dir(source.output); folder != "."; folder = path.Dir(folder) {
			if other := taken.holder(folder); other != "" { // a file cannot be a folder too
				return fmt.Errorf("%s and %s %w", other, source.Path, ErrSameOutput)
			}
		}
	}
	return nil
}

// planFile finds out what the output of one source will be compressed with.
func (f *FolderRun) planFile(source *Source) (formats.Compression, error) {
	if info, err := os.Stat(source.Path); err == nil && !info.Mode().IsRegular() {
		return 0, &formats.InputError{Name: source.Path, Err: ErrNotAFile} // a pipe can be read but once
	}
	head, err := readStart(source.Path)
	if err != nil {
		return 0, err
	}
	found := formats.DetectCompression(head)
	source.compressed = found != formats.Uncompressed
	if !source.compressed {
		format, err := formats.Detect(f.Each.Formats, head, source.Path)
		if err != nil {
			return 0, err
		}
		if source.compressesItself = format.RandomAccess(); source.compressesItself {
			return formats.Uncompressed, nil
		}
	}
	compression, err := compressionOf(f.Each.Compress, found)
	if err != nil {
		return 0, &CompressionError{Name: source.Path, Err: err}
	}
	return compression, nil
}

// readStart reads as much of a file as tells its format.
func readStart(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, atomicfile.Cause(err))
	}
	defer file.Close()
	head := make([]byte, formats.HeadSize)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("reading %s: %w", path, atomicfile.Cause(err))
	}
	return head[:n], nil
}
