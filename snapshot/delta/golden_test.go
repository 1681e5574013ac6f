package delta

// The test vector of SPEC.md.

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"flag"
	"os"
	"testing"
	"time"

	"aead.dev/minisign"

	"noo/internal/nhsnumber"
	"noo/snapshot"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenKey is the key of SPEC.md: its seed is 32 bytes 0x42, its id 8 bytes 0x42.
func goldenKey(t testing.TB) minisign.PrivateKey {
	t.Helper()
	raw := make([]byte, 158)
	copy(raw, "Ed\x00\x00B2")
	binary.LittleEndian.PutUint64(raw[54:], 0x4242424242424242)
	copy(raw[62:], ed25519.NewKeyFromSeed(bytes.Repeat([]byte{0x42}, ed25519.SeedSize)))
	var key minisign.PrivateKey
	if err := key.UnmarshalText([]byte(base64.StdEncoding.EncodeToString(raw))); err != nil {
		t.Fatal(err)
	}
	return key
}

// valid is valid(a, s, n) of SPEC.md.
func valid(start, step uint32, count int) (keys []nhsnumber.Key) {
	for key := 900_000_000 + start; len(keys) < count; key += step {
		if _, ok := nhsnumber.CheckDigit(key); ok && key%111_111_111 != 0 {
			keys = append(keys, key)
		}
	}
	return keys
}

// TestGolden holds the writer to the bytes that SPEC.md gives as its test vector.
func TestGolden(t *testing.T) {
	key := goldenKey(t)
	trusted := []minisign.PublicKey{key.Public().(minisign.PublicKey)}
	old, err := os.ReadFile("../testdata/golden.noo")
	if err != nil {
		t.Fatal(err)
	}
	created := time.Date(2026, 1, 9, 3, 4, 5, 0, time.UTC)
	optedOut := snapshot.NewSet(append(valid(0, 1000, 19), valid(70_000_000, 3_000_000, 7)...)...)
	checked := snapshot.NewSet(valid(0, 100, 400)...)
	checked.Add(valid(200_000, 1, 4_000)...)
	checked.Add(valid(300_000, 1, 9)...)
	checked.Union(optedOut)
	var fresh bytes.Buffer
	if _, err := snapshot.Write(&fresh, snapshot.Manifest{
		ID: "golden-2", Scope: snapshot.Checked, Publisher: "Example Trust “north”",
		Created: created, ValidUntil: created.Add(snapshot.DefaultMaxAge),
	}, snapshot.Sets{OptedOut: optedOut, Checked: checked}, key); err != nil {
		t.Fatal(err)
	}
	want := diff(t, old, fresh.Bytes(), key)
	const path = "testdata/golden.noodelta"
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what is written today", path)
	}
	if again, err := apply(t, old, got, trusted); err != nil || !bytes.Equal(again, fresh.Bytes()) {
		t.Errorf("it does not give the new snapshot: %v", err)
	}
}
