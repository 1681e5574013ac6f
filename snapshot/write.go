// Writing a snapshot. The same manifest, sets and key give the same bytes: Ed25519 signatures are
// deterministic.

package snapshot

import (
	"errors"
	"fmt"
	"io"

	"aead.dev/minisign"

	"noo/internal/kind"
)

// Errors that Write returns for sets that no snapshot may hold.
var (
	// ErrOutsideChecked is a set of who has opted out that is no part of the set of who was looked
	// up.
	ErrOutsideChecked = kind.New(kind.Input, "opted_out holds numbers that are not in checked")
	// ErrNobody is a national or local snapshot in which nobody has opted out: it would let
	// everybody's record pass, or do nothing, and is far more likely a list that went missing.
	ErrNobody = kind.New(kind.Input, "nobody has opted out in it: check the lists")
)

// Sets are the numbers in a snapshot.
type Sets struct {
	OptedOut *Set // who has opted out; never nil
	Checked  *Set // who was looked up, all of OptedOut included; nil unless the scope is Checked
}

// Write writes the snapshot that m and sets describe to w, signed with key, and returns the
// manifest as it was written: m's Format and Sections are set here, its ID, and its Sequence where
// they are empty or zero; see Manifest. The result is the same for the same input. Write goes to w
// in one piece, so that an error before leaves w untouched.
func Write(w io.Writer, m Manifest, sets Sets, key minisign.PrivateKey) (Manifest, error) {
	m, err := m.complete()
	if err != nil {
		return m, err
	}
	encoded, err := encodeSets(&m, sets)
	if err != nil {
		return m, err
	}
	if err := m.validate(); err != nil {
		return m, fmt.Errorf("cannot build the snapshot: %w", err)
	}
	file, err := form.Write(m.Sections, encoded, m.encode, m.trustedComment(), key)
	if err != nil {
		return m, fmt.Errorf("cannot build the snapshot: %w", err)
	}
	_, err = w.Write(file)
	return m, err
}

// encodeSets checks the sets against the scope, serialises them and notes their names, lengths and
// counts.
func encodeSets(m *Manifest, sets Sets) ([][]byte, error) {
	if sets.OptedOut == nil || (sets.Checked != nil) != (m.Scope == Checked) {
		return nil, errors.New("cannot build the snapshot: its sets are not those of its scope")
	}
	if m.Scope != Checked && sets.OptedOut.Len() == 0 {
		return nil, fmt.Errorf("cannot build the snapshot: %w", ErrNobody)
	}
	if m.Scope == Checked && !sets.OptedOut.Within(sets.Checked) {
		return nil, fmt.Errorf("cannot build the snapshot: %w", ErrOutsideChecked)
	}
	m.Sections = nil
	var encoded [][]byte
	digits := newCheckDigits()
	for i, set := range []*Set{sets.OptedOut, sets.Checked} {
		if set == nil {
			continue
		}
		data, err := set.Encode()
		if err != nil {
			return nil, fmt.Errorf("cannot build the snapshot: %w", err)
		}
		// What Open would refuse must not be written: a Set takes any key.
		if err := new(index).decode(data, digits); err != nil {
			return nil, fmt.Errorf("cannot build the snapshot: %w", err)
		}
		name := []string{sectionOptedOut, sectionChecked}[i]
		m.Sections = append(
			m.Sections,
			Section{Name: name, Length: uint64(len(data)), Count: set.Len()},
		)
		encoded = append(encoded, data)
	}
	return encoded, nil
}
