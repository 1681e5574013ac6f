// Package delta makes and applies deltas: signed files with what changed from one snapshot to the
// next of the same publisher. A delta is small, and gives exactly the bytes of the next snapshot,
// its signature included, so that a snapshot that came through deltas is the same file as one that
// was fetched whole.
//
//	err := delta.Write(&out, monday, tuesday, key)
//	…
//	d, err := delta.Open("tuesday.noodelta", trusted, nil)
//	tuesday, err := d.Apply(monday, trusted)
//
// A delta is bound to the digest of the snapshot that it changes. Nothing of it is parsed before
// its signature holds, and nothing that it gives is believed before the signature of the next
// snapshot holds as well. One key signs both snapshots and the delta. SPEC.md of package snapshot
// has the format.
//
// The package never puts an NHS number or a key made from one into an error.
package delta

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"aead.dev/minisign"

	"noo/snapshot"
	"noo/snapshot/internal/frame"
)

// The reasons for a *snapshot.Refusal that only deltas have, to test with errors.Is.
var (
	// ErrNotDelta is a file that was never a delta, or one of an unknown format.
	ErrNotDelta = errors.New("it is not a delta")
	// ErrOtherOld is a delta for another snapshot than the one given.
	ErrOtherOld = errors.New("it is for another snapshot")
	// ErrStepBack is a step to a snapshot that is not newer.
	ErrStepBack = errors.New("it is no step forward")
	// ErrOtherKey is a delta or a snapshot that another key signed.
	ErrOtherKey = errors.New("another key signed it")
	// ErrOtherScope is a step to a snapshot of another scope.
	ErrOtherScope = errors.New("its scope is another one")
	// ErrResult is a delta that does not give the snapshot that it names.
	ErrResult = errors.New("it does not give the snapshot that it names")
)

var form = frame.Form{
	Name: "delta", Suffix: ".noodelta",
	Start: "NOODELT1", End: "NOOD",
	Comment:    "signature of a noo delta, format 1",
	ErrForeign: ErrNotDelta,
}

// Delta is a delta whose signature and structure have been verified.
type Delta struct {
	path     string
	keyID    uint64
	manifest Manifest
	// The parts of the new snapshot beside its sets.
	head, tail []byte
	// The numbers that are in one of the two snapshots, for each section.
	changes []*snapshot.Set
}

// Manifest is what the delta says of itself. The caller must not change its Sections.
func (d *Delta) Manifest() Manifest { return d.manifest }

// Write writes the delta that makes fresh of old to w, signed with key. It goes to w in one piece,
// so that an error before leaves w untouched. A pair of snapshots that no delta leads from one to
// the other is a *snapshot.Refusal of fresh.
func Write(w io.Writer, old, fresh *snapshot.Snapshot, key minisign.PrivateKey) (Manifest, error) {
	if err := follows(old, fresh, key); err != nil {
		return Manifest{}, err
	}
	m := Manifest{Format: Format, Old: stateOf(old), New: stateOf(fresh)}
	parts := fresh.Parts()
	data := [][]byte{parts.Head, parts.Tail}
	m.Sections = []Section{
		{Name: sectionHead, Length: uint64(len(parts.Head))},
		{Name: sectionTail, Length: uint64(len(parts.Tail))},
	}
	for i, section := range fresh.Manifest().Sections {
		changed, err := difference(old.Parts().Sections[i], parts.Sections[i])
		if err != nil {
			return m, err
		}
		encoded, err := changed.Encode()
		if err != nil {
			return m, err
		}
		m.Sections = append(m.Sections, Section{
			Name: section.Name, Length: uint64(len(encoded)), Count: changed.Len(),
		})
		data = append(data, encoded)
	}
	file, err := form.Write(m.Sections, data, m.encode, m.trustedComment(), key)
	if err != nil {
		return m, fmt.Errorf("cannot make the delta: %w", err)
	}
	_, err = w.Write(file)
	return m, err
}

// follows refuses a pair of snapshots, of which the second does not follow the first.
func follows(old, fresh *snapshot.Snapshot, key minisign.PrivateKey) error {
	refuse := func(reason error, format string, args ...any) error {
		return &snapshot.Refusal{
			Path: fresh.Path(), Reason: reason, Detail: fmt.Sprintf(format, args...),
		}
	}
	was, is := old.Manifest(), fresh.Manifest()
	if old.KeyID() != fresh.KeyID() || fresh.KeyID() != snapshot.FormatKeyID(key.ID()) {
		return refuse(
			ErrOtherKey, "one key must sign both and the delta; hand out the full snapshot",
		)
	}
	if is.Sequence <= was.Sequence {
		return refuse(
			ErrStepBack,
			"its sequence %d is not above %d of the old one; name the older snapshot first",
			is.Sequence, was.Sequence,
		)
	}
	if was.Scope != is.Scope || !sameNames(was.Sections, is.Sections) {
		return refuse(
			ErrOtherScope, "it is %s after %s; hand out the full snapshot", is.Scope, was.Scope,
		)
	}
	return nil
}

// difference returns the numbers that are in one of two sections.
func difference(a, b []byte) (*snapshot.Set, error) {
	set, err := snapshot.ParseSet(a)
	if err != nil {
		return nil, err
	}
	other, err := snapshot.ParseSet(b)
	if err != nil {
		return nil, err
	}
	set.Toggle(other)
	return set, nil
}

// Open reads and verifies the delta at path, which must be signed with one of the trusted keys.
// through is as for snapshot.OpenThrough. Every other error is a *snapshot.Refusal.
func Open(
	path string,
	trusted []minisign.PublicKey,
	through func(io.Reader) (io.Reader, error),
) (*Delta, error) {
	data, err := form.Read(path, through)
	if err != nil {
		return nil, err
	}
	d, err := Parse(data, trusted)
	if err != nil {
		return nil, form.At(path, err)
	}
	d.path = path
	return d, nil
}

// Parse verifies a delta that is in memory. Every error is a *snapshot.Refusal. The Delta keeps
// data, which must not be changed afterwards.
func Parse(data []byte, trusted []minisign.PublicKey) (*Delta, error) {
	content, err := form.Open(data, trusted)
	if err != nil {
		return nil, err
	}
	d := &Delta{keyID: content.KeyID}
	if err := d.parse(content); err != nil {
		return nil, form.Refuse(
			snapshot.ErrMalformed, "%v; ask the publisher to make it again with a current noo", err,
		)
	}
	if d.manifest.New.Sequence <= d.manifest.Old.Sequence {
		return nil, form.Refuse(
			ErrStepBack,
			"it leads from sequence %d to %d; fetch the full snapshot",
			d.manifest.Old.Sequence, d.manifest.New.Sequence,
		)
	}
	return d, nil
}

// parse reads what is verified. Its errors say how the format was broken.
func (d *Delta) parse(content *frame.Content) error {
	text, err := content.Manifest()
	if err != nil {
		return err
	}
	if d.manifest, err = parseManifest(text); err != nil {
		return err
	}
	if content.TrustedComment != d.manifest.trustedComment() {
		return errors.New("the trusted comment of its signature does not name its two snapshots")
	}
	data, err := content.Sections(d.manifest.Sections)
	if err != nil {
		return err
	}
	d.head, d.tail = data[0], data[1]
	for i, section := range d.manifest.Sections[2:] {
		changed, err := snapshot.ParseSet(data[2+i])
		if err != nil {
			return fmt.Errorf("section %q: %w", section.Name, err)
		}
		if changed.Len() != section.Count {
			return fmt.Errorf(
				"section %q holds another count of numbers than the manifest says", section.Name,
			)
		}
		d.changes = append(d.changes, changed)
	}
	return nil
}

// Apply returns the snapshot that the delta makes of old, verified as snapshot.Parse does with the
// trusted keys. Every error is a *snapshot.Refusal of the delta. Apply changes neither.
func (d *Delta) Apply(
	old *snapshot.Snapshot,
	trusted []minisign.PublicKey,
) (*snapshot.Snapshot, error) {
	fresh, err := d.apply(old, trusted)
	return fresh, form.At(d.path, err)
}

func (d *Delta) apply(
	old *snapshot.Snapshot,
	trusted []minisign.PublicKey,
) (*snapshot.Snapshot, error) {
	if err := d.fits(old); err != nil {
		return nil, err
	}
	parts := snapshot.Parts{Head: d.head, Tail: d.tail}
	for i, section := range old.Parts().Sections {
		set, err := snapshot.ParseSet(section)
		if err != nil {
			return nil, d.failed(err)
		}
		set.Toggle(d.changes[i])
		encoded, err := set.Encode()
		if err != nil {
			return nil, d.failed(err)
		}
		parts.Sections = append(parts.Sections, encoded)
	}
	file := parts.Join()
	if digest := sha256.Sum256(file); hex.EncodeToString(digest[:]) != d.manifest.New.SHA256 {
		return nil, d.failed(errors.New("its digest is another one"))
	}
	fresh, err := snapshot.Parse(file, trusted)
	if err != nil {
		if refusal, ok := errors.AsType[*snapshot.Refusal](err); ok {
			err = refusal.Reason
		}
		return nil, d.failed(err)
	}
	return fresh, d.gives(old, fresh)
}

// fits refuses a snapshot that the delta is not for.
func (d *Delta) fits(old *snapshot.Snapshot) error {
	m := d.manifest
	switch got := stateOf(old); {
	case got.SHA256 == m.New.SHA256:
		return form.Refuse(ErrOtherOld, "its changes are in that snapshot already")
	case got.SHA256 != m.Old.SHA256:
		return form.Refuse(
			ErrOtherOld,
			"it changes sequence %d (id %s); apply deltas in order, or fetch the full snapshot",
			m.Old.Sequence, m.Old.ID,
		)
	case got != m.Old:
		return d.failed(errors.New("it calls the old snapshot by another id or sequence"))
	case old.KeyID() != frame.FormatKeyID(d.keyID):
		return form.Refuse(
			ErrOtherKey, "key %s, and not that of the snapshot; fetch the full snapshot",
			frame.FormatKeyID(d.keyID),
		)
	case !sameNames(old.Manifest().Sections, m.Sections[2:]):
		return form.Refuse(ErrOtherScope, "fetch the full snapshot")
	}
	return nil
}

// gives refuses a result that is not what the delta says, or does not follow the old snapshot.
func (d *Delta) gives(old, fresh *snapshot.Snapshot) error {
	switch {
	case stateOf(fresh) != d.manifest.New:
		return d.failed(errors.New("it calls the new snapshot by another id or sequence"))
	case fresh.KeyID() != old.KeyID():
		return form.Refuse(
			ErrOtherKey, "the new snapshot has key %s; fetch the full snapshot", fresh.KeyID(),
		)
	case fresh.Manifest().Scope != old.Manifest().Scope:
		return form.Refuse(ErrOtherScope, "fetch the full snapshot")
	}
	return nil
}

func (d *Delta) failed(err error) error {
	return form.Refuse(ErrResult, "%v; fetch the full snapshot", err)
}
