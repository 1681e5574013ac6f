package mesh

// A request: the folder with the parts of the list, and request.json, which says what they are.

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"noo/internal/atomicfile"
	"noo/internal/kind"
	"noo/internal/nhsnumber"
	"noo/mesh/control"
)

// RequestSchema names the form of request.json.
const RequestSchema = "noo/mesh-request/v1"

// RequestFile is the name of the file that describes the request, in its folder.
const RequestFile = "request.json"

// Workflow is the workflow id of the national check.
const Workflow = "SPINE_NTT_UPHOLDING"

// DefaultMaxBytes is the largest part, in bytes, unless the user says otherwise: MESH UI carries up
// to 100 MB.
const DefaultMaxBytes = 100_000_000

// maxRequest bounds request.json, in bytes.
const maxRequest = 16 << 20

// Request says what was sent to the national check. It has no NHS number.
type Request struct {
	Schema string `json:"schema"`
	// Created is when the datasets began to be read, UTC, to the second.
	Created time.Time `json:"created"`
	// Mailbox is the mailbox of the organisation, To that of the check, "" where nobody said.
	Mailbox  string  `json:"mailbox"`
	To       string  `json:"to,omitempty"`
	Workflow string  `json:"workflow"`
	Inputs   []Input `json:"inputs"`
	// Numbers counts the distinct numbers of all parts.
	Numbers int    `json:"numbers"`
	Parts   []Part `json:"parts"`
}

// Input is a dataset of which the numbers were collected.
type Input struct {
	Name    string   `json:"name"` // its base name
	Columns []string `json:"columns"`
	Records Records  `json:"records"`
}

// Records counts the records of a dataset. Missing have no number, Invalid something that is none.
// Neither can be looked up. Suspects have a number that the service may refuse, see Suspect.
type Records struct {
	Read     int64 `json:"read"`
	Missing  int64 `json:"missing"`
	Invalid  int64 `json:"invalid"`
	Suspects int64 `json:"suspects"`
}

// Part is one message with a piece of the list. The numbers of all parts are in ascending order.
type Part struct {
	File    string `json:"file"` // in the folder of the request
	Bytes   int64  `json:"bytes"`
	SHA256  string `json:"sha256"` // of the file, in hexadecimal
	Numbers int    `json:"numbers"`
	Subject string `json:"subject"`
	LocalID string `json:"local_id"`
}

// Errors about requests, to test with errors.Is.
var (
	// ErrNoNumbers is a request without a number.
	ErrNoNumbers = kind.New(kind.Input, "no NHS number in the inputs: there is nothing to ask")
	// ErrMaxBytes is a size in which not even one number has room.
	ErrMaxBytes = kind.New(kind.Usage, "a part of so few bytes has no room for a number")
	// ErrNoRequest is a folder without a request.
	ErrNoRequest = kind.New(kind.Input, "no request in it; name a folder of noo mesh request")
	// ErrRequest is a request.json that noo did not write so.
	ErrRequest = kind.New(kind.Input, "not as noo wrote it; make the request again")
	// ErrPart is a part that is not what request.json says.
	ErrPart = kind.New(kind.Input, "changed since noo wrote it; make the request again")
)

// Plan says how the numbers of a request are put into files.
type Plan struct {
	// MaxBytes is the largest part, in bytes; 0 is DefaultMaxBytes.
	MaxBytes int64
	// Take, as TakeNumbers does, reserves the numbers of so many messages of a mailbox in a month, and returns the first.
	Take func(count int) (first int, err error)
	// Path says where a file of the folder is written.
	Path func(name string) (string, error)
}

// Write writes the parts of a request with these numbers and request.json, and returns the sizes of
// all files, in bytes, by their names. It fills in Numbers and Parts.
func (r *Request) Write(
	ctx context.Context,
	numbers *Numbers,
	plan Plan,
) (map[string]int64, error) {
	if plan.MaxBytes == 0 {
		plan.MaxBytes = DefaultMaxBytes
	}
	perPart := int(min(plan.MaxBytes/lineSize, 1<<31-1))
	if perPart < 1 {
		return nil, ErrMaxBytes
	}
	if r.Numbers = numbers.Len(); r.Numbers == 0 {
		return nil, ErrNoNumbers
	}
	count := (r.Numbers + perPart - 1) / perPart
	first, err := plan.Take(count)
	if err != nil {
		return nil, err
	}
	r.Schema, r.Parts = RequestSchema, make([]Part, count)
	for i := range r.Parts {
		r.Parts[i] = r.newPart(first + i)
	}
	if err := r.writeParts(ctx, numbers, perPart, plan.Path); err != nil {
		return nil, err
	}
	return r.writeDescription(plan.Path)
}

// newPart names the message with a number in its month: mailbox, date, number, as the service
// recommends. The local id also has letters drawn at random, so that no other request has the same.
func (r *Request) newPart(number int) Part {
	name := fmt.Sprintf("%s-%s-%04d", r.Mailbox, r.Created.Format("020106"), number)
	return Part{File: name + ".dat", Subject: name, LocalID: name + "-" + randomLetters(8)}
}

// randomLetters draws letters without digits: nobody may take a part of a name for a number.
func randomLetters(n int) string {
	const letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefgh"
	text := make([]byte, n)
	rand.Read(text) // never fails, see its documentation
	for i, b := range text {
		text[i] = letters[b%32]
	}
	return string(text)
}

func (r *Request) writeParts(
	ctx context.Context,
	numbers *Numbers,
	perPart int,
	path func(string) (string, error),
) error {
	out := &partWriter{parts: r.Parts, perPart: perPart, path: path}
	defer out.abandon()
	err := numbers.Each(func(keys []nhsnumber.Key) error {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		return out.write(keys)
	})
	if err != nil {
		return err
	}
	return out.finish()
}

// partWriter writes one part after the other.
type partWriter struct {
	parts   []Part // those that are not finished
	perPart int
	path    func(string) (string, error)
	file    *os.File
	hash    hash.Hash
	lines   []byte
}

// write writes keys to the part at hand, and goes on to the next where it is full.
func (w *partWriter) write(keys []nhsnumber.Key) error {
	for len(keys) > 0 {
		if w.file == nil {
			if err := w.begin(); err != nil {
				return err
			}
		}
		part := &w.parts[0]
		now := keys[:min(len(keys), w.perPart-part.Numbers)]
		keys = keys[len(now):]
		lines, err := appendLines(w.lines[:0], now)
		if err != nil {
			return err
		}
		w.lines = lines
		w.hash.Write(lines)
		if _, err := w.file.Write(lines); err != nil {
			return fmt.Errorf("writing %s: %w", part.File, atomicfile.Cause(err))
		}
		part.Numbers += len(now)
		part.Bytes += int64(len(lines))
		if part.Numbers == w.perPart {
			if err := w.finish(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *partWriter) begin() error {
	path, err := w.path(w.parts[0].File)
	if err != nil {
		return err
	}
	w.file, err = os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing %s: %w", w.parts[0].File, atomicfile.Cause(err))
	}
	w.hash = sha256.New()
	return nil
}

// finish ends the part at hand, if there is one.
func (w *partWriter) finish() error {
	if w.file == nil {
		return nil
	}
	file, part := w.file, &w.parts[0]
	w.file, w.parts = nil, w.parts[1:]
	part.SHA256 = hex.EncodeToString(w.hash.Sum(nil))
	if err := file.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", part.File, atomicfile.Cause(err))
	}
	return nil
}

// abandon closes what was not finished.
func (w *partWriter) abandon() {
	if w.file != nil {
		w.file.Close()
	}
}

// writeDescription writes request.json, and returns the sizes of all files.
func (r *Request) writeDescription(path func(string) (string, error)) (map[string]int64, error) {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, err
	}
	text = append(text, '\n')
	to, err := path(RequestFile)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		return nil, fmt.Errorf("writing %s: %w", RequestFile, atomicfile.Cause(err))
	}
	sizes := map[string]int64{RequestFile: int64(len(text))}
	for _, part := range r.Parts {
		sizes[part.File] = part.Bytes
	}
	return sizes, r.writeControls(path, sizes)
}

// writeControls writes a control file beside each part, if the mailbox of the check is known, and
// adds its size.
func (r *Request) writeControls(
	path func(string) (string, error),
	sizes map[string]int64,
) error {
	if r.To == "" {
		return nil
	}
	for _, part := range r.Parts {
		var text bytes.Buffer
		if err := control.Write(&text, r.Control(part)); err != nil {
			return err
		}
		name := strings.TrimSuffix(part.File, ".dat") + ".ctl"
		to, err := path(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(to, text.Bytes(), 0o600); err != nil {
			return fmt.Errorf("writing %s: %w", name, atomicfile.Cause(err))
		}
		sizes[name] = int64(text.Len())
	}
	return nil
}

// Control is the control file of a part, for the MESH client.
func (r *Request) Control(p Part) *control.Control {
	return &control.Control{
		Version: "1.0", AddressType: "DTS", Type: control.Data,
		From: r.Mailbox, To: r.To, Subject: p.Subject, LocalID: p.LocalID,
		WorkflowID: r.Workflow, Compress: true, AllowChunking: true,
	}
}

// ReadRequest reads the description of the request in a folder. The error wraps ErrNoRequest or
// ErrRequest, or is what the file system said.
func ReadRequest(folder string) (*Request, error) {
	path := filepath.Join(folder, RequestFile)
	file, err := os.Open(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("%s: %w", folder, ErrNoRequest)
	case err != nil:
		return nil, fmt.Errorf("cannot read %s: %w", path, atomicfile.Cause(err))
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxRequest+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, atomicfile.Cause(err))
	}
	r := new(Request)
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if len(text) > maxRequest || decoder.Decode(r) != nil || !r.valid() {
		return nil, fmt.Errorf("%s: %w", path, ErrRequest)
	}
	return r, nil
}

// valid reports whether the description is one that Write makes.
func (r *Request) valid() bool {
	numbers := 0
	if !control.IsMailbox(r.Mailbox) || !control.IsWorkflow(r.Workflow) ||
		r.To != "" && !control.IsMailbox(r.To) {
		return false
	}
	for _, part := range r.Parts {
		if part.File == RequestFile || part.File != filepath.Base(part.File) ||
			part.Numbers < 1 || part.Bytes != int64(part.Numbers)*lineSize || !control.IsWord(part.LocalID) || !control.IsWord(part.Subject) {
			return false
		}
		numbers += part.Numbers
	}
	return r.Schema == RequestSchema && len(r.Parts) > 0 && numbers == r.Numbers &&
		!r.Created.IsZero()
}

// span is where the numbers of a part begin and end.
type span struct{ first, last nhsnumber.Key }

// sent reads the numbers of all parts from the folder, and the span of each part.
func (r *Request) sent(ctx context.Context, folder string) (*Numbers, []span, error) {
	numbers, spans := new(Numbers), make([]span, len(r.Parts))
	for i, part := range r.Parts {
		if err := context.Cause(ctx); err != nil {
			return nil, nil, err
		}
		found, err := part.read(folder, numbers)
		if err != nil {
			return nil, nil, err
		}
		if i > 0 && found.first <= spans[i-1].last {
			return nil, nil, fmt.Errorf("%s: %w", filepath.Join(folder, part.File), ErrPart)
		}
		spans[i] = found
	}
	return numbers, spans, nil
}

// read adds the numbers of a part to a set. It must be what was written.
func (p *Part) read(folder string, to *Numbers) (span, error) {
	path := filepath.Join(folder, p.File)
	file, err := os.Open(path)
	if err != nil {
		return span{}, fmt.Errorf("cannot read %s: %w", path, atomicfile.Cause(err))
	}
	defer file.Close()
	var found span
	digest, count, sorted := sha256.New(), 0, true
	err = readList(io.TeeReader(file, digest), path, func(_ int64, keys []nhsnumber.Key) error {
		for i, key := range keys {
			if count+i > 0 && key <= found.last {
				sorted = false
			}
			if count+i == 0 {
				found.first = key
			}
			found.last = key
		}
		count += len(keys)
		to.Add(keys...)
		return nil
	})
	_, isList := errors.AsType[*ListError](err)
	switch {
	case err != nil && !isList:
		return span{}, fmt.Errorf("reading %s: %w", path, atomicfile.Cause(err))
	case isList, !sorted, count != p.Numbers, hex.EncodeToString(digest.Sum(nil)) != p.SHA256:
		return span{}, fmt.Errorf("%s: %w", path, ErrPart)
	}
	return found, nil
}
