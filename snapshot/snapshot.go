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
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"

	"aead.dev/minisign"
)

// The frame of the file; SPEC.md has the picture.
const (
	magic         = "NOOSNAP1"
	trailerMagic  = "NOOS"
	headerLength  = len(magic) + 4
	trailerLength = 4 + len(trailerMagic)
	alignment     = 8

	maxManifest  = 64 << 10
	maxSignature = 1 << 10
	// maxSize is above the largest snapshot that can be: two sets in which every one of the 15,259
	// containers up to MaxKey takes its full 8 KiB come to 251 MB. It bounds the memory that a
	// wrong file can ask for.
	maxSize = 256 << 20
)

// Snapshot is a snapshot whose signature and structure have been verified. It is safe for
// concurrent use. That it is also fresh enough to be relied on is for a Policy to say.
type Snapshot struct {
	path     string
	data     []byte
	keyID    uint64
	manifest Manifest
	optedOut index
	checked  index
}

// Open reads and verifies the snapshot at path, which must be signed with one of the trusted keys.
// Every error is a *Refusal, that of a missing or unreadable file included. The whole file is held
// in memory.
func Open(path string, trusted []minisign.PublicKey) (*Snapshot, error) {
	data, err := readFile(path)
	if err == nil {
		var s *Snapshot
		if s, err = Parse(data, trusted); err == nil {
			s.path = path
			return s, nil
		}
	}
	var refusal *Refusal
	if errors.As(err, &refusal) {
		refusal.Path = path
	}
	return nil, err
}

// Parse verifies a snapshot that is in memory. Every error is a *Refusal. The Snapshot keeps data,
// which must not be changed afterwards.
func Parse(data []byte, trusted []minisign.PublicKey) (*Snapshot, error) {
	signed, signature, err := split(data)
	if err != nil {
		return nil, err
	}
	if err := verify(signed, signature, trusted); err != nil {
		return nil, err
	}
	s := &Snapshot{data: data, keyID: signature.KeyID}
	if err := s.parse(signed, signature.TrustedComment); err != nil {
		return nil, refuse(
			ErrMalformed,
			"%v; ask the publisher to build it again with a current noo",
			err,
		)
	}
	return s, nil
}

// split takes a file apart by its frame alone: the signed bytes and the signature after them.
func split(data []byte) ([]byte, *minisign.Signature, error) {
	switch {
	case len(data) == 0:
		return nil, nil, refuse(ErrDamaged, "the file is empty; fetch it again")
	case !bytes.HasPrefix(data, []byte(magic)[:min(len(magic), len(data))]):
		return nil, nil, refuse(
			ErrNotSnapshot,
			"it does not begin as a snapshot of format 1; give a .noo file, or use a noo that knows its format",
		)
	case len(data) < headerLength+trailerLength || string(data[len(data)-len(trailerMagic):]) != trailerMagic:
		return nil, nil, refuse(ErrDamaged, "its end is not the end of a snapshot; fetch it again")
	}
	end := len(data) - trailerLength
	length := binary.LittleEndian.Uint32(data[end:])
	if length == 0 || length > maxSignature || int(length) > end-headerLength {
		return nil, nil, refuse(
			ErrDamaged,
			"the length of its signature cannot be right; fetch it again",
		)
	}
	start := end - int(length)
	signature, err := parseSignature(data[start:end])
	if err != nil {
		return nil, nil, err
	}
	return data[:start], signature, nil
}

// parse reads what is verified. Its errors say how the format was broken.
func (s *Snapshot) parse(signed []byte, trustedComment string) error {
	if len(signed) < headerLength {
		return errors.New("it has no manifest")
	}
	length := binary.LittleEndian.Uint32(signed[len(magic):])
	if length == 0 || length > maxManifest || int(length) > len(signed)-headerLength {
		return errors.New("the length of its manifest is out of range")
	}
	var err error
	if s.manifest, err = parseManifest(signed[headerLength : headerLength+int(length)]); err != nil {
		return err
	}
	if trustedComment != s.manifest.trustedComment() {
		return errors.New("the trusted comment of its signature does not name its id and sequence")
	}
	if err := s.parseSections(signed, headerLength+int(length)); err != nil {
		return err
	}
	if s.manifest.Scope == Checked && !s.optedOut.within(&s.checked) {
		return ErrOutsideChecked
	}
	return nil
}

// parseSections reads the sections, which with their zero padding must fill the signed bytes from
// end, where the manifest ends.
func (s *Snapshot) parseSections(signed []byte, end int) error {
	digits := newCheckDigits()
	for i, section := range s.manifest.Sections {
		start := align(end)
		if section.Offset != uint64(start) || start > len(signed) ||
			section.Length > uint64(len(signed)-start) {
			return fmt.Errorf("section %q is not where it belongs", section.Name)
		}
		if !allZero(signed[end:start]) {
			return fmt.Errorf("the padding before section %q is not zero", section.Name)
		}
		end = start + int(section.Length)
		set := &s.optedOut
		if i == 1 {
			set = &s.checked
		}
		if err := set.decode(signed[start:end], digits); err != nil {
			return fmt.Errorf("section %q: %w", section.Name, err)
		}
		if section.Count != set.count {
			return fmt.Errorf(
				"section %q holds another count of numbers than the manifest says",
				section.Name,
			)
		}
	}
	if len(signed) != align(end) || !allZero(signed[end:]) {
		return errors.New("something other than padding follows its last section")
	}
	return nil
}

// readFile reads the file at path, with a bound.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, unreadable(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, unreadable(err)
	}
	if info.IsDir() {
		return nil, refuse(ErrUnreadable, "it is a folder; name the .noo file itself")
	}
	if info.Size() > maxSize {
		return nil, refuse(
			ErrNotSnapshot,
			"it is larger than any snapshot can be; give a .noo file",
		)
	}
	var buffer bytes.Buffer
	buffer.Grow(int(info.Size()) + bytes.MinRead)
	if _, err := buffer.ReadFrom(io.LimitReader(file, maxSize+1)); err != nil {
		return nil, unreadable(err)
	}
	if buffer.Len() > maxSize {
		return nil, refuse(
			ErrNotSnapshot,
			"it is larger than any snapshot can be; give a .noo file",
		)
	}
	return buffer.Bytes(), nil
}

// unreadable turns a file system error into a refusal. The path is left to Open, which names it as
// the user did.
func unreadable(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return refuse(ErrMissing, "check the name, or fetch the snapshot from its publisher")
	}
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return refuse(ErrUnreadable, "%v; check who may read it", err)
}

// Manifest is what the snapshot says about itself. The caller must not change its Sections.
func (s *Snapshot) Manifest() Manifest { return s.manifest }

// KeyID names the key that signed the snapshot, as minisign writes it: 16 hexadecimal digits, upper
// case.
func (s *Snapshot) KeyID() string { return FormatKeyID(s.keyID) }

// Size is the length of the file in bytes.
func (s *Snapshot) Size() int64 { return int64(len(s.data)) }

// SHA256 is the digest of the whole file. It is computed at each call, at about a core a second for
// 1.7 GB.
func (s *Snapshot) SHA256() [sha256.Size]byte { return sha256.Sum256(s.data) }

// FormatKeyID writes a minisign key id as 16 hexadecimal digits, upper case.
func FormatKeyID(id uint64) string { return fmt.Sprintf("%016X", id) }

// align returns the next multiple of the alignment.
func align(n int) int {
	if n > math.MaxInt-alignment {
		return math.MaxInt
	}
	return (n + alignment - 1) &^ (alignment - 1)
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
