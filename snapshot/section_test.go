// Sections against a second reader, and whole files against arbitrary bytes.

package snapshot

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"noo/internal/nhsnumber"

	"aead.dev/minisign"
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

// strictSection reads a section by SPEC.md alone, without the library. It returns the keys, or
// false if the section breaks the format.
func strictSection(data []byte) (keys []nhsnumber.Key, ok bool) {
	short := false
	at := 0
	take := func(size int) int { // the next number of so many bytes
		if size > len(data)-at {
			short = true
			return 0
		}
		n := 0
		for i := range size {
			n |= int(data[at+i]) << (8 * i)
		}
		at += size
		return n
	}
	cookie, containers, hasRuns := take(4), 0, false
	switch {
	case cookie == 12346:
		containers = take(4)
	case cookie&0xFFFF == 12347:
		containers, hasRuns = cookie>>16+1, true
	default:
		return nil, false
	}
	if containers > len(data) {
		return nil, false
	}
	isRun := make([]bool, (containers+7)&^7)
	for i := 0; hasRuns && i < containers; i += 8 {
		flags := take(1)
		for j := range 8 {
			isRun[i+j] = flags>>j&1 == 1
		}
	}
	if hasRuns != slices.Contains(isRun, true) || slices.Contains(isRun[containers:], true) {
		return nil, false
	}
	highs, counts, offsets := make([]int, containers), make([]int, containers), make([]int, containers)
	for i := range containers {
		highs[i], counts[i] = take(2), take(2)+1
	}
	hasOffsets := !hasRuns || containers >= 4
	for i := 0; hasOffsets && i < containers; i++ {
		offsets[i] = take(4)
	}
	for i, high := range highs {
		if short || hasOffsets && offsets[i] != at || i > 0 && high <= highs[i-1] {
			return nil, false
		}
		var lows []int
		listed := 0 // runs
		switch c := counts[i]; {
		case isRun[i]:
			listed = take(2)
			for range listed {
				first, more := take(2), take(2)
				for low := first; low <= first+more && len(lows) <= c; low++ {
					lows = append(lows, low)
				}
			}
		case c <= 4096:
			for range c {
				lows = append(lows, take(2))
			}
		default:
			for i := range 8192 {
				for b, bits := 0, take(1); b < 8; b++ {
					if bits>>b&1 == 1 {
						lows = append(lows, 8*i+b)
					}
				}
			}
		}
		if short || len(lows) != counts[i] || lows[len(lows)-1] > 0xFFFF {
			return nil, false
		}
		runs := 0
		for j, low := range lows {
			if j > 0 && low <= lows[j-1] {
				return nil, false
			}
			if j == 0 || low > lows[j-1]+1 {
				runs++
			}
			key := nhsnumber.Key(high<<16 | low)
			if _, valid := nhsnumber.CheckDigit(key); !valid || key%111_111_111 == 0 {
				return nil, false
			}
			keys = append(keys, key)
		}
		if isRun[i] != (2+4*runs < min(2*len(lows), 8192)) || isRun[i] && listed != runs {
			return nil, false
		}
	}
	return keys, !short && at == len(data)
}

// FuzzSection compares the decoder with strictSection on arbitrary sections.
func FuzzSection(f *testing.F) {
	_, sets := small()
	for _, set := range []*Set{sets.OptedOut, sets.Checked, new(Set), NewSet(testKeys(300_000, 1, 9)...)} {
		data, err := set.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	digits := newCheckDigits()
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<20 {
			return
		}
		var x index
		err := x.decode(data, digits)
		keys, ok := strictSection(data)
		if ok != (err == nil) {
			t.Fatalf("by the specification %v, by the decoder %v", ok, err)
		}
		if !ok {
			return
		}
		if x.count != uint64(len(keys)) {
			t.Fatal("another count")
		}
		for i, key := range keys {
			after := i+1 < len(keys) && keys[i+1] == key+1
			if !x.contains(key) || x.contains(key+1) != after {
				t.Fatal("another set")
			}
		}
	})
}

// TestSections changes each byte of sections with containers of all kinds, and cuts them
// everywhere.
func TestSections(t *testing.T) {
	mixed := NewSet(testKeys(300_000, 1, 9)...)
	mixed.Union(NewSet(testKeys(0, 100_000, 30)...))
	dense := NewSet(testKeys(0, 1, 55_000)...)
	accepted := 0
	for _, set := range []*Set{mixed, dense} {
		data, err := set.Encode()
		if err != nil {
			t.Fatal(err)
		}
		digits := newCheckDigits()
		check := func(data []byte) {
			t.Helper()
			var x index
			err := x.decode(data, digits)
			keys, ok := strictSection(data)
			if ok != (err == nil) || ok && x.count != uint64(len(keys)) {
				t.Fatalf("by the specification %v, by the decoder %v", ok, err)
			}
			if ok {
				accepted++
			}
		}
		check(data)
		check(append(bytes.Clone(data), 0))
		step := max(1, len(data)/400)
		for at := 0; at < len(data); at += step {
			check(data[:at])
			for _, flip := range []byte{1, 0x80, 0xFF} {
				changed := bytes.Clone(data)
				changed[at] ^= flip
				check(changed)
			}
		}
	}
	if accepted < 2 {
		t.Error("no section was accepted")
	}
}

// TestManyRuns has a section of containers with so many runs that the library would take a second
// for each of them.
func TestManyRuns(t *testing.T) {
	for _, containers := range []int{1, 3, 4, 20} {
		data := binary.LittleEndian.AppendUint32(nil, 12347|uint32(containers-1)<<16)
		data = append(data, bytes.Repeat([]byte{0xFF}, (containers+7)/8)...)
		for i := range containers {
			data = binary.LittleEndian.AppendUint16(data, uint16(i))
			data = binary.LittleEndian.AppendUint16(data, 1<<15-1)
		}
		if containers >= 4 {
			data = append(data, make([]byte, 4*containers)...)
		}
		for range containers {
			data = binary.LittleEndian.AppendUint16(data, 1<<15)
			for low := range 1 << 15 {
				data = binary.LittleEndian.AppendUint32(data, uint32(2*low))
			}
		}
		if !hasManyRuns(data) {
			t.Errorf("%d containers with many runs were not noticed", containers)
		}
		if err := new(index).decode(data, newCheckDigits()); err != errCanonical {
			t.Errorf("%d containers with many runs: %v", containers, err)
		}
	}
}

// BenchmarkSection reads the set of a national snapshot.
func BenchmarkSection(b *testing.B) {
	data, err := drawSet(benchmarkCount).Encode()
	if err != nil {
		b.Fatal(err)
	}
	digits := newCheckDigits()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if err := new(index).decode(data, digits); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzParse opens arbitrary bytes, and arbitrary bytes that a trusted key has signed. Whatever is
// accepted must be exactly what Write would write: the format leaves no choice.
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
		content, err := form.Open(file, trusted)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
		f.Add(content.Signed)
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
		if _, err := Write(&again, s.Manifest(), s.readSets(t), key); err != nil {
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

// guessComment makes the trusted comment that the manifest in data asks for, if there is one, so
// that the fuzzer gets past it.
func guessComment(data []byte) string {
	var m Manifest
	if len(data) > 12 {
		json.NewDecoder(bytes.NewReader(data[12:])).Decode(&m)
	}
	return m.trustedComment()
}

// readSets reads the sets back with the library.
func (s *Snapshot) readSets(t *testing.T) Sets {
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
