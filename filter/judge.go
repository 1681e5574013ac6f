package filter

// The judge turns identifying values into verdicts and fates. It is what a format sees of this package, and knows no
// more of a record than the values that identify people.

import (
	"errors"
	"fmt"
	"sync"

	"noo/formats"
	"noo/internal/nhsnumber"
	"noo/snapshot"
)

// Register answers which people have opted out: an opened snapshot.
type Register interface {
	// LookUp sets standings[i] for keys[i]. It is called from several goroutines.
	LookUp(keys []nhsnumber.Key, standings []snapshot.Standing)
}

// judge implements formats.Decider, and counts.
type judge struct {
	register Register
	policy   Policy
	ranks    [verdicts]uint8
	fates    [verdicts]formats.Fate
	scratch  sync.Pool // of *opinion

	offenders offenders

	mutex   sync.Mutex
	counts  [verdicts]int64
	records []int64 // records of each batch, by Seq
}

func newJudge(register Register, policy Policy) *judge {
	j := &judge{register: register, policy: policy, ranks: policy.ranks()}
	j.scratch.New = func() any { return new(opinion) }
	for v := range Verdict(verdicts) {
		switch {
		case v == OptedOut:
			j.fates[v] = formats.Drop
		case policy.action(v) == Keep:
			j.fates[v] = formats.Keep
		default:
			j.fates[v] = formats.Withhold
		}
	}
	return j
}

// opinion is the memory for the verdicts of a batch.
type opinion struct {
	keys      []nhsnumber.Key
	standings []snapshot.Standing
	values    []Verdict // by value
	records   []Verdict // by record
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

// Decide implements formats.Decider.
func (j *judge) Decide(batch *formats.Batch, fates []formats.Fate) error {
	o := j.scratch.Get().(*opinion)
	defer j.scratch.Put(o)

	o.records = grow(o.records, batch.Records)
	for i := range batch.Columns {
		if err := j.judgeColumn(o, &batch.Columns[i], i == 0); err != nil {
			return err
		}
	}
	counts := j.fatesOf(o.records, fates)
	j.count(batch, counts)
	j.noteOffenders(batch, counts, o.records)
	return j.stopAt(batch, counts, o.records)
}

// fatesOf sets the fates of records, and counts them by their verdicts. Neighbours, which mostly have the same verdict, are counted apart,
// so that no count waits for the one before.
func (j *judge) fatesOf(records []Verdict, fates []formats.Fate) (counts [verdicts]int64) {
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

// judgeColumn joins the verdicts on the values of one column to those of the records.
func (j *judge) judgeColumn(o *opinion, values *formats.Values, first bool) error {
	if len(values.Text) > 0 && len(values.Even) > 0 {
		return errors.New("internal error: values of two kinds: please report it")
	}
	j.judgeValues(o, values)
	if first && values.Index == nil && values.Ends == nil {
		if len(o.values) != len(o.records) {
			return fmt.Errorf("internal error: %d values for %d records: please report it", len(o.values), len(o.records))
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
func (o *opinion) occurrence(values *formats.Values, i int) Verdict {
	if values.Index == nil {
		return o.values[i]
	}
	if place := values.Index[i]; place >= 0 {
		return o.values[place]
	}
	return Missing
}

// statusVerdicts are the verdicts that need no look-up; a valid number is looked up.
var statusVerdicts = [...]Verdict{nhsnumber.Invalid: Invalid, nhsnumber.Missing: Missing, nhsnumber.Valid: Unchecked}

// standingVerdicts are the verdicts on valid numbers.
var standingVerdicts = [...]Verdict{snapshot.Unchecked: Unchecked, snapshot.Clear: Kept, snapshot.OptedOut: OptedOut}

// judgeValues reads every value of a column, and then looks all of them up at once, so that the waits for memory
// overlap. What is not a valid number is looked up as key 0, and the answer not used.
func (j *judge) judgeValues(o *opinion, values *formats.Values) {
	n := len(values.Text) + len(values.Ints) + len(values.Floats)
	for i := range values.Even {
		n += values.Even[i].Count
	}
	o.keys, o.standings, o.values = grow(o.keys, n), grow(o.standings, n), grow(o.values, n)
	for i, text := range values.Text {
		key, status := nhsnumber.Parse(text)
		o.keys[i], o.values[i] = key, statusVerdicts[status]
	}
	at := 0
	for k := range values.Even {
		even := &values.Even[k]
		keys, found := o.keys[at:at+even.Count], o.values[at:at+even.Count]
		for i := range keys {
			key, status := nhsnumber.Parse(even.At(i))
			keys[i], found[i] = key, statusVerdicts[status]
		}
		at += even.Count
	}
	for i, v := range values.Ints {
		key, status := nhsnumber.ParseInt(v)
		o.keys[i], o.values[i] = key, statusVerdicts[status]
	}
	for i, v := range values.Floats {
		key, status := nhsnumber.ParseFloat(v)
		o.keys[i], o.values[i] = key, statusVerdicts[status]
	}
	j.register.LookUp(o.keys, o.standings)
	standings := o.standings[:len(o.values)]
	for i, v := range o.values {
		if v == Unchecked {
			o.values[i] = standingVerdicts[standings[i]]
		}
	}
}

// count adds the counts of a batch.
func (j *judge) count(batch *formats.Batch, counts [verdicts]int64) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	for v, n := range counts {
		j.counts[v] += n
	}
	for len(j.records) <= batch.Seq {
		j.records = append(j.records, 0)
	}
	j.records[batch.Seq] = int64(batch.Records)
}

// stopAt returns a *stopped for the first record of the batch that the policy fails on.
func (j *judge) stopAt(batch *formats.Batch, counts [verdicts]int64, records []Verdict) error {
	failing := false
	for _, v := range []Verdict{Missing, Invalid, Unchecked} {
		failing = failing || counts[v] > 0 && j.policy.action(v) == Fail
	}
	if !failing {
		return nil
	}
	for i, v := range records {
		if v != OptedOut && j.policy.action(v) == Fail {
			return &stopped{seq: batch.Seq, index: i, verdict: v}
		}
	}
	return nil
}

// number gives a record its number in the input, from 1. All batches before its own must have been decided on.
func (j *judge) number(seq, index int) int64 {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	n := int64(index) + 1
	for _, records := range j.records[:seq] {
		n += records
	}
	return n
}

// noteOffenders lets the records of a batch that must not be disclosed be remembered. A batch without any costs nothing.
func (j *judge) noteOffenders(batch *formats.Batch, counts [verdicts]int64, records []Verdict) {
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

// firstOffenders numbers the offenders that were remembered. All batches must have been decided on.
func (j *judge) firstOffenders() []Offender {
	var first []Offender
	for _, p := range j.offenders.first {
		first = append(first, Offender{Record: j.number(p.seq, p.index), Verdict: p.verdict})
	}
	return first
}

// tally returns the counts so far.
func (j *judge) tally() Tally {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return newTally(j.counts, j.policy)
}
