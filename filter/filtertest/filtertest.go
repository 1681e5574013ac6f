// Package filtertest makes up registers, numbers and values for tests. All numbers are of the range
// that is never issued.
package filtertest

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"noo/formats"
	"noo/internal/nhsnumber"
	"noo/snapshot"
)

// Register is a register for tests.
type Register map[nhsnumber.Key]snapshot.Standing

// LookUp implements filter.Register.
func (s Register) LookUp(keys []nhsnumber.Key, out []snapshot.Standing) {
	for i, key := range keys {
		out[i] = s[key]
	}
}

// PerFirstDigit implements filter.Register.
func (s Register) PerFirstDigit() (people [10]uint64) {
	for key, standing := range s {
		if standing == snapshot.OptedOut {
			people[key/100_000_000]++
		}
	}
	return people
}

// Number makes a valid number of the range that is never issued.
func Number(r *rand.Rand) (string, nhsnumber.Key) {
	for {
		key := 900_000_000 + r.Uint32N(99_999_999)
		if digit, ok := nhsnumber.CheckDigit(key); ok {
			return fmt.Sprintf("%09d%d", key, digit), key
		}
	}
}

// People are numbers with a standing each.
func People(r *rand.Rand, n int) (texts []string, register Register) {
	register = Register{}
	for range n {
		text, key := Number(r)
		texts = append(texts, text)
		register[key] = snapshot.Standing(r.IntN(3))
	}
	return texts, register
}

// appendEven appends a text to the last stretch where that has texts of its length, and otherwise
// begins one.
func appendEven(even []formats.FixedWidth, text string) []formats.FixedWidth {
	if n := len(even); n == 0 || even[n-1].Size != len(text) {
		even = append(even, formats.FixedWidth{Start: 2, Stride: 2 + len(text), Size: len(text)})
	}
	last := &even[len(even)-1]
	last.Data = append(append(last.Data, "99"...), text...)
	last.Count++
	return even
}

// Values makes the values of one column in one of the shapes that a format may give them, and
// spells out which values each record has.
func Values(r *rand.Rand, texts []string, records int) (values formats.Values, spelt [][]string) {
	spelt = make([][]string, records)
	occurrences := records
	if r.IntN(2) == 0 {
		values.Ends = make([]int32, records)
		occurrences = 0
		for i := range records {
			occurrences += r.IntN(4)
			values.Ends[i] = int32(occurrences)
		}
	}
	kind, indexed := r.IntN(4), r.IntN(2) == 0
	size := occurrences
	if indexed {
		size = 1 + r.IntN(8)
	}
	written := make([]string, size)
	for i := range written {
		text := texts[r.IntN(len(texts))]
		switch kind {
		case 0:
			values.Text = append(values.Text, []byte(text))
		case 3:
			values.Fixed = appendEven(values.Fixed, text)
		default:
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				n = -1
			}
			text = strconv.FormatInt(n, 10)
			if kind == 1 {
				values.Ints = append(values.Ints, n)
			} else {
				values.Floats = append(values.Floats, float64(n))
			}
		}
		written[i] = text
	}
	if indexed {
		values.Index = make([]int32, occurrences)
	}
	at := 0
	for i := range spelt {
		end := i + 1
		if values.Ends != nil {
			end = int(values.Ends[i])
		}
		for ; at < end; at++ {
			place := at
			if indexed {
				place = r.IntN(size+1) - 1
				values.Index[at] = int32(place)
			}
			if place < 0 {
				spelt[i] = append(spelt[i], "")
			} else {
				spelt[i] = append(spelt[i], written[place])
			}
		}
	}
	return values, spelt
}
