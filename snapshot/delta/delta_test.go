package delta

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aead.dev/minisign"

	"noo/internal/nhsnumber"
	"noo/snapshot"
)

// chain are random snapshots of one scope, each of which follows the one before.
func chain(t *testing.T, r *rand.Rand, key minisign.PrivateKey, scope snapshot.Scope) (files [][]byte) {
	optedOut := union(drawSet(r, 1+r.IntN(3000)), fullRange())
	clear := drawSet(r, r.IntN(3000))
	for step := range 4 {
		// Some come, some go, and some who were clear opt out.
		gone := drawSet(r, r.IntN(50))
		optedOut.Toggle(gone)
		clear.Toggle(drawSet(r, r.IntN(50)))
		var checked *snapshot.Set
		if scope == snapshot.Checked {
			checked = union(optedOut, clear)
		}
		files = append(files, build(t, key, uint64(step+1), union(optedOut), checked))
		if r.IntN(3) == 0 {
			optedOut = union(optedOut, clear)
		}
	}
	return files
}

// fullRange is dense enough for containers of every kind.
func fullRange() *snapshot.Set {
	set := snapshot.NewSet()
	for key := uint32(900_000_000); key < 900_140_000; key++ {
		if _, ok := nhsnumber.CheckDigit(key); ok {
			set.Add(key)
		}
	}
	return set
}

// TestChains: random snapshots through chains of deltas come out as they were published, byte for
// byte.
func TestChains(t *testing.T) {
	key, trusted := newKey(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for _, scope := range []snapshot.Scope{snapshot.National, snapshot.Checked, snapshot.Local} {
		t.Run(string(scope), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			for range 5 {
				files := chain(t, r, key, scope)
				have := files[0]
				for _, want := range files[1:] {
					file := diff(t, have, want, key)
					got, err := apply(t, have, file, trusted)
					if err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(got, want) {
						t.Fatalf("%d bytes, and not the %d of the full snapshot", len(got), len(want))
					}
					have = got
				}
				// From the first to the last in one step, too.
				got, err := apply(t, files[0], diff(t, files[0], have, key), trusted)
				if err != nil || !bytes.Equal(got, have) {
					t.Fatalf("in one step: %v", err)
				}
			}
		})
	}
}

// TestSize: a week of the national list is a file that can be sent by mail.
func TestSize(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes two snapshots of 3.6 million numbers")
	}
	const people, changes, most = 3_600_000, 20_000, 120_000
	key, trusted := newKey(t)
	r := rand.New(rand.NewPCG(1, 2))
	old := drawSet(r, people)
	all := union(old, drawSet(r, people))
	come, leave := snapshot.NewSet(), snapshot.NewSet()
	for come.Len() < changes/2 {
		if key := drawKey(r); !all.Contains(key) {
			come.Add(key)
		}
	}
	again := rand.New(rand.NewPCG(1, 2)) // the first of those drawn before
	for leave.Len() < changes/2 {
		leave.Add(drawKey(again))
	}
	fresh := union(old, come)
	fresh.Toggle(leave)
	for _, c := range []struct {
		name       string
		old, fresh []byte
	}{
		{"national", build(t, key, 1, old, nil), build(t, key, 2, fresh, nil)},
		// People who were not looked up before, and have opted out, come into both sets.
		{"checked", build(t, key, 1, old, all), build(t, key, 2, union(old, come), union(all, come))},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := diff(t, c.old, c.fresh, key)
			d, err := Parse(file, trusted)
			if err != nil {
				t.Fatal(err)
			}
			count := d.Manifest().Changes()
			t.Logf("%d changes in %d bytes; the full snapshot has %d", count, len(file), len(c.fresh))
			if count != changes {
				t.Errorf("%d changes, want %d", count, changes)
			}
			if len(file) > most {
				t.Errorf("%d bytes, want at most %d", len(file), most)
			}
			got, err := apply(t, c.old, file, trusted)
			if err != nil || !bytes.Equal(got, c.fresh) {
				t.Errorf("not the bytes of the new snapshot: %v", err)
			}
		})
	}
}

// small returns two snapshots and the delta between them.
func small(t testing.TB, key minisign.PrivateKey) (old, fresh, file []byte) {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	first, second := drawSet(r, 100), drawSet(r, 7)
	old = build(t, key, 5, first, nil)
	fresh = build(t, key, 6, union(first, second), nil)
	return old, fresh, diff(t, old, fresh, key)
}

// TestEveryFlippedBitAndCut: no byte of a delta can be changed or left out unnoticed.
func TestEveryFlippedBitAndCut(t *testing.T) {
	key, trusted := newKey(t)
	_, _, file := small(t, key)
	for n := range file {
		for bit := range 8 {
			file[n] ^= 1 << bit
			if _, err := Parse(file, trusted); !errors.Is(err, snapshot.ErrRefused) {
				t.Fatalf("bit %d of byte %d: %v", bit, n, err)
			}
			file[n] ^= 1 << bit
		}
		if _, err := Parse(file[:n:n], trusted); !errors.Is(err, snapshot.ErrRefused) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
	if _, err := Parse(append(bytes.Clone(file), 0), trusted); !errors.Is(err, snapshot.ErrRefused) {
		t.Fatalf("a byte more: %v", err)
	}
}

// TestOneForAnother: a snapshot is no delta, and a delta no snapshot.
func TestOneForAnother(t *testing.T) {
	key, trusted := newKey(t)
	old, _, file := small(t, key)
	if _, err := Parse(old, trusted); !errors.Is(err, ErrNotDelta) {
		t.Errorf("a snapshot as a delta: %v", err)
	}
	if _, err := snapshot.Parse(file, trusted); !errors.Is(err, snapshot.ErrNotSnapshot) {
		t.Errorf("a delta as a snapshot: %v", err)
	}
	// Not even its signed content under the start and the end of the other.
	for _, c := range []struct{ start, end string }{{"NOOSNAP1", "NOOS"}, {"NOOSNAP1", "NOOD"}} {
		disguised := append([]byte(c.start), file[8:len(file)-4]...)
		disguised = append(disguised, c.end...)
		if _, err := snapshot.Parse(disguised, trusted); !errors.Is(err, snapshot.ErrRefused) {
			t.Errorf("disguised as %v: %v", c, err)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	key, trusted := newKey(t)
	other, others := newKey(t)
	old, fresh, _ := small(t, key)
	set := drawSet(rand.New(rand.NewPCG(5, 6)), 10)
	a, b := parse(t, old, trusted), parse(t, fresh, trusted)
	for _, c := range []struct {
		name       string
		old, fresh *snapshot.Snapshot
		key        minisign.PrivateKey
		want       error
	}{
		{"the way back", b, a, key, ErrStepBack},
		{"no step", a, a, key, ErrStepBack},
		{"the same sequence", a, parse(t, build(t, key, 5, set, nil), trusted), key, ErrStepBack},
		{"another scope", a, parse(t, build(t, key, 9, set, set), trusted), key, ErrOtherScope},
		{"another key of the delta", a, b, other, ErrOtherKey},
		{"another key of the new one", a, parse(t, build(t, other, 9, set, nil), others), key, ErrOtherKey},
		{"another key of the old one", parse(t, build(t, other, 1, set, nil), others), b, key, ErrOtherKey},
	} {
		var out bytes.Buffer
		if _, err := Write(&out, c.old, c.fresh, c.key); !errors.Is(err, c.want) || out.Len() > 0 {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// forge writes a delta with a changed manifest and parts, signed with key.
func forge(
	t testing.TB,
	file []byte,
	key minisign.PrivateKey,
	change func(m *Manifest, data [][]byte),
) []byte {
	t.Helper()
	content, err := form.Open(file, []minisign.PublicKey{key.Public().(minisign.PublicKey)})
	if err != nil {
		t.Fatal(err)
	}
	text, err := content.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	m, err := parseManifest(text)
	if err != nil {
		t.Fatal(err)
	}
	data, err := content.Sections(m.Sections)
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		data[i] = bytes.Clone(data[i])
	}
	change(&m, data)
	for i := range data {
		m.Sections[i].Length = uint64(len(data[i]))
	}
	forged, err := form.Write(m.Sections, data, m.encode, m.trustedComment(), key)
	if err != nil {
		t.Fatal(err)
	}
	return forged
}

// TestForged: also a delta that a publisher's key signed must give what it names.
func TestForged(t *testing.T) {
	key, trusted := newKey(t)
	other, others := newKey(t)
	old, fresh, file := small(t, key)
	both := append(others, trusted...)
	set := drawSet(rand.New(rand.NewPCG(7, 8)), 10)
	foreign := build(t, other, 6, set, nil)
	for _, c := range []struct {
		name    string
		old     []byte
		file    []byte
		trusted []minisign.PublicKey
		want    error
	}{
		{"nothing changed", old, forge(t, file, key, func(*Manifest, [][]byte) {}), trusted, nil},
		{"another old one", fresh, forge(t, file, key, func(m *Manifest, _ [][]byte) {
			m.New.SHA256 = strings.Repeat("0", 64)
		}), trusted, ErrOtherOld},
		{"applied before", fresh, file, trusted, ErrOtherOld},
		{"another old id", old, forge(t, file, key, func(m *Manifest, _ [][]byte) {
			m.Old.ID = "another"
		}), trusted, ErrResult},
		{"another new sequence", old, forge(t, file, key, func(m *Manifest, _ [][]byte) {
			m.New.Sequence++
		}), trusted, ErrResult},
		{"a step back", old, forge(t, file, key, func(m *Manifest, _ [][]byte) {
			m.New.Sequence = m.Old.Sequence
		}), trusted, ErrStepBack},
		{"another digest", old, forge(t, file, key, func(m *Manifest, _ [][]byte) {
			m.New.SHA256 = strings.Repeat("0", 64)
		}), trusted, ErrResult},
		{"another head", old, forge(t, file, key, func(_ *Manifest, data [][]byte) {
			data[0][40] ^= 1
		}), trusted, ErrResult},
		{"no changes", old, forge(t, file, key, func(m *Manifest, data [][]byte) {
			data[2], _ = snapshot.NewSet().Encode()
			m.Sections[2].Count = 0
		}), trusted, ErrResult},
		{"another section", old, forge(t, file, key, func(m *Manifest, _ [][]byte) {
			m.Sections[2].Name = "checked"
		}), trusted, ErrOtherScope},
		{"another count", old, forge(t, file, key, func(m *Manifest, _ [][]byte) {
			m.Sections[2].Count++
		}), trusted, snapshot.ErrMalformed},
		{"a wrong bitmap", old, forge(t, file, key, func(_ *Manifest, data [][]byte) {
			data[2][4]++
		}), trusted, snapshot.ErrMalformed},
		{"a later format", old, forge(t, file, key, func(m *Manifest, _ [][]byte) {
			m.Format = 2
		}), trusted, snapshot.ErrMalformed},
		{"a digest in capitals", old, forge(t, file, key, func(m *Manifest, _ [][]byte) {
			m.New.SHA256 = strings.Repeat("A", 64)
		}), trusted, snapshot.ErrMalformed},
		{"a later file format", old, append([]byte("NOODELT2"), file[8:]...), trusted, ErrNotDelta},
		{"a key that nobody trusts", old, file, others, snapshot.ErrUntrusted},
		{"a trusted key, but not that of the snapshots", old, resigned(t, file, key, other), both, ErrOtherKey},
		{"a result that another trusted key signed", old,
			leading(t, key, old, foreign, both), both, ErrOtherKey},
		{"a result that nobody trusts", old, leading(t, key, old, foreign, both), trusted, ErrResult},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := Parse(c.file, c.trusted)
			var got *snapshot.Snapshot
			if err == nil {
				got, err = d.Apply(parse(t, c.old, both), c.trusted)
			}
			if !errors.Is(err, c.want) || c.want != nil && !errors.Is(err, snapshot.ErrRefused) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "delta ")) {
				t.Errorf("the message: %v", err)
			}
			if c.want == nil && got.SHA256() != parse(t, fresh, trusted).SHA256() {
				t.Error("not the new snapshot")
			}
		})
	}
}

// resigned is a delta that another key signed.
func resigned(t *testing.T, file []byte, key, other minisign.PrivateKey) []byte {
	t.Helper()
	var m Manifest
	var parts [][]byte
	forge(t, file, key, func(was *Manifest, data [][]byte) { m, parts = *was, data })
	forged, err := form.Write(m.Sections, parts, m.encode, m.trustedComment(), other)
	if err != nil {
		t.Fatal(err)
	}
	return forged
}

// leading is a delta between two snapshots that Write refuses as a pair.
func leading(
	t *testing.T,
	key minisign.PrivateKey,
	old, fresh []byte,
	trusted []minisign.PublicKey,
) []byte {
	t.Helper()
	a, b := parse(t, old, trusted), parse(t, fresh, trusted)
	changed, err := difference(a.Parts().Sections[0], b.Parts().Sections[0])
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := changed.Encode()
	if err != nil {
		t.Fatal(err)
	}
	data := [][]byte{b.Parts().Head, b.Parts().Tail, encoded}
	m := Manifest{Format: Format, Old: stateOf(a), New: stateOf(b)}
	for i, name := range []string{sectionHead, sectionTail, "opted_out"} {
		m.Sections = append(m.Sections, Section{Name: name, Length: uint64(len(data[i]))})
	}
	m.Sections[2].Count = changed.Len()
	file, err := form.Write(m.Sections, data, m.encode, m.trustedComment(), key)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestOpen(t *testing.T) {
	key, trusted := newKey(t)
	old, _, file := small(t, key)
	path := filepath.Join(t.TempDir(), "week.noodelta")
	if _, err := Open(path, trusted, nil); !errors.Is(err, snapshot.ErrMissing) {
		t.Errorf("missing: %v", err)
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Open(path, trusted, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, others := newKey(t)
	_, err = d.Apply(parse(t, old, trusted), others)
	if want := fmt.Sprintf("delta %s refused: ", path); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v", err)
	}
}

// FuzzParse opens arbitrary bytes, and arbitrary bytes that a trusted key has signed. Whatever is
// accepted has one spelling, and Apply gives the snapshot that it names or refuses.
func FuzzParse(f *testing.F) {
	key := goldenKey(f) // the workers of the fuzzer must see the same
	trusted := []minisign.PublicKey{key.Public().(minisign.PublicKey)}
	old, fresh, file := small(f, key)
	want := parse(f, fresh, trusted).SHA256()
	base := parse(f, old, trusted)
	content, err := form.Open(file, trusted)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add(content.Signed)
	f.Add(old)
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := Parse(data, trusted); err != nil && !errors.Is(err, snapshot.ErrRefused) {
			t.Fatalf("not a refusal: %v", err)
		}
		d, err := Parse(signed(data, key), trusted)
		if err != nil {
			if !errors.Is(err, snapshot.ErrRefused) {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		got, err := d.Apply(base, trusted)
		switch {
		case err != nil && !errors.Is(err, snapshot.ErrRefused):
			t.Fatalf("not a refusal: %v", err)
		case err == nil && got.SHA256() != want:
			t.Fatal("another snapshot came out")
		}
	})
}

// signed puts a good signature behind any bytes, with the trusted comment that their manifest asks
// for, if there is one.
func signed(body []byte, key minisign.PrivateKey) []byte {
	var m Manifest
	if len(body) > 12 {
		json.NewDecoder(bytes.NewReader(body[12:])).Decode(&m)
	}
	digest := minisign.NewReader(bytes.NewReader(body))
	for buffer := make([]byte, 4096); ; {
		if _, err := digest.Read(buffer); err != nil {
			break
		}
	}
	text := digest.SignWithComments(key, m.trustedComment(), form.Comment)
	file := append(bytes.Clone(body), text...)
	return append(binary.LittleEndian.AppendUint32(file, uint32(len(text))), form.End...)
}
