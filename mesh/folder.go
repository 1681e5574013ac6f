package mesh

// The folders of the MESH client: answers come in as pairs, parts go out as pairs.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"noo/internal/atomicfile"
	"noo/mesh/control"
)

// FolderMessages lists the complete messages in a folder into which the MESH client puts what comes.
// What will never be complete comes back as broken: it may be about something else.
func FolderMessages(
	ctx context.Context,
	dir string,
	timing control.Timing,
) (messages []*Incoming, broken []error, err error) {
	found, err := control.Pairs(ctx, dir, timing)
	if err != nil {
		return nil, nil, err
	}
	for _, b := range found.Broken {
		broken = append(broken, fmt.Errorf("%s: %w", filepath.Join(dir, b.Files[0]), b.Err))
	}
	messages = make([]*Incoming, len(found.Pairs))
	for i, pair := range found.Pairs {
		messages[i] = folderMessage(dir, pair)
	}
	return messages, broken, nil
}

func folderMessage(dir string, pair control.Pair) *Incoming {
	in := &Incoming{Name: filepath.Join(dir, pair.ControlFile), Control: pair.Control}
	files := []string{filepath.Join(dir, pair.ControlFile)}
	if pair.Data != "" {
		path := filepath.Join(dir, pair.Data)
		in.Name = path
		files = append(files, path)
		in.Open = func(context.Context) (io.ReadCloser, error) {
			file, err := os.Open(path)
			if err != nil {
				return nil, fmt.Errorf("cannot read it: %w", atomicfile.Cause(err))
			}
			return file, nil
		}
	}
	in.Remove = func(context.Context) error { return removeFiles(files) }
	return in
}

// removeFiles removes files in their order: the control file first, so that what is left of a
// message if the process is killed is no message.
func removeFiles(paths []string) error {
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot remove %s: %w", path, atomicfile.Cause(err))
		}
	}
	return nil
}

// PutPart puts a part into a folder from which the MESH client takes what it sends. What is there
// already stays.
func (e *Exchange) PutPart(dir string, p Part) error {
	file, err := os.Open(e.PartPath(p))
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", e.PartPath(p), atomicfile.Cause(err))
	}
	defer file.Close()
	err = control.Put(dir, p.Subject, file, e.Control(p))
	if errors.Is(err, atomicfile.ErrExists) {
		there, readErr := control.ReadFile(filepath.Join(dir, p.Subject+".ctl"))
		if readErr == nil && there.LocalID == p.LocalID {
			return nil // a process that was killed put it there, and did not note it
		}
	}
	return err
}
