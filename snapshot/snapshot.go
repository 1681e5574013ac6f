// Package snapshot makes, opens and asks the signed files that say who has opted out, as of a time.
// It knows no dataset.
//
// A publisher reads lists of numbers (ReadList), and Write turns them into a snapshot signed with a
// minisign key. The program that applies the opt-outs loads the keys to be trusted
// (TrustedKeyFiles, LoadKeys), opens the snapshot (Open), holds it against a Policy (freshness,
// rollback) and then calls LookUp:
//
//	files, err := snapshot.TrustedKeyFiles(nil)
//	keys, err := snapshot.LoadKeys(files)
//	…
//	s, err := snapshot.Open("optouts.noo", keys)
//	…
//	if err := (snapshot.Policy{Seen: seen}).Check(s); err != nil …
//	s.LookUp(numbers, standings)
//
// Combine makes one of several: all who have opted out in any of them.
//
// Nothing in a file is parsed, shown or believed before its signature has been verified over the
// very bytes. Whatever is wrong with a snapshot is a *Refusal, and each reason has an error of its
// own. SPEC.md beside this file is the format.
//
// The package never puts an NHS number or a key made from one into an error.
package snapshot

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"aead.dev/minisign"

	"noo/snapshot/internal/frame"
)

// Snapshot is a snapshot whose signature and structure have been verified. It is safe for
// concurrent use. That it is also fresh enough to be relied on is for a Policy to say.
type Snapshot struct {
	path     string
	data     []byte
	content  *frame.Content
	sections [][]byte
	manifest Manifest
	optedOut index
	checked  index
}

// Open reads and verifies the snapshot at path, which must be signed with one of the trusted keys.
// Every error is a *Refusal, that of a missing or unreadable file included. The whole file is held
// in memory.
func Open(path string, trusted []minisign.PublicKey) (*Snapshot, error) {
	return OpenThrough(path, trusted, nil)
}

// OpenThrough is Open for a file that may hold the snapshot in another form, such as encrypted:
// through returns a reader of the snapshot itself, from one of the file. Nothing that comes out of
// it is believed before its signature is verified. Errors of through, and of its reader, come back
// as they are; the *Refusals among them get the path.
func OpenThrough(
	path string,
	trusted []minisign.PublicKey,
	through func(io.Reader) (io.Reader, error),
) (*Snapshot, error) {
	data, err := form.Read(path, through)
	if err != nil {
		return nil, err
	}
	s, err := Parse(data, trusted)
	if err != nil {
		return nil, form.At(path, err)
	}
	s.path = path
	return s, nil
}

// Parse verifies a snapshot that is in memory. Every error is a *Refusal. The Snapshot keeps data,
// which must not be changed afterwards.
func Parse(data []byte, trusted []minisign.PublicKey) (*Snapshot, error) {
	if len(trusted) == 0 {
		return nil, noKeys()
	}
	content, err := form.Open(data, trusted)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{data: data, content: content}
	if err := s.parse(); err != nil {
		return nil, refuse(
			ErrMalformed,
			"%v; ask the publisher to build it again with a current noo",
			err,
		)
	}
	return s, nil
}

// parse reads what is verified. Its errors say how the format was broken.
func (s *Snapshot) parse() error {
	text, err := s.content.Manifest()
	if err != nil {
		return err
	}
	if s.manifest, err = parseManifest(text); err != nil {
		return err
	}
	if s.content.TrustedComment != s.manifest.trustedComment() {
		return errors.New("the trusted comment of its signature does not name its id and sequence")
	}
	if s.sections, err = s.content.Sections(s.manifest.Sections); err != nil {
		return err
	}
	if err := s.parseSections(); err != nil {
		return err
	}
	if s.manifest.Scope == Checked && !s.optedOut.within(&s.checked) {
		return ErrOutsideChecked
	}
	return nil
}

// parseSections reads the sets.
func (s *Snapshot) parseSections() error {
	digits := newCheckDigits()
	for i, section := range s.manifest.Sections {
		set := &s.optedOut
		if i == 1 {
			set = &s.checked
		}
		if err := set.decode(s.sections[i], digits); err != nil {
			return fmt.Errorf("section %q: %w", section.Name, err)
		}
		if section.Count != set.count {
			return fmt.Errorf(
				"section %q holds another count of numbers than the manifest says",
				section.Name,
			)
		}
	}
	return nil
}

// Parts are the pieces of a snapshot file, from which a delta puts the next one together.
type Parts struct {
	Head     []byte   // all before the first section, without the padding after it
	Sections [][]byte // in the order of the manifest, without padding
	Tail     []byte   // the signature, and all behind it
}

// Parts returns the pieces of the file. They must not be changed.
func (s *Snapshot) Parts() Parts { return Parts{s.content.Head(), s.sections, s.content.Tail} }

// Join returns the file with the parts.
func (p Parts) Join() []byte { return append(frame.Join(p.Head, p.Sections), p.Tail...) }

// Path is the path that Open was given, or "".
func (s *Snapshot) Path() string { return s.path }

// WriteTo writes the file as it was signed.
func (s *Snapshot) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(s.data)
	return int64(n), err
}

// Manifest is what the snapshot says about itself. The caller must not change its Sections.
func (s *Snapshot) Manifest() Manifest { return s.manifest }

// KeyID names the key that signed the snapshot, as minisign writes it: 16 hexadecimal digits, upper
// case.
func (s *Snapshot) KeyID() string { return FormatKeyID(s.content.KeyID) }

// Size is the length of the file in bytes.
func (s *Snapshot) Size() int64 { return int64(len(s.data)) }

// SHA256 is the digest of the whole file. It is computed at each call, at about a core a second for
// 1.7 GB.
func (s *Snapshot) SHA256() [sha256.Size]byte { return sha256.Sum256(s.data) }

// FormatKeyID writes a minisign key id as 16 hexadecimal digits, upper case.
func FormatKeyID(id uint64) string { return frame.FormatKeyID(id) }
