package mesh

// Messages in the mailbox, or in the folder of the MESH client, that answer a request. Those with a
// list are copied into the folder of the request before they are taken out of the mailbox, so that a
// process that is killed at any moment loses none.

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"noo/internal/atomicfile"
	"noo/internal/contextio"
	"noo/internal/kind"
	"noo/internal/nhsnumber"
	"noo/mesh/control"
)

// answersFolder is where lists that came back are kept, in the folder of the request.
const answersFolder = "answers"

// answerSchema names the form of the file that describes a list.
const answerSchema = "noo/mesh-answer/v1"

// Reasons for which a message is refused, to test with errors.Is.
var (
	// ErrReported is a report that the request, or its answer, did not arrive.
	ErrReported = kind.New(kind.Input, "MESH reports an error")
	// ErrUnknownMessage is a message about the request that is none of those that the check sends.
	ErrUnknownMessage = kind.New(kind.Input, "neither a list, a receipt nor a report: look into it")
	// ErrSender is a message about the request from another mailbox than that of the check.
	ErrSender = kind.New(kind.Input, "it does not come from the mailbox of the check")
	// ErrEncrypted is an answer that somebody encrypted.
	ErrEncrypted = kind.New(kind.Input, "it is encrypted: the check does not do that")
)

// Incoming is a message that came in.
type Incoming struct {
	// Name is what messages to the user call it. It tells the messages of a mailbox apart.
	Name string
	// Control says what the message is.
	Control *control.Control
	// Linked is the id of the message that a report is about, "" where it says none.
	Linked string
	// Open gives the data, which may be gzip; nil where there is none.
	Open func(ctx context.Context) (io.ReadCloser, error)
	// Remove takes the message out of the mailbox.
	Remove func(ctx context.Context) error
}

// identity tells the message from all others of the mailbox, whatever the path of its folder.
func (in *Incoming) identity() string {
	return cmp.Or(in.Control.MessageID, filepath.Base(in.Name))
}

// storedAnswer describes a list that is kept.
type storedAnswer struct {
	Schema  string    `json:"schema"`
	LocalID string    `json:"local_id"`
	Made    time.Time `json:"made,omitzero"` // when the message was made
	Bytes   int64     `json:"bytes"`         // of the list
}

// Take looks at a message. It reports whether the message is about this request; then it may be
// removed once the snapshot exists. It keeps a copy of a list. A message that ends the exchange is an
// error: a report of a failure, a list that the check refused, or one that nobody knows.
func (e *Exchange) Take(ctx context.Context, in *Incoming) (ours bool, err error) {
	part := e.partAbout(in)
	if part < 0 {
		return false, nil
	}
	err = e.takeAbout(ctx, in, part)
	if _, placed := errors.AsType[*ListError](err); err != nil && !placed {
		err = fmt.Errorf("%s: %w", in.Name, err)
	}
	return true, err
}

// partAbout is the part that a message is about, or -1.
func (e *Exchange) partAbout(in *Incoming) int {
	return slices.IndexFunc(e.Parts, func(p Part) bool {
		sent := e.state.messageID(p.LocalID)
		return in.Control.LocalID == p.LocalID || sent != "" && in.Linked == sent
	})
}

func (e *Exchange) takeAbout(ctx context.Context, in *Incoming, part int) error {
	c := in.Control
	if c.Encrypted {
		return ErrEncrypted
	}
	if c.Type == control.Data && e.To != "" && !strings.EqualFold(c.From, e.To) {
		return ErrSender
	}
	data, done, err := in.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	head, err := data.Peek(control.HeadSize)
	if err != nil && err != io.EOF {
		return err
	}
	switch control.Classify(c, head) {
	case control.Progress, control.Receipt:
		return nil
	case control.Failure:
		return fmt.Errorf("%w: %s", ErrReported, reported(c.Status))
	case control.Refused:
		return ErrInvalidNumbers
	case control.List:
		return e.store(ctx, in, e.Parts[part].LocalID, data)
	}
	return ErrUnknownMessage
}

// open opens the data of a message, and decompresses it. done closes it.
func (in *Incoming) open(ctx context.Context) (data *bufio.Reader, done func(), err error) {
	if in.Open == nil {
		return bufio.NewReader(strings.NewReader("")), func() {}, nil
	}
	body, err := in.Open(ctx)
	if err != nil {
		return nil, nil, err
	}
	done = func() { body.Close() } // it was read, or is given up
	data = bufio.NewReader(contextio.NewReader(ctx, body))
	head, err := data.Peek(2)
	if err != nil && err != io.EOF {
		done()
		return nil, nil, err
	}
	if bytes.Equal(head, []byte("\x1f\x8b")) {
		plain, err := gzip.NewReader(data)
		if err != nil {
			done()
			return nil, nil, fmt.Errorf("it is no good gzip: %w", ErrCutShort)
		}
		data = bufio.NewReader(plain)
	}
	return data, done, nil
}

// reported says what a report of a failure says, as far as a person may see it.
func reported(s *control.Status) string {
	if s == nil {
		return "without a reason"
	}
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r == '\x7f' {
			return ' '
		}
		return r
	}, s.Code+" "+s.Description)
	return nhsnumber.Mask(strings.TrimSpace(text))
}

// store keeps a copy of a list that is good. What is kept already stays: the same message gives the
// same names.
func (e *Exchange) store(
	ctx context.Context,
	in *Incoming,
	localID string,
	data io.Reader,
) error {
	folder := filepath.Join(e.folder, answersFolder)
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("cannot make %s: %w", folder, atomicfile.Cause(err))
	}
	base := filepath.Join(folder, localID+"-"+lettersOf(in.identity()))
	if _, err := os.Stat(base + ".json"); err == nil {
		return nil
	}
	a := &Answer{Name: in.Name, LocalID: localID}
	if in.Control.Status != nil {
		a.Made = in.Control.Status.Time
	}
	described := storedAnswer{Schema: answerSchema, LocalID: localID, Made: a.Made}
	err := writeFile(base+".dat", func(w io.Writer) error {
		counted := &countingWriter{to: w}
		_, err := e.readAnswer(ctx, a, io.TeeReader(data, counted))
		described.Bytes = counted.written
		return err
	})
	if err != nil {
		return err
	}
	return writeFile(base+".json", func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(described)
	})
}

// countingWriter counts what it passes on, in bytes.
type countingWriter struct {
	to      io.Writer
	written int64
}

func (w *countingWriter) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	w.written += int64(n)
	return n, err
}

// writeFile writes one file, complete or not at all, over one that exists.
func writeFile(path string, write func(io.Writer) error) error {
	file, err := atomicfile.Create(path, true)
	if err != nil {
		return err
	}
	defer file.Discard()
	if err := write(file); err != nil {
		return err
	}
	return atomicfile.Commit(file)
}

// lettersOf is a short name for a text, without digits.
func lettersOf(text string) string {
	digest := sha256.Sum256([]byte(text))
	var letters strings.Builder
	for _, b := range digest[:8] {
		letters.WriteByte('a' + b>>4)
		letters.WriteByte('a' + b&15)
	}
	return letters.String()
}

// MostBytes is more than any message about the request has, in bytes: a list with every number, or a
// receipt.
func (e *Exchange) MostBytes() int64 { return int64(e.Numbers)*(lineSize+1) + 1<<20 }

// stored lists the descriptions of the lists that are kept, by the paths of their data.
func (e *Exchange) stored() (map[string]storedAnswer, error) {
	folder := filepath.Join(e.folder, answersFolder)
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read %s: %w", folder, atomicfile.Cause(err))
	}
	found := make(map[string]storedAnswer)
	for _, entry := range entries {
		base, described := strings.CutSuffix(entry.Name(), ".json")
		if !described {
			continue
		}
		path := filepath.Join(folder, entry.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", path, atomicfile.Cause(err))
		}
		var a storedAnswer
		if json.Unmarshal(text, &a) != nil || a.Schema != answerSchema {
			return nil, fmt.Errorf("%s: %w", path, ErrRequest)
		}
		found[filepath.Join(folder, base+".dat")] = a
	}
	return found, nil
}

// ReadStored reads all lists that are kept. The errors are those of Read.
func (e *Exchange) ReadStored(ctx context.Context) error {
	stored, err := e.stored()
	if err != nil {
		return err
	}
	for _, path := range slices.Sorted(maps.Keys(stored)) {
		if err := e.readStored(ctx, path, stored[path]); err != nil {
			return err
		}
	}
	return nil
}

func (e *Exchange) readStored(ctx context.Context, path string, described storedAnswer) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", path, atomicfile.Cause(err))
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.Size() != described.Bytes {
		return fmt.Errorf("%s: %w", path, ErrPart)
	}
	a := &Answer{Name: path, LocalID: described.LocalID, Made: described.Made}
	return e.Read(ctx, a, file)
}

// Unanswered counts the parts of which no list is kept.
func (e *Exchange) Unanswered() (int, error) {
	stored, err := e.stored()
	if err != nil {
		return 0, err
	}
	answered := map[string]bool{}
	for _, a := range stored {
		answered[a.LocalID] = true
	}
	return len(e.Parts) - len(answered), nil
}
