// What the tests of this package share: a fixed key, numbers made from a seed, and a small
// snapshot. Every number is from the range that is never issued, or made at run time.

package snapshot

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"noo/internal/nhsnumber"

	"aead.dev/minisign"
)

var (
	created    = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	validUntil = created.Add(DefaultMaxAge)
)

// fixedKey is a minisign key whose seed is 32 times the given byte and whose id repeats it too.
func fixedKey(t testing.TB, seed byte) minisign.PrivateKey {
	t.Helper()
	raw := make([]byte, 158)
	copy(raw, "Ed\x00\x00B2")
	binary.LittleEndian.PutUint64(raw[54:], 0x0101010101010101*uint64(seed))
	copy(raw[62:], ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)))
	var key minisign.PrivateKey
	if err := key.UnmarshalText([]byte(base64.StdEncoding.EncodeToString(raw))); err != nil {
		t.Fatal(err)
	}
	return key
}

func public(key minisign.PrivateKey) []minisign.PublicKey {
	return []minisign.PublicKey{key.Public().(minisign.PublicKey)}
}

// draw returns a random key of a number that can be issued: 400–499M or 600–799M.
func draw(r *rand.Rand) nhsnumber.Key {
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

// drawSet returns count keys that can be issued.
func drawSet(count uint64) *Set {
	r := rand.New(rand.NewPCG(1, count))
	set := new(Set)
	for set.Len() < count {
		batch := make([]nhsnumber.Key, count-set.Len())
		for i := range batch {
			batch[i] = draw(r)
		}
		set.Add(batch...)
	}
	return set
}

// testKeys returns the valid keys from 900,000,000+from on, step apart.
func testKeys(from, step uint32, count int) []nhsnumber.Key {
	var keys []nhsnumber.Key
	for key := 900_000_000 + from; len(keys) < count; key += step {
		if _, ok := nhsnumber.CheckDigit(key); ok && key%111_111_111 != 0 {
			keys = append(keys, key)
		}
	}
	return keys
}

// small is a snapshot of both sections and of all kinds of containers.
func small() (Manifest, Sets) {
	m := Manifest{ID: "golden-1", Publisher: "Example Trust “north”", Scope: Checked, Created: created, ValidUntil: validUntil}
	optedOut := NewSet(testKeys(0, 1000, 20)...)
	optedOut.Add(testKeys(70_000_000, 3_000_000, 5)...)
	checked := NewSet(testKeys(0, 100, 400)...)
	checked.Add(testKeys(200_000, 1, 5000)...) // more than an array container takes
	checked.Add(testKeys(300_000, 1, 9)...)    // a run
	checked.Union(optedOut)
	return m, Sets{OptedOut: optedOut, Checked: checked}
}

func write(t testing.TB, m Manifest, sets Sets, key minisign.PrivateKey) []byte {
	t.Helper()
	var file bytes.Buffer
	if _, err := Write(&file, m, sets, key); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// national is a snapshot of count random numbers.
func national(t testing.TB, count uint64, key minisign.PrivateKey) []byte {
	t.Helper()
	m := Manifest{Scope: National, Created: created, ValidUntil: validUntil}
	return write(t, m, Sets{OptedOut: drawSet(count)}, key)
}
