package filter

// The judge turns identifying values into verdicts and fates. It is what a format sees of this
// package, and knows no more of a record than the values that identify people.

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"noo/filter/link"
	"noo/formats"
	"noo/internal/nhsnumber"
	"noo/snapshot"
)

// Register answers which people have opted out: one opened snapshot or several.
type Register interface {
	// LookUp sets standings[i] for keys[i]. It is called from several goroutines.
	LookUp(keys []nhsnumber.Key, standings []snapshot.Standing)
	// PerFirstDigit returns how many people who opted out have a number that starts with each
	// digit.
	PerFirstDigit() [10]uint64
}

// Judge implements formats.Decider, and counts.
type Judge struct {
	register Register
	policy   Policy
	ranks    [verdicts]uint8
	fates    [verdicts]formats.Fate
	scratch  sync.Pool // of *scratch

	pseudonyms *pseudonyms // nil where the values are NHS numbers

	offenders      offenders
	refuseHeadings []int   // the slots of the columns in which a heading ends the run
	linked         *linked // nil where the records of a table are not linked

	missing []string // further texts for no number

	mutex   sync.Mutex
	lost    int64 // values in scientific notation that lost digits
	counts  [verdicts]int64
	records []int64 // records of each batch, by Seq
}

// NewJudge returns a Judge that counts from zero.
func NewJudge(register Register, policy Policy) *Judge {
	j := &Judge{register: register, policy: policy, ranks: policy.ranks()}
	j.scratch.New = func() any { return j.newScratch() }
	for v := range Verdict(verdicts) {
		j.fates[v] = policy.fate(v)
	}
	return j
}

// blockValues is how many values are read before they are looked up: what is noted of so many stays
// in the nearest cache, and they are enough for their waits for memory to overlap.
const blockValues = 2048

// scratch is the memory for the verdicts of a batch.
type scratch struct {
	keys      [blockValues]nhsnumber.Key     // of the block at hand
	standings [blockValues]snapshot.Standing // of the block at hand
	others    []int32                        // places in the block at hand
	values    []Verdict                      // by value
	records   []Verdict                      // by record

	missing []string // see Judge
	lost    int64    // see Judge, of the batch at hand
	texts   [][]byte // of a column of pseudonyms
	digits  []byte   // of a number that came as one
	slot    int      // of the identifying column at hand
	// Tells whether one person has opted out, or was not looked up and so may have.
	mayBeOut func(nhsnumber.Key) bool
	ids      link.Reader
	ranks    []uint8 // of ids
	// The place of the first value that is the name of a column of NHS numbers, or -1.
	name int
}

func (j *Judge) newScratch() *scratch {
	o := &scratch{missing: j.missing}
	var key [1]nhsnumber.Key
	var standing [1]snapshot.Standing
	o.mayBeOut = func(k nhsnumber.Key) bool {
		key[0] = k
		j.register.LookUp(key[:], standing[:])
		return standing[0] != snapshot.Clear
	}
	return o
}

// invalid is the verdict on the text in a place that is no NHS number; it remembers the first that
// is a name.
func (o *scratch) invalid(text []byte, place int) Verdict {
	if o.name < 0 && nhsnumber.IsHeading(text) {
		o.name = place
	}
	return o.invalidText(text)
}

// invalidText is the verdict on a text that is no NHS number.
func (o *scratch) invalidText(text []byte) Verdict {
	if nhsnumber.IsOneOf(text, o.missing) {
		return Missing
	}
	if nhsnumber.LostDigits(text) {
		o.lost++
	}
	if nhsnumber.Held(text, o.mayBeOut) {
		return disguised
	}
	return Invalid
}

// invalidInt is the verdict on an integer that is no NHS number.
func (o *scratch) invalidInt(v int64) Verdict {
	o.digits = strconv.AppendInt(o.digits[:0], v, 10)
	return o.invalidText(o.digits)
}

// invalidFloat is the verdict on a floating-point number that is no NHS number.
func (o *scratch) invalidFloat(v float64) Verdict {
	o.digits = strconv.AppendFloat(o.digits[:0], v, 'f', -1, 64)
	return o.invalidText(o.digits)
}

// grow returns a slice of length n in the memory of s where that is enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n+n/4)[:n]
	}
	return s[:n]
}

// stopped is a record that a Fail policy met: its place in a batch, from 0.
type stopped struct {
	seq, index int
	verdict    Verdict
}

func (s *stopped) Error() string {
	return "a record that the policy does not allow: " + s.verdict.String()
}

// HeadingError is the name of a column of NHS numbers among the values of an identifying column.
type HeadingError struct {
	// Slot is the place of the column among the identifying ones, from 0.
	Slot int
}

// Error says what was met, without the value.
func (*HeadingError) Error() string { return "the name of a column of NHS numbers among the records" }

// Holds reports whether a text that is part of no record holds, in whatever form, the number of
// somebody who opted out, or was not looked up; or the pseudonym, where there are pseudonyms.
func (j *Judge) Holds(text []byte) bool {
	o := j.scratch.Get().(*scratch)
	defer j.scratch.Put(o)
	return nhsnumber.Held(text, o.mayBeOut) || j.pseudonyms.holds(text, o.mayBeOut)
}

// Decide implements formats.Decider.
func (j *Judge) Decide(batch *formats.Batch, fates []formats.Fate) error {
	o := j.scratch.Get().(*scratch)
	defer j.scratch.Put(o)
	if err := j.judgeRecords(o, batch); err != nil {
		return err
	}
	return j.conclude(o, batch, j.fatesOf(o.records, fates))
}

// Verdicts is Decide for who wants to know the verdict on each record: it fills found, which has one
// entry a record. A record that is written nowhere, whatever the policy, is Invalid.
func (j *Judge) Verdicts(batch *formats.Batch, found []Verdict) error {
	o := j.scratch.Get().(*scratch)
	defer j.scratch.Put(o)
	if err := j.judgeRecords(o, batch); err != nil {
		return err
	}
	var counts [verdicts]int64
	for i, v := range o.records {
		counts[v]++
		if v == disguised {
			v = Invalid
		}
		found[i] = v
	}
	return j.conclude(o, batch, counts)
}

// judgeRecords sets the verdicts on the records of a batch.
func (j *Judge) judgeRecords(o *scratch, batch *formats.Batch) error {
	o.records, o.lost = grow(o.records, batch.Records), 0
	numbers, ids := j.linked.split(batch.Columns)
	for i := range numbers {
		o.name, o.slot = -1, i
		if err := j.judgeColumn(o, &numbers[i], i == 0); err != nil {
			return err
		}
		if o.name >= 0 && slices.Contains(j.refuseHeadings, i) {
			return &HeadingError{Slot: i}
		}
	}
	if ids == nil {
		return nil
	}
	j.linked.judgeIDs(o, ids)
	return j.joinColumn(o, ids, len(numbers) == 0)
}

// conclude counts the verdicts on the records of a batch, and returns an error if the policy fails
// on one.
func (j *Judge) conclude(o *scratch, batch *formats.Batch, counts [verdicts]int64) error {
	j.count(batch, counts, o.lost)
	j.noteOffenders(batch, counts, o.records)
	return j.stopAt(batch, counts, o.records)
}

// fatesOf sets the fates of records, and counts them by their verdicts. Neighbours, which mostly
// have the same verdict, are counted apart, so that no count waits for the one before.
func (j *Judge) fatesOf(records []Verdict, fates []formats.Fate) (counts [verdicts]int64) {
	var odd [verdicts]int64
	fates = fates[:len(records)]
	i := 0
	for ; i+2 <= len(records); i += 2 {
		v, w := records[i], records[i+1]
		counts[v]++
		odd[w]++
		fates[i], fates[i+1] = j.fates[v], j.fates[w]
	}
	for ; i < len(records); i++ {
		counts[records[i]]++
		fates[i] = j.fates[records[i]]
	}
	for v, n := range odd {
		counts[v] += n
	}
	return counts
}

// judgeColumn judges the values of one column, and joins the verdicts to those of the records.
func (j *Judge) judgeColumn(o *scratch, values *formats.Values, first bool) error {
	if len(values.Text) > 0 && len(values.Fixed) > 0 {
		return errors.New("internal error: values of two kinds: please report it")
	}
	j.judgeValues(o, values)
	return j.joinColumn(o, values, first)
}

// joinColumn joins the verdicts on the values of one column, in o.values, to those of the records.
func (j *Judge) joinColumn(o *scratch, values *formats.Values, first bool) error {
	if first && values.Index == nil && values.Ends == nil {
		if len(o.values) != len(o.records) {
			return fmt.Errorf(
				"internal error: %d values for %d records: please report it",
				len(o.values),
				len(o.records),
			)
		}
		o.records, o.values = o.values, o.records
		return nil
	}
	if first {
		for i := range o.records {
			o.records[i] = Missing
		}
	}
	occurrence := 0
	for i := range o.records {
		end := i + 1
		if values.Ends != nil {
			end = int(values.Ends[i])
		}
		for ; occurrence < end; occurrence++ {
			v := o.occurrence(values, occurrence)
			if j.ranks[v] > j.ranks[o.records[i]] {
				o.records[i] = v
			}
		}
	}
	return nil
}

// occurrence is the verdict on one occurrence of a value.
func (o *scratch) occurrence(values *formats.Values, i int) Verdict {
	if values.Index == nil {
		return o.values[i]
	}
	if place := values.Index[i]; place >= 0 {
		return o.values[place]
	}
	return Missing
}

// statusVerdicts are the verdicts that need no look-up; a valid number is looked up.
var statusVerdicts = [...]Verdict{
	nhsnumber.Invalid: Invalid,
	nhsnumber.Missing: Missing,
	nhsnumber.Valid:   Unchecked,
}

// standingVerdicts are the verdicts on valid numbers.
var standingVerdicts = [...]Verdict{
	snapshot.Unchecked: Unchecked,
	snapshot.Clear:     Kept,
	snapshot.OptedOut:  OptedOut,
}

// judgeValues sets the verdict on every value of a column, block by block.
func (j *Judge) judgeValues(o *scratch, values *formats.Values) {
	if j.pseudonyms != nil {
		j.judgePseudonyms(o, values)
		return
	}
	n := len(values.Text) + len(values.Ints) + len(values.Floats) // two of them are empty
	all := n
	for k := range values.Fixed {
		all += values.Fixed[k].Count
	}
	o.values = grow(o.values, all)
	for at := 0; at < n; at += blockValues {
		found := o.values[at:min(at+blockValues, n)]
		keys, standings := o.keys[:len(found)], o.standings[:len(found)]
		o.parseBlock(values, at, keys, found)
		j.resolve(keys, standings, found)
	}
	at := n
	for k := range values.Fixed {
		even := &values.Fixed[k]
		j.judgeFixed(o, even, at, o.values[at:at+even.Count])
		at += even.Count
	}
}

// parseBlock reads values from place at on, as many as there are keys. What is not a valid number
// gets key 0, which is looked up for nothing.
func (o *scratch) parseBlock(
	values *formats.Values,
	at int,
	keys []nhsnumber.Key,
	found []Verdict,
) {
	var status nhsnumber.Status
	switch {
	case len(values.Text) > 0:
		for i, text := range values.Text[at : at+len(keys)] {
			keys[i], status = nhsnumber.Parse(text)
			found[i] = statusVerdicts[status]
			if status == nhsnumber.Invalid {
				found[i] = o.invalid(text, at+i)
			}
		}
	case len(values.Ints) > 0:
		for i, v := range values.Ints[at : at+len(keys)] {
			keys[i], status = nhsnumber.ParseInt(v)
			found[i] = statusVerdicts[status]
			if status == nhsnumber.Invalid {
				found[i] = o.invalidInt(v)
			}
		}
	default:
		for i, v := range values.Floats[at : at+len(keys)] {
			keys[i], status = nhsnumber.ParseFloat(v)
			found[i] = statusVerdicts[status]
			if status == nhsnumber.Invalid {
				found[i] = o.invalidFloat(v)
			}
		}
	}
}

// parse is parseBlock for the text in one place.
func (o *scratch) parse(text []byte, place int) (nhsnumber.Key, Verdict) {
	key, status := nhsnumber.Parse(text)
	if status == nhsnumber.Invalid {
		return key, o.invalid(text, place)
	}
	return key, statusVerdicts[status]
}

// judgeFixed sets the verdicts on texts of one length, of which those of ten bytes mostly are plain
// numbers. The first of them has the place first among the values of the column.
func (j *Judge) judgeFixed(o *scratch, even *formats.FixedWidth, first int, found []Verdict) {
	for at := 0; at < even.Count; at += blockValues {
		found := found[at:min(at+blockValues, even.Count)]
		keys, standings := o.keys[:len(found)], o.standings[:len(found)]
		if even.Size != 10 {
			for i := range keys {
				keys[i], found[i] = o.parse(even.At(at+i), first+at+i)
			}
			j.resolve(keys, standings, found)
			continue
		}
		o.others = nhsnumber.ParseTens(
			keys,
			even.Data[even.Start+at*even.Stride:],
			even.Stride,
			o.others[:0],
		)
		j.register.LookUp(keys, standings)
		for i, standing := range standings {
			found[i] = standingVerdicts[standing]
		}
		for _, i := range o.others {
			keys[0], found[i] = o.parse(even.At(at+int(i)), first+at+int(i))
			j.resolve(keys[:1], standings[:1], found[i:i+1])
		}
	}
}

// resolve looks up keys, and turns the verdict on each valid number, which is Unchecked till then,
// into what the snapshot says.
func (j *Judge) resolve(keys []nhsnumber.Key, standings []snapshot.Standing, found []Verdict) {
	j.register.LookUp(keys, standings)
	for i, v := range found {
		if v == Unchecked {
			found[i] = standingVerdicts[standings[i]]
		}
	}
}

// count adds the counts of a batch.
func (j *Judge) count(batch *formats.Batch, counts [verdicts]int64, lost int64) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.lost += lost
	for v, n := range counts {
		j.counts[v] += n
	}
	for len(j.records) <= batch.Seq {
		j.records = append(j.records, 0)
	}
	j.records[batch.Seq] = int64(batch.Records)
}

// stopAt returns a *stopped for the first record of the batch that the policy fails on.
func (j *Judge) stopAt(batch *formats.Batch, counts [verdicts]int64, records []Verdict) error {
	failing := false
	for _, v := range []Verdict{Missing, Invalid, Unchecked, Unlinked} {
		failing = failing || counts[v] > 0 && j.policy.action(v) == Fail
	}
	failing = failing || counts[disguised] > 0 && j.policy.Invalid == Fail
	if !failing {
		return nil
	}
	for i, v := range records {
		if v != OptedOut && j.policy.action(v) == Fail {
			if v == disguised {
				v = Invalid
			}
			return &stopped{seq: batch.Seq, index: i, verdict: v}
		}
	}
	return nil
}

// NameOffenders has the first records that must not be disclosed remembered, as many as limit. It
// must be called before the first Decide.
func (j *Judge) NameOffenders(limit int) { j.offenders.limit = limit }

// CountMissing has further texts count as no number. None may be or hold a valid number, see
// nhsnumber.MayMean. It must be called before the first Decide.
func (j *Judge) CountMissing(texts []string) { j.missing = texts }

// LostDigits is the number of values in scientific notation of which digits are lost.
func (j *Judge) LostDigits() int64 {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.lost
}

// RefuseHeadings has Decide return a *HeadingError where the name of a column of NHS numbers is
// among the values of the identifying column in that slot. It must be called before the first
// Decide.
func (j *Judge) RefuseHeadings(slot int) { j.refuseHeadings = append(j.refuseHeadings, slot) }

// StoppedAt returns the record at which a Fail policy ended a Scan with err, if it did so.
func (j *Judge) StoppedAt(err error) (Offender, bool) {
	stop, ok := errors.AsType[*stopped](err)
	if !ok {
		return Offender{}, false
	}
	return Offender{Record: j.number(stop.seq, stop.index), Verdict: stop.verdict}, true
}

// Number gives a record its number in the input, from 1. All batches before its own must have been
// decided on.
func (j *Judge) number(seq, index int) int64 {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	n := int64(index) + 1
	for _, records := range j.records[:seq] {
		n += records
	}
	return n
}

// noteOffenders lets the records of a batch that must not be disclosed be remembered. A batch
// without any costs nothing.
func (j *Judge) noteOffenders(batch *formats.Batch, counts [verdicts]int64, records []Verdict) {
	if j.offenders.limit == 0 {
		return
	}
	offending := int64(0)
	for v, n := range counts {
		if j.fates[v] != formats.Keep {
			offending += n
		}
	}
	if offending > 0 {
		j.offenders.note(batch.Seq, records, &j.fates)
	}
}

// FirstOffenders numbers the offenders that were remembered. All batches must have been decided on.
func (j *Judge) FirstOffenders() []Offender {
	var first []Offender
	for _, p := range j.offenders.first {
		verdict := p.verdict
		if verdict == disguised {
			verdict = Invalid
		}
		first = append(first, Offender{Record: j.number(p.seq, p.index), Verdict: verdict})
	}
	return first
}

// Tally returns the counts so far.
func (j *Judge) Tally() Tally {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return newTally(j.counts, j.policy)
}
