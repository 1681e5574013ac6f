package mesh

// Answers that a person saved as files, from MESH UI for example.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"noo/internal/atomicfile"
	"noo/internal/kind"
	"noo/mesh/control"
)

// ErrReceipt is the receipt of the check where the list is expected.
var ErrReceipt = kind.New(kind.Input, "it is the receipt of the check; name the file with the list")

// ReadReply reads an answer from a file. A control file beside it, with the same name and .ctl, says
// which part it answers and when it was made. Without one, the time of the file can only tell that it
// is too old: a copy is younger than the answer. The errors are those of Read and Take.
func (e *Exchange) ReadReply(ctx context.Context, path string) error {
	a := &Answer{Name: path}
	in := &Incoming{Name: path, Control: &control.Control{Type: control.Data}}
	beside := strings.TrimSuffix(path, filepath.Ext(path)) + ".ctl"
	switch c, err := control.ReadFile(beside); {
	case err == nil:
		if in.Control = c; e.partAbout(in) < 0 {
			return fmt.Errorf("%s: %w", path, ErrOtherPart)
		}
		a.LocalID = c.LocalID
		if c.Status != nil {
			a.Made = c.Status.Time
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	file, err := e.openReply(path, a.Made.IsZero())
	if err != nil {
		return err
	}
	in.Open = func(context.Context) (io.ReadCloser, error) { return file, nil }
	data, done, err := in.open(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer done()
	head, err := data.Peek(control.HeadSize)
	if err != nil && err != io.EOF {
		return fmt.Errorf("reading %s: %w", path, atomicfile.Cause(err))
	}
	switch found := control.Classify(in.Control, head); {
	case found == control.Failure:
		return fmt.Errorf("%s: %w: %s", path, ErrReported, reported(in.Control.Status))
	case found == control.Receipt, len(head) > 0 && head[0] == '{':
		return fmt.Errorf("%s: %w", path, ErrReceipt)
	}
	return e.Read(ctx, a, data)
}

// openReply opens an answer. It must not be one of the parts that were sent, and, where its time
// counts, not be from before the request.
func (e *Exchange) openReply(path string, timed bool) (*os.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, atomicfile.Cause(err))
	}
	info, err := file.Stat()
	switch {
	case err != nil:
		err = fmt.Errorf("reading %s: %w", path, atomicfile.Cause(err))
	case e.isPart(info):
		err = fmt.Errorf("%s: %w", path, ErrOwnPart)
	case timed && info.ModTime().Before(e.Created.Add(-clockSlack)):
		err = fmt.Errorf("%s: %w", path, ErrBeforeRequest)
	default:
		return file, nil
	}
	file.Close()
	return nil, err
}

// isPart reports whether a file is one of those that were sent.
func (e *Exchange) isPart(info fs.FileInfo) bool {
	for _, part := range e.Parts {
		sent, err := os.Stat(e.PartPath(part))
		if err == nil && os.SameFile(sent, info) {
			return true
		}
	}
	return false
}
