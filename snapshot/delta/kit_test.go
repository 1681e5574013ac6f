// What the tests of this package share: a key, and snapshots made from a seed. Numbers are made at
// run time, and none is printed.

package delta

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"aead.dev/minisign"

	"noo/internal/nhsnumber"
	"noo/snapshot"
)

var created = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newKey(t testing.TB) (minisign.PrivateKey, []minisign.PublicKey) {
	t.Helper()
	key, err := snapshot.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key, []minisign.PublicKey{key.Public().(minisign.PublicKey)}
}

// drawKey returns the key of a number that can be issued: 400–499M or 600–799M.
func drawKey(r *rand.Rand) nhsnumber.Key {
	for {
		key := 400_000_000 + r.Uint32N(300_000_000)
		if key >= 500_000_000 {
			key += 100_000_000
		}
		if _, ok := nhsnumber.CheckDigit(key); ok && key%111_111_111 != 0 {
			return key
		}
	}
}

func drawSet(r *rand.Rand, count int) *snapshot.Set {
	keys := make([]nhsnumber.Key, count)
	for i := range keys {
		keys[i] = drawKey(r)
	}
	return snapshot.NewSet(keys...)
}

// union returns the numbers in any of the sets.
func union(sets ...*snapshot.Set) *snapshot.Set {
	all := snapshot.NewSet()
	for _, set := range sets {
		all.Union(set)
	}
	return all
}

// build returns the file of a snapshot. checked is nil but in scope checked.
func build(
	t testing.TB,
	key minisign.PrivateKey,
	sequence uint64,
	optedOut, checked *snapshot.Set,
) []byte {
	t.Helper()
	m := snapshot.Manifest{
		ID: fmt.Sprint("snapshot-", sequence), Publisher: "Example Trust",
		Scope: snapshot.National, Sequence: sequence,
		Created: created, ValidUntil: created.Add(snapshot.DefaultMaxAge),
	}
	if checked != nil {
		m.Scope = snapshot.Checked
	}
	var file bytes.Buffer
	sets := snapshot.Sets{OptedOut: optedOut, Checked: checked}
	if _, err := snapshot.Write(&file, m, sets, key); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func parse(t testing.TB, file []byte, trusted []minisign.PublicKey) *snapshot.Snapshot {
	t.Helper()
	s, err := snapshot.Parse(file, trusted)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// diff returns the file of a delta.
func diff(t testing.TB, old, fresh []byte, key minisign.PrivateKey) []byte {
	t.Helper()
	trusted := []minisign.PublicKey{key.Public().(minisign.PublicKey)}
	var file bytes.Buffer
	if _, err := Write(&file, parse(t, old, trusted), parse(t, fresh, trusted), key); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// apply returns the file that a delta makes of another.
func apply(t testing.TB, old, file []byte, trusted []minisign.PublicKey) ([]byte, error) {
	t.Helper()
	d, err := Parse(file, trusted)
	if err != nil {
		return nil, err
	}
	fresh, err := d.Apply(parse(t, old, trusted), trusted)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	_, err = fresh.WriteTo(&out)
	return out.Bytes(), err
}
