package relay

// Refused messages: each goes into a folder of its own in the folder of errors, with the reason.

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"noo/internal/atomicfile"
	"noo/internal/nhsnumber"
)

// ReasonName is the name of the file that says why a message was refused.
const ReasonName = "reason.txt"

// Refuse moves a message into a folder of its own in the folder of errors, with the reason in
// ReasonName, in one line and without the digits of an NHS number. The folder appears with all of
// its files, or the message stays where it is. The error is one of the file system.
func (r *Relay) Refuse(d Dataset, reason error) (Handled, error) {
	files := []string{d.Data, d.ControlFile}
	if d.Data == "" {
		files = files[1:]
	}
	return r.refuse(d.Name, files, d.key, reason)
}

func (r *Relay) refuse(name string, files []string, k key, reason error) (Handled, error) {
	handled := Handled{Name: name, Err: reason}
	making := filepath.Join(r.Errors, ".noo-"+k.short()+atomicfile.TempSuffix)
	if err := makeFolder(making); err != nil {
		return handled, err
	}
	text := nhsnumber.Mask(strings.Join(strings.Fields(reason.Error()), " ")) + "\n"
	if err := r.write(filepath.Join(making, ReasonName), []byte(text)); err != nil {
		return handled, err
	}
	for _, file := range files {
		if err := r.move(file, filepath.Join(making, file)); err != nil {
			return handled, errors.Join(err, r.putBack(making))
		}
	}
	var err error
	handled.Place, err = r.nameRefused(making, name)
	return handled, err
}

// nameRefused gives the folder of a refused message its name.
func (r *Relay) nameRefused(making, name string) (string, error) {
	place := filepath.Join(r.Errors, name)
	for n := 2; exists(place); n++ {
		place = filepath.Join(r.Errors, fmt.Sprintf("%s-%d", name, n))
	}
	if err := os.Rename(making, place); err != nil {
		return "", ioError("write", place, err)
	}
	return place, ioError("write", place, atomicfile.SyncFolder(r.Errors))
}

// clearErrors undoes what a killed process had begun: it puts messages back that were on the way
// into the folder of errors, so that they are refused anew.
func (r *Relay) clearErrors() error {
	unfinished, err := filepath.Glob(filepath.Join(
		strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(r.Errors),
		".noo-*"+atomicfile.TempSuffix))
	if err != nil {
		return err
	}
	for _, making := range unfinished {
		if info, err := os.Lstat(making); err != nil || !info.IsDir() {
			continue
		}
		if err := r.putBack(making); err != nil {
			return err
		}
	}
	return nil
}

// putBack moves the files of an unfinished folder back, and removes it. If a name is taken again,
// the folder gets a name as it is.
func (r *Relay) putBack(making string) error {
	entries, err := os.ReadDir(making)
	if err != nil {
		return ioError("read the folder", making, err)
	}
	name := ""
	for _, entry := range entries {
		if entry.Name() == ReasonName || strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		if exists(filepath.Join(r.In, entry.Name())) {
			name = strings.TrimSuffix(entry.Name(), filepath.Ext(entry.Name()))
		}
	}
	if name != "" {
		_, err := r.nameRefused(making, name)
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(making, entry.Name())
		if entry.Name() == ReasonName || strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		if err := os.Rename(path, filepath.Join(r.In, entry.Name())); err != nil {
			return ioError("move", path, err)
		}
		if err := atomicfile.SyncFolder(r.In); err != nil {
			return ioError("move", path, err)
		}
	}
	return ioError("remove", making, os.RemoveAll(making))
}
