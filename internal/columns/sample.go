package columns

// Samples: the values of every column in the first records.

import (
	"context"
	"math"
	"slices"
	"strconv"

	"noo/filter"
	"noo/formats"
	"noo/internal/nhsnumber"
	"noo/internal/pseudonym"
)

// sampleRecords is how many records are looked at.
const sampleRecords = 1000

// Sample counts the values of a column in the first records of an input.
type Sample struct {
	// Values are all that were looked at, blanks among them.
	Values int `json:"values"`
	// Filled are those that are not blank.
	Filled int `json:"filled"`
	// Valid are those that are NHS numbers.
	Valid int `json:"valid"`

	// Tens are those that have ten digits, in any dress, and Whole those of them that are numbers
	// by their check digit.
	Tens  int `json:"-"`
	Whole int `json:"-"`
	// Names are those that are no number but the name of a column of NHS numbers.
	Names int `json:"-"`
	// Apostrophes are those that are no number and between two apostrophes.
	Apostrophes int `json:"-"`
	// Hashes are those that have the form of a pseudonym, and Matches those of them that are the
	// pseudonym of somebody whom the snapshot knows.
	Hashes  int `json:"-"`
	Matches int `json:"-"`
}

// HoldsNumbers reports whether a column holds NHS numbers: more of its values of ten digits have
// the right check digit than chance gives, which is 1 in 11, so many that chance would do it less
// than once in 10,000 times. Five of five are enough.
func (s Sample) HoldsNumbers() bool {
	return s.Whole > 0 && atLeastOf(int64(s.Whole), int64(s.Tens), validByChance) < unlikely
}

// LacksNumbers reports whether a column is not one of NHS numbers: less than half of what is not
// blank is. A blank column tells nothing.
func (s Sample) LacksNumbers() bool { return 2*s.Valid < s.Filled }

// LooksHashed reports whether most of what is not blank has the form of a pseudonym.
func (s Sample) LooksHashed() bool { return s.Filled > 0 && 2*s.Hashes > s.Filled }

// lacks reports whether a column is not what an identifying column should be.
func (s Sample) lacks(pseudonyms bool) bool {
	if pseudonyms {
		return 2*s.Hashes < s.Filled
	}
	return s.LacksNumbers()
}

// add counts further values; missing are texts as in Rules.Missing, and reader, which may be nil,
// is Rules.Pseudonyms.
func (s *Sample) add(v *formats.Values, missing []string, reader filter.Pseudonyms) {
	if len(v.Fixed) > 0 {
		spelt := *v
		for i := range v.Fixed {
			spelt.Text = v.Fixed[i].AppendTo(spelt.Text)
		}
		spelt.Fixed = nil
		v = &spelt
	}
	occurrences := len(v.Text) + len(v.Ints) + len(v.Floats)
	if v.Index != nil {
		occurrences = len(v.Index)
	}
	for i := range occurrences {
		place := i
		if v.Index != nil {
			place = int(v.Index[i])
		}
		s.Values++
		if !isMissing(v, place, missing) {
			s.count(v, place, reader)
		}
	}
}

// count counts the value in a place; -1 is the place of a null.
func (s *Sample) count(v *formats.Values, place int, reader filter.Pseudonyms) {
	status := statusAt(v, place)
	if status == nhsnumber.Missing {
		return
	}
	s.Filled++
	if status == nhsnumber.Valid {
		s.Valid++
		s.Tens++
		s.Whole++
		return
	}
	switch {
	case v.Text != nil:
		s.countHash(v.Text[place], reader)
		_, status, ten := nhsnumber.Whole(v.Text[place])
		if ten {
			s.Tens++
		}
		if status == nhsnumber.Valid {
			s.Whole++
		}
		if nhsnumber.IsHeading(v.Text[place]) {
			s.Names++
		}
		if text := v.Text[place]; len(text) > 1 && text[0] == '\'' && text[len(text)-1] == '\'' {
			s.Apostrophes++
		}
	case v.Ints != nil:
		if v := v.Ints[place]; v >= leastNumber && v <= mostNumber {
			s.Tens++
		}
	default:
		if v := v.Floats[place]; v >= leastNumber && v <= mostNumber && v == math.Trunc(v) {
			s.Tens++
		}
	}
}

// countHash counts a text that is no number.
func (s *Sample) countHash(text []byte, reader filter.Pseudonyms) {
	if _, ok := pseudonym.Parse(text); !ok {
		return
	}
	s.Hashes++
	if reader == nil {
		return
	}
	if key, _ := reader.Read(text); key != 0 {
		s.Matches++
	}
}

// isMissing reports whether the value in a place is one of the further texts for no number.
func isMissing(v *formats.Values, place int, missing []string) bool {
	switch {
	case len(missing) == 0 || place < 0:
		return false
	case v.Text != nil:
		return nhsnumber.IsOneOf(v.Text[place], missing)
	case v.Ints != nil:
		return slices.Contains(missing, strconv.FormatInt(v.Ints[place], 10))
	}
	return slices.Contains(missing, strconv.FormatFloat(v.Floats[place], 'f', -1, 64))
}

// join adds the counts of the same column of another file.
func (s *Sample) join(other *Sample) {
	s.Values, s.Filled, s.Valid = s.Values+other.Values, s.Filled+other.Filled, s.Valid+other.Valid
	s.Tens, s.Whole = s.Tens+other.Tens, s.Whole+other.Whole
}

// statusAt says what the value in a place is; -1 is the place of a null.
func statusAt(v *formats.Values, place int) nhsnumber.Status {
	var status nhsnumber.Status
	switch {
	case place < 0:
		return nhsnumber.Missing
	case v.Text != nil:
		_, status = nhsnumber.Parse(v.Text[place])
	case v.Ints != nil:
		_, status = nhsnumber.ParseInt(v.Ints[place])
	default:
		_, status = nhsnumber.ParseFloat(v.Floats[place])
	}
	return status
}

// sampleColumns looks at the first records of every column.
func sampleAll(
	ctx context.Context,
	dataset formats.Dataset,
	missing []string,
	reader filter.Pseudonyms,
) ([]Sample, error) {
	samples := make([]Sample, len(dataset.Columns()))
	err := dataset.Sample(
		ctx,
		sampleRecords,
		func(column int, values *formats.Values) { samples[column].add(values, missing, reader) },
	)
	return samples, err
}

// SampledColumn is a column as a message shows it.
type Sampled struct {
	// Label is its name, or its number from 1 where the name might be data.
	Label string `json:"label"`
	Sample
	// Refused says why the format does not filter by it, "" where it does.
	Refused string `json:"refused,omitempty"`
}
