package mesh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"noo/internal/nhsnumber"
	"noo/mesh/control"
	"noo/snapshot"
)

// randomKeys draws different keys of numbers that are never issued, in ascending order.
func randomKeys(r *rand.Rand, n int) (keys []nhsnumber.Key) {
	seen := map[nhsnumber.Key]bool{}
	for len(keys) < n {
		key := 900_000_000 + nhsnumber.Key(r.IntN(100_000_000))
		if _, ok := nhsnumber.CheckDigit(key); ok && !seen[key] {
			seen[key] = true
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// lines are the lines of a list.
func lines(t testing.TB, keys []nhsnumber.Key) string {
	t.Helper()
	text, err := appendLines(nil, keys)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// newRequest writes a request with keys into a folder.
func newRequest(t testing.TB, keys []nhsnumber.Key, perPart int) string {
	t.Helper()
	folder := t.TempDir()
	numbers := new(Numbers)
	numbers.Add(keys...)
	r := &Request{
		Created: time.Now().UTC().Truncate(time.Second), Mailbox: "X26ABC1", To: "X26HC065",
		Workflow: Workflow,
	}
	sizes, err := r.Write(t.Context(), numbers, Plan{
		MaxBytes: int64(perPart * lineSize),
		Take:     func(int) (int, error) { return 1, nil },
		Path:     func(name string) (string, error) { return filepath.Join(folder, name), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(sizes) {
		t.Fatalf("%d files, %d sizes", len(entries), len(sizes))
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err != nil || info.Size() != sizes[entry.Name()] {
			t.Fatalf("%s has not the size that Write said", entry.Name())
		}
	}
	return folder
}

func TestNumbersAreASet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	keys := randomKeys(r, 5000)
	keys = append(keys, 1, 65_535, 65_536, nhsnumber.MaxKey)
	var n Numbers
	var workers sync.WaitGroup
	for range 4 {
		shuffled := slices.Clone(keys)
		r.Shuffle(len(shuffled), func(i, j int) {
			shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
		})
		workers.Go(func() { n.Add(shuffled...) })
	}
	workers.Wait()
	slices.Sort(keys)
	var got []nhsnumber.Key
	if err := n.Each(func(some []nhsnumber.Key) error { got = append(got, some...); return nil }); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, keys) || n.Len() != len(keys) {
		t.Fatalf("%d keys came back of %d", len(got), len(keys))
	}
	for _, key := range randomKeys(r, 1000) {
		if _, there := slices.BinarySearch(keys, key); n.Contains(key) != there {
			t.Fatal("Contains is wrong")
		}
	}
	if set := n.Set(); set.Len() != uint64(len(keys)) || !set.Contains(keys[7]) {
		t.Fatal("the set is another")
	}
	if added := n.Add(keys[0], 2); added != 1 {
		t.Fatalf("%d were new, want 1", added)
	}
	stop := errors.New("stop")
	if err := n.Each(func([]nhsnumber.Key) error { return stop }); err != stop {
		t.Fatalf("Each returned %v", err)
	}
}

// listLine is one line of a list, by another way than readList's.
var listLine = regexp.MustCompile(`^[0-9]{10},\r?\n$`)

// reference reads a list slowly; line is that of the first fault, from 1, 0 where there is none.
func reference(text string) (keys []nhsnumber.Key, line int64) {
	if text == "\n" || text == "\r\n" {
		return nil, 0 // an empty list
	}
	for one := range strings.Lines(text) {
		line++
		if !listLine.MatchString(one) {
			return keys, line
		}
		key, status := nhsnumber.Parse([]byte(one[:10]))
		if status != nhsnumber.Valid {
			return keys, line
		}
		keys = append(keys, key)
	}
	return keys, 0
}

// read reads a list, and gives the line of its fault.
func read(t testing.TB, r io.Reader) (keys []nhsnumber.Key, line int64) {
	t.Helper()
	err := readList(r, "list", func(first int64, some []nhsnumber.Key) error {
		if first != int64(len(keys))+1 {
			t.Fatalf("line %d, want %d", first, len(keys)+1)
		}
		keys = append(keys, some...)
		return nil
	})
	if fault, ok := errors.AsType[*ListError](err); ok {
		return keys, max(fault.Line, 1)
	} else if err != nil {
		t.Fatal(err)
	}
	return keys, 0
}

func TestListAgainstReference(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		text := lines(t, randomKeys(r, r.IntN(3*blockLines/2)))
		if r.IntN(3) == 0 {
			text = strings.ReplaceAll(text, "\n", "\r\n")
		}
		bytes := []byte(text)
		for range r.IntN(3) {
			if len(bytes) > 0 {
				bytes[r.IntN(len(bytes))] = "9876543210,\r\n x"[r.IntN(15)]
			}
		}
		if r.IntN(4) == 0 && len(bytes) > 0 {
			bytes = bytes[:r.IntN(len(bytes))]
		}
		compare(t, string(bytes), strings.NewReader(string(bytes)))
	}
}

// compare holds readList against the reference.
func compare(t *testing.T, text string, r io.Reader) {
	t.Helper()
	keys, line := reference(text)
	got, gotLine := read(t, r)
	if !slices.Equal(got, keys) || gotLine != line {
		t.Fatalf("%d keys and line %d, want %d and %d", len(got), gotLine, len(keys), line)
	}
}

func FuzzList(f *testing.F) {
	f.Add("9434765919,\n")
	f.Add("9434765919,\r\n9836044507,\n")
	f.Add(control.ServiceError + "\n")
	f.Add("9434765919")
	f.Add("\n")
	f.Add("\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		compare(t, text, iotest.OneByteReader(strings.NewReader(text)))
	})
}

func TestServiceError(t *testing.T) {
	for _, end := range []string{"", "\n", "\r\n", " \n"} {
		err := readList(strings.NewReader(control.ServiceError+end), "reply.dat", nil)
		if !errors.Is(err, ErrInvalidNumbers) {
			t.Errorf("%q gives %v", end, err)
		}
	}
}

// TestExchange draws requests, answers and opt-outs, and holds what comes out against a plain
// reckoning.
func TestExchange(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 60 {
		keys := randomKeys(r, 1+r.IntN(400))
		perPart := 1 + r.IntN(len(keys))
		folder := newRequest(t, keys, perPart)
		e, err := Open(t.Context(), folder)
		if err != nil {
			t.Fatal(err)
		}
		var optedOut, checked []nhsnumber.Key
		partial := r.IntN(2) == 0
		answered := 0
		for i := range e.Parts {
			part := keys[i*perPart : min((i+1)*perPart, len(keys))]
			if partial && r.IntN(3) == 0 {
				continue
			}
			answered++
			checked = append(checked, part...)
			var back []nhsnumber.Key
			for _, key := range part {
				if r.IntN(18) == 0 {
					optedOut = append(optedOut, key)
				} else {
					back = append(back, key)
				}
			}
			r.Shuffle(len(back), func(i, j int) { back[i], back[j] = back[j], back[i] })
			a := &Answer{Name: "answer", LocalID: e.Parts[i].LocalID}
			if len(back) > 0 && r.IntN(2) == 0 {
				a.LocalID = "" // the numbers tell
			}
			if err := e.Read(t.Context(), a, strings.NewReader(lines(t, back))); err != nil {
				t.Fatal(err)
			}
		}
		got, err := e.Collect(t.Context(), Rules{Now: time.Now(), MaxAge: time.Hour, Partial: partial})
		if answered == 0 {
			if !errors.Is(err, ErrNoAnswer) {
				t.Fatalf("no answer gives %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		want := snapshot.Sets{OptedOut: snapshot.NewSet(optedOut...), Checked: snapshot.NewSet(checked...)}
		if !same(got.Sets.OptedOut, want.OptedOut) || !same(got.Sets.Checked, want.Checked) {
			t.Fatal("the sets are not what came back")
		}
		if !got.Created.Equal(e.Created) || got.Answered != answered {
			t.Fatalf("created %v, answered %d", got.Created, got.Answered)
		}
	}
}

// same reports whether two sets are equal.
func same(a, b *snapshot.Set) bool { return a.Within(b) && b.Within(a) }

// exchangeOf is a request for 1,200 numbers in two parts, and the keys of each.
func exchangeOf(t *testing.T) (*Exchange, [][]nhsnumber.Key) {
	t.Helper()
	keys := randomKeys(rand.New(rand.NewPCG(7, 8)), 1200)
	e, err := Open(t.Context(), newRequest(t, keys, 700))
	if err != nil {
		t.Fatal(err)
	}
	return e, [][]nhsnumber.Key{keys[:700], keys[700:]}
}

// without are keys but for one of so many.
func without(keys []nhsnumber.Key, every int) (left []nhsnumber.Key) {
	for i, key := range keys {
		if i%every != 0 {
			left = append(left, key)
		}
	}
	return left
}

func TestAnswersThatAreRefused(t *testing.T) {
	type list struct {
		localID int // 1 or 2 for that of a part
		keys    []nhsnumber.Key
		made    time.Duration // ago
	}
	good := func(parts [][]nhsnumber.Key) []list {
		return []list{{1, without(parts[0], 20), 0}, {2, without(parts[1], 20), 0}}
	}
	for _, c := range []struct {
		name  string
		lists func(parts [][]nhsnumber.Key) []list
		rules Rules
		want  error
	}{
		{"good", good, Rules{}, nil},
		{"a part missing", func(p [][]nhsnumber.Key) []list { return good(p)[:1] }, Rules{}, ErrUnanswered},
		{"partial", func(p [][]nhsnumber.Key) []list { return good(p)[1:] }, Rules{Partial: true}, nil},
		{"none", func([][]nhsnumber.Key) []list { return nil }, Rules{Partial: true}, ErrNoAnswer},
		{"the same twice", func(p [][]nhsnumber.Key) []list { return append(good(p), good(p)[0]) }, Rules{}, nil},
		{
			"two for one part, one of them without a local id", func(p [][]nhsnumber.Key) []list {
				return append(good(p), list{0, without(p[0], 30), 0})
			}, Rules{}, ErrTwoAnswers,
		},
		{
			"as many for one part, but others", func(p [][]nhsnumber.Key) []list {
				return append(good(p), list{0, p[0][35:], 0})
			}, Rules{}, ErrTwoAnswers,
		},
		{
			"of another part", func(p [][]nhsnumber.Key) []list {
				return []list{{1, without(p[1], 20), 0}, {2, without(p[1], 20), 0}}
			}, Rules{}, ErrOtherPart,
		},
		{
			"of both parts", func(p [][]nhsnumber.Key) []list {
				return []list{{0, slices.Concat(p[0], p[1]), 0}}
			}, Rules{}, ErrOtherPart,
		},
		{"of another request", func(p [][]nhsnumber.Key) []list { return []list{{3, nil, 0}} }, Rules{}, ErrOtherPart},
		{"not sent", func([][]nhsnumber.Key) []list { return []list{{1, []nhsnumber.Key{1}, 0}} }, Rules{}, ErrNotSent},
		{"twice", func(p [][]nhsnumber.Key) []list { return []list{{1, []nhsnumber.Key{p[0][0], p[0][0]}, 0}} }, Rules{}, ErrTwice},
		{
			"empty", func(p [][]nhsnumber.Key) []list { return []list{good(p)[0], {2, nil, 0}} },
			Rules{}, ErrEmpty,
		},
		{
			"empty, without a local id", func(p [][]nhsnumber.Key) []list {
				return []list{good(p)[0], {0, nil, 0}}
			}, Rules{AllOptedOut: true}, nil,
		},
		{
			"two empty, without a local id", func(p [][]nhsnumber.Key) []list {
				return []list{{0, nil, 0}, {0, nil, 0}}
			}, Rules{AllOptedOut: true}, ErrWhichPart,
		},
		{
			"three answers to two parts", func(p [][]nhsnumber.Key) []list {
				return append(good(p), list{0, nil, 0})
			}, Rules{AllOptedOut: true}, ErrWhichPart,
		},
		{
			"everybody back", func(p [][]nhsnumber.Key) []list { return []list{{1, p[0], 0}, good(p)[1]} },
			Rules{}, ErrNobody,
		},
		{
			"everybody back, and said so", func(p [][]nhsnumber.Key) []list {
				return []list{{1, p[0], 0}, good(p)[1]}
			}, Rules{NoneOptedOut: true}, nil,
		},
		{
			"cut at a line", func(p [][]nhsnumber.Key) []list {
				return []list{good(p)[0], {2, without(p[1][:380], 20), 0}}
			}, Rules{}, ErrGap,
		},
		{
			"a piece lost", func(p [][]nhsnumber.Key) []list {
				return []list{{1, without(slices.Concat(p[0][:200], p[0][320:]), 20), 0}, good(p)[1]}
			}, Rules{}, ErrGap,
		},
		{
			"most opted out", func(p [][]nhsnumber.Key) []list {
				return []list{{1, p[0][:3], 0}, {2, p[1][:3], 0}}
			}, Rules{AllOptedOut: true}, nil,
		},
		{"from before", func(p [][]nhsnumber.Key) []list { return []list{{1, p[0][5:], time.Hour}} }, Rules{}, ErrBeforeRequest},
		{"too old", good, Rules{MaxAge: -time.Hour}, ErrTooOld},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, parts := exchangeOf(t)
			var err error
			for _, l := range c.lists(parts) {
				a := &Answer{Name: "answer"}
				switch l.localID {
				case 1, 2:
					a.LocalID = e.Parts[l.localID-1].LocalID
				case 3:
					a.LocalID = "of-another"
				}
				if l.made != 0 {
					a.Made = time.Now().Add(-l.made)
				}
				list := io.Reader(strings.NewReader(""))
				if len(l.keys) > 0 {
					list = bytes.NewReader(anyLines(l.keys))
				}
				if err = e.Read(t.Context(), a, list); err != nil {
					break
				}
			}
			if err == nil {
				c.rules.Now = time.Now()
				if c.rules.MaxAge == 0 {
					c.rules.MaxAge = time.Hour
				}
				_, err = e.Collect(t.Context(), c.rules)
			}
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err != nil && regexp.MustCompile(`[0-9]{9}`).MatchString(err.Error()) {
				t.Fatal("a number is in the error")
			}
		})
	}
}

// anyLines are the lines of a list, of keys that need not be those of numbers.
func anyLines(keys []nhsnumber.Key) (text []byte) {
	for _, key := range keys {
		digit, _ := nhsnumber.CheckDigit(key)
		text = fmt.Appendf(text, "%09d%d,\n", key, digit)
	}
	return text
}

// TestMadeWhenTheOldestWas: the time of the sets is that of the oldest answer.
func TestMadeWhenTheOldestWas(t *testing.T) {
	e, parts := exchangeOf(t)
	now := e.Created.Add(5 * time.Hour)
	for i, after := range []time.Duration{3 * time.Hour, 2 * time.Hour} {
		a := &Answer{Name: "answer", LocalID: e.Parts[i].LocalID, Made: e.Created.Add(after)}
		list := strings.NewReader(lines(t, without(parts[i], 20)))
		if err := e.Read(t.Context(), a, list); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ now, want time.Time }{
		{now, e.Created.Add(2 * time.Hour)},
		{e.Created.Add(time.Hour), e.Created.Add(time.Hour)}, // the clock of the service is ahead
	} {
		got, err := e.Collect(t.Context(), Rules{Now: c.now, MaxAge: 24 * time.Hour})
		if err != nil || !got.Created.Equal(c.want) {
			t.Fatalf("created %v, %v; want %v", got, err, c.want)
		}
	}
}

// TestSentTwice: if two answers to one part differ, only who is in both has not opted out.
func TestSentTwice(t *testing.T) {
	e, parts := exchangeOf(t)
	want := snapshot.NewSet()
	for i, part := range parts {
		for _, every := range []int{20, 33} {
			a := &Answer{Name: "answer", LocalID: e.Parts[i].LocalID}
			if every == 33 {
				a.Made = e.Created.Add(time.Hour)
			}
			list := strings.NewReader(lines(t, without(part, every)))
			if err := e.Read(t.Context(), a, list); err != nil {
				t.Fatal(err)
			}
			for at := 0; at < len(part); at += every {
				want.Add(part[at])
			}
		}
	}
	got, err := e.Collect(t.Context(), Rules{Now: e.Created.Add(2 * time.Hour), MaxAge: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if !same(got.Sets.OptedOut, want) || !got.Created.Equal(e.Created) {
		t.Fatalf("%d opted out, want %d; created %v", got.Sets.OptedOut.Len(), want.Len(), got.Created)
	}
}

// TestChangedRequest: what changed in the folder of a request is refused.
func TestChangedRequest(t *testing.T) {
	keys := randomKeys(rand.New(rand.NewPCG(9, 10)), 50)
	for _, c := range []struct {
		name   string
		change func(text []byte) []byte
		file   string
		want   error
	}{
		{"a number less", func(text []byte) []byte { return text[lineSize:] }, "dat", ErrPart},
		{"a byte less", func(text []byte) []byte { return text[:len(text)-1] }, "dat", ErrPart},
		{"another order", func(text []byte) []byte {
			return append(bytes.Clone(text[lineSize:2*lineSize]), append(text[:lineSize:lineSize], text[2*lineSize:]...)...)
		}, "dat", ErrPart},
		{"CRLF", func(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")) }, "dat", ErrPart},
		{"another count", func(text []byte) []byte {
			return bytes.ReplaceAll(text, []byte(`"numbers": 50`), []byte(`"numbers": 51`))
		}, "json", ErrRequest},
		{"another file", func(text []byte) []byte {
			return bytes.Replace(text, []byte(`"file": "`), []byte(`"file": "../`), 1)
		}, "json", ErrRequest},
		{"no JSON", func([]byte) []byte { return []byte("{") }, "json", ErrRequest},
		{"a field that nobody knows", func(text []byte) []byte {
			return bytes.Replace(text, []byte("{"), []byte(`{"more": 1,`), 1)
		}, "json", ErrRequest},
		{"as it was", func(text []byte) []byte { return text }, "json", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := newRequest(t, keys, 60)
			paths, err := filepath.Glob(filepath.Join(folder, "*."+c.file))
			if err != nil || len(paths) != 1 {
				t.Fatal(paths, err)
			}
			text, err := os.ReadFile(paths[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(paths[0], c.change(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(t.Context(), folder); !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
		})
	}
	if _, err := Open(t.Context(), t.TempDir()); !errors.Is(err, ErrNoRequest) {
		t.Fatalf("an empty folder gives %v", err)
	}
}

func TestTakeNumbersGivesEachOnce(t *testing.T) {
	state, at := t.TempDir(), time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	var mutex sync.Mutex
	taken := map[int]bool{}
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for range 10 {
				first, err := TakeNumbers(state, "X26ABC1", at, 3)
				mutex.Lock()
				for n := first; n < first+3; n++ {
					if err != nil || taken[n] {
						t.Errorf("%d was taken twice: %v", n, err)
					}
					taken[n] = true
				}
				mutex.Unlock()
			}
		})
	}
	workers.Wait()
	for _, other := range []struct {
		mailbox string
		at      time.Time
	}{{"X26ABC2", at}, {"X26ABC1", at.AddDate(0, 0, 1)}} {
		if first, err := TakeNumbers(state, other.mailbox, other.at, 1); first != 1 || err != nil {
			t.Errorf("%s begins with %d: %v", other.mailbox, first, err)
		}
	}
}

func TestSuspects(t *testing.T) {
	for key, suspect := range map[nhsnumber.Key]bool{
		400_000_000: false, 499_999_999: false, 600_000_000: false, 799_999_999: false,
		500_000_000: true, 800_000_000: true, 943_476_591: true, 0: true,
		10_100_000: false, 311_299_999: false, 320_000_001: true, 11_399_999: true,
		10_000_000: true, 399_999_999: true,
	} {
		if Suspect(key) != suspect {
			t.Errorf("%09d: suspect is %v", key, !suspect)
		}
	}
	standings := make([]snapshot.Standing, 2)
	Ranges{}.LookUp([]nhsnumber.Key{400_000_000, 943_476_591}, standings)
	if standings[0] != snapshot.Clear || standings[1] != snapshot.Unchecked {
		t.Error(standings)
	}
}

func TestWriteEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	folder := t.TempDir()
	numbers := new(Numbers)
	numbers.Add(943_476_591)
	r := &Request{Created: time.Now(), Mailbox: "X26ABC1", Workflow: Workflow}
	_, err := r.Write(ctx, numbers, Plan{
		Take: func(int) (int, error) { return 1, nil },
		Path: func(name string) (string, error) { return filepath.Join(folder, name), nil },
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func BenchmarkReadList(b *testing.B) {
	text := lines(b, randomKeys(rand.New(rand.NewPCG(1, 1)), 100_000))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if err := readList(strings.NewReader(text), "", func(int64, []nhsnumber.Key) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
