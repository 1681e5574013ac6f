package mesh

// What was sent of a request, and under which ids: sent.json in its folder.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"noo/internal/atomicfile"
)

// sentFile is the name of the file in the folder of a request.
const sentFile = "sent.json"

// sentSchema names the form of sent.json.
const sentSchema = "noo/mesh-sent/v1"

// Sent says of one part that the service, or the folder of the MESH client, has it.
type Sent struct {
	LocalID string `json:"local_id"`
	// MessageID is the id that the service gave the message, "" where the part went to a folder.
	MessageID string    `json:"message_id,omitempty"`
	At        time.Time `json:"at"`
}

// state is what is known of all parts.
type state struct {
	Schema   string `json:"schema"`
	Messages []Sent `json:"messages"`
}

// readState reads sent.json from a folder. Without the file nothing was sent.
func readState(folder string) (state, error) {
	path := filepath.Join(folder, sentFile)
	text, err := os.ReadFile(path)
	var s state
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err != nil:
		return s, fmt.Errorf("cannot read %s: %w", path, atomicfile.Cause(err))
	case json.Unmarshal(text, &s) != nil || s.Schema != sentSchema:
		return s, fmt.Errorf("%s: %w", path, ErrRequest)
	}
	return s, nil
}

// find returns what is known of the part with a local id, nil where it was not sent.
func (s *state) find(localID string) *Sent {
	i := slices.IndexFunc(s.Messages, func(m Sent) bool { return m.LocalID == localID })
	if i < 0 {
		return nil
	}
	return &s.Messages[i]
}

// messageID is the id of the message of a part, "" where nobody knows it.
func (s *state) messageID(localID string) string {
	if m := s.find(localID); m != nil {
		return m.MessageID
	}
	return ""
}

// SentPart returns what is known of a part, nil where it was not sent.
func (e *Exchange) SentPart(p Part) *Sent { return e.state.find(p.LocalID) }

// Note remembers in the folder of the request what became of a part.
func (e *Exchange) Note(m Sent) error {
	if known := e.state.find(m.LocalID); known != nil {
		*known = m
	} else {
		e.state.Messages = append(e.state.Messages, m)
	}
	e.state.Schema = sentSchema
	return writeFile(filepath.Join(e.folder, sentFile), func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(e.state)
	})
}

// PartPath is where the list of a part is.
func (e *Exchange) PartPath(p Part) string { return filepath.Join(e.folder, p.File) }
