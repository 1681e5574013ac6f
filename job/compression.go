package job

// What the outputs of a run are compressed with, and whether their names say so. It is decided
// before anything is written.

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"noo/formats"
	"noo/internal/kind"
)

// Reasons for which an output cannot be compressed as it would be; each comes wrapped in a
// *CompressionError.
var (
	// ErrReadOnly is an input whose compression can only be read, where no other was asked for.
	ErrReadOnly = errors.New(
		"the output would be compressed with bzip2 as the input is, which noo only reads",
	)
	// ErrCompressesItself is a compression that was asked for around a format that has its own.
	ErrCompressesItself = errors.New("this format compresses by itself, as the input does")
	// ErrNameLies is an output whose name promises another compression, or another format, than it
	// would have.
	ErrNameLies = errors.New("its name does not say what would be in it")
)

// CompressionError says why an output cannot be compressed as it would be. It is a matter of how
// the run was asked for.
type CompressionError struct {
	// Name is the name of the input or the output, as the user gave it.
	Name string
	// Err is one of the errors above.
	Err error
	// Hint says what to do, or is "".
	Hint string
	// Promised is the compression that the name promises, if the output can have it; else nil.
	Promised *formats.Compression
}

// Error gives one line with what to do.
func (e *CompressionError) Error() string {
	text := e.Name + ": " + e.Err.Error()
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return text
}

// Kind returns kind.Usage.
func (*CompressionError) Kind() kind.Kind { return kind.Usage }

// Unwrap gives the reason.
func (e *CompressionError) Unwrap() error { return e.Err }

// compression decides what the outputs of an input are compressed with, and makes sure that their
// names say so.
func (r *Run) compression(in *input, format formats.Format) (formats.Compression, error) {
	if r.Output == "" && r.Withheld == "" {
		return formats.Uncompressed, nil
	}
	if format.RandomAccess() && r.Compress != nil {
		return formats.Uncompressed, &CompressionError{Name: in.name, Err: ErrCompressesItself}
	}
	c, err := CompressionOf(r.Compress, in.compression)
	if err != nil {
		return c, &CompressionError{Name: in.name, Err: err}
	}
	if r.AnyName {
		return c, nil
	}
	for _, path := range []string{r.Output, r.Withheld} {
		if err := notZIP(path, in.name, format.Name()+c.Suffix()); err != nil {
			return c, err
		}
		if err := honestName(path, c, !format.RandomAccess()); err != nil {
			return c, err
		}
		if err := r.honestFormat(path, in.name, format); err != nil {
			return c, err
		}
	}
	return c, nil
}

// notZIP refuses a path that ends as the name of a ZIP file does, unless the input is called so too.
// suffix is what it should end with.
func notZIP(path, input, suffix string) error {
	end := filepath.Ext(path)
	if !strings.EqualFold(end, ".zip") || strings.EqualFold(filepath.Ext(input), end) {
		return nil
	}
	plain := path[:len(path)-len(end)]
	if known, _, _ := strings.Cut(suffix, "."); !strings.EqualFold(ending(plain), "."+known) {
		plain += "." + suffix
	}
	return &CompressionError{
		Name: "cannot write " + path, Err: ErrNameLies,
		Hint: "noo reads ZIP files and writes none; name it " + plain,
	}
}

// honestFormat refuses a path that ends with the name of another format than the output would have,
// unless the input is called so too: the reader knows.
func (r *Run) honestFormat(path, input string, format formats.Format) error {
	promised := ending(path)
	for _, other := range r.Formats {
		if name := "." + other.Name(); promised != name || other.Name() == format.Name() ||
			ending(input) == name {
			continue
		}
		c := formats.CompressionNamed(path)
		plain := formats.Rename(path, formats.Uncompressed)
		hint := fmt.Sprintf(
			"it would be %s, as the input is; name it %s",
			format.Name(),
			plain[:len(plain)-len(promised)]+"."+format.Name()+c.Suffix(),
		)
		return &CompressionError{Name: "cannot write " + path, Err: ErrNameLies, Hint: hint}
	}
	return nil
}

// ending is what the name of a file ends with, such as ".csv", in lower case and less the suffix of
// a Compression.
func ending(path string) string {
	return strings.ToLower(filepath.Ext(formats.Rename(path, formats.Uncompressed)))
}

// CompressionOf decides what an output is compressed with: with what is wanted, or where that is
// nil as the input was.
func CompressionOf(
	wanted *formats.Compression,
	found formats.Compression,
) (formats.Compression, error) {
	switch {
	case wanted != nil:
		return *wanted, nil
	case !found.Writable():
		return formats.Uncompressed, ErrReadOnly
	}
	return found, nil
}

// honestName refuses a path whose end promises another compression than c. choice reports whether
// --compress could be another one.
func honestName(path string, c formats.Compression, choice bool) error {
	promised := formats.CompressionNamed(path)
	if path == "" || path == "-" || promised == c {
		return nil
	}
	what := "it would not be compressed"
	if c != formats.Uncompressed {
		what = fmt.Sprintf("it would be compressed with %v", c)
	}
	e := &CompressionError{
		Name: "cannot write " + path, Err: ErrNameLies, Hint: fmt.Sprintf("%s; name it %s", what, formats.Rename(path, c)),
	}
	if choice && promised.Writable() {
		e.Promised = &promised
	}
	return e
}
