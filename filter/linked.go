package filter

// Tables that are linked by a local id: only some of them hold the NHS numbers, and what is found
// out about a person there decides on the records of the same local id in all tables. The tables
// with numbers are read twice: first a Gatherer notes the strictest verdict on each local id, then
// Judges that were told to Follow them decide on the records of every table.

import (
	"noo/filter/link"
	"noo/formats"
)

// LocalIDs are the verdicts on people by their local ids. It is safe for concurrent use; what a
// Gatherer notes must all be in before a Judge follows it.
type LocalIDs struct {
	ids      *link.IDs
	ranks    [verdicts]uint8
	verdicts [verdicts]Verdict // by rank
}

// NewLocalIDs returns the verdicts on nobody. The policy says which verdict on a local id is the
// strictest; Judges that follow have the same.
func NewLocalIDs(policy Policy) *LocalIDs {
	l := &LocalIDs{ids: link.New(), ranks: policy.ranks()}
	for verdict, rank := range l.ranks {
		l.verdicts[rank] = Verdict(verdict)
	}
	return l
}

// Len is how many local ids there are.
func (l *LocalIDs) Len() int { return l.ids.Len() }

// linked is what a Judge needs for a table that is linked. A nil *linked is for a table by itself.
type linked struct {
	people *LocalIDs
	// unknown is the verdict on a local id that is not among people, and unusable on one that may
	// be that of several.
	unknown, unusable Verdict
}

// split parts the columns of a batch into those of numbers and the last, that of the local ids,
// which is nil for a table by itself.
func (k *linked) split(columns []formats.Values) (numbers []formats.Values, ids *formats.Values) {
	if k == nil {
		return columns, nil
	}
	last := len(columns) - 1
	return columns[:last], &columns[last]
}

// judgeIDs sets the verdicts on the values of a column of local ids.
func (k *linked) judgeIDs(o *scratch, values *formats.Values) {
	o.ids.Set = k.people.ids
	ids := o.ids.Read(values)
	o.values, o.ranks = grow(o.values, len(ids)), grow(o.ranks, len(ids))
	k.people.ids.Ranks(ids, o.ranks)
	for i, id := range ids {
		switch {
		case o.ranks[i] != link.Absent:
			o.values[i] = k.people.verdicts[o.ranks[i]]
		case id == link.Missing:
			o.values[i] = Missing
		case id == link.Unusable:
			o.values[i] = k.unusable
		default:
			o.values[i] = k.unknown
		}
	}
}

// Follow has records decided on by their local ids too, which are in the last column that a Scan is
// given. In a table that has numbers, the stricter of both verdicts is a record's; a record without
// a local id goes by its number alone. In other tables a local id that is not among people, or may
// be that of several, makes a record Unlinked. So it does in a table with numbers that was not
// gathered as it is. Follow must be called before the first Decide.
func (j *Judge) Follow(people *LocalIDs, hasNumbers bool) {
	j.linked = &linked{people: people, unknown: Unlinked, unusable: Unlinked}
	if hasNumbers {
		j.linked.unusable = Missing
	}
}

// Gatherer is a formats.Decider that decides on nothing: it notes the verdict on each record, by
// the numbers in it, for the local ids in its last column. A Fail policy does not end it, since a
// later record may say who the person is.
type Gatherer struct {
	judge  *Judge
	people *LocalIDs
}

// NewGatherer returns a Gatherer that judges as judge does, which must not follow anybody.
func NewGatherer(judge *Judge, people *LocalIDs) *Gatherer { return &Gatherer{judge, people} }

// Decide implements formats.Decider.
func (g *Gatherer) Decide(batch *formats.Batch, _ []formats.Fate) error {
	o := g.judge.scratch.Get().(*scratch)
	defer g.judge.scratch.Put(o)

	last := len(batch.Columns) - 1
	numbers := *batch
	numbers.Columns = batch.Columns[:last]
	if err := g.judge.judgeRecords(o, &numbers); err != nil {
		return err
	}
	o.ids.Set = g.people.ids
	g.note(o.ids.Read(&batch.Columns[last]), &batch.Columns[last], o.records)
	return nil
}

// note raises the verdict on each local id in a batch to that on its record.
func (g *Gatherer) note(ids []link.ID, values *formats.Values, records []Verdict) {
	occurrence := 0
	for i, verdict := range records {
		end := i + 1
		if values.Ends != nil {
			end = int(values.Ends[i])
		}
		for ; occurrence < end; occurrence++ {
			place := occurrence
			if values.Index != nil {
				place = int(values.Index[occurrence])
			}
			if place >= 0 {
				g.people.ids.Raise(ids[place], g.people.ranks[verdict])
			}
		}
	}
}
