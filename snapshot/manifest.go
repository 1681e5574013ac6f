// The manifest: what a snapshot says about itself. There is one way to spell each manifest, and a
// reader accepts no other, so that two programs can never read two things in one file.

package snapshot

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"noo/internal/nhsnumber"
	"noo/snapshot/internal/frame"
)

// Format is the version of the file format that this package writes and reads.
const Format = 1

// MaxSequence is the largest sequence: every JSON reader holds it exactly.
const MaxSequence = 1<<53 - 1

const (
	maxID        = 64  // bytes
	maxPublisher = 200 // bytes
)

// Scope says what absence from the opted-out set means.
type Scope string

const (
	// National is the scope in which anyone absent has not opted out.
	National Scope = "national"
	// Checked is the scope in which only the numbers in the checked set were looked up; any other
	// is unchecked.
	Checked Scope = "checked"
	// Local is the scope of an organisation's own opt-outs: it adds people to those of other
	// snapshots. Anyone absent is unchecked.
	Local Scope = "local"
)

// The names of the sections.
const (
	sectionOptedOut = "opted_out"
	sectionChecked  = "checked"
)

// Manifest describes a snapshot.
type Manifest struct {
	Format     int       `json:"format"`      // always 1; Write sets it
	ID         string    `json:"id"`          // 1 to 64 of A-Z a-z 0-9 . _ -; Write makes a random one where it is empty
	Publisher  string    `json:"publisher"`   // who signs it, for people: at most 200 bytes of printable text, may be empty
	Scope      Scope     `json:"scope"`       // National, Checked or Local
	Sequence   uint64    `json:"sequence"`    // 1 to MaxSequence, growing; Write takes Created as YYYYMMDDhhmmss where it is 0
	Created    time.Time `json:"created"`     // UTC, whole seconds
	ValidUntil time.Time `json:"valid_until"` // UTC, whole seconds, after Created
	Sections   []Section `json:"sections"`    // opted_out, then checked where the scope has it; Write sets them
}

// Section describes one set in the file.
type Section = frame.Section

// complete fills in what the caller of Write may leave out.
func (m Manifest) complete() (Manifest, error) {
	m.Format = Format
	if m.Created.IsZero() || m.ValidUntil.IsZero() {
		return m, errors.New(
			"cannot build a snapshot without the times from and until which it is valid",
		)
	}
	m.Created = m.Created.UTC().Truncate(time.Second)
	m.ValidUntil = m.ValidUntil.UTC().Truncate(time.Second)
	if m.Sequence == 0 {
		sequence, err := strconv.ParseUint(m.Created.Format("20060102150405"), 10, 64)
		if err != nil {
			return m, errors.New(
				"cannot build a snapshot: the year it is created in has not four digits",
			)
		}
		m.Sequence = sequence
	}
	if m.ID == "" {
		m.ID = randomID()
	}
	return m, nil
}

// randomID draws 32 hexadecimal digits, among which nobody can take ten for an NHS number.
func randomID() string {
	for {
		var random [16]byte
		rand.Read(random[:]) // never fails, see its documentation
		if id := hex.EncodeToString(random[:]); !nhsnumber.Within([]byte(id)) {
			return id
		}
	}
}

// encode writes the one spelling of the manifest.
func (m Manifest) encode() ([]byte, error) { return frame.EncodeManifest(m) }

// parseManifest reads a manifest. That its spelling is the only one rules out unknown and repeated
// fields, fields in another case or order, blanks, and whatever follows it.
func parseManifest(text []byte) (Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return m, errors.New("its manifest is not the JSON that it should be")
	}
	m.Created, m.ValidUntil = m.Created.UTC(), m.ValidUntil.UTC()
	again, err := m.encode()
	if err != nil || !bytes.Equal(again, text) {
		return m, errors.New("its manifest is not spelled as the format asks")
	}
	return m, m.validate()
}

// validate checks every field but the sections' places.
func (m Manifest) validate() error {
	switch {
	case m.Format != Format:
		return fmt.Errorf("its manifest is of format %d, not %d", m.Format, Format)
	case !ValidID(m.ID):
		return fmt.Errorf(
			"its id is not 1 to %d letters, digits, points, hyphens and underscores",
			maxID,
		)
	case !validPublisher(m.Publisher):
		return fmt.Errorf("its publisher is not at most %d bytes of printable text", maxPublisher)
	case m.Scope != National && m.Scope != Checked && m.Scope != Local:
		return errors.New(`its scope is none of "national", "checked" and "local"`)
	case m.Sequence < 1 || m.Sequence > MaxSequence:
		return errors.New("its sequence is out of range")
	case m.Created.Nanosecond() != 0 || m.ValidUntil.Nanosecond() != 0:
		return errors.New("its times are not whole seconds")
	case !m.ValidUntil.After(m.Created):
		return errors.New("it is valid until before it was created")
	}
	return m.validateNames()
}

// validateNames checks that the scope's sections are there, in order.
func (m Manifest) validateNames() error {
	names := []string{sectionOptedOut, sectionChecked}
	if m.Scope != Checked {
		names = names[:1]
	}
	if len(m.Sections) != len(names) {
		return errors.New("its sections are not those of its scope")
	}
	for i, name := range names {
		if m.Sections[i].Name != name {
			return errors.New("its sections are not those of its scope")
		}
	}
	return nil
}

// trustedComment is what the signature says of the snapshot, so that minisign alone shows it.
func (m Manifest) trustedComment() string {
	return fmt.Sprintf("noo snapshot id:%s sequence:%d", m.ID, m.Sequence)
}

// ValidID reports whether an id is spelled as the format asks.
func ValidID(id string) bool {
	if len(id) == 0 || len(id) > maxID {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z',
			'A' <= c && c <= 'Z',
			'0' <= c && c <= '9',
			c == '.',
			c == '_',
			c == '-':
		default:
			return false
		}
	}
	return true
}

// ErrPublisher is the name of a publisher that no snapshot is to be built with.
var ErrPublisher = fmt.Errorf(
	"the publisher must be at most %d bytes of printable text without an NHS number in it",
	maxPublisher,
)

// CheckPublisher returns ErrPublisher for a name that no snapshot is to be built with; "" is none.
func CheckPublisher(name string) error {
	if !validPublisher(name) || nhsnumber.Mask(name) != name {
		return ErrPublisher
	}
	return nil
}

// validPublisher takes printable text only: a terminal must not obey a name.
func validPublisher(name string) bool {
	if len(name) > maxPublisher || !utf8.ValidString(name) {
		return false
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
