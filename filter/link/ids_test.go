package link

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"noo/formats"
)

// read reads one value of a set.
func read(s *IDs, values formats.Values) ID {
	r := Reader{Set: s}
	return r.Read(&values)[0]
}

func readText(s *IDs, text string) ID { return read(s, formats.Values{Text: [][]byte{[]byte(text)}}) }

// TestRead holds each kind of value to what it is as an id: the same as another, or none.
func TestRead(t *testing.T) {
	s := New()
	for _, test := range []struct {
		name string
		id   ID
		want ID
	}{
		{"a null", read(s, formats.Values{Text: [][]byte{nil}}), Missing},
		{"blanks", readText(s, " \t"), Missing},
		{"NULL", readText(s, "NULL"), Missing},
		{"an Excel error", readText(s, "#N/A"), Missing},
		{"MySQL's null", readText(s, `\N`), Missing},
		{"R's null", readText(s, "<NA>"), Missing},
		{"NaN", read(s, formats.Values{Floats: []float64{math.NaN()}}), Missing},
		{"an integer as text", readText(s, "7"), integer(7)},
		{"a negative integer", readText(s, "-7"), integer(-7)},
		{"nought", readText(s, "0"), integer(0)},
		{"the largest", readText(s, "9223372036854775807"), integer(math.MaxInt64)},
		{"the least", readText(s, "-9223372036854775808"), integer(math.MinInt64)},
		{"a float", read(s, formats.Values{Floats: []float64{7}}), integer(7)},
		{"a float that may be rounded", read(s, formats.Values{Floats: []float64{1 << 53}}), Unusable},
		{"a fraction", read(s, formats.Values{Floats: []float64{7.5}}), Unusable},
		{"infinity", read(s, formats.Values{Floats: []float64{math.Inf(1)}}), Unusable},
		{"digits lost", readText(s, "1.23457E+12"), Unusable},
		{"digits lost, without a sign", readText(s, "1.23457e12"), Unusable},
		{"digits lost, without a point", readText(s, "1E+12"), Unusable},
	} {
		if test.id != test.want {
			t.Errorf("%s: another id", test.name)
		}
	}
	// Everything else is what it is.
	texts := []string{
		"7", "007", "07", "7.0", "+7", " 7", "7 ", "-0", "--7", "9223372036854775808", "-9223372036854775809",
		"a", "A", "12E5", "1e5", "1.2", "1.5E", "x\x00", "x", "x\x00\x00", "'7", "é", "e\u0301", "no", "nationwide", "#7",
		strings.Repeat("x", 15), strings.Repeat("x", 16), strings.Repeat("x", 17), strings.Repeat("x", 1000), strings.Repeat("x", 15) + "\x00",
	}
	seen := map[ID]string{}
	for _, text := range texts {
		id := readText(s, text)
		if other, twice := seen[id]; twice || !id.IsID() {
			t.Errorf("%.20q is taken for %.20q, or for none", text, other)
		}
		seen[id] = text
	}
	if readText(New(), strings.Repeat("x", 16)) == readText(s, strings.Repeat("x", 16)) {
		t.Error("two sets have the same key")
	}
}

// rankOf looks one id up.
func rankOf(s *IDs, id ID) (uint8, bool) {
	var ranks [1]uint8
	s.Ranks([]ID{id}, ranks[:])
	return ranks[0], ranks[0] != Absent
}

// TestIDs compares a set with a map, through many growths, filled by several goroutines.
func TestIDs(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 7))
	s, want := New(), map[string]uint8{}
	type raise struct {
		text string
		rank uint8
	}
	var raises []raise
	draw := func() string {
		n := r.IntN(60_000)
		return []string{fmt.Sprint(n), fmt.Sprintf("%05d", n), fmt.Sprintf("P%d", n), fmt.Sprintf("a-rather-long-id-%d", n)}[r.IntN(4)]
	}
	for range 200_000 {
		one := raise{draw(), uint8(r.IntN(MaxRank + 1))}
		raises = append(raises, one)
		want[one.text] = max(want[one.text], one.rank)
	}
	var workers sync.WaitGroup
	for i := range 4 {
		workers.Go(func() {
			for j := i; j < len(raises); j += 4 {
				s.Raise(readText(s, raises[j].text), raises[j].rank)
			}
		})
	}
	workers.Wait()
	s.Raise(Missing, MaxRank)
	s.Raise(Unusable, MaxRank)
	if s.Len() != len(want) {
		t.Fatalf("%d ids, want %d", s.Len(), len(want))
	}
	var texts []string
	var ids []ID
	for range 400_000 {
		text := draw()
		texts, ids = append(texts, text), append(ids, readText(s, text))
	}
	ranks := make([]uint8, len(ids))
	s.Ranks(ids, ranks)
	for i, text := range texts {
		wanted, known := want[text]
		if !known {
			wanted = Absent
		}
		if ranks[i] != wanted {
			t.Fatalf("%s has rank %d, want %d", text, ranks[i], wanted)
		}
	}
	for _, none := range []ID{Missing, Unusable} {
		if _, known := rankOf(s, none); known {
			t.Error("what is no id is in the set")
		}
	}
}

// FuzzText: two texts have one id only if they are one text, or both none.
func FuzzText(f *testing.F) {
	f.Add("7", "007")
	f.Add("1.2E+3", "1.2E+4")
	f.Add("exactly 15 bytes", "exactly 15 byte\x00")
	f.Fuzz(func(t *testing.T, a, b string) {
		s := New()
		one, other := readText(s, a), readText(s, b)
		if a != b && one == other && one.IsID() {
			t.Errorf("two texts are one id")
		}
		if a == b && one != other {
			t.Errorf("one text is two ids")
		}
	})
}

// BenchmarkRank looks up random ids among ten million, and says how much memory they take.
func BenchmarkRank(b *testing.B) {
	const people = 10_000_000
	for _, kind := range []string{"integers", "long texts"} {
		b.Run(kind, func(b *testing.B) {
			s := New()
			values := func(n int, at func(i int) int) formats.Values {
				var v formats.Values
				for i := range n {
					if kind == "integers" {
						v.Ints = append(v.Ints, int64(at(i)))
					} else {
						v.Text = append(v.Text, fmt.Appendf(nil, "%08x-aaaa-bbbb-cccc-000000000000", at(i)))
					}
				}
				return v
			}
			r := Reader{Set: s}
			for first := 0; first < people; first += 100_000 {
				v := values(100_000, func(i int) int { return first + i })
				for _, id := range r.Read(&v) {
					s.Raise(id, 1)
				}
			}
			size := 0
			for i := range s.shards {
				size += 16 * len(s.shards[i].slots)
			}
			random := rand.New(rand.NewPCG(1, 2))
			v := values(1<<20, func(int) int { return random.IntN(people + people/10) })
			b.ResetTimer()
			ranks := make([]uint8, 1<<20)
			for i := 0; i < b.N; i += 1 << 20 {
				s.Ranks(r.Read(&v)[:min(1<<20, b.N-i)], ranks)
			}
			b.ReportMetric(float64(size>>20), "MiB")
		})
	}
}
