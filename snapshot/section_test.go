// Sections and whole files against a second reader, the roaring library, and against arbitrary bytes.

package snapshot

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"testing"

	"noo/internal/nhsnumber"

	"aead.dev/minisign"
	"github.com/RoaringBitmap/roaring/v2"
)

func reader(b []byte) *minisign.Reader {
	r := minisign.NewReader(bytes.NewReader(b))
	for buffer := make([]byte, 4096); ; {
		if _, err := r.Read(buffer); err != nil {
			return r
		}
	}
}

func decodeBase64(t testing.TB, text []byte) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func encodeBase64(raw []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(raw)) }

// TestCheckDigits holds the split sum to nhsnumber, over whole containers.
func TestCheckDigits(t *testing.T) {
	digits := newCheckDigits()
	r := rand.New(rand.NewPCG(1, 1))
	for range 100_000 {
		key := r.Uint32N(1_100_000_000)
		_, want := nhsnumber.CheckDigit(key)
		want = want && key%111_111_111 != 0
		if got := digits.hold(key&^0xFFFF, []uint16{uint16(key)}); got != want {
			t.Fatalf("hold says %v, nhsnumber %v", got, want)
		}
	}
	for digit := range uint32(10) {
		key := digit * 111_111_111
		if digits.hold(key&^0xFFFF, []uint16{uint16(key)}) {
			t.Errorf("ten times %d holds", digit)
		}
	}
}

// libraryAccepts reads a section as the library does, and then asks for what the format asks beyond it.
func libraryAccepts(data []byte) (*roaring.Bitmap, bool) {
	bitmap := roaring.New()
	n, err := bitmap.FromBuffer(bytes.Clone(data))
	if err != nil || n != int64(len(data)) || bitmap.Validate() != nil {
		return nil, false
	}
	again := bitmap.Clone()
	again.RunOptimize()
	canonical, err := again.ToBytes()
	if err != nil || !bytes.Equal(canonical, data) {
		return nil, false
	}
	ok := true
	bitmap.Iterate(func(key uint32) bool {
		_, ok = nhsnumber.CheckDigit(key)
		ok = ok && key%111_111_111 != 0
		return ok
	})
	return bitmap, ok
}

// FuzzSection compares the decoder with the library on arbitrary sections.
func FuzzSection(f *testing.F) {
	_, sets := small()
	for _, set := range []*Set{sets.OptedOut, sets.Checked, new(Set), NewSet(testKeys(300_000, 1, 9)...)} {
		data, err := set.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	digits := newCheckDigits()
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return // the library checks runs in quadratic time
		}
		var x index
		err := x.decode(data, digits)
		bitmap, ok := libraryAccepts(data)
		if ok != (err == nil) {
			t.Fatalf("the library says %v, the decoder %v", ok, err)
		}
		if !ok {
			return
		}
		if x.count != bitmap.GetCardinality() {
			t.Fatal("another count")
		}
		bitmap.Iterate(func(key uint32) bool {
			if !x.contains(key) || x.contains(key+1) != bitmap.Contains(key+1) || x.contains(key-1) != bitmap.Contains(key-1) {
				t.Fatal("another set")
			}
			return true
		})
	})
}

// FuzzParse opens arbitrary bytes, and arbitrary bytes that a trusted key has signed. Whatever is accepted must be exactly
// what Write would write: the format leaves no choice.
func FuzzParse(f *testing.F) {
	key := fixedKey(f, 1)
	trusted := public(key)
	m, sets := small()
	set := NewSet(testKeys(0, 100_000, 3)...)
	for _, file := range [][]byte{
		write(f, m, sets, key),
		write(f, Manifest{ID: "a", Scope: Checked, Created: created, ValidUntil: validUntil}, Sets{OptedOut: set, Checked: set}, key),
		write(f, Manifest{ID: "b", Scope: National, Created: created, ValidUntil: validUntil}, Sets{OptedOut: set}, key),
	} {
		signed, _, err := split(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
		f.Add(signed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := Parse(data, trusted); err != nil && !errors.Is(err, ErrRefused) {
			t.Fatalf("not a refusal: %v", err)
		}
		file := seal(data, guessComment(data), key, true)
		s, err := Parse(file, trusted)
		if err != nil {
			if !errors.Is(err, ErrRefused) {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		var again bytes.Buffer
		if _, err := Write(&again, s.Manifest(), s.sets(t), key); err != nil {
			if errors.Is(err, ErrNobody) {
				return
			}
			t.Fatal(err)
		}
		if !bytes.Equal(again.Bytes(), file) {
			t.Fatal("accepted, but not what Write writes")
		}
	})
}

// guessComment makes the trusted comment that the manifest in data asks for, if there is one, so that the fuzzer gets past it.
func guessComment(data []byte) string {
	var m Manifest
	if len(data) > headerLength {
		json.NewDecoder(bytes.NewReader(data[headerLength:])).Decode(&m)
	}
	return m.trustedComment()
}

// sets reads the sets back with the library.
func (s *Snapshot) sets(t *testing.T) Sets {
	var sets Sets
	for i, section := range s.manifest.Sections {
		set := new(Set)
		if _, err := set.bitmap.FromBuffer(bytes.Clone(s.data[section.Offset : section.Offset+section.Length])); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			sets.OptedOut = set
		} else {
			sets.Checked = set
		}
	}
	return sets
}
