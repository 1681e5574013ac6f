package filter

// Which records must not be disclosed: their numbers, for a person who has to look into them. Only
// the first few are remembered, and which these are does not depend on the order in which batches
// are decided on.

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"noo/formats"
)

// Offender is a record that must not be disclosed: by its number in the input, from 1, a header not
// counted.
type Offender struct {
	Record  int64   `json:"record"`
	Verdict Verdict `json:"verdict"`
}

// offenders remembers the first offending records of a scan, up to a limit.
type offenders struct {
	limit int

	mutex sync.Mutex
	first []place // in the order of the input
	// behind is, once there are as many as the limit, the first Seq whose batch can add none; 0
	// before.
	behind atomic.Int64
}

// place is where a record is before the batches ahead of its own have all been counted.
type place struct {
	seq, index int
	verdict    Verdict
}

// note remembers the offending records of a batch as far as they are among the first.
func (o *offenders) note(seq int, records []Verdict, fates *[verdicts]formats.Fate) {
	if behind := o.behind.Load(); behind > 0 && int64(seq) >= behind {
		return
	}
	found := make([]place, 0, o.limit)
	for i, v := range records {
		if fates[v] == formats.Keep {
			continue
		}
		if found = append(found, place{seq, i, v}); len(found) == o.limit {
			break
		}
	}
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.first = append(o.first, found...)
	slices.SortFunc(o.first, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.seq, b.seq), cmp.Compare(a.index, b.index))
	})
	if len(o.first) >= o.limit {
		o.first = o.first[:o.limit]
		o.behind.Store(int64(o.first[o.limit-1].seq) + 1)
	}
}
