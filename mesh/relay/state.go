package relay

// What is known of each message: its key, and the files of the state folder by which the next
// process finds out how far this one came.

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"noo/internal/atomicfile"
	"noo/internal/contextio"
	"noo/mesh/control"
)

// key names a message in the state folder. It is made of letters only, so that no part of it can be
// taken for a number of somebody.
type key string

// Suffixes of the files of a key. None is one that a MESH client looks for.
const (
	dataSuffix    = ".data"
	controlSuffix = ".control"
	sentSuffix    = ".sent"
)

// keyOf returns the key of a message: it follows from the service's id of the message. Of a message
// without an id, which did not come through MESH, it follows from the control file and from when
// that was written.
func keyOf(pair *control.Pair) key {
	if pair.Control.MessageID != "" {
		return letters("id", pair.Control.MessageID)
	}
	c := *pair.Control
	status := c.Status
	c.Status = nil
	return letters("file", pair.Name, fmt.Sprintf("%+v %+v", c, status),
		pair.ControlTime().UTC().Format(time.RFC3339Nano))
}

// nameKey returns a key for a name.
func nameKey(name string) key { return letters("name", name) }

// letters returns the digest of some texts in letters: four bits in each.
func letters(texts ...string) key {
	digest := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	var out strings.Builder
	for _, b := range digest {
		out.WriteByte('a' + b>>4)
		out.WriteByte('a' + b&15)
	}
	return key(out.String())
}

// short returns the part of a key that is enough to tell messages apart in a folder.
func (k key) short() string { return string(k[:16]) }

// output returns the name of the outgoing message.
func (k key) output() string { return "noo-" + k.short() }

// record is a message that was sent. It is the content of its K.sent.
type record struct {
	// Name is the nameKey of the message, of the one that arrived last.
	Name string `json:"name"`
	// SHA256 is the digest of the data, as it arrived, in hexadecimal.
	SHA256 string `json:"sha256"`
}

func (r *Relay) path(k key, suffix string) string {
	return filepath.Join(r.state, string(k)+suffix)
}

// sent returns the record of a message that was sent, or nil.
func (r *Relay) sent(k key) (*record, error) {
	if exists(r.path(k, controlSuffix)) {
		return nil, r.forget(k)
	}
	path := r.path(k, sentSuffix)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, ioError("read", path, err)
	}
	sent := new(record)
	if err := json.Unmarshal(text, sent); err != nil {
		return nil, fmt.Errorf("%s is damaged: noo cannot tell if a message was sent", path)
	}
	return sent, nil
}

// record writes that a message was sent.
func (r *Relay) record(k key, sent record) error {
	text, err := json.Marshal(sent)
	if err != nil {
		return err
	}
	return r.write(r.path(k, sentSuffix), append(text, '\n'))
}

// forget removes all that is left of a message, unless it was sent. K.control is the last, since it
// is what says that it was not.
func (r *Relay) forget(k key) error {
	if exists(r.path(k, sentSuffix)) && !exists(r.path(k, controlSuffix)) {
		return nil
	}
	data := filepath.Join(r.Out, k.output()+".dat")
	for _, path := range []string{
		data, r.path(k, dataSuffix), r.path(k, sentSuffix), r.path(k, controlSuffix),
	} {
		err := os.Remove(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err == nil:
			err = atomicfile.SyncFolder(filepath.Dir(path))
		}
		if err != nil {
			return ioError("remove", path, err)
		}
	}
	return nil
}

// clearState removes what a killed process left of messages that it had not sent, and records that
// are too old to matter.
func (r *Relay) clearState() error {
	entries, err := os.ReadDir(r.state)
	if err != nil {
		return ioError("read the folder", r.state, err)
	}
	for _, entry := range entries {
		suffix := filepath.Ext(entry.Name())
		path, k := filepath.Join(r.state, entry.Name()), strings.TrimSuffix(entry.Name(), suffix)
		if len(k) != 2*sha256.Size && suffix != atomicfile.TempSuffix {
			continue
		}
		switch suffix {
		case controlSuffix:
			err = r.forget(key(k))
		case dataSuffix, atomicfile.TempSuffix:
			if err = os.Remove(path); errors.Is(err, fs.ErrNotExist) {
				err = nil // it went with its K.control
			}
		case sentSuffix:
			info, missing := entry.Info()
			if missing == nil && time.Since(info.ModTime()) > keptFor {
				err = os.Remove(path)
			}
		}
		if err != nil {
			return ioError("remove", path, err)
		}
	}
	return nil
}

// digestOf returns the SHA-256 of a file in hexadecimal.
func digestOf(ctx context.Context, path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", ioError("read", path, err)
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, contextio.NewReader(ctx, file)); err != nil {
		if ended := context.Cause(ctx); ended != nil {
			return "", ended
		}
		return "", ioError("read", path, err)
	}
	return fmt.Sprintf("%x", hash.Sum(nil)), nil
}
