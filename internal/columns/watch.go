package columns

// The watch: while the records pass, every column that does not identify people is looked at for
// numbers of people who opted out. A sample cannot see a column that is blank for its first million
// records; no record may be written because of that.

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"noo/filter"
	"noo/formats"
	"noo/internal/nhsnumber"
	"noo/snapshot"
)

// WatchedColumn counts what the watch saw in a column. It has no value of a field.
type Watched struct {
	// Label is its name, or its number from 1 where the name might be data.
	Label string `json:"label"`
	// Allowed tells that it may hold numbers of people who opted out.
	Allowed bool `json:"allowed,omitempty"`
	// Refused says why the format does not filter by it, "" where it does.
	Refused string `json:"refused,omitempty"`
	// Numbers are the values of ten digits, by their first digit, that could be the number of
	// somebody who opted out: there are such people with that digit. Valid are those of them whose
	// check digit holds.
	Numbers [10]int64 `json:"numbers"`
	Valid   int64     `json:"valid"`
	// Values and Records are those that are written and hold the number of somebody who opted out.
	Values  int64 `json:"values"`
	Records int64 `json:"records"`
}

// add adds the counts of the same column of another file.
func (c *Watched) add(other *Watched) {
	for digit, n := range other.Numbers {
		c.Numbers[digit] += n
	}
	c.Valid += other.Valid
	c.Values += other.Values
	c.Records += other.Records
	c.Allowed = c.Allowed || other.Allowed
	c.Refused = cmp.Or(c.Refused, other.Refused)
}

// leaks reports whether the column holds more numbers of people who opted out than chance gives. A
// value of ten digits is by chance the number of somebody who opted out as often as there are such
// people among all values with its first digit; and where the column is seen to be one of NHS
// numbers, no number in it is there by chance.
func (c *Watched) leaks(people [10]uint64) bool {
	if c.Values == 0 || c.Allowed {
		return false
	}
	expected, all := 0.0, int64(0)
	for digit, n := range c.Numbers {
		expected += float64(n) * float64(people[digit]) / tenDigitValues
		all += n
	}
	return atLeast(c.Values, expected) < doubtful ||
		atLeastOf(c.Valid, all, validByChance) < unlikely
}

// watchBlock is how many numbers are looked up together.
const watchBlock = 2048

// watch implements formats.Watcher.
type watch struct {
	register filter.Register
	people   [10]uint64 // who opted out, by the first digit of their number
	scratch  sync.Pool  // of *watchScratch

	mutex   sync.Mutex
	columns []Watched
	own     []string // what each column is called itself, "" where that might be data
}

// watchScratch is the memory for a block of values.
type watchScratch struct {
	keys      [watchBlock]nhsnumber.Key
	places    [watchBlock]int32
	standings [watchBlock]snapshot.Standing
	held      int // of keys and places
	numbers   [10]int64
	valid     int64
	hits      []int32
}

// watchOver prepares a watch over columns.
func watchOver(register filter.Register, columns []Watched, own []string) *watch {
	w := &watch{register: register, people: register.PerFirstDigit(), columns: columns, own: own}
	w.scratch.New = func() any { return new(watchScratch) }
	return w
}

// Watch implements formats.Watcher.
func (w *watch) Watch(slot int, values *formats.Values, hits []int32) (_ []int32, name int) {
	s := w.begin(hits)
	name = -1
	place := int32(0)
	text := func(value []byte) {
		key, status, ten := nhsnumber.Whole(value)
		if ten {
			w.see(s, key, status, place, firstDigit(value))
		} else if name < 0 && nhsnumber.IsHeading(value) && !w.isOwn(slot, value) {
			name = int(place)
		}
		place++
	}
	for _, value := range values.Text {
		text(value)
	}
	for k := range values.Fixed {
		for i := range values.Fixed[k].Count {
			text(values.Fixed[k].At(i))
		}
	}
	for _, v := range values.Ints {
		w.seeInt(s, v, place)
		place++
	}
	for _, v := range values.Floats {
		if v >= leastNumber && v <= mostNumber && v == float64(int64(v)) {
			w.seeInt(s, int64(v), place)
		}
		place++
	}
	return w.end(s, slot), name
}

// The least and the largest number of ten digits.
const leastNumber, mostNumber = 1_000_000_000, 9_999_999_999

// seeInt looks at an integer.
func (w *watch) seeInt(s *watchScratch, v int64, place int32) {
	if v < leastNumber || v > mostNumber || w.people[v/leastNumber] == 0 {
		return
	}
	key, status := nhsnumber.ParseInt(v)
	w.see(s, key, status, place, int(v/leastNumber))
}

// firstDigit is that of a text that is one number.
func firstDigit(text []byte) int {
	for _, c := range text {
		if '0' <= c && c <= '9' {
			return int(c - '0')
		}
	}
	return 9 // of another script: the number tells
}

// WatchTens implements formats.Watcher.
func (w *watch) WatchTens(slot int, data []byte, starts []int32, hits []int32) []int32 {
	s := w.begin(hits)
	for place, start := range starts {
		digit := data[start] - '0'
		if digit > 9 || w.people[digit] == 0 {
			continue // nobody who opted out has such a number
		}
		key, status := nhsnumber.ParseTen(data[start:])
		w.see(s, key, status, int32(place), int(digit))
	}
	return w.end(s, slot)
}

func (w *watch) begin(hits []int32) *watchScratch {
	s := w.scratch.Get().(*watchScratch)
	s.held, s.numbers, s.valid, s.hits = 0, [10]int64{}, 0, hits
	return s
}

// see counts a number, and looks it up when enough of them have come together.
func (w *watch) see(
	s *watchScratch,
	key nhsnumber.Key,
	status nhsnumber.Status,
	place int32,
	digit int,
) {
	if status == nhsnumber.Valid {
		digit = int(key / 100_000_000)
		if w.people[digit] == 0 {
			return
		}
		s.valid++
		s.keys[s.held], s.places[s.held] = key, place
		s.held++
		if s.held == len(s.keys) {
			w.lookUp(s)
		}
	}
	if w.people[digit] > 0 {
		s.numbers[digit]++
	}
}

// lookUp looks up the numbers that were put together.
func (w *watch) lookUp(s *watchScratch) {
	w.register.LookUp(s.keys[:s.held], s.standings[:])
	for i, standing := range s.standings[:s.held] {
		if standing == snapshot.OptedOut {
			s.hits = append(s.hits, s.places[i])
		}
	}
	s.held = 0
}

// end looks up what is left, adds the counts to those of the column, and returns the hits.
func (w *watch) end(s *watchScratch, slot int) []int32 {
	w.lookUp(s)
	hits := s.hits
	s.hits = nil
	w.mutex.Lock()
	column := &w.columns[slot]
	for digit, n := range s.numbers {
		column.Numbers[digit] += n
	}
	column.Valid += s.valid
	w.mutex.Unlock()
	w.scratch.Put(s)
	return hits
}

// Count implements formats.Watcher.
func (w *watch) Count(slot int, values, records int) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.columns[slot].Values += int64(values)
	w.columns[slot].Records += int64(records)
}

// isOwn reports whether a value is what the column itself is called, as where names are repeated:
// no other table begins there. In an allowed column no name counts.
func (w *watch) isOwn(slot int, value []byte) bool {
	return w.columns[slot].Allowed ||
		w.own[slot] != "" && strings.TrimSpace(string(value)) == strings.TrimSpace(w.own[slot])
}

// WatchOthers prepares a watch over all columns that do not identify people. seen returns what it
// saw, when the Scan has returned.
func WatchOthers(
	columns []formats.Column,
	chosen Chosen,
	register filter.Register,
) (over *formats.Watch, seen func() []Watched) {
	labels, shown := columnLabels(columns), shownNames(columns)
	over = &formats.Watch{}
	var watched []Watched
	var own []string
	for i := range columns {
		if slices.Contains(chosen.Identifying, i) {
			continue
		}
		over.Columns = append(over.Columns, i)
		column := Watched{Label: labels[i], Allowed: slices.Contains(chosen.allowed, i)}
		if reason := columns[i].Refused; reason != nil {
			column.Refused = reason.Error()
		}
		watched = append(watched, column)
		own = append(own, shown[i])
	}
	watcher := watchOver(register, watched, own)
	for digit, people := range watcher.people {
		over.First[digit] = people > 0
	}
	over.Watcher = watcher
	return over, func() []Watched { return watcher.columns }
}

// OptedOutElsewhere returns the *PreflightError for columns that hold more numbers of people who
// opted out than chance gives, or nil. named are the labels of the identifying columns.
func OptedOutElsewhere(name string, watched []Watched, people [10]uint64, named []string) error {
	e := &PreflightError{Name: name, Err: ErrOptedOutElsewhere, Named: named}
	for _, column := range watched {
		if column.leaks(people) {
			e.Watched, e.Unnamed = append(e.Watched, column), append(e.Unnamed, column.Label)
			e.Refused = cmp.Or(e.Refused, column.Refused)
		}
	}
	if len(e.Watched) == 0 {
		return nil
	}
	return e
}
