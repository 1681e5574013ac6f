// Package fhir reads Consent resources of the national data opt-out, and says who has opted out.
//
// It reads FHIR STU3 (profile NDOP-Consent-1) and R4, as JSON or XML: a Bundle, an array, NDJSON as
// bulk export writes it, or one resource. Start with [NewRegister], read each file with
// [Register.Read], and take [Register.OptedOut]. Files of any size are read in parts: memory grows
// with the number of patients, and with nothing else.
//
// The latest Consent of a patient decides: by dateTime, then by meta.lastUpdated. "active" means
// opted out, and "inactive" means that the opt-out was withdrawn. A Consent that can be understood
// in two ways is refused. docs/fhir.md has every rule.
package fhir

import (
	"sync"
	"time"

	"noo/internal/nhsnumber"
	"noo/snapshot"
)

// Options say how Consents are read.
type Options struct {
	// SkipInvalid counts Consents that cannot be used, and goes on. A file that is damaged or
	// incomplete is refused all the same.
	SkipInvalid bool
	// Now is the time; a Consent may not come from the future.
	Now time.Time
}

// Tally counts what was read.
type Tally struct {
	// Consents are those that could be used, older ones of the same patient included.
	Consents uint64
	// Skipped are resources that could not be used.
	Skipped uint64
	// Messages are OperationOutcomes without an error: what a server said beside its answer.
	Messages uint64
	// Included are resources of other types that a search added to its result.
	Included uint64
}

func (t *Tally) add(other Tally) {
	t.Consents += other.Consents
	t.Skipped += other.Skipped
	t.Messages += other.Messages
	t.Included += other.Included
}

// Register is what Consents say of each patient. Its methods may be called by one goroutine at a
// time.
type Register struct {
	mutex  sync.Mutex // while the workers of Read add to it
	people map[nhsnumber.Key]rank
	tally  Tally
}

// NewRegister returns a Register without patients.
func NewRegister() *Register { return &Register{people: make(map[nhsnumber.Key]rank)} }

// rank orders the Consents of a patient: the highest decides. time is that of dateTime. updated is
// twice that of meta.lastUpdated, and 1 more if the Consent is active, so that opted out wins if
// all else is equal.
type rank struct{ time, updated int64 }

func (r rank) active() bool { return r.updated&1 != 0 }

func (r rank) below(other rank) bool {
	return r.time < other.time || r.time == other.time && r.updated < other.updated
}

// choice is what one Consent says of one patient.
type choice struct {
	key  nhsnumber.Key
	rank rank
}

// add joins what a part of a file said.
func (r *Register) add(choices []choice, tally Tally) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, c := range choices {
		if known, ok := r.people[c.key]; !ok || known.below(c.rank) {
			r.people[c.key] = c.rank
		}
	}
	r.tally.add(tally)
}

// Tally returns the counts of all that was read.
func (r *Register) Tally() Tally { return r.tally }

// OptedOut returns the patients whose latest Consent is active.
func (r *Register) OptedOut() *snapshot.Set { return r.set(rank.active) }

// Patients returns everyone who has a Consent.
func (r *Register) Patients() *snapshot.Set { return r.set(func(rank) bool { return true }) }

func (r *Register) set(belongs func(rank) bool) *snapshot.Set {
	const most = 1 << 16 // keys enter a set faster together
	set, some := snapshot.NewSet(), make([]nhsnumber.Key, 0, most)
	flush := func() {
		set.Union(snapshot.NewSet(some...))
		some = some[:0]
	}
	for key, latest := range r.people {
		if !belongs(latest) {
			continue
		}
		if some = append(some, key); len(some) == most {
			flush()
		}
	}
	flush()
	return set
}
