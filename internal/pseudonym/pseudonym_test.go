package pseudonym

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"noo/internal/kind"
	"noo/internal/nhsnumber"
)

// The vectors were made with Python's hmac and hashlib, and the first with openssl dgst -mac HMAC.
const (
	vectorKey  = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	vectorSalt = "70657070657220616e642073616c74" // "pepper and salt"
)

var vectors = []struct {
	method Method
	secret string
	number string
	want   string
}{
	{HMAC, vectorKey, "9434765919", "dd5c602eeb31d60c7c0d662c897231dda00e13cdf945b14cad185a4a7125826c"},
	{HMAC, vectorKey, "9995609649", "9789304c65a353ec77b323ed728502e6b86e97803abf8120c50a4159d1c3524d"},
	{SaltBefore, vectorSalt, "9434765919", "6eec1cf2886b7de7e5cfcdc0fb7eb10b227fdc23ce1357675d425c70b296bfb1"},
	{SaltAfter, vectorSalt, "9434765919", "9a22203997564a6a0d13498296037372c40ca6bc5e41c1a4feb36fc9267b6ef9"},
	{Plain, "", "9434765919", "ee17f178e64633e0a1d7921f3f7c2096eb131630bf598d67d95c0f2847e25c09"},
}

func secretOf(t testing.TB, digits string) Secret {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return Secret{b}
}

func tableOf(t testing.TB, m Method, s Secret, keys ...nhsnumber.Key) *Table {
	t.Helper()
	table, err := NewTable(t.Context(), m, s, uint64(len(keys)), slices.Values(keys))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		key, status := nhsnumber.Parse([]byte(v.number))
		if status != nhsnumber.Valid {
			t.Fatal("not a number")
		}
		table := tableOf(t, v.method, secretOf(t, v.secret), key)
		raw, _ := hex.DecodeString(v.want)
		for _, form := range []string{
			v.want, strings.ToUpper(v.want), `\x` + v.want, "0x" + v.want, "0X" + v.want,
			" " + v.want + "\t", string(raw), base64.StdEncoding.EncodeToString(raw),
			base64.URLEncoding.EncodeToString(raw), base64.RawStdEncoding.EncodeToString(raw),
			base64.RawURLEncoding.EncodeToString(raw),
		} {
			if got, status := table.Read([]byte(form)); got != key || status != nhsnumber.Valid {
				t.Errorf("%v: not found in a form of %d bytes", v.method, len(form))
			}
		}
	}
}

func TestNoPseudonym(t *testing.T) {
	table := tableOf(t, HMAC, secretOf(t, vectorKey), 943476591)
	whole := vectors[0].want
	raw, _ := hex.DecodeString(whole)
	for _, test := range []struct {
		name string
		text string
		want nhsnumber.Status
	}{
		{"blank", "", nhsnumber.Missing},
		{"blanks", "  ", nhsnumber.Missing},
		{"null", "NULL", nhsnumber.Missing},
		{"hash of nothing", "d38b42096d80f45f826b44a9d5607de72496a415d3f4a1a8c88e3bb9da8dc1cb", nhsnumber.Missing},
		{"hash of 9999999999", "171c9252697539fdcc7625d784e52b1fb8ed5bee6edac2d1acdb446e40ee6529", nhsnumber.Invalid},
		{"somebody else", vectors[1].want, nhsnumber.Valid},
		{"shortened", whole[:63], nhsnumber.Invalid},
		{"shortened by half", whole[:32], nhsnumber.Invalid},
		{"too long", whole + "0", nhsnumber.Invalid},
		{"another sign", whole[:63] + "g", nhsnumber.Invalid},
		{"a line end within base64", base64.StdEncoding.EncodeToString(raw)[:42] + "\nw=", nhsnumber.Invalid},
		{"bits behind base64", base64.StdEncoding.EncodeToString(raw)[:42] + "x", nhsnumber.Invalid},
		{"both alphabets", strings.Repeat("+-", 21) + "A", nhsnumber.Invalid},
		{"zeros", strings.Repeat("0", 64), nhsnumber.Invalid},
		{"32 zeros", strings.Repeat("\x00", 32), nhsnumber.Invalid},
		{"MD5", "fedcba9876543210fedcba9876543210", nhsnumber.Invalid},
		{"32 characters", "a name of thirty-two characters.", nhsnumber.Invalid},
		{"a number", "9434765919", nhsnumber.Invalid},
	} {
		if key, status := table.Read([]byte(test.text)); key != 0 || status != test.want {
			t.Errorf("%s: status %v, want %v", test.name, status, test.want)
		}
	}
	found := func(nhsnumber.Key) bool { return true }
	for _, text := range []string{"sha256:" + whole, whole + "0", "0" + whole, `"` + whole + `"`} {
		if !table.Held([]byte(text), found) {
			t.Errorf("not held in a text of %d bytes", len(text))
		}
	}
	for _, text := range []string{"", whole[:63], vectors[1].want + " " + whole[:40]} {
		if table.Held([]byte(text), found) {
			t.Errorf("held in a text of %d bytes", len(text))
		}
	}
}

// TestAgainstReference: a table answers as a map of all hashes does.
func TestAgainstReference(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		secret := make([]byte, 1+r.IntN(100))
		for i := range secret {
			secret[i] = byte(r.Uint32())
		}
		method := []Method{HMAC, SaltBefore, SaltAfter, Plain}[r.IntN(4)]
		reference := func(number string) []byte {
			switch method {
			case HMAC:
				mac := hmac.New(sha256.New, secret)
				mac.Write([]byte(number))
				return mac.Sum(nil)
			case SaltBefore:
				number = string(secret) + number
			case SaltAfter:
				number += string(secret)
			}
			sum := sha256.Sum256([]byte(number))
			return sum[:]
		}
		var keys []nhsnumber.Key
		var numbers []string
		for len(keys) < 2*batchKeys+r.IntN(1000) {
			key := 900_000_000 + r.Uint32N(99_999_999)
			if digit, ok := nhsnumber.CheckDigit(key); ok {
				keys, numbers = append(keys, key), append(numbers, fmt.Sprintf("%09d%d", key, digit))
			}
		}
		known := keys[:len(keys)/2]
		want := map[string]nhsnumber.Key{}
		for i, key := range known {
			want[string(reference(numbers[i]))] = key
		}
		given := append(slices.Clone(known), known[:100]...) // some of them twice
		table := tableOf(t, method, Secret{secret}, given...)
		for _, number := range numbers {
			sum := reference(number)
			key, status := table.Read([]byte(hex.EncodeToString(sum)))
			if key != want[string(sum)] || status != nhsnumber.Valid {
				t.Fatalf("%v: another answer than the reference", method)
			}
		}
	}
}

// TestMayMean: a text that means that there is no pseudonym is none, and has none in it.
func TestMayMean(t *testing.T) {
	hash := vectors[0].want
	for text, want := range map[string]bool{
		"unknown": true, "a text of thirty-two characters!": true, hash[1:]: true,
		hash: false, "id:" + hash: false, "0x" + hash: false,
		"3VxgLusx1gx8DWYsiXIx3aAOE835RbFMrRhaSnElgmw": false,
	} {
		if MayMean(text) != want {
			t.Errorf("%s: %v, want %v", text, !want, want)
		}
	}
}

func TestReadSecret(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       string
		err        error
	}{
		{"plain", "00ff", "\x00\xff", nil},
		{"upper case", "00FF\n", "\x00\xff", nil},
		{"CRLF", "00ff\r\n", "\x00\xff", nil},
		{"two line ends", "00ff\n\n", "", ErrNotHex},
		{"blank", "00 ff", "", ErrNotHex},
		{"half a byte", "00f", "", ErrNotHex},
		{"text", "squirrel", "", ErrNotHex},
		{"empty", "", "", ErrNoSecret},
		{"a line end alone", "\n", "", ErrNoSecret},
		{"long", strings.Repeat("0", mostSecret+2), "", ErrLong},
	} {
		path := filepath.Join(t.TempDir(), "key.hex")
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadSecret(path)
		if string(got.bytes) != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: error %v, want %v", test.name, err, test.err)
		}
		if err != nil && (kind.Of(err) != kind.Usage || strings.Contains(err.Error(), path)) {
			t.Errorf("%s: error %v", test.name, err)
		}
	}
	if _, err := ReadSecret("/nowhere/at/all"); err == nil || strings.Contains(err.Error(), "nowhere") {
		t.Errorf("error %v", err)
	}
	secret := Secret{[]byte("squirrel")}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if text := fmt.Sprintf(verb, secret); text != "(secret)" {
			t.Errorf("%s shows %q", verb, text)
		}
	}
}

func TestEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	endless := func(yield func(nhsnumber.Key) bool) {
		for yield(943476591) {
		}
	}
	if _, err := NewTable(ctx, HMAC, Secret{[]byte("k")}, 10, endless); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, v := range vectors {
		f.Add([]byte(v.want))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		digest, ok := Parse(b)
		if !ok {
			return
		}
		again, same := Parse([]byte(hex.EncodeToString(digest[:])))
		if !same || again != digest {
			t.Error("the digest in hexadecimal is another one")
		}
	})
}

// people is about how many have opted out.
const people = 3_600_000

func BenchmarkNewTable(b *testing.B) {
	keys := make([]nhsnumber.Key, 0, people)
	for key := nhsnumber.Key(900_000_000); len(keys) < people; key += 27 {
		keys = append(keys, key)
	}
	for b.Loop() {
		tableOf(b, HMAC, secretOf(b, vectorKey), keys...)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*people), "ns/number")
}

func BenchmarkRead(b *testing.B) {
	keys := make([]nhsnumber.Key, 0, people)
	for key := nhsnumber.Key(900_000_000); len(keys) < people; key += 27 {
		keys = append(keys, key)
	}
	table := tableOf(b, HMAC, secretOf(b, vectorKey), keys...)
	r := rand.New(rand.NewPCG(1, 2))
	texts := make([][]byte, 1<<16)
	for i := range texts {
		var digest Digest
		for j := range digest {
			digest[j] = byte(r.Uint32())
		}
		texts[i] = []byte(hex.EncodeToString(digest[:]))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		table.Read(texts[i%len(texts)])
	}
}
