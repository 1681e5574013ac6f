package mesh

// From the answers to the sets of a snapshot: whoever was sent and did not come back has opted out.

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"noo/internal/kind"
	"noo/internal/nhsnumber"
	"noo/snapshot"
)

// Reasons for which the answers to a request are refused, to test with errors.Is.
var (
	// ErrUnanswered is a part without an answer.
	ErrUnanswered = kind.New(kind.Input, "not answered yet")
	// ErrNoAnswer is a request of which no part has an answer.
	ErrNoAnswer = kind.New(kind.Input, "no answer to the request is there yet")
	// ErrTwoAnswers are two answers to one part that differ.
	ErrTwoAnswers = kind.New(kind.Input, "two answers to one part that are not the same")
	// ErrWhichPart is an answer of which nothing says to which part it belongs.
	ErrWhichPart = kind.New(
		kind.Input, "it may answer several parts: give it the name of its part, with .dat")
	// ErrOtherPart is an answer with numbers of more than one part, or of another part than it
	// says.
	ErrOtherPart = kind.New(kind.Input, "it has numbers of another part; get the answer again")
	// ErrTooOld is an answer that is older than the rules allow.
	ErrTooOld = kind.New(kind.Input, "it is too old to rely on")
	// ErrBeforeRequest is an answer from before the request was made.
	ErrBeforeRequest = kind.New(kind.Input, "it is older than the request: it answers another")
	// ErrGap are many numbers in a row that did not come back.
	ErrGap = kind.New(kind.Input, "came back: this looks like a list that lost a piece")
	// ErrEmpty is an answer without a number to a part of many.
	ErrEmpty = kind.New(kind.Input, "it is empty: everybody has opted out, or the check failed")
	// ErrNobody is an answer with all of very many numbers.
	ErrNobody = kind.New(
		kind.Input, "nobody has opted out in it: is it the list that was sent?")
	// ErrOwnPart is a part of the request where an answer is expected.
	ErrOwnPart = kind.New(
		kind.Input, "it is the list that was sent; name the list that came back")
)

// clockSlack is how far the clock of the service may be behind ours.
const clockSlack = 10 * time.Minute

// Answer is a list that came back.
type Answer struct {
	// Name is what messages call it.
	Name string
	// LocalID is that of the part that it answers, "" where nothing says so.
	LocalID string
	// Made is when it was made; zero where nothing says so. Then it counts as made when the request
	// was, which is never too late.
	Made time.Time

	numbers     Numbers
	count       int
	first, last nhsnumber.Key // the lowest and the highest
}

// Exchange is a request whose parts were read again, and the answers to it.
type Exchange struct {
	*Request
	folder string
	state  state
	sent   *Numbers
	spans  []span
	// By part; nil where there is none.
	answers []*Answer
	// Those of which only the others can tell which part they answer.
	loose []*Answer
}

// Open reads a request and its parts from its folder. The errors are those of ReadRequest, ErrPart,
// or what the file system said.
func Open(ctx context.Context, folder string) (*Exchange, error) {
	request, err := ReadRequest(folder)
	if err != nil {
		return nil, err
	}
	e := &Exchange{Request: request, folder: folder, answers: make([]*Answer, len(request.Parts))}
	if e.state, err = readState(folder); err != nil {
		return nil, err
	}
	e.sent, e.spans, err = request.sent(ctx, folder)
	return e, err
}

// Read reads the list of an answer, of which the other fields are set, and adds it to the exchange.
// A list that is refused is a *ListError; the other errors are those above. An error of r comes
// back as it is. The exchange is of no use after an error.
func (e *Exchange) Read(ctx context.Context, a *Answer, r io.Reader) error {
	part, err := e.readAnswer(ctx, a, r)
	if err != nil {
		return err
	}
	if part < 0 {
		e.loose = append(e.loose, a)
		return nil
	}
	return e.answer(part, a)
}

// readAnswer reads the list of an answer, and returns the part that it belongs to; -1 for an empty
// one of which only the others can tell.
func (e *Exchange) readAnswer(ctx context.Context, a *Answer, r io.Reader) (part int, err error) {
	if !a.Made.IsZero() && a.Made.Before(e.Created.Add(-clockSlack)) {
		return -1, &ListError{Name: a.Name, Err: ErrBeforeRequest}
	}
	err = readList(r, a.Name, func(line int64, keys []nhsnumber.Key) error {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		return e.take(a, line, keys)
	})
	if err != nil {
		return -1, err
	}
	part = e.partOf(a)
	switch {
	case part < 0 && (a.LocalID != "" || a.count > 0):
		return -1, &ListError{Name: a.Name, Err: ErrOtherPart}
	case part < 0 && len(e.Parts) == 1:
		return 0, nil
	case part < 0:
		return -1, nil
	}
	if s := e.spans[part]; a.count > 0 && (a.first < s.first || a.last > s.last) {
		return -1, &ListError{Name: a.Name, Err: ErrOtherPart}
	}
	return part, nil
}

// take adds keys of a list to its answer; the first of them is in the line given.
func (e *Exchange) take(a *Answer, line int64, keys []nhsnumber.Key) error {
	for i := range keys {
		if !e.sent.Contains(keys[i]) {
			return &ListError{a.Name, line + int64(i), ErrNotSent}
		}
		if a.numbers.Add(keys[i:i+1]...) == 0 {
			return &ListError{a.Name, line + int64(i), ErrTwice}
		}
		if a.count == 0 {
			a.first, a.last = keys[i], keys[i]
		}
		a.first, a.last = min(a.first, keys[i]), max(a.last, keys[i])
		a.count++
	}
	return nil
}

// partOf is the part that an answer says it belongs to, else the one that has its numbers, or -1.
func (e *Exchange) partOf(a *Answer) int {
	for i, part := range e.Parts {
		if a.LocalID != "" && part.LocalID == a.LocalID {
			return i
		}
	}
	for i, s := range e.spans {
		if a.LocalID == "" && a.count > 0 && a.first >= s.first && a.last <= s.last {
			return i
		}
	}
	return -1
}

// answer says that a is the answer to a part. A part can be answered twice: it was sent twice, if a
// process was killed after it put the part into a folder. Then only who is in both lists has not
// opted out, and the older one says when the answer was made.
func (e *Exchange) answer(part int, a *Answer) error {
	before := e.answers[part]
	if before == nil {
		e.answers[part] = a
		return nil
	}
	both := before.and(a, e.Created)
	if (a.LocalID == "" || before.LocalID == "") && (both.count != a.count || both.count != before.count) {
		return fmt.Errorf("%s, %s: %w", before.Name, a.Name, ErrTwoAnswers)
	}
	e.answers[part] = both
	return nil
}

// and is an answer with the numbers that are in both a and b.
func (a *Answer) and(b *Answer, request time.Time) *Answer {
	older := a
	if b.made(request).Before(a.made(request)) {
		older = b
	}
	both := &Answer{Name: a.Name, LocalID: a.LocalID, Made: older.Made}
	_ = a.numbers.Each(func(keys []nhsnumber.Key) error { // it returns what the function returns
		for i, key := range keys {
			if b.numbers.Contains(key) {
				both.count += both.numbers.Add(keys[i : i+1]...)
			}
		}
		return nil
	})
	return both
}

// made is when the answer was made at the earliest.
func (a *Answer) made(request time.Time) time.Time {
	if a.Made.IsZero() {
		return request
	}
	return a.Made
}

// Rules say which answers are good enough.
type Rules struct {
	// Now is the time to judge by.
	Now time.Time
	// MaxAge is the largest age of an answer.
	MaxAge time.Duration
	// Partial takes the parts that were answered, if only some were.
	Partial bool
	// AllOptedOut takes answers that lack many numbers in a row, or all of many.
	AllOptedOut bool
	// NoneOptedOut takes answers that have all of very many numbers.
	NoneOptedOut bool
}

// Checked is what the answers say.
type Checked struct {
	// Sets are who was looked up, and who of them has opted out.
	Sets snapshot.Sets
	// Created is when the oldest of the answers was made.
	Created time.Time
	// Answered counts the parts that were answered.
	Answered int
}

// Collect joins the answers. The errors are those above.
func (e *Exchange) Collect(ctx context.Context, rules Rules) (*Checked, error) {
	if err := e.placeLoose(); err != nil {
		return nil, err
	}
	checked, err := e.checkAnswers(rules)
	if err != nil {
		return nil, err
	}
	var gaps gaps
	optedOut, lookedUp := new(Numbers), new(Numbers)
	part := 0
	err = e.sent.Each(func(keys []nhsnumber.Key) error {
		for i, key := range keys {
			for key > e.spans[part].last {
				part++
			}
			a := e.answers[part]
			if a == nil {
				continue
			}
			lookedUp.Add(keys[i : i+1]...)
			back := a.numbers.Contains(key)
			if !back {
				optedOut.Add(keys[i : i+1]...)
			}
			gaps.see(part, back)
		}
		return context.Cause(ctx)
	})
	if err != nil {
		return nil, err
	}
	if gaps.doubtful() && !rules.AllOptedOut {
		return nil, fmt.Errorf("%s: none of %d numbers in a row %w",
			e.answers[gaps.longestPart].Name, gaps.longest, ErrGap)
	}
	checked.Sets = snapshot.Sets{OptedOut: optedOut.Set(), Checked: lookedUp.Set()}
	return checked, nil
}

// placeLoose gives an empty answer the one part that has none.
func (e *Exchange) placeLoose() error {
	for _, a := range e.loose {
		free := -1
		for i := range e.answers {
			if e.answers[i] == nil && free >= 0 {
				return &ListError{Name: a.Name, Err: ErrWhichPart}
			}
			if e.answers[i] == nil {
				free = i
			}
		}
		if free < 0 {
			return &ListError{Name: a.Name, Err: ErrWhichPart}
		}
		e.answers[free] = a
	}
	e.loose = nil
	return nil
}

// checkAnswers holds the answers against the rules.
func (e *Exchange) checkAnswers(rules Rules) (*Checked, error) {
	checked := new(Checked)
	for i, a := range e.answers {
		if a == nil {
			if !rules.Partial {
				return nil, fmt.Errorf("part %s: %w", e.Parts[i].File, ErrUnanswered)
			}
			continue
		}
		if err := rules.checkSize(e.Parts[i].Numbers, a.count); err != nil {
			return nil, &ListError{Name: a.Name, Err: err}
		}
		made := a.made(e.Created)
		if rules.Now.Sub(made) > rules.MaxAge {
			return nil, &ListError{Name: a.Name, Err: ErrTooOld}
		}
		if made.After(rules.Now) {
			made = rules.Now // the clock of the service is ahead of ours
		}
		if checked.Answered == 0 || made.Before(checked.Created) {
			checked.Created = made
		}
		checked.Answered++
	}
	if checked.Answered == 0 {
		return nil, ErrNoAnswer
	}
	return checked, nil
}

// checkSize refuses an answer with too few or too many of the numbers that were sent.
func (r *Rules) checkSize(sent, back int) error {
	switch {
	case back == 0 && sent > longestGap && !r.AllOptedOut:
		return ErrEmpty
	case back == sent && sent > mostWithoutAny && !r.NoneOptedOut:
		return ErrNobody
	}
	return nil
}

// mostWithoutAny is how many people may be sent of whom nobody has opted out. About 1 in 18 has, and
// 1 in 26 of the group with the fewest (DOMAIN.md: ECHILD discussion 53): among 600 people of that
// group, nobody has in less than one of ten thousand million.
const mostWithoutAny = 600

// longestGap is how many numbers in a row may be missing whatever the others say. It is also the
// size of a request whose answer may be empty.
const longestGap = 100

// unlikely is how often a longer gap may come by chance.
const unlikely = 1e-9

// gaps looks for the longest row of numbers that did not come back. A list that was cut short at the
// end of a line, or that lost a piece, is a good list otherwise, in which a whole row is missing.
type gaps struct {
	numbers, missing  int
	run, longest      int
	part, longestPart int
}

// see counts the next number of a part, and whether it came back.
func (g *gaps) see(part int, back bool) {
	g.numbers++
	if back || part != g.part {
		g.run, g.part = 0, part
	}
	if back {
		return
	}
	g.missing++
	g.run++
	if g.run > g.longest {
		g.longest, g.longestPart = g.run, part
	}
}

// doubtful reports whether the longest row is more than chance gives, among numbers of which as
// large a share has opted out as of those outside the row.
func (g *gaps) doubtful() bool {
	if g.longest <= longestGap {
		return false
	}
	others := float64(g.numbers - g.longest)
	share := (float64(g.missing-g.longest) + 1) / (others + 2)
	return math.Log(float64(g.numbers))+float64(g.longest)*math.Log(share) < math.Log(unlikely)
}
