// The manifest of a delta. As for snapshots, there is one way to spell each, and a reader accepts
// no other.

package delta

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"noo/snapshot"
	"noo/snapshot/internal/frame"
)

// Format is the version of the file format that this package writes and reads.
const Format = 1

// The names of the sections that every delta has. Those of the snapshot follow.
const (
	sectionHead = "head"
	sectionTail = "tail"
)

const (
	maxSections = 16
	maxName     = 32 // bytes
)

// Manifest describes a delta.
type Manifest struct {
	Format   int       `json:"format"`   // always 1
	Old      State     `json:"old"`      // the snapshot that it changes
	New      State     `json:"new"`      // the snapshot that it gives
	Sections []Section `json:"sections"` // head, tail, then one for each section of the snapshots
}

// State names a snapshot.
type State struct {
	ID       string `json:"id"`
	Sequence uint64 `json:"sequence"`
	SHA256   string `json:"sha256"` // of the whole file, in lower-case hexadecimal digits
}

// Section describes one section of the file.
type Section = frame.Section

// Changes is how many numbers come or go, summed over the sections.
func (m Manifest) Changes() (count uint64) {
	for _, section := range m.Sections {
		count += section.Count
	}
	return count
}

func stateOf(s *snapshot.Snapshot) State {
	m, digest := s.Manifest(), s.SHA256()
	return State{ID: m.ID, Sequence: m.Sequence, SHA256: hex.EncodeToString(digest[:])}
}

// sameNames reports whether two lists of sections have the same names.
func sameNames(a, b []Section) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name != b[i].Name {
			return false
		}
	}
	return true
}

func (m Manifest) encode() ([]byte, error) { return frame.EncodeManifest(m) }

// parseManifest reads a manifest in its one spelling.
func parseManifest(text []byte) (Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return m, errors.New("its manifest is not the JSON that it should be")
	}
	again, err := m.encode()
	if err != nil || !bytes.Equal(again, text) {
		return m, errors.New("its manifest is not spelled as the format asks")
	}
	return m, m.validate()
}

// validate checks every field but the sections' places.
func (m Manifest) validate() error {
	if m.Format != Format {
		return fmt.Errorf("its manifest is of format %d, not %d", m.Format, Format)
	}
	for _, state := range []State{m.Old, m.New} {
		switch {
		case !snapshot.ValidID(state.ID):
			return errors.New("an id is not that of a snapshot")
		case state.Sequence < 1 || state.Sequence > snapshot.MaxSequence:
			return errors.New("a sequence is out of range")
		case !validDigest(state.SHA256):
			return errors.New("a digest is not 64 hexadecimal digits")
		}
	}
	return m.validateNames()
}

// validateNames checks that head and tail are there, and that the names of the rest are names.
// Which of these there are, the snapshot that the delta is for says.
func (m Manifest) validateNames() error {
	sections := m.Sections
	if len(sections) < 3 || len(sections) > maxSections ||
		sections[0].Name != sectionHead || sections[1].Name != sectionTail {
		return errors.New("its sections are not those of a delta")
	}
	if sections[0].Count != 0 || sections[1].Count != 0 {
		return errors.New("its head and tail hold no numbers")
	}
	for _, section := range sections[2:] {
		if section.Name == "" || len(section.Name) > maxName ||
			strings.Trim(section.Name, "abcdefghijklmnopqrstuvwxyz_") != "" {
			return errors.New("a section has no proper name")
		}
	}
	return nil
}

func validDigest(text string) bool {
	_, err := hex.DecodeString(text)
	return err == nil && len(text) == 64 && strings.ToLower(text) == text
}

// trustedComment is what the signature says of the delta, so that minisign alone shows it.
func (m Manifest) trustedComment() string {
	return fmt.Sprintf(
		"noo delta from:%s/%d to:%s/%d", m.Old.ID, m.Old.Sequence, m.New.ID, m.New.Sequence,
	)
}
