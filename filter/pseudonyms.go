package filter

// Pseudonyms in the place of NHS numbers. Of each value the judge learns the key of the person, as
// of a number, and asks the register in the same way. A value that is no pseudonym may still hold
// a number or a pseudonym of somebody who opted out: then it is disguised.

import (
	"errors"
	"math"
	"math/bits"
	"sync/atomic"

	"noo/formats"
	"noo/internal/nhsnumber"
	"noo/snapshot"
)

// Pseudonyms tells of whom a pseudonym is. It is safe for concurrent use.
type Pseudonyms interface {
	// Read returns the key of the person whose pseudonym a text is, and nhsnumber.Valid. The key is
	// 0, which nobody has, for a pseudonym of somebody unknown.
	Read(text []byte) (nhsnumber.Key, nhsnumber.Status)
	// Held calls found for the key of every person whose pseudonym is somewhere in a text that is
	// none itself. It stops and returns true when found does.
	Held(text []byte, found func(nhsnumber.Key) bool) bool
}

// ErrKeepsStrange is a policy that would keep what is no pseudonym: a shortened pseudonym of
// somebody who opted out, or one in a form that nobody thought of.
var ErrKeepsStrange = errors.New("a value that is no pseudonym may be somebody's who opted out: " +
	"use withhold or fail")

// ValidatePseudonyms refuses a policy with which pseudonyms cannot be filtered.
func (p Policy) ValidatePseudonyms() error {
	if p.Invalid == Keep {
		return ErrKeepsStrange
	}
	return nil
}

// KeepsUnknown reports whether a register calls a person clear of whom it knows nothing, as a
// national snapshot does. Then a wrong secret of pseudonyms would keep everybody.
func KeepsUnknown(register Register) bool {
	var standing [1]snapshot.Standing
	register.LookUp([]nhsnumber.Key{0}, standing[:])
	return standing[0] == snapshot.Clear
}

// PseudonymTally counts the pseudonyms that a Judge has read in one identifying column.
type PseudonymTally struct {
	// Distinct is how many different ones there were at least. It is near the truth up to some ten
	// thousand, and never above 65,536.
	Distinct int `json:"distinct_at_least"`
	// Matched tells that one or more were of people whom the snapshot knows.
	Matched bool `json:"matched"`
}

// pseudonyms are the reader of a Judge, and what it read in each identifying column.
type pseudonyms struct {
	Pseudonyms
	columns []pseudonymsSeen
}

// pseudonymsSeen is what was read in one column.
type pseudonymsSeen struct {
	matched atomic.Bool
	bits    [1024]atomic.Uint64 // one for a part of the hash of each text
}

// ReadPseudonyms has the Judge take the values of the identifying columns, which are so many, for
// pseudonyms. It must be called before the first Decide.
func (j *Judge) ReadPseudonyms(reader Pseudonyms, columns int) {
	j.pseudonyms = &pseudonyms{Pseudonyms: reader, columns: make([]pseudonymsSeen, columns)}
}

// Pseudonyms returns the counts of pseudonyms so far, one for each identifying column; nil where
// the values are NHS numbers.
func (j *Judge) Pseudonyms() (tallies []PseudonymTally) {
	if j.pseudonyms == nil {
		return nil
	}
	for i := range j.pseudonyms.columns {
		seen := &j.pseudonyms.columns[i]
		tally := PseudonymTally{Matched: seen.matched.Load()}
		for k := range seen.bits {
			tally.Distinct += bits.OnesCount64(seen.bits[k].Load())
		}
		tallies = append(tallies, tally)
	}
	return tallies
}

// note counts a pseudonym. Most bits are set soon, and then nothing is written.
func (p *pseudonymsSeen) note(text []byte, key nhsnumber.Key) {
	if key != 0 && !p.matched.Load() {
		p.matched.Store(true)
	}
	hash := uint32(2166136261) // FNV-1a
	for _, c := range text {
		hash = (hash ^ uint32(c)) * 16777619
	}
	hash ^= hash >> 16
	word, bit := &p.bits[hash>>6&1023], uint64(1)<<(hash&63)
	if word.Load()&bit == 0 {
		word.Or(bit)
	}
}

// judgePseudonyms sets the verdict on every value of a column. No number is a pseudonym.
func (j *Judge) judgePseudonyms(o *scratch, values *formats.Values) {
	o.texts = append(o.texts[:0], values.Text...)
	for k := range values.Fixed {
		o.texts = values.Fixed[k].AppendTo(o.texts)
	}
	o.values = grow(o.values, len(o.texts)+len(values.Ints)+len(values.Floats))
	for at := 0; at < len(o.texts); at += blockValues {
		texts := o.texts[at:min(at+blockValues, len(o.texts))]
		j.judgeTexts(o, texts, at, o.values[at:at+len(texts)])
	}
	rest := o.values[len(o.texts):]
	for i, v := range values.Ints {
		rest[i] = o.invalidInt(v)
	}
	for i, v := range values.Floats {
		if rest[i] = Missing; !math.IsNaN(v) {
			rest[i] = o.invalidFloat(v)
		}
	}
}

// judgeTexts sets the verdicts on a block of texts, of which the first has the place first among
// the values of the column.
func (j *Judge) judgeTexts(o *scratch, texts [][]byte, first int, found []Verdict) {
	keys, standings := o.keys[:len(texts)], o.standings[:len(texts)]
	seen := &j.pseudonyms.columns[o.slot]
	for i, text := range texts {
		key, status := j.pseudonyms.Read(text)
		keys[i], found[i] = key, statusVerdicts[status]
		switch status {
		case nhsnumber.Valid:
			seen.note(text, key)
		case nhsnumber.Invalid:
			// A text that means that there is no number may hold a pseudonym all the same.
			if found[i] = o.invalid(text, first+i); j.pseudonyms.Held(text, o.mayBeOut) {
				found[i] = disguised
			}
		}
	}
	j.resolve(keys, standings, found)
}

// holds reports whether a text that is part of no record is, or has in it, the pseudonym of
// somebody who may have opted out. A nil *pseudonyms is for NHS numbers.
func (p *pseudonyms) holds(text []byte, mayBeOut func(nhsnumber.Key) bool) bool {
	if p == nil {
		return false
	}
	if key, _ := p.Read(text); key != 0 && mayBeOut(key) {
		return true
	}
	return p.Held(text, mayBeOut)
}
